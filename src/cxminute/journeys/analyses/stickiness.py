"""How often the active are active: on how many days of a week or month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.journeys.analyses.activity import DAYS, days_active
from cxminute.journeys.analyses.periods import Periods
from cxminute.journeys.classes import read_only
from cxminute.model.errors import WrongUse
from cxminute.model.steps import Step
from cxminute.model.times import DAY
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]

DAYS_ACTIVE: Final = pa.schema(
    [
        ("period", pa.date32()),
        ("days", pa.int32()),
        ("subjects", pa.int64()),
        ("share", pa.float64()),
        ("complete", pa.bool_()),
    ]
)
STICKINESS: Final = pa.schema(
    [
        ("period", pa.date32()),
        ("active", pa.int64()),
        ("daily", pa.float64()),
        ("mean_days", pa.float64()),
        ("stickiness", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Activity on days, by period.

    days:    of the whole log
    periods: weeks or months of the whole log, in the same zone
    active:  the step whose events make a subject active on their day
    """

    days: Periods
    periods: Periods
    active: Step

    def __post_init__(self) -> None:
        """WrongUse where the periods are no longer than days."""
        if self.days.unit != "day" or self.periods.unit == "day":
            raise WrongUse("Days are counted by week or month.", allowed="week, month")


def stick(asked: Asked, streams: Streams) -> Numbers:
    """The counts of a bucket: by period, how many subjects were active on 1, 2, ... 31 of its days. Such counts add."""
    offsets, times = read_only(streams.offsets), read_only(streams.times)
    asked.days.hold(times)
    of_day = np.searchsorted(asked.periods.bounds, asked.days.bounds[:-1], side="right") - 1
    counts = days_active(offsets, times, streams.matches(asked.active), asked.days.bounds, of_day)
    found = np.zeros((len(asked.periods), DAYS), np.int64)
    found[: len(counts)] = counts
    return found


def merged(asked: Asked, parts: Sequence[Numbers]) -> Numbers:
    """All parts as one; what buckets of any size and in any order give."""
    return sum(parts, np.zeros((len(asked.periods), DAYS), np.int64))


def days_table(asked: Asked, counts: Numbers, *, closes_at: int) -> pa.Table:
    """One row a period and number of days on which anybody was active.

    returns: period, its first day; days; subjects active on that many days; share of all active in the period;
             complete, whether the period was over when the log closed
    """
    rows, columns = np.nonzero(counts)
    starts = pa.array(asked.periods.starts, pa.date32()).take(pa.array(rows))
    share = counts[rows, columns] / counts.sum(axis=1)[rows]
    told = [(columns + 1).astype(np.int32), counts[rows, columns], share, rows < asked.periods.over(closes_at)]
    return pa.Table.from_arrays([starts, *(pa.array(column) for column in told)], schema=DAYS_ACTIVE)


def table(asked: Asked, counts: Numbers, *, closes_at: int) -> pa.Table:
    """One row a period.

    returns: period, its first day; active, subjects; daily, how many were active on a day of it on average (DAU); mean
             number of days of those active; stickiness = daily / active (DAU/WAU, DAU/MAU). Null where the period was
             not over when the log closed, stickiness and mean also where nobody was active. In the period in which
             the log begins the days before it count as quiet
    """
    active = counts.sum(axis=1)
    person_days = counts @ np.arange(1, DAYS + 1)
    edges = np.append(asked.periods.bounds[:-1], asked.periods.bounds[-1])
    lengths = np.rint(np.diff(edges) / DAY)  # a day of a zone has 23 to 25 hours
    hidden = np.arange(len(asked.periods)) >= asked.periods.over(closes_at)
    none = hidden | (active == 0)
    with np.errstate(invalid="ignore"):
        told = [(person_days / lengths, hidden), (person_days / active, none), (person_days / lengths / active, none)]
    columns = [pa.array(asked.periods.starts, pa.date32()), pa.array(active)]
    columns += [pa.array(values, pa.float64(), mask=mask) for values, mask in told]
    return pa.Table.from_arrays(columns, schema=STICKINESS)
