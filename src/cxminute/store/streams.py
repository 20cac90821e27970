"""The streams of one bucket: one run read as it lies, or several gathered and merged by time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.steps import Condition, Step
from cxminute.store import kernels
from cxminute.store.arrays import joined, numbers_of
from cxminute.store.conditions import evaluate, told_apart
from cxminute.store.people import People
from cxminute.store.runs import Run, settle

Ints = NDArray[np.int64]

IDENTIFIERS = "identifiers."
"""Begins the path of a kind of subject: its value is the number of the person, the order, in that space."""


@dataclass(frozen=True)
class Names:
    """What the codes mean, and which of them a permit covers.

    pairs:     (source, name) by code; ('', '') for a code that nothing has
    permitted: by code
    """

    pairs: Sequence[tuple[str, str]]
    permitted: NDArray[np.bool_]

    @classmethod
    def of(cls, meaning: Mapping[int, tuple[str, str]], sources: frozenset[str] | None = None) -> Names:
        """From the (source, name) of each code; sources that the permit covers, None for all."""
        pairs = [meaning.get(code, ("", "")) for code in range(max(meaning, default=-1) + 1)]
        return cls(pairs, np.array([sources is None or pair[0] in sources for pair in pairs], np.bool_))

    @cached_property
    def alphabet(self) -> tuple[Step | None, ...]:
        """By code, the bare step of an event of a permitted source; None for every other."""
        seen = zip(self.pairs, self.permitted.tolist(), strict=True)
        return tuple(Step(name) if allowed else None for (_, name), allowed in seen)

    def ranks(self) -> Ints:
        """By code, the place of its source among all sources by name."""
        ranks = {source: rank for rank, source in enumerate(sorted({source for source, _ in self.pairs}))}
        return np.array([ranks[source] for source, _ in self.pairs], np.int64)

    def words(self, which: int) -> tuple[NDArray[np.int32], list[str]]:
        """By code the ordinal of its source (0) or name (1) among the words returned."""
        said = sorted({pair[which] for pair in self.pairs})
        ordinals = {word: ordinal for ordinal, word in enumerate(said)}
        return np.array([ordinals[pair[which]] for pair in self.pairs], np.int32), said


@dataclass(frozen=True, slots=True)
class Part:
    """Some events of a run: a stretch, or places in any order; and who is behind them, where profiles are merged."""

    run: Run
    chosen: slice | Ints
    people: People | None = None

    def take(self, values: pa.Array) -> pa.Array:
        """These events' values of a column of the run."""
        if isinstance(self.chosen, slice):
            return values.slice(self.chosen.start, self.chosen.stop - self.chosen.start)
        return values.take(pa.array(self.chosen))

    def numbers(self, space: str) -> pa.Array:
        """Of whom these events are in a space, as int64; null where of nobody."""
        found = self.run.columns.numbers(space)
        numbers = self.take(pa.nulls(self.run.times.size, pa.int64()) if found is None else found)
        return numbers if self.people is None or space != "person" else self.people.owners_of(numbers)

    def permitted(self, behind: People) -> NDArray[np.bool_]:
        """Which of these events are not of somebody whom a map leaves out; those of nobody stay."""
        return ~behind.left_out(numbers_of(replace(self, people=None).numbers("person").fill_null(-1)))


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
        self.codes = codes
        self._parts, self._order, self._names, self._kinds = parts, order, names, kinds
        self._matches: dict[Step, NDArray[np.bool_]] = {}
        self._columns: dict[str, pa.Array] = {}

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """For each event, whether it is the step's; the array is kept, and read-only."""
        if step not in self._matches:
            covered = np.array([step.covers(letter) for letter in self.alphabet], np.bool_)
            hits = covered[self.codes]
            if step.where is not None and hits.any():
                found = np.flatnonzero(hits)
                hits[found] = self.holds(step.where, found)
            hits.flags.writeable = False
            self._matches[step] = hits
        return self._matches[step]

    @property
    def alphabet(self) -> Sequence[Step | None]:
        """By code, the bare step that such events are; None for those of sources that the permit does not cover."""
        return self._names.alphabet

    def holds(self, where: Condition, places: Ints) -> NDArray[np.bool_]:
        """For the events at these places, whether the condition is true; only their values are looked at."""
        where = told_apart(where, self._kinds)
        if 4 * places.size > self.times.size:  # to look at all of them in a row is quicker than to gather so many
            return evaluate(where, self.column, self.times.size)[places]
        taken = pa.array(places)
        return evaluate(where, lambda path: self.column(path).take(taken), places.size)

    def column(self, path: str) -> pa.Array:
        """The path's value for each event; null where it has none, and for sources that the permit does not cover."""
        if path not in self._columns:
            self._columns[path] = self._column(path)
        return self._columns[path]

    def _column(self, path: str) -> pa.Array:
        if "\0" in path:
            return self._only(*path.split("\0", 1))
        hidden = None if self._names.permitted.all() else ~self._names.permitted[self.codes]
        if path in ("source", "name"):
            ordinals, words = self._names.words(("source", "name").index(path))
            return pa.DictionaryArray.from_arrays(
                pa.array(ordinals[self.codes], mask=hidden), pa.array(words, pa.string())
            )
        kinds = self._kinds(path)
        if path.startswith(IDENTIFIERS):
            values = joined([part.numbers(path.removeprefix(IDENTIFIERS)) for part in self._parts])
        elif kinds:
            values = whole(self._parts, path, next(iter(kinds)) if len(kinds) == 1 else "text")
        else:
            return pa.nulls(self.times.size, pa.string())
        if hidden is not None:
            places = np.arange(self.times.size, dtype=np.int64) if self._order is None else self._order
            return values.take(pa.array(places, mask=hidden))
        return values if self._order is None else values.take(pa.array(self._order))

    def _only(self, kind: str, path: str) -> pa.Array:
        """The values of one kind, of a path that has several; null where an event has one of another kind."""
        values = self.column(path)
        kinds = self._kinds(path)
        if kind not in kinds:
            return pa.nulls(len(values))
        others = [self._told(path, other) for other in kinds - {"text"}] if kind == "text" else []
        own = values if kind == "text" else pc.if_else(values.is_valid(), self._told(path, kind), None)
        for other in others:
            own = pc.if_else(other.is_valid(), None, own)
        return own

    def _told(self, path: str, kind: str) -> pa.Array:
        values = whole(self._parts, path, kind)
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


def cut(offsets: Ints, kept: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Streams with some of their events: new offsets, and the places of the events that stay."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return before[offsets], np.flatnonzero(kept)
