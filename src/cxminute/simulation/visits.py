"""Visits to the own site: what was looked at, carted, checked out and ordered, and when."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from cxminute.model.times import HOUR, MINUTE, SECOND
from cxminute.simulation.ground import (
    BROWSERS,
    CAMPAIGNS,
    CHECKOUTS,
    SHOPPING,
    Chance,
    Days,
    Flags,
    Floats,
    Ints,
    choose,
)
from cxminute.simulation.people import People, browser_of, newcomers, returning
from cxminute.simulation.troubles import CheckoutBreak

REACHES_CART: Final = 0.60
"""Share of the visits in which something is carted."""
REACHES_CHECKOUT: Final = 0.35
REMOVES: Final = 0.08
"""Share of the visits that stop at the cart in which the product is taken out again."""
LOGGED_IN: Final = 0.45
"""Share of the returning who are logged in from their first page; the rest log in at the checkout, or never."""
GUEST: Final = 0.20
"""Share of those not logged in who order as guests."""
PRODUCTS: Final = 60


@dataclass(frozen=True, slots=True)
class Visits:
    """One row per visit. Instants are UTC milliseconds; those of steps that were not reached stand there too.

    number:  the visit's own, for good: its parcel's luck hangs on it
    person, day, browser, campaign (-1: none), product, quantity, views: numbers
    stops:   0 after looking, 1 at the cart, 2 at the checkout
    logged:  logged in from the first page;  guest: never logged in
    would:   the checkout ends in an order when nothing is broken;  broke: a trouble made it fail
    """

    number: Ints
    person: Ints
    day: Ints
    browser: Ints
    campaign: Ints
    product: Ints
    quantity: Ints
    views: Ints
    stops: Ints
    logged: Flags
    guest: Flags
    removes: Flags
    would: Flags
    broke: Flags
    at: Ints
    gap: Ints
    carted_at: Ints
    removed_at: Ints
    checkout_at: Ints
    ordered_at: Ints

    @property
    def ordered(self) -> Flags:
        """Whether the visit ended in an order."""
        return np.asarray((self.stops == 2) & self.would & ~self.broke)


def expected_visits(days: Days, scale: float) -> Floats:
    """Expected visits of each day without any campaign of its own."""
    return days.volume(CHECKOUTS, SHOPPING, scale) / REACHES_CHECKOUT


def hour_of_day(chance: np.random.Generator, many: int) -> Ints:
    """Milliseconds after midnight: a small peak at lunch, a large one in the evening, nobody in the night."""
    evening = chance.random(many) < 0.6
    hours = np.where(evening, chance.normal(20.0, 1.6, many), chance.normal(12.5, 2.5, many))
    return (np.clip(hours, 6.0 + chance.random(many), 22.0 + 0.3 * chance.random(many)) * HOUR).astype(np.int64)


def visits_of(  # noqa: PLR0913 -- the day's shocks, the people and the two kinds of chance are all given, none is global
    chance: Chance,
    purpose: str,
    days: Days,
    counts: Ints,
    people: People,
    completed: Floats,
    *,
    first_stranger: int,
    first_number: int = 0,
    fresh: Ints | None = None,
    campaign: int | None = None,
) -> Visits:
    """So many visits on each day.

    completed:      each day's share of checkouts that end in an order
    first_stranger: the number of the first newcomer among these visits
    first_number:   the number of the first visit
    fresh:          newcomers of each day; drawn where they are not given
    campaign:       the campaign that all of them come from; the usual ones where there is none
    """
    draw = chance.of(purpose)
    fresh = newcomers(draw, counts) if fresh is None else fresh
    day = np.repeat(np.arange(len(counts)), counts)
    many = len(day)
    ordinal = np.arange(many) - np.repeat(np.cumsum(counts) - counts, counts)
    stranger = ordinal < np.repeat(fresh, counts)
    person = np.where(stranger, first_stranger + np.cumsum(stranger) - 1, returning(draw, people, day))
    depth = draw.random(many)
    logged = ~stranger & (draw.random(many) < LOGGED_IN)
    at = days.start_ms[day] + hour_of_day(draw, many)
    gap = draw.integers(25 * SECOND, 180 * SECOND, many)
    views = np.minimum(draw.geometric(0.66, many), 4)
    carted_at = at + gap * views
    checkout_at = carted_at + draw.integers(40 * SECOND, 5 * MINUTE, many)
    usual = choose(draw.random(many), CAMPAIGNS)
    return Visits(
        number=first_number + np.arange(many),
        person=person,
        day=day,
        browser=browser_of(chance, person),
        campaign=usual if campaign is None else np.full(many, campaign),
        product=(draw.random(many) ** 2 * PRODUCTS).astype(np.int64),
        quantity=np.minimum(draw.geometric(0.75, many), 5),
        views=views,
        stops=(depth < REACHES_CART).astype(np.int64) + (depth < REACHES_CHECKOUT),
        logged=logged,
        guest=~logged & (draw.random(many) < GUEST),
        removes=draw.random(many) < REMOVES,
        would=draw.random(many) < completed[day],
        broke=np.zeros(many, dtype=np.bool_),
        at=at,
        gap=gap,
        carted_at=carted_at,
        removed_at=carted_at + draw.integers(20 * SECOND, 3 * MINUTE, many),
        checkout_at=checkout_at,
        ordered_at=checkout_at + draw.integers(50 * SECOND, 20 * MINUTE, many),
    )


def broken(visits: Visits, trouble: CheckoutBreak, days: Days, luck: Floats) -> Flags:
    """Which visits a broken checkout hits, by their luck in [0, 1): only what would have been an order."""
    first = days.number(trouble.first_day)
    hit = (visits.day >= first) & (visits.day < first + trouble.days)
    hit &= visits.browser == list(BROWSERS).index(trouble.browser)
    return np.asarray(hit & visits.would & (visits.stops == 2) & (luck < trouble.share))


def joined(parts: list[Visits]) -> Visits:
    """Several lots of visits as one, in order of their first page."""
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Visits)}
    order = np.argsort(columns["at"], kind="stable")
    return Visits(**{name: column[order] for name, column in columns.items()})
