"""Attributes of XES as properties of events, so that they come out as they went in.

A plain attribute is a property: text, number or flag. Where that does not tell its type (`date`, `id`, a whole number
beyond 64 bits), a note beside it does: `types` of `properties.xes`. An attribute that holds others, a list or a
container is an object {type, value, within} or {type, value, values} under its own name, so that what is personal by
its name stays so.

Names: `org:resource` is `resource`, `lifecycle:transition` is `lifecycle`, all others stay. What would take a name that
is ours (`resource`, `lifecycle`, `case`, `xes`, or one that begins with '=') has '=' before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

Tree = Sequence[Any]
"""An attribute: type, key, value as written, and those within it (None: none). A list's are its values, in order."""

SIMPLE: Final = ("string", "date", "int", "float", "boolean", "id")
HOLDING: Final = ("list", "container")
OURS: Final = MappingProxyType({"org:resource": "resource", "lifecycle:transition": "lifecycle"})
THEIRS: Final = MappingProxyType({name: key for key, name in OURS.items()})
DEEPEST: Final = 9
"""Attributes within attributes: deeper ones are refused, since a database takes seconds for them."""
NESTED: Final = "nested"

_RESERVED: Final = frozenset(("resource", "lifecycle", "case", "xes", ""))
_LARGEST: Final = 1 << 63


@lru_cache(maxsize=4_096)
def named(key: str) -> str:
    """The property that an attribute is."""
    return OURS.get(key) or (f"={key}" if key in _RESERVED or key.startswith("=") else key)


def key_of(name: str) -> str:
    """The attribute that a property is: the other way round."""
    return THEIRS.get(name) or name.removeprefix("=")


def taken_in(attributes: Iterable[Tree]) -> tuple[dict[str, Any], dict[str, str]]:
    """(properties, types of those whose value does not tell it). Of two with one key, the last counts.

    raises: RecursionError where attributes lie too deep within one another
    """
    properties: dict[str, Any] = {}
    types: dict[str, str] = {}
    for kind, key, value, within in attributes:
        name = named(key)
        if within or kind in HOLDING:
            properties[name] = _nested(kind, value, within or (), 1)
            types[name] = NESTED
            continue
        if kind == "string":
            properties[name] = value
        else:
            found = _read(kind, value)
            properties[name] = found
            if type(found) is str:
                types[name] = kind
                continue
        if types:
            types.pop(name, None)
    return properties, types


def given_out(properties: Mapping[str, Any], types: Mapping[str, str]) -> list[Tree]:
    """The attributes that properties are: what `taken_in` read."""
    made: list[Tree] = []
    for name, value in properties.items():
        kind = types.get(name, "")
        key = key_of(name)
        if kind == NESTED and isinstance(value, dict):
            made.append(_tree(key, value))
        else:
            made.append(plain(key, value, kind))
    return made


def plain(key: str, value: object, kind: str = "") -> Tree:
    """An attribute of any value that JSON has; `kind` where it is known already."""
    if isinstance(value, bool):
        return kind or "boolean", key, "true" if value else "false", ()
    if isinstance(value, int):
        return kind or "int", key, str(value), ()
    if isinstance(value, float):
        return kind or "float", key, repr(value), ()
    if isinstance(value, dict):
        return "container", key, "", [plain(name, inner) for name, inner in value.items() if inner is not None]
    if isinstance(value, list | tuple):
        return "list", key, "", [plain(key, inner) for inner in value if inner is not None]
    return kind or "string", key, str(value), ()


def _read(kind: str, value: str) -> str | int | float | bool:
    """The value as what it is; the text as it stands where it cannot be, or where JSON would change it."""
    if kind == "int":
        try:
            number = int(value)
        except ValueError:
            return value
        return number if -_LARGEST <= number < _LARGEST and str(number) == value else value
    if kind == "float":
        try:
            measure = float(value)
        except ValueError:
            return value
        return measure if math.isfinite(measure) and "_" not in value else value
    if kind == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _nested(kind: str, value: str, within: Sequence[Tree], depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise RecursionError
    made: dict[str, Any] = {"type": kind}
    if value:
        made["value"] = value
    if kind == "list":
        made["values"] = [{key: _nested(kind, text, inner or (), depth + 1)} for kind, key, text, inner in within]
    elif within:
        made["within"] = {key: _nested(kind, text, inner or (), depth + 1) for kind, key, text, inner in within}
    return made


def _tree(key: str, found: Mapping[str, Any]) -> Tree:
    pairs = [pair for item in found.get("values", ()) for pair in (item or {}).items()]
    pairs += found.get("within", {}).items()
    within = [_tree(name, inner) for name, inner in pairs if isinstance(inner, dict)]
    return str(found.get("type", "string")), key, str(found.get("value", "")), within
