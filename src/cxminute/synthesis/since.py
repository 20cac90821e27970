"""Since which day: the day on which a week's change began, by its daily figures."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxminute.synthesis.change import Watch
from cxminute.synthesis.contribution import BASE_WEEKS
from cxminute.synthesis.weeks import Floats, Weeks

BACK: Final = 7  # days before the first week of the episode that are looked at
STEADY: Final = 10.0  # rows of a weekday that weigh as much as the assumption that all weekdays are alike


def first_day(weeks: Weeks, watched: Watch, series: int, *, lasted: int) -> date:
    """The first day of the change that makes the last week news.

    The run of days, reaching into the week, whose daily figures lie farthest beyond what the weeks before let one
    expect of such weekdays: the likeliest run for a level that was one before and another in it. It may begin up to a
    week before the first week of the episode.

    lasted:  weeks of the same news on end, this one included
    returns: the Monday of the week where no day of it stands out
    """
    monday = weeks.mondays[-1]
    before = np.flatnonzero(watched.base[series])[-BASE_WEEKS:]
    if not len(before) or np.isnan(watched.expected[series, -1]):
        return monday
    first = max(0, len(weeks.mondays) - lasted - BACK // 7)
    misses, weights = _share_days(weeks, watched, series, before, first)
    if not weeks.shares[series]:
        misses, weights = _count_days(weeks, watched, series, before, first)
    way = np.sign(watched.distance[series, -1])
    last_week = len(misses) - 7
    covered = last_week + int(weeks.covered.sum())
    summed = np.concatenate([[0.0], np.cumsum(way * misses * weights)])
    weighed = np.concatenate([[0.0], np.cumsum(weights)])
    best, start = 0.0, last_week
    for end in range(last_week + 1, covered + 1):
        for begin in range(end):
            gain = summed[end] - summed[begin]
            weight = weighed[end] - weighed[begin]
            if weight > 0 and gain > 0 and gain**2 / weight > best and weights[begin] > 0:
                best, start = gain**2 / weight, begin
    return weeks.mondays[first] + timedelta(days=start)


def _share_days(
    weeks: Weeks, watched: Watch, series: int, before: NDArray[np.int64], first: int
) -> tuple[Floats, Floats]:
    """Misses of the daily shares, as arcsine of the root, and their weights."""
    hits, n = weeks.hits[series], weeks.n[series]
    base_hits, base_n = hits[before].sum(axis=0), n[before].sum(axis=0)
    overall = base_hits.sum() / max(base_n.sum(), 1e-9)
    weekday = (base_hits + STEADY * overall) / (base_n + STEADY)
    step = _root(watched.expected[series, -1]) - _root(overall)
    days = _root((hits[first:] + 0.375) / (n[first:] + 0.75))
    return (days - _root(weekday) - step).reshape(-1), np.where(n[first:] > 0, 4 * n[first:], 0.0).reshape(-1)


def _count_days(
    weeks: Weeks, watched: Watch, series: int, before: NDArray[np.int64], first: int
) -> tuple[Floats, Floats]:
    """Misses of the daily counts, as roots in parts of the expected, and their weights."""
    hits = weeks.hits[series]
    usual = hits[before].mean(axis=0) + 1e-9
    expected = usual / usual[weeks.covered].sum() * watched.expected[series, -1]
    weights = np.tile(expected, len(hits) - first)
    # Roots, not logarithms: a day of nothing would outweigh all others.
    misses = np.sqrt((hits[first:] + 0.375) / (expected + 0.375)) - 1
    return misses.reshape(-1), weights


def _root(share: Floats | float) -> Floats:
    """Arcsine of the root of a share."""
    root: Floats = np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return root
