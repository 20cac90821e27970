"""One person as the log knows them: identifiers, when and where they were seen, and what they did last.

Only what is open is shown. Personal values lie in the vault; this reads none of them, so that looking at what somebody
did takes no more than a permit.
"""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import msgspec

from cxminute.app.project import Project
from cxminute.model.errors import CxmError, UnknownName
from cxminute.model.times import from_ms
from cxminute.privacy.permits import Permit
from cxminute.store.profiles import Span, Traces, of_profile
from cxminute.store.segments import REST
from cxminute.store.vault import APART, PERSON_KINDS, space_of


class UnknownPerson(UnknownName):
    """Nobody has this identifier, as far as the permit shows. It names no other's: an id is no word to be guessed."""

    def __init__(self, kinds: str) -> None:
        CxmError.__init__(
            self,
            f"Nobody has that {kinds}, in what may be read for this purpose.",
            allowed="an identifier just as its source wrote it",
        )


def person(
    project: Project, leave: Permit, identifier: str, kind: str | None, span: Span, limit: int
) -> dict[str, Any]:
    """What the log holds of one person, or of another subject, where `kind` is a kind of thing such as order_id.

    leave:  which sources are read
    kind:   None for any kind of identifier that a person can have
    keys:   id, kind, identifiers (by kind), count, first_at, last_at, sources, events (the last `limit`, newest last)
    raises: UnknownName for a kind that no source has; UnknownPerson
    """
    known = {*project.kinds, *PERSON_KINDS}
    if kind is not None and kind not in known:
        raise UnknownName("kind of identifier", kind, known)
    asked = [kind] if kind else [name for name in PERSON_KINDS if name in known]
    contracts = project.definitions.contracts
    words = list(dict.fromkeys([identifier, normalize("NFC", identifier.strip())]))  # the latter as the door keeps it
    apart = [name for name in sorted(leave.sources) if not contracts[name].link]
    spellings = [*words, *(f"{name}{APART}{word}" for name in apart for word in words)]
    who: dict[str, list[int]] = {}
    for name in asked:
        numbers = [project.vault.number(name, spelling) for spelling in spellings]
        found = [number for number in numbers if number is not None]
        for column in {name, "profile"} if space_of(name) == "person" else {name}:
            who.setdefault(column, []).extend(found)
    past = project.log.past(span.as_of)
    pieces = [piece for piece in project.log.pieces((), past) if piece.source in leave.sources]
    traces = of_profile(pieces, who, span, limit)
    ever = Span(as_of=span.as_of)
    if not traces.told and (span == ever or not of_profile(pieces, who, ever, 1).told):
        raise UnknownPerson(" or ".join(asked))
    return _document(project, identifier, kind, traces)


def _document(project: Project, identifier: str, kind: str | None, traces: Traces) -> dict[str, Any]:
    zone = project.settings.zone
    told = traces.told
    return {
        "id": identifier,
        "kind": kind or "person",
        "identifiers": {
            name: [said.rpartition(APART)[2] for said in project.vault.names(name, numbers)]
            for name, numbers in traces.numbers.items()
        },
        "count": sum(one.events for one in told),
        "first_at": from_ms(min(one.first_at for one in told)).astimezone(zone) if told else None,
        "last_at": from_ms(max(one.last_at for one in told)).astimezone(zone) if told else None,
        "sources": [
            {
                "source": one.source,
                "events": one.events,
                "first_at": from_ms(one.first_at).astimezone(zone),
                "last_at": from_ms(one.last_at).astimezone(zone),
            }
            for one in told
        ],
        "events": [
            {
                "at": from_ms(event["at"]).astimezone(zone),
                "source": event["source"],
                "kind": event["kind"],
                "name": event["name"],
                "id": event["id"],
                "properties": _properties(event["values"]),
            }
            for event in traces.last
        ],
    }


def _properties(values: dict[str, Any]) -> dict[str, Any]:
    """Open values by their paths, in alphabetical order: those of typed columns, and the leaves of all else."""
    found: dict[str, Any] = {}
    if REST in values:
        _leaves(msgspec.json.decode(values[REST]), "", found)
    found.update((path, value) for path, value in values.items() if path != REST)
    return dict(sorted(found.items()))


def _leaves(value: object, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _leaves(inner, f"{path}.{key}" if path else key, found)
    elif value is not None:
        found[path] = value
