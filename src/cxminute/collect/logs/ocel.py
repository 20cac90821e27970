"""OCEL 2.0: events that name objects of several types, and what is said of the objects themselves.

An object that an event names is an identifier of it, one kind for each type of object (`kinds`). Where an event names
several of one type, the first is the identifier, and `properties.ocel.objects.KIND` lists all; so persons, whose ids
nobody may read in the log, are listed in the vault. What is said of an object at a time is an event of its own,
"Object Changed". What holds from before the first event on is told at the first event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa

from cxminute.collect.compressed import damage_of, nothing_in
from cxminute.collect.logs.kinds import MOST, kinds_of, type_of
from cxminute.collect.logs.told import APART, FINE, Told, encode, instants, rows_of
from cxminute.collect.logs.xes import DESCRIBED
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source
from cxminute.model.errors import BadData
from cxminute.model.times import from_ms

CHANGED: Final = "Object Changed"
"""The event that keeps what is said of an object at a time."""
BEFORE: Final = "1970-01-01T00:00:00Z"
"""The time of what an object is from its beginning, as OCEL writes it."""
LARGEST: Final = 1 << 30
"""Bytes of a document, inflated: it is read whole."""

_WHOLE: Final = ("integer", "int")
_DECIMAL: Final = ("float", "double", "real", "number")
_FLAG: Final = ("boolean", "bool")

Item = Mapping[str, Any]


def read(file: BinaryIO, source: Source, *, name: str, size: int) -> Iterator[Rows]:
    """Chunks of about `size` rows of OCEL as JSON. raises: BadData where it is none, or not whole."""
    whole = file.read(LARGEST + 1)
    if len(whole) > LARGEST:
        raise BadData("The document is larger than 1 GiB.", file=name, allowed="OCEL as SQLite, or smaller parts")
    if not whole.strip() or damage_of(file):
        raise nothing_in(file, name, "OCEL 2.0 as JSON or SQLite")
    try:
        document = msgspec.json.decode(whole.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        what = f"The document is not JSON ({fault})."
        raise BadData(what, file=name, then="Nothing of it was collected: copy the file again.") from None
    yield from rows(document, source, name=name, size=size)


def rows(document: Any, source: Source, *, name: str, size: int) -> Iterator[Rows]:
    """Chunks of about `size` rows of a document as OCEL's JSON has it; the last has also what the log says of itself.

    raises: BadData where it is no OCEL 2.0, or holds no event
    """
    events, objects = (_list(document, key, name) for key in ("events", "objects"))
    if not events:
        raise BadData("The log holds no event.", file=name, then="Nothing was collected.")
    log = _Log(document, objects, source, name)
    log.begins(_text(item.get("time")) for item in events if isinstance(item, dict))
    first = 0
    for position in range(len(events) + len(objects)):
        if position < len(events):
            log.event(events[position], position)
        else:
            log.object(objects[position - len(events)], position)
        if len(log.told) >= size:
            yield rows_of(log.told, source, first, position + 1 - first)
            log.told, first = Told(), position + 1
    log.describe(document, len(events) + len(objects))
    yield rows_of(log.told, source, first, len(events) + len(objects) - first)


class _Log:
    """Events and objects of a document as they are told."""

    def __init__(self, document: Item, objects: Sequence[Any], source: Source, name: str) -> None:
        self.told = Told()
        self._source = source
        self._first: int | None = None
        typed = [item for item in objects if isinstance(item, dict) and (_text(item.get("type")) or "").strip()]
        self._types = {_text(item.get("id")): str(item["type"]) for item in typed}
        declared = [_text(found.get("name")) for found in _dicts(document.get("objectTypes"))]
        names = [found for found in (*declared, *self._types.values()) if found and found.strip()]
        self._kinds = kinds_of(names)
        if len(self._kinds) > MOST:
            raise BadData(f"The log has {len(self._kinds):,} types of objects.", file=name, allowed=f"at most {MOST}")
        self._of_events, self._of_objects = (_declared(document.get(key)) for key in ("eventTypes", "objectTypes"))
        self._named: set[str] = set()

    def begins(self, times: Iterator[str | None]) -> None:
        """Learns when the first event of the log was."""
        found = [at for at in self._parsed(list(times)) if at is not None]
        self._first = min(found, default=None)

    def event(self, item: Any, position: int) -> None:
        """One event, or what is wrong with it."""
        fault = self._fault(item, ("id",))
        if fault:
            self._refuse(item, position, *fault)
            return
        related = list(_dicts(item.get("relationships")))
        key, name, time = str(item["id"]), _text(item.get("type")), _text(item.get("time"))
        properties, ocel = _attributes(item, self._of_events.get(name or "", {}))
        ocel = {"id": key, **ocel}
        if name is not None and name != name.strip():
            ocel["name"] = name
        if time is not None and FINE.search(time):
            ocel["time"] = time
        firsts = self._related(related, ocel, among=True)
        self._tell(f"event{APART}{key}", name, time, {**properties, "ocel": ocel}, position)
        for kind, value in firsts.items():
            self.told.identify(kind, value)

    def object(self, item: Any, position: int) -> None:
        """What is said of one object, time by time; nothing where events name it and nothing else is said."""
        fault = self._fault(item, ("id", "type"))
        if fault:
            self._refuse(item, position, *fault)
            return
        key, name = str(item["id"]), str(item["type"])
        by_time: dict[str, list[Item]] = {}
        for attribute in _dicts(item.get("attributes")):
            by_time.setdefault(_text(attribute.get("time")) or BEFORE, []).append(attribute)
        related = list(_dicts(item.get("relationships")))
        if not by_time and not related and key in self._named:
            return
        by_time = by_time or {BEFORE: []}
        parsed = self._parsed(list(by_time))
        for (time, attributes), at in zip(by_time.items(), parsed, strict=True):
            properties, ocel = _attributes({"attributes": attributes}, self._of_objects.get(name, {}))
            ocel = {"type": name, **ocel}
            shown = time
            if at is not None and self._first is not None and at < self._first:
                shown = from_ms(self._first).isoformat(timespec="milliseconds")
                ocel["time"] = time
            elif FINE.search(time):
                ocel["time"] = time
            if related:
                self._related(related, ocel, among=False)
                related = []
            kind = self._kinds[name]
            if key != key.strip():
                ocel.setdefault("objects", {})[kind] = [key]
            record = APART.join(("object", name, key, time))
            self._tell(record, CHANGED, shown, {**properties, "ocel": ocel}, position, "group")
            self.told.identify(kind, key)

    def describe(self, document: Item, position: int) -> None:
        """Adds the event that keeps which types there are, with their attributes: also those that nothing has."""
        if self._first is None:
            return
        log = {key: document.get(key) or [] for key in ("eventTypes", "objectTypes")}
        at = from_ms(self._first).isoformat(timespec="milliseconds")
        self._tell(f"log{APART}{encode(log).decode()}", DESCRIBED, at, {"ocel": {"log": log}}, position, "group")

    def _tell(
        self, record: str, name: str | None, time: str | None, properties: Item, position: int, kind: str | None = None
    ) -> None:
        told = self.told
        told.records.append(record)
        told.kinds.append(kind)
        told.names.append(name)
        told.times.append(time)
        told.rests.append(encode({"properties": properties}).decode())
        told.positions.append(position)

    def _related(self, related: Sequence[Item], ocel: dict[str, Any], *, among: bool) -> dict[str, str]:
        """Notes the objects named; of each kind the first, which is the event's identifier.

        among: whether what the first says is left out, since the identifier says it
        """
        ids: dict[str, list[str]] = {}
        roles: dict[str, list[str]] = {}
        types: dict[str, str] = {}
        for relation in related:
            key = str(relation.get("objectId"))
            name = self._types[key]
            kind = self._kinds[name]
            ids.setdefault(kind, []).append(key)
            roles.setdefault(name, []).append(_text(relation.get("qualifier")) or "")
            if type_of(kind) != name:
                types[kind] = name
            if among:
                self._named.add(key)
        listed = {
            kind: found for kind, found in ids.items() if not among or len(found) > 1 or found[0].strip() != found[0]
        }
        notes = {
            "objects": listed,
            "qualifiers": {name: found for name, found in roles.items() if any(found)},
            "types": types,
        }
        ocel.update({name: found for name, found in notes.items() if found})
        return {kind: found[0] for kind, found in ids.items()}

    def _fault(self, item: Any, needed: Sequence[str]) -> tuple[str, str] | None:
        if not isinstance(item, dict):
            return "bad_shape", "It is no object in { }."
        for key in needed:
            if not (_text(item.get(key)) or "").strip():
                return ("no_key" if key == "id" else "bad_shape"), f"It has no {key}."
        for key in ("attributes", "relationships"):
            held = item.get(key) or []
            if not isinstance(held, list) or any(not isinstance(inner, dict) for inner in held):
                return "bad_shape", f"'{key}' is a list of objects in {{ }}."
        if any(not _text(inner.get("name")) for inner in item.get("attributes") or ()):
            return "bad_shape", "An attribute has no name."
        targets = [_text(inner.get("objectId")) for inner in item.get("relationships") or ()]
        if any(target not in self._types for target in targets):
            return "bad_shape", "It names an object that is not among the objects of the log."
        return None

    def _refuse(self, item: Any, position: int, reason: str, detail: str) -> None:
        self.told.refused.append((position, reason, detail, encode(item).decode()))

    def _parsed(self, times: Sequence[str | None]) -> list[int | None]:
        found: list[int | None] = instants(times, self._source).values.cast(pa.int64()).to_pylist()
        return found


def named(name: str) -> str:
    """The property that an attribute is: its name, with '=' before one that is ours or begins so."""
    return f"={name}" if name in {"ocel", ""} or name.startswith("=") else name


def _attributes(item: Item, types: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(properties, the note `as`: which of them were written as text though their type is none)."""
    properties: dict[str, Any] = {}
    written: dict[str, str] = {}
    for attribute in item.get("attributes") or ():
        name, value = str(attribute.get("name")), attribute.get("value")
        if value is None:
            continue
        key = named(name)
        found = _read(value, types.get(name, "")) if isinstance(value, str) else value
        properties[key] = found
        if found is not value:
            written[key] = value if as_text(found) != value else ""
        elif key in written:
            del written[key]
    return properties, {"as": written} if written else {}


def as_text(value: object) -> str:
    """A number or a flag as text, as most write it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _read(value: str, kind: str) -> Any:
    """A text as its declared type has it; the text itself where it is none."""
    kind = kind.lower()
    try:
        if kind in _WHOLE:
            number = int(value)
            return number if abs(number) < 1 << 63 else value
        if kind in _DECIMAL:
            measure = float(value)
            return measure if abs(measure) < float("inf") else value
    except ValueError:
        return value
    if kind in _FLAG and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value


def _declared(types: object) -> dict[str, dict[str, str]]:
    return {
        str(found.get("name")): {str(a.get("name")): str(a.get("type")) for a in _dicts(found.get("attributes"))}
        for found in _dicts(types)
    }


def _list(document: Any, key: str, name: str) -> list[Any]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        what = f"This is no OCEL 2.0: it has no list '{key}'."
        raise BadData(
            what, file=name, allowed="eventTypes, objectTypes, events, objects", then="Nothing was collected."
        )
    return found


def _dicts(found: object) -> Iterator[Item]:
    return (item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
