"""OCEL 2.0 in an SQLite file: read into what OCEL's JSON would hold, and written.

Tables as the standard has them: `event`, `object`, their `_map_type`, `event_object`, `object_object`, and one table
for each type, `event_T` and `object_T`. An object's row without `ocel_changed_field` is what it was from its beginning;
each other row is one change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pysqlite3 import dbapi2 as sqlite

from cxminute.model.errors import BadData
from cxminute.store.segments import quoted

MAGIC: Final = b"SQLite format 3\0"
BEFORE: Final = "1970-01-01T00:00:00Z"
"""The time of what an object is from its beginning."""
_OWN: Final = ("ocel_id", "ocel_time", "ocel_changed_field")
_NAIVE: Final = re.compile(r"^\d{4}-\d{2}-\d{2}[T ][\d:.]+$")
_UNFIT: Final = re.compile(r"\W+", re.ASCII)
_SQL: Final = {"integer": "INTEGER", "float": "REAL", "boolean": "BOOLEAN", "time": "TIMESTAMP", "string": "TEXT"}
_SAID: Final = {
    "INT": "integer", "BIGINT": "integer", "REAL": "float", "FLOAT": "float", "DOUBLE": "float", "BOOL": "boolean",
    "TIMESTAMP": "time", "DATE": "time",
}  # fmt: skip
_BATCH: Final = 10_000

Item = Mapping[str, Any]


def is_database(path: Path) -> bool:
    """Whether the file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(path: Path) -> dict[str, Any]:
    """What the file holds, as OCEL's JSON has it: eventTypes, objectTypes, events, objects. Read only.

    Times without an offset are UTC: a database keeps no other. raises: BadData where it is no OCEL, or damaged
    """
    connection = sqlite.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    connection.text_factory = lambda said: said.decode("utf-8", "replace")
    try:
        return _read(connection, path.name)
    except sqlite.DatabaseError as fault:
        what = f"SQLite: {(str(fault).splitlines() or ['it cannot be read'])[0]}"
        raise BadData(what, file=path.name, allowed="OCEL 2.0 as SQLite", then="Nothing was collected.") from None
    finally:
        connection.close()


