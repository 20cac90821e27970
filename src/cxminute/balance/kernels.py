"""One pass over the events of many subjects: which promises were opened, moved, kept and voided, and when.

Meaning and rules stand in `weigh`; this is only the loop that carries them out, compiled, without the interpreter's
lock. Events are marked beforehand: a sum of MADE, KEPT, VOIDED and AMENDED for each.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

MADE: Final = 1
KEPT: Final = 2
VOIDED: Final = 4
AMENDED: Final = 8

ABSENT: Final = np.iinfo(np.int64).min
"""Stands for 'no time' among int64 milliseconds."""

NOBODY: Final = -1
CUSTOMER: Final = 2
"""Place of 'customer' in `promises.PARTIES`; a test holds the two together."""

_KEPT, _LATE, _OVERDUE, _PENDING, _VOID, _NONE = range(6)  # places in model.tables.STATES; a test holds them together

_LONGS = types.Array(types.int64, 1, "C", readonly=True)  # read-only, since a memory map may stand behind it
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_CODES = types.Array(types.int8, 1, "C", readonly=True)
_RESULT = types.Tuple((types.int64[:, ::1], types.int8[:, ::1]))  # type: ignore[no-untyped-call]  # numba ships none here


@njit(types.int8(types.int64, types.int64, types.int64), cache=True, nogil=True)
def judge(outcome: int, limit: int, closes_at: int) -> int:
    """The place in STATES of a promise that was not voided: `limit` is the last millisecond that keeps it."""
    if outcome != ABSENT:
        return _KEPT if outcome <= limit else _LATE
    return _OVERDUE if limit < closes_at else _PENDING


@njit(cache=True, nogil=True)
def _count(offsets: NDArray[np.int64], times: NDArray[np.int64], marks: NDArray[np.uint8], closes_at: int) -> int:
    rows = 0
    for event in range(offsets[0], offsets[-1]):
        if marks[event] & MADE and times[event] <= closes_at:
            rows += 1
    return rows


@njit(cache=True, nogil=True)
def _judge_all(
    first: NDArray[np.int64],
    dues: NDArray[np.int64],
    outcome: NDArray[np.int64],
    states: NDArray[np.int8],
    closes_at: int,
    tolerance: int,
) -> None:
    for row in range(len(states)):
        if first[row] == ABSENT:
            states[row] = _NONE
        elif states[row] != _VOID:
            states[row] = judge(outcome[row], dues[row] + tolerance, closes_at)


@njit(_RESULT(_LONGS, _LONGS, _BYTES, _LONGS, _CODES, types.int64, types.int64), cache=True, nogil=True)
def settle(
    offsets: NDArray[np.int64],
    times: NDArray[np.int64],
    marks: NDArray[np.uint8],
    dues: NDArray[np.int64],
    movers: NDArray[np.int8],
    closes_at: int,
    tolerance: int,
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """One row per making event, in the order of the events.

    offsets: events of subject i are offsets[i]:offsets[i + 1]
    times, marks, dues, movers: per event: when; which steps; the due time that it says, or ABSENT; who says it, a place
             in PARTIES (read where the event amends)
    returns: times (5 x rows): subject's place, event's place, first due, due, outcome, ABSENT where there is none;
             codes (3 x rows): who moved it last (a place in PARTIES, or NOBODY), state, first state (places in STATES)
    """
    rows = _count(offsets, times, marks, closes_at)
    moments = np.full((5, rows), ABSENT, dtype=np.int64)
    codes = np.full((3, rows), np.int8(NOBODY), dtype=np.int8)
    fair = np.full(rows, ABSENT, dtype=np.int64)  # the due time that the first state is judged by
    subject_of, event_of, first, due, outcome = moments[0], moments[1], moments[2], moments[3], moments[4]
    moved_by, state, first_state = codes[0], codes[1], codes[2]
    row = 0
    for subject in range(len(offsets) - 1):
        oldest = row  # outcomes and voids take the oldest, so the open promises are always the subject's last rows
        for event in range(offsets[subject], offsets[subject + 1]):
            mark = marks[event]
            at = times[event]
            if mark == 0 or at > closes_at:
                continue
            while oldest < row and first[oldest] == ABSENT:
                oldest += 1
            if oldest < row:
                if mark & KEPT:
                    outcome[oldest] = at
                    oldest += 1
                elif mark & VOIDED:
                    state[oldest] = _VOID
                    oldest += 1
                elif mark & AMENDED and dues[event] != ABSENT:
                    if movers[event] == CUSTOMER and at <= fair[oldest] + tolerance:
                        fair[oldest] = dues[event]
                    due[oldest] = dues[event]
                    moved_by[oldest] = movers[event]
            if mark & MADE:
                subject_of[row], event_of[row] = subject, event
                first[row] = due[row] = fair[row] = dues[event]
                row += 1
    first_state[:] = state  # voids, so far; a void promise is void by any due time
    _judge_all(first, due, outcome, state, closes_at, tolerance)
    _judge_all(first, fair, outcome, first_state, closes_at, tolerance)
    return moments, codes
