"""The positions and edges of a pattern, and what a step matches: plain Python from the language's page.

It shares nothing with the plan or the kernel but the nodes of the language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cxminute.journeys.definition import Arrow, Chain, Group, Part, Pattern, Single
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step, StepKind


@dataclass(frozen=True)
class Child:
    """A passage whose ending became an event: through which journey, how it ended, whose, from when to when."""

    journey: str
    ending: str
    subject: int
    opened: int
    closed: int


@dataclass(frozen=True)
class Event:
    """When, what, and with which properties by their path.

    kind:   'event', or 'ending' for the ending of a passage; its properties are those of that passage's opening event
    child:  of an ending, the passage
    whose:  the subject by the space ('person', 'order_id'), where several journeys look at one log
    """

    at: int
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    kind: StepKind = "event"
    child: Child | None = None
    source: str = "shop"
    whose: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A position: a single step, one of the n of `{n}`, or a group.

    steps:  one, or those of the group in order of the text
    within: of a group that is first, how long after its first mark the others may come; None: at any time
    """

    steps: tuple[Step, ...]
    is_group: bool
    is_first: bool
    within: int | None = None


@dataclass(frozen=True)
class Edge:
    """From a position to one that may come next, with the arrow before it and the timing written on it."""

    origin: int
    target: int
    within: int | None
    after: int | None
    guard: tuple[Step, ...]
    direct: bool


class Shape:
    """All positions of a pattern in order of the text, the edges between them, and the last positions."""

    def __init__(self, pattern: Pattern) -> None:
        self.places: list[Place] = []
        self.edges: list[Edge] = []
        self.last = self._pattern(pattern, None, "->")

    def into(self, place: int) -> list[int]:
        """The edges into a position."""
        return [number for number, edge in enumerate(self.edges) if edge.target == place]

    def longest(self, weights: Mapping[int, int]) -> int:
        """The largest weight of any one way through the pattern."""
        return max(self._from(place, weights) for place, told in enumerate(self.places) if told.is_first)

    def _from(self, place: int, weights: Mapping[int, int]) -> int:
        onward = (self._from(edge.target, weights) for edge in self.edges if edge.origin == place)
        return weights.get(place, 0) + max(onward, default=0)

    def _pattern(self, pattern: Pattern, before: list[int] | None, arrow: Arrow) -> list[int]:
        """Adds the ways; from where the next part goes on. Before the first part is None: nothing."""
        return [place for way in pattern.ways for place in self._chain(way, before, arrow)]

    def _chain(self, chain: Chain, before: list[int] | None, arrow: Arrow) -> list[int]:
        ends = before
        for part, its_arrow in zip(chain.parts, (arrow, *chain.arrows), strict=True):
            reached = self._part(part, ends, its_arrow)
            around = ends if isinstance(part, Single) and part.optional else []
            ends = [*reached, *(around or [])]
        return ends or []

    def _part(self, part: Part, before: list[int] | None, arrow: Arrow) -> list[int]:
        match part:
            case Pattern():
                return self._pattern(part, before, arrow)
            case Group(steps=steps, within=within):
                number = len(self.places)
                first = before is None
                self.places.append(Place(steps, is_group=True, is_first=first, within=within if first else None))
                self.edges += [Edge(origin, number, within, None, (), direct=False) for origin in before or []]
                return [number]
            case Single():
                return self._single(part, before, arrow)

    def _single(self, part: Single, before: list[int] | None, arrow: Arrow) -> list[int]:
        timing = part.timing
        origins, direct = before, arrow == "=>"
        for _ in range(part.times):
            number = len(self.places)
            self.places.append(Place((part.step,), is_group=False, is_first=origins is None))
            self.edges += [
                Edge(origin, number, timing.within, timing.after, timing.without, direct=direct)
                for origin in origins or []
            ]
            origins, direct = [number], False
        return origins or []


def matches(step: Step, event: Event) -> bool:
    """Name, case included, and condition; `any` is any event but an ending."""
    named = (step.kind, step.name) == (event.kind, event.name) or (step.kind, event.kind) == ("any", "event")
    return named and holds(step.where, event.values)


def holds(condition: Condition | None, values: Mapping[str, Any]) -> bool:
    """Whether a condition is true of one event."""
    match condition:
        case None:
            return True
        case Negation(part=part):
            return not holds(part, values)
        case Both(parts=parts):
            return all(holds(part, values) for part in parts)
        case Either(parts=parts):
            return any(holds(part, values) for part in parts)
        case Comparison(path=path, operator=operator, values=literals):
            return _compares(values.get(path), operator, literals)


def _compares(value: Any, operator: str, literals: Sequence[Any]) -> bool:
    if operator == "missing":
        return value is None
    if value is None:
        return False
    if operator == "present":
        return True
    alike = [literal for literal in literals if _kind(literal) == _kind(value)]
    if operator == "in":
        return any(value == literal for literal in alike)
    return bool(alike) and {
        "=": lambda x, y: x == y,
        "!=": lambda x, y: x != y,
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
    }[operator](value, alike[0])


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, datetime):
        return "time"
    return "text" if isinstance(value, str) else "number"
