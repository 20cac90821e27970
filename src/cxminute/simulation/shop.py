"""The demo shop: an own site, a marketplace and a support desk, some weeks of customers, and what went wrong.

Only the seed brings chance, and only `starts` says when: the same arguments give the same tables. A run without
troubles is the same run but for them, row for row until the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from cxminute.model.errors import WrongUse
from cxminute.simulation import tables
from cxminute.simulation.carriers import deliver
from cxminute.simulation.ground import (
    BAZAAR_CARRIERS,
    BAZAAR_ORDERS,
    CAMPAIGNS,
    CHECKOUTS,
    COMPLETED,
    DISPERSION,
    LATE,
    SHOPPING,
    Chance,
    Days,
    days_of,
    ragged_counts,
    ragged_shares,
)
from cxminute.simulation.people import newcomers, people_of
from cxminute.simulation.support import answered, asked, provoked
from cxminute.simulation.troubles import Campaign, CarrierSlip, CheckoutBreak, ReplySlip, Trouble, checked, planted
from cxminute.simulation.truth import Truth, truths
from cxminute.simulation.visits import Visits, broken, expected_visits, hour_of_day, joined, visits_of


@dataclass(frozen=True, slots=True)
class Simulated:
    """What `simulate` made.

    tables: for each source (site, bazaar, desk) what it would have exported, instants in UTC
    truths: what the troubles do to the figures of a brief
    weeks:  the complete ISO weeks;  quiet_weeks: those that no trouble touches
    until:  when the log closes, UTC milliseconds: the Monday morning after the last week
    """

    seed: int
    starts: date
    weeks: tuple[str, ...]
    scale: float
    until: int
    tables: Mapping[str, pa.Table]
    truths: tuple[Truth, ...]

    @property
    def quiet_weeks(self) -> tuple[str, ...]:
        """The weeks that no trouble touches."""
        touched = {truth.week for truth in self.truths}
        return tuple(week for week in self.weeks if week not in touched)


def simulate(
    seed: int, *, weeks: int = 14, starts: date, troubles: Sequence[Trouble] | None = None, scale: float = 1.0
) -> Simulated:
    """Weeks of a shop's customers, with a written truth.

    seed:     where all chance comes from, 0 or more
    weeks:    complete weeks; the log goes on until nine on the Monday after them
    starts:   a Monday, in the shop's zone (Europe/Amsterdam)
    troubles: what goes wrong, or well; without it one of each kind in the last week; () for none
    scale:    1 for about 1,200 orders a week
    raises:   WrongUse, UnknownName
    """
    if seed < 0 or not 0 < scale < float("inf"):
        raise WrongUse(
            f"seed {seed} and scale {scale} do not make a shop.", allowed="a seed from 0 on, a scale above 0"
        )
    days = days_of(starts, weeks)
    chance = Chance(seed)
    chosen = planted(days) if troubles is None else checked(troubles, days)
    campaigns = [trouble for trouble in chosen if isinstance(trouble, Campaign)]
    slips = [trouble for trouble in chosen if isinstance(trouble, CarrierSlip)]
    visits = _visits(chance, days, scale, campaigns, [one for one in chosen if isinstance(one, CheckoutBreak)])
    late = ragged_shares(
        chance.of("late"), LATE, CHECKOUTS * COMPLETED * scale / 6, DISPERSION["late"], len(days.start_ms)
    )
    parcels = deliver(chance, "site", days, visits.number, visits.ordered_at, late, slips)
    lots = [
        asked(chance, days, visits, scale),
        provoked(chance, days, visits, parcels, [t for t in chosen if isinstance(t, CarrierSlip | CheckoutBreak)]),
    ]
    tickets = answered(chance, days, lots, scale, [trouble for trouble in chosen if isinstance(trouble, ReplySlip)])
    names = tables.campaigns_of([campaign.name for campaign in campaigns])
    return Simulated(
        seed=seed,
        starts=starts,
        weeks=days.weeks,
        scale=scale,
        until=days.until,
        tables={
            "site": tables.site(chance, days, visits, parcels, names),
            "bazaar": _bazaar(chance, days, scale, slips),
            "desk": tables.desk(chance, days, visits, tickets),
        },
        truths=truths(days, scale, chosen),
    )


def _visits(
    chance: Chance, days: Days, scale: float, campaigns: Sequence[Campaign], breaks: Sequence[CheckoutBreak]
) -> Visits:
    """All visits: the usual ones and those that campaigns bring, with the checkouts that failed."""
    draw = chance.of("days")
    checkouts = CHECKOUTS * scale / 7
    mean = expected_visits(days, scale)
    # The gamma of the day is one for all its visits, so that checkouts, a third of them, are as ragged as is stated.
    spread = 1 + (DISPERSION["checkouts"] - 1) * mean.mean() / checkouts
    counts = ragged_counts(draw, mean, spread)
    fresh = newcomers(draw, counts)
    completed = ragged_shares(draw, COMPLETED, checkouts, DISPERSION["completed"], days.count + 1)
    people = people_of(chance.of("people"), fresh, scale)
    known = int(people.joined[0])
    parts = [visits_of(chance, "visits", days, counts, people, completed, first_stranger=known, fresh=fresh)]
    strangers = people.count
    for ordinal, campaign in enumerate(campaigns):
        first = days.number(campaign.first_day)
        brought = np.zeros(len(mean))
        brought[first : first + campaign.days] = campaign.extra * mean[first : first + campaign.days]
        more = ragged_counts(chance.of(f"campaign days {ordinal}"), brought, spread)
        parts.append(
            visits_of(
                chance,
                f"campaign {ordinal}",
                days,
                more,
                people,
                completed,
                first_stranger=strangers,
                first_number=(ordinal + 1) * 10**9,
                campaign=len(CAMPAIGNS) + ordinal,
            )
        )
        strangers += int(more.sum())
    visits = joined(parts)
    for ordinal, trouble in enumerate(breaks):
        visits.broke[:] |= broken(visits, trouble, days, chance.unit(f"break {ordinal}", visits.number))
    return visits


def _bazaar(chance: Chance, days: Days, scale: float, slips: Sequence[CarrierSlip]) -> pa.Table:
    draw = chance.of("bazaar")
    counts = ragged_counts(draw, days.volume(BAZAAR_ORDERS, SHOPPING, scale), DISPERSION["bazaar"])
    ordered_at = np.sort(
        days.start_ms[np.repeat(np.arange(len(counts)), counts)] + hour_of_day(draw, int(counts.sum()))
    )
    late = ragged_shares(draw, LATE, BAZAAR_ORDERS * scale / 6, DISPERSION["bazaar"], len(days.start_ms))
    number = np.arange(len(ordered_at))
    parcels = deliver(chance, "bazaar", days, number, ordered_at, late, slips, BAZAAR_CARRIERS)
    return tables.bazaar(chance, days, ordered_at, parcels)
