"""Rows that a query gives, from a DuckDB or SQLite file or a PostgreSQL server: read only, streamed, in tables.

A password never reaches a message: of a server, messages name what the source wrote (`env:NAME`) and the error's code.
Nor does a cell: a database may quote the value that it fails on, so only what it says of the query itself is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import quote

import duckdb
import psycopg
import pyarrow as pa
from pysqlite3 import dbapi2 as sqlite

from cxminute.model.errors import BadData, BadDefinition
from cxminute.store.formats.cut import cut, typed

_NO_CELL: Final = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.PermissionException,
    duckdb.IOException,
    duckdb.ConnectionException,
)
"""What DuckDB says of a file or a query, not of a row. Conversions, ranges, invalid input and the like quote cells."""

_SCHEMES: Final = "duckdb:FILE, sqlite:FILE, postgresql://..., or env:NAME for an environment variable that holds one"


def read(url: str, query: str, *, environment: Mapping[str, str], folder: Path, size: int) -> Iterator[pa.Table]:
    """Tables of exactly `size` rows, the last one fewer. A query without ORDER BY may give its rows in any order.

    url:         duckdb:FILE, sqlite:FILE, postgresql://..., or env:NAME
    environment: where env:NAME is looked up
    folder:      what files are relative to
    raises:      BadDefinition for a url that cannot be one; BadData where the database or the query fails
    """
    place = _resolved(url, environment)
    scheme, _, rest = place.partition(":")
    readers: dict[str, Callable[[str, str, int], Iterator[pa.Table]]] = {
        "duckdb": _duckdb,
        "sqlite": _sqlite,
        "postgresql": _postgresql,
        "postgres": _postgresql,
    }
    if scheme not in readers:
        raise BadDefinition("The url names no database that can be read.", allowed=_SCHEMES)
    if not scheme.startswith("postgres"):
        path = folder / rest.removeprefix("//")
        if not path.is_file():
            shown = str(path) if url == place else f"the file that {url} names"
            raise BadData(f"There is no database {shown}.", allowed=_SCHEMES)
        yield from readers[scheme](str(path), query, size)
    else:
        yield from readers[scheme](place, query, size)


def _resolved(url: str, environment: Mapping[str, str]) -> str:
    if not url.startswith("env:"):
        return url
    name = url.removeprefix("env:")
    if not environment.get(name):
        raise BadData(f"The environment variable {name} is not set.", allowed=f"{name} = {_SCHEMES}")
    return environment[name]


def _duckdb(path: str, query: str, size: int) -> Iterator[pa.Table]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        with duckdb.connect(path, read_only=True, config=config) as connection:
            connection.execute("SET enable_external_access = false")  # a query reads this database, no other file
            connection.execute("SET lock_configuration = true")
            reader = connection.sql(query).to_arrow_reader(size)
            yield from cut(reader, reader.schema, size)
    except AttributeError as fault:  # a statement that gives no rows gives no relation
        raise BadData("DuckDB: The query gives no rows.", file=path, allowed="one select") from fault
    except _NO_CELL as fault:
        raise BadData(f"DuckDB: {_first_line(fault)}", file=path) from fault
    except duckdb.Error as fault:
        what = f"DuckDB: The query failed: {type(fault).__name__}."
        raise BadData(what, file=path, allowed="one select that no row makes fail") from None


def _sqlite(path: str, query: str, size: int) -> Iterator[pa.Table]:
    connection = sqlite.connect(f"file:{quote(path)}?mode=ro", uri=True)
    try:
        cursor = connection.execute(query)
        if cursor.description is None:
            raise BadData("The query gives no rows.", file=path, allowed="one select")
        yield from _fetched(cursor.fetchmany, [column[0] for column in cursor.description], size)
    except (sqlite.Error, sqlite.Warning) as fault:
        if str(fault).startswith("Could not decode"):  # goes on with the column and the cell
            raise BadData("SQLite: A text is not UTF-8.", file=path, allowed="texts in UTF-8, or blobs") from None
        raise BadData(f"SQLite: {_first_line(fault)}", file=path) from fault
    finally:
        connection.close()


def _postgresql(url: str, query: str, size: int) -> Iterator[pa.Table]:
    try:
        with psycopg.connect(url) as connection:
            connection.read_only = True
            with connection.cursor(name="cxm") as cursor:  # on the server: rows come as they are asked for
                cursor.execute(query.encode())
                names = [column.name for column in cursor.description or ()]
                yield from _fetched(cursor.fetchmany, names, size)
    except psycopg.Error as fault:
        state = f" (SQLSTATE {fault.sqlstate})" if fault.sqlstate else ""
        said = fault.diag.message_primary if (fault.sqlstate or "").startswith("42") else None
        what = f"The query failed{state}: {said or type(fault).__name__}." if state else "The server does not answer."
        raise BadData(f"PostgreSQL: {what}", allowed="one select, and a url that connects") from None


def _fetched(fetch: Callable[[int], list[tuple[object, ...]]], names: list[str], size: int) -> Iterator[pa.Table]:
    first = fetch(size)
    yield typed(first, names)
    if len(first) == size:
        for rows in chain(iter(lambda: fetch(size), [])):
            yield typed(rows, names)


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0]
