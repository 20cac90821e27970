"""Local times of a zone as instants, whole columns at once, by the zone's own rules (zoneinfo, pinned by tzdata).

A time that a clock shows twice (the hour set back) is its first; one that it never shows (the hour skipped) becomes
the instant of the change, so that order is kept: what was written later is never earlier.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cxminute.model.times import DAY, to_ms

FIRST = -62_135_424_000_000
"""0001-01-03T00:00Z: before it, not every zone's local time can be said as a date."""
LAST = 253_402_128_000_000
"""9999-12-30T00:00Z, exclusive, for the same reason."""


def instants(local: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """UTC milliseconds of local milliseconds (as if they were UTC's), within FIRST and LAST."""
    if not len(local):
        return local
    years = np.unique(local.astype("datetime64[ms]").astype("datetime64[Y]")).astype(np.int64) + 1970
    changes = sorted({change for year in years.tolist() for change in _changes(zone, year)})
    moments = np.array([moment for moment, _, _ in changes], dtype=np.int64)
    before = np.array([offset for _, offset, _ in changes], dtype=np.int64)
    after = np.array([offset for _, _, offset in changes], dtype=np.int64)
    index = np.searchsorted(moments + before, local, side="right") - 1
    found: NDArray[np.int64] = np.maximum(local - after[index], moments[index])
    return found


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int, int], ...]:
    """(instant, offset before, offset after) of a year's changes; its first entry opens the year and changes nothing.

    Days are probed, since no zone changes twice within one; the change is then halved down to its millisecond.
    """
    opens = max(to_ms(datetime(year, 1, 1, tzinfo=UTC)) - DAY, FIRST - DAY // 2)
    offset = _offset(zone, opens)
    found = [(opens - 2 * DAY, offset, offset)]
    days = [min(opens + day * DAY, LAST + DAY // 2) for day in range(1, 369)]
    low = opens
    for high in days:
        now = _offset(zone, high)
        if now != offset:
            left, right = low, high
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (middle, right) if _offset(zone, middle) == offset else (left, middle)
            found.append((right, offset, now))
            offset = now
        low = high
    return tuple(found)


def _offset(zone: ZoneInfo, moment: int) -> int:
    there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).astimezone(zone)
    shift = there.utcoffset() or timedelta()
    return shift // timedelta(milliseconds=1)
