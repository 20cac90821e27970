"""Quarantine: rows that no event could be made of, each sealed under a key of its own until it is taken up or over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select, update

from cxminute.store import destroying
from cxminute.store.destroying import REJECT_KEYS
from cxminute.store.keyring import Keyring
from cxminute.store.schema import COLLECTS, REJECTS
from cxminute.store.sealing import seal, unseal
from cxminute.store.state import BATCH, batches, insert_rows

STANDING: Final = (REJECTS.c.replayed_by.is_(None), COLLECTS.c.undone_at.is_(None))
"""Tests of rows that are not yet replayed, of collects that were not taken back."""
_COLUMNS: Final = ("id", "collect", "part", "source", "position", "reason", "detail", "row", "sealed")
_SHOWN: Final = pa.schema(
    [("number", pa.int64()), ("collect", pa.int64()), ("source", pa.string()), ("position", pa.int64()),
     ("reason", pa.string()), ("detail", pa.string()), ("row", pa.string())]
)  # fmt: skip


class Apart(NamedTuple):
    """A row in quarantine, opened."""

    number: int
    source: str
    reason: str
    row: str


def set_apart(
    connection: Connection, keyring: Keyring, collect: int, part: int, source: str, rejects: pa.Table
) -> None:
    """Puts REJECT rows into quarantine."""
    if not rejects.num_rows:
        return
    last = connection.execute(select(func.max(REJECTS.c.id))).scalar() or 0
    first = max(last, destroying.highest(connection, REJECT_KEYS)) + 1
    numbers = range(first, first + rejects.num_rows)
    sealed = seal(keyring.fresh(REJECT_KEYS, numbers), rejects["row"].to_pylist())
    columns = [rejects[name].to_pylist() for name in ("position", "reason", "detail")]
    rows = [
        (number, collect, part, source, *said, "", body)
        for number, *said, body in zip(numbers, *columns, sealed, strict=True)
    ]
    insert_rows(connection, REJECTS, _COLUMNS, rows)


def waiting(state: Engine, keyring: Keyring, source: str | None = None, reason: str | None = None) -> pa.Table:
    """What lies in quarantine, not yet replayed: `number`, `collect` and the REJECT columns.

    `row` is null where its key is not there, since the project was restored without it.
    """
    c = REJECTS.c
    query = (
        select(c.id, c.collect, c.source, c.position, c.reason, c.detail, c.sealed)
        .join(COLLECTS, COLLECTS.c.id == c.collect)
        .where(*STANDING)
        .order_by(c.id)
    )
    if source is not None:
        query = query.where(c.source == source)
    if reason is not None:
        query = query.where(c.reason == reason)
    with state.connect() as connection:
        rows = connection.execute(query).all()
    if not rows:
        return _SHOWN.empty_table()
    *columns, sealed = zip(*rows, strict=True)
    return pa.table([*columns, _opened(keyring, columns[0], sealed)], schema=_SHOWN)


def every(state: Engine, keyring: Keyring, *tests: ColumnElement[bool]) -> Iterator[Apart]:
    """All that lies there and can be read, by number, also what was replayed; tests: only rows that meet them."""
    c = REJECTS.c
    query = select(c.id, c.source, c.reason, c.sealed).join(COLLECTS, COLLECTS.c.id == c.collect).where(*tests)
    last = -1
    while True:
        with state.connect() as connection:
            rows = connection.execute(query.where(c.id > last).order_by(c.id).limit(BATCH)).all()
        if not rows:
            return
        said = _opened(keyring, [row.id for row in rows], [row.sealed for row in rows])
        for row, text in zip(rows, said, strict=True):
            if text:
                yield Apart(row.id, row.source, row.reason, text)
        last = rows[-1].id


def take_up(connection: Connection, numbers: Sequence[int], collect: int) -> None:
    """Notes that a collect took these rows in after all."""
    for some in batches(numbers):
        connection.execute(update(REJECTS).where(REJECTS.c.id.in_(some)).values(replayed_by=collect))


def let_go(connection: Connection, *tests: ColumnElement[bool]) -> None:
    """Removes rows from quarantine; `destroying.carry_out` has to follow the commit."""
    numbers = connection.execute(select(REJECTS.c.id).where(*tests)).scalars().all()
    destroying.note(connection, REJECT_KEYS, numbers)
    connection.execute(delete(REJECTS).where(*tests))


def _opened(keyring: Keyring, numbers: Sequence[int], sealed: Sequence[bytes | None]) -> list[str | None]:
    """The rows of these numbers as they came; None where the key is not there any more."""
    return unseal(keyring.held(REJECT_KEYS, numbers), sealed)
