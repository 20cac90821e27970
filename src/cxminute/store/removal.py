"""Personal data whose time is over: what of it there is, and its removal. Events, numbers and counts stay.

What is personal lies in the vault (values of events), under identifiers (what a customer is called), and in quarantine
(rows as they came). The log's segments and the index hold numbers and what is open, so removing anything changes no
answer. An identifier keeps its number and loses its value: what it stood for cannot be told any more, and a customer
who comes again is a new one.

Whoever removes holds the locks of every collect: what is interned is then in a segment, or nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, select

from cxminute.store import destroying, failpoints, quarantine
from cxminute.store.clocks import PERSON, Clocks, Ints, Term
from cxminute.store.log import EventLog
from cxminute.store.schema import BONDS, COLLECTS, CONSENTS, IDENTIFIERS, PERSONAL, REJECTS
from cxminute.store.state import batches, writing
from cxminute.store.vault import APART, ERASED, Vault, Who, drop_personal, erase, is_of_person, seal_anew

_EVER: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be removed of one source.

    personal: rows of the vault
    people:   identifiers, each by its space and its number there
    rejects:  rows in quarantine, also those that were replayed
    kept:     identifiers that stay though they were asked for, since other sources know them
    lawful:   rows of the vault that stay, since a law orders it: of people who go, under keys of their own
    """

    personal: tuple[int, ...] = ()
    people: tuple[Who, ...] = ()
    rejects: tuple[int, ...] = ()
    kept: tuple[Who, ...] = ()
    lawful: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.personal or self.people or self.rejects)


@dataclass(slots=True)
class _Reach:
    """Until when each person's identifier is needed: number and moment, UTC ms; `_EVER` for ever."""

    numbers: list[Ints] = field(default_factory=list)
    until: list[Ints] = field(default_factory=list)

    def add(self, numbers: Ints, until: Ints) -> None:
        """Some numbers of one source."""
        self.numbers.append(numbers)
        self.until.append(until)

    def over(self, at: int) -> set[int]:
        """The numbers that no source needs any more."""
        if not self.numbers:
            return set()
        numbers, places = np.unique(np.concatenate(self.numbers), return_inverse=True)
        last = np.full(len(numbers), np.iinfo(np.int64).min)
        np.maximum.at(last, places, np.concatenate(self.until))
        return set(numbers[last <= at].tolist())


def due(log: EventLog, terms: Sequence[Term], at: int) -> dict[str, Due]:
    """By source, what is over at a moment (UTC ms): where its clock started at least `keep` ago.

    terms:  of every source, also of those that keep for ever: who is linked may be known to several
    raises: BrokenStore where a segment cannot be read
    """
    linked = any(term.keep is not None and not term.apart for term in terms)
    kinds = frozenset[str]().union(*(term.kinds for term in terms))
    reaches: dict[tuple[str, str], _Reach] = {}
    mine: dict[tuple[str, str], set[int]] = {}
    rows: dict[str, tuple[int, ...]] = {}
    for term in terms:
        if term.keep is None and (term.apart or not linked):
            continue
        with Clocks(log, term) as told:
            if term.keep is not None:
                rows[term.source] = told.personal(log, at - term.keep)
            for space, (numbers, clocks) in told.people(kinds).items():
                ever = term.keep is None or space not in term.spaces
                until = np.full(len(numbers), _EVER) if ever else clocks + (term.keep or 0)
                reaches.setdefault((_owner(term), space), _Reach()).add(numbers, until)
                mine[term.source, space] = set(numbers.tolist())
    found: dict[str, Due] = {}
    for term in terms:
        if term.keep is None:
            continue
        people: list[Who] = []
        with log.state.connect() as connection:
            for space in term.spaces:
                over, own = reaches.get((_owner(term), space), _Reach()).over(at), mine.get((term.source, space), set())
                if term.apart:  # one that no segment has was left by a collect that was killed, or came with consent
                    standing = _standing(connection, term, space)
                    gone = (standing & over) | (standing - own - (_told(connection) if space == PERSON else set()))
                else:
                    gone = _standing(connection, term, space, among=sorted(over & own))
                people += [(space, number) for number in sorted(gone)]
            rejects = _rejects(connection, term.source, at - term.keep)
        found[term.source] = Due(rows[term.source], tuple(people), rejects)
    return found


def of_whom(
    log: EventLog, vault: Vault, term: Term, about: Mapping[str, Collection[str]], others: Sequence[Term], at: int
) -> Due:
    """What is to be removed of some customers or orders of a source, whatever its age.

    about:  by kind of identifier the values, as the source writes them
    others: terms of all other sources: who is linked stays, by name, where one of them knows them
    at:     UTC ms: what a law orders to keep beyond it stays
    """
    numbers = {kind: _numbers(vault, kind, _spelled(term, values)) for kind, values in about.items()}
    people = {number for kind, found in numbers.items() if is_of_person(kind) for number in found}
    with Clocks(log, term) as told:
        personal, named = told.of(log, numbers, people, at)
        lawful = told.kept(log, at)
    words = sorted({value for values in about.values() for value in values if value.strip()})
    rejects = rejects_naming(log, words, term.source)
    return replace(_parted(log, term, personal, {PERSON: people, **named}, rejects, others), lawful=lawful)


