"""Kernels of retention, lifecycle and stickiness: one pass over streams, a cursor over the bounds of periods.

bounds: UTC milliseconds, ascending; period i is bounds[i] <= t < bounds[i + 1], and all events lie within them
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEW: Final = 0
RETURNING: Final = 1
RESURRECTED: Final = 2
DORMANT: Final = 3
DAYS: Final = 31
"""Most days of a period in which one can be active."""


def _period(bounds: Numbers, time: int) -> int:
    """The period that holds a moment, by halving."""
    low, high = 0, bounds.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if bounds[middle] <= time:
            low = middle
        else:
            high = middle
    return low


def _begun(offsets: Numbers, starts: Flags) -> Numbers:
    """For each subject the place of its first event that starts it; -1 without one."""
    found = np.full(offsets.size - 1, -1, np.int64)
    for subject in range(offsets.size - 1):
        for event in range(offsets[subject], offsets[subject + 1]):
            if starts[event]:
                found[subject] = event
                break
    return found


def _retained(
    offsets: Numbers, times: Numbers, begun: Numbers, back: Flags, bounds: Numbers, kept: Numbers, most: int
) -> tuple[Numbers, Numbers]:
    """How many of each cohort came back in which later period, and how many did so in it or later.

    begun:   for each subject the event that began it, -1 for none
    back:    for each event, whether it counts as coming back
    kept:    for each subject the number of its group
    most:    periods after the cohort's own that are looked at
    returns: (group * periods + cohort) by periods since, 0 to `most`, twice; column 0 counts who began
    """
    many = bounds.size - 1
    groups = 1
    for subject in range(kept.size):
        groups = max(groups, kept[subject] + 1)
    returned = np.zeros((groups * many, most + 1), np.int64)
    furthest = np.zeros((groups * many, most + 1), np.int64)
    for subject in range(offsets.size - 1):
        first = begun[subject]
        if first < 0:
            continue
        cohort = period(bounds, times[first])
        row = kept[subject] * many + cohort
        returned[row, 0] += 1
        now = cohort
        counted = cohort
        for event in range(first + 1, offsets[subject + 1]):
            if not back[event]:
                continue
            while times[event] >= bounds[now + 1]:
                now += 1
            if now > counted:
                counted = now
                if now - cohort <= most:
                    returned[row, now - cohort] += 1
        furthest[row, min(counted - cohort, most)] += 1
    for row in range(furthest.shape[0]):
        for since in range(most - 1, -1, -1):
            furthest[row, since] += furthest[row, since + 1]
    return returned, furthest


def _lifecycle(offsets: Numbers, times: Numbers, active: Flags, bounds: Numbers) -> Numbers:
    """By period, how many subjects were NEW, RETURNING, RESURRECTED, or DORMANT since the period before."""
    many = bounds.size - 1
    found = np.zeros((many, 4), np.int64)
    for subject in range(offsets.size - 1):
        last = -1
        now = 0
        for event in range(offsets[subject], offsets[subject + 1]):
            if not active[event]:
                continue
            if last < 0:
                now = period(bounds, times[event])
                found[now, NEW] += 1
                last = now
                continue
            while times[event] >= bounds[now + 1]:
                now += 1
            if now > last:
                found[now, RETURNING if now == last + 1 else RESURRECTED] += 1
                if now > last + 1:
                    found[last + 1, DORMANT] += 1
                last = now
        if 0 <= last < many - 1:
            found[last + 1, DORMANT] += 1
    return found


def _days_active(offsets: Numbers, times: Numbers, active: Flags, days: Numbers, of_day: Numbers) -> Numbers:
    """By period, how many subjects were active on 1, 2, ... of its days: column d - 1 for d days.

    days:   bounds of days
    of_day: for each day the number of its period, ascending
    """
    found = np.zeros((of_day[-1] + 1, DAYS), np.int64)
    for subject in range(offsets.size - 1):
        day = -1
        on = 0
        for event in range(offsets[subject], offsets[subject + 1]):
            if not active[event]:
                continue
            if day < 0:
                day = period(days, times[event])
                on = 1
                continue
            before = day
            while times[event] >= days[day + 1]:
                day += 1
            if day > before:
                if of_day[day] != of_day[before]:
                    found[of_day[before], on - 1] += 1
                    on = 0
                on += 1
        if on > 0:
            found[of_day[day], on - 1] += 1
    return found


_compiled = njit(cache=True, nogil=True)
period: Final[Callable[[Numbers, int], int]] = _compiled(_period)
begun: Final[Callable[[Numbers, Flags], Numbers]] = _compiled(_begun)
retained: Final[Callable[[Numbers, Numbers, Numbers, Flags, Numbers, Numbers, int], tuple[Numbers, Numbers]]] = (
    _compiled(_retained)
)
lifecycle: Final[Callable[[Numbers, Numbers, Flags, Numbers], Numbers]] = _compiled(_lifecycle)
days_active: Final[Callable[[Numbers, Numbers, Flags, Numbers, Numbers], Numbers]] = _compiled(_days_active)
