"""Of each subject the passage that came furthest, the earliest among equals, straight from the events.

It is what `scan` finds and `funnel` then picks, without the passages in between, for plans that are a plain chain: one
step after the other by `->`, without timing, guards or `unless`. Then a passage is how far it came since it opened, and
of those that are open the earliest is always the furthest, whatever comes. So under 'always' it is enough to know, for
each step, the latest opening from which it is reached (that one has the most time left), how far the subject came at
most, and when it first did: the passage is the earliest one that was open then. Under 'once' and 'after exit' one
passage is followed at a time. Who completed is done.

Proof that it is the same: a property test compares the rows with those of the scan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.advance import ALWAYS, CLOSED, COMPLETED, ENDING, EVENT, EXPIRED, ONCE, OPEN, OPENED, UNSEEN
from cxminute.journeys.classes import BLOCK, Classes, pick, read_only
from cxminute.journeys.plan import (
    AFTER,
    DIRECT,
    FIRSTS,
    FOREVER,
    GUARD,
    LASTS,
    ORIGIN,
    REENTRY,
    STEPS,
    TARGET,
    UNLESS,
    WINDOW,
    WITHIN,
    Plan,
)
from cxminute.journeys.scan import DEEPEST, REACHED, SUBJECT
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint16]

SEVERAL: Final = -1
"""Role of an event that is more than one step of the chain."""


class Bounds(NamedTuple):
    """What time allows, UTC milliseconds, inclusive: the window, the close of the log, and which openings count."""

    window: int
    closes_at: int
    opened_from: int
    opened_until: int


def is_plain(plan: Plan) -> bool:
    """Whether the plan is a plain chain, as the module says."""
    moves = plan.moves
    places = len(moves.places)
    plain = (FOREVER, 0, 0, 0)
    edges = moves.edges[:, [ORIGIN, TARGET, WITHIN, AFTER, GUARD, DIRECT]].tolist()
    return (
        not len(moves.groups)
        and moves.rule[FIRSTS] == 1
        and moves.rule[LASTS] == 1 << (places - 1)
        and moves.rule[UNLESS] == 0
        and edges == [[place, place + 1, *plain] for place in range(places - 1)]
    )


def furthest(
    plan: Plan, streams: Streams, classes: Classes, closes_at: int, opened: tuple[int, int] | None = None
) -> Numbers:
    """One row for each subject that has a passage, as `scan.REACHED` describes it, in order of subjects.

    plan:   a plain chain
    opened: only passages that opened in this span count, both ends included, UTC milliseconds
    """
    steps = plan.moves.places[:, STEPS]
    roles = np.zeros(len(classes.masks), np.int64)
    for place, step in enumerate(steps.tolist(), start=1):
        hit = classes.masks & step != 0
        roles[hit] = np.where(roles[hit] == 0, place, SEVERAL)
    first, last = opened or (UNSEEN, -UNSEEN)
    bounds = Bounds(int(plan.moves.rule[WINDOW]), closes_at, first, last)
    facts = (read_only(streams.offsets), read_only(streams.times), classes.codes, classes.masks, read_only(roles))
    reentry = int(plan.moves.rule[REENTRY])
    if reentry == ALWAYS:
        return of_all(*facts, read_only(steps), bounds)
    return one_by_one(*facts, read_only(steps), bounds, reentry == ONCE)


@njit(cache=True, nogil=True)
def _settle(rows: Numbers, row: int, subject: int, start: int, most: int, bounds: Bounds) -> None:
    """Completes a row whose times of reaching are there, up to the step `most`."""
    opened = rows[row, REACHED]
    until = opened + bounds.window
    rows[row, OPENED] = opened
    rows[row, SUBJECT] = subject
    rows[row, EVENT] = start
    rows[row, DEEPEST] = most
    for step in range(REACHED + most, rows.shape[1]):
        rows[row, step] = UNSEEN
    if REACHED + most == rows.shape[1]:
        rows[row, ENDING] = COMPLETED
        rows[row, CLOSED] = rows[row, REACHED + most - 1]
    elif until < bounds.closes_at:  # <, not <=: in the last promised millisecond it is still open
        rows[row, ENDING] = EXPIRED
        rows[row, CLOSED] = until
    else:
        rows[row, ENDING] = OPEN
        rows[row, CLOSED] = UNSEEN


@njit(cache=True, nogil=True)
def longest(offsets: Numbers) -> int:
    """The most events that a subject has."""
    most = 0
    for subject in range(offsets.size - 1):
        most = max(most, offsets[subject + 1] - offsets[subject])
    return most


@njit(cache=True, nogil=True)
def _retrace(  # noqa: PLR0913, PLR0917 -- called by position, as kernels are
    rows: Numbers,
    row: int,
    times: Numbers,
    codes: Codes,
    masks: Numbers,
    steps: Numbers,
    openings: Numbers,
    count: int,
    most: int,
    earliest: int,
) -> int:
    """Writes when each step was reached from the first opening not before `earliest`; returns the opening's place.

    openings: place of each opening of the subject, `count` of them
    """
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if times[openings[middle]] < earliest:
            low = middle + 1
        else:
            high = middle
    start: int = openings[low]
    rows[row, REACHED] = times[start]
    place = start
    for step in range(1, most):
        place += 1
        while not masks[codes[place]] & steps[step]:
            place += 1
        rows[row, REACHED + step] = times[place]
    return start


def _of_all(  # noqa: C901, PLR0912, PLR0915 -- one loop over all events: each call in it would be paid for each
    offsets: Numbers, times: Numbers, codes: Codes, masks: Numbers, roles: Numbers, steps: Numbers, bounds: Bounds
) -> Numbers:
    """Under 'always'.

    masks, roles: by class: which steps of the plan such events match; which place in the chain they have, from 1, 0 for
                  none, SEVERAL for more than one
    steps:        by place the bit of its step
    """
    places = steps.size
    window = bounds.window
    wanted = roles != 0
    picked = np.empty(BLOCK, np.int64)
    taken = np.empty(BLOCK, np.int64)
    latest = np.empty(places + 1, np.int64)  # by step, from 1: the latest opening from which it is reached
    rows = np.empty((offsets.size - 1, REACHED + places), np.int64)
    openings = np.empty(longest(offsets), np.int64)
    found = 0
    subject = -1
    end = offsets[0]
    opened = most = peak = 0
    done = False
    for first in range(0, codes.size, BLOCK):
        count = pick(codes, wanted, first, min(first + BLOCK, codes.size), picked)
        for i in range(count):  # apart from what follows, so that the memory is asked for many of them at once
            taken[i] = times[picked[i]]
        for i in range(count):
            place = picked[i]
            if place >= end:
                if most > 0:
                    start = _retrace(rows, found, times, codes, masks, steps, openings, opened, most, peak - window)
                    _settle(rows, found, subject, start, most, bounds)
                    found += 1
                while offsets[subject + 1] <= place:
                    subject += 1
                end = offsets[subject + 1]
                opened = most = 0
                done = False
            elif done:
                continue
            role = roles[codes[place]]
            time = taken[i]
            if time > bounds.closes_at:
                done = True
                continue
            if role > 1:
                if most >= role - 1 and time - latest[role - 1] <= window:
                    latest[role] = latest[role - 1]
                    if role > most:
                        most = role
                        peak = time
                        done = most == places
                continue
            if role == SEVERAL:
                mask = masks[codes[place]]
                for step in range(places, 1, -1):  # downwards: each from the state before the event
                    if mask & steps[step - 1] and most >= step - 1 and time - latest[step - 1] <= window:
                        latest[step] = latest[step - 1]
                        if step > most:
                            most = step
                            peak = time
                done = most == places
                if done or not mask & steps[0]:
                    continue
            if bounds.opened_from <= time <= bounds.opened_until:
                latest[1] = time
                openings[opened] = place
                opened += 1
                if most == 0:
                    most = 1
                    peak = time
                    done = places == 1
    if most > 0:
        start = _retrace(rows, found, times, codes, masks, steps, openings, opened, most, peak - window)
        _settle(rows, found, subject, start, most, bounds)
        found += 1
    return rows[:found]


def _one_by_one(  # noqa: C901, PLR0912 -- as above
    offsets: Numbers,
    times: Numbers,
    codes: Codes,
    masks: Numbers,
    roles: Numbers,
    steps: Numbers,
    bounds: Bounds,
    once: bool,  # noqa: FBT001 -- the kernel is called by position
) -> Numbers:
    """Under 'once' and 'after exit': each passage in turn; arguments as of `_of_all`."""
    places = steps.size
    wanted = roles != 0
    picked = np.empty(BLOCK, np.int64)
    taken = np.empty(BLOCK, np.int64)
    reached = np.empty(places, np.int64)
    rows = np.empty((offsets.size - 1, REACHED + places), np.int64)
    found = 0
    subject = -1
    end = offsets[0]
    start = level = most = 0  # of the open passage: where it opened, how far it came (0: none is open); of all
    done = False
    for first in range(0, codes.size, BLOCK):
        count = pick(codes, wanted, first, min(first + BLOCK, codes.size), picked)
        for i in range(count):  # apart from what follows, so that the memory is asked for many of them at once
            taken[i] = times[picked[i]]
        for i in range(count):
            place = picked[i]
            if place >= end:
                found += most > 0
                while offsets[subject + 1] <= place:
                    subject += 1
                end = offsets[subject + 1]
                level = most = 0
                done = False
            elif done:
                continue
            mask = masks[codes[place]]
            time = taken[i]
            if time > bounds.closes_at:
                done = True
                continue
            if level > 0 and time - reached[0] > bounds.window:
                level = 0
                if once:
                    done = True
                    continue
            if level > 0:
                if not mask & steps[level]:
                    continue
            elif not mask & steps[0]:
                continue
            else:
                start = place
            reached[level] = time
            level += 1
            if level > most and bounds.opened_from <= reached[0] <= bounds.opened_until:
                most = level
                for step in range(level):
                    rows[found, REACHED + step] = reached[step]
                _settle(rows, found, subject, start, most, bounds)
            if level == places:
                level = 0
                done = once or most == places
    return rows[: found + (most > 0)]


of_all: Final[Callable[[Numbers, Numbers, Codes, Numbers, Numbers, Numbers, Bounds], Numbers]] = njit(
    cache=True, nogil=True
)(_of_all)
one_by_one: Final[Callable[[Numbers, Numbers, Codes, Numbers, Numbers, Numbers, Bounds, bool], Numbers]] = njit(
    cache=True, nogil=True
)(_one_by_one)
