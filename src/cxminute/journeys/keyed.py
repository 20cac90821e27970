"""Many subjects followed at once: the same `advance`, a small batch of events at a time.

What `live` keeps for one subject is kept here for all, in a few arrays: a batch of events in order of time costs what
its events cost, not what is already known. `Keyed.state` gives one subject's state as `live` has it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys import live
from cxminute.journeys.advance import EVER, OPEN_NOW, advance, deadline, width
from cxminute.journeys.plan import OPENING, Plan, unpack
from cxminute.model.errors import BadData, BrokenStore

Ints = NDArray[np.int64]

NONE: Final = -1
_HEAD: Final = struct.Struct("<B8sqqq")
_VERSION: Final = 1


class _Kept(NamedTuple):
    """What is kept of everybody; a passage is a row of `rows`, and rows of one subject are linked in order of opening.

    first: by subject, its first open passage, NONE without one; now: how many are open; ever: how many ever opened
    after: by row, the subject's next passage, or the next free row; NONE at the end
    rows:  as `advance` lays them out
    free:  [first free row]
    """

    first: Ints
    now: Ints
    ever: Ints
    after: Ints
    rows: Ints
    free: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """What a batch or a tick ended, in the order in which it came to an end.

    subjects: whose it was
    rows:     the passages as `advance` lays them out; `passages` reads them
    opened:   how many passages opened meanwhile
    """

    plan: Plan
    subjects: Ints
    rows: Ints
    opened: int

    def passages(self) -> list[live.Passage]:
        """The passages that ended, beside `subjects`."""
        return [live.passage(self.plan, row) for row in self.rows]


class Keyed:
    """Where everybody stands in one journey. Subjects are dense numbers from 0: eight bytes times three for each."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        nobody = np.empty(0, np.int64)
        self._kept = _Kept(
            nobody, nobody, nobody, nobody, np.empty((0, width(plan.moves)), np.int64), np.array([NONE], np.int64)
        )
        self._seen = 0
        self._open = 0

    @property
    def open_now(self) -> int:
        """How many passages are open."""
        return self._open

    def take(self, subjects: Ints, times: Ints, masks: Ints) -> Ended:
        """What a batch of events did; each subject's events come in order of time, within and across batches.

        subjects: number of each event's subject, from 0
        times:    UTC milliseconds
        masks:    as `Plan.mask` or `find.step_masks` gives them
        raises:   BadData for a subject below 0, or arrays of unlike lengths
        """
        if not len(subjects) == len(times) == len(masks):
            raise BadData(f"A batch of {len(subjects)} subjects has {len(times)} times and {len(masks)} masks.")
        if len(subjects) == 0:
            return self._ended(0, np.empty(0, np.int64), self._kept.rows[:0])
        if subjects.min() < 0:
            raise BadData(f"{subjects.min()} is not the number of a subject.", allowed="0 and above")
        self._kept = _grown(self._kept, int(subjects.max()) + 1, self._open + len(subjects))
        opened, owners, rows = follow(self.plan.packed, self._kept, subjects, times, masks, self._seen)
        self._seen += len(subjects)
        return self._ended(opened, owners, rows)

    def tick(self, now: int) -> Ended:
        """What ended because nothing but time has passed: every passage whose deadline lies before `now`."""
        return self._ended(0, *expire(self.plan.packed, self._kept, now))

    def state(self, subject: int) -> live.State:
        """One subject's state; `seen` counts the events of all. BadData for a number below 0."""
        if subject < 0:
            raise BadData(f"{subject} is not the number of a subject.", allowed="0 and above")
        kept = self._kept
        if subject >= len(kept.first):
            return live.begin(self.plan)
        rows = []
        row = kept.first[subject]
        while row != NONE:
            rows.append(kept.rows[row])
            row = kept.after[row]
        body = np.array(rows, np.int64).reshape(len(rows), kept.rows.shape[1])
        return live.stand(self.plan, int(kept.ever[subject]), self._seen, body)

    def dump(self) -> bytes:
        """Everything as bytes: what `load` goes on from."""
        kept = self._kept
        head = _HEAD.pack(_VERSION, bytes.fromhex(self.plan.hash), self._seen, len(kept.first), len(kept.rows))
        return head + b"".join(part.astype("<i8").tobytes() for part in kept)

    @classmethod
    def load(cls, plan: Plan, data: bytes) -> Keyed:
        """What was dumped; BrokenStore where the bytes are cut, damaged, newer, or of another plan."""
        try:
            version, named, seen, subjects, rows = _HEAD.unpack_from(data)
        except struct.error as fault:
            raise BrokenStore(f"The state of journey '{plan.name}' is cut short.") from fault
        long = int(width(plan.moves))
        sizes = [subjects, subjects, subjects, rows, rows * long, 1]
        fits = min(sizes) >= 0 and len(data) == _HEAD.size + 8 * sum(sizes)
        if version != _VERSION or named.hex() != plan.hash or not fits:
            raise BrokenStore(
                f"The state of journey '{plan.name}' belongs to another version of it.",
                allowed=f"version {_VERSION}, plan {plan.hash}",
                then="Fold the events again.",
            )
        body = np.frombuffer(data, "<i8", offset=_HEAD.size).astype(np.int64)
        first, now, ever, after, flat, free = (part.copy() for part in np.split(body, np.cumsum(sizes)[:-1]))
        again = cls(plan)
        again._kept = _Kept(first, now, ever, after, flat.reshape(rows, long), free)
        if not _sound(again._kept):  # kernels follow links without looking: a wrong one would lead out of the arrays
            raise BrokenStore(f"The state of journey '{plan.name}' is damaged.", then="Fold the events again.")
        again._seen, again._open = seen, int(now.sum())
        return again

    def _ended(self, opened: int, owners: Ints, rows: Ints) -> Ended:
        self._open += opened - len(owners)
        return Ended(self.plan, owners, rows, opened)


