"""The one transition function: what an event, or the mere passing of time, does to the open passages of a subject.

Batch folds it over a bucket's columns (`scan`), live calls it once per event (`live`). The meaning of every rule here
stands in `language`; comparisons of time are inclusive.

A passage is one row of int64: OPENED, NUMBER, EVENT, CLOSED, ENDING, then for every position the first time that it was
reached and for every position the last (UNSEEN where it was not), then for every edge whether it is cut. `width` says
how long that is. A subject's state is the rows of its open passages, in order of opening, and two counts: how many are
open (OPEN_NOW), and how many ever opened (EVER).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.plan import Moves

Row = NDArray[np.int64]
Rows = NDArray[np.int64]

OPENED: Final = 0
NUMBER: Final = 1
EVENT: Final = 2
CLOSED: Final = 3
ENDING: Final = 4
FIXED: Final = 5

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


@njit(cache=True, nogil=True)
def width(moves: Moves) -> int:
    """How many numbers a passage of this plan takes."""
    return FIXED + 2 * moves.steps.size + moves.origin.size


@njit(cache=True, nogil=True)
def deadline(moves: Moves, rows: Rows, row: int) -> int:
    """The last millisecond at which the passage may still go on: window and last live edge, whichever ends earlier."""
    lasts = FIXED + moves.steps.size
    cuts = lasts + moves.steps.size
    runs_out = UNSEEN
    for edge in range(moves.origin.size):
        reached = rows[row, lasts + moves.origin[edge]]
        if reached != UNSEEN and rows[row, cuts + edge] == 0:
            runs_out = max(runs_out, reached + moves.within[edge])
    until: int = min(rows[row, OPENED] + moves.window, runs_out)
    return until


@njit(cache=True, nogil=True)
def _reaches(moves: Moves, rows: Rows, row: int, time: int, mask: int) -> int:
    """The positions that the event reaches, as bits, all from the state before it."""
    lasts = FIXED + moves.steps.size
    cuts = lasts + moves.steps.size
    reached = 0
    for place in range(moves.steps.size):
        if (moves.firsts >> place) & 1 and moves.steps[place] & mask:
            reached |= 1 << place
    for edge in range(moves.origin.size):
        target = moves.target[edge]
        origin = moves.origin[edge]
        first = rows[row, FIXED + origin]
        if not moves.steps[target] & mask or first == UNSEEN or rows[row, cuts + edge] != 0:
            continue
        in_time = time - rows[row, lasts + origin] <= moves.within[edge]
        if in_time and time - first >= moves.after[edge]:
            reached |= 1 << target
    return reached


@njit(cache=True, nogil=True)
def _moves_on(moves: Moves, rows: Rows, row: int, time: int, mask: int) -> int:
    """One event of a passage that is in time and not broken by `unless`: progress, guards, and its ending or OPEN."""
    places = moves.steps.size
    lasts = FIXED + places
    cuts = lasts + places
    reached = _reaches(moves, rows, row, time, mask)
    for place in range(places):
        if (reached >> place) & 1:
            if rows[row, FIXED + place] == UNSEEN:
                rows[row, FIXED + place] = time
            rows[row, lasts + place] = time
    live = False
    for edge in range(moves.origin.size):
        origin = moves.origin[edge]
        if (reached >> origin) & 1:
            rows[row, cuts + edge] = 0
        elif moves.guard[edge] & mask and not (reached >> moves.target[edge]) & 1:
            rows[row, cuts + edge] = 1
        last = rows[row, lasts + origin]
        live |= last != UNSEEN and rows[row, cuts + edge] == 0 and time - last <= moves.within[edge]
    if reached & moves.lasts:
        return COMPLETED
    return OPEN if live else BROKEN


@njit(cache=True, nogil=True)
def _opens(moves: Moves, rows: Rows, row: int, time: int, mask: int) -> int:
    """A fresh passage, opened by this event: opening counts as reaching, and may be completing."""
    places = moves.steps.size
    rows[row] = 0
    rows[row, OPENED] = time
    reached = 0
    for place in range(places):
        first = (moves.firsts >> place) & 1 and moves.steps[place] & mask
        rows[row, FIXED + place] = rows[row, FIXED + places + place] = time if first else UNSEEN
        if first:
            reached |= 1 << place
    return COMPLETED if reached & moves.lasts else OPEN


@njit(cache=True, nogil=True)
def _may_open(moves: Moves, counts: Row, completed: bool) -> bool:  # noqa: FBT001 -- the kernel is called by position
    """Whether a first step opens a passage now; completed: whether this very event completed one."""
    if moves.reentry == ALWAYS:
        return True
    return counts[EVER] == 0 if moves.reentry == ONCE else counts[OPEN_NOW] == 0 and not completed


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
    mask:     which of the plan's steps it matches; 0: time alone passes, which ends what expired
    event:    number that the caller knows the event by; kept by the passage that it opens
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
        elif mask & moves.unless:
            ending = BROKEN
        else:
            ending = _moves_on(moves, passages, row, time, mask)
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
    if mask & moves.opening and _may_open(moves, counts, completed):
        ending = _opens(moves, passages, kept, time, mask)
        passages[kept, NUMBER] = counts[EVER]
        passages[kept, EVENT] = event
        counts[EVER] += 1
        if ending == OPEN:
            counts[OPEN_NOW] += 1
        else:
            _end(passages, kept, time, ending, ended, gone)
            gone += 1
    return gone


@njit(cache=True, nogil=True)
def deepest(moves: Moves, rows: Rows, row: int, depth: Row) -> int:
    """The largest number of positions reached on any one way through the pattern; depth is scratch, one a position."""
    edge = 0
    most = 0
    depth[:] = 0
    for place in range(moves.steps.size):
        if rows[row, FIXED + place] != UNSEEN:
            depth[place] += 1
        most = max(most, depth[place])
        while edge < moves.origin.size and moves.origin[edge] == place:
            depth[moves.target[edge]] = max(depth[moves.target[edge]], depth[place])
            edge += 1
    return most
