"""News told from noise: each week's figure against what the weeks before it let one expect, week after week.

One walk over the weeks, in their order, over all series at once. At each week only the weeks before it are known:

- **Scale.** Shares are compared as arcsine of the root (equal steps are equally likely anywhere between 0 and 1),
  counts as logarithms (growth multiplies).
- **Expectation.** A Huber mean of up to 26 weeks, each week weighed by its size and half as much as one four weeks
  later. Weeks that were news themselves are set aside; after four weeks of news on end the new level is what is
  expected, and the old one forgotten.
- **Raggedness.** How far the walk's own earlier expectations missed, in units of a coin toss: the dispersion. It holds
  whatever made the weeks uneven: shared days, drift, autocorrelation. Winsorised at 2.5, drawn towards 3 with the
  weight of two weeks, never below 1; so a short history gives a wide range, with t of few degrees of freedom.
- **Season.** From the 53rd week on the same week of last year is asked as well: news must lie beyond what the last
  weeks let one expect, and beyond that plus the swing of a year ago.
- **Parts** are compared in their shares, and only while they are about as large as they were; counts of parts move
  with every season and fashion.
- **Size.** A move below `LEAST` is no news, however many rows stand behind it.
- **Many looks.** Holm's steps over all wholes of a week hold the chance of any false alarm among them at 3.5 %, and
  over all parts of a week at 1 %: together one quiet week in twenty at most.

Sources: Huber (1964), Robust Estimation of a Location Parameter; Anscombe (1948), The Transformation of Poisson,
Binomial and Negative-Binomial Data; Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from cxminute.synthesis.weeks import Flags, Floats

REACH: Final = 26  # weeks looked back: half a year, before which service data were of another season
HALF: Final = 4.0  # weeks after which a week counts half
FEWEST: Final = 3  # weeks needed before a week can be news at all
YEAR: Final = 52  # weeks back to the same weekdays of the same season
ACCEPTED: Final = 4  # weeks of news on end after which the new level is the expected one
FEWEST_ROWS: Final = 10.0  # rows a week, seen or expected, below which nothing is said
PRIOR_DISPERSION, PRIOR_WEIGHT = 3.0, 2.0  # weekly service data run from 2 to 5 (Boston 2015 near 5 in autumn)
SURGE: Final = 2.0  # times its usual size, beyond which a part is not compared with what it was
WINSOR: Final = 2.5
KEPT_VARIANCE: Final = 0.9776  # E[min(z^2, 2.5^2)] of a standard normal z: what winsorising leaves of the variance
FALSE_ALARMS_WHOLE, FALSE_ALARMS_PART = 0.035, 0.01  # a week, over all its series; t is not exact in ragged weeks
LEAST_SHARE: Final = 0.06  # Cohen's h: 3 points at one half, 2 points at one in ten, 0.7 points at one in a hundred
LEAST_COUNT: Final = 0.05  # of the logarithm: 5 %


@dataclass(frozen=True)
class Watch:
    """What the walk saw: arrays of (series, week).

    value, expected, low, high: shares in 0..1 or counts; bounds hold 99 %; nan where nothing could be expected
    distance:   from expectation, in standard errors, signed; nan where nothing could be expected
    news:       whether it is
    base:       (series, week): the weeks that the last week was compared with
    dispersion: of the last week, in units of a coin toss: (series,)
    """

    value: Floats
    expected: Floats
    low: Floats
    high: Floats
    distance: Floats
    news: Flags
    base: Flags
    dispersion: Floats


def watch(hits: Floats, n: Floats, *, shares: Flags, whole: Flags) -> Watch:
    """Walk over the weeks and compare each with those before it.

    hits, n: (series, week); n is not looked at for counts
    shares:  which series are shares of n; the others are counts
    whole:   which series count the whole: their false alarms are held apart from those of the parts
    """
    walk = _Walk(hits, n, shares, whole)
    for week in range(hits.shape[1]):
        walk.step(week)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(shares[:, None], hits / np.where(n > 0, n, np.nan), hits)
    return Watch(value, walk.expected, walk.low, walk.high, walk.distance, walk.news, walk.base, walk.dispersion)


@dataclass
class _Walk:
    """The state of one walk: what was seen so far, by series and week."""

    hits: Floats
    n: Floats
    shares: Flags
    whole: Flags
    expected: Floats = field(init=False)
    low: Floats = field(init=False)
    high: Floats = field(init=False)
    distance: Floats = field(init=False)
    miss: Floats = field(init=False)  # from expectation, on the scale of comparison
    ragged: Floats = field(init=False)  # the same squared, in coin tosses
    news: Flags = field(init=False)
    aside: Flags = field(init=False)  # news that is not taken for a new level
    base: Flags = field(init=False)
    dispersion: Floats = field(init=False)
    level: NDArray[np.int64] = field(init=False)  # the week in which the present level began
    run: NDArray[np.int64] = field(init=False)  # weeks of news on end, one way
    way: Floats = field(init=False)
    usable: Flags = field(init=False)
    y: Floats = field(init=False)  # the figure on the scale of comparison
    v: Floats = field(init=False)  # its variance, were it a coin toss

    def __post_init__(self) -> None:
        """Lay out what the walk fills in, and bring the figures on the scale of comparison."""
        shape = self.hits.shape
        self.expected, self.low, self.high, self.distance = (np.full(shape, np.nan) for _ in range(4))
        self.miss, self.ragged = np.full(shape, np.nan), np.full(shape, np.nan)
        self.news, self.aside, self.base = (np.zeros(shape, bool) for _ in range(3))
        self.dispersion = np.full(shape[0], PRIOR_DISPERSION)
        self.level, self.run, self.way = np.zeros(shape[0], np.int64), np.zeros(shape[0], np.int64), np.zeros(shape[0])
        counted, shares = np.cumsum(self.hits, axis=1) > 0, self.shares[:, None]
        self.usable = np.where(shares, self.n >= FEWEST_ROWS, counted)
        root = np.sqrt(np.clip((self.hits + 0.375) / (self.n + 0.75), 0, 1))
        self.y = np.where(shares, np.arcsin(root), np.log(self.hits + 0.5))
        self.v = np.where(shares, 1 / (4 * self.n + 2), 1 / (self._usual() + 0.5))

    def _usual(self) -> Floats:
        """The median count of up to eight weeks up to each week: a count's own variance would favour small weeks."""
        weeks = self.hits.shape[1]
        spans = [np.median(self.hits[:, max(0, week - 7) : week + 1], axis=1) for week in range(weeks)]
        return np.stack(spans, axis=1) if spans else np.zeros_like(self.hits)

    def step(self, week: int) -> None:
        """Compare one week with those before it, then let it join them."""
        early = max(0, week - REACH)
        places = np.arange(early, week)
        y, v = self.y[:, early:week], self.v[:, early:week]
        self.base = np.zeros_like(self.base)
        known = self.usable[:, early:week] & ~self.aside[:, early:week] & (places >= self.level[:, None])
        self.base[:, early:week] = known
        count = known.sum(axis=1)
        self.dispersion, freedom = self._spread(early, week)
        middle, wobble, usual = _middle(y, v, known, 0.5 ** ((week - 1 - places) / HALF), self.dispersion)
        here = np.where(self.shares, self.v[:, week], 1 / (np.exp(middle) + 0.5))
        # A week larger than its history is not less ragged than it: what weeks share does not shrink with their size.
        variance = np.fmax(here, usual) + wobble
        error = np.sqrt(self.dispersion * variance)
        miss = self.y[:, week] - middle
        swing, swing_error = self._season(week, error)
        distances = np.stack([miss / error, (miss - swing) / swing_error])
        agree = np.sign(distances[0]) == np.sign(distances[1])
        nearer = np.abs(distances).argmin(axis=0)
        distance = np.where(agree, np.take_along_axis(distances, nearer[None], 0)[0], 0.0)
        testable = self.usable[:, week] & (count >= FEWEST)
        testable &= np.where(self.shares, self._alike(early, week), self.whole & (np.exp(middle) >= FEWEST_ROWS))
        least = np.where(self.shares, LEAST_SHARE / 2, LEAST_COUNT)
        sized = testable & (np.minimum(np.abs(miss), np.abs(miss - swing)) >= least)
        chance = np.where(testable, 2 * stdtr(freedom, -np.abs(distance)), np.nan)
        news = sized & (_holm(chance, self.whole, FALSE_ALARMS_WHOLE) | _holm(chance, ~self.whole, FALSE_ALARMS_PART))
        reach = stdtrit(freedom, 0.995)
        low = np.minimum(middle - reach * error, middle + swing - reach * swing_error)
        high = np.maximum(middle + reach * error, middle + swing + reach * swing_error)
        near = middle + np.where(nearer == 1, swing, 0.0)
        for column, transformed in ((self.expected, near), (self.low, low), (self.high, high)):
            column[:, week] = np.where(testable, self._back(transformed), np.nan)
        self.distance[:, week] = np.where(testable, distance, np.nan)
        self.miss[:, week] = np.where(count > 0, miss, np.nan)
        self.ragged[:, week] = np.where(self.usable[:, week] & (count > 0), miss**2 / variance, np.nan)
        self._join(week, news, np.sign(distance))

    def _alike(self, early: int, week: int) -> Flags:
        """Whether a part is about as large as it was: what comes in a surge is not the same kind of thing as before."""
        usual = _median(self.n[:, early:week], self.base[:, early:week].astype(float))
        with np.errstate(invalid="ignore"):
            alike: Flags = np.abs(np.log2((self.n[:, week] + 1) / (usual + 1))) <= np.log2(SURGE)
        return self.whole | alike

    def _spread(self, early: int, week: int) -> tuple[Floats, Floats]:
        """Dispersion from the misses so far, and its degrees of freedom; news that still goes on is not counted."""
        ragged = self.ragged[:, early:week]
        counted = ~np.isnan(ragged) & (np.arange(early, week) < (week - self.run)[:, None])
        squares = np.where(counted, ragged, 0.0)
        weight = PRIOR_WEIGHT + counted.sum(axis=1)
        spread = np.maximum(1.0, (PRIOR_WEIGHT * PRIOR_DISPERSION + squares.sum(axis=1)) / weight)
        for _ in range(8):
            kept = np.minimum(squares, WINSOR**2 * spread[:, None]).sum(axis=1) / KEPT_VARIANCE
            spread = np.maximum(1.0, (PRIOR_WEIGHT * PRIOR_DISPERSION + kept) / weight)
        return spread, weight

    def _season(self, week: int, error: Floats) -> tuple[Floats, Floats]:
        """How the same week of last year differed from the weeks before it, and the error of expecting it again."""
        if week < YEAR:
            return np.zeros_like(error), error
        swing = self.miss[:, week - YEAR]
        wider = np.sqrt(error**2 + self.dispersion * self.v[:, week - YEAR])
        known = ~np.isnan(swing)
        return np.where(known, swing, 0.0), np.where(known, wider, error)

    def _join(self, week: int, news: Flags, way: Floats) -> None:
        """Set news aside; once it has lasted, take it for the level that is expected from now on."""
        self.news[:, week] = news
        self.aside[:, week] = news
        self.run = np.where(news, np.where(way == self.way, self.run + 1, 1), 0)
        self.way = np.where(news, way, 0.0)
        for series in np.flatnonzero(self.run == ACCEPTED):
            start = week - ACCEPTED + 1
            self.level[series] = start
            self.aside[series, start : week + 1] = False
            self.ragged[series, start : week + 1] = np.nan  # a step to a new level, and not raggedness
            self.run[series] = 0

    def _back(self, transformed: Floats) -> Floats:
        """From the scale of comparison to shares and counts."""
        shares = np.sin(np.clip(transformed, 0, np.pi / 2)) ** 2
        return np.where(self.shares, shares, np.maximum(np.exp(np.minimum(transformed, 700.0)) - 0.5, 0.0))


