"""The difference of two shares, with an interval that knows that passages share subjects and days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxminute.journeys.analyses.intervals import Clusters

Flags = NDArray[np.bool_]
Keys = NDArray[np.int64]
Row = NDArray[np.float64]


def difference(subjects: Keys, days: Keys, hits: Flags, ours: Flags) -> tuple[float, float, float]:
    """The share of hits among ours less that among the others, with the bounds of a 95 % interval.

    subjects, days: of each passage, any numbers
    ours:           which passages are on the one side; both sides have some
    returns:        difference, low, high, all in -1..1

    The bounds of both shares (`intervals`) are put together as Zou and Donner (2008) do, which for independent sides
    is Newcombe's method (1998); what both sides have in common, since one subject or one day has passages on both,
    enters as their correlation, from sums of residuals in clusters by subject plus by day minus by both.
    """
    sides = [ours, ~ours]
    clusters = [Clusters.of(subjects[side], days[side]) for side in sides]
    (mine, my_low, my_high), (other, other_low, other_high) = (
        cluster.share(hits[side]) for cluster, side in zip(clusters, sides, strict=True)
    )
    together = _correlation(Clusters.of(subjects, days), hits, ours)
    estimate = mine - other
    low = estimate - _joined(mine - my_low, other_high - other, together)
    high = estimate + _joined(my_high - mine, other - other_low, together)
    return estimate, max(-1.0, low), min(1.0, high)


def _joined(mine: float, other: float, together: float) -> float:
    return float(np.sqrt(max(mine**2 + other**2 - 2 * together * mine * other, 0.0)))


def _correlation(clusters: Clusters, hits: Flags, ours: Flags) -> float:
    """Of the two shares, -1 to 1; 0 where one of them does not vary."""
    rests = [np.where(side, (hits - hits[side].mean()) / side.sum(), 0.0) for side in (ours, ~ours)]
    spread = np.zeros((2, 2))
    ways = [(clusters.of_subject, 1), (clusters.of_day, 1), (clusters.of_both, -1)]
    several = [way for way in ways[:2] if way[0].max() > 0]
    # One day alone tells nothing of how days differ: then subjects alone count, as in the bounds of either share.
    for of, sign in ways if len(several) > 1 else several:
        sums = np.array([np.bincount(of, weights=rest) for rest in rests])
        spread += sign * (sums @ sums.T)
    # Clusters by two ways may leave less than nothing: each side varies at least as independent passages would.
    least = [float(np.square(rest).sum()) for rest in rests]
    mine, other = (max(float(spread[i, i]), least[i]) for i in (0, 1))
    if mine <= 0 or other <= 0:
        return 0.0
    return float(np.clip(spread[0, 1] / np.sqrt(mine * other), -1.0, 1.0))
