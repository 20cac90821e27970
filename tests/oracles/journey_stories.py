"""Short stories about journeys: seconds on a page, what one subject did, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cxminute.journeys.definition import JourneyDefinition, Reentry
from cxminute.journeys.language import parse_pattern, parse_step
from tests.oracles.journeys_reference import Child, Event, Found, Reference

_TOLD = re.compile(r"([\w.]+?)(?:\[(\w+)=(\w+)\])?@(\d+)")


def defined(
    pattern: str,
    *,
    window: int = 1_000,
    unless: Sequence[str] = (),
    ignoring: Sequence[str] = (),
    reentry: Reentry = "after exit",
    name: str = "story",
    per: tuple[str, ...] = ("person",),
) -> JourneyDefinition:
    """A journey of its text; the window in seconds."""
    return JourneyDefinition(
        name=name,
        per=per,
        pattern=parse_pattern(pattern),
        window=window * 1_000,
        unless=tuple(parse_step(step) for step in unless),
        ignoring=tuple(parse_step(step) for step in ignoring),
        reentry=reentry,
    )


def happened(text: str) -> list[Event]:
    """Events from 'A@0 B[x=1]@3 other.broken@5': names, a property, seconds; a name with a dot is an ending."""
    events = []
    for name, path, value, at in _TOLD.findall(text):
        values = {f"properties.{path}": float(value) if value.isdigit() else value} if path else {}
        when = int(at) * 1_000
        if "." in name:
            journey, _, ending = name.partition(".")
            events.append(Event(when, name, values, "ending", Child(journey, ending, 1, 0, when)))
        else:
            events.append(Event(when, name, values))
    return events


def found(definition: JourneyDefinition, text: str, closes_at: int | None = None) -> list[Found]:
    """The passages of a story; the log closed at its last event, or at the given second."""
    events = happened(text)
    return Reference(definition).passages_of(events, events[-1].at if closes_at is None else closes_at * 1_000)


def ends(definition: JourneyDefinition, text: str, closes_at: int | None = None) -> list[str]:
    """The same in words: '0-7 completed', '0 open'."""
    return [
        f"{one.opened // 1_000}{'' if one.closed is None else f'-{one.closed // 1_000}'} {one.ending}"
        for one in found(definition, text, closes_at)
    ]
