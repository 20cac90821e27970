"""What can be asked of one journey: its plan, funnel, curve, times, flows, off-path share and children."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cxminute.app.analysis import View
from cxminute.app.answers import Answer, Shown
from cxminute.app.figures import Row, between, dicts, last, most, picked, share, took
from cxminute.app.small.cells import HIDDEN, drawable, groups_last, joined
from cxminute.app.small.journeys import (
    hide_children,
    hide_curves,
    hide_funnel,
    hide_off_path,
    hide_split,
    smallest_in,
)
from cxminute.app.unentered import why_nobody
from cxminute.journeys.analyses.counted import Count
from cxminute.journeys.analyses.curves import curve, medians
from cxminute.journeys.analyses.funnel import endings_of, funnel_of, times_of
from cxminute.journeys.analyses.paths import deviate, off_path
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.nesting.children import roll_up
from cxminute.journeys.pictures.diagram import diagram
from cxminute.journeys.pictures.drawing import described, drawn
from cxminute.model.errors import WrongUse
from cxminute.model.tables import ENDINGS
from cxminute.model.times import from_ms

_MOMENTS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""At which parts of the window the curve is shown to people; the document has all of it."""


def plan(seen: View, journey: JourneyDefinition) -> Answer:
    """The plan of a journey, as it is run."""
    found = seen.nest(journey).plan
    return Answer({"journeys": [described(found)]}, text=drawn(found), picture=diagram(found))


def funnel(seen: View, journey: JourneyDefinition, by: str | None, count: Count, limit: int) -> Answer:
    """How many reached each step, and how passages ended, and after how long; of so many values for people."""
    plan, passages, closes_at = seen.counted(journey)
    counted = passages if count == "passages" else seen.counted(journey, counting=count)[1]
    picture = funnel_of(counted, plan)
    steps, ends, times = picture.to_pylist(), endings_of(passages).to_pylist()[0], times_of(passages).to_pylist()
    split, groups = None, []
    remark = "" if steps[0]["reached"] else why_nobody(seen, journey)
    if by:
        split = seen.counted(journey, by, count)[1]
        picture = funnel_of(split, plan)
        groups = picture.to_pylist()
    other = None if counted is passages else passages
    small = hide_funnel(smallest_in(seen, journey), counted, steps, ends, times, split, groups, other)
    document: dict[str, object] = {
        **_head(seen, journey, closes_at),
        "count": count,
        "window_ms": journey.window,
        "funnel": steps,
        "endings": ends,
        "times": times,
    }
    shown = [Shown(_title(document), _STEPS, [_step(row) for row in steps])]
    if by:
        groups = groups_last(groups)
        document |= {"split": by, "groups": groups}
        kept, remark = most(groups, limit, remark)
        rows = [(row["value"], *_step(row)) for row in kept]
        shown.append(Shown(f"{journey.name} by {by}", (by, *_STEPS), rows))
    ended = picked(dicts(document["times"]), ("ending", "passages", "median_ms", "p90_ms"))
    shown.append(Shown("How long until they ended", ("ending", "passages", "median", "p90"), ended))
    picture = drawable(picture, groups if by else steps)
    return Answer({"journeys": [document]}, tuple(shown), remark=joined(remark, small), picture=picture)


def overview(seen: View) -> Answer:
    """How the passages of every journey ended."""
    documents, rows, small = [], [], ""
    for journey in seen.project.definitions.journeys.values():
        plan, counted, closes_at = seen.counted(journey)
        ended, steps = endings_of(counted).to_pylist()[0], funnel_of(counted, plan).to_pylist()
        times = times_of(counted).to_pylist()
        small = hide_funnel(smallest_in(seen, journey), counted, steps, ended, times) or small
        documents.append({
            **_head(seen, journey, closes_at),
            "count": "passages",
            "window_ms": journey.window,
            "funnel": steps,
            "endings": ended,
            "times": times,
        })  # fmt: skip
        counts = (ended[key] for key in ("opened", *ENDINGS))
        rows.append((journey.name, *counts, share(ended["share"]), between(ended)))
    columns = ("journey", "opened", *ENDINGS, "share completed", "95 %")
    title = f"Journeys as of {last(document['as_of'] for document in documents)}"
    return Answer({"journeys": documents}, (Shown(title, columns, rows),), remark=small)


