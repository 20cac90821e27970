"""Bytes that were deleted, made unreadable: a database keeps them in pages and logs until they are written over.

SQLite clears what it deletes (secure_delete), but what was moved between pages before may stand in their gaps, and the
write-ahead log holds older pages. So the file is rewritten from what it holds (VACUUM), and the log brought in and cut
to nothing. PostgreSQL's files are its server's: rows are deleted and their space is freed, here; what its own logs,
replicas and backups hold is for whoever runs it, and names nobody without the keys. No program can say what a disk
keeps below its files.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from pysqlite3 import dbapi2
from sqlalchemy import Engine

LARGEST: Final = 256 << 20
"""Bytes of an inbox that are rewritten at most: whoever sends waits meanwhile."""
_TABLES: Final = (
    "personal", "identifiers", "rejects", "requests", "bonds", "consents", "merges", "proposals", "disclosures",
    "names", "versions", "collects", "segments", "sides", "superseded", "suppressed", "destroying",
)  # fmt: skip
"""From which forgetting and retention delete, and in which they change what stands."""

DONE: Final = "rewritten"
FREED: Final = "freed"
SEALED: Final = "cleared; what lay there was sealed, and its keys are destroyed"
IN_USE: Final = "in use: try again"
LARGE: Final = "too many calls wait: try again"
NOT_THERE: Final = "not there"


def scrub(state: Engine, *, whole: bool = False) -> str:
    """Makes what was deleted from a state unreadable; DONE (SQLite), FREED (PostgreSQL), or IN_USE: nothing is lost.

    whole: PostgreSQL writes these tables anew, too, while nobody else can read them
    """
    with closing(state.raw_connection()) as connection:
        if state.dialect.name == "sqlite":
            return _rewrite(connection.driver_connection)
        driver = connection.driver_connection
        if driver is None:
            return IN_USE
        driver.autocommit = True
        try:
            driver.execute(f"VACUUM {'(FULL) ' if whole else ''}{', '.join(_TABLES)}")
        finally:
            driver.autocommit = False
        return FREED


def is_small(state: Engine) -> bool:
    """Whether an embedded state is rewritten in a moment."""
    if state.dialect.name != "sqlite":
        return False
    with state.connect() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
        )
        return bool(pages * size <= LARGEST)


def settle(state: Engine) -> str:
    """Brings in and cuts the log of an embedded state, of which nothing was deleted but what lay sealed.

    SQLite has cleared it where it stood; what older pages still hold of it cannot be read without its keys. PostgreSQL
    frees its space. SEALED, FREED or IN_USE.
    """
    if state.dialect.name != "sqlite":
        return scrub(state)
    with closing(state.raw_connection()) as connection:
        driver = connection.driver_connection
        return IN_USE if driver is None or _cut(driver) else SEALED


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
        busy = _cut(connection)
    except dbapi2.OperationalError:  # locked for longer than one waits, or no room for the copy
        return IN_USE
    return IN_USE if busy else DONE


def _cut(connection: dbapi2.Connection) -> bool:
    """Brings in the write-ahead log and cuts it to nothing; returns whether somebody's reading stood in the way."""
    [(busy, *_)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return bool(busy)
