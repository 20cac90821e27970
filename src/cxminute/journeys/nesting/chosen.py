"""Some of the events of streams, as streams of their own: those of a span, or split anew by held values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.steps import Condition, Step
from cxminute.store.protocols import Streams

Ints = NDArray[np.int64]


class Chosen:
    """Streams of chosen events.

    whole:    the streams that they are of
    places:   of the chosen events in `whole`, stream after stream, each in its order
    subjects: number of each stream's subject, ascending; one may have several
    offsets:  where in `places` each stream begins, and the end
    """

    def __init__(self, whole: Streams, places: Ints, subjects: Ints, offsets: Ints) -> None:
        self._whole = whole
        self.places, self.subjects, self.offsets = places, subjects, offsets
        self.times: Ints = np.asarray(whole.times, np.int64)[places]
        self.codes: NDArray[np.uint16] = whole.codes[places]

    @property
    def alphabet(self) -> Sequence[Step | None]:
        """As of the whole streams."""
        return self._whole.alphabet

    def holds(self, where: Condition, places: Ints) -> NDArray[np.bool_]:
        """For the events at these places, whether the condition is true."""
        return self._whole.holds(where, self.places[places])

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """For each event, whether it is the step's."""
        return self._whole.matches(step)[self.places]

    def column(self, path: str) -> pa.Array:
        """The path's value for each event."""
        return self._whole.column(path).take(pa.array(self.places))


def between(streams: Streams, since: int | None, until: int | None) -> Streams:
    """The events of a span, UTC milliseconds, until not included; None without a bound. Subjects without any stay."""
    if since is None and until is None:
        return streams
    times = np.asarray(streams.times, np.int64)
    kept = np.ones(len(times), np.bool_)
    if since is not None:
        kept &= times >= since
    if until is not None:
        kept &= times < until
    before = np.append(0, np.cumsum(kept)).astype(np.int64)
    subjects = np.asarray(streams.subjects, np.int64)
    return Chosen(streams, np.flatnonzero(kept), subjects, before[np.asarray(streams.offsets, np.int64)])
