"""Segments: immutable Parquet files of events, named by their content, written whole or not at all.

Layout: sorted by (profile, at, position, id); the columns of the event, one int64 column per kind of identifier, one
typed column `PATH:TYPE` per path that a definition names, and `rest`, a VARIANT of all else, nested by path, which no
analysis scans. DuckDB and Spark read them as they stand. The same events give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.errors import BrokenStore
from cxminute.model.tables import EVENT, MOMENT
from cxminute.store import failpoints
from cxminute.store.arrays import make_folder, settle_folder
from cxminute.store.vault import is_of_person

TYPES: Final = {"number": pa.float64(), "text": pa.string(), "flag": pa.bool_(), "time": MOMENT}
"""What a typed column can hold, by the name that ends it."""

_DUCK: Final = {"number": "DOUBLE", "text": "VARCHAR", "flag": "BOOLEAN", "time": "TIMESTAMPTZ"}
_VARIANT: Final = {  # how the types of a VARIANT's values are called, by their beginning
    "text": ("VARCHAR",),
    "flag": ("BOOL",),
    "time": ("TIMESTAMP", "DATE"),
    "number": ("INT", "UINT", "DOUBLE", "FLOAT", "DECIMAL"),
}
_EVENT_COLUMNS: Final = tuple(EVENT.names)
# without SHREDDING every distinct key would become columns of its own: 10,000 wide rows fail under 12 GB
FORMAT: Final = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, SHREDDING {'rest': 'STRUCT(_ VARCHAR)'})"
"""How every segment is written."""
REST: Final = "rest"
"""The column of what no definition names."""


@dataclass(frozen=True, slots=True)
class Written:
    """One segment on disk, not yet in the manifest."""

    file: str
    sha256: str
    rows: int
    size: int
    first_at: int
    last_at: int
    columns: tuple[str, ...]


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own in memory: no network, no extensions, UTC."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,  # on by default: a typo would become a network call
        "autoload_known_extensions": False,
    }
    duck = duckdb.connect(config=settings)
    duck.execute("LOAD icu; SET TimeZone = 'UTC'")  # icu comes in the wheel
    return duck


def type_of(column: pa.DataType) -> str:
    """Which of TYPES a column of this Arrow type is kept as."""
    if pa.types.is_boolean(column):
        return "flag"
    if pa.types.is_timestamp(column):
        return "time"
    return "number" if pa.types.is_integer(column) or pa.types.is_floating(column) else "text"


def is_path(name: str) -> bool:
    """Whether a column of an events table is a property path: `properties.total`, and not `id` or `user_id`."""
    return "." in name


def sort_events(duck: duckdb.DuckDBPyConnection, events: pa.Table) -> pa.Table:
    """The events in the order of a segment: (profile, at, position, id), those without a person last."""
    duck.register("events", events)
    try:
        ordered = duck.sql('SELECT * FROM events ORDER BY profile NULLS LAST, "at", position, id')
        return ordered.to_arrow_table().cast(events.schema)
    finally:
        duck.unregister("events")


def write_segment(
    duck: duckdb.DuckDBPyConnection, events: pa.Table, named: Collection[str], root: Path, source: str
) -> Written:
    """Writes sorted events as one segment below `root/source`: to a temporary file, synced, renamed, folder synced.

    named: the paths that definitions name; they become typed columns, other paths and `rest` become the VARIANT.
    """
    typed = {
        f"{path}:{type_of(events.schema.field(path).type)}": path
        for path in sorted(filter(is_path, events.column_names))
        if path in named
    }
    other = [path for path in sorted(filter(is_path, events.column_names)) if path not in named]
    numbers = sorted(
        name for name in events.column_names if not is_path(name) and name not in _EVENT_COLUMNS and name != "rest"
    )
    shown = [quoted(name) for name in (*_EVENT_COLUMNS, *numbers)]
    shown += [
        f"{quoted(path)}::{_DUCK[column.rpartition(':')[2]]} AS {quoted(column)}" for column, path in typed.items()
    ]
    shown.append(f"{_variant(other, leftovers='rest' in events.column_names)} AS rest")
    folder = root / source
    make_folder(folder)
    temporary = folder / f".writing-{os.getpid()}"
    duck.register("events", events)
    try:
        duck.execute(
            f"COPY (SELECT {', '.join(shown)} FROM events) TO '{escaped(temporary)}' "  # noqa: S608 -- quoted names
            f"{FORMAT}"
        )
    finally:
        duck.unregister("events")
    failpoints.at("segment.written")
    digest = settle(temporary, folder / "{}.parquet")
    final = folder / f"{digest[:24]}.parquet"
    at = events.column("at").cast(pa.int64())
    ends = pc.min_max(at)
    return Written(
        file=f"{source}/{final.name}",
        sha256=digest,
        rows=events.num_rows,
        size=final.stat().st_size,
        first_at=ends["min"].as_py(),
        last_at=ends["max"].as_py(),
        columns=(*typed, *([REST] if other or _left_over(events) else [])),
    )


def merge_segments(
    duck: duckdb.DuckDBPyConnection, segments: Sequence[Path], columns: Sequence[str], root: Path, source: str
) -> Written:
    """Writes the events of several segments of a source as one, with all that each of them says: durable, as above.

    columns: every column that the manifest tells of one of them; events of a segment without it have null there
    """
    files = ", ".join(f"'{escaped(path)}'" for path in segments)
    whole = f"read_parquet([{files}], union_by_name = true)"
    described = duck.execute(f"DESCRIBE SELECT * FROM {whole}").fetchall()  # noqa: S608 -- our own files
    typed = sorted(column for column in columns if column != REST)
    own = {*_EVENT_COLUMNS, *typed, REST}
    numbers = sorted(column for column, *_ in described if column not in own)
    shown = ", ".join(map(quoted, (*_EVENT_COLUMNS, *numbers, *typed, REST)))
    temporary = root / source / f".writing-{os.getpid()}"
    duck.execute(
        f'COPY (SELECT {shown} FROM {whole} ORDER BY profile NULLS LAST, "at", position, id) '  # noqa: S608 -- quoted names
        f"TO '{escaped(temporary)}' {FORMAT}"
    )
    failpoints.at("segment.written")
    ends = 'count(*), min(epoch_ms("at")), max(epoch_ms("at"))'
    [(rows, first, last)] = duck.execute(f"SELECT {ends} FROM read_parquet('{escaped(temporary)}')").fetchall()  # noqa: S608 -- our own file
    digest = settle(temporary, root / source / "{}.parquet")
    final = root / source / f"{digest[:24]}.parquet"
    return Written(f"{source}/{final.name}", digest, rows, final.stat().st_size, first, last, tuple(columns))


def paths_left_over(duck: duckdb.DuckDBPyConnection, segment: Path, paths: Sequence[str]) -> list[str]:
    """Which of some paths have values in what is left over in a segment: those that a side file would be made for."""
    if not paths:
        return []
    counted = ", ".join(f"count({_left(path)})" for path in paths)
    [counts] = duck.execute(f"SELECT {counted} FROM read_parquet('{escaped(segment)}')").fetchall()  # noqa: S608 -- quoted
    return [path for path, count in zip(paths, counts, strict=True) if count]


def _left(path: str) -> str:
    """SQL: the value that a path has in what is left over, a VARIANT."""
    value = REST
    for part in path.split("."):
        value = f"variant_extract({value}, '{escaped(part)}')"
    return value


def _left_over(events: pa.Table) -> bool:
    return REST in events.column_names and events[REST].null_count < events.num_rows


def settle(temporary: Path, pattern: Path) -> str:
    """Makes a written file durable and gives it its name: synced, renamed to its SHA-256, the folder synced.

    pattern: the final path with `{}` where the first 24 digits of the digest go. Returns the whole digest.
    """
    with temporary.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    failpoints.at("segment.synced")
    temporary.replace(str(pattern).format(digest[:24]))
    settle_folder(pattern.parent)
    failpoints.at("segment.renamed")
    return digest


def write_side(
    duck: duckdb.DuckDBPyConnection, segment: Path, path: str, kind: str | None = None, zone: str = "UTC"
) -> str | None:
    """Back-fills a path that was named after the segment was written: typed columns in a side file, row for row.

    kind: the type that the path is declared to have: text that can be read as it is; zone: of times without an offset
    Returns the side file's name, or None where no event of the segment has the path. This is the one place that reads
    a VARIANT, once per segment and path.
    """
    value = _left(path)
    found = duck.execute(
        f"SELECT DISTINCT variant_typeof({value}) FROM read_parquet('{escaped(segment)}')",  # noqa: S608 -- quoted
    ).fetchall()
    types = {type_ for (said,) in found for type_, starts in _VARIANT.items() if said and said.startswith(starts)}
    if not types:
        return None
    # TRY_CAST: a cast may be worked out for every row, also for those of another type, before CASE chooses
    cells = {
        type_: f"CASE WHEN {_is(value, type_)} THEN TRY_CAST({value} AS {_DUCK[type_]}) END" for type_ in sorted(types)
    }
    if "text" in types and kind not in (None, "text"):
        read = _read_as(kind, cells["text"], zone)
        cells[kind] = f"coalesce({cells[kind]}, {read})" if kind in cells else read
        cells["text"] = f"CASE WHEN {read} IS NULL THEN {cells['text']} END"
    columns = ", ".join(f"{cell} AS {quoted(f'{path}:{type_}')}" for type_, cell in cells.items())
    temporary = segment.parent / f".side-{os.getpid()}"
    duck.execute(
        f"COPY (SELECT {columns} FROM read_parquet('{escaped(segment)}')) "  # noqa: S608 -- quoted names
        f"TO '{escaped(temporary)}' (FORMAT parquet, COMPRESSION zstd)"
    )
    name = f"{segment.stem}.{hashlib.sha256(path.encode()).hexdigest()[:12]}.side"
    settle(temporary, segment.parent / name)
    return name


def _is(value: str, kind: str) -> str:
    """SQL: whether a VARIANT's value is of a kind."""
    return "(" + " OR ".join(f"starts_with(variant_typeof({value}), '{start}')" for start in _VARIANT[kind]) + ")"


