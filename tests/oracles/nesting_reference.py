"""Journeys that wait for the endings of others, slowly: each ending is put into the streams of those that name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxminute.journeys.definition import JourneyDefinition, steps_in
from tests.oracles.journey_shape import Child, Event
from tests.oracles.journeys_reference import Found, Reference

Key = tuple[Any, ...]
"""Whose stream: the subject, and the value of each further key."""


@dataclass(frozen=True)
class Ended:
    """An ending as an event, whose stream it came from, and what settles its place within one millisecond."""

    event: Event
    key: Key
    depth: int

    @property
    def order(self) -> tuple[int, int, str, int, int]:
        """Time; children before those that wait for them; the journey's name; the passage's subject and opening."""
        child = self.event.child
        assert child is not None
        return self.event.at, self.depth, child.journey, child.subject, child.opened


class Nesting:
    """Some journeys over one log.

    log: events in order, each with its subjects in `whose`
    """

    def __init__(self, journeys: Mapping[str, JourneyDefinition], log: Sequence[Event], closes_at: int) -> None:
        self.journeys, self.log, self.closes_at = journeys, log, closes_at

    def passages(self, name: str) -> dict[Key, list[Found]]:
        """The passages through a journey, by stream."""
        walked = self._walked(name)
        return {key: [one.found(passage) for passage in one.passages] for key, one in walked.items() if one.passages}

    def depth(self, name: str) -> int:
        """How many journeys stand below one, one under the other."""
        return max((self.depth(child) + 1 for child in self.children(name)), default=0)

    def children(self, name: str) -> set[str]:
        """The journeys whose endings a journey names."""
        journey = self.journeys[name]
        steps = (*steps_in(journey.pattern), *journey.unless, *journey.ignoring)
        return {step.name.rpartition(".")[0] for step in steps if step.kind == "ending"}

    def _walked(self, name: str) -> dict[Key, Reference]:
        """The journey gone through each stream, with the endings that it names."""
        journey = self.journeys[name]
        endings = sorted(
            (ended for child in self.children(name) for ended in self._endings(child)), key=lambda ended: ended.order
        )
        streams: dict[Key, list[Event]] = {}
        for event in self.log:
            key = self._key(journey, event)
            if None not in key:
                streams.setdefault(key, []).append(event)
        for ended in endings:
            child = self.journeys[ended.event.name.rpartition(".")[0]]
            key = ended.key if child.per == journey.per else (ended.event.whose.get("person"),)
            if None not in key:
                streams.setdefault(key, []).append(ended.event)
        walked = {}
        for key, stream in streams.items():
            walked[key] = Reference(journey)
            # sorting keeps the order of what ties: endings stand behind the events of their millisecond
            walked[key].passages_of(sorted(stream, key=lambda event: event.at), self.closes_at)
        return walked

    def _key(self, journey: JourneyDefinition, event: Event) -> Key:
        return (event.whose.get(journey.space), *(event.values.get(path) for path in journey.held))

    def _endings(self, name: str) -> list[Ended]:
        """The endings of a journey's passages, each with the properties and subjects of its opening event."""
        found = []
        for key, walked in self._walked(name).items():
            for passage in walked.passages:
                if passage.closed is None:
                    continue
                child = Child(name, passage.ending, key[0], passage.opened, passage.closed)
                opening = passage.opening
                event = Event(
                    passage.closed, f"{name}.{passage.ending}", opening.values, "ending", child, whose=opening.whose
                )
                found.append(Ended(event, key, self.depth(name)))
        return found
