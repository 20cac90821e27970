"""Mending rows that were set apart: a field is taken from another place of the same row, or set to one text.

What is said on a command line: `userId=properties.customer`, `event='Order Completed'`. Nothing else is done to a row,
and a row that has nothing at the place, or an empty text, is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cxminute.model.errors import WrongUse, nearest

_DECODER = msgspec.json.Decoder()
_QUOTES = ("'", '"')
_LOOKED_AT = 100  # rows, for the nearest right path


@dataclass(frozen=True, slots=True)
class Filling:
    """One field, and where its value comes from: a path of the row, or a text ('' path)."""

    field: str
    path: str
    text: str = ""


def parse_filling(said: str) -> Filling:
    """What `FIELD=PATH` or `FIELD='text'` says; WrongUse where it says neither."""
    name, equals, value = (part.strip() for part in said.partition("="))
    if not name or not equals or not value:
        raise WrongUse(f"'{said}' does not say what a field is taken from.", allowed="FIELD=PATH, or FIELD='text'")
    if value[0] in _QUOTES:
        if len(value) < 2 or value[-1] != value[0]:
            raise WrongUse(f"The quote in '{said}' is not closed.", allowed="FIELD='text'")
        return Filling(name, "", value[1:-1])
    return Filling(name, value)


def check_found(rows: Sequence[str], fillings: Sequence[Filling], *, nested: bool) -> None:
    """Refuses a filling whose path no row has anything at: it is mistyped, and would change nothing.

    raises: WrongUse, with the nearest path that a row has
    """
    for filling in fillings:
        if filling.path and not any(_value(_object(row), filling, nested=nested) is not None for row in rows):
            near = nearest(filling.path, {path for row in rows[:_LOOKED_AT] for path in _paths(row, nested=nested)})
            raise WrongUse(
                f"No row has anything at '{filling.path}'" + (f"; did you mean '{near}'?" if near else "."),
                allowed="a path that `cxm quarantine show` shows",
                then="Nothing was changed.",
            )


def mended(row: str, fillings: Sequence[Filling], *, nested: bool) -> str:
    """The row with its fields filled; as it was where it is no JSON object, or has nothing to fill them from.

    nested: dots lead into objects, as in NDJSON; else a name is a column, dots and all
    """
    found = _object(row)
    changed = False
    for filling in fillings:
        value = _value(found, filling, nested=nested)
        if found is not None and value is not None:
            _put(found, filling.field, value, nested=nested)
            changed = True
    return msgspec.json.encode(found).decode() if changed else row


def _object(row: str) -> dict[str, Any] | None:
    """What a row holds; None where it is no JSON object."""
    try:
        found = _DECODER.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _value(row: dict[str, Any] | None, filling: Filling, *, nested: bool) -> Any:
    """What a field is filled with; None where the row has nothing, or an empty text, at the path."""
    if row is None:
        return None
    if not filling.path:
        return filling.text
    value = _at(row, filling.path, nested=nested)
    return None if value == "" else value


def _paths(row: str, *, nested: bool) -> set[str]:
    """The paths that a row has a value at."""
    paths: set[str] = set()
    inside = [("", _object(row) or {})]
    while inside:
        before, outer = inside.pop()
        for key, value in outer.items():
            if nested and isinstance(value, dict):
                inside.append((f"{before}{key}.", value))
            elif value not in (None, ""):
                paths.add(f"{before}{key}")
    return paths


def _at(row: dict[str, Any], path: str, *, nested: bool) -> Any:
    if path in row or not nested:
        return row.get(path)
    head, _, tail = path.partition(".")
    inner = row.get(head)
    return _at(inner, tail, nested=True) if tail and isinstance(inner, dict) else None


def _put(row: dict[str, Any], path: str, value: Any, *, nested: bool) -> None:
    """Sets a field; what lies on the way to it and is no object gives way to one."""
    if path in row or not nested or "." not in path:
        row[path] = value
        return
    head, _, tail = path.partition(".")
    if not isinstance(row.get(head), dict):
        row[head] = {}
    _put(row[head], tail, value, nested=True)
