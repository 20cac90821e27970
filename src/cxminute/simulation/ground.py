"""The quiet ground of the demo shop: how many come on which day, and how ragged that is. Every figure is stated here.

Real service data are more ragged than coin tosses, so each series has a *dispersion*: the variance of its daily count
over what independent customers would give (Poisson for counts, binomial for shares). Busy days and bad days come from
one shock per day; weeks add seven of them, so the dispersion of a week is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cxminute.model.errors import WrongUse
from cxminute.model.times import DAY, HOUR, day_start, week_of, zone_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ZONE: Final = "Europe/Amsterdam"
MARGIN: Final = 28
"""Days after the last one for which due times may be asked."""
TAIL: Final = 9 * HOUR
"""The log goes on until nine on the Monday after the last week, as it would when the brief is read."""

CHECKOUTS: Final = 1_280.0
"""Checkouts started on the own site in the first week, at scale 1."""
BAZAAR_ORDERS: Final = 230.0
TICKETS: Final = 300.0
GROWTH: Final = 0.003
"""How much more of everything each week brings."""
SHOPPING: Final = (1.05, 1.0, 0.95, 0.95, 0.95, 0.95, 1.15)
"""Monday to Sunday, against the mean day."""
ASKING: Final = (1.35, 1.2, 1.1, 1.05, 1.05, 0.7, 0.55)

COMPLETED: Final = 0.78
"""Share of checkouts that end in an order."""
LATE: Final = 0.06
"""Share of parcels that come after their due day, or never."""
REPLY_LATE: Final = 0.08
CANCELLED: Final = 0.02
REFUNDED: Final = 0.03

DISPERSION: Final = {"checkouts": 3.0, "completed": 2.0, "late": 3.0, "bazaar": 2.5, "tickets": 2.5, "replies": 2.5}

CARRIERS: Final = {"Reiger": 0.42, "Zwaluw": 0.33, "Gans": 0.25}
BAZAAR_CARRIERS: Final = {"Reiger": 0.25, "Zwaluw": 0.20, "Gans": 0.55}
"""The marketplace has its own contracts with the same carriers, and most of its parcels go with the latest of them."""
CARRIER_LATENESS: Final = {"Reiger": 0.90, "Zwaluw": 0.80, "Gans": 1.432}
"""How late each carrier is against `LATE`; their mean, weighed by the own shop's shares, is 1."""
BAZAAR_LATE: Final = LATE * sum(share * CARRIER_LATENESS[name] for name, share in BAZAAR_CARRIERS.items())
"""Share of the marketplace's parcels that come late, by whom they go with."""
BROWSERS: Final = {"Safari": 0.38, "Chrome": 0.42, "Firefox": 0.10, "Edge": 0.10}
DEVICES: Final = {"phone": 0.58, "desktop": 0.34, "tablet": 0.08}
COUNTRIES: Final = {"NL": 0.80, "BE": 0.15, "DE": 0.05}
CAMPAIGNS: Final = {"newsletter": 0.12, "search-ads": 0.20}
"""Campaigns that always run; the rest of the visits come from none."""
CHANNELS: Final = {"email": 0.55, "chat": 0.30, "phone": 0.15}
REPLY_WITHIN: Final = {"email": 24 * HOUR, "chat": HOUR, "phone": 4 * HOUR}
TOPICS: Final = {"delivery": 0.30, "returns": 0.25, "product": 0.25, "payment": 0.12, "account": 0.08}

