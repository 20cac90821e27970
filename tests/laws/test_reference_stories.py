"""The slow reference told as stories: each test is a sentence of the language's page."""

from __future__ import annotations

import pytest

from tests.oracles.journey_stories import defined, ends, found


def test_opening_counts_as_reaching() -> None:
    """A journey of one step is completed by the event that opens it."""
    assert ends(defined("A"), "B@0 A@1 A@4") == ["1-1 completed", "4-4 completed"]


def test_a_step_later_is_a_step() -> None:
    """Between two steps of `->` anything may happen."""
    assert ends(defined("A -> B"), "B@0 A@1 C@2 B@9") == ["1-9 completed"]


def test_comparisons_of_time_are_inclusive() -> None:
    """An answer in the promised millisecond is kept; one millisecond later it is not."""
    journey = defined("A -> B within 5 seconds")
    assert ends(journey, "A@0 B@5") == ["0-5 completed"]
    assert ends(journey, "A@0 B@6") == ["0-5 expired"]
    assert ends(defined("A -> B", window=5), "A@0 B@5") == ["0-5 completed"]
    assert ends(defined("A -> B", window=5), "A@0 B@6") == ["0-5 expired"]
    assert ends(defined("A -> B after 5 seconds"), "A@0 B@4 B@5") == ["0-5 completed"]


def test_the_log_closes() -> None:
    """Later events are not seen; what has not run out before the close is open, what ran out at it too."""
    journey = defined("A -> B within 5 seconds")
    assert ends(journey, "A@0 B@4", closes_at=3) == ["0 open"]
    assert ends(journey, "A@0", closes_at=5) == ["0 open"]
    assert ends(journey, "A@0", closes_at=6) == ["0-5 expired"]


def test_within_counts_from_the_last_time() -> None:
    """The customer started over: `within` counts afresh, the opening stays."""
    assert ends(defined("A -> B within 5 seconds"), "A@0 A@4 B@9") == ["0-9 completed"]
    assert ends(defined("A -> B within 5 seconds", window=8), "A@0 A@4 B@9") == ["0-8 expired"]


def test_after_counts_from_the_first_time() -> None:
    """`after` is not pushed away by what is repeated."""
    assert ends(defined("A -> B after 5 seconds"), "A@0 A@4 B@6") == ["0-6 completed"]


def test_a_later_step_is_reached_again_too() -> None:
    """A reached position takes the later event as its last time, as long as its own edge lets it through."""
    assert ends(defined("A -> B -> C within 3 seconds"), "A@0 B@1 B@4 C@7") == ["0-7 completed"]
    assert ends(defined("A -> B within 2 seconds -> C within 3 seconds"), "A@0 B@1 B@4 C@7") == ["0-4 expired"]


@pytest.mark.parametrize(
    ("reentry", "expected"),
    [
        ("once", ["0-1 completed"]),
        ("after exit", ["0-1 completed", "2-4 completed"]),
        ("always", ["0-1 completed", "2-4 completed", "3-4 completed"]),
    ],
)
def test_reentry(reentry: str, expected: list[str]) -> None:
    """One passage ever; one at a time; or one for each first step."""
    journey = defined("A -> B", reentry=reentry)  # type: ignore[arg-type]  # a plain text of the parametrization
    assert ends(journey, "A@0 B@1 A@2 A@3 B@4") == expected


def test_what_completes_opens_nothing_in_its_place() -> None:
    """The event that completed a passage opens none in its place, except under 'always'."""
    assert ends(defined("A -> A"), "A@0 A@1 A@2") == ["0-1 completed", "2 open"]
    assert ends(defined("A -> A", reentry="always"), "A@0 A@1 A@2") == ["0-1 completed", "1-2 completed", "2 open"]


def test_what_breaks_may_open() -> None:
    """An event that broke a passage, or that came after one expired, may open the next."""
    assert ends(defined("A -> B", unless=["A"]), "A@0 A@1 B@2") == ["0-1 broken", "1-2 completed"]
    assert ends(defined("A -> B within 2 seconds"), "A@0 A@5 B@6") == ["0-2 expired", "5-6 completed"]


