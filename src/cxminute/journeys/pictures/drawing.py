"""A plan shown: its positions and the ways between them, as data and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cxminute.journeys.definition import Timing
from cxminute.journeys.plan import Plan
from cxminute.journeys.rewrites import Edge, Position
from cxminute.journeys.syntax.printing import print_duration, print_pattern, print_step


def described(plan: Plan) -> dict[str, object]:
    """The plan as data; positions are counted from 1, durations are milliseconds, None where time sets no limit.

    positions: what is waited for, in order of the text; `opens` and `completes` say where passages begin and are won
    edges:     from which position to which, how directly, in what time, and what cuts the way
    """
    definition = plan.definition
    return {
        "name": plan.name,
        "plan": plan.hash,
        "per": list(definition.per),
        "pattern": print_pattern(definition.pattern),
        "window_ms": definition.window,
        "reentry": definition.reentry,
        "unless": [print_step(step) for step in definition.unless],
        "ignoring": [print_step(step) for step in definition.ignoring],
        "purpose": definition.purpose,
        "kpi": definition.kpi,
        "on_change": definition.on_change,
        "waits_for": list(plan.waits_for),
        "positions": [
            {
                "step": place + 1,
                "label": position.label,
                "steps": [print_step(step) for step in position.steps],
                "within_ms": position.within,
                "opens": place in plan.draft.firsts,
                "completes": place in plan.draft.lasts,
            }
            for place, position in enumerate(plan.draft.positions)
        ],
        "edges": [
            {
                "from": edge.origin + 1,
                "to": edge.target + 1,
                "directly": edge.direct,
                "within_ms": edge.timing.within,
                "after_ms": edge.timing.after,
                "without": [print_step(step) for step in edge.timing.without],
            }
            for edge in plan.draft.edges
        ],
    }


def drawn(plan: Plan) -> str:
    """The plan as lines: positions from the top down, ways that leave some out in lanes on the left."""
    return "\n".join((*_head(plan), "", *_graph(plan), "", *_foot(plan)))


def timing_of(edge: Edge) -> str:
    """When an event is let through, in the words of the language; 'directly' for `=>`."""
    said = ["directly"] if edge.direct else []
    said += _timing(edge.timing)
    return ", ".join(said)


def shown(position: Position) -> str:
    """What a position waits for; a group's steps joined by 'and'."""
    said = " and ".join(print_step(step) for step in position.steps)
    return said if position.within is None else f"{said} within {print_duration(position.within)}"


def _head(plan: Plan) -> Iterator[str]:
    definition = plan.definition
    yield f"{plan.name}  per {' and '.join(definition.per)}, within {print_duration(definition.window)} of opening"
    again = {"once": "once per subject", "after exit": "again after it ended", "always": "with every first step"}
    yield f"opens {again[definition.reentry]}; plan {plan.hash}"


def beside(plan: Plan) -> Iterator[str]:
    """What holds wherever a passage stands: the steps that break it, and those that `=>` looks through."""
    for step in plan.definition.unless:
        yield f"broken by {print_step(step)}, wherever it stands"
    for step in plan.definition.ignoring:
        yield f"=> looks through {print_step(step)}"


def _foot(plan: Plan) -> Iterator[str]:
    definition = plan.definition
    yield from beside(plan)
    for name in plan.waits_for:
        yield f"waits for journey {name}"
    yield f"purpose {definition.purpose}" + (f", to move {definition.kpi}" if definition.kpi else "")


def _graph(plan: Plan) -> Iterator[str]:
    edges = plan.draft.edges
    lanes = _lanes([edge for edge in edges if edge.target > edge.origin + 1])
    width = 1 + max(lanes.values(), default=-1)
    wide = max(len(label) for label in plan.labels)
    on: dict[int, Edge] = {}
    spine = ""
    for place, position in enumerate(plan.draft.positions):
        for edge, lane in sorted(lanes.items(), key=lambda pair: (pair[1], pair[0].origin)):
            if edge.target == place:
                line = _turn(on, lane, width, "╰") + ("┤" if spine else "╮")
                del on[lane]
                spine = spine or "│"
                yield f"{line}  {_after(f'from {edge.origin + 1}', timing_of(edge))}"
        roles = [
            word for word, some in (("opens", plan.draft.firsts), ("completes", plan.draft.lasts)) if place in some
        ]
        mark = "◆" if len(position.steps) > 1 else "●"
        said = f"{mark} {place + 1:>2} {plan.labels[place]:<{wide}}  {shown(position)}"
        yield f"{_straight(on, width)}{said}" + (f"  ({', '.join(roles)})" if roles else "")
        here = {edge: lane for edge, lane in lanes.items() if edge.origin == place}
        following = next((edge for edge in edges if (edge.origin, edge.target) == (place, place + 1)), None)
        spine = ("║" if following.direct else "│") if following else ""
        for number, (edge, lane) in enumerate(sorted(here.items(), key=lambda pair: -pair[1])):
            more = number + 1 < len(here) or following is not None
            yield _turn(on, lane, width, "╭") + ("┤" if more else "╯")
            on[lane] = edge
        if following is not None:
            yield f"{_straight(on, width)}{spine}  {timing_of(following)}".rstrip()


def _lanes(edges: Sequence[Edge]) -> dict[Edge, int]:
    """A lane for each way that leaves positions out, 0 next to the spine: short ways inside, none on another."""
    taken: dict[Edge, int] = {}
    for edge in sorted(edges, key=lambda edge: (edge.target - edge.origin, edge.origin)):
        busy = {lane for other, lane in taken.items() if edge.origin < other.target and other.origin < edge.target}
        # A way ends above a position and begins below one: two that meet there do not touch.
        taken[edge] = next(lane for lane in range(len(edges)) if lane not in busy)
    return taken


def _straight(on: dict[int, Edge], width: int) -> str:
    """The lanes beside a line that none of them turns on."""
    return "".join(("│" if lane in on else " ") + " " for lane in reversed(range(width))) + " " * bool(width)


def _turn(on: dict[int, Edge], lane: int, width: int, corner: str) -> str:
    """The lanes beside a line on which one of them leaves the spine or comes back to it."""
    outside = "".join(("│" if other in on else " ") + " " for other in reversed(range(lane + 1, width)))
    inside = "".join("─" + ("┼" if other in on else "─") for other in reversed(range(lane)))
    return f"{outside}{corner}{inside}──"


def _after(origin: str, timing: str) -> str:
    return f"{origin}: {timing}" if timing else origin


def _timing(timing: Timing) -> Iterator[str]:
    if timing.within is not None:
        yield f"within {print_duration(timing.within)}"
    if timing.after is not None:
        yield f"after {print_duration(timing.after)}"
    if timing.without:
        yield f"without {' or '.join(print_step(step) for step in timing.without)}"
