"""Kernels of flows: streams cut where a gap is too long, and the succession at a place around each anchor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def _sessions(offsets: Numbers, kept: Numbers, times: Numbers, gap: int) -> tuple[Numbers, Numbers, Numbers]:
    """For each kept event its subject (place in the bucket), and where its flow begins and ends among the kept.

    offsets: the events of subject i are offsets[i]:offsets[i + 1]
    kept:    places of the events that are looked at, ascending
    times:   of every event
    gap:     milliseconds; after a longer one another flow begins
    returns: subject, first and one after the last place of the flow
    """
    size = kept.size
    owners = np.empty(size, np.int64)
    begins = np.empty(size, np.int64)
    ends = np.empty(size, np.int64)
    subject = 0
    begin = 0
    for place in range(size):
        fresh = place == 0
        while offsets[subject + 1] <= kept[place]:
            subject += 1
            fresh = True
        if fresh or times[kept[place]] - times[kept[place - 1]] > gap:
            for member in range(begin, place):
                ends[member] = place
            begin = place
        owners[place] = subject
        begins[place] = begin
    for member in range(begin, size):
        ends[member] = size
    return owners, begins, ends


def _around(
    letters: Numbers, times: Numbers, begins: Numbers, ends: Numbers, anchors: Numbers, place: int, nothing: int
) -> tuple[Numbers, Numbers, Flags]:
    """For each anchor the succession whose origin lies `place` events after it (before it, where negative).

    letters, times, begins, ends: of the kept events
    nothing: the letter of begin and end; letters are below it
    returns: origin * (nothing + 1) + target, -1 where the flow does not reach so far; milliseconds between the two, -1
             at begin and end; whether the event before the origin was the target, which is not the origin
    """
    pairs = np.full(anchors.size, -1, np.int64)
    took = np.full(anchors.size, -1, np.int64)
    back = np.zeros(anchors.size, np.bool_)
    for number in range(anchors.size):
        anchor = anchors[number]
        origin = anchor + place
        target = origin + 1
        begin, end = begins[anchor], ends[anchor]
        if origin >= end or target < begin:
            continue
        first = letters[origin] if origin >= begin else nothing
        second = letters[target] if target < end else nothing
        pairs[number] = first * (nothing + 1) + second
        if origin >= begin and target < end:
            took[number] = times[target] - times[origin]
            back[number] = origin > begin and first != second and letters[origin - 1] == second
    return pairs, took, back


sessions: Final[Callable[[Numbers, Numbers, Numbers, int], tuple[Numbers, Numbers, Numbers]]] = njit(
    cache=True, nogil=True
)(_sessions)
around: Final[Callable[[Numbers, Numbers, Numbers, Numbers, Numbers, int, int], tuple[Numbers, Numbers, Flags]]] = njit(
    cache=True, nogil=True
)(_around)
