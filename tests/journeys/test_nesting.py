"""Journeys that wait for one another's endings."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys.language import journey
from cxminute.journeys.nesting.nest import find_nested, nest
from cxminute.model.errors import BadDefinition, UnknownName
from tests.journeys.nested_log import Journeys, Row, expected, found, named, passages
from tests.oracles.journeys_reference import Child

DAY = "1 day"
DELIVERY = journey("Ordered -> Delivered within 0.01 seconds", window=DAY, name="delivery", per="order_id")
SUPPORT = journey("Asked -> Answered", window="0.005 seconds", name="support")


def _passages(rows: list[Row], *journeys: object, closes_at: int = 1_000) -> list[tuple[object, ...]]:
    """Subject, closing, ending and the moments of each step, of the last of the journeys."""
    known = named(*journeys)  # type: ignore[arg-type]  # what `journey` makes
    table = passages(rows, known, list(known)[-1], closes_at)
    return [(subject, one.closed, one.ending, one.reached) for subject, one in found(table)]


def test_an_ending_is_an_event_at_the_time_of_the_ending() -> None:
    """Who waits for an answer that never came gets it as an event when the time was up, not when somebody looked."""
    waits = journey("Asked -> journey support.expired -> Left", window=DAY, name="lost")
    rows = [Row(0, "Asked"), Row(4, "Left"), Row(5, "Left"), Row(6, "Left")]
    assert _passages(rows, SUPPORT, waits) == [(1, 6, "completed", (0, 5, 6))]


def test_an_ending_follows_its_cause() -> None:
    """What completes the child and the parent's own step at once comes first: the ending stands behind all events."""
    late = journey("Asked -> journey support.completed -> Left", window=DAY, name="late")
    rows = [Row(0, "Asked"), Row(3, "Answered"), Row(3, "Left")]
    assert _passages(rows, SUPPORT, late) == [(1, None, "open", (0, 3, None))]
    early = journey("Left -> journey support.completed", window=DAY, name="early")
    assert _passages(rows, SUPPORT, early) == [(1, 3, "completed", (3, 3))]


def test_an_ending_after_the_close_is_not_seen() -> None:
    """As long as a child may still come to its end, it has none."""
    waits = journey("Asked -> journey support.expired", window=DAY, name="lost")
    rows = [Row(0, "Asked")]
    assert _passages(rows, SUPPORT, waits, closes_at=5) == [(1, None, "open", (0, None))]
    assert _passages(rows, SUPPORT, waits, closes_at=6) == [(1, 5, "completed", (0, 5))]


def test_orders_end_in_the_life_of_the_person_behind_them() -> None:
    """A parent of persons sees how each order ended, whoever else had orders at the time."""
    loyal = journey("Joined -> journey delivery.completed -> journey delivery.completed", window=DAY, name="loyal")
    rows = [
        Row(0, "Joined", 1), Row(0, "Joined", 2),
        Row(1, "Ordered", 1, 10), Row(1, "Ordered", 2, 11), Row(2, "Ordered", 1, 12),
        Row(5, "Delivered", 1, 12), Row(6, "Delivered", 1, 10), Row(7, "Delivered", 2, 11),
        Row(8, "Ordered", None, 13), Row(9, "Delivered", None, 13),
    ]  # fmt: skip
    assert _passages(rows, DELIVERY, loyal) == [
        (1, 6, "completed", (0, 5, 6)),
        (2, None, "open", (0, 7, None)),
    ]


def test_a_passage_names_the_children_that_moved_it() -> None:
    """Listed are those whose endings reached or marked a step, with how and when they ended; no others."""
    parent = journey("Joined -> (journey delivery.completed and Paid)", window=DAY, name="first")
    rows = [
        Row(0, "Ordered", 1, 9), Row(1, "Joined"), Row(2, "Ordered", 1, 10), Row(3, "Delivered", 1, 10),
        Row(4, "Ordered", 1, 11), Row(5, "Delivered", 1, 11), Row(6, "Paid"),
    ]  # fmt: skip
    known = named(DELIVERY, parent)
    [(_, one)] = found(passages(rows, known, "first", 8))
    assert one.ending == "completed"
    assert one.children == (Child("delivery", "completed", 10, 2, 3),)


def test_a_condition_on_an_ending_looks_at_what_opened_the_child() -> None:
    """`journey delivery.expired where (total > 50)` is of the orders that were that large when they were placed."""
    angry = journey("Joined -> journey delivery.expired where (total > 50)", window=DAY, name="angry")
    rows = [
        Row(0, "Joined"), Row(1, "Ordered", 1, 10, {"properties.total": 20.0}),
        Row(2, "Ordered", 1, 11, {"properties.total": 80.0}),
    ]  # fmt: skip
    assert _passages(rows, DELIVERY, angry) == [(1, 12, "completed", (0, 12))]


def test_no_other_journey_changes_what_any_and_directly_see() -> None:
    """`any` and `=>` look at events alone: an ending comes between two steps without being between them."""
    direct = journey("Asked => any => Left or Joined -> journey support.completed", window=DAY, name="direct")
    rows = [Row(0, "Asked"), Row(3, "Answered"), Row(4, "Left")]
    assert _passages(rows, SUPPORT, direct) == [(1, 4, "completed", (0, 3, 4, None, None))]


