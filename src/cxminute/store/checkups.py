"""What lies on disk against what the state says of it: for `cxm doctor`, which changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from pysqlite3 import dbapi2
from sqlalchemy import Engine, func, select

from cxminute.model.errors import BrokenStore
from cxminute.store.keyring import Keyring
from cxminute.store.names import DAMAGED, Names
from cxminute.store.names import FILE as BOOK
from cxminute.store.receipts import Receipts
from cxminute.store.schema import COLLECTS, IDENTIFIERS, MINUTES, NAMES, RECEIPTS, RETIRED, SEGMENTS, SIDES
from cxminute.store.sealing import unseal
from cxminute.store.segments import check_segment
from cxminute.store.state import sqlite_is_safe
from cxminute.store.vault import ERASED, spaces_of

_OURS: Final = {"log/manifest.json", f"log/{BOOK}"}
_TRIED: Final = 500  # of each space of identifiers


def sqlite_version() -> tuple[str, bool]:
    """The version of SQLite, and whether it is free of the race that can lose commits."""
    return dbapi2.sqlite_version, sqlite_is_safe(dbapi2.sqlite_version_info)


def damaged_database(file: Path) -> str:
    """What SQLite finds wrong with the pages of a file; '' where nothing."""
    try:
        with closing(dbapi2.connect(str(file), timeout=30)) as connection:
            [(said,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
    except dbapi2.Error as fault:
        return str(fault)
    return "" if said == "ok" else str(said)


def segments(state: Engine, log: Path) -> tuple[int, list[str]]:
    """How many segments stand, and which of them are missing or no longer what was written."""
    c = COLLECTS.c
    standing = select(SEGMENTS.c.file, SEGMENTS.c.sha256).join(COLLECTS, c.id == SEGMENTS.c.collect)
    with state.connect() as connection:
        rows = connection.execute(standing.where(c.undone_at.is_(None)).order_by(SEGMENTS.c.id)).all()
    bad = []
    for row in rows:
        try:
            check_segment(log / row.file, row.sha256)
        except BrokenStore:
            bad.append(row.file)
    return len(rows), bad


def receipts(state: Engine, folder: Path) -> tuple[int, list[str]]:
    """How many receipts there are, and which of their files are missing, cut off or out of order."""
    kept = Receipts(folder / "receipts")
    with state.connect() as connection:
        runs = kept.runs(connection)
    bad = []
    for run in runs:
        try:
            kept.check([run])
        except BrokenStore:
            bad.append(run.file)
    return sum(run.rows for run in runs), bad


def unnamed(state: Engine, folder: Path, before: float) -> Iterator[tuple[str, int]]:
    """(path below `.cxm`, bytes) of files of log and receipts that nothing names, last changed before a moment (s).

    A kill leaves such files, and they are nobody's loss; merges remove theirs an hour after they were replaced.
    """
    with state.connect() as connection:
        named = {f"log/{file}" for file in connection.execute(select(SEGMENTS.c.file)).scalars()}
        named |= {f"log/{file}" for file in connection.execute(select(SIDES.c.file)).scalars()}
        retired = select(RETIRED.c.file).where(RETIRED.c.swept.is_(False))
        named |= {f"log/{file}" for file in connection.execute(retired).scalars()}
        named |= {f"receipts/{file}" for file in connection.execute(select(RECEIPTS.c.file)).scalars()}
    for path in sorted([*(folder / "log").rglob("*"), *(folder / "receipts").rglob("*")]):
        said = path.relative_to(folder).as_posix()
        if path.is_file() and said not in named and said not in _OURS and not path.name.startswith(DAMAGED):
            found = path.stat()
            if found.st_mtime < before:
                yield said, found.st_size


def unreadable(state: Engine, keyring: Keyring) -> tuple[int, int, list[str]]:
    """Whether the keys of identifiers are there: how many were tried, how many of them no key opens, of which spaces.

    Of each space some that lie evenly over all of it are tried.
    """
    c = IDENTIFIERS.c
    tried, closed, spaces = 0, 0, []
    with state.connect() as connection:
        for space, most in spaces_of(connection).items():
            some = range(0, most + 1, -(-(most + 1) // _TRIED))
            query = select(c.number, c.sealed).where(c.space == space, c.number.in_(some), c.sealed.is_not(None))
            rows = connection.execute(query).all()
            said = unseal(keyring.held(space, [row.number for row in rows]), [row.sealed for row in rows])
            tried += len(said)
            if None in said:
                closed += said.count(None)
                spaces.append(space)
    return tried, closed, spaces


def nameless(state: Engine, names: Names) -> tuple[int, int]:
    """How many names of events and of files the state has that the file of names does not know.

    Nor those of files that it knows, and that no key opens.
    """
    c = COLLECTS.c
    with state.connect() as connection:
        events = set(connection.execute(select(NAMES.c.name).where(~NAMES.c.name.startswith(ERASED))).scalars())
        files = set(connection.execute(select(c.file).where(c.digest != "")).scalars())
    return len(events - names.said().keys()), len(names.lacking(files))


def newest_receipt(state: Engine) -> int | None:
    """The beginning of the newest minute in which anything was received, UTC ms; None where nothing was."""
    with state.connect() as connection:
        found: int | None = connection.execute(select(func.max(MINUTES.c.minute))).scalar()
        return found