def completion(seen: View, journey: JourneyDefinition, by: str | None, limit: int) -> Answer:
    """Which share had come to each ending by when; those still open are neither won nor lost."""
    _, found, closes_at = seen.passages(journey, [by] if by else [])
    passages = seen.opened(found)
    told, halves = (make(passages, closes_at=closes_at, by=by) for make in (curve, medians))
    points, halfways = told.to_pylist(), halves.to_pylist()
    points, small = hide_curves(smallest_in(seen, journey), points, halfways)
    if by:
        points, halfways = groups_last(points), groups_last(halfways)
    document = {
        **_head(seen, journey, closes_at),
        "window_ms": journey.window,
        "curve": points,
        "medians": halfways,
    }
    value = ("value",) if by else ()
    rows = []
    (kept, remark), (few, _) = most(_moments(points, journey.window, by), limit), most(halfways, limit)
    for row in kept:
        shares = (text for ending in ENDINGS[:-1] for text in _by_then(row, ending))
        rows.append((*(row[key] for key in value), took(row["at_ms"]), row["at_risk"], *shares, share(row["left"])))
    columns = (*((by,) if by else ()), "after", "at risk", *(c for e in ENDINGS[:-1] for c in (e, "95 %")), "open")
    halfway = picked(few, (*value, "passages", "completed", "median_ms", "low_ms", "high_ms"))
    shown = (
        Shown(f"{_title(document)}: ended by when", columns, rows),
        Shown(
            "When half had completed",
            (*((by,) if by else ()), "passages", "completed", "median", "at least", "at most"),
            halfway,
        ),
    )
    remark = remark if told.num_rows else why_nobody(seen, journey)
    return Answer(_of_one(document, by), shown, remark=joined(remark, small), picture=drawable(told, points))


def step_times(seen: View, journey: JourneyDefinition, by: str | None, limit: int) -> Answer:
    """How long from step to step, and from opening to each ending."""
    plan, counted, closes_at = seen.counted(journey, by)
    steps, ends = funnel_of(counted, plan), times_of(counted)
    keys = ("step", "label", "reached", "median_ms", "p90_ms")
    value = ("value",) if by else ()
    between_steps, ended = steps.select([*value, *keys]).to_pylist(), ends.to_pylist()
    small = hide_split(smallest_in(seen, journey), counted, between_steps, ended)
    if by:
        between_steps, ended = groups_last(between_steps), groups_last(ended)
    document = {**_head(seen, journey, closes_at), "steps": between_steps, "times": ended}
    named = (by,) if by else ()
    (kept, remark), (few, _) = most(between_steps, limit), most(ended, limit)
    shown = (
        Shown(
            f"{_title(document)}: time from the step before",
            (*named, "step", "label", "reached", "median", "p90"),
            picked(kept, (*value, *keys)),
        ),
        Shown(
            "How long until they ended",
            (*named, "ending", "passages", "median", "p90"),
            picked(few, (*value, "ending", "passages", "median_ms", "p90_ms")),
        ),
    )
    return Answer(_of_one(document, by), shown, remark=joined(remark, small), picture=drawable(ends, ended))


