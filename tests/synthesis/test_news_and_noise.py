"""Quiet weeks stay quiet, real troubles are found: measured on series as ragged as real ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cxminute.synthesis.change import Watch, watch
from cxminute.synthesis.explain import explain
from tests.synthesis.ragged import Floats, Shock, count_series, share_series, shop, week_name

SEEDS = 20


def watched(seed: int, weeks: int, *, series: int = 6, dispersion: float = 5.0, shock: Shock | None = None) -> Watch:
    """So many series, every other one a share, watched for so many weeks."""
    chance = np.random.default_rng(seed)
    made = [
        (share_series if place % 2 == 0 else count_series)(chance, weeks, dispersion=dispersion, shock=shock)
        for place in range(series)
    ]
    hits, n = (np.stack([pair[side].sum(axis=1) for pair in made]) for side in (0, 1))
    return watch(hits, n, shares=np.arange(series) % 2 == 0, whole=np.ones(series, bool))


@pytest.mark.parametrize("dispersion", [1.5, 5.0])
def test_quiet_weeks_are_quiet(dispersion: float) -> None:
    """In weeks in which nothing happened, at most one in twenty holds a false alarm, over all series together."""
    alarms = np.stack([watched(seed, 26, dispersion=dispersion).news.any(axis=0) for seed in range(SEEDS)])
    assert alarms[:, 3:].mean() <= 1 / 20


def test_quiet_weeks_are_quiet_from_the_start() -> None:
    """A short history makes the range wide, not the brief loud: the first weeks are as quiet as the later ones."""
    alarms = np.stack([watched(seed, 10).news.any(axis=0) for seed in range(3 * SEEDS)])
    assert not alarms[:, :3].any()
    assert alarms[:, 3:].mean() <= 1 / 20


@pytest.mark.parametrize("weeks", [9, 14, 26])
@pytest.mark.parametrize("size", [-5.0, 5.0])
def test_a_trouble_of_five_standard_errors_is_found(weeks: int, size: float) -> None:
    """Of troubles of five standard errors, at least nine in ten are news, after eight weeks of history or more."""
    found = [watched(seed, weeks, shock=Shock(weeks - 1, size)).news[:, -1].mean() for seed in range(SEEDS)]
    assert np.mean(found) >= 0.9


def test_a_single_trouble_of_four_standard_errors_is_found() -> None:
    """Where two series are watched and half a year is known, four standard errors are found nine times in ten."""
    found = [watched(seed, 27, series=2, shock=Shock(26, 4.0)).news[:, -1].mean() for seed in range(6 * SEEDS)]
    assert np.mean(found) >= 0.9


def test_ranges_hold_what_they_say() -> None:
    """Of a hundred quiet weeks, ninety-nine lie within the range that is called 99 %: here 97 at least."""
    inside = []
    for seed in range(SEEDS):
        seen = watched(seed, 30)
        inside.append(((seen.low <= seen.value) & (seen.value <= seen.high))[:, 6:])
    assert np.mean(inside) >= 0.97


def test_the_range_is_never_narrower_than_a_coin_toss() -> None:
    """Weeks that happen to be too even do not make the next one news: at least the tosses themselves remain."""
    hits, n = np.full((1, 20), 300.0), np.full((1, 20), 1000.0)
    seen = watch(hits, n, shares=np.array([True]), whole=np.array([True]))
    assert seen.dispersion[0] >= 1
    assert seen.high[0, -1] - seen.low[0, -1] >= 2 * 2.58 * np.sqrt(0.3 * 0.7 / 1000)


def test_huge_series_are_not_news_for_tiny_moves() -> None:
    """A million rows make half a point certain, and still not worth a minute."""
    hits, n = np.full((1, 30), 300_000.0), np.full((1, 30), 1_000_000.0)
    hits[0, -1] = 305_000
    assert not watch(hits, n, shares=np.array([True]), whole=np.array([True])).news.any()
    hits[0, -1] = 400_000
    assert watch(hits, n, shares=np.array([True]), whole=np.array([True])).news[0, -1]


@pytest.mark.parametrize("kind", ["drift", "growth", "echo"])
def test_what_moves_slowly_does_not_alarm_every_week(kind: str) -> None:
    """Drift, growth and weeks that resemble the week before are what to expect: at most one alarm in ten weeks."""
    alarms = []
    for seed in range(SEEDS):
        chance = np.random.default_rng(seed)
        steps = chance.normal(0, 1, (4, 52))
        level = {
            "drift": 0.03 * np.cumsum(steps, axis=1),
            "growth": 0.05 * steps + 0.01 * np.arange(52),
            "echo": 0.07 * _echo(steps),
        }[kind]
        counts = chance.poisson(1000 * np.exp(level)).astype(float)
        alarms.append(watch(counts, counts, shares=np.zeros(4, bool), whole=np.ones(4, bool)).news[:, 6:].any(axis=0))
    assert np.mean(alarms) <= 0.1


def _echo(steps: Floats) -> Floats:
    """Each week 0.7 of the week before."""
    echoed = steps.copy()
    for week in range(1, steps.shape[1]):
        echoed[:, week] = 0.7 * echoed[:, week - 1] + np.sqrt(1 - 0.49) * steps[:, week]
    return echoed


def test_a_new_level_is_news_for_a_month_and_then_the_level() -> None:
    """A step that lasts is told for four weeks; then it is what is expected, and going back would be the news."""
    hits, n = np.full((1, 24), 300.0), np.full((1, 24), 1000.0)
    hits += np.random.default_rng(5).normal(0, 12, hits.shape).round()
    hits[0, 12:20] += 250
    seen = watch(hits, n, shares=np.array([True]), whole=np.array([True]))
    assert seen.news[0].tolist() == [12 <= week < 16 or 20 <= week < 24 for week in range(24)]


def test_what_comes_every_year_is_no_news() -> None:
    """The quiet of Christmas surprises once; a year later the same week is compared with the same season too."""
    chance = np.random.default_rng(3)
    counts, _ = count_series(chance, 105, mean=2000)
    weekly = counts.sum(axis=1)[None]
    weekly[0, [51, 103]] *= 0.5
    seen = watch(weekly, weekly, shares=np.array([False]), whole=np.array([True]))
    assert seen.news[0, 51]
    assert not seen.news[0, 103]


@pytest.mark.parametrize("seed", range(3))
def test_what_was_known_then_is_what_is_said(seed: int) -> None:
    """The insights of a week are the same whether or not the log goes on after it."""
    whole = shop(seed, 20, delivery_late=Shock(14, 7.0), checkout_completed=Shock(17, -7.0))
    short = shop_until(whole, 15)
    assert explain(whole, week=week_name(14)).equals(explain(short, week=week_name(14)))


def shop_until(table: pa.Table, weeks: int) -> pa.Table:
    """Only the tallies of the first weeks."""
    days = sorted(set(table["day"].to_pylist()))[: 7 * weeks]
    return table.filter([day <= days[-1] for day in table["day"].to_pylist()])
