"""The cells of a chunk of rows as the mapping reads them, and for each row the first thing that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.moments import moments
from cxminute.collect.source import Property, Source
from cxminute.collect.values import READERS, Read, arrow_type, holds_nul, plain, type_of
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation

Mask = NDArray[np.bool_]

_SAID: Final = {
    "bad_time": "cannot be read as a time. Allowed: ISO 8601{times}",
    "bad_number": "is not a number",
    "bad_flag": "is neither true nor false",
    "number_too_large": "is beyond 2^53, where a number loses its units",
}


class Cells:
    """Columns of one chunk, each read once; `fault` keeps the first fault of every row."""

    def __init__(self, table: pa.Table, source: Source) -> None:
        self.length: int = table.num_rows
        self.properties: dict[str, pa.Array] = {}
        self._table, self._source = table, source
        self._faults = np.full(self.length, -1, dtype=np.int32)
        self._said: list[tuple[str, str]] = []
        self._times: dict[str, Read] = {}
        self._plain: dict[str, pa.Array] = {}

    @property
    def bad(self) -> Mask:
        """Which rows have a fault."""
        return self._faults >= 0

    def reasons(self, places: NDArray[np.int64]) -> tuple[list[str], list[str]]:
        """Reasons and details of the rows at these places, which all have a fault."""
        said = [self._said[code] for code in self._faults[places]]
        return [reason for reason, _ in said], [detail for _, detail in said]

    def fault(self, reason: str, rows: Mask, detail: str) -> None:
        """Notes a fault for rows that have none yet."""
        fresh = rows & ~self.bad
        if fresh.any():
            self._faults[fresh] = len(self._said)
            self._said.append((reason, detail))

    def column(self, name: str) -> pa.Array:
        """A column as it is in the file, in one piece."""
        if name not in self._plain:
            self._plain[name] = plain(self._table[name])
        return self._plain[name]

    def time(self, name: str, rows: Mask | None = None) -> pa.Array:
        """A column as instants; cells that are none are faults where `rows` says that they count."""
        if name not in self._times:
            self._times[name] = moments(self.column(name), self._source.times, self._source.zone)
        found = self._times[name]
        if rows is not None:
            self._note(found, name, rows)
        return found.values

    def read_properties(self) -> None:
        """Reads every property by its type; a path that has none and holds nothing is left out."""
        everywhere = np.ones(self.length, dtype=np.bool_)
        declared = self._source.paths
        for found in self._source.properties:
            kind = declared[found.path] or type_of(self.column(found.column))
            if kind:
                self.properties[found.path] = self._property(found, kind, everywhere)

    def check_text(self) -> None:
        """Sets rows apart whose texts hold NUL, in any column that the mapping names."""
        for name in self._source.columns:
            array = self.column(name)
            if pa.types.is_string(array.type) and holds_nul(array):
                found = pc.fill_null(pc.match_substring(array, "\0"), False)
                self.fault("nul_character", found.to_numpy(zero_copy_only=False), f"Column '{name}' holds NUL.")

    def for_condition(self, condition: Condition) -> Callable[[str], pa.Array]:
        """Columns for a condition: texts of a file are read as what the condition compares them with."""
        compared = _compared(condition)

        def column(name: str) -> pa.Array:
            array = self.column(name)
            kind = type_of(array) or "text"
            if kind == "text":
                kind = compared.get(name, "text")
            return self._read(name, kind).values

        return column

    def _property(self, found: Property, kind: str, rows: Mask) -> pa.Array:
        read = self._read(found.column, kind)
        self._note(read, found.column, rows)
        return read.values.cast(arrow_type(kind))

    def _read(self, name: str, kind: str) -> Read:
        if kind == "time":
            self.time(name)
            return self._times[name]
        return READERS[kind](self.column(name))

    def _note(self, read: Read, name: str, rows: Mask) -> None:
        for reason, mask in read.faults.items():
            forms = "".join(f" or {form}" for form in self._source.times)
            self.fault(reason, mask & rows, f"Column '{name}' {_SAID[reason].format(times=forms)}.")


def _compared(condition: Condition) -> dict[str, str]:
    """Column -> the one type that the condition compares it with; text where there are several."""
    match condition:
        case Comparison(path=path, values=values):
            kinds = {_kind(value) for value in values}
            return {path: kinds.pop()} if len(kinds) == 1 else {}
        case Negation(part=part):
            return _compared(part)
        case Both(parts=parts) | Either(parts=parts):
            found = [_compared(part) for part in parts]
            merged: dict[str, str] = reduce(or_, found, {})
            return {path: kind for path, kind in merged.items() if {own.get(path, kind) for own in found} == {kind}}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "time" if isinstance(value, datetime) else "text"
