"""Every verb that runs on compiled kernels, over a handful of events: what compiles them all.

A kernel is compiled for the types that it is called with. The streams here are those of the index, so that these types
are the ones of every later call; a test holds that nothing is compiled again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from cxminute.balance.promises import Promise
from cxminute.balance.weigh import weigh
from cxminute.journeys import live
from cxminute.journeys.analyses import explained, flows, follows, lifecycle, retention, stickiness
from cxminute.journeys.analyses.counted import COUNTS
from cxminute.journeys.analyses.curves import curve, medians
from cxminute.journeys.analyses.funnel import count
from cxminute.journeys.analyses.paths import deviate
from cxminute.journeys.analyses.periods import periods
from cxminute.journeys.definition import REENTRIES
from cxminute.journeys.find import find
from cxminute.journeys.keyed import Keyed
from cxminute.journeys.language import journey
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.steps import Step
from cxminute.model.times import DAY
from cxminute.resolve.growing import Growing
from cxminute.resolve.kinds import KINDS
from cxminute.resolve.links import EVENT, Links, Nodes
from cxminute.resolve.texts import Texts
from cxminute.store.index import in_memory
from cxminute.store.protocols import Streams

_CLOSES_AT: Final = 9 * DAY
_PATTERNS: Final = ("A -> B", "A where properties.x > 1 -> B within 1 day", "(A and B) within 1 day -> C or A => B")


def run_all() -> None:
    """Runs them; what they find is of no matter."""
    table = pa.table(
        {
            "subject": pa.array([0, 0, 0, 1, 1, 1]),
            "at": pa.array([0, 0, DAY, 0, 2 * DAY, 8 * DAY]),
            "name": ["A", "B", "C", "A", "A", "B"],
            "properties.x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        }
    )
    index = in_memory(table, "person")
    for bucket in index.buckets():
        streams = index.read(bucket)
        for plan in _plans():
            _passages(plan, streams)
            _live(plan)
        _events(streams)
        weigh(Promise("warm", "person", Step("A"), DAY, Step("B")), streams, closes_at=_CLOSES_AT)
    _people()


def _people() -> None:
    """Who is who, at once and as links come."""
    links, nodes = Texts(KINDS).links("user_id", pa.array(["a", "b"]), "anonymous_id", pa.array(["x", "x"]))
    growing = Growing(KINDS, links, nodes)
    growing.add(Links.of([0, 1], [3, 3], EVENT, 0), Nodes(nodes.kind[:1], nodes.stable[:1]))


def _plans() -> Iterator[Plan]:
    for pattern in _PATTERNS:
        for reentry in REENTRIES:
            yield compile_plan(journey(pattern, window="5 days", reentry=reentry))


def _passages(plan: Plan, streams: Streams) -> None:
    """What is computed from passages."""
    finder = partial(find, plan, opens_at=0, closes_at=_CLOSES_AT)
    for counting in COUNTS:
        count(plan, streams, closes_at=_CLOSES_AT, counting=counting)
    found = finder(streams)
    curve(found, closes_at=_CLOSES_AT)
    medians(found, closes_at=_CLOSES_AT)
    deviate(plan, finder, streams, closes_at=_CLOSES_AT)
    explained.explain([(plan, found)], streams, space="person", closes_at=_CLOSES_AT)


def _live(plan: Plan) -> None:
    """One event at a time, and a few together."""
    state, _ = live.take(plan, live.begin(plan), 0, 1)
    state, _ = live.tick(plan, state, DAY)
    live.due(plan, state)
    keyed = Keyed(plan)
    keyed.take(np.zeros(2, np.int64), np.arange(2), np.ones(2, np.int64))
    Keyed.load(plan, keyed.dump()).tick(_CLOSES_AT)


def _events(streams: Streams) -> None:
    """What is computed from events."""
    follows.follow(streams)
    for asked in (flows.Asked(), flows.Asked(anchor=Step("B"), direction="both", depth=2, within=DAY)):
        flows.flow(asked, streams)
    days, weeks = (periods(unit, ZoneInfo("UTC"), opens_at=0, closes_at=_CLOSES_AT) for unit in ("day", "week"))
    lifecycle.live(weeks, Step("A"), streams)
    retention.retain(retention.Asked(weeks, 1, Step("A"), Step("B"), None), streams)
    stickiness.stick(stickiness.Asked(days, weeks, Step("A")), streams)
