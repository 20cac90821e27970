"""The vault: which person, order or cookie a number stands for, and every personal value; apart from the log.

The log and the index hold numbers only. Numbers are dense in their space and given in order of first appearance, so
that the same input in the same order gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, func, select

from cxminute.store.schema import IDENTIFIERS, PERSONAL
from cxminute.store.state import insert_rows, writing

PERSON_KINDS = ("user_id", "anonymous_id")
"""Kinds of identifier that name a person by themselves; they share the space 'person' with those of `LINKING`. Every
other kind is a space of its own."""
LINKING = "@"
"""Begins the kind of a value by which people are recognised: '@email', '@phone', '@device_id'. Whatever a source calls
`email` among its [identifiers] is a space of its own, as ever."""

APART = "\x1f"
"""Stands between a source and its own identifier, where its contract lets nobody link it."""

ERASED = "\x1ferased "
"""Stands, with its number, in place of what an identifier said before it was erased; no sender's id begins so."""
REMOVALS = "removals"
"""The space that counts, in one row, how often identifiers were erased."""

_MET = 2_000_000  # identifiers of a kind remembered in memory: about 300 MB
_BATCH = 10_000  # parameters of one IN list: SQLite allows 32,766, PostgreSQL 65,535


def space_of(kind: str) -> str:
    """The space that a kind of identifier is numbered in."""
    return "person" if is_of_person(kind) else kind


def is_of_person(kind: str) -> bool:
    """Whether identifiers of this kind belong to a person, and share the space 'person'."""
    return kind in PERSON_KINDS or kind.startswith(LINKING)


class Vault:
    """Numbers for identifiers, and the personal values of events."""

    def __init__(self, state: Engine) -> None:
        self._state = state
        self._met: dict[str, dict[str, int]] = {}  # by kind: numbers never change, so they need asking only once
        self._removals = 0

    def intern(self, kind: str, values: pa.ChunkedArray) -> pa.Array:
        """The number of each value (int64), new numbers for new values; null stays null."""
        coded = values.combine_chunks().dictionary_encode() if isinstance(values, pa.ChunkedArray) else values
        words: list[str] = coded.dictionary.to_pylist()
        numbers = pa.array(self._numbers(kind, words), pa.int64())
        return pc.take(numbers, coded.indices)

    def number(self, kind: str, value: str) -> int | None:
        """The number of one value, or None where it never came."""
        c = IDENTIFIERS.c
        with self._state.connect() as connection:
            return connection.execute(
                select(c.number).where(c.space == space_of(kind), c.kind == kind, c.value == value),
            ).scalar()

    def names(self, kind: str, numbers: Sequence[int]) -> list[str]:
        """What the numbers of one kind stand for, in alphabetical order; numbers of other kinds are left out."""
        c = IDENTIFIERS.c
        found: list[str] = []
        with self._state.connect() as connection:
            for start in range(0, len(numbers), _BATCH):
                some = c.number.in_([int(number) for number in numbers[start : start + _BATCH]])
                query = select(c.value).where(c.space == space_of(kind), c.kind == kind, some)
                found += connection.execute(query).scalars().all()
        return sorted(found)

    def called(self, kind: str, numbers: Sequence[int]) -> dict[int, str]:
        """What each number of a kind stands for; numbers of other kinds are left out."""
        c = IDENTIFIERS.c
        found: dict[int, str] = {}
        with self._state.connect() as connection:
            for start in range(0, len(numbers), _BATCH):
                some = c.number.in_([int(number) for number in numbers[start : start + _BATCH]])
                query = select(c.number, c.value).where(c.space == space_of(kind), c.kind == kind, some)
                found.update({row.number: row.value for row in connection.execute(query)})
        return found

    def kinds(self) -> frozenset[str]:
        """Every kind of which it has numbered an identifier."""
        with self._state.connect() as connection:
            return frozenset(connection.execute(select(IDENTIFIERS.c.kind).distinct()).scalars())

    def _numbers(self, kind: str, words: Sequence[str]) -> NDArray[np.int64]:
        space = space_of(kind)
        if (made := self._erasures()) != self._removals:  # what was erased is not to be known again
            self._met, self._removals = {}, made
        met = self._met.setdefault(kind, {})
        if len(met) > _MET:
            met.clear()
        unmet = [word for word in words if word not in met]
        if unmet:
            with self._state.connect() as connection:
                met.update(_known(connection, space, kind, unmet))
        new = [word for word in unmet if word not in met]
        if new:
            with writing(self._state).begin() as connection:
                c = IDENTIFIERS.c
                last = connection.execute(select(func.max(c.number)).where(c.space == space)).scalar()
                first = 0 if last is None else last + 1
                rows = [(space, number, kind, word) for number, word in enumerate(new, start=first)]
                insert_rows(connection, IDENTIFIERS, ("space", "number", "kind", "value"), rows)
            met.update(zip(new, range(first, first + len(new)), strict=True))
        return np.fromiter(map(met.__getitem__, words), np.int64, len(words))

    def _erasures(self) -> int:
        c = IDENTIFIERS.c
        with self._state.connect() as connection:
            return connection.execute(select(func.max(c.number)).where(c.space == REMOVALS)).scalar() or 0


def _known(connection: Connection, space: str, kind: str, words: Sequence[str]) -> dict[str, int]:
    """The numbers of those words that have one; all words go as one parameter, so that the query is one of few."""
    if connection.dialect.name == "sqlite":
        among, asked = "IN (SELECT value FROM json_each(?))", msgspec.json.encode(words).decode()
        query = f"SELECT value, number FROM identifiers WHERE space = ? AND kind = ? AND value {among}"  # noqa: S608 -- a constant
        return dict(connection.exec_driver_sql(query, (space, kind, asked)).fetchall())
    query = "SELECT value, number FROM identifiers WHERE space = %s AND kind = %s AND value = ANY(%s)"
    return dict(connection.exec_driver_sql(query, (space, kind, list(words))).fetchall())


def put_personal(connection: Connection, collect: int, part: int, personal: pa.Table) -> None:
    """Keeps personal values: a table with `id` and `profile` of the event, and a column per path, null where absent."""
    paths = [name for name in personal.column_names if name not in ("id", "profile")]
    full = [path for path in paths if personal[path].null_count < personal.num_rows]
    if not full:
        return
    said = _documents({path: _plain(personal[path]) for path in full})
    whose = zip(personal["id"].to_pylist(), personal["profile"].to_pylist(), said, strict=True)
    rows = [(collect, part, event, profile, document) for event, profile, document in whose if document != "{}"]
    insert_rows(connection, PERSONAL, ("collect", "part", "event", "profile", "document"), rows)


def _documents(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """For each row, JSON of path -> value, without paths that have none."""
    encode, paths = msgspec.json.Encoder(enc_hook=str).encode, tuple(columns)
    if all(None not in column for column in columns.values()):
        return [encode(dict(zip(paths, row, strict=True))).decode() for row in zip(*columns.values(), strict=True)]
    return [
        encode({path: value for path, value in zip(paths, row, strict=True) if value is not None}).decode()
        for row in zip(*columns.values(), strict=True)
    ]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values as JSON has them; times as text, as they are read."""
    values = column.to_pylist()
    temporal = pa.types.is_temporal(column.type)
    return [None if value is None else str(value) for value in values] if temporal else values


def drop_personal(connection: Connection, collect: int) -> None:
    """Destroys the personal values that one collect brought."""
    connection.execute(delete(PERSONAL).where(PERSONAL.c.collect == collect))
