"""On which day of a zone an instant falls, for many instants at once."""

from __future__ import annotations

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cxminute.balance.cells import distinct
from cxminute.model.times import DAY, day_start

_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST, _LAST = date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH


def days_of(times: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """For each instant (UTC milliseconds) its day in the zone, as days since 1970-01-01.

    Only the days that occur (and their neighbours, for the offset) are looked up in the zone's rules, so that a due
    time in the year 9999 costs no more than any other. Years outside 1 to 9999 count as their nearest.
    """
    around, _ = distinct(times // DAY)
    near = np.unique(np.clip((around[:, None] + np.arange(-1, 3)).ravel(), _FIRST, _LAST))
    starts = np.array([day_start(to_date(int(day)), zone) for day in near], dtype=np.int64)
    return near[np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)] if len(near) else near


def mondays_of(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each day the Monday of its ISO week; both as days since 1970-01-01, which was a Thursday."""
    return days - (days + 3) % 7


def to_date(day: int) -> date:
    """A day since 1970-01-01 as a date."""
    return date.fromordinal(day + _EPOCH)
