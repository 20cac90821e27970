"""What counts as naming a trouble, and what as a false alarm."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cxminute.simulation.shop import Simulated, simulate
from cxminute.simulation.truth import Truth
from tests.scenarios import shop_truth


@pytest.fixture(scope="module")
def shop() -> Simulated:
    """A small shop with its troubles in the last of three weeks."""
    return simulate(3, weeks=3, starts=date(2026, 3, 2), scale=0.05)


def told(truth: Truth, **other: Any) -> dict[str, Any]:
    """An insight that says a truth, or something else in one word."""
    dimension, value = truth.where or ("", "")
    where = [{"dimension": dimension, "value": value}]
    words = {word: getattr(truth, word) for word in ("week", "about", "measure", "direction")}
    return {**words, "where": where, **other}


def test_insights_that_say_every_planted_truth_have_full_recall(shop: Simulated) -> None:
    """Who names all four troubles with their places has missed none and made up none."""
    week = shop.weeks[-1]
    insights = [told(truth) for truth in shop_truth.planted(shop, week)]
    assert len(insights) == 4
    assert shop_truth.recall([(shop, insights, week)]) == 1.0
    assert not shop_truth.missed(shop, insights, week)
    assert not shop_truth.false_alarms(shop, insights, week)


@pytest.mark.parametrize("wrong", [{"direction": "sideways"}, {"where": []}, {"about": "journey other"}])
def test_a_truth_told_wrongly_is_not_named(shop: Simulated, wrong: dict[str, Any]) -> None:
    """The wrong direction, no place or another figure do not name a trouble."""
    week = shop.weeks[-1]
    insights = [told(truth, **wrong) for truth in shop_truth.planted(shop, week)]
    assert shop_truth.recall([(shop, insights, week)]) == 0.0
    assert len(shop_truth.missed(shop, insights, week)) == 4


def test_a_consequence_is_no_false_alarm(shop: Simulated) -> None:
    """More tickets in the week of the slipping carrier are explained by it, wherever the insight places them."""
    week = shop.weeks[-1]
    tickets = next(one for one in shop.truths if (one.about, one.measure) == ("promise first-reply", "volume"))
    assert tickets.consequence
    assert not shop_truth.false_alarms(shop, [told(tickets, where=[])], week)
    assert shop_truth.false_alarms(shop, [told(tickets, direction="down")], week)


def test_every_insight_of_a_quiet_week_is_a_false_alarm(shop: Simulated) -> None:
    """In a week that no trouble touches nothing explains an insight."""
    quiet = shop.quiet_weeks[0]
    insights = [told(truth, week=quiet) for truth in shop.truths]
    assert shop_truth.false_alarms(shop, insights, quiet) == insights
