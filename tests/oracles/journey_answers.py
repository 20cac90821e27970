"""What the product finds, in the words of the slow reference: so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from cxminute.journeys import live
from cxminute.journeys.find import find, walk
from cxminute.journeys.plan import Plan
from cxminute.model.steps import Step
from cxminute.store.protocols import Streams
from tests.oracles.journey_shape import Child, matches
from tests.oracles.journey_walks import BEGINS
from tests.oracles.journeys_reference import Event, Found
from tests.oracles.streams import ListStreams

_COLUMNS = ("subject", "opened_at", "closed_at", "ending", "deepest", "reached_at")


def table_of(plan: Plan, streams: Streams, closes_at: int, dimensions: tuple[str, ...] = ("name",)) -> pa.Table:
    """The passages of some streams; the log began at BEGINS."""
    return find(plan, streams, opens_at=BEGINS, closes_at=closes_at, dimensions=dimensions)


def found_in(table: pa.Table, children: dict[int, list[Child]] | None = None) -> dict[int, list[Found]]:
    """Each subject's passages as the reference writes them; children: by row of the table."""
    found: dict[int, list[Found]] = {}
    for number, row in enumerate(zip(*(plain(table[name]) for name in _COLUMNS), strict=True)):
        subject, opened, closed, ending, deepest, reached = row
        own = tuple((children or {}).get(number, ()))
        found.setdefault(subject, []).append(Found(opened, closed, ending, deepest, tuple(reached), own))
    return found


def plain(column: pa.ChunkedArray) -> list[Any]:
    """The column's values, moments as milliseconds."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_list(column.type) and pa.types.is_timestamp(column.type.value_type):
        column = column.cast(pa.list_(pa.int64()))
    values: list[Any] = column.to_pylist()
    return values


def children_in(plan: Plan, streams: ListStreams, closes_at: int) -> dict[int, list[Child]]:
    """By row, the passages of one moment whose endings moved it."""
    children: dict[int, list[Child]] = {}
    for row, event in walk(plan, streams, closes_at=closes_at)[1].tolist():
        told = streams.events[event]
        journey, _, ending = told.name.rpartition(".")
        children.setdefault(row, []).append(Child(journey, ending, 0, told.at, told.at))
    return children


def mask_of(plan: Plan, event: Event) -> int:
    """The event as `advance` is told of it, its steps matched by the reference."""

    def does(step: Step) -> bool:
        return matches(step, event)

    return plan.mask(does, ending=event.kind == "ending")


def as_found(passages: Iterable[live.Passage]) -> list[Found]:
    """Passages told of live, in order of opening, as the reference writes them."""
    return [
        Found(passage.opened, passage.closed, passage.ending, passage.deepest, passage.reached)
        for passage in sorted(passages, key=lambda passage: passage.number)
    ]
