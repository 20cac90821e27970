"""The vault: which person, order or cookie a number stands for, and every personal value; apart from the log.

The log and the index hold numbers only. Numbers are dense in their space and given in order of first appearance, so
that the same input in the same order gives the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, func, insert, select

from cxminute.store.schema import IDENTIFIERS, PERSONAL
from cxminute.store.state import writing

PERSON_KINDS = ("user_id", "anonymous_id")
"""Kinds of identifier that name a person; they share the space 'person'. Every other kind is a space of its own."""

_MET = 2_000_000  # identifiers of a kind remembered in memory: about 300 MB
_BATCH = 10_000  # parameters of one IN list: SQLite allows 32,766, PostgreSQL 65,535


def space_of(kind: str) -> str:
    """The space that a kind of identifier is numbered in."""
    return "person" if kind in PERSON_KINDS else kind


class Vault:
    """Numbers for identifiers, and the personal values of events."""

    def __init__(self, state: Engine) -> None:
        self._state = state
        self._met: dict[str, dict[str, int]] = {}  # by kind: numbers never change, so they need asking only once

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

    def _numbers(self, kind: str, words: Sequence[str]) -> NDArray[np.int64]:
        space = space_of(kind)
        met = self._met.setdefault(kind, {})
        if len(met) > _MET:
            met.clear()
        unmet = [word for word in words if word not in met]
        if unmet:
            with self._state.connect() as connection:
                for start in range(0, len(unmet), _BATCH):
                    met.update(_known(connection, space, kind, unmet[start : start + _BATCH]))
        new = [word for word in unmet if word not in met]
        if new:
            with writing(self._state).begin() as connection:
                c = IDENTIFIERS.c
                last = connection.execute(select(func.max(c.number)).where(c.space == space)).scalar()
                first = 0 if last is None else last + 1
                rows = [
                    {"space": space, "number": number, "kind": kind, "value": word}
                    for number, word in enumerate(new, start=first)
                ]
                connection.execute(insert(IDENTIFIERS), rows)
            met.update(zip(new, range(first, first + len(new)), strict=True))
        return np.fromiter((met[word] for word in words), np.int64, len(words))


def _known(connection: Connection, space: str, kind: str, words: Sequence[str]) -> dict[str, int]:
    c = IDENTIFIERS.c
    rows = connection.execute(
        select(c.value, c.number).where(c.space == space, c.kind == kind, c.value.in_(words)),
    )
    return {row[0]: row[1] for row in rows.fetchall()}


def put_personal(connection: Connection, collect: int, part: int, personal: pa.Table) -> None:
    """Keeps personal values: a table with `id` and `profile` of the event, and a column per path, null where absent."""
    paths = [name for name in personal.column_names if name not in ("id", "profile")]
    rows = []
    for row in personal.to_pylist():
        document = {path: row[path] for path in paths if row[path] is not None}
        if document:
            said = json.dumps(document, ensure_ascii=False, default=str)
            rows.append(
                {"collect": collect, "part": part, "event": row["id"], "profile": row["profile"], "document": said},
            )
    if rows:
        connection.execute(insert(PERSONAL), rows)


def drop_personal(connection: Connection, collect: int) -> None:
    """Destroys the personal values that one collect brought."""
    connection.execute(delete(PERSONAL).where(PERSONAL.c.collect == collect))
