"""Journeys a second time, slowly: plain Python written from the language's page, one rule after the other.

It shares nothing with the plan or the kernel but the nodes of the language and the words of the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cxminute.journeys.definition import JourneyDefinition, Single
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step


@dataclass(frozen=True)
class Event:
    """When, what, and with which properties by their path."""

    at: int
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A passage as the reference sees it."""

    opened: int
    closed: int | None
    ending: str
    deepest: int
    reached: tuple[int | None, ...]


@dataclass
class _Passage:
    opened: int
    first: dict[int, int]
    last: dict[int, int]
    cut: set[int] = field(default_factory=set)
    closed: int | None = None
    ending: str = "open"


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


class Reference:
    """One subject's stream through one journey, rule by rule."""

    def __init__(self, definition: JourneyDefinition) -> None:
        self.definition = definition
        self.parts: tuple[Single, ...] = definition.pattern.parts
        self.passages: list[_Passage] = []

    def passages_of(self, events: Sequence[Event], closes_at: int) -> list[Found]:
        """All passages in order of opening, the log closed at `closes_at`."""
        for event in events:
            if event.at <= closes_at:
                self.take(event)
        for passage in self.passages:
            if passage.ending == "open" and self.deadline(passage) < closes_at:
                passage.ending, passage.closed = "expired", self.deadline(passage)
        return [self.found(passage) for passage in self.passages]

    def take(self, event: Event) -> None:
        """Each later event of every open passage, then opening."""
        still_open = [passage for passage in self.passages if passage.ending == "open"]
        for passage in still_open:
            self.later(passage, event)
        completed = any(passage.ending == "completed" for passage in still_open)
        open_now = any(passage.ending == "open" for passage in still_open)
        may = {
            "once": not self.passages,
            "after exit": not open_now and not completed,
            "always": True,
        }[self.definition.reentry]
        if may and self.matches(self.parts[0].step, event):
            passage = _Passage(event.at, {0: event.at}, {0: event.at})
            self.passages.append(passage)
            if len(self.parts) == 1:
                passage.ending, passage.closed = "completed", event.at

    def later(self, passage: _Passage, event: Event) -> None:
        """Time, unless, progress, guards, completion, broken: in this order."""
        deadline = self.deadline(passage)
        if deadline < event.at:
            passage.ending, passage.closed = "expired", deadline
            return
        if any(self.matches(step, event) for step in self.definition.unless):
            passage.ending, passage.closed = "broken", event.at
            return
        reached = [place for place in range(len(self.parts)) if self.is_reached(passage, place, event)]
        for place in reached:
            passage.first.setdefault(place, event.at)
            passage.last[place] = event.at
        for target in range(1, len(self.parts)):
            guards = self.parts[target].timing.without
            if target not in reached and any(self.matches(step, event) for step in guards):
                passage.cut.add(target)
            if target - 1 in reached:
                passage.cut.discard(target)
        if len(self.parts) - 1 in reached:
            passage.ending, passage.closed = "completed", event.at
        elif not any(self.is_live(passage, target, event.at) for target in range(1, len(self.parts))):
            passage.ending, passage.closed = "broken", event.at

    def is_reached(self, passage: _Passage, place: int, event: Event) -> bool:
        """Whether the event reaches this position, from the state before it."""
        if not self.matches(self.parts[place].step, event):
            return False
        if place == 0:
            return True
        if not self.is_live(passage, place, event.at):
            return False
        after = self.parts[place].timing.after
        return after is None or event.at >= passage.first[place - 1] + after

    def is_live(self, passage: _Passage, target: int, at: int) -> bool:
        """Whether the edge into this position is live at a moment."""
        if target - 1 not in passage.last or target in passage.cut:
            return False
        within = self.parts[target].timing.within
        return within is None or at <= passage.last[target - 1] + within

    def deadline(self, passage: _Passage) -> int:
        """The earlier of window and the end of the last edge that could be live."""
        window = passage.opened + self.definition.window
        ends = []
        for target in range(1, len(self.parts)):
            within = self.parts[target].timing.within
            if target - 1 in passage.last and target not in passage.cut:
                ends.append(window if within is None else passage.last[target - 1] + within)
        return min(window, max(ends))

    def matches(self, step: Step, event: Event) -> bool:
        """Name, case included, and condition."""
        return step.name == event.name and holds(step.where, event.values)

    def found(self, passage: _Passage) -> Found:
        """The passage as tables show it; on the one way of a chain the deepest is how many positions were reached."""
        reached = tuple(passage.first.get(place) for place in range(len(self.parts)))
        return Found(passage.opened, passage.closed, passage.ending, len(passage.first), reached)
