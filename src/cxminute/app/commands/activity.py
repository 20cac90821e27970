"""Commands about all that subjects did, beside journeys: flows, retention, lifecycle, stickiness."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cxminute.app.activity_answers import (
    default_per,
    flow_answer,
    lifecycle_answer,
    retention_answer,
    step_of,
    stickiness_answer,
)
from cxminute.app.analysis import View, view
from cxminute.app.answers import give
from cxminute.app.charting import check_chart
from cxminute.app.options import Flowing, Reading
from cxminute.journeys.analyses import retention as returns
from cxminute.journeys.analyses.flows import DIRECTIONS, OCCURRENCES, Asked
from cxminute.journeys.analyses.periods import UNITS, Unit
from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.steps import Step
from cxminute.model.times import duration

_READING = Reading()
_FLOWING = Flowing()
_ANY = "any"


def flows(
    *,
    per: str | None = None,
    chart: Path | None = None,
    flowing: Flowing = _FLOWING,
    options: Reading = _READING,
) -> None:
    """Which event follows which: everywhere, or around one event, forwards and backwards, to any depth.

    Parameters
    ----------
    per
        Whose events follow one another: person, or a kind of identifier such as order_id.
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.
    flowing
        Where to look from, and how far.
    options
        What every reading command takes. --since and --until leave the events of the span, and what follows in it.

    """
    check_chart(chart)
    seen = view(options)
    anchor = None if flowing.anchor is None else step_of(seen, flowing.anchor)
    for name in (*flowing.only, *flowing.ignoring):
        _check_name(seen, name)
    answer = flow_answer(seen, asked_of(flowing, anchor), per=per or default_per(seen), limit=flowing.rows)
    give(answer, json=options.json, chart=chart)


def retention(
    *,
    start: str = _ANY,
    back: str = _ANY,
    period: str = "week",
    periods: int = 8,
    by: str | None = None,
    per: str | None = None,
    chart: Path | None = None,
    options: Reading = _READING,
) -> None:
    """Who came back, by the day, week or month in which they began.

    Parameters
    ----------
    start
        The event that begins: a name, or a whole step; any event without it.
    back
        The event that counts as coming back; any event without it.
    period
        day, week or month, in the project's zone.
    periods
        How many later periods are shown.
    by
        Also tell cohorts apart by a property of the first event.
    per
        Who comes back: person, or a kind of identifier.
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.
    options
        What every reading command takes. --since and --until count by when a cohort began.

    """
    check_chart(chart)
    seen = view(options)
    asked = partial(returns.Asked, most=periods, start=step_of(seen, start), back=step_of(seen, back), by=seen.path(by))
    answer = retention_answer(seen, asked, _unit(period), per or default_per(seen))
    give(answer, json=options.json, chart=chart)


def lifecycle(
    *,
    active: str = _ANY,
    period: str = "week",
    per: str | None = None,
    chart: Path | None = None,
    options: Reading = _READING,
) -> None:
    """How many were active: who of them is new, returns, or is back after a pause; and who went quiet.

    Parameters
    ----------
    active
        The event that makes one active: a name, or a whole step; any event without it.
    period
        day, week or month, in the project's zone.
    per
        Who is active: person, or a kind of identifier.
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.
    options
        What every reading command takes. --since and --until choose periods by their first day.

    """
    check_chart(chart)
    seen = view(options)
    answer = lifecycle_answer(seen, step_of(seen, active), _unit(period), per or default_per(seen))
    give(answer, json=options.json, chart=chart)


def stickiness(
    *,
    active: str = _ANY,
    period: str = "month",
    per: str | None = None,
    chart: Path | None = None,
    options: Reading = _READING,
) -> None:
    """On how many days of a week or month those active in it were active: daily active by weekly or monthly active.

    Parameters
    ----------
    active
        The event that makes one active: a name, or a whole step; any event without it.
    period
        week or month, in the project's zone.
    per
        Who is active: person, or a kind of identifier.
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.
    options
        What every reading command takes. --since and --until choose periods by their first day.

    """
    check_chart(chart)
    seen = view(options)
    answer = stickiness_answer(seen, step_of(seen, active), _unit(period), per or default_per(seen))
    give(answer, json=options.json, chart=chart)


def asked_of(flowing: Flowing, anchor: Step | None) -> Asked:
    """The flows that the options ask for; WrongUse with what is allowed where one of them is no such word."""
    for word, allowed in ((flowing.direction, DIRECTIONS), (flowing.occurrence, OCCURRENCES)):
        if word not in allowed:
            raise WrongUse(f"Flows know no '{word}'.", allowed=", ".join(allowed))
    both = sorted({*flowing.only} & {*flowing.ignoring})
    if both:
        raise WrongUse(f"'{both[0]}' cannot be both looked at and looked through.", allowed="--only or --ignoring")
    return Asked(
        anchor=anchor,
        direction=next(known for known in DIRECTIONS if known == flowing.direction),
        depth=flowing.depth,
        occurrence=next(known for known in OCCURRENCES if known == flowing.occurrence),
        only=frozenset(flowing.only) or None,
        ignoring=frozenset(flowing.ignoring),
        within=None if flowing.within is None else duration(flowing.within),
    )


def _unit(word: str) -> Unit:
    found = next((known for known in UNITS if known == word), None)
    if found is None:
        raise WrongUse(f"'{word}' is no period.", allowed=", ".join(UNITS))
    return found


def _check_name(seen: View, name: str) -> None:
    names = {known for _, known in seen.project.log.codes()}
    if name not in names:
        raise UnknownName("event", name, names)
