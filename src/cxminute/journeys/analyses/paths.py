"""Off the path: which passages went otherwise than the journey declares, and whether they end otherwise.

- **skipped**: a position was not reached that an edge leads around (an optional step) whose both ends were reached. Of
  several ways (`or`) the one not taken is not skipped, and a step that must come cannot be.
- **repeated**: an event of a step that was reached earlier came again, and reached nothing for the first time. Under
  `{n}` the n events that are asked for are no repetition; a group counts from when it is reached.
- **reversed**: an event of a step came before any position was reached that leads to one with this step.

All by the millisecond: events of one time are in no order, those of the opening's are not looked at, those of the
ending's are. Steps that match any event, guards and `unless` say nothing of order. A passage may deviate in several
ways; one that deviates in none is on the path. A skip is known only once a position after it was reached: who skipped
has come further than who has not yet had the chance, so that they complete oftener for that reason alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.advance import UNSEEN
from cxminute.journeys.analyses.contrast import difference
from cxminute.journeys.analyses.intervals import Clusters
from cxminute.journeys.analyses.order import REPEATED, REVERSED, SKIPPED, Order, deviations
from cxminute.journeys.analyses.split import groups
from cxminute.journeys.classes import classify, read_only
from cxminute.journeys.nesting.whereabouts import stream_of
from cxminute.journeys.plan import Plan
from cxminute.model.tables import ENDINGS
from cxminute.model.times import DAY
from cxminute.store.protocols import Streams

Flags = NDArray[np.bool_]

WAYS: Final = {"skipped": SKIPPED, "repeated": REPEATED, "reversed": REVERSED}
OFF_PATH: Final = pa.schema(
    [
        ("path", pa.string()),
        ("passages", pa.int64()),
        *((name, pa.float64()) for name in ("share", "low", "high")),
        *((ending, pa.int64()) for ending in ENDINGS),
        *((f"completed_{name}", pa.float64()) for name in ("share", "low", "high")),
        *((f"difference{name}", pa.float64()) for name in ("", "_low", "_high")),
    ]
)


def deviate(plan: Plan, finder: Callable[[Streams], pa.Table], streams: Streams, *, closes_at: int) -> pa.Table:
    """The passages of a bucket, with columns `skipped`, `repeated` and `reversed`.

    finder:    what finds the plan's passages, such as `find.find` with all but the streams
    closes_at: when the log is closed, as of `find`: an open passage is looked at until then
    """
    passages = finder(streams)
    own, places = stream_of(plan, passages, streams)
    codes, masks = classify(plan, own)
    opened = passages["opened_at"].cast(pa.int64()).to_numpy()
    closed = pc.fill_null(passages["closed_at"].cast(pa.int64()), closes_at).to_numpy()
    reached = passages["reached_at"].combine_chunks().flatten().cast(pa.int64()).fill_null(UNSEEN).to_numpy()
    found = deviations(
        Order.of(plan),
        read_only(own.offsets),
        read_only(own.times),
        codes,
        masks,
        read_only(np.column_stack([places, opened, closed])),
        read_only(reached.reshape(len(passages), len(plan.labels))),
    )
    for name, bit in WAYS.items():
        passages = passages.append_column(name, pa.array(found & bit != 0))
    return passages


def off_path(passages: pa.Table, by: str | None = None) -> pa.Table:
    """How many passages left the path in which way, and how they ended beside those that did not.

    passages: as `deviate` gives them, of all buckets
    by:       a dimension column
    returns:  `value` with `by`, largest group first; path: 'on path', 'off path' (in any way), then 'skipped',
              'repeated', 'reversed', which overlap; passages, with their share of all and its bounds; completed,
              broken, expired, open; completed_share of those that ended, with bounds; difference of that share to the
              passages on the path, with bounds (`contrast.difference`), null on the path itself and where either has no
              ending. Shares with 95 % intervals clustered by subject and UTC day of opening. A difference is not an
              effect: who leaves the path may be unlike who stays
    """
    rows: list[dict[str, Any]] = []
    for value, part in groups(passages, by):
        rows += [{"value": value, **row} if by else row for row in _rows(part)]
    fields = [*([pa.field("value", pa.string())] if by else []), *OFF_PATH]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _rows(passages: pa.Table) -> Iterator[dict[str, Any]]:
    subjects = passages["subject"].to_numpy()
    days = passages["opened_at"].cast(pa.int64()).to_numpy() // DAY
    code = pc.index_in(passages["ending"].cast(pa.string()), pa.array(ENDINGS)).to_numpy().astype(np.int64)
    completed, ended = code == ENDINGS.index("completed"), code != ENDINGS.index("open")
    everyone = Clusters.of(subjects, days)
    ways: dict[str, Flags] = {name: passages[name].to_numpy() for name in WAYS}
    off = np.logical_or.reduce(list(ways.values()))
    on = ~off
    for name, ours in {"on path": on, "off path": off, **ways}.items():
        mine = ours & ended
        share = everyone.share(ours)
        won = Clusters.of(subjects[mine], days[mine]).share(completed[mine])
        both = mine | (on & ended)
        beside: tuple[float | None, ...] = (None, None, None)
        if name != "on path" and mine.any() and (on & ended).any():
            beside = difference(subjects[both], days[both], completed[both], mine[both])
        yield {
            "path": name,
            "passages": int(ours.sum()),
            **dict(zip(("share", "low", "high"), share, strict=True)),
            **dict(zip(ENDINGS, np.bincount(code[ours], minlength=len(ENDINGS)).tolist(), strict=True)),
            **{f"completed_{end}": figure for end, figure in zip(("share", "low", "high"), won, strict=True)},
            **{f"difference{end}": figure for end, figure in zip(("", "_low", "_high"), beside, strict=True)},
        }
