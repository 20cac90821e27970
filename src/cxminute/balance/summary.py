"""What a ledger says at a glance: counts of states, by any dimension and by week due."""

from __future__ import annotations

from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from cxminute.balance.cells import Codes, crossed
from cxminute.balance.days import days_of, mondays_of, to_date
from cxminute.balance.grouping import (
    KEPT,
    NONE,
    PENDING,
    coded,
    counted,
    judged,
    moments_of,
    settled,
    shares_kept,
    states_of,
)
from cxminute.balance.intervals import Floats
from cxminute.model.tables import STATES
from cxminute.model.times import week_of

UTC: Final = ZoneInfo("UTC")


def states(
    ledger: pa.Table,
    by: str | None = None,
    *,
    zone: ZoneInfo = UTC,
    clustered: Literal["day", "week"] = "week",
    as_of: int | None = None,
) -> pa.Table:
    """How many promises were made and what became of them; by a dimension one row per value, most promises first.

    by:        a dimension column of the ledger; it is the first column here, empty for rows without a value
    clustered: promises due on the same day, or in the same week, of the zone share their fortune in the interval
    as_of:     shares are over promises due before this moment (UTC milliseconds); without it, over all that are judged
    returns:   made, kept, late, overdue, pending, void, none: counts; made = kept + late + overdue + pending + void
               share_kept, low, high: kept / (kept + late + overdue) with its 95 % interval over so many `clusters`
               share_first_kept: the same share against the due times as first promised
               Shares are empty where nothing can be judged yet.
    raises:    UnknownName where the ledger has no such dimension

    Without `as_of`, what was kept ahead of a due time still to come counts as kept, while its neighbours that are not
    kept are pending and do not count yet: where due times lie far ahead, that flatters. Pass the close of the log.
    """
    group, values = _groups(ledger, by)
    days = days_of(moments_of(ledger, "due_at"), zone)
    cluster = days if clustered == "day" else mondays_of(days)
    shown = _counted(ledger, group, cluster, len(values), as_of)
    if by is None:
        return shown
    named = shown.add_column(0, by, pa.array(values, pa.string()))
    return named.sort_by([("made", "descending"), ("none", "descending"), (by, "ascending")])


def weeks(ledger: pa.Table, zone: ZoneInfo, by: str | None = None, *, as_of: int | None = None) -> pa.Table:
    """The counts and shares of `states` for each ISO week of the zone in which promises are due now, in their order.

    by:      a dimension column of the ledger; then one row per week and value
    as_of:   as in `states`: shares of weeks after this moment are empty
    returns: week ('2015-W07') and monday (date) first, then `by` if there is one, then the columns of `states` without
             `none` (which is due in no week); intervals are over the week's days
             settled: the week lies before those in which anything is pending: its share will not change by what happens
             Weeks in which nothing is due are left out.
    """
    promised = ledger.filter(pa.array(states_of(ledger) != NONE))
    group, values = _groups(promised, by)
    days = days_of(moments_of(promised, "due_at"), zone)
    week = mondays_of(days)
    of_week, of_group, place = crossed(week, group)
    shown = _counted(promised, place, days, len(of_week), as_of).drop_columns(["none"])
    mondays = [to_date(int(day)) for day in of_week]
    columns = {
        "week": pa.array([week_of(monday) for monday in mondays], pa.string()),
        "monday": pa.array(mondays, pa.date32()),
    }
    if by is not None:
        columns[by] = pa.array([values[value] for value in of_group], pa.string())
    columns |= {name: shown[name] for name in shown.column_names}
    unsettled = np.min(week[states_of(promised) == PENDING], initial=np.iinfo(np.int64).max)
    columns["settled"] = pa.array(of_week < unsettled)
    return pa.table(columns)


def _groups(ledger: pa.Table, by: str | None) -> tuple[Codes, list[str | None]]:
    """For each row the place of its value among those that occur; the empty value is the last."""
    if by is None:
        return np.zeros(len(ledger), dtype=np.int64), [None]
    codes, values = coded(ledger, by)
    if not (codes < 0).any():
        return codes, list(values)
    return np.where(codes < 0, len(values), codes), [*values, None]


def _counted(ledger: pa.Table, group: Codes, cluster: Codes, groups: int, as_of: int | None) -> pa.Table:
    """One row per group, in their order: the counts and shares that `states` describes, without the group's name."""
    state, first = states_of(ledger), states_of(ledger, "first_state")
    counts = counted(group, state, groups)
    known = np.ones(len(group), dtype=np.bool_)
    if as_of is not None:
        known = settled(state, moments_of(ledger, "due_at"), 0, as_of)
    share = shares_kept(group[known], cluster[known], state[known], groups)
    firsts = counted(group[known], first[known], groups)
    with np.errstate(invalid="ignore"):
        first_kept = firsts[:, KEPT] / firsts[:, judged(np.arange(len(STATES)))].sum(axis=1)
    columns = {"made": pa.array(counts.sum(axis=1) - counts[:, NONE])}
    columns |= {name: pa.array(counts[:, place]) for place, name in enumerate(STATES)}
    columns |= {"share_kept": _share(share.value), "low": _share(share.low), "high": _share(share.high)}
    return pa.table(columns | {"clusters": pa.array(share.clusters), "share_first_kept": _share(first_kept)})


def _share(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
