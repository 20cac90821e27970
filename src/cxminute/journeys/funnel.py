"""What is computed from passages: how far they came, how they ended, how long it took. Each answer is a table.

Shares stand with a 95 % interval (`intervals.Clusters`) clustered by subject and by the UTC day of opening: passages
of one person and of one day resemble one another. Open passages are neither won nor lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.intervals import Clusters
from cxminute.journeys.plan import Plan
from cxminute.model.errors import UnknownName
from cxminute.model.tables import ENDINGS, PASSAGE
from cxminute.model.times import DAY

Numbers = NDArray[np.int64]
Count = Literal["passages", "subjects"]
COUNTS: Final[tuple[Count, ...]] = ("passages", "subjects")
Row = Mapping[str, object]

_GROUP: Final = [("value", pa.string())]
_SHARE: Final = [("share", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
_TIMES: Final = [("median_ms", pa.float64()), ("p90_ms", pa.float64())]
_COUNTS: Final = [(ending, pa.int64()) for ending in ENDINGS]
FUNNEL: Final = pa.schema(
    [("step", pa.int32()), ("label", pa.string()), ("reached", pa.int64()), *_COUNTS, *_SHARE, *_TIMES]
)
ENDED: Final = pa.schema([("opened", pa.int64()), *_COUNTS, *_SHARE])
TOOK: Final = pa.schema([("ending", pa.string()), ("passages", pa.int64()), *_TIMES])


def funnel(passages: pa.Table, plan: Plan, by: str | None = None, count: Count = "passages") -> pa.Table:
    """One row a step, and with `by` one a step and value: how many reached it, and how those ended who came no further.

    by:      a dimension column of the passages
    count:   'subjects' takes of each subject (in each group) the passage that came furthest, the earliest among equals
    returns: `value` with `by` (null: the opening event has none), largest group first; step from 1; label; reached;
             completed, broken, expired, open: those that came no further and so ended, or stand there;
             share of those that opened with its bounds; median and p90 of milliseconds from the step before, over
             those that reached both, nan where none did
    """
    rows = [{**group, **row} for group, part in _groups(passages, by) for row in _funnel(_furthest(part, count), plan)]
    return _table(rows, FUNNEL, by)


def endings(passages: pa.Table, by: str | None = None) -> pa.Table:
    """How passages ended: one row, or one a value of `by`, largest group first.

    returns: `value` with `by`; opened; completed, broken, expired, open; the share of completed among those that ended,
             with its bounds (nan, 0 and 1 where none has)
    """
    return _table([{**group, **_endings(part)} for group, part in _groups(passages, by)], ENDED, by)


def times(passages: pa.Table, by: str | None = None) -> pa.Table:
    """How long passages took from opening to each ending that occurred: median and p90 in milliseconds.

    Those still open have no time yet and are not in it: where many are open, the times of the others are too short.
    """
    rows = [
        {**group, "ending": ending, "passages": int(ends.sum()), **_quantiles(took[ends])}
        for group, part in _groups(passages, by)
        for took, code in [(_ms(part["closed_at"]) - _ms(part["opened_at"]), _codes(part))]
        for place, ending in enumerate(ENDINGS[:-1])
        if (ends := code == place).any()
    ]
    return _table(rows, TOOK, by)


def _funnel(passages: pa.Table, plan: Plan) -> Iterator[Row]:
    places = len(plan.labels)
    reached = _reached(passages, places)
    there = ~np.isnan(reached)
    furthest = places - 1 - np.argmax(there[:, ::-1], axis=1) if len(passages) else np.empty(0, np.int64)
    code = _codes(passages)
    clusters = _clusters(passages)
    for place, label in enumerate(plan.labels):
        of_last = np.bincount(code[furthest == place], minlength=len(ENDINGS))
        estimate, low, high = clusters.share(there[:, place])
        took = reached[:, place] - reached[:, place - 1] if place else np.empty(0)
        yield {
            "step": place + 1,
            "label": label,
            "reached": int(there[:, place].sum()),
            **dict(zip(ENDINGS, of_last.tolist(), strict=True)),
            "share": estimate,
            "low": low,
            "high": high,
            **_quantiles(took[~np.isnan(took)]),
        }


def _endings(passages: pa.Table) -> Row:
    code = _codes(passages)
    ended = code != ENDINGS.index("open")
    clusters = _clusters(passages.filter(pa.array(ended)))
    estimate, low, high = clusters.share(code[ended] == ENDINGS.index("completed"))
    counts = np.bincount(code, minlength=len(ENDINGS)).tolist()
    bounds = {"share": estimate, "low": low, "high": high}
    return {"opened": len(passages), **dict(zip(ENDINGS, counts, strict=True)), **bounds}


def _groups(passages: pa.Table, by: str | None) -> Iterator[tuple[Row, pa.Table]]:
    """The passages of each value of a column, largest group first, then by value; null last among equals."""
    if by is None:
        yield {}, passages
        return
    if by not in passages.column_names:
        known = [name for name in passages.column_names if name not in PASSAGE.names]
        raise UnknownName("dimension of these passages", by, known)
    values = passages[by].cast(pa.string()).combine_chunks().dictionary_encode()
    words = [*values.dictionary.to_pylist(), None]
    codes = values.indices.fill_null(len(words) - 1).to_numpy()
    counts = np.bincount(codes, minlength=len(words))
    starts = np.cumsum(counts) - counts
    sorted_by_code = passages.unify_dictionaries().take(pa.array(np.argsort(codes, kind="stable")))
    occurring = [code for code in range(len(words)) if counts[code]]
    for code in sorted(occurring, key=lambda code: (-counts[code], words[code] is None, words[code] or "")):
        yield {"value": words[code]}, sorted_by_code.slice(int(starts[code]), int(counts[code]))


def _furthest(passages: pa.Table, count: Count) -> pa.Table:
    if count == "passages":
        return passages
    subjects = passages["subject"].to_numpy()
    order = np.lexsort((_ms(passages["opened_at"]), -passages["deepest"].to_numpy().astype(np.int64), subjects))
    _, first = np.unique(subjects[order], return_index=True)
    return passages.unify_dictionaries().take(pa.array(order[first]))


def _clusters(passages: pa.Table) -> Clusters:
    """By subject, and by the UTC day on which they opened."""
    return Clusters.of(passages["subject"].to_numpy(), _ms(passages["opened_at"]).astype(np.int64) // DAY)


def _codes(passages: pa.Table) -> Numbers:
    """For each passage the place of its ending in ENDINGS."""
    found: Numbers = pc.index_in(passages["ending"].cast(pa.string()), pa.array(ENDINGS)).to_numpy().astype(np.int64)
    return found


def _reached(passages: pa.Table, places: int) -> NDArray[np.float64]:
    """Milliseconds at which each step was first reached, a row a passage; nan where it was not."""
    lists = passages["reached_at"].combine_chunks()
    return _ms(lists.flatten()).reshape(len(passages), places)


def _ms(moments: pa.Array) -> NDArray[np.float64]:
    """UTC milliseconds, exact as floats; nan for null."""
    found: NDArray[np.float64] = moments.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return found


def _quantiles(took: NDArray[np.float64]) -> Row:
    if not len(took):
        return {"median_ms": float("nan"), "p90_ms": float("nan")}
    median, p90 = np.quantile(took, [0.5, 0.9])
    return {"median_ms": float(median), "p90_ms": float(p90)}


def _table(rows: list[dict[str, object]], schema: pa.Schema, by: str | None) -> pa.Table:
    fields = [*(pa.field(*field) for field in _GROUP), *schema] if by else list(schema)
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
