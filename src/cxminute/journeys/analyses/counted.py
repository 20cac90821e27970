"""Passages counted: whole numbers that add, bucket by bucket, from which funnels are told.

What a bucket gives is small whatever it held, so that a funnel over a large log never has all its passages in memory.
A subject is in one bucket alone, a day is not: days are kept apart until all is added. Shares stand with a 95 %
interval (`intervals`) clustered by subject and by the UTC day of opening: passages of one person and of one day
resemble one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.advance import CLOSED, COMPLETED, ENDING, OPEN, OPENED, UNSEEN
from cxminute.journeys.analyses.intervals import Spread, share
from cxminute.journeys.classes import read_only
from cxminute.journeys.plan import FIRSTS, GROUP, ORIGIN, TARGET, Plan
from cxminute.journeys.scan import DEEPEST, REACHED, SUBJECT
from cxminute.model.tables import ENDINGS
from cxminute.model.times import DAY

Numbers = NDArray[np.int64]
Count = Literal["passages", "subjects"]
COUNTS: Final[tuple[Count, ...]] = ("passages", "subjects")
Value = str | None
Took = tuple[Numbers, Numbers]
"""Lengths of time in milliseconds, and to which group each belongs."""

N: Final = 0
ENDED: Final = 1
WON: Final = 2
HITS: Final = 3
"""Columns of totals and of days: passages, those that ended, that completed, then those that reached each step."""


class Shape(NamedTuple):
    """What counting knows of a plan.

    before: for each step, as bits, those that an edge leads from to it
    begun:  where a passage stands that has reached nothing yet: at a first group of which it has marked something
    """

    before: Numbers
    begun: int

    @classmethod
    def of(cls, plan: Plan) -> Shape:
        """Of a plan."""
        before = np.zeros(len(plan.moves.places), np.int64)
        for origin, target in plan.moves.edges[:, [ORIGIN, TARGET]].tolist():
            before[target] |= 1 << origin
        firsts = int(plan.moves.rule[FIRSTS])
        groups = plan.moves.places[:, GROUP].tolist()
        begun = next((place for place, group in enumerate(groups) if firsts >> place & 1 and group >= 0), 0)
        return cls(read_only(before), begun)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Passages of one journey, counted in groups; of a whole that is not split, in one.

    by:       what it is split by; None for the whole
    values:   what each group has in common
    passages: of each group, before one was taken of each subject
    totals:   a row a group, columns as N, ENDED, WON and HITS say
    ended:    groups x steps x ENDINGS: of those that came no further than a step, how they ended
    subjects: a row a group, columns twice as many: over its subjects, how many have one that counts; sums of squares
              and products, as `_sums` lays them out
    both:     the same over its subjects' days
    days:     group and day of each row of `daily`
    daily:    totals of one day
    took:     for each step, how long from the step before, over the passages that reached both
    lasted:   for each ending but 'open', how long from opening; empty where nobody asked
    """

    by: str | None
    values: tuple[Value, ...]
    passages: Numbers
    totals: Numbers
    ended: Numbers
    subjects: Numbers
    both: Numbers
    days: Numbers
    daily: Numbers
    took: tuple[Took, ...]
    lasted: tuple[Took, ...]

    def in_order(self) -> Iterator[int]:
        """Groups that hold something, largest first, then by value; null last among equals."""
        held = [group for group in range(len(self.values)) if self.passages[group]]
        said = [(value is None, value or "") for value in self.values]
        return iter(sorted(held, key=lambda group: (-int(self.passages[group]), *said[group])))

    def share(self, group: int, hits: int, among: int = N) -> tuple[float, float, float]:
        """The share of one column among another (N or ENDED), with its interval; see `intervals.share`."""
        mine = self.daily[self.days[:, 0] == group]
        clusters = (_spread(self.subjects[group], hits, among), Spread.of(mine[:, among], mine[:, hits]))
        n, won = int(self.totals[group, among]), int(self.totals[group, hits])
        return share(n, won, *clusters, _spread(self.both[group], hits, among))


WHOLE: Final[tuple[str | None, pa.Array | None]] = (None, None)


