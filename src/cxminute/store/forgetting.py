"""Forgetting: everything that the state says of some people goes, with their events, in one transaction.

Segments without their events are written before (rewriting.py) and known to nobody; then one commit puts them in place
of the old ones and removes all else; then the old files go. Killed anywhere, the same again completes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, Text, cast, delete, insert, literal, or_, select, update

from cxminute.store import destroying, failpoints, quarantine
from cxminute.store.clocks import PERSON
from cxminute.store.keyring import Keyring
from cxminute.store.log import EventLog
from cxminute.store.rewriting import Mine, Rewritten, told_before
from cxminute.store.schema import (
    BONDS,
    COLLECTS,
    CONSENTS,
    DISCLOSURES,
    ERASURES,
    IDENTIFIERS,
    MERGES,
    NAMES,
    PERSONAL,
    PROPOSALS,
    REJECTS,
    RETIRED,
    SEGMENTS,
    SIDES,
    SUPERSEDED,
    VERSIONS,
)
from cxminute.store.segments import REST
from cxminute.store.state import BATCH, batches, insert_rows, writing
from cxminute.store.suppressions import suppress
from cxminute.store.vault import (
    ERASED,
    Who,
    by_space,
    called_events,
    drop_personal,
    erase,
    keys_called,
    opened_personal,
    seal_anew,
    told_of,
)

_BETWEEN: Final = re.compile(r"[\s/\x00-\x1f]+")
_OURS: Final = frozenset({"", "event", "of", "order", "package", "rating", "solved"})
_TABLES: Final[Mapping[str, tuple[ColumnElement[Any], ...]]] = {
    "consents": (CONSENTS.c.profile,),
    "bonds": (BONDS.c.a, BONDS.c.b),
    "merges": (MERGES.c.person, MERGES.c.other, MERGES.c.a, MERGES.c.b),
    "proposals": (PROPOSALS.c.a, PROPOSALS.c.b),
    "disclosures": (DISCLOSURES.c.profile,),
}
"""Tables that tell of people by number, and where. Whoever is beside them in a row has another for what is theirs."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What one commit removes beside events.

    profiles: numbers in the space 'person'
    rejects:  rows in quarantine
    records:  (source, record) that readers know of, named by what is forgotten
    files:    by collect, what its file is called without what is forgotten
    """

    profiles: Collection[int]
    rejects: Collection[int] = ()
    records: Collection[tuple[str, str]] = ()
    files: Mapping[int, str] = field(default_factory=dict)

    def who(self, mine: Mine) -> list[Who]:
        """Every identifier that goes: the people's own, and of things that only they tell of."""
        things = [(kind, number) for kind, numbers in mine.things.items() for number in numbers]
        return [*((PERSON, number) for number in self.profiles), *things]


def known(state: Engine, digests: Collection[str]) -> dict[str, Who]:
    """By keyed digest, which identifiers are known: space and number of each."""
    c = IDENTIFIERS.c
    found: dict[str, Who] = {}
    with state.connect() as connection:
        for some in batches(sorted(digests)):
            query = select(c.value, c.space, c.number).where(c.value.in_(some))
            found.update((row.value, (row.space, row.number)) for row in connection.execute(query))
    return found


def digests(state: Engine, who: Collection[Who]) -> dict[str, str]:
    """By keyed digest, the kind of each of these identifiers that still says what it is."""
    c = IDENTIFIERS.c
    found: dict[str, str] = {}
    with state.connect() as connection:
        for space, numbers in by_space(who).items():
            for some in batches(numbers):
                query = select(c.value, c.kind).where(c.space == space, c.number.in_(some))
                rows = connection.execute(query.where(~c.value.startswith(ERASED, autoescape=True)))
                found.update((row.value, row.kind) for row in rows)
    return found


def suppress_all(log: EventLog, profiles: Collection[int], at: int) -> None:
    """From now on, what carries an identifier of these people is refused. at: UTC ms."""
    found = digests(log.state, [(PERSON, number) for number in profiles])
    with writing(log.state).begin() as connection:
        suppress(connection, found, at)


def spoken(log: EventLog, profiles: Collection[int], paths: Collection[str]) -> set[str]:
    """What the personal values of people say at some paths, as it was sent."""
    with log.state.connect() as connection:
        rows = [(row.id, row.profile, row.sealed) for row in told_of(connection, profiles)]
    found: set[str] = set()
    for document in opened_personal(log.keyring, rows):
        for path, value in (document or {}).items():
            if path == REST and isinstance(value, str):
                found.update(_at(json.loads(value), paths))
            elif path in paths and isinstance(value, str | int):
                found.add(str(value))
    return found


