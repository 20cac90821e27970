"""Child passages rolled up."""

from __future__ import annotations

from cxminute.journeys.language import journey
from cxminute.journeys.nesting.children import CHILDREN, roll_up
from tests.journeys.nested_log import Row, named, passages

HELP = journey("Asked -> Answered", window="0.005 seconds", name="help")
BUY = journey("Joined -> (journey help.completed or journey help.expired) -> Bought", window="0.02 seconds", name="buy")


def test_each_ending_of_a_child_is_told_with_what_became_of_the_parents() -> None:
    """How many passages it moved, how long the children took, how those passages ended; last those without a child."""
    rows = [
        Row(0, "Joined", 1), Row(1, "Asked", 1), Row(3, "Answered", 1), Row(5, "Bought", 1),
        Row(0, "Joined", 2), Row(1, "Asked", 2), Row(5, "Answered", 2),
        Row(0, "Joined", 3), Row(1, "Asked", 3), Row(9, "Bought", 3),
        Row(50, "Joined", 4),
    ]  # fmt: skip
    told = roll_up(passages(rows, named(HELP, BUY), "buy", 60)).to_pylist()
    assert [(r["journey"], r["ending"], r["passages"], r["children"], r["median_ms"]) for r in told] == [
        ("help", "completed", 2, 2, 3.0), ("help", "expired", 1, 1, 5.0), (None, None, 1, 0, None),
    ]  # fmt: skip
    assert [(r["completed"], r["expired"], r["open"]) for r in told] == [(1, 1, 0), (1, 0, 0), (0, 0, 1)]


def test_without_passages_nothing_is_rolled_up() -> None:
    """The columns are there, and one row that says so: no passage without a child either."""
    told = roll_up(passages([Row(0, "Left")], named(HELP, BUY), "buy", 60))
    assert told.schema == CHILDREN
    assert told["passages"].to_pylist() == [0]
