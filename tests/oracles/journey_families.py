"""Generated journeys that wait for one another, and one log of persons and their orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from hypothesis import strategies as st

from cxminute.journeys.definition import Group, JourneyDefinition, Part, Pattern, Single
from cxminute.model.steps import Step
from tests.oracles.journey_walks import BEGINS, NOISE, chains, closings, definitions, free, shares
from tests.oracles.journeys_reference import Event


@dataclass(frozen=True)
class Family:
    """Journeys that wait for one another, by name, and one log of persons and their orders.

    log: events in order; `whose` says the person of each, and of some the order
    """

    journeys: Mapping[str, JourneyDefinition]
    log: Sequence[Event]
    closes_at: int


_TURNS = tuple((name, ending) for name in "ABC" for ending in ("completed", "broken", "expired", "completed"))
_PERS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("person",), ("person",), ("person",)),
    (("person",), ("order_id",), ("order_id",)),
    (("person",), ("person",), ("order_id",)),
    (("person",), ("person", "y"), ("person", "y")),
    (("person", "y"), ("person", "y"), ("person", "y")),
)
"""Of the parent, its child and the grandchild."""


@cache
@st.composite
def families(draw: st.DrawFn) -> Family:
    """A parent that waits for its child, which may wait for its own; one name of each became an ending."""
    journeys = {}
    names = ("parent", "child", "grandchild")
    for name, below, per in zip(names, (*names[1:], None), draw(st.sampled_from(_PERS)), strict=True):
        definition = draw(definitions() if name == "parent" else st.one_of(chains(), definitions()))
        turn = draw(st.sampled_from(_TURNS)) if name == "parent" or draw(shares) >= 4 else None
        journeys[name] = _turned(replace(definition, name=name, per=per), below, turn)
    at, log = BEGINS, []
    for gap, named, values, _ in draw(st.lists(free, min_size=4, max_size=18)):
        whose = draw(st.sampled_from(({"person": 1, "order_id": 7}, {"person": 1}, {"person": 2, "order_id": 8})))
        at += gap
        step = named if named.kind == "event" else Step(NOISE)
        log.append(Event(at, step.name, values, whose=whose))
    return Family(journeys, log, draw(closings))


def _turned(journey: JourneyDefinition, below: str | None, turn: tuple[str, str] | None) -> JourneyDefinition:
    """The journey with one name as an ending of the journey below it; without one below, endings are names."""

    def step_of(step: Step) -> Step:
        if below is None:
            return Step(NOISE) if step.kind == "ending" else step
        if step.kind == "ending":
            return replace(step, name=f"{below}.{step.name.rpartition('.')[2]}")
        if turn and step.kind == "event" and step.name == turn[0]:
            return replace(step, name=f"{below}.{turn[1]}", kind="ending")
        return step

    def part_of(part: Part) -> Part:
        match part:
            case Single():
                guards = tuple(dict.fromkeys(step_of(step) for step in part.timing.without))
                return replace(part, step=step_of(part.step), timing=replace(part.timing, without=guards))
            case Group():
                return replace(part, steps=tuple(step_of(step) for step in part.steps))
            case Pattern():
                return pattern_of(part)

    def pattern_of(pattern: Pattern) -> Pattern:
        return Pattern(tuple(replace(way, parts=tuple(part_of(part) for part in way.parts)) for way in pattern.ways))

    return replace(
        journey,
        pattern=pattern_of(journey.pattern),
        unless=tuple(step_of(step) for step in journey.unless),
        ignoring=tuple(step_of(step) for step in journey.ignoring),
    )
