"""The inbox in a SQLite file of its own, so that whoever writes the state never makes a client wait."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from pysqlite3 import dbapi2

from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store import failpoints
from cxminute.store.arrays import make_folder, settle_folder
from cxminute.store.inbox import Held, Line, Pack, Stretch, Waiting, cut, left, looked, packed, sealed, unpacked
from cxminute.store.inbox_keys import NAME, InboxKeys

PAGE: Final = 16_384
"""Bytes of a page: a commit of one large pack writes 1.1 times its bytes, one of 64 single events four times (of 32 KB
seven; of 4 KB half as much, but then a megabyte is 250 pages, each with a checksum and two writes of its own)."""
SETTLE: Final = 4 << 20
"""Bytes of packs after which the write-ahead log is brought into the file: while it is, the disk syncs nothing else.

At 50,000 events a second, 256 MiB made one request in a hundred wait 160 ms, 16 MiB 48 and 4 MiB 20.
"""
LOG: Final = 64 << 20
"""Bytes of the write-ahead log's file that are kept for what comes next."""
_VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE inbox (identity TEXT NOT NULL);
CREATE TABLE packs (
    first INTEGER PRIMARY KEY, source TEXT NOT NULL, calls INTEGER NOT NULL, events INTEGER NOT NULL,
    bytes INTEGER NOT NULL, received_at INTEGER NOT NULL, pack BLOB NOT NULL
);
CREATE TABLE flow (
    source TEXT PRIMARY KEY, last INTEGER NOT NULL, calls INTEGER NOT NULL, events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER came AFTER INSERT ON packs BEGIN
    INSERT INTO flow VALUES (new.source, new.first + new.calls - 1, new.calls, new.events, new.bytes)
        ON CONFLICT (source) DO UPDATE SET last = excluded.last, calls = calls + excluded.calls,
            events = events + excluded.events, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER went AFTER DELETE ON packs BEGIN
    UPDATE flow SET calls = calls - old.calls, events = events - old.events, bytes = bytes - old.bytes
        WHERE source = old.source;
END;
"""
# `flow` keeps each source's last number when its calls are gone: no number is used twice
_PUT: Final = "INSERT INTO packs VALUES ((SELECT coalesce(max(last), 0) + 1 FROM flow), ?, ?, ?, ?, ?, ?)"
_FACTS: Final = "SELECT first, source, calls, events, bytes FROM packs ORDER BY first"
_OLDEST: Final = "SELECT received_at FROM packs WHERE source = ? AND first + calls - 1 > ? ORDER BY first LIMIT 1"


class SqliteInbox:
    """As of `Inbox`. One connection puts; another takes, drops and counts; a third settles the write-ahead log."""

    def __init__(self, path: Path) -> None:
        failpoints.armed()
        self._writer = _line(path)
        self._reader = _line(path)
        self._settler = _line(path)
        self._sealing, self._opening = (InboxKeys(path.parent / "keys" / NAME) for _ in range(2))
        self._unsettled = 0
        self._settling: threading.Thread | None = None
        make_folder(path.parent)
        new = not path.exists()
        with self._reader.held() as connection:
            self._identity: str = _prepare(connection, path)
        if new:
            settle_folder(path.parent)

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
            _insert(connection, packs)
            failpoints.at("inbox.committed")
        self._unsettled += sum(len(pack.pack) for pack in packs)
        if self._unsettled > SETTLE and (self._settling is None or not self._settling.is_alive()):
            self._unsettled = 0
            self._settling = threading.Thread(target=self._settle, name="cxm-inbox", daemon=True)
            self._settling.start()

    def take(self, events: int, after: Mapping[str, int]) -> list[Held]:
        """As of `Inbox`."""
        return looked(lambda: self._taken(events, after))

    def _taken(self, events: int, after: Mapping[str, int]) -> list[Held]:
        stretch = Stretch(events, after, [])
        held: list[Held] = []
        with self._reader.held() as connection:
            for facts in connection.execute(_FACTS):
                if not stretch.wants(*facts):
                    break
            for first, source in stretch.chosen:
                for (pack,) in connection.execute("SELECT pack FROM packs WHERE first = ?", (first,)):
                    held += unpacked(source, first, pack, self._opening)
        return cut(held, events, after)

    def drop(self, upto: Mapping[str, int]) -> None:
        """As of `Inbox`."""
        gone = "DELETE FROM packs WHERE first <= ?1 AND first + calls - 1 <= ?1 AND source = ?2"
        with self._reader.held() as connection:
            failpoints.at("inbox.dropping")
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(gone, [(number, source) for source, number in upto.items()])
            connection.execute("COMMIT")
            failpoints.at("inbox.dropped")
            self._opening.turn(lambda: _last(connection), lambda after, upto: _waits(connection, after, upto))

    def waiting(self, after: Mapping[str, int]) -> list[Waiting]:
        """As of `Inbox`."""
        return looked(lambda: self._waiting(after))

    def _waiting(self, after: Mapping[str, int]) -> list[Waiting]:
        partly = "SELECT first, pack FROM packs WHERE source = ? AND first <= ? ORDER BY first"
        found = []
        with self._reader.held() as connection:
            connection.execute("BEGIN")
            flow = connection.execute("SELECT source, calls, events, bytes FROM flow WHERE calls > 0 ORDER BY source")
            for source, calls, events, size in flow.fetchall():
                mark = after.get(source, 0)
                rows = connection.execute(partly, (source, mark)).fetchall() if mark else []
                packs = [unpacked(source, first, pack, self._opening) for first, pack in rows]
                oldest = connection.execute(_OLDEST, (source, mark)).fetchone()
                rest = left((source, calls, events, size, oldest[0] if oldest else 0), packs, after)
                if rest.calls:
                    found.append(rest)
            connection.execute("COMMIT")
        return found

    def close(self) -> None:
        """As of `Inbox`."""
        if self._settling is not None:
            self._settling.join()
        for part in (self._settler, self._writer, self._reader, self._sealing, self._opening):
            part.close()

    def _settle(self) -> None:
        """Brings the write-ahead log into the file, and lets it begin anew.

        First what can be brought while others write; what came since is little, and is brought while they wait.
        """
        # whoever puts next is told of a disk that is full; the log stays as it is
        with suppress(BrokenStore), self._settler.held() as connection:
            # who copies the inbox may read for long: nobody waits for that, the next time is soon enough
            connection.execute("PRAGMA busy_timeout=100")
            for how in ("PASSIVE", "PASSIVE", "RESTART"):
                connection.execute(f"PRAGMA wal_checkpoint({how})").fetchall()


def _line(path: Path) -> Line[Any]:
    """A connection to the file, made when it is used."""

    def told(fault: Exception) -> BrokenStore:
        then = "What was acknowledged stays; nothing else was."
        return BrokenStore(f"The inbox cannot be read or written: {fault}.", file=path.name, then=then)

    return Line(lambda: _connect(path), dbapi2.Error, told)


def _connect(path: Path) -> Any:
    connection = dbapi2.connect(str(path), timeout=30, isolation_level=None, check_same_thread=False)
    for pragma in (
        f"page_size={PAGE}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "wal_autocheckpoint=0",
        f"journal_size_limit={LOG}",
        "cache_size=-16384",
        # FAST clears what it deletes where that costs no write: as quick as OFF. ON clears all of it, writes every byte
        # that is dropped once more, and takes five times the processor to drop it
        "secure_delete=FAST",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _prepare(connection: Any, path: Path) -> str:
    """Makes the tables of a new inbox; returns its identity."""
    connection.execute("BEGIN IMMEDIATE")
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    if version > _VERSION:
        raise BrokenStore(
            f"The inbox was written by a newer version ({version}).",
            file=path.name,
            allowed=f"up to version {_VERSION}",
            then="Nothing was changed; install the newer version.",
        )
    if version == 0:
        for statement in _statements():
            connection.execute(statement)
        connection.execute("INSERT INTO inbox VALUES (?)", (secrets.token_hex(8),))
        connection.execute(f"PRAGMA user_version={_VERSION}")
    [(identity,)] = connection.execute("SELECT identity FROM inbox").fetchall()
    connection.execute("COMMIT")
    return str(identity)


def _statements() -> Iterator[str]:
    """The statements of the schema, one by one: `executescript` would commit the transaction that is open."""
    said = ""
    for line in _SCHEMA.strip().splitlines():
        said += line + "\n"
        if dbapi2.complete_statement(said):
            yield said
            said = ""


def _insert(connection: Any, packs: Sequence[Pack]) -> None:
    if len(packs) == 1:  # a transaction of its own: one step, in which others can run, in place of three
        connection.execute(_PUT, packs[0].row)
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_PUT, [pack.row for pack in packs])
    connection.execute("COMMIT")


def _last(connection: Any) -> int:
    """The number of the newest call."""
    [(last,)] = connection.execute("SELECT coalesce(max(last), 0) FROM flow").fetchall()
    return int(last)


def _waits(connection: Any, after: int, upto: int) -> bool:
    """Whether any call waits of those after a number and up to another."""
    query = "SELECT 1 FROM packs WHERE first > ? AND first <= ? LIMIT 1"
    return bool(connection.execute(query, (after, upto)).fetchall())


# -- of a copy that nobody has open, for backups -----------------------------------------------------------------------


def look_into(path: Path) -> tuple[str, int]:
    """(identity, calls that it holds) of an inbox's file."""
    with closing(dbapi2.connect(str(path))) as connection:
        [(identity,)] = connection.execute("SELECT identity FROM inbox").fetchall()
        [(calls,)] = connection.execute("SELECT coalesce(sum(calls), 0) FROM packs").fetchall()
        return str(identity), int(calls)


def drop_unreadable(path: Path, marks: Mapping[str, int]) -> int:
    """Lets calls go that no key beside an inbox's file opens; how many of them are not in the log.

    marks: by source, the number up to which its calls are in the log
    """
    keys = InboxKeys(path.parent / "keys" / NAME)
    lost = 0
    with closing(dbapi2.connect(str(path), isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        for first, source, calls in connection.execute("SELECT first, source, calls FROM packs").fetchall():
            [(pack,)] = connection.execute("SELECT pack FROM packs WHERE first = ?", (first,)).fetchall()
            if keys.opened(pack) is None:
                connection.execute("DELETE FROM packs WHERE first = ?", (first,))
                lost += calls if first + calls - 1 > marks.get(source, 0) else 0
    keys.close()
    return lost


def number_beyond(path: Path, marks: Mapping[str, int]) -> None:
    """Lets an inbox's file give its next calls numbers beyond these: those below a mark would be taken for stored."""
    raised = "INSERT INTO flow (source, last, calls, events, bytes) VALUES (?, ?, 0, 0, 0) ON CONFLICT (source) "
    with closing(dbapi2.connect(str(path), isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.executemany(f"{raised} DO UPDATE SET last = max(last, excluded.last)", list(marks.items()))