def _grown(kept: _Kept, subjects: int, passages: int) -> _Kept:
    """Room for that many subjects, and for that many open passages."""
    if subjects > len(kept.first):
        size = max(subjects, 2 * len(kept.first))
        first = np.full(size, NONE, np.int64)
        now, ever = np.zeros(size, np.int64), np.zeros(size, np.int64)
        first[: len(kept.first)], now[: len(kept.now)], ever[: len(kept.ever)] = kept.first, kept.now, kept.ever
        kept = kept._replace(first=first, now=now, ever=ever)
    before = len(kept.rows)
    if passages <= before:
        return kept
    size = max(passages, 2 * before)
    rows = np.zeros((size, kept.rows.shape[1]), np.int64)  # not empty: dumped bytes hold nothing of other memory
    rows[:before] = kept.rows
    after = np.empty(size, np.int64)
    after[:before] = kept.after
    after[before:] = np.arange(before + 1, size + 1)
    after[-1] = kept.free[0]
    return kept._replace(rows=rows, after=after, free=np.array([before], np.int64))


@njit(cache=True, nogil=True)
def _sound(kept: _Kept) -> bool:
    """Whether every row is in one list, of a subject or of the free ones, and each list is as long as it is said."""
    rows = kept.after.size
    listed = np.zeros(rows, np.bool_)
    for subject in range(kept.first.size):
        if not 0 <= kept.now[subject] <= kept.ever[subject]:
            return False
        count = _listed(kept.first[subject], kept.after, listed)
        if count != kept.now[subject]:
            return False
    return _listed(kept.free[0], kept.after, listed) >= 0 and bool(listed.all())


@njit(cache=True, nogil=True)
def _listed(row: int, after: Ints, listed: NDArray[np.bool_]) -> int:
    """Notes the rows of a list, and says how many; -1 where it leads to no row, or to one that is noted already."""
    count = 0
    while row != NONE:
        if not 0 <= row < after.size or listed[row]:
            return -1
        listed[row] = True
        row = after[row]
        count += 1
    return count


