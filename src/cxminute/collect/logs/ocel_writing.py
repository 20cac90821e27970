"""OCEL 2.0 written as JSON, one event and object after another; and what its types are, from what was told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Final

import msgspec

from cxminute.collect.logs.ocel import as_text

_encode: Final = msgspec.json.Encoder().encode


class Types:
    """Types of events or of objects, and the attributes that each has."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, str]] = {}
        self._declared: dict[str, set[str]] = {}

    def declare(self, types: Iterable[Mapping[str, Any]]) -> None:
        """As a log says of itself; what it says of an attribute holds."""
        for found in types:
            name = str(found.get("name"))
            attributes = self._found.setdefault(name, {})
            for attribute in found.get("attributes") or ():
                attributes[str(attribute.get("name"))] = str(attribute.get("type"))
                self._declared.setdefault(name, set()).add(str(attribute.get("name")))

    def learn(self, name: str, attributes: Iterable[tuple[str, Any, str]] = ()) -> None:
        """One event or object of a type; attributes: name, value, type where it is known ('')."""
        known = self._found.setdefault(name, {})
        declared = self._declared.get(name, ())
        for key, value, kind in attributes:
            if key in declared:
                continue
            found = kind or _kind(value)
            before = known.get(key)
            if before != found:
                known[key] = found if before is None else _both(before, found)

    def table(self) -> list[dict[str, Any]]:
        """As OCEL has them."""
        return [
            {"name": name, "attributes": [{"name": key, "type": kind} for key, kind in attributes.items()]}
            for name, attributes in sorted(self._found.items())
        ]


def write(
    out: BinaryIO, types: tuple[Types, Types], events: Iterable[Mapping[str, Any]], objects: Iterable[Mapping[str, Any]]
) -> None:
    """One document. types: of events and of objects; both come one at a time."""
    out.write(b'{"objectTypes":' + _encode(types[1].table()) + b',\n"eventTypes":' + _encode(types[0].table()))
    for name, items in ((b"objects", objects), (b"events", events)):
        out.write(b',\n"' + name + b'":[')
        before = b"\n"
        for item in items:
            out.write(before + _encode(item))
            before = b",\n"
        out.write(b"]")
    out.write(b"}\n")


def value_of(value: Any, note: Mapping[str, str], name: str) -> Any:
    """A value as it was written: a number that came as text is text again."""
    if name not in note:
        return value
    return note[name] or as_text(value)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "float" if isinstance(value, float) else "string"


def _both(one: str, other: str) -> str:
    """The type that values of both have."""
    return "float" if {one, other} == {"integer", "float"} else "string"
