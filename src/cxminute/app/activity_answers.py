"""What can be asked of all that subjects did: flows, retention, lifecycle, stickiness, and what no journey explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.app.answers import Answer, Shown
from cxminute.app.figures import Row, last, picked, share
from cxminute.app.options import Flowing, check_limit
from cxminute.app.small.activity import (
    hide_flows,
    hide_lifecycle,
    hide_retention,
    hide_stickiness,
    hide_unexplained,
)
from cxminute.app.small.cells import drawable, groups_last, joined, smallest_of
from cxminute.journeys.analyses import explained, flows, lifecycle, retention, stickiness
from cxminute.journeys.analyses.periods import Periods, Unit, periods
from cxminute.journeys.language import parse_step
from cxminute.journeys.nesting.chosen import between as in_span
from cxminute.journeys.nesting.held import Held
from cxminute.journeys.plan import Plan
from cxminute.model.errors import BadPattern, UnknownName, WrongUse
from cxminute.model.steps import Step, paths_of
from cxminute.model.times import day_of, duration, from_ms
from cxminute.store.protocols import Streams, Subjects
from cxminute.store.vault import PERSON_KINDS

Span = tuple[int | None, int | None]
_WIDEST = 12
"""How many later periods a table for people has room for."""


def default_per(seen: View) -> str:
    """The kind of subject of a question that names none: persons, where a source knows any."""
    sources = seen.project.definitions.sources.values()
    kinds = [kind for source in sources for kind in source.identifiers]  # as the files have them: what is first matters
    return "person" if not kinds or set(kinds) & set(PERSON_KINDS) else kinds[0]


def step_of(seen: View, text: str, plan: Plan | None = None) -> Step:
    """The step that people type on a command line: a label of the plan, the bare name of an event, or a whole step.

    raises: UnknownName for an event that the log does not hold, with the nearest; WrongUse for an ending
    """
    step = _typed(text, plan, _names(seen))
    if step.kind == "ending":
        raise WrongUse(
            f"'journey {step.name}' is the ending of a passage, and no event of a stream.",
            allowed="the name of an event",
        )
    for path in paths_of(step.where):
        seen.path(path)
    return step


def check_names(seen: View, names: Sequence[str]) -> None:
    """Refuses names that no event of the log has: UnknownName, with the nearest."""
    known = _names(seen)
    for name in names:
        if name not in known:
            raise UnknownName("event", name, known)


def _names(seen: View) -> set[str]:
    return {name for _, name in seen.project.log.codes()}


def _typed(text: str, plan: Plan | None, names: set[str]) -> Step:
    """The step of a label, of the bare name of an event, or of a text in the language."""
    if plan is not None and text in plan.labels:
        return plan.draft.positions[plan.labels.index(text)].steps[0]
    if text in names:
        return Step(text)
    try:
        step = parse_step(text)
    except BadPattern:
        if '"' in text:
            raise
        step = Step(text)  # a name of several words, as the shell leaves it without its quotes
    if step.kind == "event" and step.name not in names:
        raise UnknownName("event", step.name, names)
    return step


def asked_of(flowing: Flowing, anchor: Step | None) -> flows.Asked:
    """The flows that the options ask for; WrongUse with what is allowed where one of them is no such word."""
    for word, allowed in ((flowing.direction, flows.DIRECTIONS), (flowing.occurrence, flows.OCCURRENCES)):
        if word not in allowed:
            raise WrongUse(f"Flows know no '{word}'.", allowed=", ".join(allowed))
    both = sorted({*flowing.only} & {*flowing.ignoring})
    if both:
        raise WrongUse(f"'{both[0]}' cannot be both looked at and looked through.", allowed="--only or --ignoring")
    return flows.Asked(
        anchor=anchor,
        direction=next(known for known in flows.DIRECTIONS if known == flowing.direction),
        depth=flowing.depth,
        occurrence=next(known for known in flows.OCCURRENCES if known == flowing.occurrence),
        only=frozenset(flowing.only) or None,
        ignoring=frozenset(flowing.ignoring),
        within=None if flowing.within is None else duration(flowing.within),
    )


def flow_answer(
    seen: View, asked: flows.Asked, *, per: str, limit: int, held: tuple[str, ...] = (), purpose: str | None = None
) -> Answer:
    """Which event follows which, how often and after how long."""
    check_limit(limit)
    asked_paths = paths_of(asked.anchor.where) if asked.anchor else ()
    subjects = seen.subjects(per, purpose, [path for path in asked_paths if path not in ("source", "name")])
    task = partial(_flow, asked, (seen.since, seen.until), held)
    found = flows.table(seen.engine.run(subjects, task, flows.merged))
    rows, small = hide_flows(smallest_of(seen, purpose), found.to_pylist())
    anchor = asked.anchor.name if asked.anchor else None
    document = {
        **_head(seen, subjects),
        "anchor": anchor,
        "direction": asked.direction,
        "depth": asked.depth,
        "flows": rows,
    }
    keys = ("depth", "from", "to", "count", "subjects", "share", "median_ms", "p90_ms", "returns")
    named = [{**row, "from": row["from"] or "(start)", "to": row["to"] or "(end)"} for row in _most(rows, limit)]
    title = f"What follows what, as of {last([document['as_of']])}"
    if anchor:
        title = f"Around '{anchor}', as of {last([document['as_of']])}"
    columns = ("depth", "from", "to", "count", "subjects", "share", "median", "p90", "straight back")
    left = len(rows) - len(named)
    more = f"{left:,} rarer ones are not shown: --limit, or --json for all." if left else ""
    if not rows:
        more = f"Nothing was found: none of the events asked for is of a {subjects.per}."
    shown = Shown(title, columns, picked(named, keys))
    return Answer(document, (shown,), remark=joined(more, small), picture=drawable(found, rows))


def retention_answer(seen: View, asked: Callable[[Periods], retention.Asked], unit: Unit, per: str) -> Answer:
    """Who came back, by when they began."""
    subjects = seen.subjects(per)
    question = asked(_periods(seen, subjects, unit))
    task, merge = partial(retention.retain, question), partial(retention.merged, question)
    counts = _between_cohorts(seen, question.periods, seen.engine.run(subjects, task, merge))
    found = _spanned(seen, retention.table(question, counts, closes_at=subjects.closes_at), "cohort")
    told = found.to_pylist()
    small = hide_retention(smallest_of(seen), told, question.by)
    told = groups_last(told) if question.by else told
    document = {**_head(seen, subjects), "period": unit, "by": question.by, "retention": told}
    value = ("value",) if question.by else ()
    groups: dict[tuple[object, ...], dict[int, Row]] = {}
    for row in told:
        groups.setdefault((*(row[key] for key in value), row["cohort"]), {})[row["period"]] = row
    known = [place for cells in groups.values() for place, row in cells.items() if row["share"] is not None]
    shown_to = min(question.reach, max(known, default=1), _WIDEST)
    rows = [
        (
            *key[:-1],
            "all" if key[-1] is None else key[-1],
            next(iter(cells.values()))["size"],
            *(share(cells[place]["share"]) if place in cells else "-" for place in range(1, shown_to + 1)),
        )
        for key, cells in groups.items()
    ]
    columns = (*((question.by,) if question.by else ()), "began", "subjects")
    columns = (*columns, *(f"{unit} {place}" for place in range(1, shown_to + 1)))
    shown = Shown(f"Who came back, by {unit}, as of {last([document['as_of']])}", columns, rows)
    further = max(known, default=0) > shown_to
    remark = f"Later than {unit} {shown_to}: --json has all." if further else ""
    return Answer(document, (shown,), remark=joined(remark, small), picture=drawable(found, told))


def lifecycle_answer(seen: View, active: Step, unit: Unit, per: str) -> Answer:
    """How many were active, and where they came from."""
    subjects = seen.subjects(per)
    known = _periods(seen, subjects, unit)
    task, merge = partial(lifecycle.live, known, active), partial(lifecycle.merged, known)
    counts = seen.engine.run(subjects, task, merge)
    found = _spanned(seen, lifecycle.table(known, counts, closes_at=subjects.closes_at), "period")
    told = found.to_pylist()
    small = hide_lifecycle(smallest_of(seen), told)
    document = {**_head(seen, subjects), "period": unit, "lifecycle": told}
    columns = ("active", "new", "returning", "resurrected", "dormant", "complete")
    rows = picked(told, ("period", *columns))
    shown = Shown(f"Active subjects, as of {last([document['as_of']])}", (f"{unit} from", *columns), rows)
    return Answer(document, (shown,), remark=small, picture=drawable(found, told))


def stickiness_answer(seen: View, active: Step, unit: Unit, per: str) -> Answer:
    """On how many days of a week or month those active in it were active."""
    subjects = seen.subjects(per)
    asked = stickiness.Asked(_periods(seen, subjects, "day"), _periods(seen, subjects, unit), active)
    task, merge = partial(stickiness.stick, asked), partial(stickiness.merged, asked)
    counts = seen.engine.run(subjects, task, merge)
    found, days = (
        _spanned(seen, make(asked, counts, closes_at=subjects.closes_at), "period")
        for make in (stickiness.table, stickiness.days_table)
    )
    told, by_days = found.to_pylist(), days.to_pylist()
    small = hide_stickiness(smallest_of(seen), told, by_days)
    document = {**_head(seen, subjects), "period": unit, "stickiness": told, "days": by_days}
    keys = ("period", "active", "daily", "mean_days", "stickiness")
    columns = (f"{unit} from", "active", "active a day", "days each", "daily of active")
    shown = Shown(f"Stickiness, as of {last([document['as_of']])}", columns, picked(told, keys))
    return Answer(document, (shown,), remark=small, picture=drawable(found, told))


def unexplained_answer(seen: View, per: str, limit: int) -> Answer:
    """Which events are no step of any passage open at their time: how far the journeys have fallen behind."""
    check_limit(limit)
    journeys = seen.project.definitions.journeys.values()
    subjects = seen.subjects(per)
    finders, others = [], []
    for journey in journeys:
        if journey.space == per:
            nested = seen.nest(journey)
            finders.append((nested.plan, seen.finding(nested, subjects, ())))
        else:
            others.append(seen.passages(journey)[:2])
    task = partial(_explain, finders, others, (seen.since, seen.until), space=per, closes_at=subjects.closes_at)
    found = explained.table(seen.engine.run(subjects, task, explained.merged))
    told, small = hide_unexplained(smallest_of(seen), found.to_pylist())
    document = {**_head(seen, subjects), "journeys": [j.name for j in journeys], "unexplained": told}
    rows = [{**row, "name": "all events" if row["name"] is None else row["name"]} for row in told]
    shown = [
        (row["name"], row["events"], row["unexplained"], share(row["share"]), share(row["of_all"]))
        for row in rows[: limit + 1]
    ]
    title = f"Events that no journey explains, as of {last([document['as_of']])}"
    columns = ("name", "events", "unexplained", "of its events", "of all events")
    return Answer(document, (Shown(title, columns, shown),), remark=small, picture=drawable(found, told))


def _flow(asked: flows.Asked, span: Span, held: tuple[str, ...], streams: Streams) -> flows.Flow:
    own = Held(streams, held) if held else streams
    return flows.flow(asked, in_span(own, *span))


def _explain(
    finders: Sequence[tuple[Plan, Callable[[Streams], pa.Table]]],
    others: Sequence[tuple[Plan, pa.Table]],
    span: Span,
    streams: Streams,
    *,
    space: str,
    closes_at: int,
) -> explained.Explained:
    """Passages are looked for in all events, and those of the span counted."""
    known = [*((plan, finder(streams)) for plan, finder in finders), *others]
    return explained.explain(known, in_span(streams, *span), space=space, closes_at=closes_at)


def _head(seen: View, subjects: Subjects) -> dict[str, object]:
    return {"per": subjects.per, "as_of": from_ms(subjects.closes_at).astimezone(seen.project.settings.zone)}


def _periods(seen: View, subjects: Subjects, unit: Unit) -> Periods:
    zone = seen.project.settings.zone
    return periods(unit, zone, opens_at=subjects.opens_at, closes_at=subjects.closes_at)


def _bounds(seen: View) -> tuple[date, date]:
    """First and last day of the span."""
    zone = seen.project.settings.zone
    first = date.min if seen.since is None else day_of(seen.since, zone)
    return first, date.max if seen.until is None else day_of(seen.until - 1, zone)


def _spanned(seen: View, table: pa.Table, column: str) -> pa.Table:
    """The rows whose period begins in the span, and those of no period."""
    if seen.since is None and seen.until is None:
        return table
    first, until = (pa.scalar(day, pa.date32()) for day in _bounds(seen))
    inside = pc.and_(pc.greater_equal(table[column], first), pc.less_equal(table[column], until))
    return table.filter(pc.fill_null(inside, True))


def _between_cohorts(seen: View, known: Periods, counts: retention.Retention) -> retention.Retention:
    """The counts of the cohorts that begin in the span alone, so that all together are those."""
    if seen.since is None and seen.until is None:
        return counts
    first, until = _bounds(seen)
    outside = [not first <= start <= until for start in known.starts]
    returned, later = counts.returned.copy(), counts.on_or_after.copy()
    returned[:, outside], later[:, outside] = 0, 0
    return replace(counts, returned=returned, on_or_after=later)


def _most(rows: Sequence[Row], limit: int) -> list[Row]:
    """Of each depth the most frequent."""
    shown: dict[object, int] = {}
    kept = []
    for row in rows:
        shown[row["depth"]] = shown.get(row["depth"], 0) + 1
        if shown[row["depth"]] <= limit:
            kept.append(row)
    return kept