def _read_as(kind: str, text: str, zone: str) -> str:
    """SQL: text read as the kind that it was declared to be, null where it cannot be."""
    if kind != "time":
        return f"TRY_CAST({text} AS {_DUCK[kind]})"
    bare = f"timezone('{escaped(zone)}', TRY_CAST({text} AS TIMESTAMP))"
    offset = f"regexp_matches({text}, '(Z|[+-][0-9][0-9]:?[0-9][0-9])$')"
    return f"CASE WHEN {offset} THEN TRY_CAST({text} AS TIMESTAMPTZ) ELSE {bare} END"


def volumes(
    duck: duckdb.DuckDBPyConnection,
    segment: Path,
    dropped: NDArray[np.int64],
    since: int | None,
    until: int | None,
    as_of: int | None,
) -> list[dict[str, Any]]:
    """For each name in a segment: events, first_at, last_at, per (kinds of subject) and paths (typed, not empty)."""
    file = f"read_parquet('{escaped(segment)}', file_row_number = true)"
    described = duck.execute(f"DESCRIBE SELECT * FROM {file}").fetchall()  # noqa: S608 -- our own file
    columns = [column for column, *_ in described]
    kinds = ["profile", *(c for c in columns if c not in {*_EVENT_COLUMNS, "profile", "rest", "file_row_number"}
             and not is_of_person(c) and ":" not in c)]  # fmt: skip
    typed = [column for column in columns if ":" in column]
    counted = ", ".join(f"count({quoted(column)})" for column in [*kinds, *typed])
    bounds = [('epoch_ms("at") >= ?', since), ('epoch_ms("at") < ?', until), ('epoch_ms("at") <= ?', as_of)]
    tests = ["file_row_number NOT IN (SELECT row FROM dropped)", *(test for test, value in bounds if value is not None)]
    duck.register("dropped", pa.table({"row": dropped}))
    rows = duck.execute(
        f'SELECT name, count(*), min(epoch_ms("at")), max(epoch_ms("at")), {counted} FROM {file} '  # noqa: S608 -- quoted names
        f"WHERE {' AND '.join(tests)} GROUP BY name ORDER BY name",
        [value for _, value in bounds if value is not None],
    ).fetchall()
    duck.unregister("dropped")
    found = []
    for name, events, first, last, *counts in rows:
        has = [column for column, count in zip([*kinds, *typed], counts, strict=True) if count]
        per = sorted("person" if column == "profile" else column for column in has if column in kinds)
        paths = sorted({column.rpartition(":")[0] for column in has if column in typed})
        found.append({"name": name, "events": events, "first_at": first, "last_at": last, "per": per, "paths": paths})
    return found


