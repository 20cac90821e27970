"""The written truth: what each trouble does to the figures that a brief looks at, in standard errors of a quiet week.

Sizes are expectations over chance, from the stated ground, never counts of what was drawn. A standard error is that of
one week's figure without troubles, its dispersion included: sqrt(dispersion x share x (1 - share) / n) for a share,
sqrt(dispersion x count) for a count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from cxminute.model.times import HOUR, week_of
from cxminute.simulation.carriers import due_day_of
from cxminute.simulation.ground import (
    ASKING,
    BAZAAR_CARRIERS,
    BAZAAR_LATE,
    BAZAAR_ORDERS,
    BROWSERS,
    CANCELLED,
    CARRIER_LATENESS,
    CARRIERS,
    CHANNELS,
    CHECKOUTS,
    COMPLETED,
    DISPERSION,
    LATE,
    REPLY_LATE,
    REPLY_WITHIN,
    SHOPPING,
    TICKETS,
    Days,
    Floats,
    Ints,
)
from cxminute.simulation.troubles import Campaign, CarrierSlip, CheckoutBreak, ReplySlip, Trouble, last_day, name_of


@dataclass(frozen=True, slots=True)
class Truth:
    """One thing that is so in one week, in the words of an insight.

    kind, name:          of the trouble behind it
    about, measure, direction: as an insight says it
    first_day, last_day: of the trouble
    where:               (dimension, value) that it comes from; none where it is spread
    week:                ISO week
    quiet, troubled:     the week's expected figure without any trouble and with all of them: a share, or a count
    n:                   expected promises, passages or events behind the quiet figure
    effect_size:         the difference this trouble alone makes, in standard errors of a quiet week, where sized
    consequence:         it follows from the trouble, but is not how the trouble is named
    """

    kind: str
    name: str
    about: str
    measure: str
    direction: str
    first_day: date
    last_day: date
    where: tuple[str, str] | None
    week: str
    quiet: float | None
    troubled: float | None
    n: float | None
    effect_size: float | None
    consequence: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Expected daily counts, of n and of hits; for volumes both are the same."""

    n: Floats
    hits: Floats


Measures = dict[tuple[str, str], Figures]


def _both(own: float, bazaar: float) -> float:
    """A figure of all orders from the own shop's and the marketplace's, weighed by how many orders each has."""
    ours = CHECKOUTS * COMPLETED
    return (ours * own + BAZAAR_ORDERS * bazaar) / (ours + BAZAAR_ORDERS)


_SPREAD = {
    ("journey checkout", "volume"): DISPERSION["checkouts"],
    ("journey checkout", "completed"): DISPERSION["completed"],
    # Orders are thinned checkouts: the raggedness of either, weighed by what it contributes.
    ("promise delivery", "volume"): _both(
        COMPLETED * DISPERSION["checkouts"] + (1 - COMPLETED) * DISPERSION["completed"], DISPERSION["bazaar"]
    ),
    ("promise delivery", "late"): _both(DISPERSION["late"], DISPERSION["bazaar"]),
    ("promise first-reply", "volume"): DISPERSION["tickets"],
    ("promise first-reply", "late"): DISPERSION["replies"],
}


def expected(days: Days, scale: float, troubles: Sequence[Trouble]) -> Measures:
    """What each figure is expected to be on each day, under these troubles."""
    number = np.arange(days.count + 1)

    def on(trouble: Trouble, at: Ints) -> Floats:
        first = days.number(trouble.first_day)
        return ((at >= first) & (at < first + trouble.days)).astype(np.float64)

    checkouts = days.volume(CHECKOUTS, SHOPPING, scale)
    usual, fails = checkouts.copy(), np.zeros(len(number))
    asking = np.zeros(len(number) + 8)
    for trouble in troubles:
        if isinstance(trouble, Campaign):
            checkouts = checkouts + trouble.extra * usual * on(trouble, number)
    for trouble in troubles:
        if isinstance(trouble, CheckoutBreak):
            failing = on(trouble, number) * BROWSERS[trouble.browser] * trouble.share
            fails = fails + failing
            asking[: len(number)] += trouble.asking * failing * COMPLETED * checkouts
    orders = checkouts * COMPLETED * (1 - fails)
    bazaar = days.volume(BAZAAR_ORDERS, SHOPPING, scale)
    slip, bazaar_slip = np.zeros(len(number) + 8), np.zeros(len(number) + 8)
    due_days = np.arange(len(slip))
    for trouble in troubles:
        if isinstance(trouble, CarrierSlip):
            timely = 1 - LATE * CARRIER_LATENESS[trouble.carrier]
            hit = on(trouble, due_days) * trouble.share * timely
            slip += CARRIERS[trouble.carrier] * hit
            bazaar_slip += BAZAAR_CARRIERS[trouble.carrier] * hit
    due = _due(orders, len(slip))
    for trouble in troubles:
        if isinstance(trouble, CarrierSlip):
            asking[1:] += (trouble.asking * slip * due * on(trouble, due_days))[:-1]
    bazaar_due = _due(bazaar, len(slip))
    broken = due * (LATE + slip) + bazaar_due * (BAZAAR_LATE + bazaar_slip)
    tickets = days.volume(TICKETS, ASKING, scale)
    made = tickets + asking[: len(number)]
    by_day = sum(REPLY_WITHIN[name] >= 24 * HOUR and share for name, share in CHANNELS.items())
    replies = made * (1 - by_day) + np.concatenate(([0.0], made[:-1])) * by_day
    late = np.full(len(number), REPLY_LATE)
    for trouble in troubles:
        if isinstance(trouble, ReplySlip):
            late = late + on(trouble, number) * CHANNELS[trouble.channel] * (trouble.share - REPLY_LATE)
    return {
        ("journey checkout", "volume"): Figures(checkouts, checkouts),
        ("journey checkout", "completed"): Figures(checkouts, orders),
        ("promise delivery", "volume"): Figures(orders + bazaar, orders + bazaar),
        ("promise delivery", "late"): Figures(due + bazaar_due, broken),
        ("promise first-reply", "volume"): Figures(made, made),
        ("promise first-reply", "late"): Figures(replies, replies * late),
    }


