"""One small log of a shop, and every table that is computed from it: what pictures are drawn of."""

from __future__ import annotations

from functools import cache, partial
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from cxminute.journeys.analyses import explained, flows, follows, lifecycle, retention, stickiness
from cxminute.journeys.analyses.curves import curve
from cxminute.journeys.analyses.funnel import funnel, times
from cxminute.journeys.analyses.paths import deviate, off_path
from cxminute.journeys.analyses.periods import periods
from cxminute.journeys.find import find
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.model.steps import Step
from cxminute.model.times import DAY, HOUR
from tests.oracles.streams import Happened, ListStreams

NAMES = ("Product Viewed", "Product Added", "Coupon Applied", "Order Completed", "Help Opened")
CHANNEL = "properties.channel"
PLAN = compile_plan(
    journey(
        'viewed: "Product Viewed" -> carted: "Product Added" -> "Coupon Applied"? -> bought: "Order Completed"',
        window="14 days",
        unless=("X",),
    )
)
MARCH = 1_709_251_200_000  # Friday, 1 March 2024, UTC


def shop() -> ListStreams:
    """Sixty people over two months, most of whom come back now and then."""
    random = np.random.default_rng(4)
    events = []
    for person in range(60):
        at = MARCH + int(random.integers(0, 20)) * DAY
        channel = ("site", "app", None)[int(random.integers(0, 3))]
        for _ in range(int(random.integers(2, 25))):
            at += int(random.exponential(30 * HOUR)) + 1
            name = str(random.choice([*NAMES, "X"], p=[0.4, 0.25, 0.1, 0.15, 0.05, 0.05]))
            events.append(Happened(person, at, name, {CHANNEL: channel} if channel else {}))
    return ListStreams(events)


@cache
def tables() -> dict[str, pa.Table]:
    """Each kind of table by its name."""
    streams = shop()
    opens_at, closes_at = int(streams.times.min()), int(streams.times.max())
    finder = partial(find, PLAN, opens_at=opens_at, closes_at=closes_at, dimensions=(CHANNEL,))
    passages = deviate(PLAN, finder, streams, closes_at=closes_at)
    weeks, days = (periods(unit, ZoneInfo("UTC"), opens_at=opens_at, closes_at=closes_at) for unit in ("week", "day"))
    whole, split = retention.Asked(weeks, 6), retention.Asked(weeks, 6, by=CHANNEL)
    sticky = stickiness.Asked(days, weeks, retention.ANY)
    counts = stickiness.stick(sticky, streams)
    asked = explained.explain([(PLAN, passages)], streams, space="person", closes_at=closes_at)
    return {
        "funnel": funnel(passages, PLAN),
        "funnel split": funnel(passages, PLAN, by=CHANNEL, count="subjects"),
        "curve": curve(passages, closes_at=closes_at),
        "curve split": curve(passages, closes_at=closes_at, by=CHANNEL),
        "times": times(passages),
        "times split": times(passages, by=CHANNEL),
        "follows": follows.table(follows.follow(streams)),
        "flows": flows.table(flows.flow(flows.Asked(), streams)),
        "flows anchored": flows.table(flows.flow(flows.Asked(Step("Product Added"), "both", 2), streams)),
        "flows backwards": flows.table(flows.flow(flows.Asked(Step("Order Completed"), "backwards"), streams)),
        "retention": retention.table(whole, retention.retain(whole, streams), closes_at=closes_at),
        "retention split": retention.table(split, retention.retain(split, streams), closes_at=closes_at),
        "lifecycle": lifecycle.table(weeks, lifecycle.live(weeks, retention.ANY, streams), closes_at=closes_at),
        "days": stickiness.days_table(sticky, counts, closes_at=closes_at),
        "stickiness": stickiness.table(sticky, counts, closes_at=closes_at),
        "off path": off_path(passages),
        "off path split": off_path(passages, by=CHANNEL),
        "unexplained": explained.table(asked),
    }