def test_unless_comes_before_progress() -> None:
    """An event that is both the last step and an `unless` step breaks the passage."""
    assert ends(defined("A -> B", unless=["B where x = 1"]), "A@0 B[x=1]@1 A@2 B@3") == [
        "0-1 broken",
        "2-3 completed",
    ]


def test_time_comes_before_unless() -> None:
    """What ran out before an `unless` event expired, at its deadline."""
    assert ends(defined("A -> B within 2 seconds", unless=["X"]), "A@0 X@3") == ["0-2 expired"]


def test_the_opening_event_breaks_nothing() -> None:
    """`unless` and guards look at later events."""
    assert ends(defined("A -> B without A", unless=["A where x = 1"]), "A[x=1]@0 B@1") == ["0-1 completed"]


def test_a_guard_cuts_the_edge() -> None:
    """What came between leaves no way forward: broken; a new start opens anew."""
    journey = defined("A -> B without X")
    assert ends(journey, "A@0 X@1 B@2") == ["0-1 broken"]
    assert ends(journey, "X@0 A@1 B@2 X@3") == ["1-2 completed"]


def test_a_guard_spares_the_event_that_reaches() -> None:
    """An event that is the step and its guard reaches the step."""
    assert ends(defined("A -> any without B -> C"), "A@0 B@1 C@2") == ["0-2 completed"]


def test_a_cut_edge_is_whole_when_its_origin_is_reached_again() -> None:
    """Also by the event that cut it."""
    journey = defined("A -> B -> C without X")
    assert ends(journey, "A@0 B@1 X@2 C@3 B@4 C@5") == ["0-5 completed"]
    assert ends(defined("A -> B without A"), "A@0 A@1 B@2") == ["0-2 completed"]
    assert ends(defined("A -> B -> C without B"), "A@0 B@1 B@2 C@3") == ["0-3 completed"]


def test_one_event_serves_no_way_twice() -> None:
    """Everything looks at the state before the event: two steps alike need two events, also at one time."""
    assert ends(defined("A -> B -> B"), "A@0 B@1", closes_at=1) == ["0 open"]
    assert ends(defined("A -> B -> B"), "A@0 B@1 B@1") == ["0-1 completed"]


def test_an_event_may_reach_several_positions() -> None:
    """On several ways, or on one: each from the state before it."""
    one = found(defined("A -> (B -> C or any -> D)"), "A@0 B@1", closes_at=2)[0]
    assert one.reached == (0, 1_000, None, 1_000, None)
    assert one.deepest == 2


def test_an_edge_goes_around_an_optional_step() -> None:
    """With its own timing, measured from the position that it leaves."""
    journey = defined("A -> B? -> C within 3 seconds")
    assert ends(journey, "A@0 C@3") == ["0-3 completed"]
    assert ends(journey, "A@0 B@3 C@6") == ["0-6 completed"]
    assert ends(journey, "A@0 B@3 C@7 B@8 C@9") == ["0-9 completed"]
    assert ends(journey, "A@0 C@4") == ["0 open"]  # B may still come
    assert [one.deepest for one in found(journey, "A@0 C@3")] == [2]


def test_or_offers_ways() -> None:
    """The way that is completed first completes the passage; another's guard ends only that way."""
    journey = defined("A -> B without X -> C or A -> D")
    assert ends(journey, "A@0 X@1 B@2 D@3") == ["0-3 completed"]
    assert ends(defined("(A or B) -> C"), "B@0 A@1 C@2") == ["0-2 completed"]
    assert ends(defined("A -> B or C"), "C@0 A@1 B@2") == ["0-0 completed", "1-2 completed"]


def test_times_are_positions_in_a_row() -> None:
    """`{n}` is n positions with the same step and timing."""
    journey = defined("A -> B{3} within 2 seconds")
    assert ends(journey, "A@0 B@2 B@4 B@6") == ["0-6 completed"]
    assert ends(journey, "A@0 B@2 B@5") == ["0-4 expired"]
    assert found(journey, "A@0 B@2 B@4 B@6")[0].reached == (0, 2_000, 4_000, 6_000)
    assert ends(defined("A{2} -> B"), "A@0 B@1 A@2 B@3") == ["0-3 completed"]


