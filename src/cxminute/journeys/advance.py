"""The one transition function: what an event, or the mere passing of time, does to the open passages of a subject.

Batch folds it over a bucket's columns (`scan`), live calls it once per event (`live`). The meaning of every rule here
stands in `language`; comparisons of time are inclusive.

A passage is one row of int64: OPENED, NUMBER, EVENT, CLOSED, ENDING, TOUCHED (the last event that reached or marked
something), then for every position the first time that it was reached and for every position the last (UNSEEN where it
was not), then for every edge whether it is cut, then for every group which of its steps have been seen, when the first
of them was, and the most that ever were at once. `width` says how long that is. A subject's state is the rows of its
open passages, in order of opening, and two counts: how many are open (OPEN_NOW), and how many ever opened (EVER).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.plan import (
    AFTER,
    APART,
    DIRECT,
    FIRSTS,
    GROUP,
    GROUP_MOST,
    GUARD,
    LASTS,
    MARKS,
    OPENING,
    ORIGIN,
    PLACE,
    REENTRY,
    SEEN,
    STEPS,
    TARGET,
    UNLESS,
    WEIGHT,
    WINDOW,
    WITHIN,
    Moves,
)

Row = NDArray[np.int64]
Rows = NDArray[np.int64]

OPENED: Final = 0
NUMBER: Final = 1
EVENT: Final = 2
CLOSED: Final = 3
ENDING: Final = 4
TOUCHED: Final = 5
FIXED: Final = 6

OPEN_NOW: Final = 0
EVER: Final = 1

COMPLETED: Final = 0
BROKEN: Final = 1
EXPIRED: Final = 2
OPEN: Final = 3

ONCE: Final = 0
AFTER_EXIT: Final = 1
ALWAYS: Final = 2

UNSEEN: Final = -(2**61)

MARKED: Final = 0
SINCE: Final = 1
MOST_MARKED: Final = 2
GROUPED: Final = 3
"""How many numbers a group takes in a row."""


@njit(cache=True, nogil=True)
def width(moves: Moves) -> int:
    """How many numbers a passage of this plan takes."""
    numbers: int = FIXED + 2 * moves.places.shape[0] + moves.edges.shape[0] + GROUPED * moves.groups.shape[0]
    return numbers


@njit(cache=True, nogil=True)
def deadline(moves: Moves, rows: Rows, row: int) -> int:
    """The last millisecond at which the passage may still go on: window and last live edge, whichever ends earlier."""
    lasts = FIXED + moves.places.shape[0]
    cuts = lasts + moves.places.shape[0]
    groups = cuts + moves.edges.shape[0]
    runs_out = UNSEEN
    for edge in range(moves.edges.shape[0]):
        reached = rows[row, lasts + moves.edges[edge, ORIGIN]]
        if reached != UNSEEN and rows[row, cuts + edge] == 0:
            runs_out = max(runs_out, reached + moves.edges[edge, WITHIN])
    for group in range(moves.groups.shape[0]):
        at = groups + GROUPED * group
        if (moves.rule[FIRSTS] >> moves.groups[group, PLACE]) & 1 and rows[row, at + MARKED]:
            runs_out = max(runs_out, rows[row, at + SINCE] + moves.groups[group, APART])
    until: int = min(rows[row, OPENED] + moves.rule[WINDOW], runs_out)
    return until


@njit(cache=True, nogil=True)
def _allowed(moves: Moves, rows: Rows, row: int, time: int) -> tuple[int, int]:
    """Into which positions a live edge leads at this time, and into which one that has waited long enough, as bits."""
    lasts = FIXED + moves.places.shape[0]
    cuts = lasts + moves.places.shape[0]
    live = 0
    allowed = 0
    for edge in range(moves.edges.shape[0]):
        origin = moves.edges[edge, ORIGIN]
        first = rows[row, FIXED + origin]
        if first == UNSEEN or rows[row, cuts + edge] != 0:
            continue
        if time - rows[row, lasts + origin] <= moves.edges[edge, WITHIN]:
            live |= 1 << moves.edges[edge, TARGET]
            if time - first >= moves.edges[edge, AFTER]:
                allowed |= 1 << moves.edges[edge, TARGET]
    return live, allowed


@njit(cache=True, nogil=True)
def _forget(moves: Moves, rows: Rows, row: int, time: int, live: int) -> None:
    """Clears the marks of every group whose time has run out. No guard and no `=>` leads into a group: time alone."""
    groups = FIXED + 2 * moves.places.shape[0] + moves.edges.shape[0]
    for group in range(moves.groups.shape[0]):
        at = groups + GROUPED * group
        place = moves.groups[group, PLACE]
        if (moves.rule[FIRSTS] >> place) & 1:
            if rows[row, at + MARKED] and time - rows[row, at + SINCE] > moves.groups[group, APART]:
                rows[row, at + MARKED] = 0
        elif not (live >> place) & 1:
            rows[row, at + MARKED] = 0


@njit(cache=True, nogil=True)
def _mark(moves: Moves, rows: Rows, row: int, group: int, time: int, mask: int) -> int:
    """Marks the first missing step of the group that the event matches: 0 nothing, 1 marked, 2 marked the last one."""
    at = FIXED + 2 * moves.places.shape[0] + moves.edges.shape[0] + GROUPED * group
    marked = rows[row, at + MARKED]
    steps = moves.places[moves.groups[group, PLACE], WEIGHT]
    for step in range(GROUP_MOST):
        if moves.groups[group, MARKS + step] & mask and not (marked >> step) & 1:
            if marked == 0:
                rows[row, at + SINCE] = time
            marked |= 1 << step
            seen = 0
            for other in range(GROUP_MOST):
                seen += (marked >> other) & 1
            rows[row, at + MOST_MARKED] = max(rows[row, at + MOST_MARKED], seen)
            rows[row, at + MARKED] = 0 if seen == steps else marked
            return 2 if seen == steps else 1
    return 0


@njit(cache=True, nogil=True)
def _reaches(moves: Moves, rows: Rows, row: int, time: int, mask: int, event: int) -> int:
    """The positions that the event reaches, as bits, all from the state before it; groups take their marks."""
    live, allowed = _allowed(moves, rows, row, time)
    _forget(moves, rows, row, time, live)
    allowed |= moves.rule[FIRSTS]
    reached = 0
    for place in range(moves.places.shape[0]):
        if not (allowed >> place) & 1 or not moves.places[place, STEPS] & mask:
            continue
        group = moves.places[place, GROUP]
        done = 2 if group < 0 else _mark(moves, rows, row, group, time, mask)
        if done:
            rows[row, TOUCHED] = event
        if done == 2:
            reached |= 1 << place
    return reached


@njit(cache=True, nogil=True)
def _moves_on(moves: Moves, rows: Rows, row: int, time: int, mask: int, event: int) -> int:
    """One event of a passage that is in time and not broken by `unless`: progress, guards, and its ending or OPEN."""
    places = moves.places.shape[0]
    lasts = FIXED + places
    cuts = lasts + places
    groups = cuts + moves.edges.shape[0]
    reached = _reaches(moves, rows, row, time, mask, event)
    for place in range(places):
        if (reached >> place) & 1:
            if rows[row, FIXED + place] == UNSEEN:
                rows[row, FIXED + place] = time
            rows[row, lasts + place] = time
    live = False
    for edge in range(moves.edges.shape[0]):
        origin = moves.edges[edge, ORIGIN]
        if (reached >> origin) & 1:
            rows[row, cuts + edge] = 0
        elif (moves.edges[edge, DIRECT] and mask & SEEN) or (
            moves.edges[edge, GUARD] & mask and not (reached >> moves.edges[edge, TARGET]) & 1
        ):
            rows[row, cuts + edge] = 1
        last = rows[row, lasts + origin]
        live |= last != UNSEEN and rows[row, cuts + edge] == 0 and time - last <= moves.edges[edge, WITHIN]
    if reached & moves.rule[LASTS]:
        return COMPLETED
    for group in range(moves.groups.shape[0]):
        first = (moves.rule[FIRSTS] >> moves.groups[group, PLACE]) & 1
        live |= first != 0 and rows[row, groups + GROUPED * group + MARKED] != 0
    return OPEN if live else BROKEN


@njit(cache=True, nogil=True)
def _opens(moves: Moves, rows: Rows, row: int, time: int, mask: int, event: int) -> int:
    """A fresh passage, opened by this event: opening counts as reaching or marking, and may be completing."""
    places = moves.places.shape[0]
    rows[row] = 0
    rows[row, OPENED] = time
    rows[row, EVENT] = event
    rows[row, TOUCHED] = event
    reached = 0
    for place in range(places):
        rows[row, FIXED + place] = rows[row, FIXED + places + place] = UNSEEN
        if not (moves.rule[FIRSTS] >> place) & 1 or not moves.places[place, STEPS] & mask:
            continue
        group = moves.places[place, GROUP]
        if group < 0:
            reached |= 1 << place
            rows[row, FIXED + place] = rows[row, FIXED + places + place] = time
        else:
            _mark(moves, rows, row, group, time, mask)  # a group has two steps or more: never its last
    return COMPLETED if reached & moves.rule[LASTS] else OPEN


@njit(cache=True, nogil=True)
def _may_open(moves: Moves, counts: Row, completed: bool) -> bool:  # noqa: FBT001 -- the kernel is called by position
    """Whether a first step opens a passage now; completed: whether this very event completed one."""
    if moves.rule[REENTRY] == ALWAYS:
        return True
    return counts[EVER] == 0 if moves.rule[REENTRY] == ONCE else counts[OPEN_NOW] == 0 and not completed


@njit(cache=True, nogil=True)
def _end(rows: Rows, row: int, closed: int, ending: int, ended: Rows, gone: int) -> None:
    rows[row, CLOSED] = closed
    rows[row, ENDING] = ending
    for place in range(rows.shape[1]):
        ended[gone, place] = rows[row, place]


@njit(cache=True, nogil=True)
def advance(moves: Moves, passages: Rows, counts: Row, time: int, mask: int, event: int, ended: Rows) -> int:
    """Takes one event of a subject, in order of time, and says how many passages it ended.

    passages: rows of the open passages, changed in place; room for one more than are open
    counts:   [OPEN_NOW, EVER], changed in place
    time:     of the event, UTC milliseconds
    mask:     which of the plan's steps it matches, and SEEN where `=>` sees it; 0: time alone passes, which ends what
              expired
    event:    number that the caller knows the event by; kept by the passage that it opens or touches
    ended:    takes the rows of the passages that ended, in order of opening; room for one more than are open
    returns:  how many rows of `ended` were filled
    """
    kept = 0
    gone = 0
    completed = False
    for row in range(counts[OPEN_NOW]):
        closed = time
        until = deadline(moves, passages, row)
        if until < time:  # <, not <=: what comes in the last promised millisecond is in time
            ending = EXPIRED
            closed = until
        elif mask & moves.rule[UNLESS]:
            ending = BROKEN
        elif mask == 0:
            ending = OPEN
        else:
            ending = _moves_on(moves, passages, row, time, mask, event)
        if ending != OPEN:
            _end(passages, row, closed, ending, ended, gone)
            gone += 1
            completed |= ending == COMPLETED
        else:
            if kept != row:
                for place in range(passages.shape[1]):
                    passages[kept, place] = passages[row, place]
            kept += 1
    counts[OPEN_NOW] = kept
    if mask & moves.rule[OPENING] and _may_open(moves, counts, completed):
        ending = _opens(moves, passages, kept, time, mask, event)
        passages[kept, NUMBER] = counts[EVER]
        counts[EVER] += 1
        if ending == OPEN:
            counts[OPEN_NOW] += 1
        else:
            _end(passages, kept, time, ending, ended, gone)
            gone += 1
    return gone


@njit(cache=True, nogil=True)
def deepest(moves: Moves, rows: Rows, row: int, depth: Row) -> int:
    """The largest number of positions reached on any one way through the pattern; depth is scratch, one a position.

    A group counts as all its steps once reached, before that as the most that were marked at once.
    """
    groups = FIXED + 2 * moves.places.shape[0] + moves.edges.shape[0]
    edge = 0
    most = 0
    depth[:] = 0
    for place in range(moves.places.shape[0]):
        group = moves.places[place, GROUP]
        if rows[row, FIXED + place] != UNSEEN:
            depth[place] += moves.places[place, WEIGHT]
        elif group >= 0:
            depth[place] += rows[row, groups + GROUPED * group + MOST_MARKED]
        most = max(most, depth[place])
        while edge < moves.edges.shape[0] and moves.edges[edge, ORIGIN] == place:
            target = moves.edges[edge, TARGET]
            depth[target] = max(depth[target], depth[place])
            edge += 1
    return most
