"""What the footers of segments tell before a row is read: spans of time, spread of subjects, filled columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq  # noqa: TID251 -- these are our own segments
from numpy.typing import NDArray

from cxminute.model.tables import EVENT
from cxminute.store.arrays import moments, numbers_of
from cxminute.store.pieces import ACCOUNT, Piece, Task, filled, read_subjects, statistics
from cxminute.store.vault import is_of_person

Ints = NDArray[np.int64]

_OTHER = frozenset({*EVENT.names, "rest"})


@dataclass(frozen=True, slots=True)
class Foot:
    """Of one file: the columns `PATH:KIND` that hold a value, and the kinds of identifier it has a column for."""

    filled: frozenset[str]
    kinds: frozenset[str]


def foot(file: Path) -> Foot:
    """What a segment or a side file has."""
    schema = pq.read_schema(file)
    numbers = {field.name for field in schema if pa.types.is_int64(field.type) and ":" not in field.name}
    kinds = frozenset(name for name in numbers - _OTHER if not is_of_person(name))
    return Foot(frozenset(name for name in filled(file) if ":" in name), kinds)


def spans(piece: Piece) -> list[tuple[int, int]]:
    """When the first and the last event of each row group happened, UTC ms; dropped rows are not looked at."""
    file = pq.ParquetFile(piece.path)
    unit = getattr(file.schema_arrow.field("at").type, "unit", "")
    found = []
    begins = 0
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        low, high = np.searchsorted(piece.dropped, [begins, begins + rows])
        stat = statistics(file.metadata, group)["at"]
        if low == high and stat is not None and stat.has_min_max and unit in ("ms", "us"):
            ends = pa.array([stat.min_raw, stat.max_raw], pa.int64()).cast(pa.timestamp(unit))
        else:
            read = file.read_row_group(group, columns=["at"], use_threads=False)["at"].combine_chunks()
            ends = read.take(pa.array(np.delete(np.arange(rows), piece.dropped[low:high] - begins)))
        if len(ends):
            times = numbers_of(moments(ends))
            found.append((int(times.min()), int(times.max())))
        begins += rows
    return found


def spread(task: Task, column: str) -> list[tuple[int, int, int]]:
    """Least and greatest subject of each of a task's row groups, and how many rows have one."""
    meta = pq.read_metadata(task.piece.path)
    found = []
    for group in task.groups:
        columns = statistics(meta, group)
        if column == ACCOUNT and column not in columns:
            return [(int(s.min()), int(s.max()), s.size) for s in _subjects(task, column) if s.size]
        if column not in columns:
            return []
        stat, rows = columns[column], meta.row_group(group).num_rows
        if stat is None or stat.null_count is None or (stat.null_count < rows and not stat.has_min_max):
            return [(int(s.min()), int(s.max()), s.size) for s in _subjects(task, column) if s.size]
        if stat.null_count < rows:
            found.append((stat.min, stat.max, rows - stat.null_count))
    return found


def _subjects(task: Task, column: str) -> Iterator[Ints]:
    for batch in read_subjects(task, column):
        yield batch[batch >= 0]


def may_hold(piece: Piece, who: Mapping[str, Sequence[int]]) -> bool:
    """Whether a piece can hold an event of a subject, whose numbers these are by column, as its footer tells."""
    task = Task(piece, tuple(range(pq.read_metadata(piece.path).num_row_groups)), 0, 0)
    return any(
        low <= number <= high
        for column, numbers in who.items()
        for low, high, _ in (spread(task, column) if numbers else ())
        for number in numbers
    )


def even_cuts(spreads: Sequence[tuple[int, int, int]], many: int) -> list[int]:
    """Numbers that cut subjects into `many` ranges of about equally many rows, each group's rows spread evenly in it.

    spreads: least and greatest subject (both included) and rows
    returns: ascending, each above the least of all and at most the greatest; fewer than asked where subjects are few
    """
    low, high, rows = np.array(spreads, np.int64).T
    edges = np.unique(np.concatenate([low, high + 1]))
    rates = np.zeros(edges.size)
    rate = rows / (high + 1 - low)
    np.add.at(rates, np.searchsorted(edges, low), rate)
    np.add.at(rates, np.searchsorted(edges, high + 1), -rate)
    before = np.concatenate([[0.0], np.cumsum(np.cumsum(rates)[:-1] * np.diff(edges))])
    cuts = np.ceil(np.interp(np.arange(1, many) * (before[-1] / many), before, edges)).astype(np.int64)
    kept = np.unique(cuts)
    return [int(cut) for cut in kept if low.min() < cut <= high.max()]