@njit(cache=True, nogil=True)
def follow(
    packed: Ints, kept: _Kept, subjects: Ints, times: Ints, masks: Ints, first_event: int
) -> tuple[int, Ints, Ints]:
    """A batch of events, in place: how many passages opened, and whose ended, each with its row."""
    moves = unpack(packed)
    long = kept.rows.shape[1]
    scratch = np.empty((4, long), np.int64)
    ended = np.empty((4, long), np.int64)
    owners = np.empty(64, np.int64)
    gone_rows = np.empty((64, long), np.int64)
    counts = np.empty(2, np.int64)
    total = 0
    opened = 0
    for event in range(subjects.size):
        subject = subjects[event]
        mask = masks[event]
        if kept.first[subject] == NONE and mask & moves.rule[OPENING] == 0:
            continue
        counts[OPEN_NOW], counts[EVER] = kept.now[subject], kept.ever[subject]
        if counts[OPEN_NOW] + 1 > scratch.shape[0]:
            scratch = np.empty((2 * counts[OPEN_NOW] + 2, long), np.int64)
            ended = np.empty_like(scratch)
        _gather(kept, subject, scratch)
        gone = advance(moves, scratch, counts, times[event], mask, first_event + event, ended)
        opened += counts[EVER] - kept.ever[subject]
        _scatter(kept, subject, scratch, counts)
        if total + gone > owners.size:
            size = 2 * (total + gone)
            longer, more = np.empty(size, np.int64), np.empty((size, long), np.int64)
            longer[:total], more[:total] = owners[:total], gone_rows[:total]
            owners, gone_rows = longer, more
        for row in range(gone):
            owners[total] = subject
            gone_rows[total] = ended[row]
            total += 1
    return opened, owners[:total], gone_rows[:total]


@njit(cache=True, nogil=True)
def _gather(kept: _Kept, subject: int, scratch: Ints) -> None:
    """Copies the subject's open passages into scratch, in order of opening."""
    row = kept.first[subject]
    place = 0
    while row != NONE:
        scratch[place] = kept.rows[row]
        row = kept.after[row]
        place += 1


@njit(cache=True, nogil=True)
def _scatter(kept: _Kept, subject: int, scratch: Ints, counts: Ints) -> None:
    """Copies them back: into the rows that the subject has, then into free ones; rows left over become free."""
    row = kept.first[subject]
    last = NONE
    for place in range(counts[OPEN_NOW]):
        if row == NONE:
            row = kept.free[0]
            kept.free[0] = kept.after[row]
            kept.after[row] = NONE
            if last == NONE:
                kept.first[subject] = row
            else:
                kept.after[last] = row
        kept.rows[row] = scratch[place]
        last = row
        row = kept.after[row]
    if last == NONE:
        kept.first[subject] = NONE
    else:
        kept.after[last] = NONE
    while row != NONE:
        following = kept.after[row]
        kept.after[row] = kept.free[0]
        kept.free[0] = row
        row = following
    kept.now[subject], kept.ever[subject] = counts[OPEN_NOW], counts[EVER]


@njit(cache=True, nogil=True)
def expire(packed: Ints, kept: _Kept, now: int) -> tuple[Ints, Ints]:
    """What is due, in place: whose ended, each with its row."""
    moves = unpack(packed)
    long = kept.rows.shape[1]
    total = kept.now.sum()
    owners = np.empty(total, np.int64)
    gone_rows = np.empty((total, long), np.int64)
    scratch = np.empty((4, long), np.int64)
    ended = np.empty((4, long), np.int64)
    counts = np.empty(2, np.int64)
    found = 0
    for subject in range(kept.first.size):
        row = kept.first[subject]
        due = False
        while row != NONE and not due:
            due = deadline(moves, kept.rows, row) < now
            row = kept.after[row]
        if not due:
            continue
        counts[OPEN_NOW], counts[EVER] = kept.now[subject], kept.ever[subject]
        if counts[OPEN_NOW] + 1 > scratch.shape[0]:
            scratch = np.empty((2 * counts[OPEN_NOW] + 2, long), np.int64)
            ended = np.empty_like(scratch)
        _gather(kept, subject, scratch)
        gone = advance(moves, scratch, counts, now, 0, NONE, ended)
        _scatter(kept, subject, scratch, counts)
        for row in range(gone):
            owners[found] = subject
            gone_rows[found] = ended[row]
            found += 1
    return owners[:found], gone_rows[:found]
