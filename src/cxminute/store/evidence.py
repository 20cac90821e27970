"""What events say of who is who: pairs of identifiers that stand in one event, read from segments.

Evidence is a set of distinct (a, b, how, source), each with the moment of the first event of the source that tells of
it. Sets are put together by union, where the first moment stands: so it does not matter how often a segment is read,
nor whether an event lies in a small segment or in the one that it was merged into. What one source tells takes nothing
away from another: whether a source may link is asked later, and may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- our own segments
from numpy.typing import NDArray

from cxminute.store.arrays import moments, numbers_of
from cxminute.store.pieces import Piece, dropped_in, filled, numbers_in
from cxminute.store.vault import LINKING, PERSON_KINDS, is_of_person

Ints = NDArray[np.int64]

HOWS: Final = ("hand", "alias", "aliased", "identify", "event", "linkage")
"""How two identifiers are said to be one person's; the code of each is its place. Events say so in four ways:

alias:    an alias call names one as the former name of the other: the one with the smaller number
aliased:  the same, of the one with the larger number
identify: an identify call names both
event:    another event carries both
hand, linkage: people say so, or a proposal of linkage that they accepted; no event does
"""
ALIAS, ALIASED, IDENTIFY, EVENT = range(1, 5)
PREVIOUS: Final = f"{LINKING}previous_"
"""Begins the columns of alias events that hold what the person was called before."""

_NARROW: Final = 1 << 28  # numbers below it fit into one key of 64 bits, two of them and a how
_SCHEMA: Final = pa.schema(
    [("a", pa.int64()), ("b", pa.int64()), ("how", pa.uint8()), ("at", pa.int64()), ("source", pa.uint16())]
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Distinct links, by (a, b, how, source).

    a, b:    numbers of the space 'person', a < b
    how:     code of HOWS
    at:      when the first event of the source happened that tells of it, UTC ms
    source:  its place in `sources`
    sources: names, in alphabetical order
    """

    a: Ints
    b: Ints
    how: NDArray[np.uint8]
    at: Ints
    source: NDArray[np.uint16]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        """How many there are."""
        return int(self.a.size)

    def take(self, chosen: Ints | NDArray[np.bool_]) -> Evidence:
        """Some of it, in the order given."""
        return Evidence(
            self.a[chosen], self.b[chosen], self.how[chosen], self.at[chosen], self.source[chosen], self.sources
        )

    def batch(self) -> pa.RecordBatch:
        """As columns; what `sources` are stands in the schema."""
        schema = _SCHEMA.with_metadata({"sources": "\0".join(self.sources)})
        columns = [pa.array(getattr(self, name), kind) for name, kind in zip(schema.names, schema.types, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def evidence_of(batch: pa.RecordBatch) -> Evidence:
    """What `Evidence.batch` made; not copied."""
    a, b, how, at, source = (batch.column(name).to_numpy() for name in _SCHEMA.names)
    said = (batch.schema.metadata or {}).get(b"sources", b"").decode()
    return Evidence(a, b, how, at, source, tuple(said.split("\0")) if said else ())


def nothing() -> Evidence:
    """No evidence at all."""
    none = np.empty(0, np.int64)
    return _distinct(none, none, none, none, none, ())


def united(parts: Sequence[Evidence]) -> Evidence:
    """The union of several sets: of what several tell, the first moment."""
    if len(parts) == 1:
        return parts[0]
    sources = tuple(sorted({name for part in parts for name in part.sources}))
    places = {name: place for place, name in enumerate(sources)}
    told = [np.array([places[name] for name in part.sources] or [0], np.int64)[part.source] for part in parts]
    a, b, how, at = (np.concatenate([getattr(part, name) for part in parts]) for name in ("a", "b", "how", "at"))
    return _distinct(a, b, how, at, np.concatenate(told), sources)


def unknown(known: Sequence[Evidence], told: Evidence) -> Evidence:
    """What of some evidence other sets do not tell, or not as early. Each set is in order, as a union is."""
    wanted = np.unique(told.a)
    before = united([nothing(), *(part.take(_of(part.a, wanted)) for part in known)])
    both = united([before, told])
    places = np.array([both.sources.index(name) for name in before.sources] or [0], np.int64)
    rows = [
        np.stack([one.a, one.b, one.how.astype(np.int64), one.at, source], axis=1)
        for one, source in ((before, places[before.source]), (both, both.source.astype(np.int64)))
    ]
    _, first = np.unique(np.concatenate(rows), axis=0, return_index=True)
    fresh = np.sort(first[first >= len(before)]) - len(before)
    return both.take(fresh)


def _of(column: Ints, wanted: Ints) -> Ints:
    """Places of these numbers in an ascending column."""
    low, high = np.searchsorted(column, wanted, "left"), np.searchsorted(column, wanted, "right")
    many = high - low
    found: Ints = np.arange(int(many.sum())) + np.repeat(low - (np.cumsum(many) - many), many)
    return found


def _distinct(a: Ints, b: Ints, how: Any, at: Ints, source: Any, sources: tuple[str, ...]) -> Evidence:
    if a.size > 0 and max(int(a.max()), int(b.max())) >= _NARROW:
        order = np.lexsort((source, how, b, a))
    else:
        # Sorted sets, one after the other, are put together in one pass: a stable sort sees what is in order already.
        order = np.argsort(source, kind="stable") if len(sources) > 1 else np.arange(a.size)
        order = order[np.argsort((a << 32 | b << 3 | how)[order], kind="stable")]
    a, b, how, at, source = (column[order] for column in (a, b, how, at, source))
    fresh = np.ones(a.size, np.bool_)
    for column in (a, b, how, source):
        fresh[1:] &= column[1:] == column[:-1]
    fresh[1:] = ~fresh[1:]
    if not fresh.all():
        starts = np.flatnonzero(fresh)
        a, b, how, source, at = a[starts], b[starts], how[starts], source[starts], np.minimum.reduceat(at, starts)
    return Evidence(a, b, how.astype(np.uint8), at, source.astype(np.uint16), sources)


def read_piece(piece: Piece) -> Evidence:
    """The links that a segment's events tell of, without its dropped rows."""
    named = sorted(name for name in filled(piece.path) if is_of_person(name))
    if len(named) < 2:  # nothing beside another: most logs of files
        return nothing()
    found = [_read_rows(batch, named, dropped) for batch, dropped in _batches(piece, named)]
    a, b, how, at = (np.concatenate(column) for column in zip(*found, strict=True))
    return _distinct(a, b, how, at, np.zeros(a.size, np.int64), (piece.source,)) if a.size else nothing()


def _batches(piece: Piece, named: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, Ints]]:
    """The rows of a segment, some at a time, and which of them are dropped."""
    file = pq.ParquetFile(piece.path, read_dictionary=["kind"])
    begins = 0
    for group in range(file.metadata.num_row_groups):
        read = file.read_row_group(group, columns=[*named, "at", "kind"], use_threads=False)
        for batch in read.to_batches():
            yield batch, dropped_in(piece, begins, batch.num_rows)
            begins += batch.num_rows


def _read_rows(batch: pa.RecordBatch, named: Sequence[str], dropped: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Pairs of identifiers of rows: a, b, how and at; of rows that say the same one after the other, the first."""
    times = numbers_of(moments(batch.column("at")))
    nobody = np.full(times.size, -1, np.int64)
    columns = {}
    for name in named:
        numbers = numbers_in(batch, name)
        if dropped.size:
            numbers = numbers.copy()
            numbers[dropped] = -1
        columns[name] = numbers
    identifies = pc.equal(batch.column("kind").cast(pa.string()), "identify").to_numpy(zero_copy_only=False)
    told = np.where(identifies, IDENTIFY, EVENT)
    own = [name for name in named if not name.startswith(PREVIOUS)]
    made = [_pairs(columns[one], columns[other], told, times) for one, other in combinations(own, 2)]
    user, visitor = (columns.get(name, nobody) for name in PERSON_KINDS)
    now = np.where(user >= 0, user, visitor)  # an alias says what the user was called before, and not the visitor
    made += [
        _pairs(columns[name], now, np.where(columns[name] < now, ALIAS, ALIASED), times)
        for name in named
        if name.startswith(PREVIOUS)
    ]
    a, b, how, at = (np.concatenate(column) for column in zip(*made, strict=True))
    return a, b, how, at


def _pairs(one: Ints, other: Ints, how: Ints, at: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    both = np.flatnonzero((one >= 0) & (other >= 0) & (one != other))
    a, b = np.minimum(one[both], other[both]), np.maximum(one[both], other[both])
    how, at = how[both], at[both]
    fresh = np.ones(both.size, np.bool_)
    fresh[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1]) | (how[1:] != how[:-1]) | (at[1:] < at[:-1])
    return a[fresh], b[fresh], how[fresh], at[fresh]