def _read(connection: Any, name: str) -> dict[str, Any]:
    tables = {
        found for (found,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    }
    lacking = [table for table in ("event", "object", "event_map_type", "object_map_type") if table not in tables]
    if lacking:
        what = f"This is no OCEL 2.0: it has no table '{lacking[0]}'."
        raise BadData(what, file=name, allowed="event, object, event_map_type, ...", then="Nothing was collected.")
    events, of_events = _things(connection, tables, "event")
    objects, of_objects = _things(connection, tables, "object")
    links = (("event_object", "ocel_event_id", "ocel_object_id", events),
             ("object_object", "ocel_source_id", "ocel_target_id", objects))  # fmt: skip
    for table, source, target, things in links:
        if table in tables:
            columns = f"{source}, {target}, ocel_qualifier"
            for one, other, qualifier in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608 -- constants
                if (thing := things.get(_id(one))) is not None:
                    relation = {"objectId": _id(other), "qualifier": qualifier or ""}
                    thing.setdefault("relationships", []).append(relation)
    return {
        "eventTypes": of_events, "objectTypes": of_objects,
        "events": list(events.values()), "objects": list(objects.values()),
    }  # fmt: skip


def _things(connection: Any, tables: set[str], what: str) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Events or objects by id, and their types with the attributes that these have."""
    found = {_id(key): {"id": _id(key), "type": kind} for key, kind in connection.execute(
        f"SELECT ocel_id, ocel_type FROM {what}")}  # noqa: S608 -- constants  # fmt: skip
    types = []
    for kind, mapped in connection.execute(f"SELECT ocel_type, ocel_type_map FROM {what}_map_type").fetchall():  # noqa: S608 -- constants
        table = f"{what}_{mapped}"
        attributes = []
        if table in tables:
            columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
            attributes = [{"name": name, "type": _said(said)} for name, said in columns if name not in _OWN]
            cursor = connection.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608 -- quoted
            names = [column[0] for column in cursor.description]
            declared = {str(attribute["name"]): str(attribute["type"]) for attribute in attributes}
            for row in cursor:
                _put(found, dict(zip(names, row, strict=True)), declared, what)
        types.append({"name": kind, "attributes": attributes})
    return found, types


def _put(found: dict[str, dict[str, Any]], row: dict[str, Any], declared: Mapping[str, str], what: str) -> None:
    """One row of a type's table, said of its event or object."""
    thing = found.get(_id(row.get("ocel_id")))
    if thing is None:
        return
    time = _time(row.get("ocel_time"))
    changed = row.get("ocel_changed_field")
    if what == "event":
        thing["time"] = time
    for name, kind in declared.items():
        value = row.get(name)
        if value is None or (changed is not None and changed != name):
            continue
        if kind == "boolean" and value in {0, 1}:
            value = bool(value)
        elif kind == "time":
            value = _time(value)
        elif isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        attribute = {"name": name, "value": value}
        thing.setdefault("attributes", []).append(
            attribute if what == "event" else {**attribute, "time": time or BEFORE}
        )


def write(
    path: Path,
    types: tuple[Sequence[Item], Sequence[Item]],
    events: Iterable[Item],
    objects: Iterable[Item],
) -> None:
    """Writes a new file; events and objects come one at a time, as OCEL's JSON has them.

    types: of events and of objects, each with all attributes that any has
    """
    connection = sqlite.connect(str(path), isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")  # a file of its own that is renamed when it is whole
        connection.execute("BEGIN")
        tables = {what: _make(connection, what, found) for what, found in zip(("event", "object"), types, strict=True)}
        connection.execute("CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT)")
        connection.execute("CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT)")
        _fill(connection, tables["event"], "event", events)
        _fill(connection, tables["object"], "object", objects)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _make(connection: Any, what: str, types: Sequence[Item]) -> dict[str, tuple[str, dict[str, str]]]:
    """The tables of events or objects; by type its own table, and its attributes' types."""
    for table, made_of in ((what, "ocel_id TEXT PRIMARY KEY, ocel_type TEXT"),
                           (f"{what}_map_type", "ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT")):  # fmt: skip
        connection.execute(f"CREATE TABLE {table} ({made_of})")
    made: dict[str, tuple[str, dict[str, str]]] = {}
    taken = {"object", "map_type"}  # of event_object and the like
    for found in types:
        base = mapped = _UNFIT.sub("", str(found["name"]).title()) or "Type"
        count = 1
        while mapped.casefold() in taken:
            count += 1
            mapped = f"{base}{count}"
        taken.add(mapped.casefold())
        attributes = {str(a["name"]): str(a["type"]) for a in found.get("attributes") or ()}
        own = ["ocel_id TEXT", "ocel_time TIMESTAMP", *(["ocel_changed_field TEXT"] if what == "object" else [])]
        _check_names(str(found["name"]), attributes)
        columns = [*own, *(f"{quoted(name)} {_SQL.get(kind, 'TEXT')}" for name, kind in attributes.items())]
        connection.execute(f"CREATE TABLE {quoted(f'{what}_{mapped}')} ({', '.join(columns)})")
        connection.execute(f"INSERT INTO {what}_map_type VALUES (?, ?)", (found["name"], mapped))  # noqa: S608 -- constants
        made[str(found["name"])] = (f"{what}_{mapped}", attributes)
    return made


def _check_names(kind: str, attributes: Mapping[str, str]) -> None:
    """Refuses attributes that a database takes for one."""
    known = {name: name for name in _OWN}
    for name in attributes:
        if (other := known.setdefault(name.casefold(), name)) is not name:
            raise BadData(
                f"SQLite cannot tell the attributes '{other}' and '{name}' of '{kind}' apart.",
                allowed="a name that ends in .json",
                then="Nothing was written.",
            )


def _fill(connection: Any, tables: Mapping[str, tuple[str, dict[str, str]]], what: str, things: Iterable[Item]) -> None:
    pending: Iterator[Item] = iter(things)
    link = "event_object" if what == "event" else "object_object"
    while batch := list(islice(pending, _BATCH)):
        connection.executemany(f"INSERT INTO {what} VALUES (?, ?)", [(item["id"], item["type"]) for item in batch])  # noqa: S608 -- constants
        related = [
            (item["id"], relation["objectId"], relation["qualifier"])
            for item in batch
            for relation in item.get("relationships") or ()
        ]
        connection.executemany(f"INSERT INTO {link} VALUES (?, ?, ?)", related)  # noqa: S608 -- constants
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for item in batch:
            table, attributes = tables[str(item["type"])]
            told = _of_event(item) if what == "event" else _of_object(item)
            rows.setdefault(table, []).extend(
                (*own, *(_cell(values.get(name)) for name in attributes)) for own, values in told
            )
        for table, cells in rows.items():
            marks = ", ".join("?" * len(cells[0]))
            connection.executemany(f"INSERT INTO {quoted(table)} VALUES ({marks})", cells)  # noqa: S608 -- quoted


def _of_event(item: Item) -> list[tuple[tuple[Any, ...], Item]]:
    return [((item["id"], item["time"]), {a["name"]: a["value"] for a in item.get("attributes") or ()})]


def _of_object(item: Item) -> list[tuple[tuple[Any, ...], Item]]:
    """What the object is from its beginning, and a row for each change."""
    attributes = item.get("attributes") or ()
    begun = {a["name"]: a["value"] for a in attributes if a["time"] == BEFORE}
    rows: list[tuple[tuple[Any, ...], Item]] = [((item["id"], BEFORE, None), begun)]
    changes = [a for a in attributes if a["time"] != BEFORE]
    return rows + [((item["id"], a["time"], a["name"]), {a["name"]: a["value"]}) for a in changes]


def _cell(value: object) -> object:
    return str(value) if isinstance(value, dict | list) else value


def _time(value: object) -> str | None:
    """A time as text with an offset; what is no time stays as it is."""
    if value is None:
        return None
    said = str(value)
    return f"{said}Z" if _NAIVE.match(said) else said


def _said(column: str | None) -> str:
    upper = (column or "").upper()
    return next((kind for start, kind in _SAID.items() if upper.startswith(start)), "string")


def _id(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