def everything(log: EventLog, term: Term, others: Sequence[Term], at: int) -> Due:
    """All that is personal of a source, but for what a law orders to keep: of a shop or an account that was closed.

    at: UTC ms
    """
    with Clocks(log, term) as told:
        people = {space: set(numbers.tolist()) for space, (numbers, _) in told.people(term.kinds).items()}
        lawful, names = told.kept(log, at), told.kept_names(at)
    with log.state.connect() as connection:
        query = select(PERSONAL.c.id).join(COLLECTS, COLLECTS.c.id == PERSONAL.c.collect)
        personal = connection.execute(query.where(COLLECTS.c.source == term.source)).scalars().all()
        rejects = _rejects(connection, term.source, _EVER)
        if term.apart:
            people = {space: _standing(connection, term, space) for space in term.spaces}
    people = {space: numbers - names.get(space, set()) for space, numbers in people.items()}
    goes = tuple(sorted(set(personal) - set(lawful)))
    return replace(_parted(log, term, goes, people, rejects, others), lawful=lawful)


def remove(log: EventLog, gone: Due) -> None:
    """Removes it, all or nothing, and destroys its keys. The bytes go with `scrubbing.scrub`."""
    with writing(log.state).begin() as connection:
        for ids in batches(gone.personal):
            drop_personal(connection, PERSONAL.c.id.in_(ids))
        for ids in batches(gone.rejects):
            quarantine.let_go(connection, REJECTS.c.id.in_(ids))
        _keep(connection, log, gone)
        erase(connection, gone.people)
    failpoints.at("keys.noted")
    destroying.carry_out(log.state, log.keyring)


def rejects_naming(log: EventLog, words: Collection[str], source: str | None = None) -> tuple[int, ...]:
    """Rows in quarantine, of a source or of all, in which a word stands, not within another word or number.

    Every row is opened and read: what is sealed cannot be searched otherwise.
    """
    if not words:
        return ()
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(words)))})(?!\w)")
    of = () if source is None else (REJECTS.c.source == source,)
    return tuple(one.number for one in quarantine.every(log.state, log.keyring, *of) if named.search(one.row))


def sources_in_vault(log: EventLog) -> set[str]:
    """Sources of which personal values, or rows in quarantine, are kept."""
    c = COLLECTS.c
    with log.state.connect() as connection:
        told = select(c.source).join(PERSONAL, PERSONAL.c.collect == c.id).distinct()
        return {
            *connection.execute(told).scalars(),
            *connection.execute(select(REJECTS.c.source).distinct()).scalars(),
        }


# -- inside ------------------------------------------------------------------------------------------------------------


def _parted(
    log: EventLog,
    term: Term,
    personal: tuple[int, ...],
    people: Mapping[str, set[int]],
    rejects: tuple[int, ...],
    others: Sequence[Term],
) -> Due:
    """What goes, and which identifiers stay since other sources know them."""
    gone: list[Who] = []
    kept: list[Who] = []
    elsewhere: dict[str, set[int]] = {}
    for other in () if term.apart else others:
        if not other.apart and other.source != term.source:
            with Clocks(log, other) as told:
                for space, (numbers, _) in told.people(term.kinds).items():
                    elsewhere.setdefault(space, set()).update(numbers.tolist())
    with log.state.connect() as connection:
        for space, asked in sorted(people.items()):
            for number in sorted(_standing(connection, term, space, among=sorted(asked))):
                (kept if number in elsewhere.get(space, ()) else gone).append((space, number))
    return Due(personal, tuple(gone), rejects, tuple(kept))


def _owner(term: Term) -> str:
    """Whose numbers they are: of a source apart its own, else everybody's."""
    return term.source if term.apart else ""


def _standing(connection: Connection, term: Term, space: str, among: Sequence[int] | None = None) -> set[int]:
    """Numbers of a space whose identifier still says what it is: of a source apart all, else those among some."""
    c = IDENTIFIERS.c
    tests: list[ColumnElement[bool]] = [c.space == space, ~c.value.startswith(ERASED)]
    if term.apart:
        tests.append(c.apart == term.source)
    if among is None:
        return set(connection.execute(select(c.number).where(*tests)).scalars())
    found: set[int] = set()
    for some in batches(among):
        found.update(connection.execute(select(c.number).where(and_(*tests), c.number.in_(some))).scalars())
    return found


def _told(connection: Connection) -> set[int]:
    """Numbers of persons of whom something was said beside events: consent, or that two are one."""
    columns = (CONSENTS.c.profile, BONDS.c.a, BONDS.c.b)
    return {number for column in columns for number in connection.execute(select(column).distinct()).scalars()}


def _keep(connection: Connection, log: EventLog, gone: Due) -> None:
    """What a law orders to keep of people who go gets keys of its own, since theirs are about to be destroyed."""
    people = {number for space, number in gone.people if space == PERSON}
    c = PERSONAL.c
    for ids in batches(gone.lawful) if people else ():
        query = select(c.id, c.profile, c.sealed).where(c.id.in_(ids), c.profile.is_not(None))
        seal_anew(connection, log.keyring, [row for row in connection.execute(query) if row.profile in people])


def _rejects(connection: Connection, source: str, before: int) -> tuple[int, ...]:
    """Rows in quarantine that came by a moment: what their collect began at."""
    query = select(REJECTS.c.id).join(COLLECTS, COLLECTS.c.id == REJECTS.c.collect)
    return tuple(connection.execute(query.where(REJECTS.c.source == source, COLLECTS.c.known_at <= before)).scalars())


def _spelled(term: Term, values: Collection[str]) -> list[str]:
    return [f"{term.source}{APART}{value}" if term.apart else value for value in values]


def _numbers(vault: Vault, kind: str, values: Sequence[str]) -> list[int]:
    found = (vault.number(kind, value) for value in values)
    return [number for number in found if number is not None]
