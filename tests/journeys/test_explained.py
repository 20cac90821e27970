"""The share of events that no journey explains."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys.analyses import explained
from cxminute.journeys.analyses.explained import Explained, explain, merged, table
from cxminute.journeys.definition import steps_in
from cxminute.journeys.find import find
from cxminute.journeys.language import journey
from cxminute.journeys.nesting.nest import find_nested, nest
from cxminute.journeys.plan import Plan, compile_plan
from tests.oracles.journey_answers import found_in, table_of
from tests.oracles.journey_shape import matches
from tests.oracles.journey_walks import Meeting, meetings, seen, streams_of
from tests.oracles.streams import Happened, ListStreams

BUY = compile_plan(journey("A -> B -> C", window="1 day", unless=("X",), name="buy"))


def _told(streams: ListStreams, *plans: Plan, closes_at: int = 100) -> dict[str | None, tuple[int, int]]:
    known = [(plan, find(plan, streams, opens_at=0, closes_at=closes_at)) for plan in plans]
    found = explain(known, streams, space="person", closes_at=closes_at)
    return {row["name"]: (row["events"], row["unexplained"]) for row in table(found).to_pylist()}


def test_an_event_is_explained_where_a_passage_that_names_it_is_open() -> None:
    """Steps, guards and `unless` count while the passage is open, its last millisecond included; nothing else does."""
    streams = ListStreams([Happened(1, at, name) for at, name in enumerate("BABDCCX")])
    assert _told(streams, BUY) == {None: (7, 4), "A": (1, 0), "B": (2, 1), "C": (2, 1), "D": (1, 1), "X": (1, 1)}
    assert _told(streams) == {None: (7, 7), "A": (1, 1), "B": (2, 2), "C": (2, 2), "D": (1, 1), "X": (1, 1)}


def test_the_most_unexplained_names_come_first() -> None:
    """After the whole; shares are of the name's events and of all."""
    streams = ListStreams([Happened(1, at, name) for at, name in enumerate("ABDDD")])
    rows = table(explain([(BUY, find(BUY, streams, opens_at=0, closes_at=9))], streams, space="person", closes_at=9))
    assert [(row["name"], row["share"], row["of_all"]) for row in rows.to_pylist()] == [
        (None, 0.6, 0.6),
        ("D", 1.0, 0.6),
        ("A", 0.0, 0.0),
        ("B", 0.0, 0.0),
    ]
    assert table(merged([])).to_pylist() == [
        {"name": None, "events": 0, "unexplained": 0, "share": None, "of_all": None}
    ]


def test_any_event_explains_nothing() -> None:
    """A step that every event matches names none; a refused source is not counted at all."""
    plan = compile_plan(journey("A -> any -> C", window="1 day"))
    events = [Happened(1, 0, "A"), Happened(1, 1, "D"), Happened(1, 2, "A", {}, "clinic")]
    assert _told(ListStreams(events, refused=frozenset({"clinic"})), plan) == {None: (2, 1), "A": (1, 0), "D": (1, 1)}


def test_an_order_of_ones_own_explains_what_it_names() -> None:
    """A journey of orders explains events that carry its order, and no others of the same person."""
    plan = compile_plan(journey("A -> B", window="1 day", per="order_id"))
    orders = ListStreams([Happened(70, 0, "A"), Happened(70, 5, "B")])
    passages = find(plan, orders, opens_at=0, closes_at=9)
    told = [(0, "A", 70.0), (4, "B", 71.0), (5, "B", 70.0), (6, "B", 70.0), (7, "B", None)]
    people = ListStreams(
        [Happened(1, at, name, {} if number is None else {"identifiers.order_id": number}) for at, name, number in told]
    )
    found = explain([(plan, passages)], people, space="person", closes_at=9)
    assert (found.names, found.events.tolist(), found.explained.tolist()) == (("A", "B"), [1, 4], [1, 1])


def test_held_keys_explain_their_own_events() -> None:
    """With a product held constant, an event of another product is not explained."""
    plan = compile_plan(journey("A -> B -> C", window="1 day", per=("person", "product")))
    told = [(0, "A", 1.0), (1, "B", 2.0), (2, "B", 1.0)]
    streams = ListStreams([Happened(1, at, name, {"properties.product": product}) for at, name, product in told])
    passages = find_nested(nest(plan.definition, {}), streams, opens_at=0, closes_at=9)
    found = explain([(plan, passages)], streams, space="person", closes_at=9)
    assert found.explained.tolist() == [1, 1]


@given(st.lists(meetings(), min_size=1, max_size=2))
@settings(max_examples=200, deadline=None)
def test_explained_is_what_one_would_count_by_hand(several: list[Meeting]) -> None:
    """Event by event, against the passages of one or two journeys; and the same bucket by bucket."""
    subjects, closes_at = several[0].subjects, several[0].closes_at
    plans = [compile_plan(meeting.definition) for meeting in several]
    expected: dict[str, list[int]] = {}
    found = [found_in(table_of(plan, streams_of(subjects), closes_at)) for plan in plans]
    for subject, walk in subjects.items():
        for event in (event for event in seen(walk) if event.kind == "event"):
            told = any(
                passage.opened <= event.at <= (closes_at if passage.closed is None else passage.closed)
                and any(
                    step.kind == "event" and matches(step, event)
                    for step in (*steps_in(plan.definition.pattern), *plan.definition.unless)
                )
                for plan, passages in zip(plans, found, strict=True)
                for passage in passages.get(subject, ())
            )
            counts = expected.setdefault(event.name, [0, 0])
            counts[0] += 1
            counts[1] += told

    def asked(chosen: list[int]) -> Explained:
        streams = streams_of({subject: subjects[subject] for subject in chosen})
        known = [(plan, find(plan, streams, opens_at=0, closes_at=closes_at)) for plan in plans]
        return explain(known, streams, space="person", closes_at=closes_at)

    whole = asked(list(subjects))
    shown = dict(zip(whole.names, zip(whole.events.tolist(), whole.explained.tolist(), strict=True), strict=True))
    assert {name: list(counts) for name, counts in shown.items() if counts[0]} == expected
    assert table(merged([asked([subject]) for subject in reversed(list(subjects))])).equals(table(whole))


spans = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=8)


@given(spans, st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 30)), max_size=12))
@settings(deadline=None)
def test_a_moment_is_covered_by_a_span_of_its_owner(
    told: list[tuple[int, int, int]], moments: list[tuple[int, int]]
) -> None:
    """Compiled, plain and by looking at every span: the same."""
    ordered = sorted(told)
    owned, opened = (np.array([one[column] for one in ordered], np.int64) for column in (0, 1))
    closed = opened + np.array([one[2] for one in ordered], np.int64)
    asked = (
        np.searchsorted(owned, np.arange(4)),
        opened,
        closed,
        np.array([owner for owner, _ in moments], np.int64),
        np.array([at for _, at in moments], np.int64),
    )
    expected = [any(o == owner and at <= moment <= at + long for o, at, long in told) for owner, moment in moments]
    assert explained.covered(*asked).tolist() == expected
    assert explained._covered(*asked).tolist() == expected  # noqa: SLF001 -- the kernel's own Python


def test_tables_have_their_columns() -> None:
    """Whatever was counted."""
    assert table(merged([])).schema == explained.UNEXPLAINED
    assert pa.types.is_float64(table(merged([])).schema.field("share").type)