def test_repetitions_are_not_direct() -> None:
    """The arrow before `{n}` leads to the first of them; between them it is `->`."""
    assert ends(defined("A => B{2}"), "A@0 B@1 X@2 B@3") == ["0-3 completed"]
    assert ends(defined("A => B{2}"), "A@0 X@1 B@2 B@3") == ["0-1 broken"]


def test_directly_means_nothing_between() -> None:
    """`=>` dies with the first event of the stream that is not ignored, and is whole from its origin on."""
    assert ends(defined("A => B"), "A@0 B@1") == ["0-1 completed"]
    assert ends(defined("A => B"), "A@0 X@1 B@2") == ["0-1 broken"]
    assert ends(defined("A => B"), "A@0 A@1 B@2") == ["0-2 completed"]
    assert ends(defined("A -> B => C"), "A@0 B@1 X@2 B@3 C@4") == ["0-4 completed"]
    assert ends(defined("A => B", ignoring=["X"]), "A@0 X@1 X@2 B@3") == ["0-3 completed"]


def test_a_direct_edge_dies_with_the_event_that_takes_it() -> None:
    """A second event takes it no more, though it matches; where the first is ignored, nothing lies between yet."""
    assert ends(defined("A => B -> C within 2 seconds"), "A@0 B@1 B@2 C@4") == ["0-3 expired"]
    assert ends(defined("A => B -> C within 2 seconds", ignoring=["B"]), "A@0 B@1 B@2 C@4") == ["0-4 completed"]


def test_a_direct_edge_around_an_optional_step() -> None:
    """The arrow before a step belongs to every edge into it."""
    journey = defined("A -> B? => C")
    assert ends(journey, "A@0 C@1") == ["0-1 completed"]
    assert ends(journey, "A@0 B@1 C@2") == ["0-2 completed"]
    assert ends(journey, "A@0 X@1 C@2 B@3 C@4") == ["0-4 completed"]


def test_endings_are_seen_only_where_they_are_named() -> None:
    """`any` and `=>` do not see them."""
    assert ends(defined("A => B"), "A@0 other.broken@1 B@2") == ["0-2 completed"]
    assert ends(defined("A -> any"), "A@0 other.broken@1 B@2") == ["0-2 completed"]
    assert ends(defined("A -> journey other.broken"), "A@0 other.completed@1 other.broken@2") == ["0-2 completed"]
    assert ends(defined("A -> B", unless=["journey other.broken"]), "A@0 other.broken@1") == ["0-1 broken"]
    assert ends(defined("A => journey other.broken"), "A@0 other.completed@1 other.broken@2") == ["0-2 completed"]


def test_a_parent_lists_the_children_that_made_it() -> None:
    """The passages whose endings reached or marked a position; one that only broke it is not among them."""
    journey = defined("A -> (journey x.completed and B) -> C", unless=["journey y.broken"])
    one = found(journey, "A@0 x.completed@1 x.completed@2 y.broken@3")[0]
    assert one.ending == "broken"
    assert [(child.journey, child.closed) for child in one.children] == [("x", 1_000)]


def test_a_group_is_reached_in_any_order() -> None:
    """It is one position, reached with the last of its steps."""
    journey = defined("A -> (B and C) -> D")
    assert ends(journey, "A@0 C@1 B@2 D@3") == ["0-3 completed"]
    assert ends(journey, "A@0 C@1 C@2 D@3") == ["0 open"]
    assert found(journey, "A@0 C@1 B@2 D@3")[0].reached == (0, 2_000, 3_000)


def test_an_event_marks_the_first_missing_step() -> None:
    """A step that stands twice is wanted twice, and one event marks one step."""
    assert ends(defined("A -> (B and B)"), "A@0 B@1", closes_at=2) == ["0 open"]
    assert ends(defined("A -> (B and B)"), "A@0 B@1 B@2") == ["0-2 completed"]
    assert ends(defined("A -> (any and B)"), "A@0 B@1 C@2", closes_at=3) == ["0 open"]


