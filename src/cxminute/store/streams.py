"""The streams of one bucket: one run read as it lies, or several gathered and merged by time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.steps import Step
from cxminute.store import kernels
from cxminute.store.arrays import joined, numbers_of
from cxminute.store.conditions import evaluate
from cxminute.store.runs import Run, settle

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Names:
    """What the codes mean, and which of them a permit covers.

    pairs:     (source, name) by code; ('', '') for a code that nothing has
    permitted: by code
    """

    pairs: Sequence[tuple[str, str]]
    permitted: NDArray[np.bool_]

    def of(self, name: str) -> NDArray[np.bool_]:
        """By code, whether it is an event of that name, of a permitted source."""
        return np.array([pair[1] == name for pair in self.pairs], np.bool_) & self.permitted

    def ranks(self) -> Ints:
        """By code, the place of its source among all sources by name."""
        sources = sorted({source for source, _ in self.pairs})
        return np.array([sources.index(source) for source, _ in self.pairs], np.int64)

    def words(self, which: int) -> tuple[NDArray[np.int32], list[str]]:
        """By code the ordinal of its source (0) or name (1) among the words returned."""
        said = sorted({pair[which] for pair in self.pairs})
        return np.array([said.index(pair[which]) for pair in self.pairs], np.int32), said


@dataclass(frozen=True, slots=True)
class Part:
    """Some events of a run: a stretch, or places in any order."""

    run: Run
    chosen: slice | Ints

    def take(self, values: pa.Array) -> pa.Array:
        """These events' values of a column of the run."""
        if isinstance(self.chosen, slice):
            return values.slice(self.chosen.start, self.chosen.stop - self.chosen.start)
        return values.take(pa.array(self.chosen))


class Bucket:
    """Streams over parts of runs; `order` says where in the parts, one after the other, each event stands."""

    def __init__(
        self,
        subjects: Ints,
        offsets: Ints,
        times: Ints,
        codes: NDArray[np.uint16],
        *,
        parts: Sequence[Part],
        order: Ints | None,
        names: Names,
        kinds: Callable[[str], frozenset[str]],
    ) -> None:
        self.subjects = subjects
        self.offsets = offsets
        self.times = times
        self._codes, self._parts, self._order, self._names, self._kinds = codes, parts, order, names, kinds
        self._matches: dict[Step, NDArray[np.bool_]] = {}
        self._columns: dict[str, pa.Array] = {}

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """For each event, whether it is the step's; the array is kept, and read-only."""
        if step not in self._matches:
            hits = self._names.of(step.name)[self._codes]
            if step.where is not None and hits.any():
                found = np.flatnonzero(hits)
                places = pa.array(found)
                hits[found] = evaluate(step.where, lambda path: self.column(path).take(places), found.size)
            hits.flags.writeable = False
            self._matches[step] = hits
        return self._matches[step]

    def column(self, path: str) -> pa.Array:
        """The path's value for each event; null where it has none, and for sources that the permit does not cover."""
        if path not in self._columns:
            self._columns[path] = self._column(path)
        return self._columns[path]

    def _column(self, path: str) -> pa.Array:
        hidden = None if self._names.permitted.all() else ~self._names.permitted[self._codes]
        if path in ("source", "name"):
            ordinals, words = self._names.words(("source", "name").index(path))
            return pa.DictionaryArray.from_arrays(
                pa.array(ordinals[self._codes], mask=hidden), pa.array(words, pa.string())
            )
        kinds = self._kinds(path)
        if not kinds:
            return pa.nulls(self.times.size, pa.string())
        values = whole(self._parts, path, next(iter(kinds)) if len(kinds) == 1 else "text")
        if hidden is not None:
            places = np.arange(self.times.size, dtype=np.int64) if self._order is None else self._order
            return values.take(pa.array(places, mask=hidden))
        return values if self._order is None else values.take(pa.array(self._order))


def whole(parts: Sequence[Part], path: str, kind: str) -> pa.Array:
    """A path's values over parts, one after the other."""
    return joined([part.take(part.run.columns.read(path, kind)) for part in parts])


@dataclass(frozen=True, slots=True)
class Share:
    """What one run gives to a bucket: a part, and for each stream in it whose it is.

    owners: number of the subject of each stream
    counts: how many events each stream has
    """

    part: Part
    owners: Ints
    counts: Ints


def merged(shares: Sequence[Share], numbers: Ints, names: Names) -> tuple[Ints, Ints, NDArray[np.uint16], Ints]:
    """Streams of several runs or profiles as one stream a subject: offsets, times, codes and order over the parts.

    Ties are settled by source, then by position and id, which are read only where two runs or profiles hold events of
    one source at one time: so it does not matter which run an event lies in.
    """
    total = sum(int(share.counts.sum()) for share in shares)
    local = np.concatenate([np.repeat(np.searchsorted(numbers, share.owners), share.counts) for share in shares])
    origins = np.repeat(np.arange(sum(s.counts.size for s in shares)), np.concatenate([s.counts for s in shares]))
    offsets = np.zeros(numbers.size + 1, np.int64)
    np.cumsum(np.bincount(local, minlength=numbers.size), out=offsets[1:])
    times, codes, order = np.empty(total, np.int64), np.empty(total, np.uint16), np.empty(total, np.int64)
    cursors, first = offsets[:-1].copy(), 0
    for share in shares:
        run, chosen = share.part.run, share.part.chosen
        count = int(share.counts.sum())
        owned = local[first : first + count]
        kernels.scatter(owned, run.times[chosen], run.codes[chosen], first, cursors, times, codes, order)
        first += count
    kernels.put_in_order(offsets, times, codes, order)
    places, groups = kernels.tied(offsets, times)
    if places.size:
        rows = order[places]
        parts = [share.part for share in shares]
        settled = settle(
            groups,
            names.ranks()[codes[places]],
            origins[rows],
            lambda asked: numbers_of(whole(parts, "position", "").take(pa.array(rows[asked]))),
            lambda asked: whole(parts, "id", "").take(pa.array(rows[asked])),
        )
        order[places] = rows[settled]
        codes[places] = codes[places][settled]
    return offsets, times, codes, order


def cut(offsets: Ints, times: Ints, closes_at: int) -> tuple[Ints, Ints]:
    """Streams without what happened after a moment: new offsets, and the places of the events that stay."""
    kept = times <= closes_at
    before = np.concatenate([[0], np.cumsum(kept)])
    return before[offsets], np.flatnonzero(kept)
