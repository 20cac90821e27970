"""What came through the door on its way to the log: read, received, planned, resolved, split from what is personal.

The worker brings stretches of the inbox this way, and a replay brings what lay in quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
import pyarrow as pa

from cxminute.app.collecting import judged, prepare
from cxminute.app.project import Project
from cxminute.collect.calls.reading import ReadCalls
from cxminute.collect.rejects import in_order, none, rejected
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source
from cxminute.model.tables import EVENT
from cxminute.store.log import Chunk


def arriving(project: Project, source: Source, rows: Rows, replayed: tuple[int, ...] = ()) -> Chunk:
    """Items as the log takes them; what repeats is judged there."""
    received = judged(project, source, rows, None)
    return prepare(project, received, project.definitions.contracts[source.name], replayed)


def set_apart(source: str, rows: Rows, reason: str, detail: str) -> Chunk:
    """Every one of the items in quarantine, whole; those that had a reason of their own keep it."""
    texts = list(rows.lines or ())
    more = rejected(source, rows.positions.tolist(), [reason] * len(texts), [detail] * len(texts), texts)
    events = EVENT.empty_table().append_column(pa.field("profile", pa.int64()), pa.array([], pa.int64()))
    return Chunk(events, events.select(["id", "profile"]), in_order(rows.rejects, more), rows.count)


def cut(read: ReadCalls, start: int, stop: int) -> ReadCalls:
    """The items from one place to another, counted from the first of what was read."""
    rows = read.rows
    low, high = rows.first + start, rows.first + stop
    kept = np.flatnonzero((rows.positions >= low) & (rows.positions < high))
    places = rows.rejects["position"].to_numpy()
    first, count = (int(kept[0]), len(kept)) if len(kept) else (0, 0)  # ascending: what is kept lies together
    part = Rows(
        rows.table.slice(first, count),
        low,
        rows.rejects.filter(pa.array((places >= low) & (places < high))),
        rows.positions[first : first + count],
        None if rows.lines is None else rows.lines[first : first + count],
        None if rows.rest is None else rows.rest.slice(first, count),
    )
    return ReadCalls(part, read.received[start:stop])


class Texts(Sequence[str]):
    """The text of each item by its place, made when it is asked for; '' for those that the reader set apart."""

    def __init__(self, read: ReadCalls) -> None:
        self._rows, self._length = read.rows, len(read.received)

    def __len__(self) -> int:
        """How many items there are."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        """That of one item, or of a stretch."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._length))]
        position = self._rows.first + index
        row = int(np.searchsorted(self._rows.positions, position))
        there = row < len(self._rows.positions) and self._rows.positions[row] == position
        return self._rows.lines[row] if there and self._rows.lines is not None else ""


def nothing_read(first: int, texts: list[str], received: list[int]) -> ReadCalls:
    """Items that nobody could read, kept as their texts: rows without columns, for `set_apart`."""
    places = np.arange(first, first + len(texts), dtype=np.int64)
    rows = Rows(pa.table({"item": pa.array(texts, pa.string())}), first, none(), places, tuple(texts))
    return ReadCalls(rows, np.array(received, np.int64))