def test_a_later_group_is_timed_from_before() -> None:
    """Each mark lies within the duration of the last time that the position before was reached."""
    journey = defined("A -> (B and C) within 5 seconds")
    assert ends(journey, "A@0 B@1 C@5") == ["0-5 completed"]
    assert ends(journey, "A@0 B@1 C@6") == ["0-5 expired"]
    assert ends(journey, "A@0 B@1 A@5 C@10") == ["0-10 completed"]  # an origin reached again clears nothing


def test_a_later_group_forgets_when_its_time_runs_out() -> None:
    """When no edge into it is live any more it is cleared, and must be seen whole once its origin is back."""
    journey = defined("A -> X -> (B and C) within 2 seconds or A -> Y")
    assert ends(journey, "A@0 X@1 B@2 X@4 C@5 Y@6") == ["0-6 completed"]
    assert ends(journey, "A@0 X@1 B@2 X@3 C@5") == ["0-5 completed"]


def test_a_first_group_opens_with_its_first_mark() -> None:
    """Its marks must lie within its duration of the first of them."""
    journey = defined("(A and B) within 3 seconds -> C")
    assert ends(journey, "B@0 A@3 C@9") == ["0-9 completed"]
    assert ends(journey, "B@0 A@4 B@5 C@6") == ["0-3 expired", "4-6 completed"]
    one = found(journey, "B@0", closes_at=2)[0]
    assert (one.reached, one.deepest) == ((None, None), 1)


def test_a_first_group_beside_another_way_is_cleared_in_time() -> None:
    """The passage lives on another way; what the group had seen is forgotten, the most it had seen is not."""
    journey = defined("(A and B) within 2 seconds -> C or A -> D")
    assert ends(journey, "A@0 B@3 C@4 D@5") == ["0-5 completed"]
    one = found(defined("(A and B and E) within 2 seconds -> C or A -> D"), "A@0 B@1 X@5 D@6")[0]
    assert one.deepest == 2


def test_a_group_that_is_reached_starts_over() -> None:
    """Reached, it is cleared; seen whole again, it is reached again and its edges count afresh."""
    journey = defined("(A and B) -> C within 2 seconds")
    assert ends(journey, "A@0 B@1 B@2 A@3 C@5") == ["0-5 completed"]
    assert ends(journey, "A@0 B@1 B@2 C@5") == ["0 open"]  # partly seen it is a way forward


def test_deepest_counts_positions_on_one_way() -> None:
    """Gaps or not; a group as all its steps once reached, before that as the most marked at once."""
    assert [one.deepest for one in found(defined("A -> B? -> C -> D"), "A@0 C@1", closes_at=2)] == [2]
    assert [one.deepest for one in found(defined("A -> B -> C or A -> D"), "A@0 D@1")] == [2]
    assert [one.deepest for one in found(defined("A -> (B and C and D)"), "A@0 B@1 D@2", closes_at=3)] == [3]
    assert [one.deepest for one in found(defined("A -> (B and C and D)"), "A@0 B@1 D@2 C@3")] == [4]
    assert [one.deepest for one in found(defined("A -> B{3}"), "A@0 B@1 B@2", closes_at=3)] == [3]


def test_the_last_live_edge_sets_the_deadline() -> None:
    """An edge that was cut or has run out keeps no passage alive."""
    journey = defined("A -> B within 9 seconds without X -> D or A -> C within 4 seconds")
    assert ends(journey, "A@0 X@1", closes_at=20) == ["0-4 expired"]
    assert ends(journey, "A@0", closes_at=20) == ["0-9 expired"]


def test_a_passage_without_a_way_forward_is_broken() -> None:
    """Though the customer might start over: that opens another."""
    assert ends(defined("A => B -> C"), "A@0 X@1 A@2 B@3 C@4") == ["0-1 broken", "2-4 completed"]


def test_conditions_compare_like_with_like() -> None:
    """A comparison between unlike types is false; what is not there is only missing."""
    assert ends(defined("A where x = 1"), "A@0 A[x=one]@1 A[x=1]@2") == ["2-2 completed"]
    assert ends(defined('A where x != "one"'), "A@0 A[x=one]@1 A[x=1]@2 A[x=two]@3") == ["3-3 completed"]
    assert ends(defined("A where x is missing"), "A@0 A[x=one]@1") == ["0-0 completed"]
