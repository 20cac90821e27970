"""Loops of the journey index, compiled: counting, scattering, putting in order. All release the GIL.

Subjects are local numbers from 0; a negative number is an event without a subject, or one that was dropped.
Nothing here sorts all events: events are counted into their subjects' places, and only a subject whose events are
out of order is sorted, alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_INTS = types.Array(types.int64, 1, "C")
_INTS_READ = types.Array(types.int64, 1, "C", readonly=True)
_CODES = types.Array(types.uint16, 1, "C")
_CODES_READ = types.Array(types.uint16, 1, "C", readonly=True)
_COUNTS = types.Array(types.uint32, 1, "C")


@njit(types.void(_INTS_READ, _COUNTS), cache=True, nogil=True)
def count(subjects: NDArray[np.int64], counts: NDArray[np.uint32]) -> None:
    """Adds to `counts` how many events each subject has."""
    for i in range(subjects.size):
        if subjects[i] >= 0:
            counts[subjects[i]] += 1


@njit(types.void(_INTS_READ, _INTS_READ, _CODES_READ, types.int64, _INTS, _INTS, _CODES, _INTS), cache=True, nogil=True)
def scatter(
    subjects: NDArray[np.int64],
    times: NDArray[np.int64],
    codes: NDArray[np.uint16],
    first_row: int,
    cursors: NDArray[np.int64],
    out_times: NDArray[np.int64],
    out_codes: NDArray[np.uint16],
    out_rows: NDArray[np.int64],
) -> None:
    """Puts each event at its subject's cursor and moves the cursor on; events of a subject keep their order.

    first_row: the ordinal of the first event given, counted over all that are scattered
    out_rows:  takes the ordinals; of length 0 where nobody asks for them
    """
    keep_rows = out_rows.size > 0
    for i in range(subjects.size):
        subject = subjects[i]
        if subject < 0:
            continue
        place = cursors[subject]
        cursors[subject] = place + 1
        out_times[place] = times[i]
        out_codes[place] = codes[i]
        if keep_rows:
            out_rows[place] = first_row + i


@njit(types.int64(_INTS_READ, _INTS, _CODES, _INTS), cache=True, nogil=True)
def put_in_order(
    offsets: NDArray[np.int64], times: NDArray[np.int64], codes: NDArray[np.uint16], rows: NDArray[np.int64]
) -> int:
    """Sorts by time, stably, the events of every subject that is out of order; returns how many subjects were.

    rows: moved along; of length 0 where nobody asks for them
    """
    keep_rows = rows.size > 0
    mended = 0
    for subject in range(offsets.size - 1):
        start, stop = offsets[subject], offsets[subject + 1]
        late = start + 1
        while late < stop and times[late - 1] <= times[late]:
            late += 1
        if late >= stop:
            continue
        mended += 1
        if stop - start <= 48:  # about where insertion stops being the faster one
            for i in range(late, stop):
                time, code = times[i], codes[i]
                row = rows[i] if keep_rows else 0
                j = i
                while j > start and times[j - 1] > time:
                    times[j] = times[j - 1]
                    codes[j] = codes[j - 1]
                    if keep_rows:
                        rows[j] = rows[j - 1]
                    j -= 1
                times[j] = time
                codes[j] = code
                if keep_rows:
                    rows[j] = row
        else:
            order = np.argsort(times[start:stop], kind="mergesort")
            times[start:stop] = times[start:stop][order]
            codes[start:stop] = codes[start:stop][order]
            if keep_rows:
                rows[start:stop] = rows[start:stop][order]
    return mended


_TWO = types.UniTuple(_INTS, 2)  # type: ignore[no-untyped-call]  # numba ships its types half told


@njit(_TWO(_INTS_READ, _INTS_READ), cache=True, nogil=True)
def tied(offsets: NDArray[np.int64], times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every event that shares subject and time with another: its place, ascending, and the number of its group."""
    found = 0
    for subject in range(offsets.size - 1):
        start, stop = offsets[subject], offsets[subject + 1]
        for i in range(start, stop):
            if (i > start and times[i - 1] == times[i]) or (i + 1 < stop and times[i + 1] == times[i]):
                found += 1
    places = np.empty(found, np.int64)
    groups = np.empty(found, np.int64)
    found, group = 0, -1
    for subject in range(offsets.size - 1):
        start, stop = offsets[subject], offsets[subject + 1]
        for i in range(start, stop):
            after = i > start and times[i - 1] == times[i]
            if after or (i + 1 < stop and times[i + 1] == times[i]):
                group += 0 if after else 1
                places[found] = i
                groups[found] = group
                found += 1
    return places, groups


@njit(_INTS(_INTS_READ, _INTS_READ), cache=True, nogil=True)
def spread(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers `starts[i], starts[i] + 1, ...`, `counts[i]` of them, one stretch after the other."""
    total = 0
    for i in range(counts.size):
        total += counts[i]
    out = np.empty(total, np.int64)
    place = 0
    for i in range(counts.size):
        for j in range(counts[i]):
            out[place] = starts[i] + j
            place += 1
    return out
