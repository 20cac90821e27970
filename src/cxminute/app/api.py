"""For notebooks and other people's programs: journeys over any Arrow-capable table, with no project and no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import pyarrow as pa

from cxminute.app.engines import added, joined
from cxminute.app.frames import framed, keys_of
from cxminute.journeys.analyses import flows as flowing
from cxminute.journeys.analyses import retention as retaining
from cxminute.journeys.analyses.counted import COUNTS, Count
from cxminute.journeys.analyses.flows import Direction, Occurrence
from cxminute.journeys.analyses.funnel import count as count_passages
from cxminute.journeys.analyses.funnel import funnel_of
from cxminute.journeys.analyses.periods import Unit
from cxminute.journeys.analyses.periods import periods as periods_of
from cxminute.journeys.definition import JourneyDefinition, Reentry
from cxminute.journeys.find import find
from cxminute.journeys.language import journey as define
from cxminute.journeys.language import parse_step
from cxminute.journeys.pictures.charts import chart
from cxminute.journeys.plan import compile_plan
from cxminute.model.errors import WrongUse, nearest
from cxminute.model.steps import Step, paths_of
from cxminute.model.times import duration, zone_of
from cxminute.store.engines.local import LocalEngine

__all__ = ["Journey", "chart", "flows", "funnel", "journey", "passages", "retention"]


_ENGINE: Final = LocalEngine()
"""One for all calls: it keeps its threads."""
SHOWN: Final = ("opened_at", "closed_at", "ending", "deepest", "reached_at", "left_truncated")
"""What a table of passages has beside the keys."""


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
    ignoring: events that `=>` looks through
    reentry:  when another passage of a subject may open: 'once', 'after exit' or 'always'
    raises:   BadPattern with the place and what was expected; BadDefinition for a window that is none; WrongUse for a
              step that is the ending of another journey, which only projects have
    """
    keys = keys_of(per)
    found = define(pattern, window=window, per=keys[0], unless=unless, ignoring=ignoring, reentry=reentry)
    _no_endings(*compile_plan(found).steps)
    return Journey(found, keys)


def passages(journey: Journey, events: Any, *, as_of: datetime | int | None = None) -> pa.Table:
    """Every passage through a journey, sorted by subject and opening.

    events:  any Arrow-capable table (pandas, polars, DuckDB, pyarrow) with a column per key of `per`, `event` (text)
             and `at` (timestamp, or integer UTC milliseconds); other columns are properties. Events that tie keep
             the order of their rows; those without a subject or a time are left out, with a warning that counts them
    as_of:   close the log at this moment (aware, or UTC milliseconds); at the last event without it
    returns: the key columns, opened_at, closed_at (null while open), ending, deepest, reached_at, left_truncated
    raises:  UnknownName for a missing column, BadData for one of a wrong type
    """
    _check(journey)
    plan = compile_plan(journey.definition)
    for key in journey.per:
        if key in SHOWN:
            raise WrongUse(f"The table of passages has a column '{key}' of its own.", allowed="a key of another name")
    frame = framed(events, journey.per, as_of, paths=plan.paths)
    index = frame.index
    task = partial(find, plan, opens_at=index.opens_at, closes_at=index.closes_at)
    found = _ENGINE.run(index, task, partial(joined, task))
    columns = {name: values.take(found["subject"].combine_chunks()) for name, values in frame.keys.items()}
    return pa.table({**columns, **{name: found[name] for name in SHOWN}})


def funnel(
    journey: Journey,
    events: Any,
    *,
    as_of: datetime | int | None = None,
    by: str | None = None,
    count: Count = "subjects",
) -> pa.Table:
    """How many reached each step: one row a step, and with `by` one a step and value.

    events, as_of: as of `passages`
    by:      a column of the events: its value on the event that opened the passage
    count:   'subjects', each by the passage that came furthest, or 'passages'
    returns: step (from 1), label, reached; completed, broken, expired, open of those that came no further; share of
             those that opened with a 95 % interval; median_ms and p90_ms from the step before
    """
    if count not in COUNTS:
        raise WrongUse(f"A funnel counts no '{count}'.", allowed=" or ".join(COUNTS), nearest=nearest(count, COUNTS))
    _check(journey)
    plan = compile_plan(journey.definition)
    frame = framed(events, journey.per, as_of, by=by, paths=plan.paths)
    path = None if by is None else f"properties.{by}"
    task = partial(count_passages, plan, closes_at=frame.index.closes_at, by=path, counting=count)
    found = _ENGINE.run(frame.index, task, partial(added, task))
    return funnel_of(found, plan)