def off(seen: View, journey: JourneyDefinition, by: str | None, limit: int) -> Answer:
    """Which share of passages skipped, repeated or reversed steps, and whether they ended better or worse."""
    nested, paths = seen.nest(journey), [by] if by else []
    subjects = seen.subjects(journey.space, journey.purpose, paths)
    finder = seen.finding(nested, subjects, paths)
    task = partial(deviate, nested.plan, finder, closes_at=subjects.closes_at)
    found = off_path(seen.up(journey, seen.run(task, subjects)), by)
    told = found.to_pylist()
    small = hide_off_path(smallest_in(seen, journey), told, by)
    told = groups_last(told) if by else told
    document = {**_head(seen, journey, subjects.closes_at), "off_path": told}
    value = ("value",) if by else ()
    kept, remark = most(told, limit)
    rows = [
        (
            *(row[key] for key in (*value, "path", "passages")),
            share(row["share"]),
            between(row),
            row["completed"],
            share(row["completed_share"]),
            between(row, "completed_low", "completed_high"),
            share(row["difference"]),
            between(row, "difference_low", "difference_high"),
        )
        for row in kept
    ]
    columns = (
        *((by,) if by else ()),
        "path", "passages", "share", "95 %", "completed", "of ended", "95 %", "than on path", "95 %",
    )  # fmt: skip
    shown = Shown(f"{_title(document)}: off the path", columns, rows)
    return Answer(_of_one(document, by), (shown,), remark=joined(remark, small), picture=drawable(found, told))


def children(seen: View, journey: JourneyDefinition) -> Answer:
    """Which endings of other journeys its passages had, and how those ended that had them."""
    nested = seen.nest(journey)
    if not nested.children:
        raise WrongUse(
            f"Journey '{journey.name}' waits for no other: it has no children.",
            allowed="a pattern with `journey NAME.ENDING`",
        )
    _, found, closes_at = seen.passages(journey)
    told = roll_up(seen.up(journey, found)).to_pylist()
    small = hide_children(smallest_in(seen, journey), told)
    document = {**_head(seen, journey, closes_at), "children": told}
    keys = ("journey", "ending", "passages", "children", "median_ms", "p90_ms", *ENDINGS)
    columns = ("child journey", "ended", "passages with it", "children", "median", "p90", *ENDINGS)
    rows = picked(({**row, "journey": row["journey"] or "none"} for row in told), keys)
    shown = Shown(f"{_title(document)}: children, and how passages with them ended", columns, rows)
    return Answer({"journeys": [document]}, (shown,), remark=small)


def _head(seen: View, journey: JourneyDefinition, closes_at: int) -> dict[str, object]:
    return {"name": journey.name, "as_of": from_ms(closes_at).astimezone(seen.project.settings.zone)}


def _of_one(document: dict[str, object], by: str | None) -> dict[str, object]:
    """The document of one journey, and what it is split by."""
    return {"journeys": [{**document, "split": by} if by else document]}


def _title(document: dict[str, object]) -> str:
    return f"{document['name']} as of {last([document['as_of']])}"


_STEPS = (
    "step", "label", "reached", "completed", "broken", "expired", "open", "of opened", "95 %", "median", "p90",
)  # fmt: skip


def _step(row: Row) -> tuple[object, ...]:
    counts = (row[key] for key in ("step", "label", "reached", *ENDINGS))
    return (*counts, share(row["share"]), between(row), took(row["median_ms"]), took(row["p90_ms"]))


def _by_then(row: Row, ending: str) -> tuple[str, str]:
    return share(row[ending]), between(row, f"{ending}_low", f"{ending}_high")


def _moments(told: Sequence[Row], window: int, by: str | None) -> list[Row]:
    """Of each group the last rows of the curve up to a few parts of the window."""
    groups: dict[object, list[Row]] = {}
    for row in told:
        groups.setdefault(row["value"] if by else None, []).append(row)
    shown: list[Row] = []
    for rows in groups.values():
        if HIDDEN in rows[0]:
            shown.append(rows[0])
            continue
        for part in _MOMENTS:
            until = [row for row in rows if int(str(row["at_ms"])) <= part * window]
            if until and (not shown or until[-1] is not shown[-1]):
                shown.append(until[-1])
    return shown
