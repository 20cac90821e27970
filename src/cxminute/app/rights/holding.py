"""Everything that is held on one person, as they may ask to have it (GDPR 15), or to take it elsewhere (GDPR 20).

What is theirs is every event of their profiles, and every event of nobody about a thing (an order, a ticket) that no
event of somebody else names. Identifiers of others that stand in their events are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.app.people.explaining import why
from cxminute.app.people.naming import numbers_of, people_named, person_of
from cxminute.app.people.who import Who, who_is
from cxminute.app.project import Project
from cxminute.app.rights.retaining import clock_of
from cxminute.model.errors import Refused
from cxminute.model.times import DAY, from_ms
from cxminute.privacy.contracts import Contract
from cxminute.privacy.permits import Permit
from cxminute.privacy.rights import is_portable
from cxminute.store.disclosures import THE_PERSON
from cxminute.store.holdings import Event, Key
from cxminute.store.memberships import GROUP
from cxminute.store.requests import Request
from cxminute.store.vault import APART, ERASED, LINKING, UNREADABLE, is_of_person

VERSION: Final = 1
"""Of the document's form."""
NO_DECISIONS: Final = "No decision about this person was made by this program."

Section = list[dict[str, Any]]
Named = Mapping[str, Mapping[int, str]]
"""By kind, what numbers are called."""


@dataclass(frozen=True, slots=True)
class Whom:
    """Whose data it is.

    profiles: every number of theirs in the space 'person'
    asked:    the numbers of the identifier that was named
    known:    who is who now
    leave:    which sources are read
    """

    profiles: tuple[int, ...]
    asked: tuple[int, ...]
    known: Who
    leave: Permit


def whom(project: Project, leave: Permit, about: Mapping[str, Sequence[str]]) -> Whom:
    """The one person that identifiers, by kind, are of.

    about:  kinds as the log calls them; '' for any kind that a person can have
    raises: UnknownPerson; UnknownName for a kind that no source has; WrongUse for those of several people, or nobody's
    """
    found = tuple(people_named(project, leave, about))
    known = who_is(project)
    instead = "an identifier of one person; cxm person ID --why says which are theirs"
    person = person_of(known.found, found, allowed=instead)
    return Whom(tuple(known.members([person])), found, known, leave)


def held(seen: View, who: Whom, *, portable: bool, now: int) -> dict[str, Any]:
    """The whole document: what is held on a person, and why.

    portable: only what they gave or what was observed of them, where the basis is consent or a contract
    now:      UTC ms: what is past its term by now is said to be
    """
    project = seen.project
    contracts, purposes = project.definitions.contracts, project.settings.purposes
    covered = [name for name in sorted(who.leave.sources) if name in contracts]
    if portable:
        covered = [name for name in covered if is_portable(contracts[name], purposes)]
    pieces = [piece for piece in project.log.pieces((), None) if piece.source in covered]
    things = project.holdings.things(pieces, who.profiles)
    events = project.holdings.events(pieces, who.profiles, things)
    values = project.holdings.personal(who.profiles, {(event.source, event.id) for event in events})
    names = _names(project, events)
    document: dict[str, Any] = {
        "version": VERSION,
        "made_at": from_ms(now),
        "purpose": who.leave.purpose,
        "portable": portable,
        "person": {
            "number": min(who.profiles),
            "events": len(events),
            "first_at": _moment(min((event.at for event in events), default=None)),
            "last_at": _moment(max((event.at for event in events), default=None)),
        },
        "identifiers": _identifiers(project, events, who),
        "sources": [_source(project, contracts[name], events) for name in covered],
        "events": [_event(event, values, names, contracts[event.source], now) for event in events],
        "consents": _consents(project, who, covered),
        "memberships": _memberships(events, names),
    }
    if portable:
        return document
    passages, promises, left = _derived(seen, who, things, names)
    links, merges = _links(project, who)
    words = {row["value"] for row in document["identifiers"] if row["value"]}
    return document | {
        "quarantine": project.holdings.quarantined(words, covered),
        "links": links,
        "merges": merges,
        "passages": passages,
        "promises": promises,
        "requests": [_request(one) for one in _their_requests(project, who)],
        "disclosures": [
            {"recipient": one.recipient, "purpose": one.purpose, "what": one.what, "at": from_ms(one.at)}
            for one in dict.fromkeys(project.disclosures.of(who.profiles))
            if one.profile == min(who.profiles) or one.recipient != THE_PERSON
        ],
        "decisions": [],
        "notes": [NO_DECISIONS, *left],
    }


def _moment(at: int | None) -> datetime | None:
    return None if at is None else from_ms(at)


