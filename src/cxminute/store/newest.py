"""What people were last told to be called, to live at, to be reached by: the newest value of each field, by person.

It reads open values from the segments and personal ones from the vault. No analysis does: whoever asks has leave to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq  # noqa: TID251 -- these are our own segments

from cxminute.store.arrays import KINDS, joined, moments, typed
from cxminute.store.log import EventLog
from cxminute.store.people import People
from cxminute.store.pieces import Piece
from cxminute.store.samples import personal
from cxminute.store.segments import REST, connect, quoted

KEY: Final = "unique_id"
"""The column of the person's number, which is what linkage calls a record."""


def newest(
    log: EventLog,
    pieces: Sequence[Piece],
    fields: Mapping[str, Sequence[str]],
    people: People | None = None,
) -> pa.Table:
    """The newest value of each field of everybody of whom one is known, by number.

    pieces:  the segments to read
    fields:  by name, the paths to look at in an event; the first that has a value counts
    people:  whose person each profile is; None where each is its own
    returns: `unique_id` (int64), and a text column for each field
    """
    schema = pa.schema([("profile", pa.int64()), ("at", pa.int64()), ("id", pa.string())])
    schema = pa.schema([*schema, *(pa.field(name, pa.string()) for name in fields)])
    sources: dict[str, list[Piece]] = {}
    for piece in pieces:
        sources.setdefault(piece.source, []).append(piece)
    parts = [_of_source(log, source, its, fields).cast(schema) for source, its in sorted(sources.items())]
    told = pa.concat_tables([schema.empty_table(), *parts])
    if people is not None:
        told = told.set_column(0, "profile", pa.array(people.owners(told["profile"].to_numpy()), pa.int64()))
    duck = connect()
    duck.register("told", told)
    last = "".join(
        f', last({quoted(name)} ORDER BY "at", id) FILTER (WHERE {quoted(name)} IS NOT NULL) AS {quoted(name)}'
        for name in fields
    )
    return duck.sql(f"SELECT profile AS {KEY}{last} FROM told GROUP BY profile ORDER BY profile").to_arrow_table()  # noqa: S608 -- quoted names


def _of_source(log: EventLog, source: str, pieces: Sequence[Piece], fields: Mapping[str, Sequence[str]]) -> pa.Table:
    """Profile, time, id and fields of the events of one source that have any."""
    paths = sorted({path for named in fields.values() for path in named})
    table = pa.concat_tables([_of_piece(piece, paths) for piece in pieces])
    ids = table["id"].to_pylist()
    row_of = {event: row for row, event in enumerate(ids)}
    cells: dict[str, list[str | None]] = {path: table[path].to_pylist() for path in paths}
    for event, document in personal(log, source, row_of):
        row, rest = row_of[event], _rest(document)
        for path in paths:
            said = _text(document.get(path)) or _text(_leaf(rest, path))
            if said is not None:
                cells[path][row] = said
    columns = {}
    for name, named in fields.items():
        rows = zip(*(cells[path] for path in named), strict=True)
        columns[name] = pa.array([next(filter(None, row), None) for row in rows], pa.string())
    found = pa.table({"profile": table["profile"], "at": table["at"], "id": table["id"], **columns})
    any_field = np.zeros(found.num_rows, np.bool_)
    for column in columns.values():
        any_field |= np.asarray(column.is_valid())
    return found.filter(pa.array(any_field))


def _of_piece(piece: Piece, paths: Sequence[str]) -> pa.Table:
    """Standing events that have a profile: it, time, id and the open values of paths, as text."""
    own = pq.read_table(piece.path, columns=["profile", "at", "id"])
    whose = joined(own["profile"].chunks).cast(pa.int64())
    chosen = np.asarray(whose.is_valid())
    chosen[piece.dropped] = False
    rows = pa.array(np.flatnonzero(chosen))
    columns = {
        "profile": whose.take(rows),
        "at": moments(own["at"].combine_chunks()).take(rows).cast(pa.int64()),
        "id": joined(own["id"].cast(pa.string()).chunks).take(rows),
    }
    held = {file: frozenset(pq.read_schema(file).names) for file in (piece.path, *piece.sides)}
    for path in paths:
        values = pa.nulls(len(rows), pa.string())
        for file, names in held.items():
            for kind in KINDS:
                if f"{path}:{kind}" in names:
                    column = pq.read_table(file, columns=[f"{path}:{kind}"]).column(0)
                    more = typed(joined(column.chunks), "text").take(rows).cast(pa.string())
                    values = pa.compute.coalesce(values, more)
        columns[path] = values
    return pa.table(columns)


def _rest(document: Mapping[str, Any]) -> object:
    """What no definition names, as it was nested; it lies as text where it came so."""
    rest = document.get(REST)
    return msgspec.json.decode(rest) if isinstance(rest, str) else rest


def _leaf(value: object, path: str) -> object:
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _text(value: object) -> str | None:
    """A value as text, None where it is none: a list, a nested object, true or false."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
