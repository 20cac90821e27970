"""A plan as lines, as data, and as a picture."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from cxminute.journeys.language import journey
from cxminute.journeys.pictures.diagram import diagram
from cxminute.journeys.pictures.drawing import described, drawn
from cxminute.journeys.plan import Plan, compile_plan

AROUND = """
   ●  1 A     "A"  (opens)
   │  within 2 days
   ●  2 shop  "B"
╭──┤
│  │
│  ●  3 C     "C"
│  │  within 1 week, without "Gone"
╰──┤  from 2: within 1 week, without "Gone"
   ●  4 D     "D" where properties.x > 1  (completes)
"""
PARTED = """
     ◆  1 A and B  "A" and "B" within 1 hour  (opens)
╭────┤
│    │
│    ●  2 C        "C"
│    ║  directly
│    ●  3 D        "D"
│ ╭──╯
╰─┼──╮  from 1
  │  ●  4 E        "E"
  │  │
  ╰──┤  from 3
     ●  5 F        "F"  (completes)
"""


def _plan(pattern: str, *, unless: tuple[str, ...] = (), ignoring: tuple[str, ...] = ()) -> Plan:
    return compile_plan(journey(pattern, window="14 days", name="first", unless=unless, ignoring=ignoring))


def _graph(plan: Plan) -> str:
    """The lines between head and foot."""
    return drawn(plan).split("\n\n")[1]


def test_an_optional_step_has_a_lane_around_it() -> None:
    """The way that leaves it out runs beside it, with the timing that is counted from where it begins."""
    plan = _plan('A -> shop: B within 2 days -> C? -> D where (x > 1) within 7 days without "Gone"')
    assert _graph(plan) == AROUND.strip("\n")


def test_ways_part_and_meet() -> None:
    """After a group each way goes on by itself; where they meet each has a lane of its own; `=>` is a double line."""
    plan = _plan("(A and B) within 1 hour -> (C => D or E) -> F", ignoring=("Beat",))
    assert _graph(plan) == PARTED.strip("\n")


def test_no_two_ways_share_a_lane_at_once() -> None:
    """Every optional step may be left out alone or with its neighbours: each such way is drawn from end to end."""
    lines = _graph(_plan("A -> B? -> C? -> D? -> E")).splitlines()
    assert sum(line.count("╭") for line in lines) == sum(line.count("╰") for line in lines) == 6
    spine = {line.index(sign) for line in lines for sign in "●┤" if sign in line}
    assert len(spine) == 1
    for above, below in pairwise(lines):
        for column, sign in enumerate(below):
            if sign == "╰":
                assert above[column] in "│╭┼"


def test_what_stands_beside_the_pattern_is_told_below() -> None:
    """What breaks a passage, what is looked through, and which journeys must be found first."""
    plan = _plan("A => B -> journey other.broken", unless=("Gone",), ignoring=("Beat",))
    foot = drawn(plan).split("\n\n")[2]
    assert 'broken by "Gone"' in foot
    assert '=> looks through "Beat"' in foot
    assert "waits for journey other" in foot


def test_the_data_say_what_the_lines_say() -> None:
    """Positions count from 1; what time does not limit is None."""
    told = described(_plan("A -> B? -> C within 1 hour after 1 minute"))
    edges = told["edges"]
    assert isinstance(edges, list)
    assert [(edge["from"], edge["to"], edge["within_ms"], edge["after_ms"]) for edge in edges] == [
        (1, 2, None, None), (1, 3, 3_600_000, 60_000), (2, 3, 3_600_000, 60_000),
    ]  # fmt: skip
    assert told["plan"] == _plan("A -> B? -> C within 1 hour after 1 minute").hash


@pytest.mark.parametrize(
    "pattern", ["A", "A -> B{3}", "(A and B) -> C? -> D or E => F", '"<&>" where (x = "<&>") -> "x" without "]]>"']
)
def test_the_picture_shows_every_position_and_way(pattern: str) -> None:
    """A box a position, an arrow a way, whatever signs a name holds."""
    plan = _plan(pattern)
    root = ET.fromstring(diagram(plan))  # noqa: S314 -- drawn by ourselves
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}g/{space}rect")) == len(plan.labels)
    assert len(root.findall(f"{space}g/{space}path")) == len(plan.draft.edges)
