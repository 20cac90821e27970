"""The log for engines whose workers share its files and nothing else: a description that travels.

A `ScatteredLog` knows of the log what its footers say. A worker reads one portion of it at a time and cuts the rows by
bucket (`scatter`); whoever has all that was cut for a bucket puts it together as streams (`gather`). So the log is
read once, whichever kind of subject is asked for, and never by the one who asks. The streams are those of the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- these are our own segments
from numpy.typing import NDArray
from pyarrow import ipc  # noqa: TID251 -- how a worker hands rows to the next

from cxminute.model.errors import BrokenStore
from cxminute.store.arranging import by_subject
from cxminute.store.arrays import KINDS, joined, numbers_of, plain, typed, worded
from cxminute.store.footers import even_cuts, foot, spans, spread
from cxminute.store.index import SMALL, Index
from cxminute.store.people import People
from cxminute.store.pieces import Piece, Task, column_of, read_events, tasks
from cxminute.store.runs import Run
from cxminute.store.streams import Bucket, Names

Ints = NDArray[np.int64]

BUCKETS = 64
"""Into how many buckets a log is cut, while that makes them neither tiny nor larger than those of the index."""
LEAST = 1 << 14
"""Events of a bucket that are worth a task of their own."""
PORTIONS = 256
"""How many portions at most, while they stay below a million rows: the fewer, the more rows of a bucket in one pack."""

_PLAIN = {kind: pa.string() if kind == "text" else type_ for kind, type_ in KINDS.items()}
"""How values travel: text as it is, since a dictionary would go whole with every few rows."""


@dataclass(frozen=True)
class ScatteredLog:
    """All subjects of one kind, in a log that others read.

    portions: what a worker reads at once: some row groups of one piece
    keys:     kinds of identifier beside the subjects' own whose numbers the rows carry ('profile' among them)
    kinds:    the kinds of each path that has values
    bounds:   where buckets begin, and the end of the last; empty where there is no subject
    """

    per: str
    opens_at: int
    closes_at: int
    portions: tuple[Task, ...]
    codes: Mapping[tuple[str, str], int]
    sources: frozenset[str] | None
    people: People | None
    behind: People | None
    keys: tuple[str, ...]
    kinds: Mapping[str, tuple[str, ...]]
    bounds: tuple[int, ...]
    shared: bool = False

    def buckets(self) -> Sequence[range]:
        """Ranges of subjects, of about equally many events as far as the footers tell."""
        return [range(low, high) for low, high in pairwise(self.bounds)]

    def read(self, bucket: range) -> Bucket:
        """The streams of one bucket, by reading all portions: what workers share among them."""
        return self._streams([self._rows(portion, bucket) for portion in self.portions], bucket)

    def scatter(self, portion: Task) -> Iterator[tuple[int, bytes]]:
        """A portion's rows by ordinal of the bucket; nothing for buckets that none of them is in.

        raises: BrokenStore where the segment cannot be read, or holds a name without a code
        """
        buckets = self.buckets()
        if not buckets:
            return
        rows = self._rows(portion, range(self.bounds[0], self.bounds[-1]))
        ordinals = np.searchsorted(self.bounds, numbers_of(rows["subject"].combine_chunks()), side="right") - 1
        order = np.argsort(ordinals, kind="stable")
        if (ordinals[1:] < ordinals[:-1]).any():
            rows = rows.take(pa.array(order))
        ends = np.cumsum(np.bincount(ordinals, minlength=len(buckets)))
        for bucket, (start, stop) in enumerate(pairwise([0, *ends.tolist()])):
            if stop > start:
                yield bucket, _packed(rows.slice(start, stop - start))

    def gather(self, bucket: int, packs: Sequence[pa.Buffer | bytes]) -> Bucket:
        """The streams of a bucket, by its ordinal, from all that `scatter` gave for it, in any order."""
        return self._streams([ipc.open_stream(pack).read_all() for pack in packs], self.buckets()[bucket])

    def _streams(self, tables: Sequence[pa.Table], bucket: range) -> Bucket:
        rows = pa.concat_tables([self._schema.empty_table(), *tables])
        column = {name: joined(rows[name].chunks) for name in ("subject", "at", "code", "position", "id")}
        subjects, times = numbers_of(column["subject"]), numbers_of(column["at"])
        found = by_subject(
            subjects,
            np.ones(subjects.size, np.bool_),
            times,
            column["code"].to_numpy(zero_copy_only=False),
            ranks=Names.of({code: pair for pair, code in self.codes.items()}).ranks(),
            positions=lambda asked: numbers_of(column["position"].take(pa.array(asked))),
            ids=lambda asked: column["id"].take(pa.array(asked)),
        )
        told = {task.piece.source for task in self.portions}
        run = Run(
            subjects=found.subjects,
            offsets=found.offsets,
            times=found.times,
            codes=found.codes,
            first=int(times.min()) if times.size else None,
            last=int(times.max()) if times.size else None,
            names={code: pair for pair, code in self.codes.items() if pair[0] in told},
            columns=_Columns(rows, found.rows, self.kinds, self.per),
        )
        return Index(self.per, [run], sources=self.sources, closes_at=self.closes_at).read(bucket)

    @cached_property
    def _schema(self) -> pa.Schema:
        own = {"subject": pa.int64(), "at": pa.int64(), "code": pa.uint16(), "position": pa.int64(), "id": pa.string()}
        keys = {f"#{key}": pa.int64() for key in self.keys}
        return pa.schema({**own, **keys, **{name: _PLAIN[kind] for name, _, kind in self._named}})

    @property
    def _named(self) -> list[tuple[str, str, str]]:
        """Columns of properties: name, path and kind."""
        return [(f"{kind}:{path}", path, kind) for path, kinds in self.kinds.items() for kind in kinds]

    def _rows(self, portion: Task, bucket: range) -> pa.Table:
        """The rows of a portion whose subject lies in a range."""
        try:
            chunks = read_events(portion, column_of(self.per), self.codes)
            subjects = np.concatenate([np.empty(0, np.int64), *(chunk.subjects for chunk in chunks)])
            if self.people is not None:
                subjects = self.people.owners(subjects)
            rows = sum(chunk.subjects.size for chunk in chunks)
            own = _Part(portion.piece.path, portion.begins, rows)
            chosen = (subjects >= bucket.start) & (subjects < bucket.stop)
            if self.shared and self.behind is not None:
                profiles = numbers_of(own.read("profile").cast(pa.int64()).fill_null(-1))
                chosen &= ~self.behind.left_out(profiles)
            kept = np.flatnonzero(chosen)
            if not kept.size:
                return self._schema.empty_table()
            parts = [own, *(_Part(side, portion.begins, rows) for side in portion.piece.sides)]
            columns = {
                "subject": pa.array(subjects),
                "at": pa.array(np.concatenate([chunk.times for chunk in chunks])),
                "code": pa.array(np.concatenate([chunk.codes for chunk in chunks])),
                "position": own.read("position"),
                "id": plain(own.read("id")),
                **{f"#{key}": self._persons(key, own.read(key).cast(pa.int64())) for key in self.keys},
                **{name: _values(parts, path, kind) for name, path, kind in self._named},
            }
        except OSError as fault:
            raise BrokenStore(
                f"A worker cannot read the segment {portion.piece.path.name} ({type(fault).__name__}).",
                allowed="the log's folder under one and the same path on every worker",
            ) from fault
        table = pa.Table.from_arrays([columns[name] for name in self._schema.names], schema=self._schema)
        return table if kept.size == table.num_rows else table.take(pa.array(kept))

    def _persons(self, key: str, numbers: pa.Array) -> pa.Array:
        """Whose each row is in a space; behind another subject stands a person, and no profile."""
        return numbers if self.behind is None or key != column_of("person") else self.behind.owners_of(numbers)


def scatter_log(  # noqa: PLR0913 -- as of `open_index`
    pieces: Sequence[Piece],
    space: str,
    codes: Mapping[tuple[str, str], int],
    *,
    sources: frozenset[str] | None = None,
    closes_at: int | None = None,
    people: People | None = None,
    behind: People | None = None,
    paths: Collection[str] | None = None,
    shared: bool = False,
    bucket: int | None = None,
) -> ScatteredLog:
    """The description of a log, from the footers of its segments.

    pieces, space, codes, sources, closes_at, people, behind, shared: as of `build` and `open_index`
    paths:   that tasks may ask for; None for every path that has a column
    bucket:  about how many events a bucket has; None for what keeps a cluster busy and a worker's memory small
    raises:  BrokenStore where a segment is not as the log says
    """
    total = sum(piece.rows for piece in pieces)
    size = min(max(total // BUCKETS, LEAST), SMALL) if bucket is None else bucket
    held = list(tasks(pieces, min(max(total // PORTIONS, size // 4, 1), SMALL)))
    files = [file for piece in pieces for file in (piece.path, *piece.sides)]
    with ThreadPoolExecutor(4, thread_name_prefix="cxm-footers") as pool:
        feet = dict(zip(files, pool.map(foot, files), strict=True))
        ends = [span for found in pool.map(spans, pieces) for span in found]
        spreads = [some for found in pool.map(lambda task: spread(task, column_of(space)), held) for some in found]
    kinds: dict[str, set[str]] = {}
    for path, kind in (column.rsplit(":", 1) for told in feet.values() for column in told.filled):
        if kind in KINDS and (paths is None or path in paths):
            kinds.setdefault(path, set()).add(kind)
    keys = {key for piece in pieces for key in feet[piece.path].kinds}
    last = max((span[1] for span in ends), default=0)
    return ScatteredLog(
        per=space,
        opens_at=min((span[0] for span in ends), default=0),
        closes_at=last if closes_at is None else closes_at,
        portions=tuple(held),
        codes=dict(codes),
        sources=sources,
        people=people,
        behind=None if space == "person" else behind,
        keys=tuple(sorted(keys - {column_of(space)})),
        kinds={path: tuple(sorted(found)) for path, found in sorted(kinds.items())},
        bounds=_bounds(spreads, people, size),
        shared=shared and behind is not None and behind.leaves_out,
    )


class _Columns:
    """Columns of rows as they came, brought into order when they are asked for."""

    def __init__(self, rows: pa.Table, order: Ints, kinds: Mapping[str, tuple[str, ...]], per: str) -> None:
        self._rows, self._kinds, self._order, self._per = rows, kinds, pa.array(order), per

    def kinds(self, path: str) -> frozenset[str]:
        """As of `Columns`: of the whole log, so that a path's type is the same in every bucket."""
        return frozenset(self._kinds.get(path, ()))

    def read(self, path: str, kind: str) -> pa.Array:
        """As of `Columns`; the kind '' reads a segment's own column: position or id."""
        if not kind:
            return joined(self._rows[path].chunks).take(self._order)
        read = self._kinds[path] if kind == "text" else (kind,)
        found = [typed(joined(self._rows[f"{own}:{path}"].chunks), kind) for own in read]
        values = found[0] if len(found) == 1 else worded(pc.coalesce(*map(plain, found)))
        return values.take(self._order)

    def numbers(self, space: str) -> pa.Array | None:
        """As of `Columns`."""
        name = f"#{column_of(space)}" if f"#{column_of(space)}" in self._rows.column_names else "subject"
        if name == "subject" and space != self._per:
            return None
        return joined(self._rows[name].chunks).take(self._order)


