"""Daily counts of a promise that add: how many fell due and were broken, and how many were made."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.balance.cells import Codes, crossed
from cxminute.balance.days import days_of
from cxminute.balance.grouping import KEPT, NONE, coded, judged, moments_of, settled, states_of
from cxminute.balance.promises import Promise
from cxminute.model.tables import TALLY

MISSING: Final = "(missing)"
"""The value of rows whose making event has none, so that the values of a dimension add up to the whole."""


def tally(
    promise: Promise,
    ledger: pa.Table,
    zone: ZoneInfo,
    dimensions: tuple[str, ...] = (),
    *,
    as_of: int | None = None,
) -> pa.Table:
    """TALLY of one promise: for the whole and for each value of each dimension, by day.

    'late':   by day due (as it stands now) in the zone: n promises kept, late or overdue, of which late and overdue are
              the hits
    'volume': by day made: hits = n promises made, whatever became of them
    as_of:    the moment that the ledger was weighed at (UTC milliseconds)

    Whether a promise was kept is known of all that broke or could have before `as_of`, and of those alone: after it,
    only what was kept early would count, and the days to come would look better than they will be. So 'late' counts
    what was due, tolerance included, before as_of; without as_of, what was due before the first that is pending.
    """
    states = states_of(ledger)
    due_at = moments_of(ledger, "due_at")
    late = judged(states) & settled(states, due_at, promise.tolerance, as_of)
    made = states != NONE
    due_day, made_day = days_of(due_at, zone), days_of(moments_of(ledger, "made_at"), zone)
    broken = (states != KEPT).astype(np.float64)
    parts = []
    for dimension in ("", *dimensions):
        group, values = coded(ledger, dimension) if dimension else (np.zeros(len(ledger), dtype=np.int64), [""])
        group, values = group + 1, [MISSING, *values]
        for measure, rows, day in (("late", late, due_day), ("volume", made, made_day)):
            hits = broken[rows] if measure == "late" else np.ones(int(rows.sum()))
            parts.append(_daily(f"promise {promise.name}", measure, dimension, values, group[rows], day[rows], hits))
    return pa.concat_tables(parts).unify_dictionaries()


def _daily(
    about: str,
    measure: str,
    dimension: str,
    values: list[str],
    group: Codes,
    day: NDArray[np.int64],
    hits: NDArray[np.float64],
) -> pa.Table:
    """One row per value and day that occurs, in this order."""
    of_value, of_day, place = crossed(group, day)
    size = len(of_day)
    columns = {
        "about": pa.array([about] * size, pa.string()),
        "measure": pa.array([measure] * size, pa.string()),
        "day": pa.array(of_day.astype(np.int32)).cast(pa.date32()),
        "dimension": pa.array([dimension] * size, pa.string()),
        "value": pa.array(values, pa.string()).take(pa.array(of_value)),
        "hits": pa.array(np.bincount(place, hits, size)),
        "n": pa.array(np.bincount(place, minlength=size).astype(np.float64)),
    }
    return pa.table(columns).cast(TALLY)