def bounds(duck: duckdb.DuckDBPyConnection, segment: Path, dropped: NDArray[np.int64]) -> tuple[int, int]:
    """When the first and the last event of a segment happened (UTC ms), without the dropped rows; some must be left."""
    duck.register("dropped", pa.table({"row": dropped}))
    file = f"read_parquet('{escaped(segment)}', file_row_number = true)"
    ends = duck.execute(
        f'SELECT min(epoch_ms("at")), max(epoch_ms("at")) FROM {file} '  # noqa: S608 -- our own file
        "WHERE file_row_number NOT IN (SELECT row FROM dropped)"
    ).fetchall()[0]
    duck.unregister("dropped")
    return ends[0], ends[1]


def check_segment(path: Path, sha256: str) -> None:
    """Refuses a segment whose bytes are not those that were written."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise BrokenStore("A segment of the log is missing.", file=str(path), then="Restore it.") from fault
    if found != sha256:
        raise BrokenStore("A segment of the log is damaged.", file=str(path), then="Restore it.")


def _variant(paths: Sequence[str], *, leftovers: bool) -> str:
    """SQL for the VARIANT: paths nested as they are dotted, merged with the leftovers' JSON where there are any."""
    packed = _packed({path: quoted(path) for path in paths})
    if not leftovers:
        return f"({packed})::VARIANT" if paths else "NULL::VARIANT"
    if not paths:
        return "rest::JSON::VARIANT"
    merged = f"json_merge_patch(coalesce(rest, '{{}}')::JSON, to_json({packed}))"
    return f"{merged}::VARIANT"


