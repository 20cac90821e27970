"""What a source can tell of, by its reader or its mapping, and what it has told: what it cannot is unknown, never 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app import output
from cxminute.app.analysis import View
from cxminute.app.project import Project
from cxminute.balance.promises import Promise
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


def silent(told: Mapping[str, Tells], promise: Promise) -> dict[str, str]:
    """Sources that make a promise and have told of nothing that keeps it, each with why."""
    if promise.kept.kind != "event":
        return {}
    made = promise.made
    why = {name: one.why_not(promise.kept.name, promise.kept.name) for name, one in told.items()}
    return {name: said for name, said in why.items() if said and (made.kind == "any" or made.name in told[name].seen)}


def unheard(quiet: Mapping[str, str], ledger: pa.Table) -> dict[str, str]:
    """Of silent sources those of whose promises nobody else has told either: not kept is not known there, never 0.

    ledger: whole, of no span, with the dimension 'source'
    """
    if not quiet:
        return {}
    sources, state = (ledger[name].cast(pa.string()) for name in ("source", "state"))
    heard = pc.unique(sources.filter(pc.is_in(state, value_set=pa.array(["kept", "late"])))).to_pylist()
    made = pc.unique(sources.filter(pc.not_equal(state, "none"))).to_pylist()
    return {name: why for name, why in quiet.items() if name in made and name not in heard}


def answerable(
    seen: View, promise: Promise, dimensions: Sequence[str], told: Mapping[str, Tells]
) -> tuple[pa.Table, int]:
    """A promise's whole ledger without the sources of which nobody tells whether it was kept; that is told, once.

    returns: the ledger, and the moment that the log is closed at
    """
    quiet = silent(told, promise)
    split = (*dimensions, "source") if quiet else dimensions
    ledger, closes_at = seen.ledger(promise, tuple(dict.fromkeys(split)))
    for name, why in unheard(quiet, ledger).items():
        known = ledger.filter(pc.not_equal(ledger["source"].cast(pa.string()), name))
        left = ledger.num_rows - known.num_rows
        said = f"Left out: {output.count(left, 'promises')} '{promise.name}', because {why}."
        ledger = known
        if said not in seen.told:
            seen.told.add(said)
            output.note(said)
    return ledger, closes_at


def carried(table: pa.Table, dimensions: Sequence[str]) -> tuple[str, ...]:
    """The dimensions that the making or opening events carry at all."""
    return tuple(path for path in dimensions if table[path].null_count < len(table))


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
