"""Rows of a file on their way to becoming events: chunks of a fixed number of rows, each row with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.rejects import none
from cxminute.collect.source import Source
from cxminute.collect.values import plain, written


@dataclass(frozen=True, slots=True)
class Rows:
    """A chunk of a file: the caller's number of source rows (fewer in the last), parsed or set apart.

    table:     the rows that could be parsed, a column per column of the file
    first:     place of the chunk's first row in the file, from 0, headers and blank lines not counted
    rejects:   REJECT table of those that could not; position -1 where the file itself is at fault
    positions: place of each row of the table in the file
    lines:     NDJSON and the door: the raw lines, or items as they were sent: what a reject keeps
    rest:      NDJSON and the door: JSON text of what the mapping does not name, null where nothing is left
    covers:    how many rows of the file it covers, where these are not the table's and the rejects'
    stale:     rows that were left out, since something newer of the same is known
    changed:   of records by key, when their sender last changed them, UTC ms
    """

    table: pa.Table
    first: int
    rejects: pa.Table
    positions: NDArray[np.int64]
    lines: Sequence[str] | None = None
    rest: pa.Array | None = None
    covers: int | None = None
    stale: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows of the file the chunk covers, parsed or not."""
        if self.covers is not None:
            return self.covers
        return int(self.table.num_rows) + int(np.count_nonzero(self.rejects["position"].to_numpy() >= 0))

    def texts(self, places: NDArray[np.int64]) -> list[str]:
        """The whole rows at these places of the table, as a reject keeps them.

        Raw lines where the reader kept them; else JSON, each cell so that it reads back as the same: numbers and flags
        as they are, all else as text.
        """
        if self.lines is not None:
            return [self.lines[place] for place in places.tolist()]
        said = []
        for name in self.table.column_names:
            array = plain(self.table[name]).take(pa.array(places))
            bare = pa.types.is_integer(array.type) or pa.types.is_boolean(array.type)
            bare = bare or (pa.types.is_float64(array.type) and pc.all(pc.is_finite(array)).as_py())
            said.append((array if bare else written(array)).to_pylist())
        names = self.table.column_names
        return [msgspec.json.encode(dict(zip(names, row, strict=True))).decode() for row in zip(*said, strict=True)]


def of_tables(tables: Iterable[pa.Table], source: Source, *, file: str | None = None) -> Iterator[Rows]:
    """Chunks from tables that a typed format (Parquet, Excel, a database) gave, cut by its reader.

    raises: UnknownName for a column that the mapping needs and the file does not have
    """
    first = 0
    for table in tables:
        named = table.rename_columns(unique(table.column_names))
        if first == 0:
            source.check_columns(tuple(named.column_names), file=file)
        if named.num_rows:
            yield of_table(named, first)
        first += table.num_rows


def of_table(table: pa.Table, first: int = 0) -> Rows:
    """One chunk in which every row could be parsed."""
    return Rows(table, first, none(), np.arange(first, first + table.num_rows, dtype=np.int64))


def unique(names: list[str]) -> list[str]:
    """Column names made unique: a name again is 'name (2)', none at all is 'column 3'."""
    made: dict[str, None] = {}
    for ordinal, name in enumerate(names, start=1):
        base = name.strip() or f"column {ordinal}"
        chosen, count = base, 1
        while chosen in made:
            count += 1
            chosen = f"{base} ({count})"
        made[chosen] = None
    return list(made)
