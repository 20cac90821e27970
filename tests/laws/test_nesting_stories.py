"""The slow reference of nested journeys told as stories: each test is a sentence of the language's page."""

from __future__ import annotations

from dataclasses import replace

from cxminute.journeys.definition import JourneyDefinition
from tests.oracles.journey_shape import Child
from tests.oracles.journey_stories import defined, happened
from tests.oracles.nesting_reference import Nesting


def _told(journeys: dict[str, JourneyDefinition], text: str, closes_at: int = 100) -> list[str]:
    """What became of the person's passages through the journey called 'parent'."""
    log = [replace(event, whose={"person": 1, "order_id": 7}) for event in happened(text)]
    found = Nesting(journeys, log, closes_at * 1_000).passages("parent")
    return [f"{one.ending} {(one.closed or 0) // 1_000}" for passages in found.values() for one in passages]


def test_an_ending_is_an_event_at_its_time() -> None:
    """What expires ends at its deadline, and is seen then, though no event told of it."""
    journeys = {
        "parent": defined("A -> journey child.expired -> C", name="parent"),
        "child": defined("B -> D within 5 seconds", name="child"),
    }
    assert _told(journeys, "A@0 B@1 C@5 C@7") == ["completed 7"]
    assert _told(journeys, "A@0 B@1 C@5 D@6 C@7") == ["open 0"]


def test_an_ending_follows_its_cause() -> None:
    """At one millisecond it stands behind all events, and the child's before that of the journey that waits for it."""
    journeys = {
        "parent": defined("journey child.completed -> B", name="parent"),
        "child": defined("A -> B", name="child"),
    }
    assert _told(journeys, "A@0 B@1") == ["open 0"]
    journeys = {
        "parent": defined("A -> journey lower.completed -> journey middle.completed", name="parent"),
        "middle": defined("journey lower.completed", name="middle"),
        "lower": defined("B", name="lower"),
    }
    assert _told(journeys, "A@0 B@1") == ["completed 1"]


def test_an_ending_carries_what_opened_its_passage() -> None:
    """A condition on an ending looks at the event that opened the child passage."""
    journeys = {
        "parent": defined("A -> journey child.completed where x = 1", name="parent"),
        "child": defined("B -> C", name="child"),
    }
    assert _told(journeys, "A@0 B[x=0]@1 C[x=1]@2 B[x=1]@3 C@4") == ["completed 4"]


def test_a_person_sees_the_endings_of_orders() -> None:
    """The ending of an order's passage is an event of the person behind it, who is listed its child."""
    journeys = {
        "parent": defined("A -> journey child.broken", name="parent"),
        "child": defined("B -> C without X", name="child", per=("order_id",)),
    }
    log = [replace(event, whose={"person": 1, "order_id": 7}) for event in happened("A@0 B@1 X@2")]
    passage = Nesting(journeys, log, 9_000).passages("parent")[1,][0]
    assert passage.children == (Child("child", "broken", 7, 1_000, 2_000),)
