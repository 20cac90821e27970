"""Merges and unmerges of people, as they were noticed: who became part of whom, who parted, and what decided it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select

from cxminute.store.schema import MERGES
from cxminute.store.state import batches, insert_rows, writing

MERGE: Final = "merge"
UNMERGE: Final = "unmerge"
_BATCH: Final = 5_000  # numbers of one IN list, which stands up to four times in a query


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge of two people, or an unmerge.

    kind:     merge or unmerge
    person:   who goes on: the older, a number of the space 'person'
    other:    who became part of it, or parted from it
    a, b:     ends of the link or bond that decided; None where several did
    how:      what kind of link decided: same_event, identify, alias, hand, linkage ...
    source:   that told of it; '' of people
    at:       when that happened, UTC ms
    known_at: when it was noticed, UTC ms
    """

    kind: str
    person: int
    other: int
    a: int | None
    b: int | None
    how: str
    source: str
    at: int
    known_at: int


_COLUMNS: Final = tuple(field.name for field in fields(Merge))


class Merges:
    """Every merge and unmerge, in the state, in the order in which they were noticed."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def note(self, changes: Sequence[Merge]) -> None:
        """Writes changes down, in this order, all or none."""
        if not changes:
            return
        with writing(self._state).begin() as connection:
            insert_rows(connection, MERGES, _COLUMNS, [astuple(change) for change in changes])

    def newest(self) -> int:
        """Grows with every one that is written down; 0 before the first."""
        with self._state.connect() as connection:
            return connection.execute(select(func.max(MERGES.c.id))).scalar() or 0

    def of(self, numbers: Collection[int], known_at: int | None = None, *, after: int = 0) -> list[Merge]:
        """Those in which one of the numbers is a person, in order, as far as known at a moment (now: None).

        after: only those that were written down since `newest` said so
        """
        wanted = sorted({int(number) for number in numbers})
        then = (MERGES.c.id > after, *(() if known_at is None else (MERGES.c.known_at <= known_at,)))
        found: dict[int, Merge] = {}
        for some in batches(wanted, _BATCH):
            found |= self._read(or_(MERGES.c.person.in_(some), MERGES.c.other.in_(some)), *then)
        return [change for _, change in sorted(found.items())]

    def all(self) -> list[Merge]:
        """Every one, in order."""
        return list(self._read().values())

    def count(self, kind: str = MERGE) -> int:
        """How many there were of a kind."""
        with self._state.connect() as connection:
            return connection.execute(
                select(func.count()).select_from(MERGES).where(MERGES.c.kind == kind)
            ).scalar_one()

    def drop(self, numbers: Collection[int]) -> int:
        """Removes those in which one of the numbers is, for whoever forgets them; returns how many."""
        wanted, gone, c = sorted({int(number) for number in numbers}), 0, MERGES.c
        with writing(self._state).begin() as connection:
            for some in batches(wanted, _BATCH):
                named = or_(c.person.in_(some), c.other.in_(some), c.a.in_(some), c.b.in_(some))
                gone += connection.execute(delete(MERGES).where(named)).rowcount
        return gone

    def _read(self, *where: ColumnElement[bool]) -> dict[int, Merge]:
        c = MERGES.c
        query = select(c.id, *(c[column] for column in _COLUMNS)).where(*where).order_by(c.id)
        with self._state.connect() as connection:
            return {row[0]: Merge(*row[1:]) for row in connection.execute(query)}
