"""A few kinds of event with a few of their paths, straight from the segments: those of no subject are among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- these are our own segments

from cxminute.model.tables import MOMENT
from cxminute.store.arrays import moments
from cxminute.store.pieces import Piece

OWN: Final = ("source", "name", "at")


def pick(pieces: Sequence[Piece], names: Collection[str], paths: Sequence[str], spaces: Sequence[str] = ()) -> pa.Table:
    """The events of these names, in no order.

    paths:   of numbers; null where an event has none, or something else than a number
    spaces:  kinds of identifier; null where an event has none of the kind
    returns: source, name, at, a float64 column per path, an int64 column per space
    """
    schema = pa.schema(
        [("source", pa.string()), ("name", pa.string()), ("at", MOMENT)]
        + [(path, pa.float64()) for path in paths]
        + [(space, pa.int64()) for space in spaces]
    )
    return pa.concat_tables([schema.empty_table(), *(_of(piece, names, paths, spaces, schema) for piece in pieces)])


def _of(
    piece: Piece, names: Collection[str], paths: Sequence[str], spaces: Sequence[str], schema: pa.Schema
) -> pa.Table:
    """Those of one segment; a segment without any is known by its names alone."""
    of_name = pq.read_table(piece.path, columns=["name"])["name"].cast(pa.string())
    chosen = pc.is_in(of_name, value_set=pa.array(sorted(names), pa.string())).to_numpy()
    chosen[piece.dropped] = False
    rows = pa.array(np.flatnonzero(chosen))
    if not len(rows):
        return schema.empty_table()
    columns = {"source": pa.array([piece.source] * len(rows)), "name": of_name.take(rows)}
    columns["at"] = moments(pq.read_table(piece.path, columns=["at"])["at"].combine_chunks()).take(rows)
    held = {file: frozenset(pq.read_schema(file).names) for file in (piece.path, *piece.sides)}
    for path in paths:
        columns[path] = _column(held, f"{path}:number", rows, pa.float64())
    for space in spaces:
        columns[space] = _column(held, space, rows, pa.int64())
    return pa.table(columns).cast(schema)


def _column(held: Mapping[Path, Collection[str]], name: str, rows: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column at these rows, of whichever file has it; held: the columns of a segment and its side files."""
    for file, names in held.items():
        if name in names:
            return pq.read_table(file, columns=[name])[name].take(rows).combine_chunks().cast(kind)
    return pa.nulls(len(rows), kind)
