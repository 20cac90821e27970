"""Columns of items, typed by what is declared and by their own values: never by what came along with them.

The same event gives the same row, whatever else its stretch of the inbox held: values of a declared type are read
value by value, and a path that nobody declared is a column only where all its values in the stretch are of one type.
Where they are not, they stay in the leftovers, from which the log takes each under its own type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from unicodedata import normalize

import msgspec
import pyarrow as pa

from cxminute.collect.calls.essentials import Object
from cxminute.collect.source import EPOCHS, Source
from cxminute.collect.values import LARGEST, as_text

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, object]).decode
_NUMBERS: Final = frozenset({int, float})
_SURE: Final = frozenset({float, bool})


class PathColumns:
    """The values of the paths that a source's mapping and the project's definitions name, item by item."""

    def __init__(self, source: Source, known: frozenset[str]) -> None:
        """known: columns that are made elsewhere."""
        self._ids = {column for columns in source.identifiers.values() for column in columns}
        declared = {found.column: found.type for found in source.properties}
        self._types = {column: declared.get(column) for column in source.columns if column not in known}
        self._epochs = any(form in EPOCHS for form in source.times)
        self._cells: dict[str, list[object]] = {column: [] for column in self._types}
        self._flat: list[tuple[str, list[tuple[str, bool, list[object]]]]] = []
        self._deep: list[tuple[str, bool, list[object]]] = []
        flat: dict[str, list[tuple[str, bool, list[object]]]] = {}
        for column, cells in self._cells.items():
            head, _, tail = column.partition(".")
            free = self._is_free(column)
            if tail and "." not in tail:
                flat.setdefault(head, []).append((tail, free, cells))
            else:
                self._deep.append((column, free, cells))
        self._flat = list(flat.items())

    def _is_free(self, column: str) -> bool:
        """Whether a column takes its type from its values."""
        return self._types[column] is None and column not in self._ids

    def take(self, item: Object) -> None:
        """Takes the values out of an item; objects left empty go with them."""
        for head, tails in self._flat:
            inner = item.get(head)
            if not isinstance(inner, dict):
                for _, _, cells in tails:
                    cells.append(None)
                continue
            for tail, free, cells in tails:
                value = inner.get(tail)
                if value is None or (free and type(value) not in _SURE and not _is_scalar(value)):
                    cells.append(None)
                else:
                    cells.append(inner.pop(tail))
            if not inner:
                del item[head]
        for column, free, cells in self._deep:
            cells.append(_taken(item, column, free=free))

    def arrays(self) -> tuple[dict[str, pa.Array], list[str]]:
        """The columns, and the paths whose values are of several types: those columns are empty."""
        made, unlike = {}, []
        for column, cells in self._cells.items():
            kind = self._types[column]
            if self._is_free(column):
                made[column] = _free(cells)
                if made[column] is None:
                    unlike.append(column)
                    made[column] = pa.nulls(len(cells))
            elif column in self._ids and kind in (None, "text"):
                made[column] = pa.array([_identifying(value) for value in cells], pa.string())
            else:
                made[column] = _declared(cells, kind or "text", epochs=self._epochs)
        return made, unlike

    def returned(self, rest: Sequence[str], unlike: Sequence[str]) -> list[str]:
        """Leftovers with the values of these paths put back."""
        made = list(rest)
        for row, text in enumerate(rest):
            missing = [(path, self._cells[path][row]) for path in unlike if self._cells[path][row] is not None]
            if missing:
                found = _decode(text)
                for path, value in missing:
                    _put(found, path, value)
                made[row] = _encode(found).decode()
        return made


def _is_scalar(value: object) -> bool:
    """Whether a value can stand in a column that nobody declared: text, a flag, a number that keeps its units."""
    if isinstance(value, int) and not isinstance(value, bool):
        return -LARGEST <= value <= LARGEST
    return value != "" and not isinstance(value, dict | list)  # an empty text would be an empty cell


def _free(cells: list[object]) -> pa.Array | None:
    """A column of one type; None where the values are of several."""
    kinds = {type(value) for value in cells if value is not None}
    if not kinds:
        return pa.nulls(len(cells))
    if kinds <= _NUMBERS:
        return pa.array(cells, pa.float64())
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    return pa.array(cells, pa.string()) if kinds == {str} else None


def _declared(cells: list[object], kind: str, *, epochs: bool) -> pa.Array:
    kinds = {type(value) for value in cells if value is not None}
    if kind == "number" and kinds <= _NUMBERS and all(value is None or _is_scalar(value) for value in cells):
        return pa.array(cells, pa.float64())
    if kind == "flag" and kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds <= {str}:
        return pa.array(cells, pa.string())
    bare = kind == "time" and not epochs  # 20150101 as a number is no time, though its digits could be one
    return pa.array([_text(value, mark="number " if bare else "") for value in cells], pa.string())


def _text(value: object, *, mark: str = "") -> str | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return mark + as_text(value) if is_number else as_text(value)


def _identifying(value: object) -> str | None:
    text = _text(value)
    return text if text is None or text.isascii() else normalize("NFC", text)


def _taken(row: Object, path: str, *, free: bool) -> object:
    head, _, tail = path.partition(".")
    if not tail:
        value = row.get(path)
        return None if free and not _is_scalar(value) else row.pop(path, None)
    inner = row.get(head)
    if not isinstance(inner, dict):
        return None
    found = _taken(inner, tail, free=free)
    if not inner:
        del row[head]
    return found


def _put(row: Object, path: str, value: object) -> None:
    head, _, tail = path.partition(".")
    if not tail:
        row[path] = value
        return
    inner = row.setdefault(head, {})
    if isinstance(inner, dict):
        _put(inner, tail, value)
