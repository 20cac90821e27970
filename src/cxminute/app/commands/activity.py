"""Commands about all that subjects did, beside journeys: flows, retention, lifecycle, stickiness."""

from __future__ import annotations

from functools import partial

from cxminute.app.activity_answers import (
    asked_of,
    check_names,
    default_per,
    flow_answer,
    lifecycle_answer,
    retention_answer,
    step_of,
    stickiness_answer,
)
from cxminute.app.analysis import view
from cxminute.app.answers import give
from cxminute.app.charting import check_chart
from cxminute.app.options import Asking, Flowing, Reading
from cxminute.journeys.analyses import retention as returns
from cxminute.journeys.analyses.periods import UNITS, Unit
from cxminute.model.errors import WrongUse

_READING = Reading()
_FLOWING = Flowing()
_ASKING = Asking()
_ANY = "any"


def flows(
    *,
    asking: Asking = _ASKING,
    flowing: Flowing = _FLOWING,
    options: Reading = _READING,
) -> None:
    """Which event follows which: everywhere, or around one event, forwards and backwards, to any depth.

    Parameters
    ----------
    asking
        Of whom, and in which form.
    flowing
        Where to look from, and how far.
    options
        What every reading command takes. --since and --until leave the events of the span, and what follows in it.

    """
    check_chart(asking.chart)
    seen = view(options)
    anchor = None if flowing.anchor is None else step_of(seen, flowing.anchor)
    check_names(seen, (*flowing.only, *flowing.ignoring))
    answer = flow_answer(seen, asked_of(flowing, anchor), per=asking.per or default_per(seen), limit=flowing.rows)
    give(answer, json=options.json, chart=asking.chart)


def retention(
    *,
    start: str = _ANY,
    back: str = _ANY,
    period: str = "week",
    periods: int = 8,
    by: str | None = None,
    asking: Asking = _ASKING,
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
    asking
        Of whom, and in which form.
    options
        What every reading command takes. --since and --until count by when a cohort began.

    """
    check_chart(asking.chart)
    seen = view(options)
    asked = partial(returns.Asked, most=periods, start=step_of(seen, start), back=step_of(seen, back), by=seen.path(by))
    answer = retention_answer(seen, asked, _unit(period), asking.per or default_per(seen))
    give(answer, json=options.json, chart=asking.chart)


def lifecycle(
    *,
    active: str = _ANY,
    period: str = "week",
    asking: Asking = _ASKING,
    options: Reading = _READING,
) -> None:
    """How many were active: who of them is new, returns, or is back after a pause; and who went quiet.

    Parameters
    ----------
    active
        The event that makes one active: a name, or a whole step; any event without it.
    period
        day, week or month, in the project's zone.
    asking
        Of whom, and in which form.
    options
        What every reading command takes. --since and --until choose periods by their first day.

    """
    check_chart(asking.chart)
    seen = view(options)
    answer = lifecycle_answer(seen, step_of(seen, active), _unit(period), asking.per or default_per(seen))
    give(answer, json=options.json, chart=asking.chart)


def stickiness(
    *,
    active: str = _ANY,
    period: str = "month",
    asking: Asking = _ASKING,
    options: Reading = _READING,
) -> None:
    """On how many days of a week or month those active in it were active: daily active by weekly or monthly active.

    Parameters
    ----------
    active
        The event that makes one active: a name, or a whole step; any event without it.
    period
        week or month, in the project's zone.
    asking
        Of whom, and in which form.
    options
        What every reading command takes. --since and --until choose periods by their first day.

    """
    check_chart(asking.chart)
    seen = view(options)
    answer = stickiness_answer(seen, step_of(seen, active), _unit(period), asking.per or default_per(seen))
    give(answer, json=options.json, chart=asking.chart)


def _unit(word: str) -> Unit:
    found = next((known for known in UNITS if known == word), None)
    if found is None:
        raise WrongUse(f"'{word}' is no period.", allowed=", ".join(UNITS))
    return found