DUE_AFTER: Final = (2, 2, 2, 2, 3, 3, 2)
"""Days from an order on Monday .. Sunday until it is due; nothing is due on a Sunday."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a simulation in the shop's zone, numbered from 0, with a margin after the last.

    starts:   a Monday
    count:    days of the complete weeks; day `count` is the Monday on which the log closes
    start_ms: the first instant of each day, UTC milliseconds
    shift_ms: what to add to UTC for the wall clock, on each day at noon
    """

    starts: date
    count: int
    start_ms: Ints
    shift_ms: Ints

    @property
    def until(self) -> int:
        """The instant at which the log closes; nothing at or after it has happened."""
        return int(self.start_ms[self.count]) + TAIL

    @property
    def weeks(self) -> tuple[str, ...]:
        """The complete ISO weeks, in order."""
        return tuple(week_of(self.starts + timedelta(days=day)) for day in range(0, self.count, 7))

    def number(self, day: date) -> int:
        """The number of a day."""
        return (day - self.starts).days

    def of(self, moments: Ints) -> Ints:
        """The number of the day on which each instant falls."""
        return np.searchsorted(self.start_ms, moments, side="right") - 1

    def volume(self, a_week: float, pattern: tuple[float, ...], scale: float) -> Floats:
        """Expected count of each day, the closing Monday included."""
        number = np.arange(self.count + 1)
        mean = sum(pattern) / 7
        return a_week * scale / 7 * np.asarray(pattern)[number % 7] / mean * (1 + GROWTH) ** (number / 7)


@dataclass(frozen=True, slots=True)
class Chance:
    """Where chance comes from: one generator per purpose, so that a trouble draws without disturbing the rest."""

    seed: int

    def of(self, purpose: str) -> np.random.Generator:
        """A fresh generator for a purpose: the same seed and purpose give the same draws."""
        return np.random.default_rng([self.seed, crc32(purpose.encode())])

    def unit(self, purpose: str, numbers: Ints) -> Floats:
        """A number in [0, 1) for each number: what belongs to a person or order for good (splitmix64)."""
        return (self.hashed(purpose, numbers) >> np.uint64(11)).astype(np.float64) / 2.0**53

    def hashed(self, purpose: str, numbers: Ints) -> NDArray[np.uint64]:
        """64 bits for each number (splitmix64; Steele, Lea and Flood 2014)."""
        salt = np.uint64(crc32(f"{self.seed} {purpose}".encode()) << 31)
        x = (numbers.astype(np.uint64) ^ salt) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))


def days_of(starts: date, weeks: int) -> Days:
    """The days of so many weeks from a Monday on."""
    if starts.weekday() != 0:
        raise WrongUse(
            f"A simulation starts on a Monday, and {starts} is none.", allowed="the first day of an ISO week"
        )
    if weeks < 1:
        raise WrongUse(f"A simulation of {weeks} weeks has nothing to tell.", allowed="one week or more")
    zone: ZoneInfo = zone_of(ZONE)
    count = weeks * 7
    starts_ms = [day_start(starts + timedelta(days=day), zone) for day in range(count + MARGIN + 1)]
    wall = day_start(starts, zone_of("UTC")) + DAY * np.arange(count + MARGIN + 1)
    start_ms = np.asarray(starts_ms, dtype=np.int64)
    # The rules change the clock in the night from Saturday to Sunday: noon of a day is the next midnight's shift.
    shift_ms = np.append(wall[1:] - start_ms[1:], wall[-1] - start_ms[-1])
    return Days(starts, count, start_ms, shift_ms)


def ragged_counts(chance: np.random.Generator, mean: Floats, dispersion: float) -> Ints:
    """Daily counts whose variance is `dispersion` times their mean: Poisson around a gamma of the day."""
    shape = np.maximum(mean, 1e-9) / (dispersion - 1)
    return chance.poisson(mean * chance.gamma(shape) / shape)


def ragged_shares(chance: np.random.Generator, share: float, a_day: float, dispersion: float, days: int) -> Floats:
    """Each day's own share around `share`: with `a_day` cases a day, the count is `dispersion` times binomial."""
    between = min((dispersion - 1) / max(a_day - 1, dispersion), 0.5)
    weight = 1 / between - 1
    return chance.beta(share * weight, (1 - share) * weight, days)


def choose(units: Floats, shares: Mapping[str, float]) -> Ints:
    """The place of the name that each number in [0, 1) falls on; -1 beyond the last, where shares do not fill 1."""
    edges = np.cumsum(list(shares.values()))
    edges[-1] = 1.0 if abs(edges[-1] - 1) < 1e-9 else edges[-1]
    place = np.searchsorted(edges, units, side="right")
    return np.where(place < len(shares), place, -1)