def _names(project: Project, events: Sequence[Event]) -> dict[str, dict[int, str]]:
    """By kind, what the things are called that events name."""
    numbers: dict[str, set[int]] = {}
    for event in events:
        for kind, number in event.numbers.items():
            if not is_of_person(kind):
                numbers.setdefault(kind, set()).add(number)
    return {kind: project.vault.called(kind, sorted(some)) for kind, some in sorted(numbers.items())}


def _identifiers(project: Project, events: Sequence[Event], who: Whom) -> Section:
    told: dict[int, list[Event]] = {}
    for event in events:
        mine = {number for kind, number in event.numbers.items() if is_of_person(kind)} | {event.profile}
        for number in mine.intersection(who.profiles):
            told.setdefault(number, []).append(event)  # type: ignore[arg-type]  # a profile of theirs is a number
    found = []
    for number, (kind, said) in sorted(project.vault.called_people(who.profiles).items()):
        seen = told.get(number, [])
        apart, _, word = said.rpartition(APART)
        state = "erased" if ERASED in said else "unreadable" if UNREADABLE in said else "held"
        if state != "held":
            apart, word = said.partition(APART)[0] if APART in said else "", ""
        found.append({
            "number": number, "kind": kind.removeprefix(LINKING), "value": word or None, "state": state,
            "apart": apart or None, "sources": sorted({event.source for event in seen}),
            "first_at": _moment(min((event.at for event in seen), default=None)),
            "last_at": _moment(max((event.at for event in seen), default=None)),
        })  # fmt: skip
    return found


def _source(project: Project, contract: Contract, events: Sequence[Event]) -> dict[str, Any]:
    """Where data came from, for what it is used and on what basis, how long it is kept, what may be done with it."""
    purposes = project.settings.purposes
    mine = [event.at for event in events if event.source == contract.source]
    return {
        "source": contract.source,
        "origin": contract.origin,
        "purposes": [
            {
                "purpose": name,
                "says": purposes[name].says if name in purposes else None,
                "basis": purposes[name].basis if name in purposes else None,
                "dpv": (purposes[name].dpv or None) if name in purposes else None,
            }
            for name in sorted(contract.purposes)
        ],
        "personal_kept": clock_of(contract),
        "rest_kept_days": contract.keep_rest,
        "linked": contract.link,
        "contacted": contract.contact,
        "channels": list(contract.channels),
        "trained_on": contract.train,
        "combined": contract.combine,
        "events": len(mine),
        "first_at": _moment(min(mine, default=None)),
        "last_at": _moment(max(mine, default=None)),
    }


def _event(
    event: Event, personal: Mapping[Key, Mapping[str, Any] | None], names: Named, contract: Contract, now: int
) -> dict[str, Any]:
    """One event with all that it says: what is open, and what lies in the vault."""
    values = {path: from_ms(value) if path in event.times else value for path, value in event.values.items()} | dict(
        _leaves(event.rest, "")
    )
    about = {kind: names[kind].get(number) for kind, number in event.numbers.items() if kind in names}
    return {
        "id": event.id, "source": event.source, "kind": event.kind, "name": event.name, "at": from_ms(event.at),
        "known_at": from_ms(event.known_at), "replaced": event.replaced,
        "about": {kind: said.rpartition(APART)[2] for kind, said in about.items() if said is not None},
        "values": dict(sorted(values.items())),
        "personal": _opened(personal.get((event.source, event.id))),
        "personal_state": _state(event, personal, contract, now),
    }  # fmt: skip


def _state(event: Event, personal: Mapping[Key, object], contract: Contract, now: int) -> str:
    """held, erased, past its term, or none: what became of an event's personal values."""
    if (key := (event.source, event.id)) in personal:
        return "erased" if personal[key] is None else "held"
    kept = contract.keep_personal
    return "past its term" if kept is not None and event.at + round(kept * DAY) < now else "none"


