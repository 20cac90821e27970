"""The scan where a subject has one open passage at most, and its pattern no group: under 'once' and 'after exit'.

It finds what `scan.fold` finds, at a fraction of the cost, since all that the passage is fits beside the loop: which
positions it has reached as one number, which edges are cut as another, when it must end, and which events it heeds at
all. Every rule here is one of `advance`; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.advance import (
    ALWAYS,
    BROKEN,
    CLOSED,
    COMPLETED,
    ENDING,
    EVENT,
    EXPIRED,
    ONCE,
    OPEN,
    OPENED,
    UNSEEN,
)
from cxminute.journeys.classes import BLOCK, pick
from cxminute.journeys.plan import (
    AFTER,
    DIRECT,
    ENDINGS,
    FIRSTS,
    GUARD,
    LASTS,
    OPENING,
    ORIGIN,
    REENTRY,
    SEEN,
    STEPS,
    TARGET,
    UNLESS,
    WINDOW,
    WITHIN,
    Moves,
    Plan,
)
from cxminute.journeys.scan import DEEPEST, REACHED, SUBJECT, openings

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint16]

MOST_EDGES: Final = 62
"""Edges that fit, a bit each, into one number."""


def is_solo(plan: Plan) -> bool:
    """Whether this scan is for the plan: one passage at a time, no groups, no endings of other journeys."""
    moves = plan.moves
    one = moves.rule[REENTRY] != ALWAYS and not len(moves.groups)
    return bool(one and not moves.rule[ENDINGS] and len(moves.edges) <= MOST_EDGES)


# Entries of the state of the open passage. One array: to a kernel, what is passed as a literal is a type of its own.
HAVE: Final = 0
CUT: Final = 1
HEED: Final = 2
UNTIL: Final = 3
SINCE: Final = 4
BEGUN: Final = 5
WHOSE: Final = 6
ROW: Final = 7
BEST: Final = 8
ENTRIES: Final = 9
"""HAVE: positions reached, as bits, 0 while no passage is open; CUT: edges cut, as bits; HEED: events that may move it
or cut an edge, as the bits of their steps, beside those that open and those that break; UNTIL: its deadline; SINCE:
when it opened; BEGUN: by which event; WHOSE: the subject; ROW: where the next passage is written; BEST: the depth of
the subject's furthest, 0 before the first."""


class Kept(NamedTuple):
    """Which passages are kept: those that opened in a span, UTC milliseconds, both ends included.

    best: 1 for the furthest of each subject alone, the earliest among equals
    """

    opened_from: int = UNSEEN
    opened_until: int = -UNSEEN
    best: int = 0


@njit(cache=True, nogil=True)
def _exits(moves: Moves) -> Numbers:
    """For each position, how long an edge out of it is live at most, and the bits of what may take or cut one."""
    exits = np.zeros((moves.places.shape[0], 2), np.int64)
    exits[:, 0] = UNSEEN
    for edge in range(moves.edges.shape[0]):
        origin = moves.edges[edge, ORIGIN]
        exits[origin, 0] = max(exits[origin, 0], moves.edges[edge, WITHIN])
        exits[origin, 1] |= moves.places[moves.edges[edge, TARGET], STEPS] | moves.edges[edge, GUARD]
        if moves.edges[edge, DIRECT]:
            exits[origin, 1] |= SEEN
    return exits


@njit(cache=True, nogil=True)
def _reached(moves: Moves, state: Numbers, first: Numbers, last: Numbers, time: int, mask: int) -> int:
    """The positions that the event reaches, as bits, all from the state before it."""
    reached = 0
    if moves.rule[OPENING] & mask:
        for place in range(last.size):
            if (moves.rule[FIRSTS] >> place) & 1 and moves.places[place, STEPS] & mask:
                reached |= 1 << place
    for edge in range(moves.edges.shape[0]):
        origin, target = moves.edges[edge, ORIGIN], moves.edges[edge, TARGET]
        if (
            moves.places[target, STEPS] & mask
            and (state[HAVE] >> origin) & 1
            and not (state[CUT] >> edge) & 1
            and time - last[origin] <= moves.edges[edge, WITHIN]
            and time - first[origin] >= moves.edges[edge, AFTER]
        ):
            reached |= 1 << target
    return reached


@njit(cache=True, nogil=True)
def _goes_on(moves: Moves, state: Numbers, first: Numbers, last: Numbers, time: int, mask: int) -> int:
    """What an event that is heeded, in time and no `unless` does to the open passage: its ending, or OPEN."""
    reached = _reached(moves, state, first, last, time, mask)
    for place in range(last.size):
        if (reached >> place) & 1:
            last[place] = time
            if not (state[HAVE] >> place) & 1:
                first[place] = time
    state[HAVE] |= reached
    until = UNSEEN
    heed = 0
    for edge in range(moves.edges.shape[0]):
        origin, target = moves.edges[edge, ORIGIN], moves.edges[edge, TARGET]
        if (reached >> origin) & 1:
            state[CUT] &= ~(1 << edge)
        elif (moves.edges[edge, DIRECT] and mask & SEEN) or (
            moves.edges[edge, GUARD] & mask and not (reached >> target) & 1
        ):
            state[CUT] |= 1 << edge
        if (state[HAVE] >> origin) & 1 and not (state[CUT] >> edge) & 1:
            until = max(until, last[origin] + moves.edges[edge, WITHIN])
            heed |= moves.places[target, STEPS] | moves.edges[edge, GUARD]
            if moves.edges[edge, DIRECT]:
                heed |= SEEN
    state[UNTIL] = min(until, state[SINCE] + moves.rule[WINDOW])
    state[HEED] = heed
    if reached & moves.rule[LASTS]:
        return COMPLETED
    return OPEN if until >= time else BROKEN


