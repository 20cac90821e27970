"""Our events as OCEL 2.0: every kind of subject is a type of object, and so is every promise of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cxminute.app.leaving import Leaving, flat, properties_of
from cxminute.collect.logs.attributes import key_of
from cxminute.collect.logs.kinds import type_of
from cxminute.collect.logs.ocel import BEFORE
from cxminute.collect.logs.ocel_writing import Types, value_of, write
from cxminute.collect.logs.told import encode
from cxminute.model.times import from_ms, to_ms
from cxminute.store.formats import ocel
from cxminute.store.vault import PERSON_KINDS
from cxminute.store.whole import Whole

PROMISE: Final = "promise"

Attribute = tuple[str, Any, str]
"""Name, value, type of OCEL ('' for what the value says itself)."""
Object = tuple[str, str]
"""Kind and name of an object as the log knows it."""


@dataclass(slots=True)
class _Thing:
    """What is said of an object: (name, value, time), and the objects that it names: (object, qualifier)."""

    attributes: list[tuple[str, Any, str]] = field(default_factory=list)
    related: list[tuple[Object, str]] = field(default_factory=list)

    @property
    def typed(self) -> list[Attribute]:
        """The attributes as types are learnt from them."""
        return [(name, value, "") for name, value, _ in self.attributes]


class _Log:
    """Objects and types, gathered in a first pass over the events; the second writes them."""

    def __init__(self, out: Leaving) -> None:
        self.out = out
        self.of_events, self.of_objects = Types(), Types()
        self.things: dict[Object, _Thing] = {}
        self.names: dict[str, dict[int, str]] = {}
        self.types: dict[str, str] = {}
        self.moments: dict[tuple[str, int, int], list[tuple[frozenset[str], Object, str]]] = {}
        self.apart: set[str] = set()
        self.events = 0
        self._sources: set[str] = set()
        self._numbers: dict[str, set[int]] = {}
        self._listed: set[Object] = set()
        self._shared: set[str] = set()

    def gather(self) -> None:
        """The first pass: which objects and types there are, and what is said of objects."""
        for found in self.out.described():
            log = self._notes(found).get("log")
            if isinstance(log, dict):
                self.of_events.declare(log.get("eventTypes") or ())
                self.of_objects.declare(log.get("objectTypes") or ())
        cases = self._read_events()
        changes = [found for found in self.out.changed() if self.out.is_record(found)]
        self._name(changes)
        for found in changes:
            self._changed(found)
        for number, found in cases.items():
            self._case(self.names["case_id"][number], found)
        self._promises()
        for (kind, _), thing in self.things.items():
            self.of_objects.learn(self.type(kind), [] if kind == "case_id" and cases else thing.typed)
        self._settle_ids()

    def _read_events(self) -> dict[int, Whole]:
        """Counts events, learns their types, and notes the objects that they name; the first event of each XES case."""
        cases: dict[int, Whole] = {}
        ids: set[str] = set()
        for found in self._happened():
            self.events += 1
            self._sources.add(found.source)
            self.of_events.learn(self._type(found), self._attributes(found))
            for kind, number in found.numbers.items():
                self._numbers.setdefault(kind, set()).add(number)
            form, notes = self.out.form_of(found), self._notes(found)
            if form == "xes" and "case_id" in found.numbers:
                cases.setdefault(found.numbers["case_id"], found)
            if form != "ocel":
                continue
            self.types.update(notes.get("types") or {})
            self._listed.update((kind, name) for kind, names in self._also(found).items() for name in names)
            key = str(notes.get("id"))
            if key in ids:
                self.apart.add(key)
            ids.add(key)
        return cases

    def _name(self, changes: Sequence[Whole]) -> None:
        """Names all objects: those that events name, and without a span also those of which nothing happened."""
        whole = self.out.span.since is None and self.out.span.until is None
        for found in changes:
            notes = self._notes(found)
            self.types.update(notes.get("types") or {})
            own = notes.get("type")
            for kind, number in found.numbers.items():
                if whole or number in self._numbers.get(kind, ()):
                    self._numbers.setdefault(kind, set()).add(number)
                if own and own != type_of(kind) and kind not in PERSON_KINDS:
                    self.types[kind] = own
        named = {kind: numbers for kind, numbers in self._numbers.items() if kind not in PERSON_KINDS}
        self.names = {kind: self.out.names(kind, sorted(numbers)) for kind, numbers in named.items()}
        for kind, names in self.names.items():
            self.things.update({(kind, name): _Thing() for name in names.values()})
        for one in sorted(self._listed):
            self.things.setdefault(one, _Thing())

    def _case(self, name: str, found: Whole) -> None:
        """What an XES log says of a case holds from the beginning."""
        notes = self.out.notes(found, "xes").get("case") or {}
        said = _of_xes(properties_of(found).get("case") or {}, notes)
        self.things["case_id", name].attributes += [(key, value, BEFORE) for key, value, _ in said]
        self.of_objects.learn(self.type("case_id"), said)

    def type(self, kind: str) -> str:
        """The type of object that a kind is."""
        return self.types.get(kind) or type_of(kind)

    def told_events(self) -> Iterator[Mapping[str, Any]]:
        """The second pass: events as OCEL has them."""
        for found in self._happened():
            notes = self._notes(found)
            key = str(notes.get("id", found.id))
            if key in self.apart or (not notes and len(self._sources) > 1):
                key = f"{found.source}:{key}"
            at = notes.get("time", _iso(from_ms(found.at)))
            item: dict[str, Any] = {"id": key, "type": self._type(found), "time": at}
            written = notes.get("as") or {}
            item["attributes"] = [
                {"name": name, "value": value_of(value, written, name)} for name, value, _ in self._attributes(found)
            ]
            item["relationships"] = [
                {"objectId": self.id(one), "qualifier": qualifier} for one, qualifier in self._related(found, notes)
            ]
            yield item

    def told_objects(self) -> Iterator[Mapping[str, Any]]:
        """Objects as OCEL has them."""
        for one, thing in self.things.items():
            item: dict[str, Any] = {"id": self.id(one), "type": self.type(one[0])}
            item["attributes"] = [{"name": name, "value": value, "time": at} for name, value, at in thing.attributes]
            item["relationships"] = [
                {"objectId": self.id(other), "qualifier": qualifier} for other, qualifier in thing.related
            ]
            yield item

    def _settle_ids(self) -> None:
        """An object's id is its name; where objects of two types share one, the type goes before it."""
        seen: dict[str, Object] = {}
        for one in self.things:
            if seen.setdefault(one[1], one) != one:
                self._shared.add(one[1])

    def id(self, one: Object) -> str:
        """What an object is called in the file."""
        return f"{self.type(one[0])} {one[1]}" if one[1] in self._shared else one[1]

    def _also(self, found: Whole) -> dict[str, list[str]]:
        """By kind, all objects that an event of OCEL names, where they are listed."""
        listed: dict[str, list[str]] = self._notes(found).get("objects") or {}
        return {kind: [self.out.called(found.source, name) for name in names] for kind, names in listed.items()}

    def _happened(self) -> Iterator[Whole]:
        return (found for found in self.out.events() if not self.out.is_record(found))

    def _type(self, found: Whole) -> str:
        return str(self._notes(found).get("name", found.name))

    def _notes(self, found: Whole) -> dict[str, Any]:
        return self.out.notes(found, "ocel")

    def _attributes(self, found: Whole) -> list[Attribute]:
        """What an event says, beside what makes it one."""
        form = self.out.form_of(found)
        if form not in {"ocel", "xes"}:
            told = [
                (path.removeprefix("properties."), value, _TYPES.get(kind, "")) for path, value, kind in flat(found)
            ]
            return [*told, ("source", found.source, "string")]
        properties = properties_of(found)
        if form == "ocel":
            return [(name.removeprefix("="), value, "") for name, value in properties.items() if name != "ocel"]
        notes = self.out.notes(found, "xes")
        return _of_xes({name: value for name, value in properties.items() if name not in {"case", "xes"}}, notes)

    def _related(self, found: Whole, notes: Mapping[str, Any]) -> list[tuple[Object, str]]:
        """The objects that an event names, and as what."""
        listed, roles = self._also(found), notes.get("qualifiers") or {}
        made: list[tuple[Object, str]] = []
        for kind, number in found.numbers.items():
            if kind in PERSON_KINDS:
                continue
            names = listed.get(kind) or [self.names[kind][number]]
            said = roles.get(self.type(kind)) or []
            made += [((kind, name), said[place] if place < len(said) else "") for place, name in enumerate(names)]
        for kind, number in found.numbers.items():
            for names_of, one, qualifier in self.moments.get((kind, number, found.at), ()):
                if found.name in names_of:
                    made.append((one, qualifier))
        return made

    def _changed(self, found: Whole) -> None:
        """What is said of an object at a time."""
        notes = self._notes(found)
        kind, number = next(((k, n) for k, n in found.numbers.items() if k not in PERSON_KINDS), ("", -1))
        name = self.names.get(kind, {}).get(number)
        if name is None:
            return
        thing = self.things[kind, name]
        at, written = notes.get("time", _iso(from_ms(found.at))), notes.get("as") or {}
        thing.attributes += [
            (key.removeprefix("="), value_of(value, written, key), at)
            for key, value in properties_of(found).items()
            if key != "ocel"
        ]
        roles = notes.get("qualifiers") or {}
        for other, names in self._also(found).items():
            said = roles.get(self.type(other)) or []
            for place, target in enumerate(names):
                self.things.setdefault((other, target), _Thing())
                thing.related.append(((other, target), said[place] if place < len(said) else ""))

    def _promises(self) -> None:
        """Each promise that was made in the span is an object of its own, tied to whom it was made about."""
        seen = self.out.seen
        since, until = self.out.span.since, self.out.span.until
        for promise in seen.project.definitions.promises.values():
            ledger, _ = seen.ledger(promise)
            for row in ledger.to_pylist():
                about = self.names.get(promise.per, {}).get(row["subject"])
                made = to_ms(row["made_at"])
                if row["state"] == "none" or about is None or (since or made) > made or made >= (until or made + 1):
                    continue
                name = f"{promise.name} {about} {_iso(row['made_at'])}"
                thing = self.things.setdefault((PROMISE, name), _Thing())
                said = {"promise": promise.name, "state": row["state"]}
                said |= {key: _iso(row[key]) for key in ("made_at", "due_at", "first_due_at", "outcome_at") if row[key]}
                thing.attributes = [(key, value, BEFORE) for key, value in said.items()]
                thing.related = [((promise.per, about), "made about")]
                for key, step, role in (("made_at", promise.made, "made"), ("outcome_at", promise.kept, "outcome")):
                    if row[key] is not None:
                        moment = (promise.per, row["subject"], to_ms(row[key]))
                        self.moments.setdefault(moment, []).append((frozenset((step.name,)), (PROMISE, name), role))


_TYPES: Final = {"date": "time"}


def write_objects(out: Leaving, path: Path, *, database: bool) -> tuple[int, int]:
    """Writes OCEL as JSON or SQLite; how many events and objects it holds."""
    log = _Log(out)
    log.gather()
    if database:
        ocel.write(path, (log.of_events.table(), log.of_objects.table()), log.told_events(), log.told_objects())
    else:
        with path.open("wb") as file:
            write(file, (log.of_events, log.of_objects), log.told_events(), log.told_objects())
    return log.events, len(log.things)


def _of_xes(properties: Mapping[str, Any], notes: Mapping[str, Any]) -> list[Attribute]:
    """Attributes of XES as OCEL can hold them: one that holds others is JSON."""
    types = notes.get("types") or {}
    return [
        (
            key_of(name),
            encode(value).decode() if isinstance(value, dict) else value,
            _TYPES.get(types.get(name, ""), ""),
        )
        for name, value in properties.items()
    ]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
