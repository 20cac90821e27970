"""NDJSON: one JSON object a line, flattened to dotted paths. A bad line is set apart, the rest goes in.

A path of the mapping (`properties.total`) is looked up as a key written so, then step by step. What the mapping does
not name goes on as `rest`. Columns take their type from their values; where these are unlike, the column is text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Final

import msgspec
import numpy as np
import pyarrow as pa

from cxminute.collect.compressed import damage_of, nothing_in
from cxminute.collect.rejects import Rejects
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source
from cxminute.collect.values import as_text
from cxminute.model.errors import UnknownName

DEEPEST: Final = 32
"""Objects and lists within one another that a line may have: deeper ones cost databases seconds a row."""
LONGEST_LINE: Final = 1 << 22
"""Bytes of a line, above which it is `line_too_long`."""

_BRACKETS: Final = (b"{", b"[")
_LONG_NUMBER: Final = re.compile(rb"[0-9]{309}")
_ESCAPED_NUL: Final = re.compile(rb"\\u0000|\0")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_DECODER: Final = msgspec.json.Decoder()
_encode: Final = msgspec.json.Encoder().encode
_MARK: Final = b"\xef\xbb\xbf"

Object = dict[str, object]


def read(file: BinaryIO, source: Source, *, name: str, size: int) -> Iterator[Rows]:
    """Chunks of exactly `size` lines (the last one fewer); blank lines are no rows.

    file:   plain bytes (compressed.open_compressed), at their start
    name:   the file as people know it, for messages
    raises: BadData for an empty file; UnknownName for a column of a key or time that no line of the first chunk has
    """
    lines = _lines(file)
    first, number = 0, 0
    held: list[tuple[int, bytes]] = []
    for line in lines:
        number += 1
        if line.strip():
            held.append((number, line))
        if len(held) == size:
            rows = _rows(held, source, first)
            _check(rows, source, name, first)
            yield rows
            first, held = first + size, []
    damage = damage_of(file)
    if not first and not held:
        raise nothing_in(file, name, "one JSON object a line")
    broken = held.pop()[1] if damage and held and not held[-1][1].endswith(b"\n") else b""
    rows = _rows(held, source, first)
    if damage:
        rejects = Rejects(source.name)
        rejects.add(-1, damage, f"{name} ends after line {number}; the lines before it went in.", _shown(broken))
        rows = Rows(
            rows.table,
            first,
            pa.concat_tables([rejects.table(), rows.rejects]),
            rows.positions,
            rows.lines,
            rows.rest,
        )
    if held or damage:
        _check(rows, source, name, first)
        yield rows


def of_lines(
    lines: Sequence[bytes], positions: Iterable[int], source: Source, *, first: int, numbers: Iterable[int] = ()
) -> Rows:
    """Rows of lines at their positions; `numbers` are their line numbers, for the details of rejects.

    Of an ndjson source, columns are the paths that the mapping names; of another, whose rejects these are, all keys.
    One line is an object at a time: the garbage collector looks at every object that is alive, again and again.
    """
    nested = source.format == "ndjson"
    rejects = Rejects(source.name)
    columns: dict[str, list[object]] = {column: [] for column in source.columns} if nested else {}
    flat = [(path, cells.append) for path, cells in columns.items() if "." not in path]
    deep = [(path, cells.append) for path, cells in columns.items() if "." in path]
    rest: list[str | None] = []
    kept: list[int] = []
    texts: list[str] = []
    for line, position, number in zip(lines, positions, numbers or positions, strict=True):
        reason, found = decoded(line)
        if reason:
            rejects.add(position, reason, f"Line {number}: {_DETAILS[reason]}", _shown(line))
            continue
        if nested:
            for path, keep in flat:
                keep(found.pop(path, None))
            for path, keep in deep:
                keep(_taken(found, path))
            rest.append(_encode(found).decode() if found else None)
        else:
            for key in found:
                columns.setdefault(key, [None] * len(kept))
            for key, cells in columns.items():
                cells.append(found.get(key))
        kept.append(position)
        texts.append(line.decode().strip())
    wanted = columns or {column: [] for column in source.columns}
    table = pa.Table.from_arrays([_column(cells) for cells in wanted.values()], names=list(wanted))
    places = np.array(kept, dtype=np.int64)
    if not nested:
        return Rows(table, first, rejects.table(), places)
    return Rows(table, first, rejects.table(), places, tuple(texts), pa.array(rest, pa.string()))


_DETAILS: Final = {
    "wrong_encoding": "the line is not UTF-8.",
    "bad_json": "the line is not JSON.",
    "not_an_object": "JSON, but no object in { }.",
    "too_deep": f"objects and lists lie more than {DEEPEST} deep.",
    "nul_character": "a text holds the character NUL.",
    "lone_surrogate": "half of a UTF-16 pair stands alone.",
    "number_too_large": "a number is larger than a float64 can be.",
    "line_too_long": f"{LONGEST_LINE} bytes or more.",
}


def _rows(held: list[tuple[int, bytes]], source: Source, first: int) -> Rows:
    places = range(first, first + len(held))
    return of_lines([line for _, line in held], places, source, first=first, numbers=[number for number, _ in held])


def _lines(file: BinaryIO) -> Iterator[bytes]:
    begun = False
    for line in iter(partial(file.readline, LONGEST_LINE), b""):
        piece = line
        while len(piece) == LONGEST_LINE and not piece.endswith(b"\n"):
            piece = file.readline(LONGEST_LINE)  # what is longer is skipped: the line is refused by its length
        yield line if begun else line.removeprefix(_MARK)
        begun = True


def decoded(line: bytes) -> tuple[str, Object]:
    """(reason, nothing) or ('', the object)."""
    if reason := _doubtful(line):
        return reason, {}
    try:
        found = _DECODER.decode(line)
    except (RecursionError, UnicodeDecodeError, msgspec.DecodeError) as fault:
        return _broken(line, fault), {}
    if not isinstance(found, dict):
        return "not_an_object", {}
    if sum(line.count(bracket) for bracket in _BRACKETS) > DEEPEST and _depth(found) > DEEPEST:
        return "too_deep", {}
    if len(line) > 309 and _LONG_NUMBER.search(line) and _has_wild_number(found):
        return "number_too_large", {}
    return "", found


def _broken(line: bytes, fault: Exception) -> str:
    if isinstance(fault, RecursionError):
        return "too_deep"
    if isinstance(fault, UnicodeDecodeError):
        return "wrong_encoding"
    if "out of range" in str(fault):
        return "number_too_large"
    return "lone_surrogate" if _SURROGATE.search(line) else "bad_json"


def _doubtful(line: bytes) -> str:
    if len(line) >= LONGEST_LINE:
        return "line_too_long"
    if not line.isascii():
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return "wrong_encoding"
    if (b"\\u0000" in line or b"\0" in line) and _ESCAPED_NUL.search(line.replace(b"\\\\", b"")):
        return "nul_character"
    return ""


def _depth(found: object) -> int:
    deepest, level = 0, [found]
    while level:
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]
        deepest += 1
    return deepest - 1


def _inside(outer: dict[str, object] | list[object]) -> Iterable[object]:
    return outer.values() if isinstance(outer, dict) else outer


def _has_wild_number(found: object) -> bool:
    if isinstance(found, dict | list):
        return any(_has_wild_number(inner) for inner in _inside(found))
    if isinstance(found, float):
        return not math.isfinite(found)
    return isinstance(found, int) and abs(found) > 10**308


def _taken(row: Object, path: str) -> object:
    """The value at a dotted path, taken out of the row; an object left empty goes with it."""
    if path in row or "." not in path:
        return row.pop(path, None)
    head, _, tail = path.partition(".")
    inner = row.get(head)
    if not isinstance(inner, dict):
        return None
    found = _taken(inner, tail)
    if not inner:
        del row[head]
    return found


def _column(values: list[object]) -> pa.Array:
    """A column typed by its values; text where they are unlike, or where a float64 would change a whole number."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds & {dict, list}:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass
    return pa.array([None if value is None else as_text(value) for value in values], pa.string())


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").rstrip("\r\n")


def _check(rows: Rows, source: Source, name: str, first: int) -> None:
    """A key or time that no line of the first chunk has is a wrong name, not an absent value."""
    if first or not rows.table.num_rows:
        return
    empty = {column for column in source.columns if rows.table[column].null_count == rows.table.num_rows}
    times = {rule.at for rule in source.rules}
    wrong = [column for column in source.key if column in empty] + (sorted(times) if times <= empty else [])
    if wrong:
        raise UnknownName("column", wrong[0], _paths(rows), file=name)


def _paths(rows: Rows) -> set[str]:
    """Dotted paths that the first lines hold."""
    found: set[str] = set()

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict) and path.count(".") < DEEPEST:
            for key, inner in value.items():
                walk(inner, f"{path}.{key}" if path else key)
        else:
            found.add(path)

    for line in (rows.lines or ())[:100]:
        walk(_DECODER.decode(line), "")
    return found
