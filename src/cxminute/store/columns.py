"""Property columns of a run, in the run's order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- the index reads our own segments

from cxminute.store.arrays import KINDS, joined, open_array, typed, write_array
from cxminute.store.pieces import Piece, column_of, filled


class Columns(Protocol):
    """What a run knows of paths beside names and times."""

    def kinds(self, path: str) -> frozenset[str]:
        """Of which kinds (number, text, flag, time) the path has values; empty where it has none."""

    def read(self, path: str, kind: str) -> pa.Array:
        """The path's values as one kind, in the run's order, null where there is none."""

    def numbers(self, space: str) -> pa.Array | None:
        """Of whom each event is in a space, as int64 in the run's order, null where of nobody; None if it has none."""


class HeldColumns:
    """Columns of a table in memory."""

    def __init__(self, columns: dict[str, tuple[str, pa.Array]]) -> None:
        self._columns = columns

    def kinds(self, path: str) -> frozenset[str]:
        """As of `Columns`."""
        return frozenset({self._columns[path][0]} if path in self._columns else ())

    def read(self, path: str, kind: str) -> pa.Array:
        """As of `Columns`."""
        return typed(self._columns[path][1], kind)

    def numbers(self, space: str) -> pa.Array | None:
        """As of `Columns`: a table says of whom its events are in columns `identifiers.SPACE`, or not at all."""
        found = self._columns.get(f"identifiers.{space}")
        return found and found[1].cast(pa.int64())


class FiledColumns:
    """Columns of segments and their side files: aligned once per path and run, then opened by memory map.

    The permutation that aligns them is worked out again from the segments, since keeping it would cost half as much as
    the index itself; it stays in memory while the run is open, for the next path.
    """

    def __init__(self, folder: Path, pieces: Sequence[Piece], permutation: Callable[[], pa.Array]) -> None:
        self._folder, self._pieces, self._permutation = folder, pieces, permutation
        self._lock = threading.Lock()
        self._order: pa.Array | None = None
        self._open: dict[tuple[str, str], pa.Array] = {}
        self._names: dict[Path, frozenset[str]] = {}

    def kinds(self, path: str) -> frozenset[str]:
        """As of `Columns`."""
        with self._lock:
            return frozenset(
                kind
                for piece in self._pieces
                for file in (piece.path, *piece.sides)
                for kind in KINDS
                if self._filled(file, f"{path}:{kind}")
            )

    def read(self, path: str, kind: str) -> pa.Array:
        """As of `Columns`; the kind '' reads a segment's own column, such as position or id."""
        with self._lock:
            if (path, kind) not in self._open:
                self._open[path, kind] = self._opened(path, kind)
            return self._open[path, kind]

    def numbers(self, space: str) -> pa.Array | None:
        """As of `Columns`."""
        column = column_of(space)
        with self._lock:
            known = any(self._filled(piece.path, column) for piece in self._pieces)
        return self.read(column, "").cast(pa.int64()) if known else None

    def _opened(self, path: str, kind: str) -> pa.Array:
        sides = [
            side.name
            for piece in self._pieces
            for side in piece.sides
            if any(self._filled(side, f"{path}:{own}") for own in KINDS)
        ]
        key = blake2b("\0".join([path, kind, *sides]).encode(), digest_size=12).hexdigest()
        file = self._folder / f"column-{key}.arrow"
        if not file.exists():
            if self._order is None:
                self._order = self._permutation()
            values = joined([self._values(piece, path, kind) for piece in self._pieces])
            aligned = values.take(self._order)
            try:
                write_array(file, aligned, name=path)
            except FileNotFoundError:  # an extension has swept this run away: it serves those who opened it before
                return aligned
        return open_array(file)

    def _values(self, piece: Piece, path: str, kind: str) -> pa.Array:
        """One piece's values, in its own order."""
        if not kind:
            there = path in pq.read_schema(piece.path).names  # not every source tells of every kind of subject
            return _column(piece.path, path) if there else pa.nulls(piece.rows, pa.int64())
        parts = [
            typed(_column(file, f"{path}:{own}"), kind)
            for file in (piece.path, *piece.sides)
            for own in KINDS
            if self._filled(file, f"{path}:{own}") and kind in (own, "text")
        ]
        if not parts:
            return pa.nulls(piece.rows, KINDS[kind])
        values = parts[0]
        for part in parts[1:]:  # one row has a value of one kind at most
            pair = joined([values, part])
            values = pair.take(_either(values, part))
        return values

    def _filled(self, file: Path, column: str) -> bool:
        """Whether a file has the column, and a value in it."""
        if file not in self._names:
            self._names[file] = filled(file)
        return column in self._names[file]


def _column(file: Path, column: str) -> pa.Array:
    return joined(pq.read_table(file, columns=[column], read_dictionary=[column]).column(0).chunks)


def _either(first: pa.Array, second: pa.Array) -> pa.Array:
    """Where in [*first, *second] the value stands that is there: the first's, else the second's."""
    places = pa.array(np.arange(len(first)))
    return pc.if_else(first.is_valid(), places, pc.add(places, len(second)))