class _Part:
    """Some rows of a file, by column."""

    def __init__(self, file: Path, begins: int, rows: int) -> None:
        self._file = pq.ParquetFile(file)
        self.names = frozenset(self._file.schema_arrow.names)
        self.rows = rows
        meta = self._file.metadata
        ends = np.cumsum([0, *(meta.row_group(group).num_rows for group in range(meta.num_row_groups))])
        first, stop = np.searchsorted(ends, begins, side="right") - 1, np.searchsorted(ends, begins + rows)
        self._groups, self._begins = range(int(first), int(stop)), begins - int(ends[first])

    def read(self, column: str) -> pa.Array:
        """The rows' values; null where the file has no such column."""
        if column not in self.names:
            return pa.nulls(self.rows)
        read = self._file.read_row_groups(list(self._groups), columns=[column], use_threads=False)
        return joined(read.column(0).slice(self._begins, self.rows).chunks)


def _values(parts: Sequence[_Part], path: str, kind: str) -> pa.Array:
    """A path's values of one kind: in a segment, or beside it."""
    column = f"{path}:{kind}"
    found = [plain(typed(part.read(column), kind)) for part in parts if column in part.names]
    return pc.coalesce(*found) if found else pa.nulls(parts[0].rows, _PLAIN[kind])


def _packed(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, rows.schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(rows)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _bounds(spreads: Sequence[tuple[int, int, int]], people: People | None, bucket: int) -> tuple[int, ...]:
    """Where buckets begin, and the end of the last."""
    if not spreads:
        return ()
    low, high = min(low for low, _, _ in spreads), max(high for _, high, _ in spreads)
    if people is not None and people.persons.size:
        low, high = min(low, max(0, int(people.persons.min()))), max(high, int(people.persons.max()))
    many = -(-sum(rows for _, _, rows in spreads) // bucket)
    return (low, *even_cuts(spreads, many), high + 1)
