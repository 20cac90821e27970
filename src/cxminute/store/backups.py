"""Backups of a project, taken while it works, and brought back into an empty folder.

The order is what makes a backup whole: first the inbox, then the state, then the files that this state names. A call
that was acknowledged before is in the inbox's copy, or left it because the log had its events, which the later copy of
the state names. Where it is in both, the state's mark says so, and the worker passes it by. Files that a merge replaced
stay for an hour: what the state names is there to be linked.

Keys of identifiers are in no backup (keys_apart.py): those of the inbox are copied right after it, since a key goes
with the calls that it opens; those of the state after that, so that there is one for all that it holds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, create_engine, delete, func, make_url, select, update

from cxminute.model.errors import BadData, BrokenStore, WrongUse
from cxminute.store.archive import FORMAT, Archive, Header, unpack, writing_archive
from cxminute.store.dumps import dump, load
from cxminute.store.inbox_keys import NAME, InboxKeys
from cxminute.store.inbox_sqlite import drop_unreadable, look_into, number_beyond
from cxminute.store.keyring import OWN, Keyring
from cxminute.store.keys_apart import check_place, copy_inbox_keys, put_keys, settle_keys
from cxminute.store.log import EventLog
from cxminute.store.names import FILE as NAMES
from cxminute.store.schema import COLLECTS, ERASURES, HEAD, INBOXES, MARKS, PACKS, RECEIPTS, SEGMENTS, SIDES, SUPERSEDED
from cxminute.store.state import open_state, writing

_INBOX: Final = "inbox.sqlite"
_STATE: Final = "state.sqlite"
_ROWS: Final = "state"  # folder of the rows of PostgreSQL's tables
_LINKS: Final = ".backup-"
_TRIES: Final = 5
_BEFORE: Final = "(before the backup)"
"""Stands in a restored state for the proof of an erasure that was under way when the backup was taken."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup holds: its files, their bytes before compression, the events and calls waiting in it.

    lost: of what was restored, calls that waited and cannot be read, since their key did not come with it
    """

    header: Header
    files: int
    bytes: int
    events: int
    waiting: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Named:
    """What a state names: files below `.cxm` (path -> SHA-256, '' where it keeps none), events, calls in its tables."""

    files: Mapping[str, str]
    events: int
    waiting: int


def take(
    file: Path,
    state: Engine,
    folder: Path,
    definitions: Mapping[str, Path],
    name: str,
    at: int,
    *,
    keys: bool = True,
    identifier_keys: Path | None = None,
) -> Taken:
    """Writes a backup of a project to a file; neither server nor worker has to stop.

    file:        must not be there
    state:       the project's; folder: its `.cxm`
    definitions: path below the project -> file
    keys:        whether the project's own key goes in; without it what is restored gets it from the file of
                 the keys of identifiers, or from elsewhere
    identifier_keys: a file for the keys of identifiers and of what waits; older keys in it are replaced
    raises:      WrongUse where the file is there; BrokenStore where what the state names is missing or damaged: then
                 there is no backup
    """
    if file.exists():
        raise WrongUse(f"{file.name} exists.", allowed="a new name", then="Nothing was written.")
    database = "sqlite" if state.dialect.name == "sqlite" else "postgresql"
    header = Header(FORMAT, name, at, version("cxminute"), HEAD, database, keys)
    if identifier_keys is not None:
        check_place(identifier_keys, file)
    with TemporaryDirectory(prefix=".cxm-backup-", dir=file.parent) as made, _staged(folder) as links:
        work, secrets = Path(made) / "files", Path(made) / "keys"
        for each in (work, secrets):
            each.mkdir(mode=0o700)
        waiting = _copy_inbox(folder, work)
        copy_inbox_keys(folder, secrets)
        named = _copy_state(state, folder, work, links)
        if (names := folder / "log" / NAMES).exists():  # after the state: it has what any digest there stands for
            (work / "log").mkdir()
            shutil.copyfile(names, work / "log" / NAMES)
        with writing_archive(file, header) as archive:
            for path, source in sorted(definitions.items()):
                archive.add(path, source)
            for copy in sorted(found for found in work.rglob("*") if found.is_file()):
                archive.add(f".cxm/{copy.relative_to(work).as_posix()}", copy)
            if keys and (folder / "keys" / OWN).exists():
                archive.add(f".cxm/keys/{OWN}", folder / "keys" / OWN)
            for proof in sorted((folder / "proofs").glob("*.json")):
                archive.add(f".cxm/proofs/{proof.name}", proof)
            for path, digest in sorted(named.files.items()):
                _add(archive, path, links / path, digest)
        if identifier_keys is not None:
            put_keys(identifier_keys, header, folder, secrets)
        size = sum(entry.size for entry in archive.entries)
        return Taken(header, len(archive.entries), size, named.events, waiting + named.waiting)


def check_free(into: Path) -> None:
    """Refuses a place for a project that is anything but free: WrongUse."""
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        what = "holds a project" if (into / "cxm.toml").exists() else "is not empty"
        raise WrongUse(f"{into} {what}.", allowed="a new folder", then="Nothing was restored.")


def restore(file: Path, into: Path) -> Header:
    """Brings the files of a backup into an empty folder, and checks them; `settle` makes a project of them.

    raises: BadData for a file that is damaged, cut off or no backup; WrongUse for a folder that holds something
    """
    check_free(into)
    into.mkdir(parents=True, exist_ok=True)
    return unpack(file, into)[0]


def settle(url: str, folder: Path, header: Header) -> Taken:
    """Makes restored files a project's: rows into its database, the inbox's numbers beyond its marks, all checked.

    Where keys of identifiers came with it, what they have forgotten since goes; where none did, what they open stays
    as it is, unreadable. Calls that wait and that no key opens are let go, and counted.
    raises: BrokenStore where what was backed up was damaged already; WrongUse where the state's database is not empty
    """
    if header.database == "postgresql":
        _bring_rows(url, folder / _ROWS, header)
    else:
        _bring_files(url, folder)
    state = open_state(url)
    try:
        waiting, lost = 0, 0
        with writing(state).begin() as connection:  # a forgetting under way then: its note is in no backup
            connection.execute(update(ERASURES).where(ERASURES.c.proof == "").values(proof=_BEFORE))
        if (keyring := Keyring(folder / "keys")).is_there:
            settle_keys(state, keyring)
        if (folder / _INBOX).exists():
            identity, _ = look_into(folder / _INBOX)
            marks = _marks(state, identity)
            lost = drop_unreadable(folder / _INBOX, marks)
            number_beyond(folder / _INBOX, marks)
            waiting = look_into(folder / _INBOX)[1]
        elif state.dialect.name != "sqlite":
            lost = _drop_unreadable(state, InboxKeys(folder / "keys" / NAME))
        log = EventLog(folder / "log", state)
        log.verify()
        with state.connect() as connection:
            named = _named(connection)
        for path in named.files:
            if not (folder / path).is_file():
                raise BrokenStore("A file that the state names is not in the backup.", file=path)
        log.publish()
    finally:
        state.dispose()
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return Taken(header, len(files), size, named.events, waiting + named.waiting, lost)


# -- taking ------------------------------------------------------------------------------------------------------------


def _copy_inbox(folder: Path, work: Path) -> int:
    """An embedded inbox as it is at one moment; how many calls are in it."""
    if not (folder / _INBOX).exists():
        return 0
    _copy(folder / _INBOX, work / _INBOX)
    return look_into(work / _INBOX)[1]


def _copy(source: Path, copy: Path) -> None:
    """A SQLite file as it is at one moment, while others write to it.

    Page by page (SQLite's backup interface) it would begin anew with each of their commits: this reads one snapshot.
    """
    try:
        with closing(dbapi2.connect(str(source), timeout=30, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    except dbapi2.Error as fault:
        raise BrokenStore(f"{source.name} cannot be copied: {fault}.", then="There is no backup.") from fault


def _copy_state(state: Engine, folder: Path, work: Path, links: Path) -> _Named:
    """The state as it is at one moment, and links to the files that it names."""
    for _ in range(_TRIES):
        with _snapshot(state, work) as connection:
            named = _named(connection)
            if _linked(named, folder, links):
                if state.dialect.name != "sqlite":
                    (work / _ROWS).mkdir()
                    dump(connection, work / _ROWS)
                return named
    lost = next(path for path in named.files if not (folder / path).exists())
    raise BrokenStore("A file that the state names is missing.", file=lost, then="There is no backup; restore one.")


@contextmanager
def _snapshot(state: Engine, work: Path) -> Iterator[Connection]:
    """A connection that sees the state as of one moment; of an embedded one, a copy, which stays."""
    if state.dialect.name == "sqlite":
        (work / _STATE).unlink(missing_ok=True)
        _copy(Path(str(state.url.database)), work / _STATE)
        copied = create_engine(f"sqlite:///{work / _STATE}", module=dbapi2, hide_parameters=True)
        try:
            with copied.connect() as connection:
                yield connection
        finally:
            copied.dispose()
    else:
        with state.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection:
            yield connection


def _named(connection: Connection) -> _Named:
    c = COLLECTS.c
    standing = select(SEGMENTS).join(COLLECTS, c.id == SEGMENTS.c.collect).where(c.undone_at.is_(None)).subquery()
    files, events = {}, 0
    for row in connection.execute(select(standing.c.file, standing.c.sha256, standing.c.rows)):
        files[f"log/{row.file}"] = row.sha256
        events += row.rows
    sides = select(SIDES.c.file).join(standing, standing.c.id == SIDES.c.segment).where(SIDES.c.file.is_not(None))
    files.update((f"log/{file}", "") for file in connection.execute(sides).scalars())
    files.update((f"receipts/{file}", "") for file in connection.execute(select(RECEIPTS.c.file)).scalars())
    gone = select(func.count()).select_from(SUPERSEDED).join(standing, standing.c.id == SUPERSEDED.c.segment)
    replaced = gone.join(COLLECTS, c.id == SUPERSEDED.c.collect).where(c.undone_at.is_(None))
    events -= int(connection.execute(replaced).scalar_one())
    return _Named(files, events, int(connection.execute(select(func.sum(PACKS.c.calls))).scalar() or 0))


def drop_links(folder: Path) -> None:
    """Removes what backups that were killed left in `.cxm`: links to files that the log has let go of since."""
    for left in folder.glob(f"{_LINKS}*"):
        if not _lives(left.name.removeprefix(_LINKS)):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder in `.cxm` for links: what is linked stays, whatever a merge removes meanwhile."""
    drop_links(folder)
    links = folder / f"{_LINKS}{os.getpid()}"
    links.mkdir(parents=True)
    try:
        yield links
    finally:
        shutil.rmtree(links, ignore_errors=True)


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _linked(named: _Named, folder: Path, links: Path) -> bool:
    """Links every file that is named; False where one is not there any longer."""
    for path in named.files:
        link = links / path
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            try:
                os.link(folder / path, link)
            except FileNotFoundError:
                return False
            except OSError:  # a file system without links
                shutil.copy2(folder / path, link)
    return True


def _add(archive: Archive, path: str, file: Path, digest: str) -> None:
    entry = archive.add(f".cxm/{path}", file)
    if digest and entry.sha256 != digest:
        raise BrokenStore(
            "A segment of the log is damaged.", file=path, then="There is no backup; restore it from an older one."
        )


# -- bringing back -----------------------------------------------------------------------------------------------------


def _bring_rows(url: str, rows: Path, header: Header) -> None:
    if url.startswith("sqlite"):
        raise WrongUse("The backup holds rows of PostgreSQL.", allowed="an empty database of it as the state")
    if header.schema != HEAD:
        raise BadData(
            f"The rows of the backup are of schema {header.schema}, and this version writes {HEAD}.",
            allowed=f"version {header.version}: restore with that one, then upgrade",
            then="Nothing was restored.",
        )
    state = open_state(url)
    try:
        load(state, rows)
    finally:
        state.dispose()
    shutil.rmtree(rows)


def _bring_files(url: str, folder: Path) -> None:
    for path in (folder / _STATE, folder / _INBOX):
        if path.exists():
            _check_sqlite(path)
    if not url.startswith("sqlite"):
        raise WrongUse("The backup holds an embedded state.", allowed="SQLite as the state in its cxm.toml")
    elsewhere = Path(str(make_url(url).database))
    if elsewhere != folder / _STATE:
        if elsewhere.exists():
            raise WrongUse(
                f"{elsewhere} is there already.", allowed="a state that is not", then="Nothing was restored."
            )
        shutil.move(folder / _STATE, elsewhere)


def _check_sqlite(path: Path) -> None:
    try:
        with closing(dbapi2.connect(str(path))) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except dbapi2.Error as fault:
        raise BrokenStore("The backup holds a database that cannot be read.", file=path.name) from fault
    if said != [("ok",)]:
        raise BrokenStore("The backup holds a database that is damaged.", file=path.name)


def _marks(state: Engine, identity: str) -> dict[str, int]:
    """By source, up to which number its calls are in the log: those that went there after the inbox was copied, too."""
    with state.connect() as connection:
        rows = connection.execute(select(MARKS.c.source, MARKS.c.number).where(MARKS.c.inbox == identity)).all()
    return {row.source: row.number for row in rows}


def _drop_unreadable(state: Engine, keys: InboxKeys) -> int:
    """Lets calls in PostgreSQL go that no key opens; how many of them are not in the log."""
    c = PACKS.c
    with state.begin() as connection:
        identity = connection.execute(select(INBOXES.c.identity)).scalar()
        marks = _marks(state, str(identity))
        lost = 0
        for row in connection.execute(select(PACKS)).all():
            if keys.opened(row.pack) is None:
                connection.execute(delete(PACKS).where(c.first == row.first))
                lost += row.calls if row.first + row.calls - 1 > marks.get(row.source, 0) else 0
    keys.close()
    return lost