def flows(  # noqa: PLR0913 -- what flows there are, and which of them
    events: Any,
    *,
    per: str | Sequence[str] = "person",
    anchor: str | None = None,
    direction: Direction = "forwards",
    depth: int = 1,
    occurrence: Occurrence = "every",
    only: Sequence[str] | None = None,
    ignoring: Sequence[str] = (),
    within: str | None = None,
    as_of: datetime | int | None = None,
) -> pa.Table:
    """What follows what: one row a succession of two events, without an anchor all there are.

    events, as_of: as of `passages`; per: the column, or columns together, that say whose events form one stream
    anchor:     the step that positions are counted from, such as '"Order Completed" where (total > 100)'
    direction:  'forwards' from the anchor, 'backwards', or 'both'
    depth:      how many successions in either direction, up to 50
    occurrence: of the anchor in each stream: 'every', 'first' or 'last'
    only:       names of events that are looked at, beside the anchor; all without it
    ignoring:   names of events that are looked through
    within:     a longer gap, such as '30 minutes', ends a flow, and what comes after it begins another
    returns:    depth (1 leaves the anchor, -1 leads to it, 0 is without one), from (null: the stream begins), to (null:
                it ends so far), count, subjects, share of all that left `from` there (before the anchor: of all that
                reached `to`), median_ms and p90_ms (at most 0.8 % off), loop (from is to), returns (how many went
                straight back to where they came from)
    raises:     BadPattern for an anchor that cannot be read, WrongUse for what cannot be asked. A name that no event
                has is warned of
    """
    step = None if anchor is None else parse_step(anchor)
    _no_endings(*([] if step is None else [step]))
    asked = flowing.Asked(
        anchor=step,
        direction=direction,
        depth=depth,
        occurrence=occurrence,
        only=None if only is None else frozenset(_several(only)),
        ignoring=frozenset(_several(ignoring)),
        within=None if within is None else duration(within),
    )
    frame = framed(events, per, as_of, paths=_paths(step))
    frame.warn_of_strangers([*_names(step), *(asked.only or ()), *asked.ignoring])
    return flowing.table(_ENGINE.run(frame.index, partial(flowing.flow, asked), flowing.merged))


def retention(  # noqa: PLR0913 -- who, whose return, and in which periods
    events: Any,
    *,
    per: str | Sequence[str] = "person",
    start: str | None = None,
    back: str | None = None,
    period: Unit = "week",
    periods: int = 12,
    by: str | None = None,
    as_of: datetime | int | None = None,
    zone: str = "UTC",
) -> pa.Table:
    """Who came back: subjects by the period in which they began, and the share of them seen in each later one.

    events, as_of: as of `passages`; per: as of `flows`
    start:   the step whose first event begins a subject; any event without it
    back:    the step whose events count as coming back; any event without it
    period:  'day', 'week' (from Monday) or 'month' of the zone
    periods: how many after the one in which a subject began
    by:      a column of the events: cohorts are also told apart by its value on the event that began a subject
    returns: cohort (first day of its period; null: all together), size, period (0: its own), returned, share with a
             95 % interval, on_or_after, share_on_or_after. What belongs to a period that is not over is null. What the
             first periods hold as beginners may have begun before the log
    raises:  BadPattern for a step that cannot be read, WrongUse for a period or zone that is none. A name that no
             event has is warned of
    """
    begins, returns = (retaining.ANY if said is None else parse_step(said) for said in (start, back))
    _no_endings(begins, returns)
    place = zone_of(zone)
    if isinstance(periods, bool) or not isinstance(periods, int):
        raise WrongUse(f"periods is {periods!r}.", allowed="a whole number, 1 or more")
    frame = framed(events, per, as_of, by=by, paths=_paths(begins, returns))
    frame.warn_of_strangers(_names(begins, returns))
    index = frame.index
    spans = periods_of(period, place, opens_at=index.opens_at, closes_at=index.closes_at)
    asked = retaining.Asked(spans, periods, begins, returns, None if by is None else f"properties.{by}")
    found = _ENGINE.run(index, partial(retaining.retain, asked), partial(retaining.merged, asked))
    return retaining.table(asked, found, closes_at=index.closes_at)


def _check(journey: object) -> None:
    if not isinstance(journey, Journey):
        raise WrongUse(f"A {type(journey).__name__} is no journey.", allowed="cx.journey(...) first, then the events")


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _names(*steps: Step | None) -> list[str]:
    return [step.name for step in steps if step is not None and step.kind == "event"]


def _paths(*steps: Step | None) -> list[str]:
    return [path for step in steps if step is not None for path in paths_of(step.where)]


def _no_endings(*steps: Step) -> None:
    """A table has no other journeys whose endings could be waited for."""
    for step in steps:
        if step.kind == "ending":
            raise WrongUse(f"A table of events has no 'journey {step.name}'.", allowed="events; projects nest journeys")
