"""Events that are in memory, put together by subject and in order: the same order as a run of the index has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.store import kernels
from cxminute.store.runs import settle

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ordered:
    """Events by subject, each subject's by (at, source, position, id).

    subjects: number of each subject, ascending
    offsets:  one more than subjects
    rows:     for each event, which of the events given it is; empty where nobody asked
    """

    subjects: Ints
    offsets: Ints
    times: Ints
    codes: NDArray[np.uint16]
    rows: Ints


def by_subject(
    given: Ints,
    there: NDArray[np.bool_],
    times: Ints,
    codes: NDArray[np.uint16],
    *,
    ranks: Ints,
    positions: Callable[[Ints], Ints] | None,
    ids: Callable[[Ints], pa.Array] | None,
    keep_rows: bool = True,
) -> Ordered:
    """The events that have a subject, by subject and in order.

    given:     number of each event's subject; there: whether it has one
    ranks:     by code, the place of its source among all sources by name
    positions: of the events at these places; asked only where subject, time and source tie. ids: where those tie too.
               Without either, such events stay in the order in which they are given
    keep_rows: whether it matters which event is which, to put columns beside them
    """
    whole = bool(there.all())
    subjects, found = ranked(given if whole else given[there])
    local = found
    if not whole:
        local = np.full(given.size, -1, np.int64)
        local[there] = found
    offsets = np.zeros(subjects.size + 1, np.int64)
    np.cumsum(np.bincount(found, minlength=subjects.size), out=offsets[1:])
    total = int(offsets[-1])
    # Of one source, without position or id, ties stay as they are given: nothing is left to settle.
    settles = positions is not None or ids is not None or bool((ranks != ranks[:1]).any())
    rows = np.empty(total if keep_rows or settles else 0, np.int64)
    out_times, out_codes = np.empty(total, np.int64), np.empty(total, np.uint16)
    kernels.scatter(local, times, codes, 0, offsets[:-1].copy(), out_times, out_codes, rows)
    kernels.put_in_order(offsets, out_times, out_codes, rows)
    places, groups = kernels.tied(offsets, out_times) if settles else (rows[:0], rows[:0])
    if places.size:
        tied = rows[places]
        order = settle(
            groups,
            ranks[out_codes[places]],
            np.zeros(tied.size, np.int64) if positions is None and ids is None else tied,
            lambda asked: np.zeros_like(asked) if positions is None else positions(tied[asked]),
            lambda asked: pa.nulls(asked.size, pa.string()) if ids is None else ids(tied[asked]),
        )
        rows[places], out_codes[places] = tied[order], out_codes[places][order]
    return Ordered(subjects, offsets, out_times, out_codes, rows)


def ranked(numbers: Ints) -> tuple[Ints, Ints]:
    """The different numbers, ascending, and the place of each number among them: by a table where they lie close."""
    if not numbers.size:
        return numbers, numbers
    low, high = int(numbers.min()), int(numbers.max())
    span = high - low + 1
    if span > _CLOSE * numbers.size + _FEW:
        different, places = np.unique(numbers, return_inverse=True)
        return different, places.astype(np.int64)
    there = np.zeros(span, np.bool_)
    from_low = numbers - low if low else numbers
    there[from_low] = True
    places = np.cumsum(there) - 1
    return np.flatnonzero(there) + low, places[from_low]


_CLOSE, _FEW = 4, 65_536
"""A table may have four times as many places as there are numbers, and some more; beyond, sorting takes less memory."""
