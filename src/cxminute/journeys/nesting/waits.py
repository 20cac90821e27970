"""Which journeys wait for the endings of which, and whether they can: no circle, and only what their subjects see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cxminute.journeys.definition import JourneyDefinition, steps_in
from cxminute.model.errors import BadDefinition

PERSON: Final = "person"


def waits_for(journey: JourneyDefinition) -> tuple[str, ...]:
    """Names of the journeys whose endings it names, each once."""
    steps = (*steps_in(journey.pattern), *journey.unless, *journey.ignoring)
    return tuple(dict.fromkeys(step.name.rpartition(".")[0] for step in steps if step.kind == "ending"))


def visible(child: JourneyDefinition, parent: JourneyDefinition) -> bool:
    """Whether the endings of one journey are events in the streams of the other.

    An ending is an event of its subject and of the person behind it: a parent of persons sees all, any other those of
    journeys with the same `per`.
    """
    return parent.per in ((PERSON,), child.per)


def unseen(child: JourneyDefinition, parent: JourneyDefinition) -> BadDefinition:
    """What to say of a journey that waits for endings that its subjects never have."""
    return BadDefinition(
        f"'{parent.name}' is per {' and '.join(parent.per)} and waits for '{child.name}', which is per "
        f"{' and '.join(child.per)}: its endings are no events of such a subject.",
        allowed="the same `per` for both, or `person`, who stands behind any subject",
    )


def circle(way: Sequence[str]) -> BadDefinition:
    """What to say of journeys that wait for one another in a circle; way: around it, both ends the same."""
    return BadDefinition(
        f"Journeys wait for one another in a circle: {' -> '.join(way)}.", allowed="journeys that end without their own"
    )


def circles(waits: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Every circle once, the shortest way around it: from the name in it that comes first, back to that name."""
    told: set[frozenset[str]] = set()
    for name in sorted(waits):
        way = _way_back(name, waits)
        if way and frozenset(way) not in told:
            told.add(frozenset(way))
            first = way.index(min(way))
            around = way[first:-1] + way[:first]
            yield (*around, around[0])


def _way_back(name: str, waits: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shortest way from a journey to itself, both ends named; empty where there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    for way in ways:  # grows as it goes: breadth first
        for child in waits.get(way[-1], ()):
            if child == name:
                return (*way, name)
            if child not in seen:
                seen.add(child)
                ways.append((*way, child))
    return ()
