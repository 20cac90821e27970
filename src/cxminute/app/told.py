"""What a source can tell of, by its reader or its mapping, and what it has told: what it cannot is unknown, never 0."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cxminute.app.project import Project
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.source import Source
from cxminute.store.vault import PERSON_KINDS


@dataclass(frozen=True)
class Tells:
    """What one source tells of.

    events: name -> the paths that such events may carry; None where any event may come (the door, process logs)
    seen:   names of events that it has told of
    kinds:  kinds of identifier that it carries
    """

    source: str
    events: dict[str, frozenset[str]] | None
    seen: frozenset[str]
    kinds: frozenset[str]

    @property
    def customers(self) -> bool:
        """Whether it says who ordered."""
        return bool(self.kinds & set(PERSON_KINDS))

    def can(self, *names: str, path: str = "") -> bool:
        """Whether it may tell of any of these events, carrying the path where one is named."""
        if self.events is None:
            return True
        return any(name in self.events and (not path or path in self.events[name]) for name in names)

    def why_not(self, what: str, *names: str, path: str = "") -> str:
        """Why nothing is known of these events from this source; '' where it has told of some."""
        if not self.can(*names, path=path):
            return f"'{self.source}' cannot tell {what}"
        return "" if self.seen.intersection(names) else f"'{self.source}' has told no {what} yet"


def tells_of(project: Project, as_of: int | None = None) -> dict[str, Tells]:
    """What each source of a project tells of. as_of: what it had told by then, UTC ms; by now without it."""
    codes: Collection[tuple[str, str]] = project.log.codes()
    if project.log.past(as_of) is not None:
        found = project.log.volumes(project.definitions.sources, None, None, as_of)
        codes = {(row["source"], row["name"]) for row in found}
    return {
        name: Tells(
            name,
            _events(source),
            frozenset(event for told, event in codes if told == name),
            frozenset(source.identifiers),
        )
        for name, source in project.definitions.sources.items()
    }


def _events(source: Source) -> dict[str, frozenset[str]] | None:
    if source.has_reader:
        told = reader_of(source.format).tells
        return {event: frozenset(f"properties.{name}" for name in names) for event, names in told.items()}
    if source.at_door or source.is_log or any(rule.name_from for rule in source.rules):
        return None
    events: dict[str, frozenset[str]] = {}
    for rule in source.rules:
        events[rule.name] = events.get(rule.name, frozenset()) | frozenset(rule.properties)
    return events
