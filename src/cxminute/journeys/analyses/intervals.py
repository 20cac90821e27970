"""Shares with an interval that knows that passages share subjects and days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONFIDENCE: Final = 0.95
Z: Final = 1.959963984540054
"""Standard normal quantile of a 95 % interval."""

Flags = NDArray[np.bool_]
Keys = NDArray[np.int64]


class Spread(NamedTuple):
    """How passages and hits lie in clusters: whole numbers that add, over the parts of a log that share no cluster.

    clusters: how many there are
    nn, nh, hh: sums over the clusters: passages squared, passages times hits, hits squared
    """

    clusters: int
    nn: int
    nh: int
    hh: int

    @classmethod
    def of(cls, passages: Keys, hits: Keys) -> Spread:
        """From how many passages and hits each cluster has; one without passages is none."""
        products = (int((a * b).sum()) for a, b in ((passages, passages), (passages, hits), (hits, hits)))
        return cls(int((passages > 0).sum()), *products)

    def variance(self, n: int, hits: int) -> float:
        """Variance of the share of `hits` in `n` from the sums of residuals in each cluster; 0 of a single cluster.

        The residual of a cluster is its hits less its passages times the share: all is exact up to one last division.
        """
        if self.clusters < 2:
            return 0.0
        squares = n * n * self.hh - 2 * n * hits * self.nh + hits * hits * self.nn
        return squares * self.clusters / (n**4 * (self.clusters - 1))


def share(n: int, hits: int, subjects: Spread, days: Spread, both: Spread) -> tuple[float, float, float]:
    """The share of hits among n passages, with lower and upper bound of a 95 % interval clustered by subject and day.

    both:    clusters of one subject's passages of one day
    returns: share, low, high, all in 0..1; nan, 0 and 1 without any passage

    The variance is that of the share with two-way clusters, subjects' plus days' minus that of subjects within days
    (Cameron, Gelbach, Miller 2011), at least the larger of the first two and of independent passages. It enters
    Wilson's interval (1927) as the number of independent passages that would vary as much, with Student's quantile
    for the smaller number of clusters less one. One day alone tells nothing of how days differ: then subjects alone
    count, and the interval speaks of that day. Where all or none hit, nothing varies: each subject counts once.
    """
    if n == 0:
        return float("nan"), 0.0, 1.0
    estimate = hits / n
    by_subject, by_day, by_both = (clusters.variance(n, hits) for clusters in (subjects, days, both))
    spread = estimate * (1 - estimate)
    variance = max(by_subject + by_day - by_both, by_subject, by_day, spread / n)
    effective = spread / variance if variance > 0 else float(subjects.clusters)
    several = [count for count in (subjects.clusters, days.clusters) if count > 1]
    wide = float(stdtrit(max(min(several, default=2) - 1, 1), 0.5 + CONFIDENCE / 2))
    return estimate, *wilson(estimate, effective, wide)


def wilson(estimate: float, n: float, wide: float) -> tuple[float, float]:
    """Wilson's interval (1927) of a share among n independent ones, `wide` standard errors to either side."""
    centre = (estimate + wide**2 / (2 * n)) / (1 + wide**2 / n)
    half = wide / (1 + wide**2 / n) * float(np.sqrt(estimate * (1 - estimate) / n + (wide / n) ** 2 / 4))
    return max(0.0, min(estimate, centre - half)), min(1.0, max(estimate, centre + half))


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which passages share a subject, which a day, and which both: dense numbers, one a passage."""

    of_subject: Keys
    of_day: Keys
    of_both: Keys

    @classmethod
    def of(cls, subjects: Keys, days: Keys) -> Clusters:
        """From the subject and the day of each passage, any numbers."""
        _, of_subject = np.unique(subjects, return_inverse=True)
        _, of_day = np.unique(days, return_inverse=True)
        _, of_both = np.unique(of_subject * (len(of_day) + 1) + of_day, return_inverse=True)
        return cls(of_subject, of_day, of_both)

    def share(self, hits: Flags) -> tuple[float, float, float]:
        """The share of hits, one a passage, with its bounds, as `share` has it."""
        spreads = (
            Spread.of(np.bincount(of), np.bincount(of[hits], minlength=int(of.max(initial=-1)) + 1))
            for of in (self.of_subject, self.of_day, self.of_both)
        )
        return share(len(hits), int(hits.sum()), *spreads)
