"""What is computed from passages: how far they came, how they ended, how long it took. Each answer is a table.

Passages are counted where they are found, bucket by bucket (`count`), and told of when all is added (`counted.merge`);
or counted from a table that holds them. Open passages are neither won nor lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.advance import CLOSED, ENDING, EVENT, OPENED, UNSEEN
from cxminute.journeys.analyses.counted import COUNTS, ENDED, HITS, WHOLE, WON, Count, Counted, Shape, Took, count_rows
from cxminute.journeys.classes import classify, read_only
from cxminute.journeys.find import as_words, walk
from cxminute.journeys.furthest import furthest, is_plain
from cxminute.journeys.plan import Plan
from cxminute.journeys.scan import DEEPEST, REACHED, SUBJECT
from cxminute.journeys.solo import Kept, alone, is_solo
from cxminute.model.errors import UnknownName
from cxminute.model.tables import ENDINGS, PASSAGE
from cxminute.store.protocols import Streams

__all__ = ["COUNTS", "Count", "count", "endings", "endings_of", "funnel", "funnel_of", "times", "times_of"]

Numbers = NDArray[np.int64]
Row = Mapping[str, object]

_GROUP: Final = [("value", pa.string())]
_SHARE: Final = [("share", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
_TIMES: Final = [("median_ms", pa.float64()), ("p90_ms", pa.float64())]
_COUNTS: Final = [(ending, pa.int64()) for ending in ENDINGS]
FUNNEL: Final = pa.schema(
    [("step", pa.int32()), ("label", pa.string()), ("reached", pa.int64()), *_COUNTS, *_SHARE, *_TIMES]
)
ENDINGS_TOLD: Final = pa.schema([("opened", pa.int64()), *_COUNTS, *_SHARE])
TOOK: Final = pa.schema([("ending", pa.string()), ("passages", pa.int64()), *_TIMES])


def count(
    plan: Plan,
    streams: Streams,
    *,
    closes_at: int,
    by: str | None = None,
    counting: Count = "passages",
    opened: tuple[int, int] | None = None,
    lasting: bool = False,
) -> Counted:
    """The passages of a bucket, counted: what `funnel_of`, `endings_of` and `times_of` tell, once all is merged.

    closes_at: when the log is closed, as of `find`
    by:        a path: passages are split by its value at the opening event
    counting:  'subjects' takes of each subject (in each group) the passage that came furthest, the earliest among
               equals; where they are not split, and one passage is open at a time or the plan is a plain chain,
               they are found without the others, which is quicker
    opened:    only passages that opened in this span count, UTC milliseconds, both ends included
    lasting:   whether to keep what `times_of` tells
    """
    shape = Shape.of(plan)
    if counting == "subjects" and by is None and (is_plain(plan) or is_solo(plan)):
        classes = classify(plan, streams)
        if is_plain(plan):
            rows = furthest(plan, streams, classes, closes_at, opened)
        else:
            facts = (plan.moves, read_only(streams.offsets), read_only(streams.times), *classes, closes_at)
            rows = alone(*facts, Kept(*(opened or (UNSEEN, -UNSEEN)), best=1))
        return count_rows(shape, rows, streams.subjects, count=counting, alone=True, lasting=lasting)
    rows, _ = walk(plan, streams, closes_at=closes_at)
    if opened is not None:
        rows = rows[(rows[:, OPENED] >= opened[0]) & (rows[:, OPENED] <= opened[1])]
    split = WHOLE if by is None else (by, as_words(streams.column(by), pa.array(rows[:, EVENT])))
    return count_rows(shape, rows, streams.subjects, split, count=counting, lasting=lasting)


def funnel(passages: pa.Table, plan: Plan, by: str | None = None, count: Count = "passages") -> pa.Table:
    """One row a step, and with `by` one a step and value: how many reached it, and how those ended who came no further.

    by:      a dimension column of the passages
    count:   'subjects' takes of each subject (in each group) the passage that came furthest, the earliest among equals
    returns: `value` with `by` (null: the opening event has none), largest group first; step from 1; label; reached;
             completed, broken, expired, open: those that reached no step after it in the pattern's text and so ended,
             or stand there; share of those that opened with its bounds; median and p90 of milliseconds from the step
             before on their way, over those that reached both, nan where none did
    """
    return funnel_of(_counted(passages, Shape.of(plan), by, held=plan.definition.held, count=count), plan)


def funnel_of(counted: Counted, plan: Plan) -> pa.Table:
    """The same, of passages that were counted."""
    rows = [{**_value(counted, group), **row} for group in _shown(counted) for row in _steps(counted, group, plan)]
    return _table(rows, FUNNEL, counted)


def endings(passages: pa.Table, by: str | None = None) -> pa.Table:
    """How passages ended: one row, or one a value of `by`, largest group first.

    returns: `value` with `by`; opened; completed, broken, expired, open; the share of completed among those that ended,
             with its bounds (nan, 0 and 1 where none has)
    """
    return endings_of(_counted(passages, _ANYWHERE, by))


def endings_of(counted: Counted) -> pa.Table:
    """The same, of passages that were counted."""
    rows = []
    for group in _shown(counted):
        estimate, low, high = counted.share(group, WON, among=ENDED)
        ends = dict(zip(ENDINGS, counted.ended[group].sum(axis=0).tolist(), strict=True))
        bounds = {"share": estimate, "low": low, "high": high}
        rows.append({**_value(counted, group), "opened": int(counted.totals[group, 0]), **ends, **bounds})
    return _table(rows, ENDINGS_TOLD, counted)


def times(passages: pa.Table, by: str | None = None) -> pa.Table:
    """How long passages took from opening to each ending that occurred: median and p90 in milliseconds.

    Those still open have no time yet and are not in it: where many are open, the times of the others are too short.
    """
    return times_of(_counted(passages, _ANYWHERE, by, lasting=True))


def times_of(counted: Counted) -> pa.Table:
    """The same, of passages that were counted with `lasting`."""
    rows = [
        {**_value(counted, group), "ending": ending, "passages": len(took), **_quantiles(took)}
        for group in _shown(counted)
        for ending, lasted in zip(ENDINGS, counted.lasted, strict=False)
        if len(took := _of_group(counted, lasted, group))
    ]
    return _table(rows, TOOK, counted)


_ANYWHERE: Final = Shape(np.zeros(1, np.int64), 0)
"""For counts that do not ask how far a passage came."""


def _steps(counted: Counted, group: int, plan: Plan) -> Iterator[Row]:
    firsts = plan.draft.firsts
    for place, label in enumerate(plan.labels):
        estimate, low, high = counted.share(group, HITS + place)
        if firsts == (place,) and len(plan.draft.positions[place].steps) == 1 and estimate == 1:
            low = high = 1.0  # the one step that opens every passage: that is no estimate
        yield {
            "step": place + 1,
            "label": label,
            "reached": int(counted.totals[group, HITS + place]),
            **dict(zip(ENDINGS, counted.ended[group, place].tolist(), strict=True)),
            "share": estimate,
            "low": low,
            "high": high,
            **_quantiles(_of_group(counted, counted.took[place], group)),
        }


def _shown(counted: Counted) -> Iterator[int]:
    """Of a whole its one group, also where it holds nothing; else the groups that hold something, largest first."""
    return iter((0,)) if counted.by is None else counted.in_order()


def _value(counted: Counted, group: int) -> Row:
    return {} if counted.by is None else {"value": counted.values[group]}


def _of_group(counted: Counted, took: Took, group: int) -> Numbers:
    lengths, groups = took
    return lengths if len(counted.values) == 1 else lengths[groups == group]


def _counted(
    passages: pa.Table,
    shape: Shape,
    by: str | None,
    *,
    held: tuple[str, ...] = (),
    count: Count = "passages",
    lasting: bool = False,
) -> Counted:
    """The passages of a table, counted; held: columns that make, with the subject, the keys of a stream."""
    if by is not None and by not in passages.column_names:
        known = [name for name in passages.column_names if name not in PASSAGE.names]
        raise UnknownName("dimension of these passages", by, known)
    rows = _rows(passages, 0 if shape is _ANYWHERE else shape.before.size)
    subjects = rows[:, SUBJECT].copy()
    keys = [_coded(passages[path]) for path in reversed(held) if path in passages.column_names]
    order = np.lexsort((rows[:, OPENED], *keys, subjects))
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = np.logical_or.reduce([key[order][1:] != key[order][:-1] for key in (subjects, *keys)])
    rows[order, SUBJECT] = np.cumsum(fresh) - 1
    words = None
    if by is not None:
        words = passages[by].cast(pa.string()).combine_chunks().take(pa.array(order))
    return count_rows(shape, rows[order], subjects[order][fresh], (by, words), count=count, lasting=lasting)


def _coded(words: pa.ChunkedArray) -> Numbers:
    """A number for each text, the same for the same; -1 for null."""
    codes = words.cast(pa.string()).combine_chunks().dictionary_encode().indices
    return np.asarray(codes.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _rows(passages: pa.Table, places: int) -> Numbers:
    """Passages as `scan.REACHED` describes them; without places, all stand at their opening."""
    rows = np.zeros((len(passages), REACHED + max(places, 1)), np.int64)
    rows[:, OPENED] = _ms(passages["opened_at"])
    rows[:, SUBJECT] = passages["subject"].to_numpy()
    rows[:, CLOSED] = _ms(passages["closed_at"])
    rows[:, ENDING] = pc.index_in(passages["ending"].cast(pa.string()), pa.array(ENDINGS)).to_numpy()
    rows[:, DEEPEST] = passages["deepest"].to_numpy()
    rows[:, REACHED] = rows[:, OPENED]
    if places:
        lists = passages["reached_at"].combine_chunks()
        rows[:, REACHED:] = _ms(lists.flatten()).reshape(len(passages), places)
    return rows


def _ms(moments: pa.Array) -> Numbers:
    """UTC milliseconds; UNSEEN for null."""
    found: Numbers = moments.cast(pa.int64()).fill_null(UNSEEN).to_numpy(zero_copy_only=False)
    return found


def _quantiles(took: Numbers) -> Row:
    if not len(took):
        return {"median_ms": float("nan"), "p90_ms": float("nan")}
    median, p90 = np.quantile(took, [0.5, 0.9])
    return {"median_ms": float(median), "p90_ms": float(p90)}


def _table(rows: list[dict[str, object]], schema: pa.Schema, counted: Counted) -> pa.Table:
    fields = [*(pa.field(*field) for field in _GROUP), *schema] if counted.by else list(schema)
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
