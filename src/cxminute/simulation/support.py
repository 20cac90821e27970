"""Tickets of the support desk: what people ask, when a first reply was due, and when it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxminute.model.times import HOUR, MINUTE
from cxminute.simulation.carriers import Parcels
from cxminute.simulation.ground import (
    ASKING,
    CHANNELS,
    DISPERSION,
    REPLY_LATE,
    REPLY_WITHIN,
    TICKETS,
    TOPICS,
    Chance,
    Days,
    Ints,
    choose,
    ragged_counts,
    ragged_shares,
)
from cxminute.simulation.troubles import CarrierSlip, CheckoutBreak, ReplySlip
from cxminute.simulation.visits import Visits

RECENT = 1_500
"""A ticket is about one of so many latest orders, at scale 1."""


@dataclass(frozen=True, slots=True)
class Tickets:
    """One row per ticket, in order of opening. Instants are UTC milliseconds.

    number: the ticket's own, for good;  visit: row of the visit it is about, -1 for none;  topic, channel: places
    """

    number: Ints
    opened_at: Ints
    visit: Ints
    topic: Ints
    channel: Ints
    due_at: Ints
    replied_at: Ints
    closed_at: Ints


def asked(chance: Chance, days: Days, visits: Visits, scale: float) -> tuple[Ints, Ints, Ints]:
    """The usual tickets: when they were opened, the visit that each is about, the topic."""
    draw = chance.of("tickets")
    counts = ragged_counts(draw, days.volume(TICKETS, ASKING, scale), DISPERSION["tickets"])
    day = np.repeat(np.arange(len(counts)), counts)
    many = len(day)
    opened_at = days.start_ms[day] + ((8 + 12.5 * draw.beta(1.4, 1.6, many)) * HOUR).astype(np.int64)
    rows = np.flatnonzero(visits.ordered)
    rows = rows[np.argsort(visits.ordered_at[rows], kind="stable")]
    before = np.searchsorted(visits.ordered_at[rows], opened_at)
    back = 1 + (draw.random(many) * max(RECENT * scale, 20)).astype(np.int64)
    about = np.where(before >= back, rows[np.maximum(before - back, 0)] if len(rows) else -1, -1)
    return opened_at, about, choose(draw.random(many), TOPICS)


def provoked(
    chance: Chance, days: Days, visits: Visits, parcels: Parcels, troubles: Sequence[CarrierSlip | CheckoutBreak]
) -> tuple[Ints, Ints, Ints]:
    """The tickets that troubles lead to: when they were opened, the visit that each is about, the topic."""
    opened, about, topics = [], [], []
    wonder, hour = chance.unit("asks", visits.number), chance.unit("asks at", visits.number)
    for trouble in troubles:
        first = days.number(trouble.first_day)
        if isinstance(trouble, CarrierSlip):
            hit = visits.ordered & parcels.slipped & (parcels.due_day >= first)
            rows = np.flatnonzero(hit & (parcels.due_day < first + trouble.days) & (wonder < trouble.asking))
            opened.append(days.start_ms[parcels.due_day[rows] + 1] + ((8 + 12 * hour[rows]) * HOUR).astype(np.int64))
            topics.append(np.full(len(rows), list(TOPICS).index("delivery")))
        else:
            hit = visits.broke & (visits.day >= first) & (visits.day < first + trouble.days)
            rows = np.flatnonzero(hit & (wonder < trouble.asking))
            opened.append(visits.checkout_at[rows] + ((5 + 20 * hour[rows]) * MINUTE).astype(np.int64))
            topics.append(np.full(len(rows), list(TOPICS).index("payment")))
        about.append(rows)
    none = np.zeros(0, dtype=np.int64)
    return tuple(np.concatenate([none, *parts]) for parts in (opened, about, topics))  # type: ignore[return-value]  # three


def answered(
    chance: Chance, days: Days, lots: Sequence[tuple[Ints, Ints, Ints]], scale: float, slips: Sequence[ReplySlip]
) -> Tickets:
    """The desk's answers to the usual and the provoked tickets."""
    opened_at, visit, topic = (np.concatenate(columns) for columns in zip(*lots, strict=True))
    number = np.concatenate([lot * 10**9 + np.arange(len(columns[0])) for lot, columns in enumerate(lots)])
    channel = choose(chance.unit("channel", number), CHANNELS)
    within = np.asarray([REPLY_WITHIN[name] for name in CHANNELS])[channel]
    due_at = opened_at + within
    due_day = days.of(due_at)
    draw = chance.of("replies")
    bad = ragged_shares(draw, REPLY_LATE, TICKETS * scale / 7, DISPERSION["replies"], len(days.start_ms))
    share = bad[due_day]
    for slip in slips:
        first = days.number(slip.first_day)
        hit = (due_day >= first) & (due_day < first + slip.days) & (channel == list(CHANNELS).index(slip.channel))
        share = np.where(hit, np.maximum(share, slip.share), share)
    late = chance.unit("reply late", number) < share
    part = chance.unit("reply after", number)
    replied_at = np.where(late, due_at + (within * (0.02 + part)), opened_at + within * (0.05 + 0.9 * part))
    closed_at = replied_at - 24 * HOUR * np.log1p(-chance.unit("closed", number)) + 2 * MINUTE
    order = np.argsort(opened_at, kind="stable")
    return Tickets(
        number=number[order],
        opened_at=opened_at[order],
        visit=visit[order],
        topic=topic[order],
        channel=channel[order],
        due_at=due_at[order],
        replied_at=replied_at.astype(np.int64)[order],
        closed_at=closed_at.astype(np.int64)[order],
    )
