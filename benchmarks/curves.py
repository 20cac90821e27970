"""Completion curve, retention and lifecycle over the journey index: each in seconds, at a hundred million events.

The curve is the whole way: passages of a journey of two steps (3 % and 12 % of events) found in all buckets, then
Aalen and Johansen's estimate with its bounds over all of them. Retention and lifecycle count every event by the week;
stickiness, by the day, stands beside them without a goal. Before that the counts are checked against polars on a
million events of the same log. The fastest of several runs counts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks.log import arranged
from benchmarks.outcome import Outcome, show
from cxminute.journeys.analyses import lifecycle, retention, stickiness
from cxminute.journeys.analyses.curves import curve
from cxminute.journeys.analyses.periods import periods
from cxminute.journeys.find import find
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.model.times import WEEK
from cxminute.store.engines.local import LocalEngine
from cxminute.store.index import Index

EVENTS = 100_000_000
GOAL = 2.0
RUNS = 3
CHECKED = 1_000_000
FIRST, THEN = "Order Completed", "Event 000"
MONDAY = 4 * 86_400_000
"""The first Monday after the epoch was the fifth of January 1970."""


def measure(events: int) -> Outcome:
    """Checks the counts on a part, then times each on all."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as temporary:
        small = arranged(Path(temporary) / "small", min(CHECKED, events), paths=())
        same = _as_polars(small, _asked(small, threads))
        index = arranged(Path(temporary) / "index", events, paths=())
        asked = _asked(index, threads)
        took, rows = {}, {}
        for name, call in asked.items():
            took[name], rows[name] = float("inf"), 0
            for _ in range(RUNS):
                begun = perf_counter()
                rows[name] = len(call())
                took[name] = min(took[name], perf_counter() - begun)
    show(
        (f"{events:,} events, {threads} processors", "seconds", "ns/event", "rows"),
        [(n, f"{t:.2f}", f"{t / events * 1e9:.1f}", f"{rows[n]:,}") for n, t in took.items()],
    )
    print(f"counts {'agree with polars' if same else 'DIFFER from polars'} at {min(CHECKED, events):,} events")
    held = {name: seconds for name, seconds in took.items() if name != "stickiness"}
    worst = max(held, key=lambda name: held[name])
    return Outcome(same and held[worst] <= GOAL, f"{held[worst]:.2f} s ({worst})", f"{GOAL:g} s each")


def _asked(index: Index, threads: int) -> dict[str, Callable[[], pa.Table]]:
    """What is asked of an index, by name; each goes from the index to the table."""
    engine, closes_at = LocalEngine(threads), index.closes_at
    weeks, days = (
        periods(unit, ZoneInfo("UTC"), opens_at=index.opens_at, closes_at=closes_at) for unit in ("week", "day")
    )
    plan = compile_plan(journey(f'"{FIRST}" -> "{THEN}" within 7 days', window="14 days"))
    finder = partial(find, plan, opens_at=index.opens_at, closes_at=closes_at)
    cohorts, sticky = retention.Asked(weeks, 12), stickiness.Asked(days, weeks, retention.ANY)
    return {
        "completion curve": lambda: curve(engine.run(index, finder, pa.concat_tables), closes_at=closes_at),
        "retention": lambda: retention.table(
            cohorts,
            engine.run(index, partial(retention.retain, cohorts), partial(retention.merged, cohorts)),
            closes_at=closes_at,
        ),
        "lifecycle": lambda: lifecycle.table(
            weeks,
            engine.run(index, partial(lifecycle.live, weeks, retention.ANY), partial(lifecycle.merged, weeks)),
            closes_at=closes_at,
        ),
        "stickiness": lambda: stickiness.table(
            sticky,
            engine.run(index, partial(stickiness.stick, sticky), partial(stickiness.merged, sticky)),
            closes_at=closes_at,
        ),
    }


def _as_polars(index: Index, asked: dict[str, Callable[[], pa.Table]]) -> bool:
    """Whether lifecycle and retention count as polars does with the same events."""
    parts = [index.read(bucket) for bucket in index.buckets()]
    events = pl.DataFrame(
        {
            "who": np.concatenate([np.repeat(part.subjects, np.diff(part.offsets)) for part in parts]),
            "at": np.concatenate([part.times for part in parts]),
        }
    )
    active = events.select("who", week=(pl.col("at") - MONDAY) // WEEK).unique()
    seen = active.join(active.group_by("who").agg(first=pl.col("week").min()), on="who")
    new = (pl.col("week") == pl.col("first")).sum()
    by_week = seen.group_by("week").agg(active=pl.len(), new=new).sort("week")
    cells = {(first, week - first): count for first, week, count in seen.group_by("first", "week").len().iter_rows()}
    lived, kept = asked["lifecycle"](), asked["retention"]().to_pylist()
    told = [row for row in kept if row["cohort"] and row["returned"] is not None]
    weeks = [(row["cohort"].toordinal() - date(1970, 1, 5).toordinal()) // 7 for row in told]
    return (
        lived["active"].to_pylist() == by_week["active"].to_list()
        and lived["new"].to_pylist() == by_week["new"].to_list()
        and [row["returned"] for row in told]
        == [cells.get((week, row["period"]), 0) for week, row in zip(weeks, told, strict=True)]
    )
