"""Ragged weeks for tests: series with the dispersion of real service data, as tallies by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.tables import TALLY

Floats = NDArray[np.float64]
START = date(2024, 1, 1)
WEEKDAYS = np.array([1.2, 1.2, 1.1, 1.0, 1.1, 0.8, 0.6]) / 7


@dataclass(frozen=True)
class Shock:
    """An effect planted in one week, in standard errors of a week (dispersion included); on which of its weekdays."""

    week: int
    size: float
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)


def share_series(
    chance: np.random.Generator,
    weeks: int,
    *,
    n: float = 1000,
    p: float = 0.3,
    dispersion: float = 5.0,
    shock: Shock | None = None,
) -> tuple[Floats, Floats]:
    """Hits and n by (week, weekday): weeks differ `dispersion` times as much as coin tosses; `shock` may be planted."""
    counts = chance.poisson(n * WEEKDAYS, (weeks, 7)).astype(float)
    error = np.sqrt(dispersion / (4 * n))
    level = np.arcsin(np.sqrt(p)) + chance.normal(0, np.sqrt((dispersion - 1) / (4 * n)), weeks)[:, None]
    level = level + _planted(weeks, error, shock)
    return chance.binomial(counts.astype(int), np.sin(np.clip(level, 0, np.pi / 2)) ** 2).astype(float), counts


def count_series(
    chance: np.random.Generator, weeks: int, *, mean: float = 1000, dispersion: float = 5.0, shock: Shock | None = None
) -> tuple[Floats, Floats]:
    """Counts by (week, weekday), twice, with the same raggedness."""
    level = chance.normal(0, np.sqrt((dispersion - 1) / mean), weeks)[:, None]
    level = level + _planted(weeks, np.sqrt(dispersion / mean), shock)
    counts = chance.poisson(mean * WEEKDAYS * np.exp(level)).astype(float)
    return counts, counts


def _planted(weeks: int, error: float, shock: Shock | None) -> Floats:
    """The shift of each day; fewer days shift more, so that the week as a whole moves by the size stated."""
    shift = np.zeros((weeks, 7))
    if shock:
        days = list(shock.days)
        shift[shock.week, days] = shock.size * error / WEEKDAYS[days].sum()
    return shift


def tallies(series: Mapping[tuple[str, str, str, str], tuple[Floats, Floats]], start: date = START) -> pa.Table:
    """TALLY rows of series keyed by (about, measure, dimension, value)."""
    rows = [
        {
            **dict(zip(("about", "measure", "dimension", "value"), key, strict=True)),
            "day": start + timedelta(days=place),
            "hits": float(hits.reshape(-1)[place]),
            "n": float(n.reshape(-1)[place]),
        }
        for key, (hits, n) in series.items()
        for place in range(hits.size)
        if n.reshape(-1)[place] > 0
    ]
    return pa.Table.from_pylist(rows, schema=TALLY)


def shop(seed: int, weeks: int, **shocks: Shock) -> pa.Table:
    """Three promises and journeys in shares and counts, quiet but for the shocks, named like 'delivery_late'."""
    chance = np.random.default_rng(seed)
    made = {}
    for about, measure in (("promise delivery", "late"), ("promise reply", "late"), ("journey checkout", "completed")):
        for kind, build in ((measure, share_series), ("volume", count_series)):
            made[about, kind, "", ""] = build(chance, weeks, shock=shocks.get(f"{about.split()[1]}_{kind}"))
    return tallies(made)


def week_name(place: int, start: date = START) -> str:
    """The ISO week so many weeks after the start."""
    year, week, _ = (start + timedelta(weeks=place)).isocalendar()
    return f"{year}-W{week:02d}"