@njit(cache=True, nogil=True)
def _deepest(moves: Moves, have: int, depth: Numbers) -> int:
    """As `advance.deepest`; depth is scratch."""
    if have & (have - 1) == 0:
        return 1
    edge = 0
    most = 0
    depth[:] = 0
    for place in range(depth.size):
        depth[place] += (have >> place) & 1
        most = max(most, depth[place])
        while edge < moves.edges.shape[0] and moves.edges[edge, ORIGIN] == place:
            depth[moves.edges[edge, TARGET]] = max(depth[moves.edges[edge, TARGET]], depth[place])
            edge += 1
    return most


@njit(cache=True, nogil=True)
def _ends(
    moves: Moves, kept: Kept, state: Numbers, first: Numbers, found: Numbers, time: int, ending: int, depth: Numbers
) -> None:
    """Writes the passage that ends, if it is one to keep."""
    most = _deepest(moves, state[HAVE], depth)
    if not kept.opened_from <= state[SINCE] <= kept.opened_until or (kept.best and most <= state[BEST]):
        return
    if not kept.best or state[BEST] == 0:
        state[ROW] += 1
    state[BEST] = most
    row = state[ROW] - 1
    found[row, OPENED] = state[SINCE]
    found[row, SUBJECT] = state[WHOSE]
    found[row, EVENT] = state[BEGUN]
    found[row, CLOSED] = time
    found[row, ENDING] = ending
    found[row, DEEPEST] = most
    for place in range(first.size):
        found[row, REACHED + place] = first[place] if (state[HAVE] >> place) & 1 else UNSEEN


def _alone(  # noqa: C901, PLR0912, PLR0915 -- one loop over all events: each call would be paid for each
    moves: Moves, offsets: Numbers, times: Numbers, codes: Codes, masks: Numbers, closes_at: int, kept: Kept
) -> Numbers:
    """All passages of a bucket that are kept; the other arguments, and the rows, as of `scan.fold`."""
    places = moves.places.shape[0]
    opening, unless, window = moves.rule[OPENING], moves.rule[UNLESS], moves.rule[WINDOW]
    once, lasts = moves.rule[REENTRY] == ONCE, moves.rule[LASTS]
    firsts = np.array([place for place in range(places) if (moves.rule[FIRSTS] >> place) & 1])
    exits = _exits(moves)
    wanted = masks != 0
    found = np.empty((offsets.size - 1 if kept.best else openings(codes, masks, opening), REACHED + places), np.int64)
    picked, taken = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    first, last, depth = np.empty(places, np.int64), np.empty(places, np.int64), np.empty(places, np.int64)
    state = np.zeros(ENTRIES, np.int64)
    state[WHOSE] = -1
    end = offsets[0]
    spent = False
    for begin in range(0, codes.size, BLOCK):
        count = pick(codes, wanted, begin, min(begin + BLOCK, codes.size), picked)
        for i in range(count):  # apart from what follows, so that the memory is asked for many of them at once
            taken[i] = times[picked[i]]
        for i in range(count):
            event, time = picked[i], taken[i]
            if event >= end:
                if state[HAVE]:
                    closed, ending = (state[UNTIL], EXPIRED) if state[UNTIL] < closes_at else (UNSEEN, OPEN)
                    _ends(moves, kept, state, first, found, closed, ending, depth)
                while offsets[state[WHOSE] + 1] <= event:
                    state[WHOSE] += 1
                end = offsets[state[WHOSE] + 1]
                state[HAVE] = state[BEST] = 0
                spent = False
            mask = masks[codes[event]]
            if time > closes_at:
                continue
            if state[HAVE]:
                closed, ending = time, OPEN
                if time > state[UNTIL]:
                    closed, ending = state[UNTIL], EXPIRED
                elif mask & unless:
                    ending = BROKEN
                elif mask & state[HEED]:
                    ending = _goes_on(moves, state, first, last, time, mask)
                elif mask & opening == 0:
                    continue
                elif firsts.size == 1 and state[HAVE] == 1 << firsts[0]:  # nothing but the opening, over again
                    last[firsts[0]] = time
                    state[CUT] = 0
                    state[HEED] = exits[firsts[0], 1]
                    state[UNTIL] = min(time + exits[firsts[0], 0], state[SINCE] + window)
                else:
                    ending = _goes_on(moves, state, first, last, time, mask)
                if ending == OPEN:
                    continue
                if kept.best == 0 or state[BEST] == 0 or state[HAVE] & (state[HAVE] - 1):
                    _ends(moves, kept, state, first, found, closed, ending, depth)
                state[HAVE] = 0
                spent = once
                if ending == COMPLETED:  # the event that completed a passage opens none in its place
                    continue
            if mask & opening and not spent:
                have, until, heed = 0, UNSEEN, 0
                for place in firsts:
                    if moves.places[place, STEPS] & mask:
                        have |= 1 << place
                        first[place] = last[place] = time
                        until = max(until, exits[place, 0])
                        heed |= exits[place, 1]
                state[HAVE], state[CUT], state[HEED] = have, 0, heed
                state[SINCE], state[BEGUN] = time, event
                state[UNTIL] = time + min(until, window)
                if have & lasts:
                    _ends(moves, kept, state, first, found, time, COMPLETED, depth)
                    state[HAVE] = 0
                    spent = once
    if state[HAVE]:
        closed, ending = (state[UNTIL], EXPIRED) if state[UNTIL] < closes_at else (UNSEEN, OPEN)
        _ends(moves, kept, state, first, found, closed, ending, depth)
    return found[: state[ROW]]


alone: Final[Callable[[Moves, Numbers, Numbers, Codes, Numbers, int, Kept], Numbers]] = njit(cache=True, nogil=True)(
    _alone
)
