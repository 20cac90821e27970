"""What a stage sees of the store: the streams of subjects, and an engine that maps a task over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.steps import Condition, Step

T = TypeVar("T")


class Streams(Protocol):
    """The events of a range of subjects, each subject's in order of (at, source, position, id).

    Events of sources that the permit does not cover are there but match no step.
    """

    @property
    def subjects(self) -> NDArray[np.int64]:
        """Number of each subject, ascending; subjects without events may be among them."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """One more than subjects: the events of subject i are `offsets[i]:offsets[i + 1]`."""

    @property
    def times(self) -> NDArray[np.int64]:
        """When each event happened, UTC milliseconds."""

    @property
    def codes(self) -> NDArray[np.uint16]:
        """What each event was: its place in the alphabet."""

    @property
    def alphabet(self) -> Sequence[Step | None]:
        """By code, the bare step that such events are; None for those of sources that the permit does not cover.

        Several codes may be one step: sources tell of the same.
        """

    def holds(self, where: Condition, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For the events at these places, whether the condition is true."""

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """For each event, whether it is the step's: name and condition. A name never seen matches nothing."""

    def column(self, path: str) -> pa.Array:
        """The path's value for each event, null where it has none: float64, string, bool or timestamp[ms, UTC].

        Where a path holds several types, numbers and flags are given as text. A path never seen is all null.
        'source' and 'name' are paths too; `identifiers.KIND` (`identifiers.person`, `identifiers.order_id`) is the
        number of the event's subject in that space, int64.
        """


class Subjects(Protocol):
    """All subjects of one kind, behind a permit, closed at a moment."""

    @property
    def per(self) -> str:
        """'person', or the kind of identifier (such as 'order_id') whose numbers the subjects are."""

    @property
    def opens_at(self) -> int:
        """When the first event of the whole log happened, UTC milliseconds; 0 where there is none."""

    @property
    def closes_at(self) -> int:
        """The moment that the log is closed at: the last event of the whole log that happened, or the given as-of."""

    def buckets(self) -> Sequence[range]:
        """Ranges of subjects, of about equally many events; together they cover all, and none overlaps another."""

    def read(self, bucket: range) -> Streams:
        """The streams of one bucket. Events after `closes_at` are not among them."""


class Engine(Protocol):
    """Runs one task over all buckets and merges what comes back, in the order of the buckets."""

    def run(self, subjects: Subjects, task: Callable[[Streams], T], merge: Callable[[Sequence[T]], T]) -> T:
        """`merge([task(bucket) ...])`; merge is associative: any grouping of the buckets gives the same."""