def records(state: Engine, are: Callable[[str], bool]) -> tuple[tuple[str, str], ...]:
    """(source, record) of what readers know of by an identifier; are: whether a text is one, and nothing else.

    Such a name is from before these were digests. Words that say what kind of record it is ('order 450789469') are
    ours, whatever users are called.
    """
    c = VERSIONS.c
    with state.connect() as connection:
        found = connection.execute(select(c.source, c.record).execution_options(yield_per=BATCH))
        return tuple((row.source, row.record) for row in found if any(map(are, _words_of(row.record))))


def files(log: EventLog, without: Callable[[str], tuple[str, int]]) -> dict[int, str]:
    """By collect, what its file is called without the identifiers in its name; only those that have any.

    without: a text without them, and how many there were
    """
    c = COLLECTS.c
    with log.state.connect() as connection:
        rows = connection.execute(select(c.id, c.file).where(c.digest != "")).all()  # others are named by us
    said = log.names.opened([row.file for row in rows])
    told = {row.id: without(said.get(row.file, "")) for row in rows}
    return {number: name for number, (name, many) in told.items() if many}


def count(log: EventLog, removal: Removal, mine: Mine) -> dict[str, int]:
    """How much there is to be removed, by table; nothing is changed."""
    with log.state.connect() as connection:
        return {
            "events": mine.events,
            "identifiers": len(digests(log.state, removal.who(mine))),
            "personal values": len(_personal(connection, log.keyring, removal.profiles, mine)[0]),
            "quarantine": len(removal.rejects),
            **{name: len(_chosen(connection, name, removal.profiles)) for name in _TABLES},
        }


def remove(
    log: EventLog,
    removal: Removal,
    mine: Mine,
    rewritten: Sequence[Rewritten],
    *,
    at: int,
    people: int,
    refused: Mapping[str, str],
) -> int:
    """Removes it, all or nothing, notes the erasure and returns its number; then the keys of what is gone go, too.

    at:      UTC ms
    people:  how many are forgotten
    refused: what else is refused from now on: digest -> kind
    """
    failpoints.at("forgetting.committing")
    with writing(log.state).begin() as connection:
        _replace(connection, rewritten)
        for name in _TABLES:
            table = _TABLES[name][0].table
            for some in batches(_chosen(connection, name, removal.profiles)):
                connection.execute(delete(table).where(table.c.id.in_(some)))
        gone, kept = _personal(connection, log.keyring, removal.profiles, mine)
        seal_anew(connection, log.keyring, kept)
        for some in batches(gone):
            drop_personal(connection, PERSONAL.c.id.in_(some))
        for some in batches(sorted(removal.rejects)):
            quarantine.let_go(connection, REJECTS.c.id.in_(some))
        for source, record in sorted(removal.records):
            connection.execute(delete(VERSIONS).where(VERSIONS.c.source == source, VERSIONS.c.record == record))
        for number, name in removal.files.items():
            [called] = log.names.files([name])
            connection.execute(update(COLLECTS).where(COLLECTS.c.id == number).values(file=called))
        c = NAMES.c
        for source, name in sorted(mine.names):  # the code stays: others come after it
            [called] = log.names.called(source, [name])
            these = (c.source == source, c.name == called)
            connection.execute(update(NAMES).where(*these).values(name=literal(ERASED) + cast(c.code, Text)))
        suppress(connection, refused, at)
        erase(connection, removal.who(mine))
        row = {"at": at, "people": people, "events": mine.events, "first_at": mine.first_at, "last_at": mine.last_at}
        made: int = connection.execute(insert(ERASURES).values(**row, proof="").returning(ERASURES.c.id)).scalar_one()
    log.published = False
    failpoints.at("forgetting.committed")
    destroying.carry_out(log.state, log.keyring)
    return made


def prove(state: Engine, erasure: int, proof: str) -> None:
    """Notes which proof tells of an erasure."""
    with writing(state).begin() as connection:
        connection.execute(update(ERASURES).where(ERASURES.c.id == erasure).values(proof=proof))


def unproved(state: Engine) -> int | None:
    """The erasure that a kill left without its proof; None where each has its own."""
    c = ERASURES.c
    with state.connect() as connection:
        found: int | None = connection.execute(select(c.id).where(c.proof == "").order_by(c.id)).scalar()
    return found


def erasures(state: Engine, since: int | None = None, until: int | None = None) -> tuple[int, int]:
    """How many people were forgotten, and how many events of theirs, of whose a part happened in a span.

    since, until: UTC ms, until not included; None without a bound
    """
    c = ERASURES.c
    query = select(c.people, c.events).where(c.events > 0)
    if since is not None:
        query = query.where(c.last_at >= since)
    if until is not None:
        query = query.where(c.first_at < until)
    with state.connect() as connection:
        rows = connection.execute(query).all()
    return sum(row.people for row in rows), sum(row.events for row in rows)


