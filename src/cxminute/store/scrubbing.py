"""Bytes that were deleted, made unreadable: a database keeps them in pages and logs until they are written over.

SQLite clears what it deletes (secure_delete), but what was moved between pages before may stand in their gaps, and the
write-ahead log holds older pages. So the file is rewritten from what it holds (VACUUM), and the log brought in and cut
to nothing. PostgreSQL's files are its server's: rows are deleted and their space is freed, here; what its own logs,
replicas and backups hold is for whoever runs it. No program can say what a disk keeps below its files.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from pysqlite3 import dbapi2
from sqlalchemy import Engine

LARGEST: Final = 256 << 20
"""Bytes of an inbox that are rewritten at most: whoever sends waits meanwhile."""
_TABLES: Final = ("personal", "identifiers", "rejects", "requests")

DONE: Final = "rewritten"
FREED: Final = "freed"
IN_USE: Final = "in use: try again"
LARGE: Final = "too many calls wait: try again"
NOT_THERE: Final = "not there"


def scrub(state: Engine) -> str:
    """Makes what was deleted from a state unreadable; DONE (SQLite), FREED (PostgreSQL), or IN_USE: nothing is lost."""
    with closing(state.raw_connection()) as connection:
        if state.dialect.name == "sqlite":
            return _rewrite(connection.driver_connection)
        driver = connection.driver_connection
        if driver is None:
            return IN_USE
        driver.autocommit = True
        try:
            driver.execute(f"VACUUM {', '.join(_TABLES)}")
        finally:
            driver.autocommit = False
        return FREED


def scrub_inbox(path: Path) -> str:
    """The same for an inbox's file, while the door may be writing to it; NOT_THERE, or LARGE where much waits."""
    if not path.exists():
        return NOT_THERE
    with closing(dbapi2.connect(str(path), timeout=5, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
        [(free,)] = connection.execute("PRAGMA freelist_count").fetchall()
        [(size,)] = connection.execute("PRAGMA page_size").fetchall()
        return LARGE if (pages - free) * size > LARGEST else _rewrite(connection)


def _rewrite(connection: dbapi2.Connection) -> str:
    try:
        connection.execute("VACUUM")
        [(busy, *_)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except dbapi2.OperationalError:  # locked for longer than one waits, or no room for the copy
        return IN_USE
    return IN_USE if busy else DONE
