"""One person as the log knows them: identifiers, when and where they were seen, and what they did last.

Only what is open is shown. Personal values lie in the vault; of these none is read but identifiers, so that looking at
what somebody did takes no more than a permit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from cxminute.app.people.naming import UnknownPerson, called, kinds_asked, linking_columns, numbers_of
from cxminute.app.people.who import Who, who_is
from cxminute.app.project import Project
from cxminute.app.rights.consenting import pass_person
from cxminute.app.rights.leaving_out import LeftOut, left_out_as_known
from cxminute.model.errors import Refused
from cxminute.model.times import from_ms
from cxminute.privacy.permits import Permit
from cxminute.privacy.purposes import KEEPING
from cxminute.privacy.use import Use
from cxminute.store.footers import may_hold
from cxminute.store.profiles import Span, Traces, of_profile
from cxminute.store.segments import REST
from cxminute.store.vault import APART, is_of_person


@dataclass(frozen=True, slots=True)
class Person:
    """Who was asked for.

    document: what the log holds of them, as JSON has it
    asked:    the numbers that the identifier has among those of people; () where it is a thing's
    known:    who was who, as of the moment that was asked for; None where it is a thing's
    """

    document: dict[str, Any]
    asked: tuple[int, ...]
    known: Who | None


def person(project: Project, leave: Permit, identifier: str, kind: str | None, span: Span, limit: int) -> Person:
    """What the log holds of one person, or of another subject, where `kind` is a kind of thing such as order_id.

    leave:  which sources are read
    kind:   None for any kind of identifier that a person can have
    keys:   id, kind, person (its number), identifiers (by kind), nobody, count, first_at, last_at, sources, events (the
            last `limit`, newest last)
    raises: UnknownName for a kind that no source has; UnknownPerson; Refused where the person's own word, or the
            purpose's basis, does not let their data be shown, nor what is known of a thing of theirs
    """
    asked = kinds_asked(project, kind)
    found = numbers_of(project, leave, identifier, asked)
    numbers = tuple(dict.fromkeys(number for some in found.values() for number in some))
    of_people = is_of_person(asked[0])
    known = who_is(project, span.as_of) if of_people else None
    members = known.members(numbers) if known else []
    who = {"profile": members} if known else found
    past = project.log.past(span.as_of)
    pieces = [piece for piece in project.log.pieces((), past) if piece.source in leave.sources]
    ever = traces = of_profile(pieces, who, span, limit)
    columns = linking_columns(project)
    if not traces.told:  # nothing in the span; or an identifier that stands beside others' and has no stream of its own
        ever = of_profile(
            pieces, {**who, **(dict.fromkeys(columns, numbers) if known else {})}, Span(as_of=span.as_of), 1
        )
    if not ever.told:
        raise UnknownPerson(asked)
    if members:
        pass_person(project, Use(leave.purpose, "show"), np.array(members, np.int64), span.as_of)
    if not of_people and (out := left_out_as_known(project, leave.purpose, span.as_of)).anybody:
        _pass_thing(out, leave.purpose, asked[0], numbers)
        holding = [piece for piece in pieces if may_hold(piece, who)]
        ever = traces = of_profile(out.without(holding, asked[0]), who, span, limit)
    carried = frozenset(number for name in columns for number in ever.numbers.get(name, ()))
    numbers = tuple(number for number in numbers if number in carried) or numbers  # another source's ada is another
    document = {
        "id": identifier,
        "kind": kind or "person",
        "person": min((known.person(number) for number in numbers), default=None) if known else None,
        **_identifiers(project, traces, known, numbers, carried),
        **_seen(project, traces),
    }
    return Person(document, numbers if known else (), known)


def _pass_thing(out: LeftOut, purpose: str, kind: str, numbers: Iterable[int]) -> None:
    """Lets a look at a thing pass; raises Refused where it is of somebody whose data the purpose may not use."""
    things = out.things(kind)
    if things is not None and not (things.owners(np.array(list(numbers), np.int64)) >= 0).any():
        raise Refused(
            f"It is of somebody whose data may not be used for '{purpose}'.",
            allowed=f"another --purpose; of {KEEPING} even what is only kept",
            then="Nothing was shown.",
        )


def _identifiers(
    project: Project, traces: Traces, known: Who | None, asked: Iterable[int], carried: frozenset[int]
) -> dict[str, dict[str, list[str]]]:
    """By kind: a person's own identifiers, with those of things that their events name; and beside them nobody's."""
    columns = set(linking_columns(project))
    own: dict[str, list[str]] = {
        name: [said.rpartition(APART)[2] for said in project.vault.names(name, numbers)]
        for name, numbers in traces.numbers.items()
        if name not in columns
    }
    if known is None:
        mine, nobodys = set(carried), set[int]()
    else:
        persons = {known.person(number) for number in asked}
        mine = {number for number in carried if known.person(number) in persons}
        nobodys = {number for number in carried if number in known.nobody}
    beside: dict[str, list[str]] = {}
    for number, one in sorted(called(project, mine | nobodys).items(), key=lambda item: (item[1].said, item[0])):
        into = beside if number in nobodys else own
        into.setdefault(one.kind, []).append(one.text.removeprefix(f"{one.kind} "))
    return {"identifiers": dict(sorted(own.items())), "nobody": dict(sorted(beside.items()))}


def _seen(project: Project, traces: Traces) -> dict[str, Any]:
    zone = project.settings.zone
    told = traces.told
    return {
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
