"""How much wider the bounds of a curve are, because passages of one subject or one day are alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.analyses.incidence import (
    AT_RISK,
    BEFORE,
    CODES,
    CROSSED,
    GONE,
    HAZARD,
    KINDS,
    SHARE,
    WEIGHED,
)

Numbers = NDArray[np.int64]
Table = NDArray[np.float64]

KNOTS: Final = 8
"""Times at which it is worked out; between them it is drawn straight."""
MOST_DAYS: Final = 100_000
"""Days from the first to the last that have a place each; where there are more, only those that occur have one."""
ALONE, OF_SUBJECTS, OF_DAYS, OF_BOTH = range(4)


class Seen(NamedTuple):
    """Passages of one curve.

    keys:     duration * CODES + ending, ascending
    took:     milliseconds that each was seen
    endings:  of each, place in ENDINGS
    subjects: whose each is; days: on which it opened; any numbers
    """

    keys: Numbers
    took: Numbers
    endings: Numbers
    subjects: Numbers
    days: Numbers


def inflation(seen: Seen, moments: Numbers, told: Table) -> Table:
    """By moment and ending, the variance of the share over what it would be of independent passages; at least 1.

    moments: milliseconds, ascending, none of the passages longer than the last
    told:    what `incidence` tells at each

    A passage's influence on a share (its derivative by the weight of the passage; Efron's infinitesimal jackknife,
    1981) is summed over each subject, over each day, and over each subject's day. Their sums of squares, the first two
    less the last (Cameron, Gelbach, Miller 2011), stand over the sum of squares of single passages; the subjects' alone
    where that is more, and where all is of one day. A passage is looked at as if it had ended at the next moment.
    """
    knots = np.unique(np.linspace(0, len(moments) - 1, min(KNOTS, len(moments))).astype(np.int64))
    columns = np.ascontiguousarray(told.T)
    tables = [influences(columns, knot, kind).reshape(-1) for knot in knots.tolist() for kind in range(KINDS)]
    subjects, days = _ranked(seen.subjects), seen.days - seen.days.min(initial=0)
    if days.max(initial=0) > MOST_DAYS:
        days = _ranked(days)
    cells = np.searchsorted(moments, seen.took) * CODES + seen.endings
    steps = np.diff(subjects)
    if ((steps < 0) | ((steps == 0) & (np.diff(days) < 0))).any():
        order = np.lexsort((days, subjects))
        subjects, days, cells = subjects[order], days[order], cells[order]
    sums = squares(cells, subjects, days, np.ascontiguousarray(np.array(tables).T))
    several = days.max(initial=0) > 0
    across = sums[OF_SUBJECTS] + (sums[OF_DAYS] - sums[OF_BOTH] if several else 0.0)
    alone = np.where(sums[ALONE] > 0, sums[ALONE], 1.0)
    most = np.maximum(across, sums[OF_SUBJECTS])
    found = np.where(sums[ALONE] > 0, np.maximum(most / alone, 1.0), 1.0).reshape(len(knots), KINDS)
    return np.column_stack([np.interp(np.arange(len(moments)), knots, found[:, kind]) for kind in range(KINDS)])


def influences(told: Table, knot: int, kind: int) -> Table:
    """On the share of an ending at a time, of a passage by when it ended and how, but for one and the same factor.

    told:    the columns of what `incidence` tells; knot: the row of the time
    returns: a row a row of `told`, a column an ending
    """
    rows = np.arange(told.shape[1])
    now = told[SHARE + kind, knot]
    seen = np.minimum(rows, knot)
    found = np.repeat((now * told[HAZARD] - told[WEIGHED + kind] - told[CROSSED + kind])[seen, None], CODES, axis=1)
    stayed = told[AT_RISK] - told[GONE]
    # Where all end at once nothing comes after, and the share is what it will be.
    further = np.where(stayed > 0, now - told[SHARE + kind], 0.0) / np.maximum(stayed, 1.0)
    found[:, :KINDS] -= np.where(rows <= knot, further, 0.0)[:, None]
    found[:, kind] += np.where(rows <= knot, told[BEFORE] / np.maximum(told[AT_RISK], 1.0), 0.0)
    return found


def _ranked(numbers: Numbers) -> Numbers:
    """The place of each number among the different ones; ascending ones, as subjects of passages are, at once."""
    if (np.diff(numbers) >= 0).all():
        return np.cumsum(np.diff(numbers, prepend=numbers[:1]) > 0)
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _squares(cells: Numbers, subjects: Numbers, days: Numbers, table: Table) -> Table:
    """Sums of squares of influences: of single passages, of subjects, of days, of subjects' days; a row each.

    cells:    of each passage, the row of `table` that has its influences, one a column
    subjects: ascending; days: ascending within a subject; both from 0
    """
    wide = table.shape[1]
    found = np.zeros((4, wide))
    by_day = np.zeros((days.max() + 1, wide))
    of_subject = np.zeros(wide)
    of_both = np.zeros(wide)
    for place in range(cells.size):
        if place > 0:
            same = subjects[place] == subjects[place - 1]
            if not same or days[place] != days[place - 1]:
                for column in range(wide):
                    found[OF_BOTH, column] += of_both[column] ** 2
                    of_both[column] = 0.0
            if not same:
                for column in range(wide):
                    found[OF_SUBJECTS, column] += of_subject[column] ** 2
                    of_subject[column] = 0.0
        cell, day = cells[place], days[place]
        for column in range(wide):
            influence = table[cell, column]
            found[ALONE, column] += influence**2
            of_subject[column] += influence
            of_both[column] += influence
            by_day[day, column] += influence
    for column in range(wide):
        found[OF_BOTH, column] += of_both[column] ** 2
        found[OF_SUBJECTS, column] += of_subject[column] ** 2
        for day in range(by_day.shape[0]):
            found[OF_DAYS, column] += by_day[day, column] ** 2
    return found


squares: Final[Callable[[Numbers, Numbers, Numbers, Table], Table]] = njit(cache=True, nogil=True)(_squares)
