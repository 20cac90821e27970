"""Shares with an interval that knows that passages share subjects and days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONFIDENCE: Final = 0.95

Flags = NDArray[np.bool_]
Keys = NDArray[np.int64]


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
        """The share of hits, with lower and upper bound of a 95 % interval clustered by subject and by day.

        hits:    one a passage
        returns: share, low, high, all in 0..1; nan, 0 and 1 without any passage

        The variance is that of the share with two-way clusters, subjects' plus days' minus that of subjects within days
        (Cameron, Gelbach, Miller 2011), at least the larger of the first two and of independent passages. It enters
        Wilson's interval (1927) as the number of independent passages that would vary as much, with Student's quantile
        for the smaller number of clusters less one. One day alone tells nothing of how days differ: then subjects alone
        count, and the interval speaks of that day. Where all or none hit, nothing varies: each subject counts once.
        """
        n = len(hits)
        if n == 0:
            return float("nan"), 0.0, 1.0
        estimate = float(hits.mean())
        rest: NDArray[np.float64] = (hits - estimate).astype(np.float64)
        by_subject, by_day, by_both = (_variance(rest, of) for of in (self.of_subject, self.of_day, self.of_both))
        spread = estimate * (1 - estimate)
        variance = max(by_subject + by_day - by_both, by_subject, by_day, spread / n)
        subjects, days = (int(of.max()) + 1 for of in (self.of_subject, self.of_day))
        effective = spread / variance if variance > 0 else float(subjects)
        clusters = [count for count in (subjects, days) if count > 1]
        wide = float(stdtrit(max(min(clusters, default=2) - 1, 1), 0.5 + CONFIDENCE / 2))
        centre = (estimate + wide**2 / (2 * effective)) / (1 + wide**2 / effective)
        half = wide / (1 + wide**2 / effective) * float(np.sqrt(spread / effective + (wide / effective) ** 2 / 4))
        return estimate, max(0.0, min(estimate, centre - half)), min(1.0, max(estimate, centre + half))


def _variance(rest: NDArray[np.float64], clusters: Keys) -> float:
    """Variance of the mean from the sums of residuals in each cluster; 0 where there is but one cluster."""
    sums = np.bincount(clusters, weights=rest)
    count = len(sums)
    return float(np.square(sums).sum() / len(rest) ** 2 * count / (count - 1)) if count > 1 else 0.0
