"""The second law for journeys that wait for one another: nested passages are those of the slow reference."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from cxminute.journeys.nesting.nest import BEHIND, Nest, by_person, endings_for, find_nested, nest
from tests.oracles.journey_answers import plain
from tests.oracles.journey_families import Family
from tests.oracles.journey_shape import Child
from tests.oracles.journey_walks import BEGINS
from tests.oracles.journeys_reference import Found
from tests.oracles.nesting_reference import Key, Nesting
from tests.oracles.streams import Happened, ListStreams


def check_nested(family: Family) -> set[str]:
    """Every journey of a family has the passages, and the children, that the slow reference finds.

    returns: in a word each, what there was
    """
    slow = Nesting(family.journeys, family.log, family.closes_at)
    told = set()
    for name, journey in family.journeys.items():
        nested = nest(journey, family.journeys)
        expected = slow.passages(name)
        assert _fast(nested, family) == expected
        told |= {f"{name} {one.ending}" for found in expected.values() for one in found}
        told |= {f"{name} moved" for found in expected.values() for one in found if one.children}
        told |= {f"{child} abroad" for child in (below.plan.name for below in nested.abroad)}
    return told


def _fast(nested: Nest, family: Family) -> dict[Key, list[Found]]:
    abroad = {
        child.plan.name: by_person(
            [endings_for(nested, child, _streams(family, child.space), closes_at=family.closes_at)]
        )
        for child in nested.abroad
    }
    table = find_nested(
        nested, _streams(family, nested.space), opens_at=BEGINS, closes_at=family.closes_at, abroad=abroad
    )
    found: dict[Key, list[Found]] = {}
    columns = ("opened_at", "closed_at", "ending", "deepest", "reached_at")
    keys = zip(*(plain(table[path]) for path in ("subject", *nested.plan.definition.held)), strict=True)
    told = zip(*(plain(table[name]) for name in columns), strict=True)
    for key, (opened, closed, ending, deepest, reached), children in zip(
        keys, told, table["children"].to_pylist(), strict=True
    ):
        own = tuple(_child(child) for child in children)
        found.setdefault(key, []).append(Found(opened, closed, ending, deepest, tuple(reached), own))
    return found


def _child(told: dict[str, Any]) -> Child:
    opened, closed = (pa.scalar(told[name], pa.timestamp("ms", tz="UTC")).value for name in ("opened_at", "closed_at"))
    return Child(told["journey"], told["ending"], told["subject"], opened, closed)


def _streams(family: Family, space: str) -> ListStreams:
    return ListStreams(
        [
            Happened(event.whose[space], event.at, event.name, {**event.values, BEHIND: event.whose["person"]})
            for event in family.log
            if space in event.whose
        ]
    )