def _middle(y: Floats, v: Floats, known: Flags, decay: Floats, dispersion: Floats) -> tuple[Floats, Floats, Floats]:
    """Huber mean of each series, its variance and the usual variance of a week, in coin tosses; nan without weeks."""
    weight = np.where(known, decay / v, 0.0)
    total = weight.sum(axis=1)
    safe = np.where(total > 0, total, np.nan)
    middle = _median(y, weight)
    scale = np.sqrt(dispersion[:, None] * v)
    for _ in range(5):
        distance = np.abs(y - middle[:, None]) / scale
        eased = weight * np.minimum(1.0, 1.5 / np.maximum(distance, 1e-12))
        part = eased.sum(axis=1)
        middle = (eased * y).sum(axis=1) / np.where(part > 0, part, np.nan)
    return middle, (weight**2 * v).sum(axis=1) / safe**2, (weight * v).sum(axis=1) / safe


def _median(y: Floats, weight: Floats) -> Floats:
    """Weighted median of each row; nan where no weight is."""
    if y.shape[1] == 0:
        return np.full(y.shape[0], np.nan)
    order = np.argsort(y, axis=1)
    climbing = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    total = climbing[:, -1]
    place = (climbing < total[:, None] / 2).sum(axis=1).clip(0, y.shape[1] - 1)
    found = np.take_along_axis(y, np.take_along_axis(order, place[:, None], axis=1), axis=1)[:, 0]
    return np.where(total > 0, found, np.nan)


def _holm(chance: Floats, family: Flags, most: float) -> Flags:
    """Which of a family stand out while the chance of any false one among them stays at most `most`."""
    looked = np.flatnonzero(family & ~np.isnan(chance))
    order = looked[np.argsort(chance[looked], kind="stable")]
    bars = most / np.arange(len(order), 0, -1)
    passed: NDArray[np.bool_] = np.logical_and.accumulate(chance[order] <= bars)
    found = np.zeros(len(chance), bool)
    found[order[passed]] = True
    return found
