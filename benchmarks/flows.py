"""Direct-follow counts over the journey index, beside pm4py and polars on the same rows.

What is compared is what the peers compute: for each pair of events how often one directly follows the other in a
stream; ours counts begins and ends besides. Equal counts are checked first, then the fastest of several runs counts for
each; ours, which take milliseconds, are timed before and after the peers, whose runs take seconds, since a machine that
is shared is slow for a moment now and then.

pm4py (`discover_dfg`) runs at a tenth of the events, over its pandas frame of texts as rows come and sorted beforehand;
polars at all of them, as rows come (they are sorted by person and time first) and sorted beforehand, with names as an
enumeration: `shift` over the person, then a count by group. The goal is held against the faster of these two. Whoever
knows that a frame is sorted may compare neighbours instead of shifting over groups: that way stands beside them.

Ours reads the index, which is sorted as the sorted frames are; with building it, a table in memory is turned into an
index first. The full flows (times, subjects, returns), which neither peer computes, are timed too.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks.log import CHUNK, NAMES, chunk
from benchmarks.outcome import Outcome, show
from cxminute.journeys.analyses import flows, follows
from cxminute.model.tables import MOMENT
from cxminute.store.engines.local import LocalEngine
from cxminute.store.index import Index, in_memory

T = TypeVar("T")
Pairs = dict[tuple[str, str], int]

EVENTS = 20_000_000
OF_PM4PY, OF_POLARS, BUILT = 1_000, 100, 20
RUNS = 15
TENTH = 10
NEIGHBOURS = "sorted, neighbours compared"


def measure(events: int) -> Outcome:
    """All count the successions, the counts are compared, then the times."""
    large, small = _log(events), _log(max(events // TENTH, 1))
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    engine = LocalEngine(threads)
    direct = partial(engine.run, task=follows.follow, merge=follows.merged)
    index, little = in_memory(large, "subject"), in_memory(small, "subject")
    direct(little)  # compiled

    def build() -> follows.Follows:
        return direct(in_memory(small, "subject"))

    ours_large, pairs_large = _fastest(lambda: direct(index))
    ours_small, pairs_small = _fastest(lambda: direct(little))
    built, _ = _fastest(build)
    full, _ = _fastest(lambda: flows.table(_full(engine, index)), 2)
    mined, graph = _pm4py(small)
    ours_small, built = min(ours_small, _fastest(lambda: direct(little))[0]), min(built, _fastest(build)[0])
    shifted, frames = _polars(large)
    ours_large = min(ours_large, _fastest(lambda: direct(index))[0])
    same = _pairs(pairs_small) == graph and all(_pairs(pairs_large) == frame for frame in frames)
    show(
        (f"direct-follow, {threads} processors", "events", "ms", "x ours"),
        [
            (name, f"{count:,}", f"{took * 1000:,.1f}", f"{took / ours:,.0f}")
            for name, count, took, ours in [
                ("CX Minute, over the index", len(small), ours_small, ours_small),
                ("CX Minute, with building the index", len(small), built, ours_small),
                *((f"pm4py, {way}", len(small), took, ours_small) for way, took in mined.items()),
                ("CX Minute, over the index", len(large), ours_large, ours_large),
                ("CX Minute, with times, subjects and returns", len(large), full, ours_large),
                *((f"polars, {way}", len(large), took, ours_large) for way, took in shifted.items()),
            ]
        ],
    )
    best = min(mined.values())
    over = min(took for way, took in shifted.items() if way != NEIGHBOURS)
    ratios = (best / ours_small, over / ours_large, best / built)
    print(f"counts {'agree' if same else 'DIFFER'}: {len(graph):,} and {len(frames[0]):,} pairs")
    goals = (OF_PM4PY, OF_POLARS, BUILT)
    met = same and all(ratio >= goal for ratio, goal in zip(ratios, goals, strict=True))
    told = "{:,.0f}x pm4py, {:,.0f}x polars, with building {:,.0f}x pm4py"
    return Outcome(met, told.format(*ratios), told.format(*goals))


def _log(events: int) -> pa.Table:
    """The log as a table in memory, in order of time: subject, at, name."""
    drawn = [chunk(first, events) for first in range(0, events, CHUNK)]
    names = np.concatenate([part.names for part in drawn]).astype(np.int32)
    people, times = (np.concatenate([getattr(part, column) for part in drawn]) for column in ("people", "times"))
    order = np.argsort(times, kind="stable")
    return pa.table(
        {
            "subject": pa.array(people[order]),
            "at": pa.array(times[order]).cast(MOMENT),
            "name": pa.DictionaryArray.from_arrays(names[order], pa.array(NAMES)),
        }
    )


def _full(engine: LocalEngine, index: Index) -> flows.Flow:
    return engine.run(index, partial(flows.flow, flows.Asked()), flows.merged)


def _fastest(call: Callable[[], T], runs: int = RUNS) -> tuple[float, T]:
    """Seconds of the fastest run, and what the last gave."""
    best = float("inf")
    for _ in range(runs):
        begun = perf_counter()
        found = call()
        best = min(best, perf_counter() - begun)
    return best, found


def _pairs(found: follows.Follows) -> Pairs:
    rows = follows.table(found).to_pylist()
    return {(row["from"], row["to"]): row["count"] for row in rows if row["from"] is not None and row["to"] is not None}


def _pm4py(table: pa.Table) -> tuple[dict[str, float], Pairs]:
    """Seconds by the way that its frame is given, and the graph."""
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        pm4py: Any = import_module("pm4py")
        frame = table.to_pandas().astype({"subject": str, "name": str})
        frame.columns = ["case:concept:name", "time:timestamp", "concept:name"]
        ordered = frame.sort_values(["case:concept:name", "time:timestamp"], kind="stable", ignore_index=True)
        took: dict[str, float] = {}
        graph: Pairs = {}
        for way, given in (("as rows come", frame), ("sorted", ordered)):
            took[way], (graph, _, _) = _fastest(partial(pm4py.discover_dfg, given), 2)
    return took, dict(graph)


def _polars(table: pa.Table) -> tuple[dict[str, float], list[Pairs]]:
    """Seconds by the way that its frame is given, and the counts of each."""
    frame = pl.DataFrame(table).with_columns(name=pl.col("name").cast(pl.String).cast(pl.Enum(NAMES)))
    ordered = frame.sort("subject", "at", maintain_order=True)
    following = pl.col("name").shift(-1).over("subject")
    same = pl.col("subject") == pl.col("subject").shift(-1)

    def counted(query: pl.LazyFrame) -> pl.DataFrame:
        return query.drop_nulls("next").group_by("name", "next").len().collect()

    ways: dict[str, Callable[[], pl.DataFrame]] = {
        "as rows come": lambda: counted(
            frame.lazy().sort("subject", "at", maintain_order=True).with_columns(next=following)
        ),
        "sorted": lambda: counted(ordered.lazy().with_columns(next=following)),
        NEIGHBOURS: lambda: counted(ordered.lazy().with_columns(next=pl.when(same).then(pl.col("name").shift(-1)))),
    }
    took, found = {}, []
    for way, call in ways.items():
        took[way], counts = _fastest(call, 3)
        found.append({(str(a), str(b)): int(n) for a, b, n in counts.iter_rows()})
    return took, found
