"""Boston 2015: the snow of February is news, the autumn is not."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cxminute.model.tables import TALLY
from cxminute.model.times import week_of
from cxminute.synthesis.explain import explain, history

FIRST, CLOSED = date(2015, 1, 1), pa.scalar("2016-01-12 22:22:40").cast(pa.timestamp("us"))
COLUMNS = {
    "properties.department": "Department",
    "properties.reason": "REASON",
    "properties.type": "TYPE",
    "properties.channel": "Source",
}
pytestmark = pytest.mark.outside("shared")


@cache
def boston(folder: Path) -> pa.Table:
    """Tallies of the promise to resolve a request: broken by day due, made by day opened, in Boston's own days.

    The file's times are Boston's wall clock. Whether a promise that was due by the end of a week was broken does not
    depend on what came after that week, so one table serves every week.
    """
    table = pq.read_table(folder / "boston311_2015.parquet")
    clean = pc.invert(pc.fill_null(pc.less(table["CLOSED_DT"], table["OPEN_DT"]), fill_value=False))
    table = table.filter(pc.and_(clean, pc.is_valid(table["TARGET_DT"])))
    broken = pc.fill_null(pc.greater(table["CLOSED_DT"], table["TARGET_DT"]), fill_value=True)
    table = table.append_column("broken", broken.cast(pa.float64()))
    table = table.append_column("one", pa.array([1.0] * table.num_rows))
    due = table.filter(pc.less(table["TARGET_DT"], CLOSED))
    told = []
    for measure, rows, at, hits in (("late", due, "TARGET_DT", "broken"), ("volume", table, "OPEN_DT", "one")):
        for dimension, column in {"": "", **COLUMNS}.items():
            value = rows[column] if column else pa.array([""] * rows.num_rows)
            split = pa.table({"day": rows[at].cast(pa.date32()), "value": value, "hits": rows[hits], "n": rows["one"]})
            summed = split.group_by(["day", "value"]).aggregate([("hits", "sum"), ("n", "sum")])
            words = {"about": "promise resolution", "measure": measure, "dimension": dimension}
            columns = {name: pa.array([word] * summed.num_rows).dictionary_encode() for name, word in words.items()}
            columns |= {"day": summed["day"], "value": summed["value"].combine_chunks().dictionary_encode()}
            columns |= {"hits": summed["hits_sum"], "n": summed["n_sum"]}
            told.append(pa.table({name: columns[name] for name in TALLY.names}))
    return pa.concat_tables(told).unify_dictionaries()


def test_the_snow_is_news(shared: Path) -> None:
    """In the week of 9 February most promises due were broken: since when, in which departments and kinds, once."""
    row = explain(boston(shared), week="2015-W07", first_day=FIRST).to_pylist()[0]
    assert (row["about"], row["measure"], row["direction"]) == ("promise resolution", "late", "up")
    assert row["value"] == pytest.approx(582 / 914)
    assert row["value"] > max(0.5, row["high"])
    # The first great storm ended on 28 January; due promises were broken day after day from the turn of the month.
    assert date(2015, 1, 28) <= row["since"] <= date(2015, 2, 4)
    places = {(part["dimension"], part["value"]): part["share"] for part in row["where"]}
    assert places["properties.department", "PWDx"] > 0.5
    assert places["properties.reason", "Highway Maintenance"] > 0.3
    assert max(part["share"] for part in row["where"] if part["dimension"] == "properties.type") > 0.2
    assert (row["seen"], row["grade"]) == (1, "once")


def test_the_autumn_is_quiet(shared: Path) -> None:
    """From W38 to W48 there is at most one alarm, and it is the week of Thanksgiving."""
    alarms = []
    for week in range(38, 49):
        alarms += explain(boston(shared), week=f"2015-W{week}", first_day=FIRST).to_pylist()
    assert len(alarms) <= 1
    assert [row["week"] for row in alarms] in ([], ["2015-W48"])


def test_the_year_is_mostly_quiet(shared: Path) -> None:
    """Over the whole ragged year, weeks with news stay the exception: fewer than one in four."""
    told = history(boston(shared), week="2015-W53", first_day=FIRST).to_pylist()
    loud = {week_of(row["monday"]) for row in told if row["news"]}
    assert {"2015-W06", "2015-W07"} <= loud
    assert len(loud) <= 12
