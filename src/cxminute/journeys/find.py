"""The verb of journeys: from the events of a bucket's subjects to their passages."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.journeys.classes import classify, read_only
from cxminute.journeys.plan import Plan
from cxminute.journeys.scan import CLOSED, DEEPEST, ENDING, EVENT, OPENED, REACHED, SUBJECT, UNSEEN, fold
from cxminute.journeys.solo import Kept, alone, is_solo
from cxminute.model.tables import ENDINGS, MOMENT, PASSAGE, WORD
from cxminute.store.protocols import Streams


def find(plan: Plan, streams: Streams, *, opens_at: int, closes_at: int, dimensions: tuple[str, ...] = ()) -> pa.Table:
    """Every passage of these streams through the journey, sorted by subject and opening.

    opens_at:   when the log begins, UTC milliseconds: what opened within a window of it may have begun before
    closes_at:  when it is closed: later events are not seen, what has not ended by then is open
    dimensions: paths whose value at the opening event stands beside, as text; null where it has none
    returns:    model.tables.PASSAGE, and one column per dimension, named by its path
    """
    found, _ = walk(plan, streams, closes_at=closes_at)
    return passages_of(plan, streams, found, opens_at=opens_at, dimensions=dimensions)


def walk(plan: Plan, streams: Streams, *, closes_at: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that `scan.fold` finds, and pairs (row, event): endings of other journeys that moved that passage."""
    facts = (plan.moves, read_only(streams.offsets), read_only(streams.times), *classify(plan, streams), closes_at)
    return (alone(*facts, Kept()), np.empty((0, 2), np.int64)) if is_solo(plan) else fold(*facts)


def passages_of(
    plan: Plan,
    streams: Streams,
    found: NDArray[np.int64],
    *,
    opens_at: int,
    dimensions: tuple[str, ...] = (),
    children: pa.Array | None = None,
) -> pa.Table:
    """What `walk` found as a table; children: lists of child passages, a row each; empty lists without them."""
    opened = found[:, OPENED]
    columns = [
        _always(plan.name, len(found)),
        pa.array(np.asarray(streams.subjects, np.int64)[found[:, SUBJECT]]),
        _moments(opened),
        _moments(found[:, CLOSED]),
        pa.DictionaryArray.from_arrays(pa.array(found[:, ENDING].astype(np.int32)), pa.array(ENDINGS, pa.string())),
        pa.array(found[:, DEEPEST].astype(np.int32)),
        _lists(found[:, REACHED:]),
        pa.array(opened - opens_at <= plan.definition.window),
        _always(plan.hash, len(found)),
        _childless(len(found)) if children is None else children,
    ]
    opening = pa.array(found[:, EVENT])
    fields = [*PASSAGE, *(pa.field(path, WORD) for path in dimensions)]
    columns += [as_words(streams.column(path), opening) for path in dimensions]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=PASSAGE.metadata))


def step_masks(plan: Plan, streams: Streams) -> NDArray[np.int64]:
    """For each event, which of the plan's steps it matches: bit i for plan.steps[i]; and SEEN where `=>` sees it."""
    classes = classify(plan, streams)
    return classes.masks[classes.codes]


def _always(text: str, length: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(length, np.int32)), pa.array([text], pa.string()))


def _moments(times: NDArray[np.int64]) -> pa.Array:
    return pa.array(times, pa.int64(), mask=times == UNSEEN).cast(MOMENT)


def _childless(length: int) -> pa.Array:
    """An empty list a row."""
    kind = PASSAGE.field("children").type
    return pa.ListArray.from_arrays(pa.array(np.zeros(length + 1, np.int32)), pa.array([], kind.value_type)).cast(kind)


def _lists(times: NDArray[np.int64]) -> pa.Array:
    """One list a row, of as many moments as there are positions."""
    rows, places = times.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(places)
    return pa.ListArray.from_arrays(pa.array(offsets), _moments(times.reshape(-1)))


def as_words(column: pa.Array, events: pa.Array) -> pa.Array:
    """The column's values at these events as text: numbers without needless decimals, flags as true and false."""
    values = column.take(events)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if values.type == WORD:
        return values
    return values.cast(pa.string()).dictionary_encode().cast(WORD)
