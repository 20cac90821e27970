"""Tasks over a bucket and what they give travel between processes: this is what other engines need."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cxminute.journeys.analyses import explained, flows, follows, lifecycle, retention, stickiness
from cxminute.journeys.analyses.paths import deviate
from cxminute.journeys.analyses.periods import periods
from cxminute.journeys.find import find
from cxminute.model.steps import Step
from tests.journeys.drawn_tables import PLAN, shop
from tests.oracles.streams import ListStreams

SHOP = shop()
OPENS, CLOSES = int(SHOP.times.min()), int(SHOP.times.max())
WEEKS, DAYS = (periods(unit, ZoneInfo("UTC"), opens_at=OPENS, closes_at=CLOSES) for unit in ("week", "day"))
COHORTS, STICKY = retention.Asked(WEEKS, 3), stickiness.Asked(DAYS, WEEKS, retention.ANY)
FINDER = partial(find, PLAN, opens_at=OPENS, closes_at=CLOSES)

TASKS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "flows": (partial(flows.flow, flows.Asked(Step("Product Added"), "both", 3)), flows.table),
    "follows": (follows.follow, follows.table),
    "retention": (partial(retention.retain, COHORTS), partial(retention.table, COHORTS, closes_at=CLOSES)),
    "lifecycle": (partial(lifecycle.live, WEEKS, retention.ANY), partial(lifecycle.table, WEEKS, closes_at=CLOSES)),
    "stickiness": (partial(stickiness.stick, STICKY), partial(stickiness.table, STICKY, closes_at=CLOSES)),
    "explained": (
        partial(explained.explain, [(PLAN, FINDER(SHOP))], space="person", closes_at=CLOSES),
        explained.table,
    ),
    "off path": (partial(deviate, PLAN, FINDER, closes_at=CLOSES), lambda table: table),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_gives_the_same_after_a_journey_of_its_own(name: str) -> None:
    """Pickled and read again, task and answer give the table that they gave at home."""
    task, told = TASKS[name]
    away = pickle.loads(pickle.dumps(task))  # noqa: S301 -- written here
    answer = pickle.loads(pickle.dumps(away(SHOP)))  # noqa: S301 -- written here
    assert str(told(answer).to_pylist()) == str(told(task(SHOP)).to_pylist())


@pytest.mark.parametrize("name", [name for name in TASKS if name != "off path"])
def test_answers_of_halves_add_to_the_whole(name: str) -> None:
    """Half of the subjects here and half there, added in either order, give the table of all."""
    task, told = TASKS[name]
    middle = int(np.median(SHOP.subjects))
    halves = [
        task(ListStreams([event for event in SHOP.events if (event.subject <= middle) == early]))
        for early in (True, False)
    ]
    whole = str(told(task(SHOP)).to_pylist())
    assert str(told(halves[0] + halves[1]).to_pylist()) == whole
    assert str(told(halves[1] + halves[0]).to_pylist()) == whole
