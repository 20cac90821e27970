"""The inbox in tables of the state's own PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store import failpoints
from cxminute.store.inbox import Held, Line, Stretch, Waiting, cut, left, looked, packed, sealed, unpacked
from cxminute.store.inbox_keys import NAME, InboxKeys

_Connection = psycopg.Connection[tuple[Any, ...]]

# the one row of `inboxes` is locked until the commit: numbers become visible in order
_PUT: Final = """
WITH head AS (UPDATE inboxes SET last = last + %s RETURNING last - %s AS base)
INSERT INTO packs (first, source, calls, events, bytes, received_at, pack)
SELECT base + 1, %s, %s, %s, %s, %s, %b FROM head
"""
_FACTS: Final = "SELECT first, source, calls, events, bytes FROM packs WHERE first > %s ORDER BY first LIMIT 1000"
_PACK: Final = "SELECT pack FROM packs WHERE first = %s"
_WAITING: Final = """
SELECT source, sum(calls)::bigint, sum(events)::bigint, sum(bytes)::bigint,
       (array_agg(received_at ORDER BY first))[1]
FROM packs LEFT JOIN unnest(%s::text[], %s::bigint[]) AS marks (marked, number) ON marked = source
WHERE first + calls - 1 > coalesce(number, 0) GROUP BY source ORDER BY source
"""


class PostgresqlInbox:
    """As of `Inbox`. One connection puts; another takes, drops and counts."""

    def __init__(self, url: str, folder: Path) -> None:
        failpoints.armed()
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._writer = _line(plain)
        self._reader = _line(plain)
        self._sealing, self._opening = (InboxKeys(folder / "keys" / NAME) for _ in range(2))
        with self._reader.held() as connection, connection.transaction():
            row = (secrets.token_hex(8),)
            connection.execute("INSERT INTO inboxes VALUES ('inbox', %s, 0) ON CONFLICT (name) DO NOTHING", row)
            found = connection.execute("SELECT identity FROM inboxes").fetchone()
            self._identity = str(found[0]) if found else row[0]

    @property
    def identity(self) -> str:
        """As of `Inbox`."""
        return self._identity

    def put(self, calls: Sequence[Call]) -> None:
        """As of `Inbox`."""
        if not calls:
            return
        packs = packed(calls)
        with self._writer.held() as connection, self._sealing.sealing(lambda: _last(connection)) as seal:
            packs = sealed(packs, seal)
            failpoints.at("inbox.begun")
            if len(packs) == 1:  # a transaction of its own
                connection.execute(_PUT, (packs[0].calls, packs[0].calls, *packs[0].row))
            else:
                with connection.transaction():
                    for pack in packs:
                        connection.execute(_PUT, (pack.calls, pack.calls, *pack.row))
            failpoints.at("inbox.committed")

    def take(self, events: int, after: Mapping[str, int]) -> list[Held]:
        """As of `Inbox`."""
        return looked(lambda: self._taken(events, after))

    def _taken(self, events: int, after: Mapping[str, int]) -> list[Held]:
        stretch = Stretch(events, after, [])
        held: list[Held] = []
        with self._reader.held() as connection:
            last, more = 0, True
            while more:
                rows = connection.execute(_FACTS, (last,)).fetchall()
                more = bool(rows) and all(stretch.wants(*row) for row in rows)
                last = rows[-1][0] if rows else 0
            for first, source in stretch.chosen:
                for (pack,) in connection.execute(_PACK, (first,), binary=True):
                    held += unpacked(source, first, pack, self._opening)
        return cut(held, events, after)

    def drop(self, upto: Mapping[str, int]) -> None:
        """As of `Inbox`."""
        gone = "DELETE FROM packs WHERE first <= %s AND first + calls - 1 <= %s AND source = %s"
        with self._reader.held() as connection:
            failpoints.at("inbox.dropping")
            with connection.transaction():
                for source, number in upto.items():
                    connection.execute(gone, (number, number, source))
            failpoints.at("inbox.dropped")
            self._opening.turn(lambda: _last(connection), lambda after, upto: _waits(connection, after, upto))

    def waiting(self, after: Mapping[str, int]) -> list[Waiting]:
        """As of `Inbox`."""
        return looked(lambda: self._waiting(after))

    def _waiting(self, after: Mapping[str, int]) -> list[Waiting]:
        partly = "SELECT first, pack FROM packs WHERE source = %s AND first <= %s AND first + calls - 1 > %s"
        found = []
        with self._reader.held() as connection, connection.transaction():
            rows = connection.execute(_WAITING, (list(after), list(after.values()))).fetchall()
            for source, *facts in rows:
                mark = after.get(source, 0)
                some = connection.execute(partly, (source, mark, mark), binary=True).fetchall() if mark else []
                packs = [unpacked(source, first, pack, self._opening) for first, pack in some]
                found.append(left((source, *facts), packs, after))
        return found

    def close(self) -> None:
        """As of `Inbox`."""
        for part in (self._writer, self._reader, self._sealing, self._opening):
            part.close()


def _last(connection: _Connection) -> int:
    """The number of the newest call."""
    [(last,)] = connection.execute("SELECT last FROM inboxes").fetchall()
    return int(last)


def _waits(connection: _Connection, after: int, upto: int) -> bool:
    """Whether any call waits of those after a number and up to another."""
    query = "SELECT 1 FROM packs WHERE first > %s AND first <= %s LIMIT 1"
    return bool(connection.execute(query, (after, upto)).fetchall())


def _line(url: str) -> Line[_Connection]:
    """A connection to the database, made when it is used; its faults are told without what it was to write."""

    def told(fault: Exception) -> BrokenStore:
        what = f"The inbox's database cannot be read or written ({type(fault).__name__})."
        return BrokenStore(what, then="What was acknowledged stays; nothing else was.")

    return Line(lambda: _connect(url), psycopg.Error, told)


def _connect(url: str) -> _Connection:
    # the last two: a network that is cut is noticed within seconds, where the system's own patience is many minutes
    connection = psycopg.connect(url, autocommit=True, connect_timeout=10, tcp_user_timeout=20_000, keepalives_idle=10)
    asynchronous = ("off", "local")  # an acknowledged call is on disk, and where the server has standbys, on theirs
    if connection.execute("SHOW synchronous_commit").fetchone() in [(how,) for how in asynchronous]:
        connection.execute("SET synchronous_commit = on")
    return connection
