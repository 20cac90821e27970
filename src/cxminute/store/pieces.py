"""Pieces: the segments of the log as the index reads them, a few row groups at a time, on threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq  # noqa: TID251 -- the index reads our own segments, and this is its reading half
from numpy.typing import NDArray

from cxminute.model.errors import BrokenStore
from cxminute.store.arrays import moments, numbers_of, worded

T = TypeVar("T")
R = TypeVar("R")
Ints = NDArray[np.int64]

_CODES = 2**16

ACCOUNT = "account"
"""The space of accounts and of the profiles that may belong to one: an event that names its group is the group's
(2 * group), any other its profile's (2 * profile + 1). Which account a profile belongs to is joined at scan, as is
which person. A source's own kind of identifier of this name goes before."""
_TOLD = ("group_id", "profile")


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment of the log, as the index reads it.

    path:    the Parquet file; its name is unlike that of any other segment
    rows:    how many rows it has
    source:  the one source that all its events are of
    dropped: ordinals of rows to leave out, ascending (corrected, undone)
    sides:   files of the same rows in the same order, with columns that were back-filled
    number:  the segment's own: two segments may hold the same, to the byte
    passing: whether it is likely to be merged with others soon: then another piece stands in its place
    """

    path: Path
    rows: int
    source: str
    dropped: Ints
    sides: tuple[Path, ...] = ()
    number: int = 0
    passing: bool = False

    @property
    def key(self) -> str:
        """What a run holds of it: the same key, the same events. Side files carry properties, and do not count."""
        said = f"{self.number}\0{self.path.name}\0{self.rows}\0{self.source}\0".encode()
        return blake2b(said + np.asarray(self.dropped, np.int64).tobytes(), digest_size=12).hexdigest()


def column_of(space: str) -> str:
    """The segments' own column that holds the subjects of a space."""
    return "profile" if space == "person" else space


def filled(file: Path) -> frozenset[str]:
    """The columns of a segment or a side file that hold a value, as its footer tells."""
    meta, names = pq.read_metadata(file), set(pq.read_schema(file).names)
    found = set()
    for group in range(meta.num_row_groups):
        rows = meta.row_group(group).num_rows
        stats = statistics(meta, group).items()
        found |= {name for name, stat in stats if stat is None or stat.null_count is None or stat.null_count < rows}
    return frozenset(found & names)


