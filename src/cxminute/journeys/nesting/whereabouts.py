"""Where passages lie in the streams that they were found in: by subject and held values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.find import as_words
from cxminute.journeys.nesting.held import Held
from cxminute.journeys.plan import Plan
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]


def stream_of(plan: Plan, passages: pa.Table, streams: Streams) -> tuple[Streams, Numbers]:
    """The streams that the plan's passages are of, and for each of these passages the place of its stream.

    streams: by the plan's kind of subject; split where it holds keys constant
    """
    held = plan.definition.held
    if not held:
        return streams, np.searchsorted(streams.subjects, passages["subject"].to_numpy())
    split = Held(streams, held)
    starts = pa.array(split.offsets[:-1])
    theirs = keys(pa.array(split.subjects), [as_words(split.column(path), starts) for path in held])
    found = pc.index_in(keys(_flat(passages["subject"]), [_flat(passages[path]) for path in held]), theirs)
    return split, found.to_numpy().astype(np.int64)


def keys(subjects: pa.Array, values: Sequence[pa.Array]) -> pa.Array:
    """Subjects and the values of held keys as one, null where any is; the subjects themselves where nothing is held."""
    if not values:
        return subjects
    return pc.binary_join_element_wise(subjects.cast(pa.string()), *(part.cast(pa.string()) for part in values), "\0")


def _flat(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    return pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values
