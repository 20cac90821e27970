"""A small log of events of persons and orders, read by the product and by the slow reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa

from cxminute.journeys.definition import JourneyDefinition, steps_in
from cxminute.journeys.nesting.nest import by_person, endings_for, find_nested, nest
from cxminute.store.engines.local import LocalEngine
from cxminute.store.index import Index, in_memory
from tests.oracles.journeys_reference import Child, Event, Found, Reference

Journeys = Mapping[str, JourneyDefinition]
_Key = tuple[int | float | str | None, ...]


@dataclass(frozen=True)
class Row:
    """One event: when (ms), what, of whom, about which order (None: about none), with a number and a product."""

    at: int
    name: str
    person: int | None = 1
    order: int | None = None
    values: Mapping[str, float | str] = field(default_factory=dict)


def named(*journeys: JourneyDefinition) -> Journeys:
    """Journeys by their name."""
    return {journey.name: journey for journey in journeys}


def subjects(rows: Sequence[Row], per: str, closes_at: int, bucket: int = 1 << 20) -> Index:
    """The log's subjects of a kind."""
    paths = sorted({path for row in rows for path in row.values})
    columns = {
        "subject": pa.array([row.person if per == "person" else row.order for row in rows], pa.int64()),
        "at": pa.array([row.at for row in rows], pa.int64()),
        "name": pa.array([row.name for row in rows], pa.string()),
        "identifiers.person": pa.array([row.person for row in rows], pa.int64()),
        "identifiers.order_id": pa.array([row.order for row in rows], pa.int64()),
    }
    columns |= {path: pa.array([row.values.get(path) for row in rows]) for path in paths}
    return in_memory(pa.table(columns), per, closes_at, bucket=bucket)


def passages(
    rows: Sequence[Row],
    journeys: Journeys,
    name: str,
    closes_at: int,
    *,
    bucket: int = 1 << 20,
    dimensions: tuple[str, ...] = (),
) -> pa.Table:
    """The passages of one journey as the product finds them, in buckets of about so many events."""
    nested, engine = nest(journeys[name], journeys), LocalEngine(2)
    abroad = {}
    for child in nested.abroad:
        task = partial(endings_for, nested, child, closes_at=closes_at, dimensions=dimensions)
        abroad[child.plan.name] = engine.run(subjects(rows, child.space, closes_at, bucket), task, by_person)
    task = partial(find_nested, nested, opens_at=0, closes_at=closes_at, dimensions=dimensions, abroad=abroad)
    return engine.run(subjects(rows, nested.space, closes_at, bucket), task, pa.concat_tables)


def found(table: pa.Table) -> list[tuple[int, Found]]:
    """The product's passages in the reference's words, with the subject of each."""
    moments = {name: table[name].cast(pa.int64()).to_pylist() for name in ("opened_at", "closed_at")}
    reached = table["reached_at"].cast(pa.list_(pa.int64())).to_pylist()
    return [
        (row["subject"], Found(opened, closed, row["ending"], row["deepest"], tuple(places), _children(row)))
        for row, opened, closed, places in zip(table.to_pylist(), *moments.values(), reached, strict=True)
    ]


def expected(rows: Sequence[Row], journeys: Journeys, name: str, closes_at: int) -> list[tuple[int, Found]]:
    """The same as the slow reference finds it: endings put among the events of each stream, as the language says."""
    return [(one.subject, one.found) for one in _walked(rows, journeys, name, closes_at)]


@dataclass(frozen=True)
class _Walked:
    """A passage, whose it is, and the event that opened it."""

    subject: int
    found: Found
    opening: Event


def _walked(rows: Sequence[Row], journeys: Journeys, name: str, closes_at: int) -> list[_Walked]:
    """By subject, held values and opening."""
    journey = journeys[name]
    streams: dict[_Key, list[tuple[tuple[int | str, ...], Event]]] = {}
    for place, row in enumerate(rows):
        whose = row.person if journey.space == "person" else row.order
        key: _Key = (whose, *(row.values.get(path) for path in journey.held))
        if None not in key:
            persons = {} if row.person is None else {"person": row.person}
            event = Event(row.at, row.name, row.values, whose=persons)
            streams.setdefault(key, []).append(((row.at, 0, place), event))
    for child in _waits_for(journey):
        for number, one in enumerate(_walked(rows, journeys, child, closes_at)):
            ended = one.found
            whose = one.subject if journeys[child].space == journey.space else one.opening.whose.get("person")
            key = (whose, *(one.opening.values.get(path) for path in journey.held))
            if ended.closed is not None and key in streams:
                rank = (ended.closed, 1, _depth(journeys, child), child, one.subject, ended.opened, number)
                streams[key].append((rank, _ending(child, one)))
    answers = []
    for key in sorted(streams, key=_places):
        reference = Reference(journey)
        found = reference.passages_of([event for _, event in sorted(streams[key], key=lambda told: told[0])], closes_at)
        subject = key[0]
        assert isinstance(subject, int)
        openings = [passage.opening for passage in reference.passages]
        answers += [_Walked(subject, one, opening) for one, opening in zip(found, openings, strict=True)]
    return answers


def _ending(child: str, one: _Walked) -> Event:
    """The ending of a passage as an event."""
    closed = one.found.closed
    assert closed is not None
    told = Child(child, one.found.ending, one.subject, one.found.opened, closed)
    return Event(closed, f"{child}.{told.ending}", one.opening.values, "ending", told, whose=one.opening.whose)


def _places(key: _Key) -> tuple[str, ...]:
    return tuple(str(part) for part in key)  # numbers of one digit


def _waits_for(journey: JourneyDefinition) -> list[str]:
    steps = (*steps_in(journey.pattern), *journey.unless)
    return list(dict.fromkeys(step.name.rpartition(".")[0] for step in steps if step.kind == "ending"))


def _depth(journeys: Journeys, name: str) -> int:
    return max((_depth(journeys, child) + 1 for child in _waits_for(journeys[name])), default=0)


def _children(row: dict[str, object]) -> tuple[Child, ...]:
    told = row["children"]
    assert isinstance(told, list)
    return tuple(
        Child(one["journey"], one["ending"], one["subject"], _ms(one["opened_at"]), _ms(one["closed_at"]))
        for one in told
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)
