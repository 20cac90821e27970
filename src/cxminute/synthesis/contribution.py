"""Where a change comes from: every part's share of it, split into mix and rate, and the dimension that tells most.

A share changes because its parts changed (rate), or because there is more of one part and less of another (mix). With
weights w and rates r before (0) and now (1), and P the mean of both totals:

    change = sum over parts of (w1 - w0) * ((r0 + r1) / 2 - P)  +  (w0 + w1) / 2 * (r1 - r0)
                               mix                                 rate

which is exact, treats before and now alike (the Shapley value of the two), and cannot be fooled by Simpson's paradox:
where every part got better and the whole worse, every rate helps and the mix carries the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cxminute.synthesis.change import Watch
from cxminute.synthesis.weeks import COUNTED, Floats, Weeks

BASE_WEEKS: Final = 8  # weeks before that a part is compared with, of those that the whole was compared with
NAMED: Final = 3  # parts that may together be called the place of a change
ENOUGH: Final = 0.6  # of the change, from which on no further part is named
REST: Final = "(not given)"


@dataclass(frozen=True)
class Part:
    """One value's part of a change.

    share:     of the whole change; all values of a dimension add up to 1
    mix, rate: points of the share, or counts a week (then all of it is rate); they add up to the change
    n, hits:   of the week
    base:      the part's share of the whole before: of n, or of the count
    """

    dimension: str
    value: str
    share: float
    mix: float
    rate: float
    n: float
    hits: float
    base: float


def contributions(weeks: Weeks, watched: Watch, series: int) -> list[list[Part]]:
    """The parts of the last week's change of one whole, largest first; the dimension that tells most comes first.

    watched: of the same weeks; says which weeks before are compared with, of which the last eight are taken
    returns: a list per dimension; empty where nothing splits the whole or nothing was there before
    """
    before = np.flatnonzero(watched.base[series])[-BASE_WEEKS:]
    if not len(before):
        return []
    days = weeks.covered
    counts = weeks.keys[series].measure == COUNTED
    split = []
    for dimension, places in weeks.parts(weeks.keys[series]).items():
        rows = [*places, series]
        hits = weeks.hits[rows][:, :, days].sum(axis=2)
        n = hits if counts else weeks.n[rows][:, :, days].sum(axis=2)
        sides = [hits[:, before].mean(axis=1), n[:, before].mean(axis=1), hits[:, -1], n[:, -1]]
        names = [weeks.keys[place].value for place in places]
        # What has no value of this dimension is a part as well, or the parts would not add up to the whole.
        rest = [np.maximum(side[-1] - side[:-1].sum(), 0.0) for side in sides]
        if max(rest) > 1e-9:
            names = [*names, REST]
            sides = [np.append(side[:-1], left) for side, left in zip(sides, rest, strict=True)]
        else:
            sides = [side[:-1] for side in sides]
        parts = _counted(dimension, names, *sides) if counts else split_share(dimension, names, *sides)
        if parts:
            split.append(sorted(parts, key=lambda part: -part.share))
    return sorted(split, key=lambda parts: -telling(parts))


def telling(parts: list[Part]) -> float:
    """How much better than chance the leading parts hold the change: their share of it less their share of all.

    parts: of one dimension, largest first
    """
    named = leading(parts)
    return sum(part.share - part.base for part in named)


def leading(parts: list[Part]) -> list[Part]:
    """The few largest parts that hold most of the change: at most three, none less than half of the largest."""
    named: list[Part] = []
    for part in parts[:NAMED]:
        if named and (sum(known.share for known in named) >= ENOUGH or part.share < named[0].share / 2):
            break
        if part.share > 0:
            named.append(part)
    return named


def split_share(dimension: str, names: list[str], hits0: Floats, n0: Floats, hits1: Floats, n1: Floats) -> list[Part]:
    """Mix and rate of each part of the difference between two shares; in the order of the names.

    hits0, n0, hits1, n1: of each part, on the one side and on the other
    returns: parts with `n` and `hits` of the other side; none where a side is empty or there is no difference
    """
    if n0.sum() <= 0 or n1.sum() <= 0:
        return []
    total0, total1 = hits0.sum() / n0.sum(), hits1.sum() / n1.sum()
    w0, w1 = n0 / n0.sum(), n1 / n1.sum()
    # A part that was not there, or is no more, has no rate of its own on that side: all that it does is mix.
    now = np.divide(hits1, n1, out=np.full_like(hits1, np.nan), where=n1 > 0)
    then = np.divide(hits0, n0, out=np.full_like(hits0, np.nan), where=n0 > 0)
    r0 = np.where(np.isnan(then), now, then)
    r1 = np.where(np.isnan(now), then, now)
    here = ~np.isnan(r0)
    mix = (w1 - w0) * ((r0 + r1) / 2 - (total0 + total1) / 2)
    rate = (w0 + w1) / 2 * (r1 - r0)
    change = total1 - total0
    if change == 0:
        return []
    return [
        Part(dimension, names[k], *map(float, ((mix[k] + rate[k]) / change, mix[k], rate[k], n1[k], hits1[k], w0[k])))
        for k in np.flatnonzero(here)
    ]


def _counted(dimension: str, names: list[str], hits0: Floats, _n0: Floats, hits1: Floats, n1: Floats) -> list[Part]:
    """The difference of each part of a count."""
    change = hits1.sum() - hits0.sum()
    if change == 0:
        return []
    base = hits0 / hits0.sum() if hits0.sum() > 0 else np.zeros_like(hits0)
    moved = hits1 - hits0
    return [
        Part(dimension, names[k], *map(float, (moved[k] / change, 0.0, moved[k], n1[k], hits1[k], base[k])))
        for k in range(len(names))
    ]
