"""Parquet files put together from row groups of others, whose bytes are copied and not read.

A row group holds a stretch of a segment's rows. To take a few rows out, only the groups in which they lie have to be
written anew; all others are the same to the byte, and a footer says where each stands now. What a footer says is
Thrift's compact protocol (https://github.com/apache/parquet-format, parquet.thrift): it is read and written here as
plain fields, so that what this version of a writer says of its columns is kept, whatever it is.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from cxminute.model.errors import BrokenStore

_MAGIC: Final = b"PAR1"
_TAIL: Final = 8  # length of the footer, and the magic
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4  # fields of a file's footer
_COLUMNS, _GROUP_ROWS, _GROUP_AT, _ORDINAL = 1, 3, 5, 7  # of a row group
_CHUNK_AT, _META, _INDEXES = 2, 3, (4, 5, 6, 7)  # of a column in it; an index of its pages stands elsewhere
_SIZE, _DATA, _PAGES, _WORDS, _BLOOM, _BLOOM_SIZE = 7, 9, 10, 11, 14, 15  # of what is said of it
_COPY: Final = 1 << 20

Fields = dict[int, tuple[int, Any]]
"""A struct of Thrift's: by number of the field its type and value; a list is (type of its values, values)."""


@dataclass(frozen=True, slots=True)
class Footer:
    """What a Parquet file says of itself."""

    path: Path
    fields: Fields

    @property
    def groups(self) -> list[Fields]:
        """Its row groups, in order."""
        found: list[Fields] = self.fields[_GROUPS][1][1]
        return found

    @property
    def rows(self) -> list[int]:
        """How many rows each row group has."""
        return [group[_GROUP_ROWS][1] for group in self.groups]

    @property
    def schema(self) -> Any:
        """Its columns, as Thrift says them: groups may stand together where they are equal."""
        return self.fields[_SCHEMA]


def footer(path: Path) -> Footer:
    """The footer of a Parquet file; raises BrokenStore where it has none."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL, 0))
        tail = file.read(_TAIL)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or length > size - _TAIL:
            raise _damaged(path.name)
        file.seek(size - _TAIL - length)
        return Footer(path, _Reader(file.read(length)).struct())


def splice(parts: Sequence[tuple[Footer, Sequence[int]]], into: Path) -> None:
    """Writes a file of these row groups of these files, in this order; all have one schema.

    What stands in a file beside its row groups (an index of pages) is left out: nothing needs it.
    """
    first = parts[0][0]
    groups: list[Fields] = []
    with into.open("wb") as out:
        out.write(_MAGIC)
        for source, chosen in parts:
            with source.path.open("rb") as file:
                for place in chosen:
                    groups.append(_moved(source.groups[place], file, out, len(groups)))
        told = dict(first.fields)
        told[_ROWS] = (_I64, sum(group[_GROUP_ROWS][1] for group in groups))
        told[_GROUPS] = (_LIST, (_STRUCT, groups))
        said = _struct(told)
        out.write(said + len(said).to_bytes(4, "little") + _MAGIC)


# -- inside ------------------------------------------------------------------------------------------------------------


def _moved(group: Fields, file: BinaryIO, out: BinaryIO, ordinal: int) -> Fields:
    """Copies a row group's columns, and says where they stand now."""
    begins = out.tell()
    columns = [_column(column, file, out) for column in group[_COLUMNS][1][1]]
    moved = dict(group)
    moved[_COLUMNS] = (_LIST, (_STRUCT, columns))
    if _GROUP_AT in moved:
        moved[_GROUP_AT] = (_I64, begins)
    if _ORDINAL in moved:
        moved[_ORDINAL] = (_I16, ordinal)
    return moved


def _column(column: Fields, file: BinaryIO, out: BinaryIO) -> Fields:
    meta = dict(column[_META][1])
    places = {name: meta[name][1] for name in (_DATA, _PAGES, _WORDS) if name in meta and meta[name][1]}
    start = min(places.values())
    shift = out.tell() - start
    _copy(file, out, start, meta[_SIZE][1])
    for name, place in places.items():
        meta[name] = (_I64, place + shift)
    bloom, size = meta.pop(_BLOOM, None), meta.get(_BLOOM_SIZE)
    if bloom is not None and size is not None:
        meta[_BLOOM] = (_I64, out.tell())
        _copy(file, out, bloom[1], size[1])
    else:
        meta.pop(_BLOOM_SIZE, None)
    moved = {name: said for name, said in column.items() if name not in _INDEXES}
    moved[_META] = (_STRUCT, meta)
    if moved[_CHUNK_AT][1]:
        moved[_CHUNK_AT] = (_I64, moved[_CHUNK_AT][1] + shift)
    return moved


def _copy(file: BinaryIO, out: BinaryIO, start: int, length: int) -> None:
    file.seek(start)
    while length:
        some = file.read(min(length, _COPY))
        if not some:
            raise _damaged()
        out.write(some)
        length -= len(some)


def _damaged(name: str | None = None) -> BrokenStore:
    return BrokenStore("A segment of the log is damaged.", file=name, then="Nothing was changed: cxm doctor.")


class _Reader:
    """Thrift's compact protocol, read from bytes."""

    def __init__(self, said: bytes) -> None:
        self._said, self._at = said, 0

    def struct(self) -> Fields:
        """One struct, to its end."""
        found: Fields = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._whole()
            kind = head & 15
            found[number] = (kind, kind == _TRUE) if kind in (_TRUE, _FALSE) else (kind, self._value(kind))
        return found

    def _value(self, kind: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._whole()
        if kind == _BINARY:
            return self._take(self._varint())
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            head = self._byte()
            many = self._varint() if head >> 4 == 15 else head >> 4
            return head & 15, [self._value(head & 15) for _ in range(many)]
        if kind == _DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        raise _damaged()

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, many: int) -> bytes:
        self._at += many
        if self._at > len(self._said):
            raise _damaged()
        return self._said[self._at - many : self._at]

    def _varint(self) -> int:
        found = shift = 0
        while (byte := self._byte()) & 0x80:
            found |= (byte & 0x7F) << shift
            shift += 7
        return found | byte << shift

    def _whole(self) -> int:
        found = self._varint()
        return (found >> 1) ^ -(found & 1)


def _struct(fields: Fields) -> bytes:
    """A struct in the compact protocol, its fields in ascending order."""
    made = bytearray()
    before = 0
    for number, (kind, value) in sorted(fields.items()):
        told = (_TRUE if value else _FALSE) if kind in (_TRUE, _FALSE) else kind
        step = number - before
        made += bytes([step << 4 | told]) if 0 < step <= 15 else bytes([told]) + _zigzag(number)
        if kind not in (_TRUE, _FALSE):
            made += _encoded(kind, value)
        before = number
    return bytes(made) + b"\0"


def _encoded(kind: int, value: Any) -> bytes:
    if kind in (_I16, _I32, _I64):
        return _zigzag(value)
    if kind == _BINARY:
        return _varint(len(value)) + bytes(value)
    if kind == _STRUCT:
        return _struct(value)
    if kind in (_LIST, _SET):
        inner, values = value
        many = len(values)
        head = bytes([many << 4 | inner]) if many < 15 else bytes([0xF0 | inner]) + _varint(many)
        return head + b"".join(_encoded(inner, one) for one in values)
    return struct.pack("<d", value) if kind == _DOUBLE else bytes([value])


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _varint(value: int) -> bytes:
    return bytes(_septets(value))


def _septets(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
