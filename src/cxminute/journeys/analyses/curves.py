"""Completion over time: which share had completed, broken or expired by when, with open passages neither won nor lost.

The estimator is Aalen and Johansen's (1978): endings compete, since a passage that broke cannot complete any more, and
a passage that is open when the log closes counts for as long as it was seen. An expiry comes at a deadline known in
advance; it is an ending like any other, at that deadline, so that completed, broken, expired and left always make one.
Bounds respect that passages share subjects and days (`likeness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.analyses.incidence import AT_RISK, CODES, KINDS, KNOWN, LEFT, SHARE, VARIANCE, incidence
from cxminute.journeys.analyses.intervals import Z
from cxminute.journeys.analyses.likeness import Seen, inflation
from cxminute.journeys.analyses.split import groups
from cxminute.model.tables import ENDINGS, WORD
from cxminute.model.times import DAY

Numbers = NDArray[np.int64]
Row = NDArray[np.float64]

POINTS: Final = 400
"""Moments of a curve that a picture can show; the estimate at each is exact whatever their number."""
TAIL: Final = 0.025

_GROUP: Final = [("value", pa.string())]
CURVE: Final = pa.schema(
    [
        ("at_ms", pa.int64()),
        ("at_risk", pa.int64()),
        *((f"{ending}{end}", pa.float64()) for ending in ENDINGS[:KINDS] for end in ("", "_low", "_high")),
        ("left", pa.float64()),
    ]
)
MEDIANS: Final = pa.schema(
    [
        ("passages", pa.int64()),
        ("completed", pa.int64()),
        ("median_ms", pa.float64()),
        ("low_ms", pa.float64()),
        ("high_ms", pa.float64()),
    ]
)


def curve(passages: pa.Table, *, closes_at: int, by: str | None = None, points: int = POINTS) -> pa.Table:
    """The share of passages that had come to each ending by a time since opening, a row a time.

    passages:  model.tables.PASSAGE
    closes_at: when the log was closed, UTC milliseconds: an open passage was seen from its opening until then
    by:        a dimension column: a curve for each of its values
    points:    about how many rows a curve has at most: the opening, times at which about equally many come to each
               ending or leave sight, the last
    returns:   `value` with `by` (null: the opening event has none), largest group first; at_ms since opening; at_risk,
               those that had neither ended nor left sight just before; share of each ending by then, that millisecond
               included, with bounds; left, the share that has not ended. No row without any passage
    source:    variance after Marubini and Valsecchi (1995), as for Greenwood; 95 % bounds on the scale of log(-log)
               (Kalbfleisch and Prentice 1980), wider by what `likeness.inflation` finds passages of one subject or day
               to have in common. Where nobody or all had come to an ending, exact bounds for as many as are known to
               have or not
    """
    tables = []
    for value, seen in _seen(passages, closes_at, by):
        moments = _moments(seen.keys, points)
        told, _ = incidence(seen.keys, moments, 1.0, Z)
        wider = inflation(seen, moments, told)
        columns: list[NDArray[np.int64] | Row] = [moments, told[:, AT_RISK].astype(np.int64)]
        for kind in range(KINDS):
            share = np.clip(told[:, SHARE + kind], 0.0, 1.0)
            variance = told[:, VARIANCE + kind] * wider[:, kind]
            columns += [share, *_bounds(share, variance, told[:, KNOWN] / wider[:, kind])]
        columns.append(told[:, LEFT])
        tables.append(_table(columns, CURVE, value, by))
    return pa.concat_tables(tables) if tables else _table([[] for _ in CURVE], CURVE, None, by)


def medians(passages: pa.Table, *, closes_at: int, by: str | None = None) -> pa.Table:
    """The time since opening by which half of all passages had completed, a row, or one a value of `by`.

    returns: `value` with `by`; passages; how many completed; median_ms with its bounds: when the upper bound of the
             share reached a half, and when the lower did (Brookmeyer and Crowley 1982), both as wide as they are at the
             median; null where it has not been reached: half may never complete, and then there is no such time
    """
    tables = []
    for value, seen in _seen(passages, closes_at, by):
        moments = _moments(seen.keys, POINTS)
        told, crossed = incidence(seen.keys, moments, 0.5, Z)
        wider = float(np.interp(min(crossed[0], moments[-1]), moments, inflation(seen, moments, told)[:, 0]))
        if wider > 1:
            _, crossed = incidence(seen.keys, moments[-1:], 0.5, Z * wider**0.5)
        completed = int((seen.endings == ENDINGS.index("completed")).sum())
        times = [pa.array([time], pa.float64(), mask=np.array([np.isinf(time)])) for time in crossed.tolist()]
        tables.append(_table([[len(seen.keys)], [completed], *times], MEDIANS, value, by))
    return pa.concat_tables(tables) if tables else _table([[] for _ in MEDIANS], MEDIANS, None, by)


def _seen(passages: pa.Table, closes_at: int, by: str | None) -> Iterator[tuple[str | None, Seen]]:
    """Of each group that has passages, how long they were seen, and as what they ended."""
    for value, part in groups(passages, by):
        if not len(part):
            continue
        opened = part["opened_at"].cast(pa.int64()).to_numpy()
        closed = pc.fill_null(part["closed_at"].cast(pa.int64()), closes_at).to_numpy()
        took = np.maximum(closed - opened, 0)
        endings = _codes(part["ending"])
        yield value, Seen(np.sort(took * CODES + endings), took, endings, part["subject"].to_numpy(), opened // DAY)


def _codes(endings: pa.ChunkedArray) -> Numbers:
    """The place of each in ENDINGS; words are compared once each, not once a passage."""
    words = endings.cast(WORD).unify_dictionaries().combine_chunks()
    words = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
    places = pc.index_in(words.dictionary, pa.array(ENDINGS)).to_numpy(zero_copy_only=False).astype(np.int64)
    found: Numbers = places[words.indices.to_numpy()]
    return found


def _moments(keys: Numbers, points: int) -> Numbers:
    """The opening, times at which about equally many come to each ending, and the last; all where they are few."""
    chosen = [np.zeros(1, np.int64), keys[-1:] // CODES]
    kinds = keys % CODES
    for kind in range(CODES):
        times = keys[kinds == kind] // CODES
        chosen.append(times[np.linspace(0, max(len(times) - 1, 0), min(points // CODES, len(times))).astype(np.int64)])
    return np.unique(np.concatenate(chosen))


def _bounds(share: Row, variance: Row, known: Row) -> tuple[Row, Row]:
    """95 % bounds of shares; exact ones where nobody or all of the known have come to the ending."""
    inner = (share > 0) & (share < 1)
    safe = np.where(inner, share, 0.5)
    with np.errstate(over="ignore"):  # a handful of passages may know nothing: the bounds are then 0 and 1
        power = np.exp(Z * np.sqrt(variance) / (safe * -np.log(safe)))
    none, every = 1 - TAIL ** (1 / known), TAIL ** (1 / known)
    low = np.where(inner, safe**power, np.where(share > 0, every, 0.0))
    high = np.where(inner, safe ** (1 / power), np.where(share > 0, 1.0, none))
    return low, high


def _table(columns: Sequence[object], schema: pa.Schema, value: str | None, by: str | None) -> pa.Table:
    fields = [*(pa.field(*field) for field in _GROUP), *schema] if by else list(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    named = [pa.array([value] * len(arrays[0]), pa.string()), *arrays] if by else arrays
    return pa.Table.from_arrays(named, schema=pa.schema(fields))
