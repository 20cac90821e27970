"""For notebooks and other people's programs: journeys over any Arrow-capable table, with no project and no files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.definition import JourneyDefinition, Reentry
from cxminute.journeys.find import find
from cxminute.journeys.funnel import funnel as funnel_of
from cxminute.journeys.language import journey as define
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.errors import BadData, BadPattern, UnknownName, WrongUse
from cxminute.model.tables import MOMENT
from cxminute.model.times import to_ms
from cxminute.store.engines.local import LocalEngine
from cxminute.store.index import Index, in_memory


@dataclass(frozen=True)
class Journey:
    """A journey, ready to be looked for: what `journey` makes.

    definition: what was said; per: the columns whose values together are a subject
    """

    definition: JourneyDefinition
    per: tuple[str, ...]


def journey(
    pattern: str,
    *,
    window: str,
    per: str | Sequence[str] = "person",
    unless: Sequence[str] = (),
    ignoring: Sequence[str] = (),
    reentry: Reentry = "after exit",
) -> Journey:
    """A journey from its pattern.

    pattern:  steps in order, such as '"Product Viewed" -> "Order Completed" within 2 days'
    window:   from opening to completion, such as '14 days'
    per:      the column, or columns together, that say whose events form one stream
    unless:   steps that break a passage wherever it stands
    ignoring: events that `=>` looks through; not supported by this version yet, as `=>` is not
    reentry:  when another passage of a subject may open: 'once', 'after exit' or 'always'
    raises:   BadPattern with the place and what was expected; BadDefinition for a window that is none
    """
    keys = (per,) if isinstance(per, str) else tuple(per)
    if not keys:
        raise WrongUse("A journey is of a subject.", allowed='per = "person", or the names of columns')
    if ignoring:
        raise BadPattern("'ignoring' is not supported by this version yet: there is no '=>' to look through events.")
    return Journey(define(pattern, window=window, per=keys[0], unless=tuple(unless), reentry=reentry), keys)


def passages(journey: Journey, events: Any, *, as_of: datetime | int | None = None) -> pa.Table:
    """Every passage through a journey, sorted by subject and opening.

    events:  any Arrow-capable table (pandas, polars, DuckDB, pyarrow) with a column per key of `per`, `event` (text)
             and `at` (timestamp, or integer UTC milliseconds); other columns are properties. Events that tie keep
             the order of their rows; those without a subject or a time are left out, with a warning that counts them
    as_of:   close the log at this moment (aware, or UTC milliseconds); at the last event without it
    returns: the key columns, opened_at, closed_at (null while open), ending, deepest, reached_at, left_truncated
    raises:  UnknownName for a missing column, BadData for one of a wrong type
    """
    found, keys, _ = _found(journey, events, as_of, ())
    columns = {name: values.take(found["subject"].combine_chunks()) for name, values in keys.items()}
    shown = ("opened_at", "closed_at", "ending", "deepest", "reached_at", "left_truncated")
    return pa.table({**columns, **{name: found[name] for name in shown}})


def funnel(
    journey: Journey,
    events: Any,
    *,
    as_of: datetime | int | None = None,
    by: str | None = None,
    count: Literal["subjects", "passages"] = "subjects",
) -> pa.Table:
    """How many reached each step: one row a step, and with `by` one a step and value.

    events, as_of: as of `passages`
    by:      a column of the events: its value on the event that opened the passage
    count:   'subjects', each by the passage that came furthest, or 'passages'
    returns: step (from 1), label, reached; completed, broken, expired, open of those that came no further; share of
             those that opened with a 95 % interval; median_ms and p90_ms from the step before
    """
    path = () if by is None else (f"properties.{by}",)
    found, _, plan = _found(journey, events, as_of, path)
    return funnel_of(found, plan, path[0] if path else None, count)


def _found(
    journey: Journey, events: Any, as_of: datetime | int | None, dimensions: tuple[str, ...]
) -> tuple[pa.Table, dict[str, pa.Array], Plan]:
    """Passages by number of the subject, the key columns by that number, and the plan."""
    table = _table(events)
    for column in (*journey.per, "event", "at", *(path.partition(".")[2] for path in dimensions)):
        if column not in table.column_names:
            raise UnknownName("column", column, table.column_names)
    table = _whole(table, journey.per)
    numbers, keys = _subjects(table, journey.per)
    columns = {"subject": pa.array(numbers), "at": table["at"], "name": table["event"]}
    others = [name for name in table.column_names if name not in ("at", "event")]
    columns |= {f"properties.{name}": table[name] for name in others}
    closes_at = to_ms(as_of) if isinstance(as_of, datetime) else as_of
    index: Index = in_memory(pa.table(columns), "subject", closes_at)
    plan = compile_plan(journey.definition)

    def task(streams: Any) -> pa.Table:
        return find(plan, streams, opens_at=index.opens_at, closes_at=index.closes_at, dimensions=dimensions)

    def merge(tables: Sequence[pa.Table]) -> pa.Table:
        parts = tables or [task(in_memory(_ONE, "subject", 0).read(range(0)))]
        return pa.concat_tables(parts).unify_dictionaries()

    return LocalEngine().run(index, task, merge), keys, plan


def _table(events: Any) -> pa.Table:
    """Any Arrow-capable table as a pyarrow table, its texts as plain text whatever kind of text they were."""
    try:
        table = events if isinstance(events, pa.Table) else pa.table(events)
    except (TypeError, ValueError, pa.ArrowInvalid) as fault:
        allowed = "a table of pandas, polars, DuckDB or pyarrow, or a dict of columns"
        raise BadData(f"A {type(events).__name__} is no table.", allowed=allowed) from fault
    for place, column in enumerate(table.schema):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or kind != column.type:
            plain = table.column(place).cast(kind) if kind != column.type else table.column(place)
            table = table.set_column(place, column.name, plain.cast(pa.string()))
    return table


def _whole(table: pa.Table, per: tuple[str, ...]) -> pa.Table:
    """The events that have a subject and a time; the others are counted in a warning."""
    at = table["at"].type
    if not (pa.types.is_timestamp(at) or pa.types.is_integer(at)):
        raise BadData(f"Column 'at' is {at}.", allowed="timestamps, or integer UTC milliseconds")
    table = table.set_column(table.column_names.index("at"), "at", _moments(table["at"]))
    kept = np.ones(table.num_rows, np.bool_)
    for column in ("event", "at", *per):
        there = table[column].is_valid().to_numpy()
        if (missing := int((~there).sum())) > 0:
            said = f"Left out, for want of '{column}': {missing:,} of {table.num_rows:,} events."
            warnings.warn(said, stacklevel=5)
        kept &= there
    return table if kept.all() else table.filter(pa.array(kept))


def _moments(at: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_integer(at.type):
        return at.cast(pa.int64()).cast(MOMENT)
    zoned = at if at.type.tz else at.cast(pa.timestamp(at.type.unit, tz="UTC"))
    return pc.cast(zoned, MOMENT, safe=False)


def _subjects(table: pa.Table, per: tuple[str, ...]) -> tuple[NDArray[np.int64], dict[str, pa.Array]]:
    """A number per event, ascending with the subjects' keys, and each key's values by that number."""
    places = np.zeros(table.num_rows, np.int64)
    words: list[pa.Array] = []
    for name in per:
        coded = pa.chunked_array([table[name].combine_chunks()]).dictionary_encode().combine_chunks()
        order = pc.sort_indices(coded.dictionary)
        ranks = np.empty(len(order), np.int64)
        ranks[order.to_numpy()] = np.arange(len(order))
        words.append(coded.dictionary.take(order))
        places = places * max(len(order), 1) + ranks[coded.indices.to_numpy()]
    combined, numbers = np.unique(places, return_inverse=True)
    keys = {}
    for name, known in zip(reversed(per), reversed(words), strict=True):
        keys[name] = known.take(pa.array(combined % max(len(known), 1)))
        combined //= max(len(known), 1)
    return numbers.astype(np.int64), {name: keys[name] for name in per}


_ONE = pa.table({"subject": pa.array([0]), "at": pa.array([0], MOMENT), "name": pa.array([""])})
"""A table of which an empty range of subjects is read: what gives no passage, in the right columns."""
