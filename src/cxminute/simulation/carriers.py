"""What carriers do with parcels: promised for a day, brought on it or before, late, or never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cxminute.model.times import HOUR
from cxminute.simulation.ground import (
    CANCELLED,
    CARRIER_LATENESS,
    CARRIERS,
    DUE_AFTER,
    Chance,
    Days,
    Flags,
    Floats,
    Ints,
    choose,
)
from cxminute.simulation.troubles import CarrierSlip

NEVER: Final = np.iinfo(np.int64).max
"""Later than any log: what has not happened and will not."""
LOST: Final = 0.04
"""Share of the late parcels that never come."""
EARLY: Final = 0.35
"""Share of the timely parcels that come a day early."""
HIGHEST: Final = 0.95
"""No day is so bad that a carrier's share of late parcels goes beyond this."""


@dataclass(frozen=True, slots=True)
class Parcels:
    """One row per order. Instants are UTC milliseconds, `NEVER` for what does not come.

    carrier: place in `CARRIERS`;  due_day: number of the day;  slipped: a trouble made it late
    """

    carrier: Ints
    due_day: Ints
    due_at: Ints
    shipped_at: Ints
    delivered_at: Ints
    cancelled_at: Ints
    slipped: Flags


def due_day_of(ordered: Ints) -> Ints:
    """The number of the day on which an order of a day is due."""
    return np.asarray(ordered + np.asarray(DUE_AFTER)[ordered % 7])


def lateness(late: Floats, due_day: Ints, carrier: Ints) -> Floats:
    """The share of a carrier's parcels due on a day that come late, from the day's share over all carriers."""
    against = np.asarray([CARRIER_LATENESS[name] for name in CARRIERS])
    return np.asarray(np.minimum(late[due_day] * against[carrier], HIGHEST))


def deliver(
    chance: Chance,
    shop: str,
    days: Days,
    number: Ints,
    ordered_at: Ints,
    late: Floats,
    slips: Sequence[CarrierSlip],
    carriers: Mapping[str, float] = CARRIERS,
) -> Parcels:
    """The fate of each order's parcel.

    shop:   whose parcels: the same numbers have other luck in another shop
    number: each order's own number, for good
    late:   each due day's share of late parcels over all carriers, the margin of days included
    carriers: which share of the parcels each has, in the order of `CARRIERS`
    """

    def luck(what: str) -> Floats:
        return chance.unit(f"{shop} {what}", number)

    ordered = days.of(ordered_at)
    carrier = choose(luck("carrier"), carriers)
    due_day = due_day_of(ordered)
    is_late = luck("late") < lateness(late, due_day, carrier)
    behind = 1 + (luck("behind") * 2.4).astype(np.int64)  # one or two days, seldom three
    early = (luck("early") < EARLY) & (due_day % 7 != 0)  # the day before a Monday is a Sunday
    came = due_day + np.where(is_late, behind, -early.astype(np.int64))
    slipped = np.zeros(len(number), dtype=np.bool_)
    for ordinal, slip in enumerate(slips):
        first = days.number(slip.first_day)
        hit = (due_day >= first) & (due_day < first + slip.days) & (carrier == list(CARRIERS).index(slip.carrier))
        hit &= ~is_late & (luck(f"slip {ordinal}") < slip.share)
        came = np.where(hit, came + slip.slip_days, came)
        slipped |= hit
    came += came % 7 == 6  # nobody delivers on a Sunday
    came_at = days.start_ms[np.minimum(came, len(days.start_ms) - 1)] + ((9 + 9 * luck("hour")) * HOUR).astype(np.int64)
    shipped_at = ordered_at + ((2 + 14 * luck("shipped")) * HOUR).astype(np.int64)
    cancelled = luck("cancelled") < CANCELLED
    lost = is_late & (luck("lost") < LOST)
    return Parcels(
        carrier=carrier,
        due_day=due_day,
        due_at=days.start_ms[due_day + 1] - 1_000,
        shipped_at=np.where(cancelled, NEVER, np.minimum(shipped_at, came_at - 4 * HOUR)),
        delivered_at=np.where(cancelled | lost, NEVER, came_at),
        cancelled_at=np.where(cancelled, ordered_at + ((0.5 + luck("when")) * HOUR).astype(np.int64), NEVER),
        slipped=slipped & ~cancelled,
    )