def count_rows(
    shape: Shape,
    rows: Numbers,
    owners: Numbers,
    split: tuple[str | None, pa.Array | None] = WHOLE,
    *,
    count: Count = "passages",
    alone: bool = False,
    lasting: bool = False,
) -> Counted:
    """Rows as `scan.REACHED` describes them, counted.

    rows:    in order of stream and opening; changed in place
    owners:  for each stream the number of its subject, ascending; repeated where a subject has several
    split:   the name of what they are split by, and its value for each row, as text
    count:   'subjects' takes of each stream in each group the passage that came furthest, the earliest among equals
    alone:   each stream is known to have one row
    lasting: whether to keep how long passages took from opening to ending
    """
    by, words = split
    values, groups = _groups(words, len(rows))
    if len(values) > 1:
        order = np.argsort(groups, kind="stable")
        rows, groups = rows[order], groups[order]
    whole = len(values) == 1
    passages = np.array([len(rows)]) if whole else np.bincount(groups, minlength=len(values)).astype(np.int64)
    if count == "subjects" and not alone:
        best = furthest_of(read_only(rows), read_only(groups))
        rows, groups, alone = rows[best], groups[best], True
    rows[:, SUBJECT] = owners[rows[:, SUBJECT]]
    if owners.size > 1 and not (owners[1:] > owners[:-1]).all():
        order = np.lexsort((rows[:, OPENED], rows[:, SUBJECT], groups))
        rows, groups, alone = rows[order], groups[order], False
    places = shape.before.size
    width = HITS + places
    totals, ended = np.zeros((len(values), width), np.int64), np.zeros((len(values), places, len(ENDINGS)), np.int64)
    subjects, both = (np.zeros((len(values), 2 * width), np.int64) for _ in range(2))
    first, days, cells = _cells(rows, len(values))
    daily = np.zeros((len(values) * days.size, width), np.int64)
    took, took_of = np.empty((places, len(rows)), np.int64), np.empty((places, len(rows)), np.int64)
    taken = np.zeros(places, np.int64)
    facts = (read_only(rows), read_only(groups), read_only(cells), first, days.size, *shape)
    gather(*facts, totals, ended, daily, took, took_of, taken)
    if alone:
        subjects = both = _sums(totals)
    else:
        square(read_only(rows), read_only(groups), subjects, both)
    there = np.flatnonzero(daily[:, N])
    return Counted(
        by=by,
        values=values,
        passages=passages,
        totals=totals,
        ended=ended,
        subjects=subjects,
        both=both,
        days=np.stack([there // max(days.size, 1), days[there % max(days.size, 1)]], axis=1),
        daily=daily[there],
        took=tuple((took[i, :n].copy(), took_of[i, :n].copy()) for i, n in enumerate(taken.tolist())),
        lasted=_lasted(rows, groups) if lasting else (),
    )


def merge(parts: Sequence[Counted]) -> Counted:
    """The parts as one: of buckets, which share no subject. At least one part."""
    values = tuple(dict.fromkeys(value for part in parts for value in part.values))
    place = {value: group for group, value in enumerate(values)}
    own = [np.array([place[value] for value in part.values], np.int64) for part in parts]

    def added(name: str) -> Numbers:
        arrays = [getattr(part, name) for part in parts]
        whole = np.zeros((len(values), *arrays[0].shape[1:]), np.int64)
        for groups, array in zip(own, arrays, strict=True):
            whole[groups] += array  # the values of one part are different ones
        return whole

    def chained(name: str) -> tuple[Took, ...]:
        lists = [getattr(part, name) for part in parts]
        return tuple(
            (
                np.concatenate([times for times, _ in pairs]),
                np.concatenate([groups[of] for groups, (_, of) in zip(own, pairs, strict=True)]),
            )
            for pairs in zip(*lists, strict=True)
        )

    days = np.concatenate(
        [np.stack([groups[part.days[:, 0]], part.days[:, 1]], axis=1) for groups, part in zip(own, parts, strict=True)]
    )
    daily = np.concatenate([part.daily for part in parts])
    order = np.lexsort((days[:, 1], days[:, 0]))
    days = days[order]
    fresh = np.flatnonzero(np.append(True, (days[1:] != days[:-1]).any(axis=1))) if len(days) else order
    daily = np.add.reduceat(daily[order], fresh) if len(days) else daily
    return Counted(
        by=parts[0].by,
        values=values,
        passages=added("passages"),
        totals=added("totals"),
        ended=added("ended"),
        subjects=added("subjects"),
        both=added("both"),
        days=days[fresh],
        daily=daily,
        took=chained("took"),
        lasted=chained("lasted"),
    )


def _cells(rows: Numbers, count: int) -> tuple[int, Numbers, Numbers]:
    """Days as few numbers, for `count` groups.

    The first day, the days in a row from it, and nothing; or where they lie far apart 0, the days that occur, and for
    each row the place of its own.
    """
    if not len(rows):
        return 0, np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = (int(bound) // DAY for bound in (rows[:, OPENED].min(), rows[:, OPENED].max()))
    if count * (high - low + 1) <= 4096 + 4 * len(rows):
        return low, np.arange(low, high + 1), np.empty(0, np.int64)
    days, cells = np.unique(rows[:, OPENED] // DAY, return_inverse=True)
    return 0, days, cells.astype(np.int64)


def _groups(words: pa.Array | None, length: int) -> tuple[tuple[Value, ...], Numbers]:
    """The values that occur, and for each row the place of its own."""
    if words is None:
        return ("",), np.zeros(length, np.int64)
    coded = words if pa.types.is_dictionary(words.type) else words.cast(pa.string()).dictionary_encode()
    known = [*coded.dictionary.to_pylist(), None]
    codes = coded.indices.cast(pa.int64()).fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    used, groups = np.unique(codes, return_inverse=True)
    return tuple(known[code] for code in used.tolist()), groups.astype(np.int64)


def _lasted(rows: Numbers, groups: Numbers) -> tuple[Took, ...]:
    ends = (rows[:, ENDING] == ending for ending in range(OPEN))
    return tuple((rows[here, CLOSED] - rows[here, OPENED], groups[here]) for here in ends)


def _sums(totals: Numbers) -> Numbers:
    """Where each cluster has one passage, its squares and products are its counts.

    Columns, twice those of totals: for N and ENDED the sums of squares and how many clusters have one; for what is a
    hit among N (WON: among ENDED) the sums of products with it, and the sums of squares.
    """
    return np.repeat(totals, 2, axis=1)


def _spread(sums: Numbers, hits: int, among: int) -> Spread:
    squares, clusters = sums[2 * among : 2 * among + 2].tolist()
    products, hit_squares = sums[2 * hits : 2 * hits + 2].tolist()
    return Spread(clusters, squares, products, hit_squares)


def _gather(  # noqa: PLR0913, PLR0917 -- called by position, as kernels are
    rows: Numbers,
    groups: Numbers,
    cells: Numbers,
    first: int,
    days: int,
    before: Numbers,
    begun: int,
    totals: Numbers,
    ended: Numbers,
    daily: Numbers,
    took: Numbers,
    took_of: Numbers,
    taken: Numbers,
) -> None:
    """Adds each row to the totals, to its day, to the endings of the furthest step that it reached, and its times."""
    places = before.size
    for row in range(rows.shape[0]):
        group = groups[row]
        day = cells[row] if cells.size else rows[row, OPENED] // DAY - first
        cell = group * days + day
        ending = rows[row, ENDING]
        totals[group, N] += 1
        daily[cell, N] += 1
        if ending != OPEN:
            totals[group, ENDED] += 1
            daily[cell, ENDED] += 1
        if ending == COMPLETED:
            totals[group, WON] += 1
            daily[cell, WON] += 1
        last = -1
        for place in range(places):
            time = rows[row, REACHED + place]
            if time == UNSEEN:
                continue
            last = place
            totals[group, HITS + place] += 1
            daily[cell, HITS + place] += 1
            since = UNSEEN
            for origin in range(place):
                if (before[place] >> origin) & 1 and rows[row, REACHED + origin] <= time:
                    since = max(since, rows[row, REACHED + origin])
            if since != UNSEEN:
                took[place, taken[place]] = time - since
                took_of[place, taken[place]] = group
                taken[place] += 1
        ended[group, last if last >= 0 else begun, ending] += 1


@njit(cache=True, nogil=True)
def _add(run: Numbers, sums: Numbers, group: int) -> None:
    """Adds a cluster to the sums of squares and products, and empties it."""
    if run[N] > 0:
        for among in (N, ENDED):
            sums[group, 2 * among] += run[among] * run[among]
            sums[group, 2 * among + 1] += run[among] > 0
        for hits in range(WON, run.size):
            sums[group, 2 * hits] += run[ENDED if hits == WON else N] * run[hits]
            sums[group, 2 * hits + 1] += run[hits] * run[hits]
        run[:] = 0


def _square(rows: Numbers, groups: Numbers, subjects: Numbers, both: Numbers) -> None:
    """Sums of squares and products over subjects, and over their days; rows in order of group, subject and opening."""
    width = subjects.shape[1] // 2
    of_subject, of_both = np.zeros(width, np.int64), np.zeros(width, np.int64)
    for row in range(rows.shape[0]):
        if row > 0:
            group = groups[row - 1]
            other = group != groups[row] or rows[row, SUBJECT] != rows[row - 1, SUBJECT]
            if other:
                _add(of_subject, subjects, group)
            if other or rows[row, OPENED] // DAY != rows[row - 1, OPENED] // DAY:
                _add(of_both, both, group)
        for run in (of_subject, of_both):
            run[N] += 1
            run[ENDED] += rows[row, ENDING] != OPEN
            run[WON] += rows[row, ENDING] == COMPLETED
            for place in range(width - HITS):
                run[HITS + place] += rows[row, REACHED + place] != UNSEEN
    if rows.shape[0]:
        _add(of_subject, subjects, groups[-1])
        _add(of_both, both, groups[-1])


def _furthest_of(rows: Numbers, groups: Numbers) -> Numbers:
    """The row of each subject in each group that came furthest, first among equals; rows by group, subject, opening."""
    best = np.empty(rows.shape[0], np.int64)
    found = 0
    for row in range(rows.shape[0]):
        if row == 0 or groups[row] != groups[row - 1] or rows[row, SUBJECT] != rows[row - 1, SUBJECT]:
            best[found] = row
            found += 1
        elif rows[row, DEEPEST] > rows[best[found - 1], DEEPEST]:
            best[found - 1] = row
    return best[:found].copy()


gather: Final[Callable[..., None]] = njit(cache=True, nogil=True)(_gather)
square: Final[Callable[[Numbers, Numbers, Numbers, Numbers], None]] = njit(cache=True, nogil=True)(_square)
furthest_of: Final[Callable[[Numbers, Numbers], Numbers]] = njit(cache=True, nogil=True)(_furthest_of)
