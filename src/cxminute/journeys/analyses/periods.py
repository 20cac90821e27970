"""Days, weeks and months of a zone as stretches of time: what retention, lifecycle and stickiness count in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cxminute.model.errors import WrongUse
from cxminute.model.times import day_of, day_start

Unit = Literal["day", "week", "month"]
UNITS: Final[tuple[Unit, ...]] = ("day", "week", "month")
MOST: Final = 20_000
"""Most periods of a log: days of more than fifty years."""


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Consecutive periods of a zone, the first and the last holding the begin and the close of a log.

    unit:   'day', 'week' (from Monday) or 'month'
    starts: the first day of each
    bounds: UTC milliseconds, one more than periods: period i is bounds[i] <= t < bounds[i + 1]
    """

    unit: Unit
    starts: tuple[date, ...]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.starts)

    def hold(self, times: NDArray[np.int64]) -> None:
        """Refuses events outside the periods (WrongUse): nothing would be counted of them."""
        if times.size and not (self.bounds[0] <= times.min() and times.max() < self.bounds[-1]):
            said = f"from {self.starts[0]}, {len(self)} of them"
            raise WrongUse(
                f"There are events outside the {self.unit}s {said}.",
                allowed="periods from the log's begin to its close",
            )

    def over(self, closes_at: int) -> int:
        """How many of them are over when the log closes at a moment, that millisecond included."""
        return int(np.searchsorted(self.bounds[1:], closes_at + 1, side="right"))


def periods(unit: Unit, zone: ZoneInfo, *, opens_at: int, closes_at: int) -> Periods:
    """The periods of a zone from the one of `opens_at` to the one of `closes_at`, UTC milliseconds.

    raises: WrongUse for a unit that is none, or more than 20,000 periods
    """
    if unit not in UNITS:
        raise WrongUse(f"'{unit}' is no period.", allowed=", ".join(UNITS))
    last = day_of(max(opens_at, closes_at), zone)
    starts = [_first(unit, day_of(opens_at, zone))]
    while (following := _next(unit, starts[-1])) <= last:
        starts.append(following)
        if len(starts) > MOST:
            raise WrongUse(
                f"From {starts[0]} to {last} there are more than {MOST:,} {unit}s.",
                allowed="a longer period, or events of fewer years",
            )
    bounds = np.array([day_start(day, zone) for day in (*starts, following)], np.int64)
    bounds.flags.writeable = False
    return Periods(unit, tuple(starts), bounds)


def _first(unit: Unit, day: date) -> date:
    if unit == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if unit == "week" else day


def _next(unit: Unit, day: date) -> date:
    if unit == "month":
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if unit == "week" else 1)
