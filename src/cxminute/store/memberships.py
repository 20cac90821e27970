"""Which profiles belong to which groups: straight from the events that name both, as the segments stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- these are our own segments

from cxminute.store.arrays import joined, moments, numbers_of, plain
from cxminute.store.pieces import Piece, filled

GROUP: Final = "group_id"
MEMBERSHIP: Final = pa.schema(
    [
        ("group", pa.int64()),
        ("profile", pa.int64()),
        ("first_at", pa.int64()),
        ("last_at", pa.int64()),
        ("events", pa.int64()),
        ("role", pa.string()),
        ("role_at", pa.int64()),
        ("kind", pa.string()),
        ("kind_at", pa.int64()),
    ]
)
"""One row a group and profile; a group that no profile was seen with has one without. Times are UTC ms: of the first
and the last event that names both, and of the last that tells a role or a kind."""


def memberships(
    pieces: Sequence[Piece], role: Sequence[str], kind: Sequence[str], as_of: int | None = None
) -> pa.Table:
    """Every group with its profiles, by group and profile.

    role, kind: paths of texts, the first that an event has counts; of several events the last one's
    as_of:      no event that happened after it, UTC ms
    """
    parts = [_of(piece, role, kind, as_of) for piece in pieces]
    rows = pa.concat_tables([_ROWS.empty_table(), *parts])
    if not rows.num_rows:
        return MEMBERSHIP.empty_table()
    rows = rows.sort_by([("at", "ascending"), ("role", "ascending"), ("kind", "ascending")])
    keys = ["group", "profile"]
    whole = rows.group_by(keys).aggregate([("at", "min"), ("at", "max"), ("at", "count")])
    whole = whole.rename_columns([*keys, "first_at", "last_at", "events"])
    for name in ("role", "kind"):
        told = rows.filter(rows[name].is_valid())
        last = told.group_by(keys, use_threads=False).aggregate([(name, "last"), ("at", "last")])
        last = last.rename_columns([*keys, name, f"{name}_at"])
        whole = _beside(whole, last, keys)
    return whole.select(MEMBERSHIP.names).cast(MEMBERSHIP).sort_by([("group", "ascending"), ("profile", "ascending")])


_ROWS: Final = pa.schema(
    [("group", pa.int64()), ("profile", pa.int64()), ("at", pa.int64()), ("role", pa.string()), ("kind", pa.string())]
)
_NONE: Final = -1


def _beside(whole: pa.Table, last: pa.Table, keys: list[str]) -> pa.Table:
    """A join by keys that may be null: null stands for one group's rows without a profile."""
    filled_in = [table.set_column(1, "profile", pc.fill_null(table["profile"], _NONE)) for table in (whole, last)]
    found = filled_in[0].join(filled_in[1], keys, join_type="left outer")
    profile = pc.if_else(pc.equal(found["profile"], _NONE), None, found["profile"])
    return found.set_column(found.column_names.index("profile"), "profile", profile)


def _of(piece: Piece, role: Sequence[str], kind: Sequence[str], as_of: int | None) -> pa.Table:
    """The rows of a segment that name a group."""
    columns = filled(piece.path)
    if GROUP not in columns:
        return _ROWS.empty_table()
    read = pq.read_table(piece.path, columns=[GROUP, "at"])
    groups, times = joined(read[GROUP].chunks).cast(pa.int64()), moments(joined(read["at"].chunks))
    chosen = np.asarray(groups.is_valid())
    chosen[piece.dropped] = False
    if as_of is not None:
        chosen &= numbers_of(times) <= as_of
    rows = pa.array(np.flatnonzero(chosen))
    held = {file: frozenset(pq.read_schema(file).names) for file in (piece.path, *piece.sides)}
    profile = _taken(held, "profile", rows, pa.int64())
    texts = {name: _first(held, paths, rows) for name, paths in (("role", role), ("kind", kind))}
    at = pa.array(numbers_of(times)).take(rows)
    return pa.table({"group": groups.take(rows), "profile": profile, "at": at, **texts}, schema=_ROWS)


def _first(held: Mapping[Path, frozenset[str]], paths: Sequence[str], rows: pa.Array) -> pa.Array:
    """The first text that each row has under one of the paths."""
    found = [_taken(held, f"{path}:text", rows, pa.string()) for path in paths]
    return pc.coalesce(*found) if found else pa.nulls(len(rows), pa.string())


def _taken(held: Mapping[Path, frozenset[str]], name: str, rows: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column at these rows, of whichever file has it; null where none has."""
    for file, names in held.items():
        if name in names:
            return plain(joined(pq.read_table(file, columns=[name])[name].chunks)).take(rows).cast(kind)
    return pa.nulls(len(rows), kind)