def in_sequence(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces by source, then first position: as in the order of events, whatever order they arrived in."""
    return sorted(pieces, key=lambda piece: (piece.source, _bounds(piece)[0], piece.path.name))


@dataclass(frozen=True, slots=True)
class Task:
    """Some row groups of a piece, and the ordinals of their first row in the piece and over all pieces."""

    piece: Piece
    groups: tuple[int, ...]
    begins: int
    row: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Events as they stand in a piece; first and last over those that were not dropped."""

    subjects: Ints
    times: Ints
    codes: NDArray[np.uint16]
    row: int
    first: int | None
    last: int | None


def tasks(pieces: Sequence[Piece], size: int = 1 << 18) -> Iterator[Task]:
    """The row groups of all pieces, about `size` rows a task, in order."""
    before = 0
    for piece in pieces:
        meta = pq.read_metadata(piece.path)
        if meta.num_rows != piece.rows:
            raise BrokenStore(
                f"The segment {piece.path.name} has {meta.num_rows} rows where the log says {piece.rows}.",
                then="Nothing was changed; restore the segment or collect again.",
            )
        groups: list[int] = []
        begins = held = 0
        for group in range(meta.num_row_groups):
            groups.append(group)
            held += meta.row_group(group).num_rows
            if held >= size or group + 1 == meta.num_row_groups:
                yield Task(piece, tuple(groups), begins, before + begins)
                begins, held, groups = begins + held, 0, []
        before += piece.rows


def ahead(work: Callable[[T], R], tasks: Iterable[T], threads: int) -> Iterator[R]:
    """`map(work, tasks)` on threads, in order, never more than a few ahead of who takes."""
    with ThreadPoolExecutor(threads, thread_name_prefix="cxm-index") as pool:
        waiting: deque[Future[R]] = deque()
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _batches(task: Task, columns: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Record batches of a task's rows, each with the ordinal of its first row in the piece."""
    file = pq.ParquetFile(task.piece.path, read_dictionary=["name"])
    names = file.schema_arrow.names
    asked = [one for column in columns for one in (_TOLD if column == ACCOUNT and column not in names else (column,))]
    have = [column for column in asked if column in names]
    begins = task.begins
    for group in task.groups:
        if not have:
            rows = file.metadata.row_group(group).num_rows
            yield pa.record_batch({"none": pa.nulls(rows)}), begins
            begins += rows
            continue
        for batch in file.read_row_group(group, columns=have, use_threads=False).to_batches():
            yield batch, begins
            begins += batch.num_rows


def read_subjects(task: Task, column: str) -> list[Ints]:
    """Subjects of a task's rows, -1 for none and for dropped rows."""
    return [_subject(task.piece, batch, column, begins) for batch, begins in _batches(task, [column])]


def _subject(piece: Piece, batch: pa.RecordBatch, column: str, begins: int) -> Ints:
    """The batch's subjects, -1 for none and for dropped rows."""
    apart = column == ACCOUNT and column not in batch.schema.names
    subjects = _of_account(batch) if apart else numbers_in(batch, column)
    dropped = dropped_in(piece, begins, batch.num_rows)
    if dropped.size:
        subjects = subjects.copy()
        subjects[dropped] = -1
    return subjects


def numbers_in(batch: pa.RecordBatch, column: str) -> Ints:
    """A column of numbers, -1 for none; all -1 where there is no such column."""
    if column not in batch.schema.names:
        return np.full(batch.num_rows, -1, np.int64)
    found = batch.column(column).cast(pa.int64())
    return numbers_of(found.fill_null(-1) if found.null_count else found)


def _of_account(batch: pa.RecordBatch) -> Ints:
    """The subjects of the space of accounts, -1 for none."""
    group, profile = (numbers_in(batch, column) for column in _TOLD)
    return np.where(group >= 0, 2 * group, np.where(profile >= 0, 2 * profile + 1, -1))


def dropped_in(piece: Piece, begins: int, rows: int) -> Ints:
    """Which rows of a stretch that begins there are dropped, counted from its first."""
    low, high = np.searchsorted(piece.dropped, [begins, begins + rows])
    return np.asarray(piece.dropped[low:high], np.int64) - begins


def read_events(task: Task, column: str, codes: Mapping[tuple[str, str], int] | None) -> list[Chunk]:
    """Events of a task's rows; all of code 0 where there are no codes."""
    chunks = []
    for batch, begins in _batches(task, [column, "at", *(["name"] if codes is not None else [])]):
        times = numbers_of(moments(batch.column("at")))
        kept = np.delete(times, dropped_in(task.piece, begins, batch.num_rows)) if task.piece.dropped.size else times
        chunks.append(
            Chunk(
                subjects=_subject(task.piece, batch, column, begins),
                times=times,
                codes=_codes(batch, task.piece, codes),
                row=task.row - task.begins + begins,
                first=int(kept.min()) if kept.size else None,
                last=int(kept.max()) if kept.size else None,
            )
        )
    return chunks


def _codes(batch: pa.RecordBatch, piece: Piece, codes: Mapping[tuple[str, str], int] | None) -> NDArray[np.uint16]:
    if codes is None:
        return np.zeros(batch.num_rows, np.uint16)
    words = worded(batch.column("name"))
    known = [codes.get((piece.source, name), _CODES) for name in words.dictionary.to_pylist()]
    indices = words.indices.to_numpy(zero_copy_only=False)
    if known and max(known) >= _CODES:
        missing = [i for i, code in enumerate(known) if code >= _CODES]
        if words.null_count or np.isin(indices, missing).any():  # a dictionary may hold words that no row uses
            raise BrokenStore(
                f"An event name of source '{piece.source}' in {piece.path.name} has no code from 0 to {_CODES - 1}.",
                allowed=f"at most {_CODES:,} pairs of source and event name",
                then="Nothing was changed.",
            )
    coded: NDArray[np.uint16] = np.array([code % _CODES for code in known], np.uint16)[indices]
    return coded


def _bounds(piece: Piece) -> tuple[int, int]:
    """Least and greatest position of a piece; the widest possible where the file does not say."""
    meta = pq.read_metadata(piece.path)
    found = [statistics(meta, group).get("position") for group in range(meta.num_row_groups)]
    stats = [stat for stat in found if stat is not None and stat.has_min_max]
    if not stats or len(stats) < len(found):
        return -(2**63), 2**63 - 1
    return min(stat.min for stat in stats), max(stat.max for stat in stats)


def statistics(meta: pq.FileMetaData, group: int) -> dict[str, pq.Statistics | None]:
    """What a row group says of its columns, by name; None where it says nothing."""
    found = meta.row_group(group)
    columns = [found.column(i) for i in range(found.num_columns)]
    return {column.path_in_schema: column.statistics for column in columns}


def certain(pieces: Sequence[Piece], space: str) -> bool:
    """Whether counting events into place, piece after piece, already orders ties by (source, position, id)."""
    if space != "person":
        for piece in pieces:
            meta = pq.read_metadata(piece.path)
            for group in range(meta.num_row_groups):
                stat = statistics(meta, group).get("profile")
                # Without a profile anywhere the whole segment is sorted by (at, position, id).
                if stat is None or stat.null_count != meta.row_group(group).num_rows:
                    return False
    bounds = [(piece.source, *_bounds(piece)) for piece in pieces if piece.rows]
    return all(a[0] != b[0] or a[2] < b[1] for a, b in pairwise(bounds))
