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
    TOUCHED,
    UNSEEN,
    advance,
    deepest,
    width,
)
from cxminute.journeys.classes import BLOCK, pick
from cxminute.journeys.plan import ENDINGS, OPENING, Moves

SUBJECT: Final = NUMBER
DEEPEST: Final = FIXED
REACHED: Final = FIXED + 1
"""A found row: OPENED, SUBJECT (place in the bucket), EVENT (place in it), CLOSED (UNSEEN while open), ENDING, DEEPEST,
then the first time of each position."""

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint16]


def _write(moves: Moves, found: Numbers, place: Numbers, rows: Numbers, row: int, depth: Numbers) -> None:
    at = place[TOTAL] + rows[row, NUMBER]
    for fact in range(ENDING + 1):
        found[at, fact] = rows[row, fact]
    found[at, SUBJECT] = place[WHOSE]
    found[at, DEEPEST] = deepest(moves, rows, row, depth)
    for step in range(moves.places.shape[0]):
        found[at, REACHED + step] = rows[row, FIXED + step]


def _touches(rows: Numbers, count: int, event: int, place: Numbers, children: Numbers) -> int:
    """Notes which of these passages the event reached or marked something of, and says how many."""
    touched = 0
    for row in range(count):
        if rows[row, TOUCHED] == event:
            children[touched, 0] = place[TOTAL] + rows[row, NUMBER]
            children[touched, 1] = event
            touched += 1
    return touched


# Entries of the place that the scan has come to. One array: a literal would be a type of its own to a kernel.
WHOSE: Final = 0
TOTAL: Final = 1
NOTHING: Final = 2
NOBODY: Final = 3
"""WHOSE: place of the subject; TOTAL: row of its first passage; NOTHING and NOBODY: mask and number of the event
that is none, when time alone passes."""


@njit(cache=True, nogil=True)
def openings(codes: Codes, masks: Numbers, opening: int) -> int:
    """How many events could open a passage: there are never more passages."""
    opens = (masks & opening) != 0
    count = 0
    for code in codes:
        count += opens[code]
    return count


def _fold(
    moves: Moves, offsets: Numbers, times: Numbers, codes: Codes, masks: Numbers, closes_at: int
) -> tuple[Numbers, Numbers]:
    """All passages of a bucket, one row each; the log closes at `closes_at`, later events are not seen.

    offsets:   the events of subject i are offsets[i]:offsets[i + 1]
    times:     of each event, ascending within a subject, UTC milliseconds
    codes:     the class of each event
    masks:     for each class, which steps its events match; what matches none only lets time pass, and time is looked
               at again with the next event and at the end
    returns:   rows as REACHED describes them, in order of subject and opening; and pairs (row, event), by event: the
               endings of other journeys that reached or marked a position of that passage
    """
    opening = moves.rule[OPENING]
    wanted = masks != 0
    found = np.empty((openings(codes, masks, opening), REACHED + moves.places.shape[0]), np.int64)
    passages = np.empty((4, width(moves)), np.int64)
    ended = np.empty((4, width(moves)), np.int64)
    counts = np.zeros(2, np.int64)
    depth = np.empty(moves.places.shape[0], np.int64)
    children = np.empty((16, 2), np.int64)
    picked = np.empty(BLOCK, np.int64)
    place = np.array([-1, 0, 0, -1])
    touched = 0
    end = offsets[0]
    for first in range(0, codes.size, BLOCK):
        for i in range(pick(codes, wanted, first, min(first + BLOCK, codes.size), picked)):
            event = picked[i]
            if event >= end:
                settle(moves, found, place, passages, ended, counts, closes_at, depth)
                while offsets[place[WHOSE] + 1] <= event:
                    place[WHOSE] += 1
                end = offsets[place[WHOSE] + 1]
            mask = masks[codes[event]]
            if (counts[OPEN_NOW] == 0 and mask & opening == 0) or times[event] > closes_at:
                continue
            if counts[OPEN_NOW] + 1 >= passages.shape[0]:
                more = np.empty((2 * passages.shape[0], passages.shape[1]), np.int64)
                more[: passages.shape[0]] = passages
                passages = more
                ended = np.empty_like(more)
            gone = advance(moves, passages, counts, times[event], mask, event, ended)
            if mask & moves.rule[ENDINGS]:
                if touched + gone + counts[OPEN_NOW] > children.shape[0]:
                    longer = np.empty((2 * (touched + gone + counts[OPEN_NOW]), 2), np.int64)
                    longer[:touched] = children[:touched]
                    children = longer
                touched += touches(ended, gone, event, place, children[touched:])
                touched += touches(passages, counts[OPEN_NOW], event, place, children[touched:])
            for row in range(gone):
                write(moves, found, place, ended, row, depth)
    settle(moves, found, place, passages, ended, counts, closes_at, depth)
    return found[: place[TOTAL]], children[:touched]


def _settle(
    moves: Moves,
    found: Numbers,
    place: Numbers,
    passages: Numbers,
    ended: Numbers,
    counts: Numbers,
    closes_at: int,
    depth: Numbers,
) -> None:
    """Closes the log of a subject: what is still open has expired or is open; none is left."""
    if counts[OPEN_NOW] > 0:
        gone = advance(moves, passages, counts, closes_at, place[NOTHING], place[NOBODY], ended)
        for row in range(gone):
            write(moves, found, place, ended, row, depth)
        for row in range(counts[OPEN_NOW]):
            passages[row, CLOSED] = UNSEEN
            passages[row, ENDING] = OPEN
            write(moves, found, place, passages, row, depth)
    place[TOTAL] += counts[EVER]
    counts[:] = 0


_compiled: Final = njit(cache=True, nogil=True)
write: Final[Callable[[Moves, Numbers, Numbers, Numbers, int, Numbers], None]] = _compiled(_write)
touches: Final[Callable[[Numbers, int, int, Numbers, Numbers], int]] = _compiled(_touches)
settle: Final[Callable[..., None]] = _compiled(_settle)
fold: Final[Callable[[Moves, Numbers, Numbers, Codes, Numbers, int], tuple[Numbers, Numbers]]] = _compiled(_fold)

__all__ = ["CLOSED", "DEEPEST", "ENDING", "EVENT", "OPENED", "REACHED", "SUBJECT", "UNSEEN", "fold", "openings"]
