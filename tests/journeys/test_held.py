"""Subjects of several keys: streams split by the values that are held constant."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cxminute.journeys.language import journey
from cxminute.journeys.nesting.chosen import between
from cxminute.journeys.nesting.held import Held, unheld
from cxminute.journeys.nesting.nest import count_nested, nest
from cxminute.journeys.plan import compile_plan
from cxminute.model.steps import Comparison, Step
from tests.journeys.nested_log import Row, named, passages
from tests.oracles.streams import Happened, ListStreams

BUY = journey("Viewed -> Bought", window="1 day", name="buy", per=("person", "product"))
ROWS = [
    Row(0, "Viewed", 1, None, {"properties.product": "tea"}),
    Row(1, "Viewed", 1, None, {"properties.product": "mug"}),
    Row(2, "Bought", 1, None, {"properties.product": "mug"}),
    Row(3, "Bought", 2, None, {"properties.product": "tea"}),
    Row(4, "Bought", 1, None, {}),
]


def test_who_buys_another_product_has_not_bought_the_one_he_looked_at() -> None:
    """With the product held constant, each product has a passage of its own, named beside the person."""
    table = passages(ROWS, named(BUY), "buy", 9)
    assert table.select(["subject", "properties.product", "ending"]).to_pylist() == [
        {"subject": 1, "properties.product": "mug", "ending": "completed"},
        {"subject": 1, "properties.product": "tea", "ending": "open"},
    ]


def test_numbers_and_several_keys_are_held_too() -> None:
    """Values are those of their type: 9 before 10; every key must be there."""
    per = ("person", "size", "product")
    both = journey("Viewed -> Bought", window="1 day", name="buy", per=per)
    rows = [
        Row(at, name, 1, None, {"properties.product": "tea", "properties.size": size})
        for at, (name, size) in enumerate([("Viewed", 10.0), ("Viewed", 9.0), ("Bought", 9.0)])
    ]
    rows.append(Row(5, "Viewed", 1, None, {"properties.product": "tea"}))
    table = passages(rows, named(both), "buy", 9)
    assert table.select(["properties.size", "ending"]).to_pylist() == [
        {"properties.size": "9", "ending": "completed"},
        {"properties.size": "10", "ending": "open"},
    ]


def test_what_has_no_value_is_counted() -> None:
    """Events that a step names and that lack a key are in no stream, and their number is known."""
    streams = ListStreams([Happened(row.person or 0, row.at, row.name, row.values) for row in ROWS])
    assert unheld(compile_plan(BUY), streams) == 1
    assert unheld(compile_plan(journey("Viewed -> Bought", window="1 day")), streams) == 0
    assert unheld(compile_plan(journey("Gone", window="1 day", per=("person", "colour"))), streams) == 0


def test_a_key_that_no_event_has_leaves_nothing() -> None:
    """No value, no stream: there are no passages, and nothing breaks."""
    colour = journey("Viewed -> Bought", window="1 day", name="buy", per=("person", "colour"))
    assert len(passages(ROWS, named(colour), "buy", 9)) == 0


def test_split_streams_answer_as_the_whole_ones_do() -> None:
    """Matches, conditions and values of an event are the same in the split streams."""
    streams = ListStreams([Happened(row.person or 0, row.at, row.name, row.values) for row in ROWS])
    held = Held(streams, ["properties.product"])
    tea = Comparison("properties.product", "=", ("tea",))
    assert held.times.tolist() == [1, 2, 0, 3]
    assert held.subjects.tolist() == [1, 1, 2]
    assert held.matches(Step("Viewed")).tolist() == [True, False, True, False]
    assert held.holds(tea, np.array([1, 2])).tolist() == [False, True]
    assert held.column("name").to_pylist() == ["Viewed", "Bought", "Viewed", "Bought"]


def test_counting_people_takes_the_furthest_of_each_product() -> None:
    """A subject is the person with the product: each is counted once, whatever the others of the person did."""
    index = ListStreams([Happened(row.person or 0, row.at, row.name, row.values) for row in ROWS])
    counted = count_nested(nest(BUY, named(BUY)), index, closes_at=9, counting="subjects")
    assert counted.passages.tolist() == [2]


def test_a_span_keeps_its_events_and_its_subjects() -> None:
    """Only what happened from the first moment to before the last; who did nothing then is still there."""
    streams = ListStreams([Happened(1, 0, "A"), Happened(1, 5, "B"), Happened(2, 7, "A")])
    assert between(streams, None, None) is streams
    span = between(streams, 1, 7)
    assert span.times.tolist() == [5]
    assert span.offsets.tolist() == [0, 1, 1]
    assert span.column("name").to_pylist() == ["B"]
    assert isinstance(span.column("properties.none"), pa.Array)
