"""Journeys that wait for one another: the second law once more, endings being events."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.laws.journey_nesting_laws import check_nested
from tests.oracles.journey_families import Family, families
from tests.oracles.journey_stories import defined
from tests.oracles.journeys_reference import Event


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(families())
def test_nested_journeys_are_those_of_the_slow_reference(family: Family) -> None:
    """Parent, child and grandchild, of persons, orders or several keys: passages and children agree, one for one."""
    check_nested(family)


def test_the_person_behind_an_ending_is_behind_what_it_opens() -> None:
    """An order's passage that an ending opened belongs to the person whose event opened the first of them."""
    per = ("order_id",)
    journeys = {
        "parent": defined("journey child.completed", name="parent"),
        "child": defined("journey grandchild.expired", name="child", per=per),
        "grandchild": defined("A -> B within 8 seconds", name="grandchild", per=per),
    }
    opening = Event(1_000, "A", whose={"person": 1, "order_id": 7})
    assert "parent completed" in check_nested(Family(journeys, [opening], closes_at=60_000))