def past_law(log: EventLog, source: str, names: Collection[str], before: int) -> tuple[int, ...]:
    """Rows of the vault of people who were forgotten that were kept since a law said so, of events before a moment.

    They are those without a profile whose event has one. before: UTC ms
    """
    c, p = COLLECTS.c, PERSONAL.c
    query = select(p.id, p.event).join(COLLECTS, c.id == p.collect).where(c.source == source, p.profile.is_(None))
    with log.state.connect() as connection:
        held = [(row.event, row.id) for row in connection.execute(query)]
    if not held:
        return ()
    called = set(called_events(log.keyring, source, told_before(log, source, names, before)))
    return tuple(number for event, number in held if event in called)


def sweep(log: EventLog) -> int:
    """Removes every file of the log that no segment, side or index names, also those that merges left to be read.

    What names say that the state has no more goes, too.

    Whoever calls holds the locks of every collect: no file is on its way. Returns how many there were.
    """
    there = [path for path in sorted(log.root.rglob("*")) if path.is_file() and path.parent != log.root]
    gone = 0
    with writing(log.state).begin() as connection:  # no reader names a side file meanwhile
        named = set(connection.execute(select(SEGMENTS.c.file).with_for_update()).scalars())
        named |= set(connection.execute(select(SIDES.c.file).where(SIDES.c.file.is_not(None))).scalars())
        for path in there:
            if path.relative_to(log.root).as_posix() not in named:
                path.unlink(missing_ok=True)
                gone += 1
        connection.execute(update(RETIRED).where(RETIRED.c.swept.is_(False)).values(swept=True))
        called = set(connection.execute(select(NAMES.c.name)).scalars())
        called |= set(connection.execute(select(COLLECTS.c.file)).scalars())
    log.names.keep(called)
    return gone


# -- inside ------------------------------------------------------------------------------------------------------------


def _replace(connection: Connection, rewritten: Sequence[Rewritten]) -> None:
    """Puts files in place of others; superseded rows behind those that are gone move up, sides are made again."""
    s, gone = SEGMENTS.c, SUPERSEDED.c
    for one in rewritten:
        gone_rows = set(one.rows.tolist())
        for number in connection.execute(select(s.id).where(s.file == one.old).with_for_update()).scalars().all():
            connection.execute(delete(SIDES).where(SIDES.c.segment == number))
            marked = connection.execute(select(gone.row, gone.collect).where(gone.segment == number)).all()
            connection.execute(delete(SUPERSEDED).where(gone.segment == number))
            if one.file is None:
                connection.execute(delete(SEGMENTS).where(s.id == number))
                continue
            left = [row for row in marked if row.row not in gone_rows]
            moved = [int(row.row) - int(np.searchsorted(one.rows, row.row)) for row in left]
            rows = [(number, place, row.collect) for place, row in zip(moved, left, strict=True)]
            insert_rows(connection, SUPERSEDED, ("segment", "row", "collect"), rows)
            said = {
                "file": one.file, "sha256": one.sha256, "bytes": one.size,
                "first_at": one.first_at, "last_at": one.last_at,
            }  # fmt: skip
            fewer = s.rows - len(one.rows)
            connection.execute(update(SEGMENTS).where(s.id == number).values(**said, rows=fewer))


def _personal(
    connection: Connection, keyring: Keyring, profiles: Collection[int], mine: Mine
) -> tuple[list[int], list[Any]]:
    """Rows of the vault of these profiles, and of events of theirs that name nobody: (ids of those that go, the rest).

    The rest is what a law keeps: it stays readable.
    """
    nameless, lawful = keys_called(keyring, mine.nameless), keys_called(keyring, mine.kept)
    gone, kept = [], []
    for row in told_of(connection, profiles, nameless):
        if row.profile is not None and row.event in lawful:
            kept.append(row)
        else:
            gone.append(row.id)
    return gone, kept


def _words_of(record: str) -> Iterator[str]:
    """What a record's name ('package 7 of order 8', 'cancellation 8/1') may have of identifiers."""
    first, blank, rest = record.partition(" ")
    said = rest if blank else first
    yield said
    yield from (word for word in _BETWEEN.split(said) if word not in _OURS)


def _at(value: object, paths: Collection[str], path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _at(inner, paths, f"{path}.{key}" if path else str(key))
    elif path in paths and isinstance(value, str | int):
        yield str(value)


def _chosen(connection: Connection, name: str, profiles: Collection[int]) -> list[int]:
    columns = _TABLES[name]
    table = columns[0].table
    seen: set[int] = set()
    for some in batches(sorted(profiles), BATCH // len(columns)):
        query = select(table.c.id).where(or_(*(column.in_(some) for column in columns)))
        seen.update(connection.execute(query).scalars())
    return sorted(seen)
