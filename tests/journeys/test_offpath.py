"""Off the path: passages that skipped, repeated or reversed what was declared, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from cxminute.journeys.advance import UNSEEN
from cxminute.journeys.analyses import order
from cxminute.journeys.analyses.contrast import difference
from cxminute.journeys.analyses.paths import WAYS, deviate, off_path
from cxminute.journeys.classes import classify, read_only
from cxminute.journeys.find import find
from cxminute.journeys.language import journey
from cxminute.journeys.nesting.nest import find_nested, nest
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.times import DAY
from tests.oracles.journey_answers import found_in, plain, table_of
from tests.oracles.journey_shape import Event, Shape, matches
from tests.oracles.journey_walks import Meeting, meetings, seen, streams_of
from tests.oracles.journeys_reference import Found
from tests.oracles.streams import Happened, ListStreams


def _deviated(plan: Plan, streams: ListStreams, closes_at: int) -> pa.Table:
    return deviate(plan, partial(find, plan, opens_at=0, closes_at=closes_at), streams, closes_at=closes_at)


def _slowly(shape: Shape, passage: Found, walk: Sequence[Event], closes_at: int) -> dict[str, bool]:
    """The same from the definitions, with sets."""
    after = {place: {place} for place in range(len(shape.places))}
    for _ in shape.places:
        for edge in shape.edges:
            after[edge.origin] |= after[edge.target]
    reached = dict(enumerate(passage.reached))
    told = dict.fromkeys(WAYS, False)
    told["skipped"] = any(
        reached[place] is None and reached[edge.origin] is not None and reached[edge.target] is not None
        for edge in shape.edges
        for place in after[edge.origin] - {edge.origin, edge.target}
        if edge.target in after[place]
    )
    until = closes_at if passage.closed is None else passage.closed
    for event in (event for event in walk if passage.opened < event.at <= until):
        asked = [
            place
            for place, one in enumerate(shape.places)
            if any(step.kind != "any" and matches(step, event) for step in one.steps)
        ]
        if not asked or any(reached[place] == event.at for place in asked):
            continue
        if any(at is not None and at < event.at for at in (reached[place] for place in asked)):
            told["repeated"] = True
        elif not any(
            shape.places[place].is_first
            or any(
                (at := reached[edge.origin]) is not None and at <= event.at
                for edge in shape.edges
                if edge.target == place
            )
            for place in asked
        ):
            told["reversed"] = True
    return told


@given(meetings())
@settings(max_examples=400, deadline=None)
def test_deviations_are_what_their_definitions_say(meeting: Meeting) -> None:
    """Every passage of any journey is skipped, repeated or reversed as the definitions have it, with sets."""
    plan, shape = compile_plan(meeting.definition), Shape(meeting.definition.pattern)
    found = _deviated(plan, streams_of(meeting.subjects), meeting.closes_at)
    shown = zip(*(plain(found[name]) for name in WAYS), strict=True)
    expected = [
        tuple(_slowly(shape, passage, seen(meeting.subjects[subject]), meeting.closes_at).values())
        for subject, passages in found_in(found).items()
        for passage in passages
    ]
    assert list(shown) == expected


@given(meetings())
@settings(max_examples=50, deadline=None)
def test_the_kernel_of_order_does_what_its_python_does(meeting: Meeting) -> None:
    """Compiled and plain, the same."""
    plan, streams = compile_plan(meeting.definition), streams_of(meeting.subjects)
    passages = table_of(plan, streams, meeting.closes_at)
    reached = passages["reached_at"].combine_chunks().flatten().cast(pa.int64()).fill_null(UNSEEN).to_numpy()
    places = np.searchsorted(streams.subjects, passages["subject"].to_numpy())
    opened = passages["opened_at"].cast(pa.int64()).to_numpy()
    asked = (
        order.Order.of(plan),
        read_only(streams.offsets),
        read_only(streams.times),
        *classify(plan, streams),
        read_only(np.column_stack([places, opened, opened + 9])),
        read_only(reached.reshape(len(passages), len(plan.labels))),
    )
    with patch.multiple(order, skips=order._skips, of_event=order._of_event):  # noqa: SLF001 -- the kernels' own Python
        plainly = order._deviations(*asked)  # noqa: SLF001 -- as above
    assert np.array_equal(order.deviations(*asked), plainly)


PLAN = compile_plan(journey("A -> B? -> (C or D) -> E", window="1 day"))


@pytest.mark.parametrize(
    ("walk", "ways"),
    [
        ("ABCE", []),
        ("ABDE", []),
        ("ABXCE", []),
        ("ACE", ["skipped"]),
        ("AACE", ["skipped", "repeated"]),
        ("ABCCE", ["repeated"]),
        ("ABECE", ["reversed"]),
        ("AEE", ["reversed"]),
    ],
)
def test_each_way_of_leaving_the_path_by_example(walk: str, ways: list[str]) -> None:
    """The way that was not taken is not skipped, a step that was left out is; what comes too early is reversed."""
    streams = ListStreams([Happened(1, at, name) for at, name in enumerate(walk)])
    [row] = _deviated(PLAN, streams, 100).to_pylist()
    assert [name for name in WAYS if row[name]] == ways


def _crowd() -> ListStreams:
    """Forty persons on the path of whom thirty complete; twenty repeat, of whom five do."""
    events = []
    for person in range(60):
        repeats, at = person >= 40, person * DAY // 4
        walk = ("AAB" if repeats else "AB") + ("C" if person % 4 < (1 if repeats else 3) else "X")
        events += [Happened(person, at + place, name) for place, name in enumerate(walk)]
    return ListStreams(events)


def test_endings_stand_beside_those_on_the_path() -> None:
    """Shares of passages, of completions, and the difference of these to the path, with bounds."""
    plan = compile_plan(journey("A -> B -> C", window="1 day", unless=("X",)))
    rows = {row["path"]: row for row in off_path(_deviated(plan, _crowd(), 10**10)).to_pylist()}
    assert list(rows) == ["on path", "off path", "skipped", "repeated", "reversed"]
    assert (rows["on path"]["passages"], rows["off path"]["passages"]) == (40, 20)
    assert rows["repeated"] == {**rows["off path"], "path": "repeated"}
    assert rows["on path"]["completed_share"] == 0.75
    assert rows["on path"]["difference"] is None
    assert rows["repeated"]["difference"] == -0.5
    assert rows["repeated"]["difference_low"] < -0.5 < rows["repeated"]["difference_high"] < 0
    assert rows["skipped"]["passages"] == 0
    assert rows["skipped"]["difference"] is None
    assert rows["off path"]["low"] < 1 / 3 < rows["off path"]["high"]


def test_held_keys_keep_their_passages_apart() -> None:
    """With a product held constant, only events of the same product repeat."""
    plan = compile_plan(journey("A -> B", window="1 day", per=("person", "product")))
    told = [(0, "A", 1.0), (1, "A", 2.0), (2, "A", 2.0), (3, "B", 2.0), (4, "B", 1.0)]
    streams = ListStreams([Happened(1, at, name, {"properties.product": product}) for at, name, product in told])
    nested = nest(plan.definition, {})
    finder = partial(find_nested, nested, opens_at=0, closes_at=100)
    found = deviate(plan, finder, streams, closes_at=100)
    assert [(row["properties.product"], row["repeated"]) for row in found.to_pylist()] == [("1", False), ("2", True)]


def test_a_difference_of_independent_shares_is_newcombes() -> None:
    """Published: 56 of 70 against 48 of 80 differ by 0.2, from 0.0524 to 0.3339 (Newcombe 1998, method 10)."""
    hits = np.concatenate([np.arange(70) < 56, np.arange(80) < 48])
    ours = np.arange(150) < 70
    estimate, low, high = difference(np.arange(150), np.zeros(150, np.int64), hits, ours)
    assert estimate == pytest.approx(0.2)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=4e-3)  # Student's quantile here, the normal one there


def test_what_both_sides_share_makes_the_difference_surer() -> None:
    """Where the same persons are on both sides and are alike on both, less is left to chance."""
    random = np.random.default_rng(3)
    person = np.repeat(np.arange(200), 2)
    ours = np.tile([True, False], 200)
    luck = np.repeat(random.random(200), 2)
    hits = luck + 0.1 * ours > 0.5
    alike = difference(person, np.zeros(400, np.int64), hits, ours)
    strangers = difference(np.arange(400), np.zeros(400, np.int64), hits, ours)
    assert alike[0] == strangers[0]
    assert alike[2] - alike[1] < 0.7 * (strangers[2] - strangers[1])
    same = difference(person, person, np.ones(400, np.bool_), ours)
    assert same[1] <= same[0] == 0 <= same[2]


def test_no_passage_leaves_no_path() -> None:
    """Counts are nothing, shares unknown; split, there is no group."""
    found = _deviated(PLAN, ListStreams([]), 100)
    rows: list[dict[str, Any]] = off_path(found).to_pylist()
    assert [row["passages"] for row in rows] == [0] * 5
    assert off_path(found.append_column("source", pa.array([], pa.string())), by="source").num_rows == 0
