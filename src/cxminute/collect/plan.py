"""A tracking plan (plans/*.toml): which events a source may send, with which properties. `planned` judges by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cxminute.collect.source import ROOTS, TYPES, Source
from cxminute.collect.values import LARGEST
from cxminute.model.definitions import Document
from cxminute.model.errors import nearest

CHOICES: Final = ("accept", "flag", "quarantine")
"""What may become of an event that the plan does not name, or that breaks it."""

PLANNED_TYPES: Final = (*TYPES, "object", "list", "any")
"""What a planned property may be: the types of the project, and what only JSON has."""

FAULT: Final = "context.plan.fault"
"""Where a flagged event says how it breaks its plan."""
RENAMED: Final = "context.plan.renamed_from"
"""Where a renamed event keeps the name that it came under."""

Value = str | float | bool


@dataclass(frozen=True, slots=True)
class Term:
    """One planned property: its path, its type, and the only values that it may have (none: any of the type)."""

    path: str
    type: str
    one_of: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """The path as people write it: `properties.` goes without saying."""
        return self.path.removeprefix("properties.")


@dataclass(frozen=True, slots=True)
class Expected:
    """One planned event.

    terms:    its properties by path
    required: paths that every such event has
    aliases:  its former names: events that still come under one are taken as this one
    """

    name: str
    terms: Mapping[str, Term]
    required: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Whether a path is planned, lies in a planned object, or holds a planned path."""
        if path in self.terms or any(outer in self.terms for outer in outer_paths(path)):
            return True
        return any(planned.startswith(f"{path}.") for planned in self.terms)


@dataclass(frozen=True, slots=True)
class Plan:
    """The tracking plan of one source.

    unknown: what becomes of events, and of events with properties, that the plan does not name; one of CHOICES
    faults:  what becomes of events that it names and that break it; one of CHOICES
    events:  by name
    """

    source: str
    unknown: str
    faults: str
    events: Mapping[str, Expected]

    @property
    def names(self) -> dict[str, Expected]:
        """The event that each name stands for, former names among them."""
        return {name: found for found in self.events.values() for name in (*found.aliases, found.name)}


def parse_plan(doc: Document, sources: Collection[str]) -> Plan | None:
    """The plan that a file states; None where it has faults, which are all in `doc.faults`.

    sources: the names of all sources
    """
    before = len(doc.faults)
    source = doc.text("source")
    if source and source not in sources:
        doc.unknown("source", source, sources, key="source")
    unknown = doc.text("unknown", "accept", allowed=CHOICES)
    faults = doc.text("faults", "flag", allowed=CHOICES)
    table = doc.section("events")
    events = {name: _expected(name, table.section(name)) for name in table.keys if _is_named(table, name)}
    _check_aliases(table, events)
    doc.done()
    if len(doc.faults) > before:
        return None
    return Plan(source, unknown, faults, MappingProxyType(events))


def path_in_plan(name: str) -> str:
    """The path that a property's name in a plan means, as in a source: a bare name is one of `properties`."""
    return name if name.startswith(ROOTS) else f"properties.{name}"


