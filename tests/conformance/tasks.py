"""Tasks that engines are tried with: by name, since workers import them from here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from cxminute.model.errors import BadPattern, UnknownName
from cxminute.model.steps import Step
from cxminute.store.protocols import Streams


def marks(streams: Streams) -> dict[int, list[int]]:
    """Each subject's events by their marks, in order."""
    found = streams.column("properties.mark").to_pylist()
    bounds = streams.offsets.tolist()
    return {
        subject: [int(mark) for mark in found[bounds[i] : bounds[i + 1]]]
        for i, subject in enumerate(streams.subjects.tolist())
        if bounds[i + 1] > bounds[i]
    }


def joined(parts: Sequence[dict[int, list[int]]]) -> dict[int, list[int]]:
    """All parts, in the order in which they come."""
    return {subject: found for part in parts for subject, found in part.items()}


def table(parts: Sequence[pa.Table]) -> pa.Table:
    """All rows, in the order in which they come."""
    return pa.concat_tables(parts).unify_dictionaries()


def codes(streams: Streams) -> list[int]:
    """How many events have each code; a list that adds, since a code means the same in every bucket."""
    return [*np.bincount(streams.codes, minlength=64).tolist(), int(streams.matches(Step("A")).sum())]


def added(parts: Sequence[list[int]]) -> list[int]:
    """The counts of all parts together."""
    return np.sum(parts, axis=0).tolist() if parts else []


def ordinals(streams: Streams) -> list[int]:
    """Each subject of the bucket."""
    return [int(number) for number in streams.subjects]


def fail(kind: str, low: int, streams: Streams) -> list[int]:
    """Raises on every bucket whose last subject is at least `low`, and says which that is."""
    last = int(streams.subjects[-1])
    if last < low:
        return [last]
    if kind == "unknown":
        raise UnknownName("path", f"properties.{last}", ["properties.mark"], file="journeys/x.toml", line=3)
    if kind == "pattern":
        raise BadPattern("This is no step.", text="A -> B", column=6)
    raise _UNTOLD if kind == "untold" else ZeroDivisionError(f"bucket up to {last}")


class Untold(Exception):
    """An error that cannot be made again from what it carries."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


_UNTOLD = Untold("this", "that")


def unsendable(streams: Streams) -> list[int]:
    """Gives what stays where it is: a generator."""
    return (int(number) for number in streams.subjects)  # type: ignore[return-value]  # which is the point