def test_an_ending_may_open_and_break_a_passage() -> None:
    """Steps of endings stand wherever steps stand: first, in `unless`, as a guard."""
    back = journey(
        "journey support.expired -> Left without journey support.completed",
        window=DAY, name="back", unless=("journey delivery.expired",),
    )  # fmt: skip
    rows = [Row(0, "Asked"), Row(7, "Asked"), Row(8, "Answered"), Row(9, "Left")]
    assert _passages(rows, SUPPORT, DELIVERY, back) == [(1, 8, "broken", (5, None))]
    rows = [Row(0, "Asked"), Row(1, "Ordered", 1, 5), Row(12, "Left")]
    assert _passages(rows, SUPPORT, DELIVERY, back) == [(1, 11, "broken", (5, None))]


def test_dimensions_of_a_passage_that_an_ending_opened_are_those_of_the_first_cause() -> None:
    """A passage opened by the end of an order carries what the order's own opening carried."""
    back = journey("journey delivery.expired -> Left", window=DAY, name="back")
    rows = [Row(0, "Ordered", 1, 10, {"properties.total": 20.0, "properties.shop": "x"}), Row(20, "Left")]
    dimensions = ("properties.total", "properties.shop", "source")
    table = passages(rows, named(DELIVERY, back), "back", 30, dimensions=dimensions)
    assert [table[path].to_pylist() for path in dimensions] == [["20"], ["x"], [None]]


def test_a_circle_is_refused_by_name() -> None:
    """Journeys that wait for one another never begin: the way around is told."""
    a = journey("A -> journey b.broken", window=DAY, name="a")
    b = journey("B -> journey c.broken", window=DAY, name="b")
    c = journey("C -> journey b.expired", window=DAY, name="c")
    with pytest.raises(BadDefinition, match="b -> c -> b"):
        nest(a, named(a, b, c))


def test_an_unknown_journey_is_told_with_the_nearest() -> None:
    """A name that nobody defines is mended by the one most like it."""
    a = journey("A -> journey delivry.broken", window=DAY, name="a")
    with pytest.raises(UnknownName) as told:
        nest(a, named(a, DELIVERY))
    assert told.value.nearest == "delivery"


def test_an_order_cannot_wait_for_what_happens_to_a_person() -> None:
    """Endings are events of their subject and of the person behind it: of nobody else."""
    a = journey("Ordered -> journey support.broken", window=DAY, name="a", per="order_id")
    with pytest.raises(BadDefinition, match="no events of such a subject"):
        nest(a, named(a, SUPPORT))


def test_a_task_travels() -> None:
    """What is to be found can be sent to another machine whole."""
    waits = journey("Asked -> journey support.expired", window=DAY, name="lost")
    again, task = pickle.loads(pickle.dumps((nest(waits, named(SUPPORT, waits)), find_nested)))  # noqa: S301 -- our own
    assert again.depth == 1
    assert again.plan.hash == nest(waits, named(SUPPORT, waits)).plan.hash
    assert not again.plan.moves.edges.flags.writeable  # as kernels were compiled for
    assert task is find_nested


NAMES = "ABC"
Told = tuple[int, str, int | None, int | None, float, str | None]
rows = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from(NAMES), st.sampled_from([1, 1, 2, None]), st.sampled_from([None, 5, 6]),
        st.sampled_from([0.0, 1.0]), st.sampled_from(["p", "q", None]),
    ),
    max_size=14,
)  # fmt: skip
LEAVES = ["A -> B within 0.003 seconds", "A -> B without C", "(A and C) -> B", "B -> any"]
MIDDLE = ["A -> journey leaf.completed", "journey leaf.broken -> B", "B -> journey leaf.expired where (x = 1)"]
TOPS = [
    "A -> journey middle.completed -> journey leaf.completed",
    "(journey middle.broken and journey leaf.expired)",
    "journey middle.expired where (x = 0) or C => B without journey leaf.broken",
    "B -> journey leaf.completed{2} without (journey middle.completed or A)",
]
PRODUCT = ("person", "product")
PERS = [
    (("person",), ("person",), ("person",)),
    (("order_id",), ("order_id",), ("person",)),
    (("order_id",), ("person",), ("person",)),
    (("order_id", "product"), ("person",), ("person",)),
    (PRODUCT, PRODUCT, ("person",)),
    (PRODUCT, PRODUCT, PRODUCT),
]
journeys = st.builds(
    lambda leaf, middle, top, per, window, reentry: named(
        journey(leaf, window="0.004 seconds", name="leaf", per=per[0], reentry=reentry),
        journey(middle, window=f"0.00{window} seconds", name="middle", per=per[1]),
        journey(top, window=f"0.00{window} seconds", name="top", per=per[2], reentry=reentry),
    ),
    st.sampled_from(LEAVES), st.sampled_from(MIDDLE), st.sampled_from(TOPS), st.sampled_from(PERS),
    st.integers(2, 9), st.sampled_from(["once", "after exit", "always"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(told=rows, known=journeys, closes_at=st.integers(0, 14), bucket=st.sampled_from([1, 100]))
def test_three_deep_is_as_the_page_says(told: list[Told], known: Journeys, closes_at: int, bucket: int) -> None:
    """Grandchildren, orders under persons, several keys: the same passages and children as by the slow reference."""
    log = [
        Row(at, name, person, order, {"properties.x": x, **({"properties.product": p} if p else {})})
        for at, name, person, order, x, p in sorted(told, key=lambda row: row[0])
    ]
    log.append(Row(12, "Z", 3, 7))  # so that there is a stream
    for name in known:
        assert found(passages(log, known, name, closes_at, bucket=bucket)) == expected(log, known, name, closes_at)
