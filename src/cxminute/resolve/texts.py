"""Edges between identifiers that are still text -> numbers, links and nodes: for tables that no vault has numbered.

Texts are compared as they stand: `guards.compared` puts columns into the form in which they are compared, first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.errors import WrongUse
from cxminute.resolve import numbering
from cxminute.resolve.guards import over_unique
from cxminute.resolve.kinds import Kind
from cxminute.resolve.links import EVENT, NO_KIND, Links, Nodes

_STRETCH: Final = 1 << 20
"""Rows that are numbered at once: the table of texts is made large enough for them before."""

Array = NDArray[Any]


class Texts:
    """Numbers for identifiers by kind and text, from 0, in order of first appearance; each of a kind once.

    kinds: in the order of the codes of identifiers; a kind that is not among them is none

    Holds each text once and about 40 bytes beside it. One thread at a time.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._codes = {name: code for code, name in enumerate(kinds)}
        self._size = 0
        self._held: dict[str, Array] = {
            "key": np.empty(1024, np.uint64),
            "start": np.empty(1024, np.int64),
            "bytes": np.empty(1 << 16, np.uint8),
        }
        self._table = np.full(4096, -1, np.int64)

    def __len__(self) -> int:
        """How many identifiers have a number."""
        return self._size

    def links(
        self,
        left_kind: pa.Array | pa.ChunkedArray | str,
        left: pa.Array | pa.ChunkedArray,
        right_kind: pa.Array | pa.ChunkedArray | str,
        right: pa.Array | pa.ChunkedArray,
        how: int | NDArray[np.uint8] = EVENT,
        at: int | NDArray[np.int64] = 0,
    ) -> tuple[Links, Nodes]:
        """Edges as links, and those of their ends that are new, numbered on from what was there before.

        left, right:           texts, row for row; rows with a null are left out
        left_kind, right_kind: names of kinds: a column, or one for all
        how, at:               as in `Links.of`, a column or one for all
        raises:                WrongUse where the columns differ in length
        """
        rows = len(left)
        sides = ((left_kind, left), (right_kind, right))
        if any(len(column) != rows for side in sides for column in side if not isinstance(column, str)):
            raise WrongUse("The columns of edges differ in length.")
        first = self._size
        numbers = [self.numbers(kind, values) for kind, values in sides]
        told = (numbers[0] >= 0) & (numbers[1] >= 0)
        whole = bool(told.all())
        ways, times = np.asarray(how, np.uint8), np.asarray(at, np.int64)
        ends = numbers if whole else [side[told] for side in numbers]
        columns = [column if whole or not column.ndim else column[told] for column in (ways, times)]
        starts = self._held["start"][first : self._size]
        kinds = self._held["bytes"][starts + (numbering.HEAD - 1)]
        return Links.of(*ends, *columns), Nodes(kinds, self._held["key"][first : self._size].copy())

    def numbers(self, kind: pa.Array | pa.ChunkedArray | str, values: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """The number of each text of a column, new numbers for new ones; -1 for null."""
        codes = self._coded(kind, len(values))
        found = np.full(len(values), -1, np.int64)
        place = 0
        for part in _parts(values):
            self._make_room(part)
            there = _there(part)
            letters, offsets = _letters(part)
            held = self._held
            self._size = numbering.number(
                letters,
                offsets,
                there,
                codes[place : place + len(part)],
                self._size,
                self._written,
                self._table,
                held["bytes"],
                held["key"],
                held["start"],
                found[place : place + len(part)],
            )
            place += len(part)
        return found

    def text(self, number: int) -> str:
        """The text of an identifier."""
        if not 0 <= number < self._size:
            raise WrongUse(f"There is no identifier {number}.", allowed=f"numbers below {self._size}")
        first = int(self._held["start"][number]) + numbering.HEAD
        return self._held["bytes"][first : self._end(number)].tobytes().decode()

    @property
    def _written(self) -> int:
        return self._end(self._size - 1) if self._size else 0

    def _end(self, number: int) -> int:
        """Where what is held of an identifier ends."""
        start = int(self._held["start"][number])
        return start + numbering.HEAD + int(numbering.four(self._held["bytes"], start + 4))

    def _coded(self, kind: pa.Array | pa.ChunkedArray | str, rows: int) -> NDArray[np.uint8]:
        if isinstance(kind, str):
            return np.full(rows, self._codes.get(kind, NO_KIND), np.uint8)
        coded = over_unique(kind, lambda name: self._codes.get(name, NO_KIND), pa.uint8())
        return np.ascontiguousarray(pc.fill_null(coded, NO_KIND).to_numpy(zero_copy_only=False), np.uint8)

    def _make_room(self, part: pa.Array) -> None:
        held, most = self._held, self._size + len(part)
        letters = self._written + _bytes(part) + numbering.HEAD * len(part)
        for name, wanted in (("key", most), ("start", most), ("bytes", letters)):
            if wanted > held[name].size:
                wider = np.empty(max(wanted, held[name].size * 3 // 2), held[name].dtype)
                wider[: held[name].size] = held[name]
                held[name] = wider
        if 2 * most > self._table.size:
            self._table = np.full(1 << (2 * most - 1).bit_length(), -1, np.int64)
            numbering.refill(held["key"], held["start"], self._size, self._table)


def _parts(values: pa.Array | pa.ChunkedArray) -> Iterator[pa.Array]:
    """A column as texts with 64-bit offsets, in stretches."""
    for chunk in values.chunks if isinstance(values, pa.ChunkedArray) else [values]:
        for start in range(0, len(chunk), _STRETCH):
            yield chunk.slice(start, _STRETCH).cast(pa.large_string())


def _there(part: pa.Array) -> NDArray[np.uint8]:
    return np.ascontiguousarray(part.is_valid().to_numpy(zero_copy_only=False), np.uint8)


def _letters(part: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    _, offsets, letters = part.buffers()
    starts = np.frombuffer(offsets, np.int64)[part.offset : part.offset + len(part) + 1]
    return np.frombuffer(letters, np.uint8) if letters is not None else np.empty(0, np.uint8), starts


def _bytes(part: pa.Array) -> int:
    _, offsets = _letters(part)
    return int(offsets[-1] - offsets[0]) if offsets.size else 0
