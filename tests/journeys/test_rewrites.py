"""From a definition to its graph: what every rewrite does, in files that a person has read.

After a wanted change: `python -m tests.journeys.test_rewrites` writes them anew; read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.journeys.rewrites import REWRITES, Draft, Edge
from cxminute.journeys.syntax.printing import print_duration, print_pattern, print_step

GOLDEN = Path(__file__).parent / "golden"

JOURNEYS: dict[str, JourneyDefinition] = {
    "chain": journey(
        'viewed: "Product Viewed" -> carted: "Product Added" within 2 days'
        ' -> bought: "Order Completed" where (total > 0) within 7 days without "Product Removed"',
        window="14 days",
        unless=('"Account Closed"',),
    ),
    "optional": journey(
        '"Cart Viewed" -> "Coupon Applied"? within 1 hour -> Gift? -> "Order Completed"', window="1 day"
    ),
    "repeated": journey("Visit{3} -> Order{2} within 2 days after 1 hour -> Review", window="30 days"),
    "either": journey("Start -> (Phone -> Answered or (Mail -> Answered or Chat)) -> Solved", window="1 week"),
    "brackets": journey("(A -> (B -> C)) -> ((D))", window="1 day"),
    "ways": journey("A -> B or (C -> D or E -> F)", window="1 day"),
    "groups": journey(
        'papers: (Passport and Contract and Photo) within 2 days -> (Paid and "Terms Accepted") within 1 day -> Opened',
        window="10 days",
    ),
    "direct": journey("Cart => Coupon? => Paid => Thanks", window="1 hour", ignoring=("Heartbeat", "Scroll")),
    "long-within": journey("A -> B within 3 days -> (C and D) within 2 days -> E after 0 seconds", window="2 days"),
    "nested": journey(
        "Ordered -> journey delivery.completed -> journey return.broken? -> Reviewed without journey delivery.broken",
        window="60 days",
        unless=("journey delivery.expired",),
    ),
    "anything": journey("Left -> any after 30 days", window="365 days"),
}


def told(draft: Draft) -> str:
    """A draft in words: its pattern, and as much of the graph as there is."""
    lines = [f"  {print_pattern(draft.pattern)}"]
    for place, position in enumerate(draft.positions):
        role = ("first " if place in draft.firsts else "") + ("last" if place in draft.lasts else "")
        apart = "" if position.within is None else f" within {print_duration(position.within)}"
        steps = " and ".join(print_step(step) for step in position.steps)
        lines.append(f"  position {place} {position.label}: {steps}{apart}{f' ({role.strip()})' if role else ''}")
    lines += [f"  edge {_edge(edge)}" for edge in draft.edges]
    lines += [f"  bit {bit} {print_step(step)}" for bit, step in enumerate(draft.steps)]
    return "\n".join(lines)


def _edge(edge: Edge) -> str:
    timing = edge.timing
    said = f"{edge.origin} {'=>' if edge.direct else '->'} {edge.target}"
    said += "" if timing.within is None else f" within {print_duration(timing.within)}"
    said += "" if timing.after is None else f" after {print_duration(timing.after)}"
    return said + "".join(f" without {print_step(step)}" for step in timing.without)


def stages(definition: JourneyDefinition) -> str:
    """The definition, and what it is after each rewrite."""
    draft = Draft(definition, definition.pattern)
    text = f"definition\n{told(draft)}\n"
    for rewrite in REWRITES:
        after = rewrite(draft)
        text += f"{rewrite.__name__}\n{told(after)}\n" if after != draft else f"{rewrite.__name__}: the same\n"
        draft = after
    return text


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_rewrite_does_what_was_read_and_agreed(name: str) -> None:
    """From the text to the graph, step by step, a journey compiles to what the file beside says."""
    assert stages(JOURNEYS[name]) == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_no_golden_file_is_left_over() -> None:
    """Each file belongs to a journey."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(JOURNEYS)


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_rewrite_done_twice_changes_nothing_more(name: str) -> None:
    """What a rewrite has put in order stays in order."""
    draft = Draft(JOURNEYS[name], JOURNEYS[name].pattern)
    for rewrite in REWRITES:
        draft = rewrite(draft)
        assert rewrite(draft) == draft


def test_an_arrow_leads_forward_and_every_position_lies_on_a_way() -> None:
    """Origins stand before targets; each position but the first follows one, each but the last leads to one."""
    for definition in JOURNEYS.values():
        draft = compile_plan(definition).draft
        places = range(len(draft.positions))
        assert all(edge.origin < edge.target for edge in draft.edges)
        assert {edge.target for edge in draft.edges} == set(places) - set(draft.firsts)
        assert {edge.origin for edge in draft.edges} == set(places) - set(draft.lasts)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for journey_name, told_of in JOURNEYS.items():
        (GOLDEN / f"{journey_name}.txt").write_text(stages(told_of), "utf-8")
