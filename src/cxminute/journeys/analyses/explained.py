"""What no journey explains: the share of all events that are no step of any passage open at their time.

An event is explained where a passage of its subject was open then (opening and ending milliseconds included), and the
event is one that the journey names: a step of its pattern, a guard or an `unless`. `any` names nothing, and what `=>`
merely looks through is not explained by it. Where much is unexplained, the set of journeys has fallen behind what
customers do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.analyses.follows import letters_of
from cxminute.journeys.classes import classify, read_only
from cxminute.journeys.definition import steps_in
from cxminute.journeys.find import as_words
from cxminute.journeys.nesting.whereabouts import keys
from cxminute.journeys.plan import Plan
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNEXPLAINED: Final = pa.schema(
    [
        ("name", pa.string()),
        ("events", pa.int64()),
        ("unexplained", pa.int64()),
        ("share", pa.float64()),
        ("of_all", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Events of permitted sources by name, and how many of them are explained; what adds."""

    names: tuple[str, ...]
    events: Numbers
    explained: Numbers

    def __add__(self, other: Explained) -> Explained:
        """The counts of other subjects beside these, in any order."""
        names = tuple(sorted({*self.names, *other.names}))
        counts = np.zeros((2, len(names)), np.int64)
        for part in (self, other):
            places = np.searchsorted(np.array(names), np.array(part.names)) if part.names else np.empty(0, np.int64)
            counts[0, places] += part.events
            counts[1, places] += part.explained
        return Explained(names, counts[0], counts[1])


def explain(
    known: Iterable[tuple[Plan, pa.Table]],
    streams: Streams,
    *,
    space: str,
    closes_at: int,
) -> Explained:
    """The counts of a bucket.

    known:     plans with their passages: of this kind of subject those of these streams, of another kind all, where an
               event is of the subject that it names
    space:     the kind of subject that the streams are of; events without one are in no stream, and not counted
    closes_at: when the log is closed: an open passage is open until then
    """
    names, letters = letters_of(streams)
    events = letters[streams.codes]
    seen = events >= 0
    told = np.zeros(len(events), np.bool_)
    for plan, passages in known:
        places = np.flatnonzero(_named(plan, streams) & seen & ~told)
        told[places] = _within(plan, passages, streams, places, space=space, closes_at=closes_at)
    counts = [np.bincount(events[kept], minlength=len(names)).astype(np.int64) for kept in (seen, seen & told)]
    order = sorted(range(len(names)), key=lambda place: names[place])
    return Explained(tuple(names[place] for place in order), counts[0][order], counts[1][order])


def merged(parts: Sequence[Explained]) -> Explained:
    """All parts as one; what buckets of any size and in any order give."""
    return sum(parts, Explained((), np.empty(0, np.int64), np.empty(0, np.int64)))


def table(found: Explained) -> pa.Table:
    """First all events together (`name` null), then a row a name, the most unexplained first.

    returns: name; events; unexplained, those of them that no journey explains; share of the name's events; of_all, of
             all events. All events are counted, so that there is no interval; shares are null where there is no event
    """
    left = found.events - found.explained
    order = np.lexsort((np.array(found.names, object).astype(str), -left)) if found.names else np.empty(0, np.int64)
    events, left = (np.append(counts.sum(), counts[order]) for counts in (found.events, left))
    names = pa.array([None, *(found.names[place] for place in order)], pa.string())
    whole = np.full_like(events, events[0])
    with np.errstate(invalid="ignore"):
        shares = [pa.array(left / of, pa.float64(), mask=of == 0) for of in (events, whole)]
    return pa.Table.from_arrays([names, pa.array(events), pa.array(left), *shares], schema=UNEXPLAINED)


def _named(plan: Plan, streams: Streams) -> Flags:
    """For each event, whether it is a step, a guard or an `unless` of the plan."""
    listed = {*steps_in(plan.definition.pattern), *plan.definition.unless}
    telling = sum(1 << bit for bit, step in enumerate(plan.steps) if step in listed and step.kind == "event")
    codes, masks = classify(plan, streams)
    found: Flags = (masks & telling != 0)[codes] if len(codes) else np.empty(0, np.bool_)
    return found


def _within(plan: Plan, passages: pa.Table, streams: Streams, places: Numbers, *, space: str, closes_at: int) -> Flags:
    """For the events at these places, whether a passage of their subject was open then."""
    if not len(places) or not len(passages):
        return np.zeros(len(places), np.bool_)
    taken, held = pa.array(places), plan.definition.held
    if plan.definition.space == space:
        of = np.searchsorted(streams.offsets, places, side="right") - 1
        subjects = pa.array(np.asarray(streams.subjects, np.int64)[of])
    else:
        subjects = streams.column(f"identifiers.{plan.definition.space}").take(taken).cast(pa.int64())
    theirs = keys(
        passages["subject"].combine_chunks(), [passages[path].cast(pa.string()).combine_chunks() for path in held]
    )
    wanted = keys(subjects, [as_words(streams.column(path), taken) for path in held])
    coded = theirs.dictionary_encode()
    owners = pc.index_in(wanted, coded.dictionary).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    owned = coded.indices.to_numpy().astype(np.int64)
    opened = passages["opened_at"].cast(pa.int64()).to_numpy()
    closed = pc.fill_null(passages["closed_at"].cast(pa.int64()), closes_at).to_numpy()
    order = np.lexsort((opened, owned))
    starts = np.searchsorted(owned[order], np.arange(len(coded.dictionary) + 1))
    return covered(read_only(starts), read_only(opened[order]), read_only(closed[order]), owners, streams.times[places])


def _covered(starts: Numbers, opened: Numbers, closed: Numbers, owners: Numbers, times: Numbers) -> Flags:
    """For each moment of an owner, whether one of its spans holds it, both ends included.

    starts: the spans of owner i are starts[i]:starts[i + 1], ascending by `opened`
    owners: of each moment; -1 for none
    """
    until = closed.copy()  # the latest end of this span and those before it
    for owner in range(starts.size - 1):
        for span in range(starts[owner] + 1, starts[owner + 1]):
            until[span] = max(until[span], until[span - 1])
    found = np.zeros(times.size, np.bool_)
    for moment in range(times.size):
        owner = owners[moment]
        if owner < 0:
            continue
        low, high = starts[owner], starts[owner + 1]
        while low < high:
            middle = (low + high) // 2
            if opened[middle] <= times[moment]:
                low = middle + 1
            else:
                high = middle
        found[moment] = low > starts[owner] and until[low - 1] >= times[moment]
    return found


covered: Final[Callable[[Numbers, Numbers, Numbers, Numbers, Numbers], Flags]] = njit(cache=True, nogil=True)(_covered)
