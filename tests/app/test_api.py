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
from hypothesis import given
from hypothesis import strategies as st

import cxminute as cx
from cxminute.model.errors import BadData, BadPattern, UnknownName
from tests.conftest import ROOT
from tests.oracles.journeys_reference import Event, Reference

PUBLIC = ["Journey", "funnel", "journey", "passages"]
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


def test_an_empty_table_has_no_passage() -> None:
    """The answer has its columns and no row."""
    empty = {"person": pa.array([], pa.string()), "event": pa.array([], pa.string()), "at": pa.array([], pa.int64())}
    assert cx.passages(PURCHASE, empty).num_rows == 0
    assert cx.funnel(PURCHASE, empty)["reached"].to_pylist() == [0, 0]


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


def test_what_is_not_there_yet_is_refused() -> None:
    """`ignoring` belongs to `=>`, which this version refuses."""
    with pytest.raises(BadPattern, match="not supported"):
        cx.journey("Viewed -> Bought", window="1 day", ignoring=["Heartbeat"])


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