def _packed(columns: dict[str, str]) -> str:
    heads: dict[str, dict[str, str]] = {}
    for path, column in columns.items():
        head, _, tail = path.partition(".")
        heads.setdefault(head, {})[tail] = column
    parts = []
    for head, inside in heads.items():
        if "" not in inside:
            parts.append(f"{quoted(head)} := {_packed(inside)}")
            continue
        # a value and a table under one name (`a` and `a.b`): the deeper ones keep their dots, and nothing is lost
        parts += [f"{quoted(f'{head}.{tail}' if tail else head)} := {column}" for tail, column in inside.items()]
    return f"struct_pack({', '.join(parts)})"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def names(duck: duckdb.DuckDBPyConnection, segments: Sequence[Path]) -> list[str]:
    """Every name that an event in some segments has."""
    if not segments:
        return []
    found = duck.execute(f"SELECT DISTINCT name::VARCHAR FROM {reading(segments)}").fetchall()  # noqa: S608 -- our own files
    return sorted(name for (name,) in found)


def reading(paths: Iterable[str | Path]) -> str:
    """SQL of files read as one, with the columns that any of them has, and of each row its file and its place there."""
    listed = ", ".join(f"'{escaped(path)}'" for path in paths)
    return f"read_parquet([{listed}], union_by_name = true, filename = true, file_row_number = true)"


def escaped(text: str | Path) -> str:
    """What stands between quotes in SQL."""
    return str(text).replace("'", "''")
