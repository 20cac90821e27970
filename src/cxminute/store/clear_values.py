"""Values that an older version left in the clear: sealed once, when its state is first opened.

Batch by batch, each a transaction: after a kill it goes on where it was. Then the database's files are rewritten, so
that no clear value is left in their gaps, and only then the mark that the migration set is taken away.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, bindparam, delete, insert, select, update

from cxminute.store import failpoints
from cxminute.store.arrays import make_folder
from cxminute.store.bonds import keys_of_both
from cxminute.store.destroying import PERSONAL_KEYS, REJECT_KEYS, REQUEST_KEYS
from cxminute.store.keyring import Keyring
from cxminute.store.names import Names
from cxminute.store.schema import BONDS, COLLECTS, CONSENTS, IDENTIFIERS, NAMES, PERSONAL, REJECTS, REQUESTS
from cxminute.store.scrubbing import DONE, FREED, scrub
from cxminute.store.sealing import seal
from cxminute.store.state import BATCH, writing
from cxminute.store.vault import CLEAR, ERASED, Digest, source_of, spaces_of

_PASSES: Final = ("events", "names", "files")


def is_clear(state: Engine) -> bool:
    """Whether an older version left values in the clear."""
    query = select(IDENTIFIERS.c.number).where(IDENTIFIERS.c.space == CLEAR)
    with state.connect() as connection:
        return connection.execute(query).first() is not None


def seal_clear(state: Engine, keyring: Keyring, secret: bytes) -> bool:
    """Seals what stands in the clear, where anything does; whether there is nothing left to do.

    secret:  the project's own key for digests
    returns: False where the files could not be rewritten, since somebody else has them open: the next opening tries
    """
    with _alone(keyring.folder):
        if not is_clear(state):  # somebody else did it meanwhile
            return True
        _identifiers(state, keyring, Digest(secret))
        _texts(state, keyring, PERSONAL, PERSONAL.c.document, PERSONAL_KEYS)
        _texts(state, keyring, REJECTS, REJECTS.c.row, REJECT_KEYS)
        _texts(state, keyring, REQUESTS, REQUESTS.c.about, REQUEST_KEYS, nothing="{}")
        _texts(state, keyring, CONSENTS, CONSENTS.c.why, "")  # each has a profile
        _reasons(state, keyring)
        _events(state, Digest(secret, b"event"))
        book = Names(keyring.folder.parent / "log", keyring)
        _names(state, book, Digest(secret, b"name"))
        _files(state, book, secret)
        if scrub(state, whole=True) not in {DONE, FREED}:
            return False
        with writing(state).begin() as connection:
            connection.execute(delete(IDENTIFIERS).where(IDENTIFIERS.c.space == CLEAR))
        return True


def _identifiers(state: Engine, keyring: Keyring, digest: Digest) -> None:
    c = IDENTIFIERS.c
    with state.connect() as connection:
        spaces = spaces_of(connection)
    for space in spaces:
        clear = select(c.number, c.kind, c.value).where(
            c.space == space, c.sealed.is_(None), ~c.value.startswith(ERASED)
        )
        for connection, rows in _batches(state, clear, c.number):
            changed = []
            standing = [row for row in rows if ERASED not in row.value]
            keys = keyring.usable(space, [row.number for row in standing])
            for row, body in zip(standing, seal(keys, [row.value for row in standing]), strict=True):
                [said] = digest.of(row.kind, [row.value])
                changed.append((row.number, said, source_of(row.value), body))
            gone = [row for row in rows if ERASED in row.value]  # after the source that knew it
            changed += [(row.number, f"{ERASED}{row.number}", source_of(row.value), None) for row in gone]
            keyring.destroy(space, [row.number for row in gone])
            query = update(IDENTIFIERS).where(c.space == space, c.number == bindparam("n"))
            values: dict[Any, Any] = {c.value: bindparam("v"), c.apart: bindparam("a"), c.sealed: bindparam("s")}
            if given := [dict(zip("nvas", one, strict=True)) for one in changed]:
                connection.execute(query.values(values), given)


def _texts(state: Engine, keyring: Keyring, table: Table, text: Column[Any], space: str, *, nothing: str = "") -> None:
    """Seals a column of texts, each under the key of its profile, where the table has that, or of its row.

    nothing: what it says where there is no value, beside ''
    """
    c = table.c
    owned = [c.profile] if "profile" in c else []
    clear = select(c.id, text.label("said"), *owned).where(text.not_in(("", nothing)))
    for connection, rows in _batches(state, clear, c.id):
        people = [row for row in rows if owned and row.profile is not None]
        alone = [row for row in rows if not owned or row.profile is None]
        theirs = keyring.keys("person", [row.profile for row in people])
        keys, told = [*theirs, *keyring.fresh(space, [row.id for row in alone])], [*people, *alone]
        sealed = zip(told, seal(keys, [row.said for row in told]), strict=True)
        query = update(table).where(c.id == bindparam("n")).values({text: "", c.sealed: bindparam("s")})
        connection.execute(query, [{"n": row.id, "s": body} for row, body in sealed])


def _reasons(state: Engine, keyring: Keyring) -> None:
    """Seals why somebody said something of two identifiers; what linkage says names nobody."""
    c = BONDS.c
    clear = select(c.id, c.a, c.b, c.why).where(c.why != "", c.how != "linkage")
    for connection, rows in _batches(state, clear, c.id):
        keys = keys_of_both(keyring, [(row.a, row.b) for row in rows], make=True)
        sealed = zip(rows, seal(keys, [row.why for row in rows]), strict=True)
        query = update(BONDS).where(c.id == bindparam("n")).values({c.why: "", c.sealed: bindparam("s")})
        connection.execute(query, [{"n": row.id, "s": body} for row, body in sealed])


def _events(state: Engine, digest: Digest) -> None:
    """Calls events in the vault by digests."""
    c = PERSONAL.c
    query = select(c.id, c.event, COLLECTS.c.source).join(COLLECTS, COLLECTS.c.id == c.collect)
    for connection, rows in _batches(state, query, c.id, once="events"):
        called = [{"n": row.id, "e": digest.of(row.source, [row.event])[0]} for row in rows]
        connection.execute(update(PERSONAL).where(c.id == bindparam("n")).values(event=bindparam("e")), called)


def _names(state: Engine, book: Names, digest: Digest) -> None:
    """Calls names of events by digests; what they say goes into the file beside the segments."""
    c = NAMES.c
    query = select(c.code, c.source, c.name).where(~c.name.startswith(ERASED))
    for connection, rows in _batches(state, query, c.code, once="names"):
        called = [{"n": row.code, "d": digest.of(row.source, [row.name])[0]} for row in rows]
        book.learn({one["d"]: row.name for one, row in zip(called, rows, strict=True)})
        connection.execute(update(NAMES).where(c.code == bindparam("n")).values(name=bindparam("d")), called)


def _files(state: Engine, book: Names, secret: bytes) -> None:
    """Calls files by digests of their names."""
    c = COLLECTS.c
    for connection, rows in _batches(state, select(c.id, c.file).where(c.digest != ""), c.id, once="files"):
        called = book.files([row.file for row in rows], secret=secret)
        changed = [{"n": row.id, "f": one} for row, one in zip(rows, called, strict=True)]
        connection.execute(update(COLLECTS).where(c.id == bindparam("n")).values(file=bindparam("f")), changed)


def _batches(
    state: Engine, query: Any, number: Column[Any], *, once: str = ""
) -> Iterator[tuple[Connection, Sequence[Any]]]:
    """Rows of a query in order, some at a time, each with the transaction that they were read in.

    once: what the pass is called, where nothing in a row says whether it was changed: how far it came is noted
    """
    last = -1
    while True:
        with writing(state).begin() as connection:
            last = max(last, _reached(connection, once)) if once else last
            rows = connection.execute(query.where(number > last).order_by(number).limit(BATCH)).all()
            if not rows:
                if once:  # what comes after it comes changed
                    _note(connection, once, sys.maxsize)
                return
            yield connection, rows
            last = rows[-1][0]
            if once:
                _note(connection, once, last)
        failpoints.at("clear.sealed")


def _reached(connection: Connection, once: str) -> int:
    c = IDENTIFIERS.c
    found = connection.execute(select(c.value).where(c.space == CLEAR, c.kind == once)).scalar()
    return -1 if found is None else int(found)


def _note(connection: Connection, once: str, last: int) -> None:
    c = IDENTIFIERS.c
    connection.execute(delete(IDENTIFIERS).where(c.space == CLEAR, c.kind == once))
    row = {"space": CLEAR, "number": _PASSES.index(once) + 1, "kind": once, "value": str(last)}
    connection.execute(insert(IDENTIFIERS).values(**row))


@contextmanager
def _alone(keys: Path) -> Iterator[None]:
    make_folder(keys)
    with (keys / "sealing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
