"""Who came back: subjects by the period in which they began, and the share of them that returned in each later one.

The cohort of a subject is the calendar period of its first event that starts it, and, where asked, the value that a
property had there. The log begins somewhere: what its first periods hold as beginners may have begun before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.journeys.analyses.activity import begun, retained
from cxminute.journeys.analyses.intervals import Z, wilson
from cxminute.journeys.analyses.periods import Periods
from cxminute.journeys.classes import read_only
from cxminute.model.errors import WrongUse
from cxminute.model.steps import Step
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]
Row = NDArray[np.float64]

ANY: Final = Step("any", kind="any")

RETENTION: Final = pa.schema(
    [
        ("cohort", pa.date32()),
        ("size", pa.int64()),
        ("period", pa.int32()),
        ("returned", pa.int64()),
        ("share", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("on_or_after", pa.int64()),
        ("share_on_or_after", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose return, and when.

    periods: of the whole log
    most:    periods after the cohort's own that are looked at, 1 or more
    start:   the step whose first event puts a subject into its cohort
    back:    the step whose events count as coming back
    by:      a path: cohorts are also told apart by its value at the first event
    """

    periods: Periods
    most: int
    start: Step = ANY
    back: Step = ANY
    by: str | None = None

    def __post_init__(self) -> None:
        """WrongUse where nothing would be looked at."""
        if self.most < 1:
            raise WrongUse(f"Nobody returns within {self.most} periods.", allowed="1 period or more")

    @property
    def reach(self) -> int:
        """Periods after the cohort's own that are counted: no more than the log has."""
        return min(self.most, max(len(self.periods) - 1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Retention:
    """Counts of subjects that add.

    groups:      values of the property, one row of each array; (None,) without one
    returned:    groups x cohorts x periods since, 0 to `Asked.reach`: how many came back in it; in 0, how many began
    on_or_after: how many came back in it or later
    """

    groups: tuple[str | None, ...]
    returned: Numbers
    on_or_after: Numbers

    def __add__(self, other: Retention) -> Retention:
        """The counts of other subjects beside these, in any order."""
        groups = tuple(dict.fromkeys((*self.groups, *other.groups)))
        found = [np.zeros((len(groups), *self.returned.shape[1:]), np.int64) for _ in range(2)]
        for part in (self, other):
            places = [groups.index(value) for value in part.groups]
            found[0][places] += part.returned
            found[1][places] += part.on_or_after
        return Retention(groups, *found)


def retain(asked: Asked, streams: Streams) -> Retention:
    """The counts of a bucket. A subject that returns often in a period counts once in it."""
    offsets, times = read_only(streams.offsets), read_only(streams.times)
    asked.periods.hold(times)
    began = begun(offsets, streams.matches(asked.start))
    groups, kept = _groups(asked, streams, began)
    many = len(asked.periods)
    returned, later = retained(
        offsets, times, began, streams.matches(asked.back), asked.periods.bounds, kept, asked.reach
    )
    rows = len(groups) * many
    shape = (len(groups), many, asked.reach + 1)
    return Retention(groups, returned[:rows].reshape(shape), later[:rows].reshape(shape))


def merged(asked: Asked, parts: Sequence[Retention]) -> Retention:
    """All parts as one; what buckets of any size and in any order give."""
    nothing = np.zeros((0, len(asked.periods), asked.reach + 1), np.int64)
    found = Retention((), nothing, nothing)
    for part in parts:
        found += part
    return found


def table(asked: Asked, found: Retention, *, closes_at: int) -> pa.Table:
    """One row a cohort and period, and first all cohorts together; with `by`, so for each value, largest first.

    closes_at: when the log was closed, UTC milliseconds
    returns:   `value` with `by` (null: the first event has none); cohort, the first day of its period, null for all
               together; size, subjects that began; period, how many later, 0 the cohort's own; returned, with share and
               95 % bounds (Wilson 1927; subjects are independent); on_or_after, those who came back in it or later.
               What belongs to a period that is not over when the log closes is null. All together counts, for each
               period, the cohorts for which it is over, and so has a size of its own in each. `on_or_after` of late
               cohorts may still grow
    """
    order = sorted(
        range(len(found.groups)),
        key=lambda place: (-int(found.returned[place, :, 0].sum()), found.groups[place] is None, found.groups[place]),
    )
    rows: list[dict[str, Any]] = []
    for place in order:
        named = {} if asked.by is None else {"value": found.groups[place]}
        rows += [{**named, **row} for row in _rows(asked, found.returned[place], found.on_or_after[place], closes_at)]
    fields = [*([pa.field("value", pa.string())] if asked.by else []), *RETENTION]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _groups(asked: Asked, streams: Streams, began: Numbers) -> tuple[tuple[str | None, ...], Numbers]:
    """The values at the first events, and for each subject which it has."""
    if asked.by is None:
        return (None,), np.zeros(began.size, np.int64)
    there = np.flatnonzero(began >= 0)
    values = streams.column(asked.by).take(pa.array(began[there])).cast(pa.string())
    coded = values.dictionary_encode()
    words = coded.dictionary.to_pylist()
    kept = np.zeros(began.size, np.int64)
    kept[there] = coded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    return (*words, *([None] if coded.indices.null_count else [])), kept


def _rows(asked: Asked, returned: Numbers, later: Numbers, closes_at: int) -> list[dict[str, Any]]:
    periods, over = asked.periods, asked.periods.over(closes_at)
    sizes = returned[:, 0]
    rows = []
    for since in range(min(asked.reach, len(periods) - 1) + 1):
        seen = slice(0, max(over - since, 0))
        if sizes[seen].any():
            rows.append(
                _row(
                    None, since, int(sizes[seen].sum()), int(returned[seen, since].sum()), int(later[seen, since].sum())
                )
            )
    for cohort in np.flatnonzero(sizes).tolist():
        for since in range(min(asked.reach, len(periods) - 1 - cohort) + 1):
            size = int(sizes[cohort])
            if cohort + since < over:
                counts = int(returned[cohort, since]), int(later[cohort, since])
                rows.append(_row(periods.starts[cohort], since, size, *counts))
            else:
                rows.append({"cohort": periods.starts[cohort], "period": since, "size": size})
    return rows


def _row(cohort: Any, since: int, size: int, returned: int, later: int) -> dict[str, Any]:
    low, high = wilson(returned / size, size, Z) if since else (1.0, 1.0)  # who began is there by definition
    return {
        "cohort": cohort,
        "size": size,
        "period": since,
        "returned": returned,
        "share": returned / size,
        "low": low,
        "high": high,
        "on_or_after": later,
        "share_on_or_after": later / size,
    }
