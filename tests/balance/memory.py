"""Streams made of plain tuples, so that a test can say its events on a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.steps import Comparison, Condition, Step
from cxminute.model.tables import MOMENT

HOUR = 3_600_000


@dataclass(frozen=True)
class Happened:
    """One event: of whom, when (UTC milliseconds), its name, and its properties by path."""

    subject: int
    at: int
    name: str
    properties: dict[str, object] = field(default_factory=dict)


class MemoryStreams:
    """`store.protocols.Streams` over a list of events; equal times of a subject keep the list's order.

    subjects: numbers to be there beside those with events
    """

    def __init__(self, events: Sequence[Happened], subjects: Sequence[int] = ()) -> None:
        self._events = sorted(events, key=lambda event: (event.subject, event.at))
        numbers = sorted({event.subject for event in self._events} | set(subjects))
        self._subjects = np.array(numbers, dtype=np.int64)
        of_event = np.array([event.subject for event in self._events], dtype=np.int64)
        self._offsets = np.append(np.searchsorted(of_event, self._subjects), len(of_event)).astype(np.int64)
        self._times = np.array([event.at for event in self._events], dtype=np.int64)

    @property
    def subjects(self) -> NDArray[np.int64]:
        """Number of each subject, ascending."""
        return self._subjects

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where the events of each subject begin, and their end."""
        return self._offsets

    @property
    def times(self) -> NDArray[np.int64]:
        """When each event happened."""
        return self._times

    @property
    def codes(self) -> NDArray[np.uint16]:
        """Place of each event's name in the alphabet."""
        names = [step.name for step in self.alphabet]
        return np.array([names.index(event.name) for event in self._events], dtype=np.uint16)

    @property
    def alphabet(self) -> tuple[Step, ...]:
        """Every name that there is."""
        return tuple(Step(name) for name in sorted({event.name for event in self._events}))

    def holds(self, where: Condition, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """By one comparison for equality."""
        steps = [Step(self._events[place].name, where) for place in places]
        return np.array([_fits(step, self._events[place]) for step, place in zip(steps, places, strict=True)], np.bool_)

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """By name, and by one comparison for equality if there is a condition."""
        return np.array([_fits(step, event) for event in self._events], dtype=np.bool_)

    def column(self, path: str) -> pa.Array:
        """The path's values: moments where they are whole numbers, else what Arrow makes of them."""
        values = [event.properties.get(path) for event in self._events]
        if all(value is None or (isinstance(value, int) and not isinstance(value, bool)) for value in values):
            return pa.array(values, pa.int64()).cast(MOMENT)
        return pa.array(values)


def _fits(step: Step, event: Happened) -> bool:
    match step.where:
        case None:
            return step.name == event.name
        case Comparison(path=path, operator="=", values=(value,)):
            return step.name == event.name and event.properties.get(path) == value
        case _:
            raise NotImplementedError(step.where)
