"""A plan: what it listens to, and what its hash stands for."""

from __future__ import annotations

import pytest

from cxminute.journeys.language import journey
from cxminute.journeys.plan import SEEN, compile_plan, unpack
from cxminute.model.errors import BadPattern
from cxminute.model.steps import Step


def test_the_same_step_is_looked_for_once() -> None:
    """A step that stands at several places, or in `unless` too, is matched once an event."""
    plan = compile_plan(journey("A -> B -> A without B", window="1 day", unless=("B", "C")))
    assert plan.steps == (Step("A"), Step("B"), Step("C"))
    assert plan.labels == ("A", "B", "A")


def test_one_and_true_are_different_literals() -> None:
    """A step that asks for the number 1 is not the step that asks for true."""
    plan = compile_plan(journey("A where x = 1 -> A where x = true", window="1 day"))
    assert len(plan.steps) == 2
    assert plan.mask(lambda step: step == plan.steps[0] and step.where is plan.steps[0].where) == 1


def test_the_hash_follows_the_meaning_and_not_the_layout() -> None:
    """Another layout or purpose is the same plan; another window, name, reentry, pattern or `unless` is another."""
    plain = compile_plan(journey("A -> B within 1 day", window="2 days")).hash
    same = compile_plan(journey('"A"\n->\n"B" within 24 hours', window="48 hours", purpose="research", kpi="k")).hash
    others = {
        compile_plan(journey("A -> B within 1 day", window="3 days")).hash,
        compile_plan(journey("A -> B within 1 day", window="2 days", name="other")).hash,
        compile_plan(journey("A -> B within 1 day", window="2 days", reentry="always")).hash,
        compile_plan(journey("A -> B", window="2 days")).hash,
        compile_plan(journey("A -> B within 1 day", window="2 days", unless=("C",))).hash,
    }
    assert same == plain
    assert len(others) == 5
    assert plain not in others


def test_keys_and_names_with_blanks_in_them_are_not_taken_for_others() -> None:
    """A key of two words is not two keys, and no name says more than a name."""
    pattern = "A -> B"
    keyed = [compile_plan(journey(pattern, window="1 day", per=per)) for per in (["p", "a b"], ["p", "a", "b"])]
    named = [compile_plan(journey(pattern, window="1 day", name=name)) for name in ("x", "x\nper p")]
    assert len({plan.hash for plan in (*keyed, *named)}) == 4


def test_paths_of_conditions_are_told_so_that_the_log_can_type_them() -> None:
    """Every path in steps, guards and `unless` is named once."""
    definition = journey(
        "A where x > 1 -> B without (C where y is present)", window="1 day", unless=("D where (x = 2 or t.z = 3)",)
    )
    assert compile_plan(definition).paths == ("properties.x", "properties.y", "t.z")


def test_a_plan_is_small_and_cannot_be_changed() -> None:
    """More than sixty steps are refused, and the arrays of a plan are read-only."""
    with pytest.raises(BadPattern, match="61 positions"):
        compile_plan(journey(" -> ".join(["A"] * 61), window="1 day"))
    with pytest.raises(BadPattern, match="61 positions"):
        compile_plan(journey("A{20} -> (A{20} or (A and B) -> A{20})", window="1 day"))
    with pytest.raises(BadPattern, match="61 different steps"):
        compile_plan(journey("A -> B", window="1 day", unless=[f"E{place}" for place in range(59)]))
    plan = compile_plan(journey(" -> ".join(f"E{place}" for place in range(60)), window="1 day"))
    with pytest.raises(ValueError, match="read-only"):
        plan.moves.edges[0, 0] = 1


def test_packed_and_unpacked_are_the_same_moves() -> None:
    """The one array that is handed over once an event holds all that the plan's arrays hold."""
    definition = journey("(A and B) within 1 day -> C? => D{3} or E => F -> G without (H or I)", window="9 days")
    for function in (unpack, unpack.py_func):
        plan = compile_plan(definition)
        for part, again in zip(plan.moves, function(plan.packed), strict=True):
            assert part.tolist() == again.tolist()


def test_a_mask_says_what_direct_arrows_see() -> None:
    """With `=>` every event counts, but for those that are ignored and the endings of journeys."""
    plan = compile_plan(journey("A => B", window="1 day", ignoring=("Heartbeat",)))
    assert plan.mask(lambda _: False) == SEEN
    assert plan.mask(lambda _: False, ending=True) == 0
    assert plan.mask(lambda step: step == Step("A")) == SEEN | 1
    assert not plan.mask(lambda step: step == Step("Heartbeat")) & SEEN
    assert not compile_plan(journey("A -> B", window="1 day")).mask(lambda _: False)


def test_the_journeys_that_are_waited_for_are_told() -> None:
    """Each journey whose ending is named anywhere in the definition, once."""
    plan = compile_plan(
        journey(
            "A -> journey a-b.completed -> B without journey c.expired", window="1 day", unless=("journey a-b.broken",)
        )
    )
    assert plan.waits_for == ("a-b", "c")
