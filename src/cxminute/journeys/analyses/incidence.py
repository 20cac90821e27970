"""The kernel of curves: cumulative incidence with competing endings, and its variance, in one pass over durations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Row = NDArray[np.float64]

CODES: Final = 4
"""A duration and its ending are one number: duration * CODES + place in ENDINGS; the last, 'open', is censoring, which
so comes after the endings of its millisecond."""
KINDS: Final = CODES - 1
BITS: Final = 2
ROUNDING: Final = 1e-12
"""What a share that is a half exactly may fall short of it in floating point."""

AT_RISK: Final = 0
KNOWN: Final = 1
LEFT: Final = 2
SHARE: Final = 3
VARIANCE: Final = SHARE + KINDS
BEFORE: Final = VARIANCE + KINDS
GONE: Final = BEFORE + 1
HAZARD: Final = GONE + 1
WEIGHED: Final = HAZARD + 1
CROSSED: Final = WEIGHED + KINDS
WIDTH: Final = CROSSED + KINDS

F_SUM: Final = 0
FF_SUM: Final = 1
OWN: Final = 2
CROSS: Final = 3
F_CROSS: Final = 4
SUMS: Final = 5

SPREAD: Final = 0
REMAINS: Final = 1


def _tied(keys: Numbers, place: int, ends: Numbers) -> int:
    """Counts into `ends`, by kind and censored last, what left at the time of this place; returns the next place."""
    ends[:] = 0
    time = keys[place] >> BITS
    while place < keys.size and keys[place] >> BITS == time:
        ends[keys[place] & KINDS] += 1
        place += 1
    return place


def _step(at_risk: int, ends: Numbers, share: Row, sums: NDArray[np.float64], whole: Row) -> None:
    """One time at which something ended: shares, and the running sums of their variances, go on."""
    n = float(at_risk)
    d = float(ends[:KINDS].sum())
    # Where all end at once nothing changes any more, and F(T) - F(t) is 0: the term falls away.
    step = d / (n * (n - d)) if n > d else 0.0
    whole[SPREAD] += step
    for kind in range(KINDS):
        own = float(ends[kind])
        cross = whole[REMAINS] * own / (n * n)
        share[kind] += whole[REMAINS] * own / n
        sums[kind, F_SUM] += share[kind] * step
        sums[kind, FF_SUM] += share[kind] * share[kind] * step
        sums[kind, OWN] += whole[REMAINS] * whole[REMAINS] * own * (n - own) / (n * n * n)
        sums[kind, CROSS] += cross
        sums[kind, F_CROSS] += share[kind] * cross
    whole[REMAINS] *= (n - d) / n


def _variance(share: Row, sums: NDArray[np.float64], whole: Row, kind: int) -> float:
    """Of one ending's share by now, from the running sums."""
    now = share[kind]
    around = now * now * whole[SPREAD] - 2 * now * sums[kind, F_SUM] + sums[kind, FF_SUM]
    found: float = around + sums[kind, OWN] - 2 * (now * sums[kind, CROSS] - sums[kind, F_CROSS])
    return max(found, 0.0)


def _cross(time: int, share: float, error: float, z: float, reach: float, crossed: Row) -> None:
    """Notes the time at which the share, its upper and its lower bound first reached `reach`."""
    if share >= reach - ROUNDING and crossed[0] == np.inf:
        crossed[0] = float(time)
    if 0.0 < share < 1.0:
        middle, target = math.log(-math.log(share)), math.log(-math.log(reach))
        away = z * error / (share * -math.log(share))
        if middle - away <= target and crossed[1] == np.inf:
            crossed[1] = float(time)
        if middle + away <= target and crossed[2] == np.inf:
            crossed[2] = float(time)


def _incidence(keys: Numbers, moments: Numbers, reach: float, z: float) -> tuple[NDArray[np.float64], Row]:
    """What the curve is at each moment, and when the first ending reaches a share.

    keys:    duration * CODES + ending, ascending, at least one
    moments: milliseconds, ascending
    reach:   the share that is waited for; 1: none
    z:       quantile of the interval
    returns: a row a moment: AT_RISK just before it, KNOWN (whose fate by then is known: all but those censored before),
             LEFT (share that has not ended by then), SHARE and VARIANCE of each ending, BEFORE (LEFT just before it),
             GONE (how many ended at it), and running sums: HAZARD of d / (n (n - d)), and of each ending WEIGHED, the
             same times F_k, and CROSSED of S d_k / n^2; then the times at which the share of the first ending, its
             upper and its lower bound first reached `reach`, inf where they did not

    With S the share that had not ended just before t, n at risk, d endings and d_k of kind k there, F_k the share of
    kind k by t, the variance of F_k(T) is the sum over t <= T of (F_k(T) - F_k(t))^2 d / (n (n - d))
    + S^2 d_k (n - d_k) / n^3 - 2 (F_k(T) - F_k(t)) S d_k / n^2. Multiplied out, it needs running sums alone.
    """
    told = np.empty((moments.size, WIDTH), np.float64)
    crossed = np.full(3, np.inf)
    share, sums = np.zeros(KINDS), np.zeros((KINDS, SUMS))
    whole = np.array([0.0, 1.0])
    ends = np.zeros(CODES, np.int64)
    place, censored, at_risk = 0, 0, keys.size
    for moment in range(moments.size):
        before, gone, remained = -1, 0, 1.0
        while place < keys.size and keys[place] >> BITS <= moments[moment]:
            time = keys[place] >> BITS
            place = tied(keys, place, ends)
            if time == moments[moment]:
                before = at_risk
                told[moment, KNOWN] = keys.size - censored
                gone, remained = ends[:KINDS].sum(), whole[REMAINS]
            if ends[:KINDS].sum() > 0:
                step_on(at_risk, ends, share, sums, whole)
                if reach < 1.0 and crossed[2] == np.inf:
                    cross(time, share[0], math.sqrt(variance(share, sums, whole, 0)), z, reach, crossed)
            at_risk -= ends.sum()
            censored += ends[KINDS]
        if before < 0:  # nobody left at this very time
            before, remained = at_risk, whole[REMAINS]
            told[moment, KNOWN] = keys.size - censored
        told[moment, AT_RISK] = before
        told[moment, LEFT] = whole[REMAINS]
        told[moment, BEFORE] = remained
        told[moment, GONE] = gone
        told[moment, HAZARD] = whole[SPREAD]
        for kind in range(KINDS):
            told[moment, SHARE + kind] = share[kind]
            told[moment, VARIANCE + kind] = variance(share, sums, whole, kind)
            told[moment, WEIGHED + kind] = sums[kind, F_SUM]
            told[moment, CROSSED + kind] = sums[kind, CROSS]
    return told, crossed


_compiled = njit(cache=True, nogil=True)
tied: Final[Callable[[Numbers, int, Numbers], int]] = _compiled(_tied)
step_on: Final[Callable[[int, Numbers, Row, NDArray[np.float64], Row], None]] = _compiled(_step)
variance: Final[Callable[[Row, NDArray[np.float64], Row, int], float]] = _compiled(_variance)
cross: Final[Callable[[int, float, float, float, float, Row], None]] = _compiled(_cross)
incidence: Final[Callable[[Numbers, Numbers, float, float], tuple[NDArray[np.float64], Row]]] = _compiled(_incidence)
