"""Daily counts that add: the whole is the sum of its values, and no day to come looks better than it will be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa

from cxminute.balance.tally import tally
from cxminute.model.tables import TALLY
from cxminute.model.times import HOUR
from tests.balance.ledgers import CHANNEL, DELIVERY, Row, at, ledger_of

UTC = ZoneInfo("UTC")
ROWS = [
    Row("kept", "2015-02-10T12:00"),
    Row("late", "2015-02-10T13:00", "phone"),
    Row("overdue", "2015-02-11T12:00", None),
    Row("void", "2015-02-11T12:00"),
    Row("kept", "2015-02-20T12:00", made="2015-02-03T23:30"),
    Row("pending", "2015-02-19T12:00"),
    Row("none", None),
]


def cells(table: pa.Table, measure: str, dimension: str = "") -> list[tuple[str, date, float, float]]:
    """(value, day, hits, n) of one measure and dimension."""
    return [
        (row["value"], row["day"], row["hits"], row["n"])
        for row in table.to_pylist()
        if (row["measure"], row["dimension"]) == (measure, dimension)
    ]


def test_days_due_count_what_broke_of_what_was_due() -> None:
    """Late and overdue are the hits; void and pending are not due; a day that is still to come is not counted."""
    table = tally(DELIVERY, ledger_of(*ROWS), UTC, (CHANNEL,))
    assert table.schema.equals(TALLY)
    assert set(table["about"].to_pylist()) == {"promise delivery"}
    assert cells(table, "late") == [("", date(2015, 2, 10), 1.0, 2.0), ("", date(2015, 2, 11), 1.0, 1.0)]


def test_values_of_a_dimension_add_to_the_whole() -> None:
    """Rows without a value are a value of their own, so that nothing is lost between the parts."""
    table = tally(DELIVERY, ledger_of(*ROWS), UTC, (CHANNEL,))
    assert cells(table, "late", CHANNEL) == [
        ("(missing)", date(2015, 2, 11), 1.0, 1.0),
        ("phone", date(2015, 2, 10), 1.0, 1.0),
        ("web", date(2015, 2, 10), 0.0, 1.0),
    ]


def test_volume_counts_promises_by_the_day_they_were_made() -> None:
    """Made is made, whatever became of it; what was promised nothing is no promise; days are those of the zone."""
    table = tally(DELIVERY, ledger_of(*ROWS), ZoneInfo("Asia/Tokyo"))
    assert cells(table, "volume") == [("", date(2015, 2, 1), 5.0, 5.0), ("", date(2015, 2, 4), 1.0, 1.0)]


def test_as_of_a_moment_all_is_known_of_what_was_due() -> None:
    """The day of the moment counts as far as it has come, tolerance included, and no further."""
    rows = ledger_of(Row("kept", "2015-02-10T12:00"), Row("late", "2015-02-10T13:00"), Row("kept", "2015-02-10T22:00"))
    moment = at("2015-02-10T13:30")
    assert cells(tally(DELIVERY, rows, UTC, as_of=moment), "late") == [("", date(2015, 2, 10), 1.0, 2.0)]
    slack = replace(DELIVERY, tolerance=HOUR)
    assert cells(tally(slack, rows, UTC, as_of=moment), "late") == [("", date(2015, 2, 10), 0.0, 1.0)]


def test_buckets_tallied_together_or_apart() -> None:
    """Tallies add: two buckets' daily counts sum to those of both together."""
    moment = at("2015-02-15T00:00")
    whole = tally(DELIVERY, ledger_of(*ROWS), UTC, (CHANNEL,), as_of=moment)
    parts = [tally(DELIVERY, ledger_of(*rows), UTC, (CHANNEL,), as_of=moment) for rows in (ROWS[:3], ROWS[3:])]
    keys = ["about", "measure", "day", "dimension", "value"]
    added = pa.concat_tables([plain(part) for part in parts]).group_by(keys).aggregate([("hits", "sum"), ("n", "sum")])
    assert sorted(map(str, added.rename_columns([*keys, "hits", "n"]).to_pylist())) == sorted(
        map(str, plain(whole).to_pylist())
    )


def plain(table: pa.Table) -> pa.Table:
    """Words as text, which can be grouped by."""
    return table.cast(
        pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema])
    )


def test_no_promises_no_rows() -> None:
    """An empty ledger tallies to an empty table of the same shape."""
    table = tally(DELIVERY, ledger_of(), UTC, (CHANNEL,))
    assert table.num_rows == 0
    assert table.schema.equals(TALLY)
