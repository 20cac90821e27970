"""`advance` folded over the streams of a bucket: one row for every passage, in order of subject and opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.advance import (
    CLOSED,
    ENDING,
    EVENT,
    EVER,
    FIXED,
    NUMBER,
    OPEN,
    OPEN_NOW,
    OPENED,
    UNSEEN,
    advance,
    deepest,
    width,
)
from cxminute.journeys.plan import Moves

SUBJECT: Final = NUMBER
DEEPEST: Final = FIXED
REACHED: Final = FIXED + 1
"""A found row: OPENED, SUBJECT (place in the bucket), EVENT (place in it), CLOSED (UNSEEN while open), ENDING, DEEPEST,
then the first time of each position."""

Numbers = NDArray[np.int64]


def _write(moves: Moves, found: Numbers, place: int, rows: Numbers, row: int, subject: int, depth: Numbers) -> None:
    for fact in range(ENDING + 1):
        found[place, fact] = rows[row, fact]
    found[place, SUBJECT] = subject
    found[place, DEEPEST] = deepest(moves, rows, row, depth)
    for step in range(moves.steps.size):
        found[place, REACHED + step] = rows[row, FIXED + step]


def _fold(moves: Moves, offsets: Numbers, times: Numbers, masks: Numbers, closes_at: int) -> Numbers:
    """All passages of a bucket, one row each; the log closes at `closes_at`, later events are not seen.

    offsets:   the events of subject i are offsets[i]:offsets[i + 1]
    times:     of each event, ascending within a subject, UTC milliseconds
    masks:     for each event, which steps it matches
    returns:   rows as REACHED describes them, in order of subject and opening
    """
    room = 0
    for event in range(masks.size):  # no passage opens but by such an event
        if masks[event] & moves.opening:
            room += 1
    found = np.empty((room, REACHED + moves.steps.size), np.int64)
    passages = np.empty((4, width(moves)), np.int64)
    ended = np.empty((4, width(moves)), np.int64)
    counts = np.zeros(2, np.int64)
    depth = np.empty(moves.steps.size, np.int64)
    total = 0
    for subject in range(offsets.size - 1):
        counts[:] = 0
        for event in range(offsets[subject], offsets[subject + 1]):
            mask = masks[event]
            # What matches no step only lets time pass, and time is looked at again with the next event and at the end.
            if mask == 0 or (counts[OPEN_NOW] == 0 and mask & moves.opening == 0):
                continue
            if times[event] > closes_at:
                break
            if counts[OPEN_NOW] + 1 >= passages.shape[0]:
                more = np.empty((2 * passages.shape[0], passages.shape[1]), np.int64)
                more[: passages.shape[0]] = passages
                passages = more
                ended = np.empty_like(more)
            gone = advance(moves, passages, counts, times[event], mask, event, ended)
            for row in range(gone):
                write(moves, found, total + ended[row, NUMBER], ended, row, subject, depth)
        gone = advance(moves, passages, counts, closes_at, 0, -1, ended)
        for row in range(gone):
            write(moves, found, total + ended[row, NUMBER], ended, row, subject, depth)
        for row in range(counts[OPEN_NOW]):
            passages[row, CLOSED] = UNSEEN
            passages[row, ENDING] = OPEN
            write(moves, found, total + passages[row, NUMBER], passages, row, subject, depth)
        total += counts[EVER]
    return found[:total]


write: Final[Callable[[Moves, Numbers, int, Numbers, int, int, Numbers], None]] = njit(cache=True, nogil=True)(_write)
fold: Final[Callable[[Moves, Numbers, Numbers, Numbers, int], Numbers]] = njit(cache=True, nogil=True)(_fold)

__all__ = ["CLOSED", "DEEPEST", "ENDING", "EVENT", "OPENED", "REACHED", "SUBJECT", "UNSEEN", "fold"]
