"""The brief of a week, composed: ledgers and passages to daily counts, counts to news, news to what is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.analysis import View
from cxminute.app.comparing import Sides, parted, sides_of
from cxminute.app.rights.erased import line
from cxminute.app.small.brief import compared_enough, large_enough, note_on, smallest_about, standing_enough
from cxminute.app.told import Tells, answerable, carried, tells_of
from cxminute.balance.budget import budget
from cxminute.balance.promises import Promise
from cxminute.balance.summary import states
from cxminute.balance.tally import tally as tally_promise
from cxminute.journeys.analyses.funnel import endings
from cxminute.journeys.analyses.tally import tally as tally_journey
from cxminute.journeys.definition import JourneyDefinition
from cxminute.minute.brief import Brief, Standing
from cxminute.minute.tell import tell
from cxminute.model.errors import WrongUse
from cxminute.model.tables import TALLY
from cxminute.model.times import day_of, day_start, monday_of, week_of
from cxminute.synthesis.explain import explain, history


@dataclass(frozen=True, slots=True)
class Week:
    """A week to tell of.

    name:        ISO week
    then:        the project as of its end, or the log's, where that comes first
    first, last: the first day of the log, and the day after the last that is over: a day counts once it is
    """

    name: str
    then: View
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class ToldWeek:
    """A brief, and what it was told from: daily counts, insights, and marketplaces beside the own shop."""

    brief: Brief
    insights: pa.Table
    tallies: pa.Table
    compared: pa.Table


def tell_week(seen: View, week: str | None = None) -> ToldWeek:
    """The brief of an ISO week, as of its end (or of the log's, where that comes first).

    week: without it, the last week that the log covers whole
    raises: WrongUse where the log is empty, or does not reach the week
    """
    found = week_of_log(seen, week)
    sides = sides_of(seen.project)
    tallies, standing, beside = _weighed(found.then, found.name, sides)
    tallies = tallies.filter(pc.less(tallies["day"], pa.scalar(found.last, pa.date32())))
    insights = explain(tallies, week=found.name, first_day=found.first)
    series = history(tallies, week=found.name, first_day=found.first)
    until = min(monday_of(found.name) + timedelta(days=7), found.last)
    compared = sides.compared(beside, until)
    smallest = smallest_about(found.then)
    insights, news = large_enough(smallest, insights)
    series, weeks = large_enough(smallest, series)
    standing, stands = standing_enough(smallest, standing)
    compared, differ = compared_enough(sides.smallest, compared)
    command = f"cxm minute --week {found.name}"
    brief = tell(
        insights,
        organisation=seen.project.settings.name,
        week=found.name,
        standing=standing,
        notes=[
            *note_on(news + weeks + stands + differ, {**smallest, **sides.smallest}, command),
            *line(found.then, command),
        ],
        series=series,
        compared=compared,
    )
    return ToldWeek(brief, insights, tallies, compared)


def week_of_log(seen: View, week: str | None = None) -> Week:
    """The week that is asked for, or the last that the log covers whole; raises as `tell_week` does."""
    project = seen.project
    zone = project.settings.zone
    if not project.definitions.promises and not project.definitions.journeys:
        raise WrongUse(
            "No promise and no journey is defined: nothing is measured.", allowed="promises/*.toml, journeys/*.toml"
        )
    if seen.since is not None and week is None:
        raise WrongUse("A brief is of a week.", allowed="--week 2015-W07")
    opens_at, closes_at = project.bounds(seen.as_of)
    if closes_at == 0:
        raise WrongUse("The log is empty: there is no week to tell of.", allowed="cxm collect FILE --source S, first")
    first, last = day_of(opens_at, zone), day_of(closes_at + 1, zone)
    if week is None:
        week = week_of(max(last - timedelta(days=7), first))
    monday = monday_of(week)
    start, end = (day_start(day, zone) for day in (monday, monday + timedelta(days=7)))
    if end <= opens_at or monday >= last:
        raise WrongUse(
            f"The log has no whole day of week {week}.",
            allowed=f"weeks from {week_of(first)} to {week_of(max(last - timedelta(days=1), first))}",
        )
    return Week(week, replace(seen, closes_at=min(end - 1, closes_at), since=start, until=end), first, last)


def _weighed(then: View, week: str, sides: Sides) -> tuple[pa.Table, list[Standing], list[dict[str, pa.Table]]]:
    """Daily counts of every promise and journey, how each stands at the end of the week, and promises by source."""
    definitions = then.project.definitions
    parts, standing, beside = [TALLY.empty_table()], [], []
    told = tells_of(then.project, then.as_of)
    for promise in definitions.promises.values():
        tally, stands, by_source = _promise(then, promise, week, sides, told)
        parts.append(tally)
        standing.append(stands)
        beside.append(by_source)
    for journey in definitions.journeys.values():
        tally, stands = _journey(then, journey, week)
        parts.append(tally)
        standing.append(stands)
    return pa.concat_tables(parts).unify_dictionaries(), standing, beside


def _promise(
    then: View, promise: Promise, week: str, sides: Sides, told: Mapping[str, Tells]
) -> tuple[pa.Table, Standing, dict[str, pa.Table]]:
    dimensions = then.project.settings.dimensions
    zone = then.project.settings.zone
    ledger, closes_at = answerable(then, promise, (*dimensions, *sides.dimensions), told)
    tally = tally_promise(promise, ledger, zone, carried(ledger, dimensions), as_of=closes_at)
    row = states(then.due(ledger), zone=zone, clustered="day", as_of=closes_at).to_pylist()[0]
    burn = None
    if promise.target is not None:
        burn = budget(promise, ledger, closes_at, zone).burn["7 days"]
    stands = Standing(
        kind="promise",
        name=promise.name,
        share=row["share_kept"],
        n=row["kept"] + row["late"] + row["overdue"],
        target=promise.target,
        burn=burn,
        command=f"cxm promises {promise.name} --week {week}",
    )
    return tally, stands, parted(promise, ledger, sides, zone, until=then.until, as_of=closes_at)


def _journey(then: View, journey: JourneyDefinition, week: str) -> tuple[pa.Table, Standing]:
    dimensions = then.project.settings.dimensions
    _, passages, closes_at = then.passages(journey, dimensions)
    paths = carried(passages, dimensions)
    tally = tally_journey(journey, passages, then.project.settings.zone, paths, as_of=closes_at)
    row = endings(then.up(journey, passages)).to_pylist()[0]
    ended = row["completed"] + row["broken"] + row["expired"]
    stands = Standing(
        kind="journey",
        name=journey.name,
        share=row["share"] if ended else None,
        n=ended,
        command=f"cxm journeys {journey.name} --week {week}",
    )
    return tally, stands


def render(brief: Brief, form: str) -> str:
    """The brief as text in one of the forms: terminal, markdown, html, json."""
    if form == "markdown":
        from cxminute.minute.markdown import markdown  # noqa: PLC0415 -- one form is asked for

        return markdown(brief)
    if form == "html":
        from cxminute.minute.page import page  # noqa: PLC0415 -- charts take a while

        return page(brief)
    if form == "json":
        from cxminute.minute.document import document  # noqa: PLC0415 -- one form is asked for

        return document(brief)
    if form == "terminal":
        from cxminute.minute.terminal import text  # noqa: PLC0415 -- one form is asked for

        return text(brief)
    raise WrongUse(f"'{form}' is not a form of the brief.", allowed="terminal, markdown, html, json")


def save(brief: Brief, folder: Path) -> Path:
    """The HTML page among the project's briefs; returns where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{brief.week}.html"
    path.write_text(render(brief, "html"), "utf-8")
    return path
