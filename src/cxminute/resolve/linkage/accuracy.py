"""How right a linkage is, where somebody has said which records are one person's: precision, recall and F1."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Pairs found at a match weight, held against those that are true.

    weight:    pairs of at least this were taken
    found:     how many
    right:     how many of them are true
    true:      how many true pairs there are, found or not: those that no block compares count as missed
    """

    weight: float
    found: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """Share of those found that are true; nan where none was found."""
        return self.right / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true ones that were found; nan where none is true."""
        return self.right / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of both, 2 right / (found + true); nan where there is nothing of either."""
        both = self.found + self.true
        return 2 * self.right / both if both else float("nan")


def accuracy(
    weighed: Iterable[tuple[int, int, float]],
    true: Collection[Pair],
    weights: Sequence[float],
    *,
    false: Collection[Pair] | None = None,
) -> list[Accuracy]:
    """How right the pairs are at each weight.

    weighed: (one, other, match weight), each pair once
    true:    pairs that are one person's, (smaller, larger)
    false:   pairs that are not; without it every pair that is not true. Where it is given, other pairs are not judged
    """
    truth = frozenset(true)
    judged = None if false is None else truth | frozenset(false)
    told = [((min(a, b), max(a, b)), weight) for a, b, weight in weighed]
    told = [(pair, weight) for pair, weight in told if judged is None or pair in judged]
    return [
        Accuracy(
            least,
            sum(weight >= least for _, weight in told),
            sum(weight >= least and pair in truth for pair, weight in told),
            len(truth),
        )
        for least in weights
    ]


def pairs_of(groups: Iterable[Sequence[int]]) -> frozenset[Pair]:
    """Every pair within a group of records that are one person's."""
    return frozenset((min(pair), max(pair)) for group in groups for pair in combinations(group, 2))