def sent_paths(source: Source, columns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(path as it was sent, column of the events that has it now): a plan speaks of what senders send.

    A source whose rows are JSON may take an order's id from `properties.order_id`: then it lies in
    `identifiers.order_id`. Columns of which the plan cannot speak (`identifiers.user_id` of `userId`) are left out.
    """
    moved = {found.path: found.column for found in source.properties if found.column.startswith(ROOTS)}
    for column in columns:
        root, _, name = column.partition(".")
        if root == "identifiers":
            yield from ((path, column) for path in source.identifiers.get(name, ()) if path.startswith(ROOTS))
        elif name:
            yield moved.get(column, column), column


def _is_named(table: Document, name: str) -> bool:
    if not name.strip():
        table.fault("An event without a name.", key=name, allowed='[events."Order Completed"]')
    return bool(name.strip())


def _expected(name: str, doc: Document) -> Expected:
    inner = doc.section("properties")
    terms = {path_in_plan(key): _term(inner, key) for key in inner.keys if _has_a_name(inner, key)}
    for path, term in terms.items():
        for outer in outer_paths(path):
            if outer in terms and terms[outer].type not in {"object", "any"}:
                said = f"'{term.name}' lies in '{terms[outer].name}', which is planned as {terms[outer].type}."
                inner.fault(said, key=term.name, allowed=f'"{terms[outer].name}" = "object"')
    required = []
    for key in doc.texts("required", ()):
        if path_in_plan(key) in terms:
            required.append(path_in_plan(key))
        else:
            doc.unknown("property", key, [term.name for term in terms.values()], key="required")
    aliases = doc.texts("aliases", ())
    doc.done()
    return Expected(name, MappingProxyType(terms), tuple(dict.fromkeys(required)), aliases)


def _has_a_name(doc: Document, key: str) -> bool:
    named = bool(key.strip())
    if not named:
        doc.fault(f"'{key}' cannot name a property.", key=key, allowed='a name, such as total or "traits.plan"')
        doc.raw(key)
    return named


def outer_paths(path: str) -> Iterator[str]:
    """What a path lies in, from the outermost property on: `properties.address` of `properties.address.city`."""
    ends = [place for place, letter in enumerate(path) if letter == "."]
    yield from (path[:end] for end in ends[1:])


def _term(doc: Document, key: str) -> Term:
    written = doc.raw(key)
    path = path_in_plan(key)
    if isinstance(written, str):
        return Term(path, _type(doc, key, written))
    if not isinstance(written, dict) or not isinstance(written.get("type"), str):
        doc.fault(
            f"'{key}' has no type.", key=key, allowed=f'"TYPE" or {{ type = "TYPE" }}: {", ".join(PLANNED_TYPES)}'
        )
        return Term(path, "any")
    for found in written:
        if found not in ("type", "one_of"):
            near = nearest(found, ("type", "one_of"))
            doc.fault(f"Unknown key '{found}' in '{key}'.", key=key, allowed="one_of, type", near=near)
    kind = _type(doc, key, written["type"])
    return Term(path, kind, _one_of(doc, key, kind, written["one_of"]) if "one_of" in written else ())


def _type(doc: Document, key: str, kind: str) -> str:
    if kind not in PLANNED_TYPES:
        doc.unknown("type", kind, PLANNED_TYPES, key=key)
        return "any"
    return kind


def _one_of(doc: Document, key: str, kind: str, written: object) -> tuple[Value, ...]:
    allowed = {"text": (str,), "number": (int, float), "flag": (bool,)}.get(kind, ())
    values = written if isinstance(written, list) else []
    if not allowed:
        doc.fault(f"'{key}' is {kind}, of which no list of values is kept.", key=key, allowed="text, number or flag")
    elif not values or not all(isinstance(value, allowed) for value in values):
        doc.fault(f"one_of of '{key}' is no list of {kind} values.", key=key, allowed=f"one {kind} or more in [ ]")
    elif kind == "number" and any(isinstance(value, bool) for value in values):
        doc.fault(f"one_of of '{key}' holds true or false among numbers.", key=key, allowed="numbers")
    elif kind == "number" and not all(-LARGEST <= value <= LARGEST for value in values):
        doc.fault(f"one_of of '{key}' holds a number beyond 2^53.", key=key, allowed="text, which keeps every digit")
    else:
        return tuple(dict.fromkeys(values))
    return ()


def _check_aliases(table: Document, events: Mapping[str, Expected]) -> None:
    """Notes a former name that two events claim, or that is an event's name still: it could mean either."""
    taken: dict[str, str] = {}
    for name, found in events.items():
        place = table.section(name)
        for alias in found.aliases:
            if not alias.strip():
                place.fault("A former name is empty.", key="aliases", allowed='aliases = ["order_completed"]')
            elif alias in events:
                said = f"'{alias}' is an event of the plan, and no former name of '{name}' beside."
                place.fault(said, key="aliases", allowed=f'one of the two: [events."{alias}"], or the alias')
            elif alias in taken:
                said = f"'{alias}' is a former name of '{taken[alias]}' already."
                place.fault(said, key="aliases", allowed="each former name once")
            taken.setdefault(alias, name)
