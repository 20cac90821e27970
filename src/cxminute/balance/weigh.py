"""Events -> Ledger: every promise of a bucket of subjects, with what became of it.

The rules, for each subject by itself, its events in the order of the stream (equal times follow that order):

- Each `made` event opens a promise, due at the time that its due path holds, or the stated duration after it. Without a
  due time nothing was promised: the row is `none`, and no outcome, void or amendment touches it.
- Each `kept` event is the outcome of the oldest promise that is still open; `void` takes the oldest open promise out of
  the count, for good: no outcome after it counts. `amended` gives the oldest open promise the due time that it carries
  under the same due path (without one it says nothing), and `properties.by` says who moved it: us, partner or
  customer; without it, or with another word, us.
- One event serves one open promise, and once: as its outcome, else as its void, else as its amendment. What it makes,
  it makes after that: an event that is both made and kept does not keep the promise that it makes.
- A promise is open however late it is: an outcome after the due time makes it `late`, and a void makes it `void`.
- State, by the due time as it stands now: `kept` if the outcome came at or before due + tolerance, to the millisecond,
  else `late`; without an outcome `overdue` if due + tolerance lies before the close of the log, else `pending`.
- First state, by the due time as first promised: what we or a partner moved is judged as if it had not been moved, so a
  promise moved by us until it fits is still a broken first promise. A move by the customer counts, from then on, as the
  first promise, unless that was already broken at that moment: a broken promise is not mended by talking afterwards.
- Events after the close of the log are not seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.balance import kernels
from cxminute.balance.promises import MOVER, PARTIES, Promise
from cxminute.model.errors import BadData
from cxminute.model.tables import LEDGER, MOMENT, STATES, WORD
from cxminute.store.protocols import Streams

_US: Final = PARTIES.index("us")


def weigh(promise: Promise, streams: Streams, *, closes_at: int, dimensions: tuple[str, ...] = ()) -> pa.Table:
    """The ledger of one bucket of subjects as of `closes_at` (UTC milliseconds), by subject and then in stream order.

    dimensions: paths whose value on the making event stands beside as text, in a column named by the path
    returns:    LEDGER, one row per making event, and a dictionary column of text per dimension
    raises:     BadData where the due path holds something else than times
    """
    times = np.ascontiguousarray(streams.times, dtype=np.int64)
    marks = _marks(promise, streams)
    moments, codes = kernels.settle(
        np.ascontiguousarray(streams.offsets, dtype=np.int64),
        times,
        marks,
        _dues(promise, streams, times, marks),
        _movers(promise, streams, marks),
        closes_at,
        promise.tolerance,
    )
    events = moments[1]
    columns: dict[str, pa.Array] = {
        "promise": _words(np.zeros(len(events), dtype=np.int8), (promise.name,)),
        "subject": pa.array(np.asarray(streams.subjects, dtype=np.int64)[moments[0]]),
        "made_at": _moments(times[events]),
        "first_due_at": _moments(moments[2]),
        "due_at": _moments(moments[3]),
        "moved_by": _words(codes[0], PARTIES),
        "outcome_at": _moments(moments[4]),
        "state": _words(codes[1], STATES),
        "first_state": _words(codes[2], STATES),
    }
    schema = LEDGER
    for path in dimensions:
        columns[path] = _texts(streams.column(path), events)
        schema = schema.append(pa.field(path, WORD, metadata={"meaning": f"{path} of the making event"}))
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _marks(promise: Promise, streams: Streams) -> NDArray[np.uint8]:
    marks = np.zeros(len(streams.times), dtype=np.uint8)
    for step, mark in (
        (promise.made, kernels.MADE),
        (promise.kept, kernels.KEPT),
        (promise.void, kernels.VOIDED),
        (promise.amended, kernels.AMENDED),
    ):
        if step is not None:
            marks |= streams.matches(step).astype(np.uint8) * np.uint8(mark)
    return marks


def _dues(promise: Promise, streams: Streams, times: NDArray[np.int64], marks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """For each event the due time that it says, ABSENT where it says none."""
    if isinstance(promise.due, int):
        return times + promise.due
    dues = np.full(len(marks), kernels.ABSENT, dtype=np.int64)
    saying = np.flatnonzero(marks & np.uint8(kernels.MADE | kernels.AMENDED))
    said = _times_of(_taken(streams.column(promise.due), saying), promise)
    given = saying[said.is_valid().to_numpy(zero_copy_only=False)]
    dues[given] = said.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
    return dues


def _times_of(values: pa.Array, promise: Promise) -> pa.Array:
    """Timestamps as they are; text as ISO 8601 with an offset, since without one it names no instant."""
    if pa.types.is_timestamp(values.type):
        return values.cast(MOMENT, safe=False)
    if values.null_count == len(values):
        return pa.nulls(len(values), MOMENT)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        try:
            return values.cast(pa.timestamp("us", tz="UTC")).cast(MOMENT, safe=False)
        except pa.ArrowInvalid:  # its message quotes the value, which may be personal: it goes no further
            pass
    raise BadData(
        f"Promise '{promise.name}' is due by '{promise.due}', which holds something else than times.",
        allowed='ISO 8601 with an offset; or map it with type = "time" in the source, which knows its zone',
    ) from None


def _movers(promise: Promise, streams: Streams, marks: NDArray[np.uint8]) -> NDArray[np.int8]:
    movers = np.full(len(marks), _US, dtype=np.int8)
    if promise.amended is None:
        return movers
    amending = np.flatnonzero(marks & np.uint8(kernels.AMENDED))
    said = _taken(streams.column(MOVER), amending).cast(pa.string())
    known = pc.fill_null(pc.index_in(said, value_set=pa.array(PARTIES)), _US)
    movers[amending] = known.to_numpy(zero_copy_only=False)
    return movers


def _texts(column: pa.Array | pa.ChunkedArray, events: NDArray[np.int64]) -> pa.Array:
    encoded = _taken(column, events).cast(pa.string()).dictionary_encode()
    return encoded.cast(WORD)


def _taken(column: pa.Array | pa.ChunkedArray, events: NDArray[np.int64]) -> pa.Array:
    """The values at these events, plain: neither chunked nor a dictionary."""
    found = column.take(pa.array(events))
    whole = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _moments(times: NDArray[np.int64]) -> pa.Array:
    return pa.array(times, mask=times == kernels.ABSENT).cast(MOMENT)


def _words(codes: NDArray[np.int8], words: tuple[str, ...]) -> pa.Array:
    """Places in `words` as a dictionary column; negative places are empty."""
    places = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(places, pa.array(words, pa.string()))
