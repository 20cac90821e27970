"""What the log says of the events that came in, read back whole: identifiers by value, the rest nested by path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import select

from cxminute.app.project import Project
from cxminute.store.schema import IDENTIFIERS
from cxminute.store.state import open_state


@dataclass(frozen=True, slots=True)
class Known:
    """One event of the log: `at` in UTC ms, identifiers by kind as they came, all else nested by path."""

    id: str
    source: str
    kind: str
    name: str
    at: int
    identifiers: dict[str, str]
    said: dict[str, Any]


def known(root: Path) -> list[Known]:
    """Every event of a project's log, oldest arrival first."""
    project = Project(root)
    numbers = _identifiers(project)
    found = []
    with duckdb.connect() as duck:
        for piece in project.log.pieces([]):
            query = "SELECT * EXCLUDE (rest), rest::JSON::VARCHAR AS rest FROM read_parquet(?)"
            table = duck.sql(query, params=[str(piece.path)]).to_arrow_table()
            gone = set(piece.dropped.tolist())
            found += [_known(row, numbers) for place, row in enumerate(table.to_pylist()) if place not in gone]
    return found


def _identifiers(project: Project) -> dict[tuple[str, int], str]:
    """The value of each (kind, number)."""
    c = IDENTIFIERS.c
    with open_state(project.settings.state_url(project.folder)).connect() as connection:
        rows = connection.execute(select(c.kind, c.number)).all()
    kinds: dict[str, list[int]] = {}
    for kind, number in rows:
        kinds.setdefault(kind, []).append(number)
    return {
        (kind, number): said
        for kind, numbers in kinds.items()
        for number, said in project.vault.called(kind, numbers).items()
    }


def _known(row: dict[str, Any], numbers: dict[tuple[str, int], str]) -> Known:
    said: dict[str, Any] = json.loads(row["rest"]) if row["rest"] else {}
    identifiers = {}
    for column, value in row.items():
        if value is None:
            continue
        if (column, value) in numbers:
            identifiers[column] = numbers[column, value]
        elif ":" in column:  # a typed column: PATH:TYPE
            _put(said, column.rpartition(":")[0].split("."), value)
    at = round(row["at"].timestamp() * 1000)
    return Known(row["id"], row["source"], row["kind"], row["name"], at, identifiers, said)


def _put(said: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        said = said.setdefault(part, {})
    said[path[-1]] = value
