"""Streams in memory, from plain lists: what a stage is tested on without a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.steps import Condition, Step, StepKind, Value
from cxminute.model.tables import MOMENT
from cxminute.store.conditions import evaluate


@dataclass(frozen=True)
class Happened:
    """One event of a subject: when (UTC milliseconds), what, with which properties by their path."""

    subject: int
    at: int
    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    source: str = "shop"
    kind: StepKind = "event"


class ListStreams:
    """`store.protocols.Streams` over a list of events: each subject's by time, and then in the order given.

    subjects: numbers that shall be there even without events
    refused:  sources whose events are there but match no step
    """

    def __init__(
        self, events: Iterable[Happened], subjects: Iterable[int] = (), refused: frozenset[str] = frozenset()
    ) -> None:
        self.events = sorted(events, key=lambda event: (event.subject, event.at))
        self.refused = refused
        self.subjects: NDArray[np.int64] = np.array(
            sorted({*subjects, *(event.subject for event in self.events)}), np.int64
        )
        owners = np.array([event.subject for event in self.events], np.int64)
        self.offsets: NDArray[np.int64] = np.append(np.searchsorted(owners, self.subjects), len(owners)).astype(
            np.int64
        )
        self.times: NDArray[np.int64] = np.array([event.at for event in self.events], np.int64)
        told = [(event.source, event.kind, event.name) for event in self.events]
        letters = {letter: code for code, letter in enumerate(sorted(set(told)))}
        self.alphabet = tuple(None if source in refused else Step(name, kind=kind) for source, kind, name in letters)
        self.codes: NDArray[np.uint16] = np.array([letters[letter] for letter in told], np.uint16)

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """Name and condition, as a permit without the refused sources lets them be seen."""
        covered = np.array([step.covers(letter) for letter in self.alphabet], np.bool_)
        truth: NDArray[np.bool_] = covered[self.codes] if len(self.codes) else np.empty(0, np.bool_)
        return truth if step.where is None else truth & evaluate(step.where, self.column, len(self.events))

    def holds(self, where: Condition, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For these events, whether the condition is true."""
        return evaluate(where, self.column, len(self.events))[places]

    def column(self, path: str) -> pa.Array:
        """The path's values: of one type as they are, of several as text, never seen as all null."""
        if path in {"source", "name"}:
            return pa.array([getattr(event, path) for event in self.events], pa.string()).dictionary_encode()
        values = [event.values.get(path) for event in self.events]
        kinds = {_kind(value) for value in values if value is not None}
        if len(kinds) > 1:
            return pa.array([None if value is None else str(value) for value in values], pa.string())
        kind = next(iter(kinds), pa.null())
        return pa.array(values, kind).dictionary_encode() if kind == pa.string() else pa.array(values, kind)


def _kind(value: Value) -> pa.DataType:
    match value:
        case bool():
            return pa.bool_()
        case str():
            return pa.string()
        case datetime():
            return MOMENT
        case _:
            return pa.float64()
