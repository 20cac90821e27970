"""Journeys a second time, slowly: plain Python written from the language's page, one rule after the other.

It shares nothing with the plan or the kernel but the nodes of the language and the words of the tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from cxminute.journeys.definition import JourneyDefinition
from tests.oracles.journey_shape import Child, Edge, Event, Shape, holds, matches

__all__ = ["Child", "Event", "Found", "Passage", "Reference", "holds"]


@dataclass(frozen=True)
class Found:
    """A passage as the reference sees it.

    reached:  for each position in order of the text, when it was first reached; None where it was not
    children: the passages whose endings reached or marked a position of it
    """

    opened: int
    closed: int | None
    ending: str
    deepest: int
    reached: tuple[int | None, ...]
    children: tuple[Child, ...] = ()


@dataclass
class Passage:
    """When it opened, and the state that the page lists: reached positions, cut edges, what groups have seen."""

    opening: Event
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    cut: set[Edge] = field(default_factory=set)
    seen: dict[int, list[int]] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    closed: int | None = None
    ending: str = "open"

    @property
    def opened(self) -> int:
        """At its first event."""
        return self.opening.at

    def end(self, ending: str, at: int) -> None:
        """It ends, at most once."""
        self.ending, self.closed = ending, at


class Reference:
    """One subject's stream through one journey, rule by rule."""

    def __init__(self, definition: JourneyDefinition) -> None:
        self.definition = definition
        self.shape = Shape(definition.pattern)
        self.passages: list[Passage] = []

    def passages_of(self, events: Sequence[Event], closes_at: int) -> list[Found]:
        """All passages in order of opening, the log closed at `closes_at`."""
        for event in events:
            if event.at <= closes_at:
                self.take(event)
        for passage in self.passages:
            if passage.ending == "open" and self.deadline(passage) < closes_at:
                passage.end("expired", self.last_moment(passage))
        return [self.found(passage) for passage in self.passages]

    def take(self, event: Event) -> None:
        """An event meets every open passage, and then may open one."""
        were_open = [passage for passage in self.passages if passage.ending == "open"]
        for passage in were_open:
            self.later(passage, event)
        completed_one = any(passage.ending == "completed" for passage in were_open)
        one_is_open = any(passage.ending == "open" for passage in were_open)
        may_open = {
            "once": not self.passages,
            "after exit": not one_is_open and not completed_one,
            "always": True,
        }[self.definition.reentry]
        if may_open:
            self.open(event)

    def open(self, event: Event) -> None:
        """An event that matches a first step, or a step of a first group, opens a passage."""
        passage = Passage(event)
        reached, marked = self.progress(passage, event)
        if not reached and not marked:
            return
        self.passages.append(passage)
        self.note(passage, event, reached, marked)
        if reached & set(self.shape.last):
            passage.end("completed", event.at)

    def later(self, passage: Passage, event: Event) -> None:
        """Time, unless, progress, guards, completion, broken: in this order."""
        if self.deadline(passage) < event.at:
            passage.end("expired", self.last_moment(passage))
            return
        self.clear_groups(passage, event.at)
        if any(matches(step, event) for step in self.definition.unless):
            passage.end("broken", event.at)
            return
        reached, marked = self.progress(passage, event)
        self.note(passage, event, reached, marked)
        self.guard(passage, event, reached)
        if reached & set(self.shape.last):
            passage.end("completed", event.at)
        elif not self.has_way_forward(passage, event.at):
            passage.end("broken", event.at)

    def progress(self, passage: Passage, event: Event) -> tuple[set[int], dict[int, int]]:
        """The positions that the event reaches, and the groups that it marks with which step: from the state before it.

        A passage that it is only about to open has no state yet, so that first positions alone count.
        """
        reached: set[int] = set()
        marked: dict[int, int] = {}
        for number, place in enumerate(self.shape.places):
            let_in = place.is_first or any(
                self.allows(passage, self.shape.edges[edge], event.at) for edge in self.shape.into(number)
            )
            if not let_in:
                continue
            seen = passage.seen.get(number, [])
            missing = [which for which, step in enumerate(place.steps) if which not in seen and matches(step, event)]
            if not missing:
                continue
            if place.is_group:
                marked[number] = missing[0]
            if len(seen) + 1 == len(place.steps):
                reached.add(number)
        return reached, marked

    def note(self, passage: Passage, event: Event, reached: set[int], marked: dict[int, int]) -> None:
        """Writes down what the event reached and marked; a group that is reached is cleared."""
        for number, which in marked.items():
            seen = passage.seen.setdefault(number, [])
            if not seen:
                passage.since[number] = event.at
            seen.append(which)
            passage.most[number] = max(passage.most.get(number, 0), len(seen))
        for number in reached:
            passage.first.setdefault(number, event.at)
            passage.last[number] = event.at
            passage.seen.pop(number, None)
        if event.child is not None and (reached or marked):
            passage.children.append(event.child)

    def guard(self, passage: Passage, event: Event, reached: set[int]) -> None:
        """Cuts the edges whose guard matches, and `=>` edges that the event lies on, taking them or not.

        Those whose origin is reached by this event are whole.
        """
        for edge in self.shape.edges:
            if edge.target not in reached and any(matches(step, event) for step in edge.guard):
                passage.cut.add(edge)
            if edge.direct and self.is_between(event):
                passage.cut.add(edge)
            if edge.origin in reached:
                passage.cut.discard(edge)

    def is_between(self, event: Event) -> bool:
        """Whether `=>` sees the event: not an ending, and not one that the journey ignores."""
        return event.kind == "event" and not any(matches(step, event) for step in self.definition.ignoring)

    def clear_groups(self, passage: Passage, at: int) -> None:
        """Forgets what a group has seen when its time has run out."""
        for number in list(passage.seen):
            place = self.shape.places[number]
            if place.is_first:
                kept = place.within is None or at <= passage.since[number] + place.within
            else:
                kept = any(self.is_live(passage, self.shape.edges[edge], at) for edge in self.shape.into(number))
            if not kept:
                del passage.seen[number]

    def allows(self, passage: Passage, edge: Edge, at: int) -> bool:
        """Whether an edge lets something at this moment through: live, and `after` over since the first time."""
        return self.is_live(passage, edge, at) and (edge.after is None or at >= passage.first[edge.origin] + edge.after)

    def is_live(self, passage: Passage, edge: Edge, at: int) -> bool:
        """Whether the origin is reached, the edge not cut, and its `within` not run out since the last time."""
        if edge.origin not in passage.last or edge in passage.cut:
            return False
        return edge.within is None or at <= passage.last[edge.origin] + edge.within

    def has_way_forward(self, passage: Passage, at: int) -> bool:
        """Whether an edge is live, or a first group partly seen and not past its `within`."""
        return any(self.is_live(passage, edge, at) for edge in self.shape.edges) or any(
            place.is_first
            and bool(passage.seen.get(number))
            and (place.within is None or at <= passage.since[number] + place.within)
            for number, place in enumerate(self.shape.places)
        )

    def deadline(self, passage: Passage) -> float:
        """The earlier of the window's end and the moment when the last way forward runs out."""
        ends: list[float] = [
            math.inf if edge.within is None else passage.last[edge.origin] + edge.within
            for edge in self.shape.edges
            if edge.origin in passage.last and edge not in passage.cut
        ]
        ends += [
            math.inf if place.within is None else passage.since[number] + place.within
            for number, place in enumerate(self.shape.places)
            if place.is_first and passage.seen.get(number)
        ]
        return min(passage.opened + self.definition.window, max(ends))

    def last_moment(self, passage: Passage) -> int:
        """The deadline as a moment; the window's end keeps it finite."""
        return int(self.deadline(passage))

    def found(self, passage: Passage) -> Found:
        """The passage as tables show it."""
        places = self.shape.places
        weights = {
            number: len(place.steps) if number in passage.first else passage.most.get(number, 0)
            for number, place in enumerate(places)
        }
        return Found(
            passage.opened,
            passage.closed,
            passage.ending,
            self.shape.longest(weights),
            tuple(passage.first.get(number) for number in range(len(places))),
            tuple(passage.children),
        )
