"""The state: a SQLite file, embedded, or PostgreSQL, with one schema; opened, checked and migrated here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, InternalError, OperationalError

from cxminute.model.errors import BadDefinition, BrokenStore
from cxminute.store.schema import HEAD, metadata

T = TypeVar("T")

BATCH: Final = 10_000
"""Values of one IN list: SQLite allows 32,766 parameters in a query, PostgreSQL 65,535."""

_MAKING: Final = 0x63786D  # of PostgreSQL's advisory locks: 'cxm'

State = Engine
"""What the rest of the house calls the database behind the state; nobody else knows which it is."""

SAFE_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""Versions from which on their line is free of the WAL-reset race (https://sqlite.org/wal.html#walresetbug)."""


def open_state(url: str) -> Engine:
    """The state behind a URL (`sqlite:///...` or `postgresql://...`), at this version's schema.

    raises: BrokenStore when it was written by a newer version, or SQLite's own version can corrupt it.
    """
    try:
        engine = _sqlite(url) if url.startswith("sqlite") else create_engine(url, hide_parameters=True)
    except (ArgumentError, ModuleNotFoundError) as fault:
        raise BadDefinition(
            "The state's URL is none.", allowed="sqlite:///FILE or postgresql+psycopg://HOST/NAME"
        ) from fault
    event.listen(engine, "handle_error", _plainly)
    if _version(engine) != HEAD:
        _bring_up(engine)
    return engine


def _plainly(context: ExceptionContext) -> None:
    """What the database cannot do is told in the house's words, without the values that it was to write."""
    original = context.original_exception
    if str(getattr(original, "sqlstate", None)).startswith("54"):
        return  # PostgreSQL: a value is beyond a limit, such as an index's; to try again changes nothing
    damaged = type(original) is dbapi2.DatabaseError  # of the class itself: its children are faults of what was asked
    if damaged or isinstance(original, dbapi2.OperationalError):
        raise BrokenStore(f"The state cannot be read or written: {original}.", then="What was committed stays.")
    silent = (OperationalError, InternalError, InterfaceError)  # the last, of SQLite, says that a value has no type
    if isinstance(context.sqlalchemy_exception, silent) and not isinstance(original, dbapi2.InterfaceError):
        raise BrokenStore("The state's database does not answer.", then="What was committed stays.")


def state_url(folder: Path) -> str:
    """The URL of a project's embedded state."""
    return f"sqlite:///{folder / 'state.sqlite'}"


def sqlite_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether a SQLite of this version is free of the WAL-reset race."""
    newest = SAFE_SQLITE[0]
    return version >= newest or any(version[:2] == fixed[:2] and version >= fixed for fixed in SAFE_SQLITE)


def _sqlite(url: str) -> Engine:
    if not sqlite_is_safe(dbapi2.sqlite_version_info):
        raise BrokenStore(
            f"SQLite {dbapi2.sqlite_version} can lose commits of a write-ahead log.",
            allowed="SQLite 3.51.3 or newer, as the package pysqlite3 0.6.1 brings it",
        )
    engine = create_engine(url, module=dbapi2, connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: dbapi2.Connection, _: object) -> None:
        # FULL: a commit that was acknowledged survives loss of power (0.64 ms for 100 rows, 0.43 with NORMAL)
        # 32 MB: identifiers are looked up all over their index; as much of the write-ahead log before it is settled,
        # since a stretch of 50,000 events writes 10 MB of it
        more = ("cache_size=-32768", "wal_autocheckpoint=8192")
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", *more):
            connection.execute(f"PRAGMA {pragma}")
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def writing(engine: Engine) -> Engine:
    """The same engine, whose transactions take the write lock when they begin, so that none fails half-way."""
    return engine.execution_options(writes=True)


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows at once, as tuples in the order of the columns: half the time of SQLAlchemy's own dictionaries."""
    if not rows:
        return
    mark = mark_of(connection)
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join([mark] * len(columns))
    query = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 -- names of our own tables
    connection.exec_driver_sql(query, list(rows))


def batches(values: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Stretches of a sequence, in order, each small enough for one query; none of an empty one."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def mark_of(connection: Connection) -> str:
    """What stands in SQL for a parameter of the driver's own."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def among(connection: Connection, values: Sequence[Any]) -> tuple[str, Any]:
    """SQL that asks whether something is one of these, and its one parameter: the query is the same for all."""
    if connection.dialect.name == "sqlite":
        return "IN (SELECT value FROM json_each(?))", msgspec.json.encode(values).decode()
    return "= ANY(%s)", list(values)


def _version(engine: Engine) -> str | None:
    """The schema's version; None for a new database. Asked by hand: importing Alembic costs more than the answer."""
    try:
        with engine.connect() as connection:
            return _found(connection)
    except DatabaseError as fault:
        raise BrokenStore("The state cannot be read.", then="Restore it from a backup.") from fault


def _found(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _bring_up(engine: Engine) -> None:
    """Makes the tables of a new state, or those that an older one lacks; only one does so at a time."""
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MAKING})"))
        found = _found(connection)  # another may have been quicker
        if found is None:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        elif found != HEAD:
            _migrate(connection, found)


def _migrate(connection: Connection, found: str) -> None:
    from alembic import command  # noqa: PLC0415 -- only an old state needs it
    from alembic.config import Config  # noqa: PLC0415 -- likewise
    from alembic.script import ScriptDirectory  # noqa: PLC0415 -- likewise

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise BrokenStore(
            f"The state was written by a newer version (schema {found}; this version knows {HEAD}).",
            then="Nothing was changed; install the newer version.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
