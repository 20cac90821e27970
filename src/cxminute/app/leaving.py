"""Events as they may leave the log: under a permit, in a span, with names for numbers where no contract forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cxminute.app.analysis import View
from cxminute.app.people.identity import identity
from cxminute.app.rights.leaving_out import left_out_as_known
from cxminute.collect.logs.kinds import type_of
from cxminute.collect.logs.ocel import CHANGED
from cxminute.collect.logs.xes import DESCRIBED
from cxminute.collect.source import LOGS
from cxminute.model.errors import UnknownName
from cxminute.model.times import from_ms
from cxminute.privacy.personal import is_personal
from cxminute.store.people import People
from cxminute.store.pieces import Piece
from cxminute.store.profiles import Span
from cxminute.store.vault import APART, is_of_person
from cxminute.store.whole import Whole, whole


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves: the events that the permit covers, of nobody whom it leaves out, in the span that was asked for.

    per:      of whom, where that was asked for
    numbered: kinds that are told by number, since some contract calls their values personal
    apart:    sources that nobody may link to the others that leave: what they name bears their own name, too
    people:   who is who, where persons leave, each under one number; None where each profile is a person of its own
    """

    seen: View
    pieces: Sequence[Piece]
    span: Span
    per: str | None
    numbered: frozenset[str]
    apart: frozenset[str]
    people: People | None = None

    def events(self) -> Iterator[Whole]:
        """Events of the span; with `per`, subject after subject."""
        return whole(self.pieces, self.span, self.per, people=self.people)

    def described(self) -> Iterator[Whole]:
        """What logs say of themselves, which is of no time."""
        return whole(self.pieces, Span(as_of=self.span.as_of), names=(DESCRIBED,))

    def changed(self) -> Iterator[Whole]:
        """What is said of objects: from the start of the log to the end of the span."""
        span = Span(None, self.span.until, self.span.as_of)
        return whole(self.pieces, span, names=(CHANGED,), people=self.people)

    def form_of(self, found: Whole) -> str:
        """The format of an event's source."""
        source = self.seen.project.definitions.sources.get(found.source)
        return "" if source is None else source.format

    def is_record(self, found: Whole) -> bool:
        """Whether an event is none that happened: it keeps what a log says of itself, or of an object."""
        if found.kind != "group" or found.name not in {DESCRIBED, CHANGED}:
            return False
        return self.form_of(found) in LOGS

    def notes(self, found: Whole, form: str) -> dict[str, Any]:
        """What the reader of a process log of this form noted of an event; empty for events of other sources."""
        notes = properties_of(found).get(form) if self.form_of(found) == form else None
        return notes if isinstance(notes, dict) else {}

    def names(self, kind: str, numbers: Sequence[int]) -> dict[int, str]:
        """What numbers of a kind are called outside: by their own names, or by number where those are personal."""
        called = {} if kind in self.numbered else self.seen.project.vault.called(kind, numbers)
        return {
            number: self.called(*called[number].split(APART)) if number in called else f"{type_of(kind)} {number}"
            for number in numbers
        }

    def called(self, *said: str) -> str:
        """What a thing is called: (name), or (source, name) where it is numbered apart from those of other sources."""
        return f"{said[-1]} ({said[0]})" if len(said) > 1 and said[0] in self.apart else said[-1]


def leaving(seen: View, per: str | None) -> Leaving:
    """What may leave of a project. raises: UnknownName for a kind of subject that there is not."""
    project = seen.project
    leave = seen.leave()
    spaces = {"person"} | {kind for kind in project.kinds if not is_of_person(kind)}
    if per is not None and per not in spaces:
        raise UnknownName("kind of subject", per, spaces)
    pieces = [piece for piece in project.log.pieces((), project.log.past(seen.as_of)) if piece.source in leave.sources]
    contracts = [project.definitions.contracts[name] for name in leave.sources]
    numbered = {kind for kind in spaces if any(is_personal(f"identifiers.{kind}", contract) for contract in contracts)}
    span = Span(seen.since, seen.until, seen.as_of)
    apart = frozenset(contract.source for contract in contracts if not contract.link and len(contracts) > 1)
    out = left_out_as_known(project, leave.purpose, seen.as_of)
    people = identity(project, seen.as_of).people() if per in {None, "person"} else None
    return Leaving(seen, out.without(pieces, per or ""), span, per, frozenset({"person", *numbered}), apart, people)


def properties_of(found: Whole) -> dict[str, Any]:
    """What an event says in properties that are no typed columns."""
    properties = found.rest.get("properties")
    return properties if isinstance(properties, dict) else {}


def flat(found: Whole) -> Iterator[tuple[str, Any, str]]:
    """Path, value and type ('date' or '' for what the value says itself) of all that an event says, lists as JSON."""
    for path, value in found.values.items():
        if path in found.times:
            yield path, from_ms(value).isoformat(timespec="milliseconds"), "date"
        else:
            yield path, value, ""
    for path, value in _leaves(found.rest, ""):
        yield path, value, ""


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path, msgspec.json.encode(value).decode()
    elif value is not None:
        yield path, value
