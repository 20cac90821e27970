"""The public names: journeys over any Arrow-capable table, without a project."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxminute as cx
from cxminute.model.errors import BadData, BadDefinition, UnknownName, WrongUse
from tests.conftest import ROOT
from tests.oracles.journeys_reference import Event, Reference

PUBLIC = ["Journey", "chart", "flows", "funnel", "journey", "passages", "retention"]
VISITS: dict[str, list[Any]] = {
    "person": ["b", "a", "a", "b", "a"],
    "event": ["Viewed", "Viewed", "Bought", "Bought", "Viewed"],
    "at": [5, 0, 60_000, 70_000, 90_000],
    "channel": ["shop", "site", None, "shop", "app"],
}
PURCHASE = cx.journey("Viewed -> Bought within 1 hour", window="1 day")
FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "dict": dict,
    "pyarrow": pa.table,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "duckdb": lambda columns: duckdb.from_arrow(pa.table(columns)),
    "categories": lambda columns: pd.DataFrame(columns).astype({"event": "category", "person": "category"}),
}


def test_the_public_names_are_these() -> None:
    """A name is added on purpose, and documented."""
    assert cx.__all__ == PUBLIC == dir(cx)
    text = (ROOT / "docs" / "reference" / "python.md").read_text("utf-8")
    assert [name for name in PUBLIC if f"cx.{name}" not in text] == []
    with pytest.raises(AttributeError, match="no attribute 'passagess'"):
        _ = cx.passagess


@pytest.mark.parametrize("frame", FRAMES)
def test_any_table_gives_the_same_passages(frame: str) -> None:
    """pandas, polars, DuckDB and pyarrow are read alike; the answer is sorted by subject and opening."""
    found = cx.passages(PURCHASE, FRAMES[frame](VISITS))
    assert found.select(["person", "ending", "deepest"]).to_pylist() == [
        {"person": "a", "ending": "completed", "deepest": 2},
        {"person": "a", "ending": "open", "deepest": 1},
        {"person": "b", "ending": "completed", "deepest": 2},
    ]
    assert found["closed_at"].null_count == 1
    assert found["opened_at"][0].as_py() == datetime(1970, 1, 1, tzinfo=UTC)
    split = cx.funnel(PURCHASE, FRAMES[frame](VISITS), by="channel", count="passages")
    assert sum(split.filter(pa.compute.equal(split["step"], 1))["reached"].to_pylist()) == 3
    assert cx.funnel(PURCHASE, FRAMES[frame](VISITS))["reached"].to_pylist() == [2, 2]


def test_times_may_be_timestamps_of_any_kind() -> None:
    """Naive timestamps are UTC, others are what they say, whole milliseconds count; as_of closes the log."""
    at = [datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 10, 30, tzinfo=UTC)]
    events = {"person": ["a", "a"], "event": ["Viewed", "Bought"]}
    kinds = [pa.timestamp("us", tz="UTC"), pa.timestamp("ns", tz="Asia/Tokyo"), pa.timestamp("s", tz="UTC")]
    tables = [pa.table({**events, "at": pa.array(at, kind)}) for kind in kinds]
    tables.append(
        pa.table({**events, "at": pa.array([moment.replace(tzinfo=None) for moment in at], pa.timestamp("us"))})
    )
    for table in tables:
        assert cx.passages(PURCHASE, table)["ending"].to_pylist() == ["completed"]
        assert cx.passages(PURCHASE, table, as_of=at[0])["ending"].to_pylist() == ["open"]


def test_a_subject_may_be_several_columns() -> None:
    """With `per` of two columns the second is held constant: each product is a stream of its own."""
    journey = cx.journey("Viewed -> Bought", window="1 day", per=["person", "product"])
    events = {"person": ["a"] * 3, "product": [2, 1, 2], "event": ["Viewed", "Viewed", "Bought"], "at": [0, 1, 2]}
    found = cx.passages(journey, events).select(["person", "product", "ending"]).to_pylist()
    assert found == [
        {"person": "a", "product": 1, "ending": "open"},
        {"person": "a", "product": 2, "ending": "completed"},
    ]


def test_what_has_no_subject_or_no_time_is_counted() -> None:
    """Events that cannot be placed are left out, and a warning says how many."""
    events = {"person": ["a", None, "a"], "event": ["Viewed", "Viewed", "Bought"], "at": [0, 1, None]}
    with pytest.warns(UserWarning, match="Left out") as told:
        found = cx.passages(PURCHASE, events)
    assert [str(warning.message) for warning in told] == [
        "Left out, for want of 'at': 1 of 3 events.",
        "Left out, for want of 'person': 1 of 3 events.",
    ]
    assert found["ending"].to_pylist() == ["open"]
    assert {warning.filename for warning in told} == {__file__}


def test_an_empty_table_has_no_passage() -> None:
    """The answer has its columns and no row."""
    empty = {"person": pa.array([], pa.string()), "event": pa.array([], pa.string()), "at": pa.array([], pa.int64())}
    assert cx.passages(PURCHASE, empty).num_rows == 0
    assert cx.funnel(PURCHASE, empty)["reached"].to_pylist() == [0, 0]
    assert cx.flows(empty).num_rows == cx.retention(empty).num_rows == 0
    assert cx.flows(empty, anchor="Viewed").num_rows == 0


@pytest.mark.parametrize(
    ("events", "error", "said"),
    [
        ({"persn": ["a"], "event": ["Viewed"], "at": [1]}, UnknownName, "Did you mean 'persn'"),
        ({"person": ["a"], "event": ["Viewed"], "at": ["soon"]}, BadData, "timestamps, or integer UTC milliseconds"),
        ("orders.csv", BadData, "no table"),
    ],
)
def test_a_table_that_will_not_do_is_told(events: Any, error: type[Exception], said: str) -> None:
    """A missing column is named with what was found; a wrong type with what is right."""
    with pytest.raises(error, match=said):
        cx.passages(PURCHASE, events)


def test_ignoring_is_what_directly_looks_through() -> None:
    """`=>` sees every event but those that it is told to look through."""
    events = {"person": ["a"] * 3, "event": ["Viewed", "Heartbeat", "Bought"], "at": [0, 1, 2]}
    for ignoring, ending in [((), "broken"), (["Heartbeat"], "completed")]:
        journey = cx.journey("Viewed => Bought", window="1 day", ignoring=ignoring)
        assert cx.passages(journey, events)["ending"].to_pylist() == [ending]


@pytest.mark.parametrize("frame", FRAMES)
def test_any_table_gives_the_same_flows(frame: str) -> None:
    """What follows what, from any table; null stands for begin and end."""
    found = cx.flows(FRAMES[frame](VISITS)).select(["from", "to", "count", "subjects"]).to_pylist()
    told = {(row["from"], row["to"]): (row["count"], row["subjects"]) for row in found}
    assert told == {
        (None, "Viewed"): (2, 2),
        ("Viewed", "Bought"): (2, 2),
        ("Bought", "Viewed"): (1, 1),
        ("Bought", None): (1, 1),
        ("Viewed", None): (1, 1),
    }


def test_flows_start_from_an_anchor_with_a_condition() -> None:
    """Positions are counted from the step, in either direction, names looked through, long gaps ending a flow."""
    rows = cx.flows(VISITS, anchor="Bought where (channel = 'shop')".replace("'", '"'), direction="both").to_pylist()
    assert [(row["depth"], row["from"], row["to"]) for row in rows] == [(-1, "Viewed", "Bought"), (1, "Bought", None)]
    assert cx.flows(VISITS, ignoring="Bought")["loop"].to_pylist() == [False, False, True]
    assert cx.flows(VISITS, only=["Viewed"], within="1 second").filter(pa.compute.field("loop")).num_rows == 0
    with pytest.raises(WrongUse, match="anchor"):
        cx.flows(VISITS, depth=3)
    with pytest.raises(WrongUse, match="no 'journey visit"):
        cx.flows(VISITS, anchor="journey visit.broken")


def test_a_name_that_no_event_has_is_warned_of() -> None:
    """With the nearest that one has; the answer is empty all the same."""
    with pytest.warns(UserWarning, match="No event is named 'Bougth'. Did you mean 'Bought'") as told:
        assert cx.flows(VISITS, anchor="Bougth").num_rows == 0
    assert told[0].filename == __file__
    costly = cx.journey("Viewed -> Bought where (totla > 10)", window="1 day")
    asks: list[Callable[[], Any]] = [
        lambda: cx.passages(costly, VISITS),
        lambda: cx.flows(VISITS, anchor='Viewed where (chanel = "app")'),
    ]
    for ask in asks:
        with pytest.warns(UserWarning, match="There is no column '(totla|chanel)'") as told:
            ask()
        assert {warning.filename for warning in told} == {__file__}
    with pytest.warns(UserWarning, match="No event is named 'Vewed'"):
        assert cx.retention(VISITS, start="Vewed").num_rows == 0


@pytest.mark.parametrize("frame", FRAMES)
def test_any_table_gives_the_same_retention(frame: str) -> None:
    """Who came back in which later period; what is not over yet is null."""
    day = 86_400_000
    visits: dict[str, list[Any]] = {
        "person": ["a", "a", "b", "b", "c"],
        "event": ["Viewed", "Bought", "Viewed", "Bought", "Viewed"],
        "at": [0, day, 0, 2 * day, day],
        "channel": ["site", "site", "app", "app", None],
    }
    table = FRAMES[frame](visits)
    rows = cx.retention(table, period="day", back="Bought", periods=2).to_pylist()
    assert [(str(row["cohort"]), row["size"], row["period"], row["returned"], row["on_or_after"]) for row in rows] == [
        ("None", 3, 0, 3, 3),
        ("None", 2, 1, 1, 2),
        ("1970-01-01", 2, 0, 2, 2),
        ("1970-01-01", 2, 1, 1, 2),
        ("1970-01-01", 2, 2, None, None),
        ("1970-01-02", 1, 0, 1, 1),
        ("1970-01-02", 1, 1, None, None),
    ]
    split = cx.retention(table, period="day", by="channel", as_of=10 * day).to_pylist()
    assert {row["value"] for row in split} == {"site", "app", None}
    local = cx.retention(table, period="day", zone="America/New_York", start="Viewed")
    assert "1969-12-31" in {str(cohort) for cohort in local["cohort"]}
    with pytest.raises(BadDefinition, match="time zone"):
        cx.retention(table, zone="Moon")


def test_a_table_has_no_other_journeys() -> None:
    """Endings of journeys belong to projects; a wrong way of counting is told with the right ones."""
    with pytest.raises(WrongUse, match="no 'journey delivery"):
        cx.journey("Viewed -> journey delivery.broken", window="1 day")
    with pytest.raises(WrongUse, match="passages or subjects"):
        cx.funnel(PURCHASE, VISITS, count="people")  # type: ignore[arg-type]  # that is the fault
    with pytest.raises(WrongUse, match="names of columns"):
        cx.journey("Viewed", window="1 day", per=())


def test_every_answer_has_its_chart() -> None:
    """A table that another function gave is drawn; its title is the finding."""
    drawn = cx.chart(cx.funnel(PURCHASE, VISITS)).to_dict()
    assert drawn["title"]["text"] == "2 of 2 (100%) reached Bought"
    assert cx.chart(cx.flows(VISITS)).to_dict()["title"]["text"] == "Most often Bought comes after Viewed: 2 times"
    with pytest.raises(BadData, match="no picture"):
        cx.chart(cx.passages(PURCHASE, VISITS))


@settings(deadline=None)  # kernels are compiled when they are first asked
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["V", "B", "X"]), st.integers(0, 9)), max_size=14))
def test_a_table_gives_what_the_specification_says(rows: list[tuple[str, str, int]]) -> None:
    """Passages of a table are those of the slow reference, subject by subject."""
    journey = cx.journey("V -> B within 3 seconds", window="5 seconds", unless=["X"])
    columns = {
        "person": pa.array([row[0] for row in rows], pa.string()),
        "event": pa.array([row[1] for row in rows], pa.string()),
        "at": pa.array([row[2] * 1_000 for row in rows], pa.int64()),
    }
    found = cx.passages(journey, columns)
    closes_at = max((row[2] * 1_000 for row in rows), default=0)
    expected = []
    for person in sorted({row[0] for row in rows}):
        stream = sorted(
            (Event(at * 1_000, name) for who, name, at in rows if who == person), key=lambda event: event.at
        )
        passages = Reference(journey.definition).passages_of(stream, closes_at)
        expected += [(person, passage.opened, passage.ending) for passage in passages]
    shown = [(row["person"], int(row["opened_at"].timestamp() * 1000), row["ending"]) for row in found.to_pylist()]
    assert shown == expected


def test_the_package_itself_stays_light() -> None:
    """Importing it loads no heavy library; using a name does."""
    probe = (
        "import sys, cxminute; assert 'pyarrow' not in sys.modules; cxminute.journey; assert 'pyarrow' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, timeout=60)


def test_many_keys_are_told_apart_however_many_values_they_have() -> None:
    """Four keys of seventy thousand values each are seventy thousand subjects, each with its own values."""
    count = 70_000
    columns = {key: list(range(count)) for key in "abcd"}
    table = pa.table({**columns, "event": ["A"] * count, "at": list(range(count))})
    found = cx.passages(cx.journey("A", window="1 day", per=list("abcd")), table)
    assert len(found) == count
    for key in "bcd":
        assert found["a"].equals(found[key])


def test_times_beyond_the_calendar_are_refused() -> None:
    """A time that no calendar has is told, in the table and as the close of the log: nothing is counted wrongly."""
    for at in (2**63 - 10, -(2**61)):
        with pytest.raises(BadData, match="years 1 to 9999"):
            cx.passages(PURCHASE, {**VISITS, "at": [0, 1, 2, 3, at]})
    for as_of in (datetime(2024, 1, 1), "2024-01-01", 2**70, True):  # noqa: DTZ001 -- without a zone is the case
        with pytest.raises(WrongUse, match="as_of"):
            cx.passages(PURCHASE, VISITS, as_of=as_of)  # type: ignore[arg-type]  # what people try
    edge = {"person": ["a"], "event": ["A"], "at": [253_402_300_799_000]}
    assert cx.passages(cx.journey("A -> B", window="10000 weeks"), edge)["ending"].to_pylist() == ["open"]


def test_tables_that_cannot_be_meant_are_told() -> None:
    """A column given twice, a list as a key or in a condition, and a key named like a result are refused by name."""
    twice = pa.table(
        [pa.array(["a"]), pa.array(["A"]), pa.array([0]), pa.array(["b"])], ["person", "event", "at", "at"]
    )
    nested = pa.table({"person": [["a"]], "event": ["A"], "at": [0], "tags": [["x"]]})
    with pytest.raises(BadData, match="more than one column 'at'"):
        cx.passages(PURCHASE, twice)
    with pytest.raises(BadData, match="no subject"):
        cx.passages(PURCHASE, nested)
    with pytest.raises(BadData, match="'tags' is list"):
        cx.funnel(cx.journey("A", window="1 day", per="event"), nested, by="tags")
    with pytest.raises(WrongUse, match="'ending' of its own"):
        cx.passages(cx.journey("A", window="1 day", per="ending"), {**VISITS, "ending": list("abcde")})


def test_a_table_of_nobody_is_an_empty_answer_and_a_warning() -> None:
    """Where no event has a subject or a time, that is counted and told, and there is no passage."""
    for lacking in ({"person": [None], "event": ["A"], "at": [0]}, {"person": ["a"], "event": ["A"], "at": [None]}):
        with pytest.warns(UserWarning, match="1 of 1 events"):
            found = cx.passages(cx.journey("A", window="1 day"), lacking)
        assert len(found) == 0


def test_what_is_no_journey_no_subject_and_no_name_is_told() -> None:
    """Arguments in the wrong order, a subject given twice, and events named by numbers are refused in words."""
    with pytest.raises(WrongUse, match="dict is no journey"):
        cx.passages(VISITS, PURCHASE)  # type: ignore[arg-type]  # the wrong way round
    with pytest.raises(WrongUse, match="str is no journey"):
        cx.funnel("Viewed -> Bought", VISITS)  # type: ignore[arg-type]  # a pattern is no journey yet
    for per in (["person", "person"], 5, None, []):
        with pytest.raises(WrongUse, match="no subject"):
            cx.journey("A", window="1 day", per=per)  # type: ignore[arg-type]  # what people try
    with pytest.raises(BadData, match="'event' is int64"):
        cx.passages(PURCHASE, {**VISITS, "event": [1, 2, 3, 4, 5]})


def test_categories_of_every_kind_are_text() -> None:
    """Categorical and Enum columns of polars, asked for or not, are as good as text."""
    kinds: Any = {
        "event": pl.Categorical,
        "person": pl.Categorical,
        "channel": pl.Enum(["shop", "site", "app"]),
    }
    table = pl.DataFrame(VISITS).cast(kinds)
    told, plain = (cx.funnel(PURCHASE, events, by="channel").to_pylist() for events in (table, VISITS))
    assert str(told) == str(plain)  # as text, in which nan, the time of nothing, is nan


def test_retention_looks_no_further_than_the_log() -> None:
    """A thousand million periods are as many as there are; half a period is none."""
    assert cx.retention(VISITS, periods=10**9).equals(cx.retention(VISITS, periods=1))
    for periods in (1.5, "3", True, 0):
        with pytest.raises(WrongUse):
            cx.retention(VISITS, periods=periods)  # type: ignore[arg-type]  # what people try
