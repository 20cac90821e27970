"""How the number of active subjects comes about: who is new, who returns, who is back after a pause, who went quiet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.journeys.analyses.activity import DORMANT, NEW, RESURRECTED, RETURNING, lifecycle
from cxminute.journeys.analyses.periods import Periods
from cxminute.journeys.classes import read_only
from cxminute.model.steps import Step
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]

LIFECYCLE: Final = pa.schema(
    [
        ("period", pa.date32()),
        ("active", pa.int64()),
        ("new", pa.int64()),
        ("returning", pa.int64()),
        ("resurrected", pa.int64()),
        ("dormant", pa.int64()),
        ("complete", pa.bool_()),
    ]
)


def live(periods: Periods, active: Step, streams: Streams) -> Numbers:
    """The counts of a bucket: by period, new, returning, resurrected and dormant subjects. Such counts add.

    periods: of the whole log
    active:  the step whose events make a subject active in their period
    """
    offsets, times = read_only(streams.offsets), read_only(streams.times)
    periods.hold(times)
    return lifecycle(offsets, times, streams.matches(active), periods.bounds)


def merged(periods: Periods, parts: Sequence[Numbers]) -> Numbers:
    """All parts as one; what buckets of any size and in any order give."""
    return sum(parts, np.zeros((len(periods), 4), np.int64))


def table(periods: Periods, counts: Numbers, *, closes_at: int) -> pa.Table:
    """One row a period of the log.

    closes_at: when the log was closed, UTC milliseconds
    returns:   period, its first day; active = new + returning + resurrected; new, active for the first time in the log
               (in its first periods, who was there before it looks new); returning, active in the period before too;
               resurrected, not in the period before but earlier; dormant, active in the period before and not in this;
               complete, whether it was over when the log closed: of one that was not the counts may still grow, and
               dormant is null
    """
    over = periods.over(closes_at)
    complete = np.arange(len(periods)) < over
    kinds = [counts[:, kind] for kind in (NEW, RETURNING, RESURRECTED)]
    dormant = pa.array(counts[:, DORMANT], pa.int64(), mask=~complete)
    columns = [pa.array(periods.starts, pa.date32()), *(pa.array(kind) for kind in (sum(kinds), *kinds))]
    return pa.Table.from_arrays([*columns, dormant, pa.array(complete)], schema=LIFECYCLE)
