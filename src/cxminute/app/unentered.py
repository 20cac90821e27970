"""Why nobody entered a journey: no event of its first step's name, or none that its condition is true of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.syntax.printing import print_step
from cxminute.model.errors import nearest
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step
from cxminute.store.protocols import Streams


@dataclass(frozen=True)
class Met:
    """What streams hold of a step; what adds.

    events, matched: how many events have its name, and of how many its condition is true
    values:          of each path whose texts the condition asks for, the texts that such events have
    """

    events: int
    matched: int
    values: dict[str, frozenset[str]]


def why_nobody(seen: View, journey: JourneyDefinition) -> str:
    """One line on why a journey has no passage, with the nearest value where a condition asks for one that is never."""
    if seen.since is not None or seen.until is not None:
        return f"No passage of '{journey.name}' had its time up in the span."
    plan = seen.nest(journey).plan
    steps = dict.fromkeys(step for place in plan.draft.firsts for step in plan.draft.positions[place].steps)
    subjects = seen.subjects(journey.space, journey.purpose)
    reasons = [_reason(step, seen.engine.run(subjects, partial(_meet, step), _merged)) for step in steps]
    return f"Nobody entered '{journey.name}': {'; '.join(reason for reason in reasons if reason)}.".replace(": .", ".")


def _reason(step: Step, met: Met) -> str:
    if step.kind == "ending":
        child, _, ending = step.name.rpartition(".")
        return f"no passage of '{child}' that it waits for was {ending}"
    name = "any event" if step.kind == "any" else f"'{step.name}'"
    if not met.events:
        return f"none of its subjects has {name}"
    if met.matched:
        return ""
    near = [_nearest(path, value, met.values[path]) for path, value in _texts(step.where) if path in met.values]
    return "; ".join([f"of {met.events:,} events none is {print_step(step)}", *(said for said in near if said)])


def _nearest(path: str, value: str, known: frozenset[str]) -> str:
    if value in known:
        return ""
    near = nearest(value, known)
    return f"{path} is never '{value}'" + (f"; the nearest is '{near}'" if near else "")


def _meet(step: Step, streams: Streams) -> Met:
    covered = [code for code, letter in enumerate(streams.alphabet) if step.covers(letter)]
    here = np.isin(streams.codes, covered)
    values = {}
    for path in dict.fromkeys(path for path, _ in _texts(step.where)):
        column = pc.unique(streams.column(path).filter(pa.array(here)))
        values[path] = frozenset(str(value) for value in column.to_pylist() if value is not None)
    return Met(int(here.sum()), int(streams.matches(step).sum()), values)


def _merged(parts: Sequence[Met]) -> Met:
    paths = dict.fromkeys(path for part in parts for path in part.values)
    return Met(
        sum(part.events for part in parts),
        sum(part.matched for part in parts),
        {path: frozenset().union(*(part.values.get(path, frozenset()) for part in parts)) for path in paths},
    )


def _texts(where: Condition | None) -> list[tuple[str, str]]:
    """Paths with the texts that a condition asks them to be; what it asks them not to be is no reason."""
    match where:
        case Comparison(path=path, operator="=" | "in", values=values):
            return [(path, value) for value in values if isinstance(value, str)]
        case Both(parts=parts) | Either(parts=parts):
            return [text for part in parts for text in _texts(part)]
        case Comparison() | Negation() | None:
            return []
