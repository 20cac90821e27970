"""Intervals that are as wide as the data are ragged, and no narrower where little is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from cxminute.balance.intervals import Shares, shares


def one(hits: list[float], n: list[float]) -> Shares:
    """The share of a single group, given its clusters."""
    return shares(np.array(hits, float), np.array(n, float), np.zeros(len(n), np.int64), 1)


def bounds(hits: list[float], n: list[float]) -> tuple[float, float]:
    """Its interval."""
    found = one(hits, n)
    return float(found.low[0]), float(found.high[0])


def ragged(rng: np.random.Generator, days: int, share: float, spread: float) -> tuple[list[float], list[float]]:
    """Days of unequal size whose own shares scatter around `share` (beta; spread is their correlation within a day)."""
    n = rng.integers(20, 200, days)
    own = rng.beta(share * (1 / spread - 1), (1 - share) * (1 / spread - 1), days)
    return list(rng.binomial(n, own).astype(float)), list(n.astype(float))


def test_agrees_with_the_bootstrap_over_days() -> None:
    """With many days the interval is as wide as that of days drawn again and again, within a tenth."""
    rng = np.random.default_rng(7)
    hits, n = (np.array(part) for part in ragged(rng, 120, 0.3, 0.05))
    drawn = rng.integers(0, len(n), (20_000, len(n)))
    low, high = np.quantile(hits[drawn].sum(axis=1) / n[drawn].sum(axis=1), [0.025, 0.975])
    mine = bounds(list(hits), list(n))
    assert mine[1] - mine[0] == pytest.approx(high - low, rel=0.1)
    assert mine == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize(("days", "share"), [(5, 0.3), (8, 0.9), (30, 0.05), (60, 0.5)])
def test_covers_the_truth_as_often_as_it_says(days: int, share: float) -> None:
    """Of many ragged histories with a known share, about 95 in 100 intervals hold it, also with five clusters."""
    rng = np.random.default_rng(days)
    rounds = 1_500
    drawn = [ragged(rng, days, share, 0.05) for _ in range(rounds)]
    group = np.repeat(np.arange(rounds), days)
    found = shares(np.concatenate([hits for hits, _ in drawn]), np.concatenate([n for _, n in drawn]), group, rounds)
    covered = float(np.mean((found.low <= share) & (share <= found.high)))
    assert 0.92 <= covered <= 0.99


def test_ragged_days_widen_it() -> None:
    """The same total from days that differ is less certain than from days that agree."""
    even, uneven = bounds([50] * 20, [100] * 20), bounds([20, 80] * 10, [100] * 20)
    assert uneven[1] - uneven[0] > 2 * (even[1] - even[0])


def test_agreeing_days_are_no_surer_than_coin_tosses() -> None:
    """Days that happen to agree to the digit do not make it narrower than Wilson's interval for as many tosses."""
    low, high = bounds([50] * 1000, [100] * 1000)
    n, q = 100_000, norm.ppf(0.975)
    half = q / (1 + q**2 / n) * np.sqrt(0.25 / n + q**2 / (4 * n**2))
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), rel=1e-3)
    nearly = bounds([50, 51, 49, 50] * 250, [100] * 1000)
    assert nearly == pytest.approx((low, high), rel=1e-6)


def test_equal_clusters_give_the_textbook_variance() -> None:
    """For clusters of equal size it rests on the plain variance between their shares, with G - 1 degrees of freedom."""
    own = np.array([0.2, 0.3, 0.6, 0.5])
    share, variance = own.mean(), own.var(ddof=1) / 4
    size, q = share * (1 - share) / variance, student.ppf(0.975, 3)
    middle = (share + q**2 / (2 * size)) / (1 + q**2 / size)
    half = q / (1 + q**2 / size) * np.sqrt(variance + q**2 / (4 * size**2))
    assert bounds(list(own * 1000), [1000] * 4) == pytest.approx((middle - half, middle + half))


def test_all_kept_is_not_certainty() -> None:
    """Where all were kept, the interval ends at 1 and begins well below it, and the lower the fewer the clusters."""
    few, many = bounds([10] * 3, [10] * 3), bounds([10] * 30, [10] * 30)
    assert few[1] == many[1] == 1.0
    assert few[0] < many[0] < 1.0
    assert many[0] < 300 / (300 + 1.96**2)
    assert bounds([0] * 30, [10] * 30) == pytest.approx((0.0, 1 - many[0]))


def test_one_day_tells_nothing_of_others_and_none_tells_nothing() -> None:
    """One cluster leaves everything possible; an empty group has no share at all."""
    assert bounds([7], [10]) == (0.0, 1.0)
    nothing = one([0], [0])
    assert np.isnan([nothing.value[0], nothing.low[0], nothing.high[0]]).all()
    assert nothing.clusters[0] == 0


def test_one_huge_day_among_small_ones_is_not_many_days() -> None:
    """A day that holds nearly all promises leaves the interval nearly as wide as if it were alone."""
    low, high = bounds([5_000, 1, 1, 1], [10_000, 2, 2, 2])
    assert high - low > 0.05
    assert high - low > 5 * (bounds([2_500] * 4, [5_000] * 4)[1] - bounds([2_500] * 4, [5_000] * 4)[0])


CLUSTERS = st.lists(st.integers(0, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=12)


@given(st.lists(CLUSTERS, min_size=1, max_size=4))
def test_groups_are_reckoned_apart_and_bounds_hold_the_share(groups: list[list[tuple[int, int]]]) -> None:
    """Each group's share and interval are what it gets alone; 0 <= low <= share <= high <= 1; kept mirrors broken."""
    rows = [(hits, n, place) for place, clusters in enumerate(groups) for hits, n in clusters]
    hits, n, place = (np.array([row[column] for row in rows], float) for column in range(3))
    found = shares(hits, n, place.astype(np.int64), len(groups))
    mirror = shares(n - hits, n, place.astype(np.int64), len(groups))
    for group, clusters in enumerate(groups):
        alone = one([float(hit) for hit, _ in clusters], [float(size) for _, size in clusters])
        assert found.low[group] == pytest.approx(alone.low[0], nan_ok=True)
        assert found.high[group] == pytest.approx(alone.high[0], nan_ok=True)
        assert found.high[group] == pytest.approx(1 - mirror.low[group], nan_ok=True, abs=1e-9)
        if found.clusters[group]:
            assert 0 <= found.low[group] <= found.value[group] <= found.high[group] <= 1
