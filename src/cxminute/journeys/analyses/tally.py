"""Daily counts of a journey that add: how many passages came to the end of their time, and how many completed."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.journeys.definition import JourneyDefinition
from cxminute.model.tables import TALLY

MISSING: Final = "(missing)"
"""The value of passages whose opening event has none, so that the values of a dimension add up to the whole."""


def tally(
    journey: JourneyDefinition, passages: pa.Table, zone: ZoneInfo, dimensions: tuple[str, ...] = (), *, as_of: int
) -> pa.Table:
    """TALLY of one journey: for the whole and for each value of each dimension, by day of the zone.

    'completed': by the day on which the window of a passage closes: n passages whose time was up before `as_of`,
                 of which the completed are the hits. Who still has time is neither won nor lost, and whoever was quick
                 does not count before those who opened with them: that would flatter
    'volume':    by day opened: hits = n passages
    """
    closes = pc.add(passages["opened_at"].cast(pa.int64()), journey.window)
    done = pc.equal(passages["ending"].cast(pa.string()), "completed").cast(pa.float64())
    settled = pc.less(closes, as_of)
    counts = {
        "completed": (_days(closes, zone).filter(settled), done.filter(settled), settled),
        "volume": (_days(passages["opened_at"].cast(pa.int64()), zone), pc.add(pc.multiply(done, 0.0), 1.0), None),
    }
    parts = []
    for dimension in ("", *dimensions):
        values = _values(passages, dimension)
        for measure, (days, hits, kept) in counts.items():
            rows = pa.table({"day": days, "value": values if kept is None else values.filter(kept), "hits": hits})
            daily = rows.group_by(["value", "day"]).aggregate([("hits", "sum"), ("hits", "count")])
            said = {"about": f"journey {journey.name}", "measure": measure, "dimension": dimension}
            columns = {name: pa.array([word] * len(daily), pa.string()) for name, word in said.items()}
            columns |= {
                "day": daily["day"],
                "value": daily["value"],
                "hits": daily["hits_sum"],
                "n": daily["hits_count"],
            }
            parts.append(pa.table({name: columns[name] for name in TALLY.names}).cast(TALLY))
    return pa.concat_tables(parts).unify_dictionaries()


def _days(times: pa.ChunkedArray, zone: ZoneInfo) -> pa.ChunkedArray:
    return pc.local_timestamp(times.cast(pa.timestamp("ms", tz=zone.key))).cast(pa.date32())


def _values(passages: pa.Table, dimension: str) -> pa.ChunkedArray:
    if not dimension:
        return pa.chunked_array([pa.array([""] * len(passages), pa.string())])
    return pc.fill_null(passages[dimension].cast(pa.string()), MISSING)