def _due(orders: Floats, length: int) -> Floats:
    """Expected promises due on each day, the cancelled left out."""
    due = np.zeros(length)
    np.add.at(due, due_day_of(np.arange(len(orders))), orders * (1 - CANCELLED))
    return due


def _effects(trouble: Trouble) -> list[tuple[str, str, str, tuple[str, str] | None, bool]]:
    """What a trouble does: (about, measure, direction, where, is it a consequence)."""
    match trouble:
        case CarrierSlip(carrier=carrier):
            where = ("properties.carrier", carrier)
            return [
                ("promise delivery", "late", "up", where, False),
                ("promise first-reply", "volume", "up", ("properties.topic", "delivery"), True),
            ]
        case CheckoutBreak(browser=browser):
            where = ("properties.browser", browser)
            return [
                ("journey checkout", "completed", "down", where, False),
                ("promise delivery", "volume", "down", where, True),
                ("journey first-purchase", "completed", "down", where, True),
                ("promise first-reply", "volume", "up", ("properties.topic", "payment"), True),
            ]
        case Campaign(name=name):
            where = ("properties.campaign", name)
            return [
                ("journey checkout", "volume", "up", where, False),
                ("promise delivery", "volume", "up", where, True),
                ("journey first-purchase", "volume", "up", where, True),
            ]
        case ReplySlip(channel=channel):
            return [("promise first-reply", "late", "up", ("properties.channel", channel), False)]


def truths(days: Days, scale: float, troubles: Sequence[Trouble]) -> tuple[Truth, ...]:
    """All that is so, trouble by trouble and week by week."""
    quiet, troubled = expected(days, scale, ()), expected(days, scale, troubles)
    found = []
    for trouble in troubles:
        alone = expected(days, scale, (trouble,))
        first, last = days.number(trouble.first_day), days.number(last_day(trouble))
        for week in range(first // 7, last // 7 + 1):
            span = slice(week * 7, week * 7 + 7)
            for about, measure, direction, where, consequence in _effects(trouble):
                key = (about, measure)
                sized = key in _SPREAD
                found.append(
                    Truth(
                        kind=trouble.kind,
                        name=name_of(trouble),
                        about=about,
                        measure=measure,
                        direction=direction,
                        first_day=trouble.first_day,
                        last_day=last_day(trouble),
                        where=where,
                        week=week_of(days.starts + timedelta(days=week * 7)),
                        quiet=_figure(quiet[key], measure, span) if sized else None,
                        troubled=_figure(troubled[key], measure, span) if sized else None,
                        n=float(quiet[key].n[span].sum()) if sized else None,
                        effect_size=_size(quiet[key], alone[key], measure, span, _SPREAD[key]) if sized else None,
                        consequence=consequence,
                    )
                )
    return tuple(found)


def _figure(figures: Figures, measure: str, span: slice) -> float:
    hits, n = float(figures.hits[span].sum()), float(figures.n[span].sum())
    return hits if measure == "volume" else hits / max(n, 1e-9)


def _size(quiet: Figures, alone: Figures, measure: str, span: slice, spread: float) -> float:
    """How far a trouble alone moves a week's figure, in standard errors of a quiet week, sign left out."""
    before, after = _figure(quiet, measure, span), _figure(alone, measure, span)
    n = max(float(quiet.n[span].sum()), 1e-9)
    error = np.sqrt(spread * n) if measure == "volume" else np.sqrt(spread * before * (1 - before) / n)
    return float(abs(after - before) / error)
