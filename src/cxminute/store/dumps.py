"""The rows of a state in PostgreSQL as files, one for each table, read in one transaction and put back in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from cxminute.model.errors import BadData, WrongUse
from cxminute.store.schema import metadata

_ROWS: Final = 1_000  # of one block of a file
_LENGTH: Final = 8  # bytes before each block that say how long it is


def dump(connection: Connection, into: Path) -> None:
    """Writes the rows of every table to `into/TABLE.rows`; the connection's transaction says as of when."""
    for table in metadata.sorted_tables:
        _dump_table(connection, table, into / f"{table.name}.rows")


def load(engine: Engine, folder: Path) -> None:
    """Puts rows back, all or none, into a database that holds none.

    raises: WrongUse where the database holds rows already
    """
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if connection.execute(select(func.count()).select_from(table)).scalar():
                raise WrongUse(
                    "The state's database is not empty.",
                    allowed="a database of its own, made for what is restored",
                    then="Nothing was restored.",
                )
        for table in metadata.sorted_tables:
            file = folder / f"{table.name}.rows"
            if not file.exists():
                raise BadData(f"The backup lacks table '{table.name}'.", then="Nothing was restored.")
            for rows in _blocks(file):
                connection.execute(insert(table), rows)
            _count_on(connection, table)


def _dump_table(connection: Connection, table: Table, file: Path) -> None:
    names = [str(column.name) for column in table.columns]
    found = connection.execute(select(table), execution_options={"yield_per": _ROWS})
    with file.open("wb") as out:
        _write(out, names)
        for rows in found.partitions():
            _write(out, [tuple(row) for row in rows])


def _write(out: BinaryIO, content: object) -> None:
    said = msgspec.msgpack.encode(content)
    out.write(len(said).to_bytes(_LENGTH, "little") + said)


def _blocks(file: Path) -> Iterator[list[dict[str, object]]]:
    names: list[str] = []
    with file.open("rb") as dumped:
        while size := dumped.read(_LENGTH):
            block = msgspec.msgpack.decode(dumped.read(int.from_bytes(size, "little")))
            if names:
                yield [dict(zip(names, row, strict=True)) for row in block]
            else:
                names = block


def _count_on(connection: Connection, table: Table) -> None:
    """Lets the database's own numbers go on after those that were put back."""
    for column in table.primary_key.columns:
        if column.autoincrement is True or (column.autoincrement == "auto" and table.autoincrement_column is column):
            highest = connection.execute(select(func.max(column))).scalar()
            sequence = connection.execute(
                text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": table.name, "column": column.name}
            ).scalar()
            if highest is not None and sequence is not None:
                connection.execute(
                    text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest}
                )