def _opened(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Personal values by path; what was left over is looked through to its leaves."""
    if said is None:
        return {}
    found = {path: value for path, value in said.items() if path != "rest"}
    rest = said.get("rest")
    if isinstance(rest, str):
        from msgspec import json  # noqa: PLC0415 -- few values are left over

        rest = json.decode(rest)
    return dict(sorted({**found, **dict(_leaves(rest or {}, ""))}.items()))


def _leaves(value: object, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif value is not None:
        yield path, value


def _memberships(events: Sequence[Event], names: Named) -> Section:
    """The accounts and households that their events name; who else belongs to them is not told."""
    told: dict[int, list[int]] = {}
    for event in events:
        if event.profile is not None and GROUP in event.numbers:
            told.setdefault(event.numbers[GROUP], []).append(event.at)
    return [
        {
            "group": names[GROUP].get(number, "").rpartition(APART)[2] or None, "events": len(at),
            "first_at": from_ms(min(at)), "last_at": from_ms(max(at)),
        }
        for number, at in sorted(told.items())
    ]  # fmt: skip


def _consents(project: Project, who: Whom, covered: Collection[str]) -> Section:
    """Everything that was said of consent, with its history in both times."""
    return [
        {
            "purpose": one.purpose, "said": one.said, "how": one.how, "source": one.source or None,
            "at": from_ms(one.at), "known_at": from_ms(one.known_at), "why": one.why or None,
        }
        for one in project.holdings.consents(who.profiles)
        if not one.source or one.source in covered
    ]  # fmt: skip


def _links(project: Project, who: Whom) -> tuple[Section, Section]:
    """Why we think that this is one person: evidence and what people said; and merges and unmerges."""
    told = why(project, who.leave, who.known, who.profiles, None)
    mine = frozenset(who.profiles)
    links: Section = [
        {
            "a": tie.a, "b": tie.b, "how": tie.how, "source": tie.source, "events": tie.events,
            "first_at": from_ms(tie.first_at), "last_at": from_ms(tie.last_at), "evidence": tie.event,
            "said": "linked", "why": None,
        }
        for tie in told.links
    ]  # fmt: skip
    links += [
        {
            "a": _own(bond.a, mine), "b": _own(bond.b, mine), "how": bond.how, "source": None, "events": 0,
            "first_at": from_ms(bond.known_at), "last_at": from_ms(bond.known_at), "evidence": None,
            "said": bond.said, "why": bond.why,
        }
        for bond in told.bonds
    ]  # fmt: skip
    merges: Section = [
        {
            "kind": change.kind, "person": _own(change.person, mine), "other": _own(change.other, mine),
            "how": change.how, "source": change.source or None, "at": from_ms(change.at),
            "known_at": from_ms(change.known_at),
        }
        for change in told.merges
    ]  # fmt: skip
    return links, merges


def _own(number: int, mine: Collection[int]) -> int | None:
    """A number of theirs; None for somebody else's."""
    return number if number in mine else None


def _derived(
    seen: View, who: Whom, things: Mapping[str, frozenset[int]], names: Named
) -> tuple[Section, Section, list[str]]:
    """Their passages through journeys, the promises made to them with their outcome; and what could not be told."""
    subjects = {"person": frozenset(who.profiles), **things}
    passages: Section = []
    promises: Section = []
    left: list[str] = []
    for journey in seen.project.definitions.journeys.values():
        if (wanted := subjects.get(journey.space)) is None:
            continue
        try:
            _, found, _ = seen.passages(journey)
        except Refused as fault:
            left.append(f"Journey '{journey.name}': {fault.what}")
            continue
        passages += [
            {
                "journey": row["journey"], "about": _about(journey.space, row["subject"], names),
                "opened_at": row["opened_at"], "closed_at": row["closed_at"], "ending": row["ending"],
                "steps_reached": sum(at is not None for at in row["reached_at"]),
            }
            for row in _theirs(found, wanted)
        ]  # fmt: skip
    for promise in seen.project.definitions.promises.values():
        if (wanted := subjects.get(promise.per)) is None:
            continue
        try:
            ledger, _ = seen.ledger(promise)
        except Refused as fault:
            left.append(f"Promise '{promise.name}': {fault.what}")
            continue
        promises += [
            {
                "promise": row["promise"], "about": _about(promise.per, row["subject"], names),
                "made_at": row["made_at"], "due_at": row["due_at"], "outcome_at": row["outcome_at"],
                "state": row["state"],
            }
            for row in _theirs(ledger, wanted)
        ]  # fmt: skip
    return passages, promises, left


def _theirs(found: pa.Table, wanted: Collection[int]) -> Section:
    chosen = pc.is_in(found["subject"], value_set=pa.array(sorted(wanted), pa.int64()))
    rows: Section = found.filter(chosen).to_pylist()
    return rows


def _about(space: str, number: int, names: Named) -> str | None:
    return None if space == "person" else names.get(space, {}).get(number, "").rpartition(APART)[2] or None


def _their_requests(project: Project, who: Whom) -> Iterator[Request]:
    """Requests that are about this person; of those that are closed nobody knows any more."""
    for one in project.requests.list(still_open=True):
        kinds = {kind: [*words] for kind, words in one.about.items() if is_of_person(kind)}
        found = (numbers_of(project, who.leave, word, [kind]) for kind, words in kinds.items() for word in words)
        if any(number in who.profiles for some in found for numbers in some.values() for number in numbers):
            yield one


def _request(one: Request) -> dict[str, Any]:
    return {
        "number": one.id, "kind": one.kind, "source": one.source or None, "received_at": from_ms(one.received_at),
        "due_at": from_ms(one.due_at), "checked_at": _moment(one.checked_at), "extended_at": _moment(one.extended_at),
    }  # fmt: skip
