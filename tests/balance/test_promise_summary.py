"""Promises at a glance: counts that add up, shares of what is due, weeks by due date."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from cxminute.balance.summary import states, weeks
from cxminute.model.errors import UnknownName
from tests.balance.ledgers import CHANNEL, Row, at, ledger_of

MIXED = [
    Row("kept", first_state="late"),
    Row("kept"),
    Row("late", channel="phone"),
    Row("overdue", channel=None),
    Row("pending", "2015-03-20T12:00"),
    Row("void"),
    Row("none", None, "phone"),
]
UTC = ZoneInfo("UTC")


def test_counts_and_shares_of_the_whole() -> None:
    """Void, pending and none stand outside the share; a promise moved until it fits counts against the first share."""
    (row,) = states(ledger_of(*MIXED)).to_pylist()
    assert {name: row[name] for name in ("made", "kept", "late", "overdue", "pending", "void", "none")} == {
        "made": 6,
        "kept": 2,
        "late": 1,
        "overdue": 1,
        "pending": 1,
        "void": 1,
        "none": 1,
    }
    assert (row["share_kept"], row["share_first_kept"]) == (0.5, 0.25)
    assert (row["low"], row["high"], row["clusters"]) == (0.0, 1.0, 1)


def test_by_a_dimension_the_parts_add_up() -> None:
    """One row per value, most promises first, those without a value among them; parts add to the whole."""
    split = states(ledger_of(*MIXED), CHANNEL).to_pylist()
    (whole,) = states(ledger_of(*MIXED)).to_pylist()
    assert [row[CHANNEL] for row in split] == ["web", "phone", None]
    for name in ("made", "kept", "late", "overdue", "pending", "void", "none"):
        assert sum(row[name] for row in split) == whole[name]
    assert [row["share_kept"] for row in split] == [1.0, 0.0, 0.0]


def test_nothing_due_has_no_share() -> None:
    """Where nothing was due there is no share, rather than a zero; an empty ledger counts nothing."""
    (row,) = states(ledger_of(Row("pending"), Row("none", None))).to_pylist()
    assert (row["made"], row["none"], row["share_kept"], row["low"], row["share_first_kept"]) == (
        1,
        1,
        None,
        None,
        None,
    )
    (empty,) = states(ledger_of()).to_pylist()
    assert (empty["made"], empty["share_kept"]) == (0, None)
    assert states(ledger_of(), CHANNEL).num_rows == weeks(ledger_of(), UTC).num_rows == 0


def test_an_unknown_dimension_names_the_known() -> None:
    """A dimension that the ledger was not weighed with is refused with the nearest that it has."""
    with pytest.raises(UnknownName, match=r"Did you mean 'properties.channel'"):
        states(ledger_of(*MIXED), "properties.chanel")


def test_buckets_may_have_dictionaries_of_their_own() -> None:
    """A ledger put together from buckets counts as one, whatever order the values had in each."""
    apart = pa.concat_tables([ledger_of(*MIXED[3:]), ledger_of(*MIXED[:3])])
    assert states(apart, CHANNEL).equals(states(ledger_of(*MIXED), CHANNEL))
    assert weeks(apart, UTC, CHANNEL).equals(weeks(ledger_of(*MIXED), UTC, CHANNEL))


def test_a_part_of_a_ledger_has_only_its_own_values() -> None:
    """Values that a ledger's dictionary still knows, but no row has any more, are not shown."""
    web = ledger_of(*MIXED).slice(0, 2)
    assert states(web, CHANNEL)[CHANNEL].to_pylist() == ["web"]


def test_clustered_by_day_or_week() -> None:
    """Promises due on four days of two weeks are four clusters by day and two by week, which is less certain."""
    rows = [
        Row(state, f"2015-02-{day}T12:00")
        for day, broken in ((10, 1), (11, 4), (17, 2), (18, 5))
        for state in ["late"] * broken + ["kept"] * (20 - broken)
    ]
    (by_day,) = states(ledger_of(*rows), clustered="day").to_pylist()
    (by_week,) = states(ledger_of(*rows), clustered="week").to_pylist()
    assert (by_day["clusters"], by_week["clusters"]) == (4, 2)
    assert by_day["share_kept"] == by_week["share_kept"] == 0.85
    assert by_week["low"] < by_day["low"]


def test_weeks_are_by_due_date_in_the_zone() -> None:
    """Due on Sunday night in London is Monday in Tokyo, and so another week; ISO weeks cross the year."""
    rows = [Row("kept", "2015-02-08T23:30"), Row("late", "2014-12-31T12:00"), Row("none", None)]
    assert weeks(ledger_of(*rows), ZoneInfo("Europe/London"))["week"].to_pylist() == ["2015-W01", "2015-W06"]
    tokyo = weeks(ledger_of(*rows), ZoneInfo("Asia/Tokyo"))
    assert tokyo["week"].to_pylist() == ["2015-W01", "2015-W07"]
    assert [str(day) for day in tokyo["monday"].to_pylist()] == ["2014-12-29", "2015-02-09"]
    assert tokyo["share_kept"].to_pylist() == [0.0, 1.0]


def test_weeks_by_a_dimension() -> None:
    """Each week's values stand beside each other, and add up to the week."""
    split = weeks(ledger_of(*MIXED), UTC, CHANNEL).to_pylist()
    assert [(row["week"], row[CHANNEL], row["made"]) for row in split] == [
        ("2015-W07", "phone", 1),
        ("2015-W07", "web", 3),
        ("2015-W07", None, 1),
        ("2015-W12", "web", 1),
    ]


def test_a_week_is_settled_before_anything_is_pending() -> None:
    """From the first week with a pending promise on, nothing is settled, early answers or not."""
    rows = [Row("kept", "2015-02-03T12:00"), Row("pending", "2015-02-10T12:00"), Row("kept", "2015-02-17T12:00")]
    assert weeks(ledger_of(*rows), UTC)["settled"].to_pylist() == [True, False, False]


def test_as_of_a_moment_only_what_was_due_counts() -> None:
    """What was kept ahead of a due time still to come is no share kept yet, though it is counted as kept."""
    rows = [Row("late", "2015-02-03T12:00"), Row("kept", "2015-02-17T12:00"), Row("pending", "2015-02-18T12:00")]
    (row,) = states(ledger_of(*rows), as_of=at("2015-02-10T00:00")).to_pylist()
    assert (row["kept"], row["share_kept"]) == (1, 0.0)
    assert weeks(ledger_of(*rows), UTC, as_of=at("2015-02-10T00:00"))["share_kept"].to_pylist() == [0.0, None]
