"""A branching timed pattern with a guard over the journey index, beside ClickHouse's `sequenceMatch` on the same rows.

    seen -> (added within 2 days, then ordered with no (refused, seen or added) between
             or liked within 1 day, then ordered with no (refused, seen or liked) between)

How many people have it at least once, one passage at a time and no window shorter than the log. `sequenceMatch` has no
guards, and where it looks at time it lets anything come between; but two steps side by side in its pattern allow none
of the events that it is given conditions for. So each branch is a `sequenceMatch` over its own three steps and the
guard, the two of them or'ed, and the guards above name what side by side forbids: both say the same.

Ours is the whole verb, from the memory-mapped index through the engine to the funnel with endings, intervals and times;
ClickHouse has one part sorted by (profile, at), filters to the steps' events, and the better of its aggregations
counts. The fastest of several runs counts for both.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

from benchmarks.clickhouse import Peer
from benchmarks.log import arranged
from benchmarks.outcome import Outcome, show
from cxminute.journeys.analyses.counted import merge
from cxminute.journeys.analyses.funnel import count, funnel_of
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.model.times import DAY
from cxminute.store.engines.local import LocalEngine

EVENTS = 100_000_000
GOAL = 5
RUNS = 4
SEEN, ADDED, LIKED, ORDERED, REFUSED = "Event 000", "Event 001", "Event 002", "Order Completed", "Event 003"


def measure(events: int) -> Outcome:
    """Both count the people, the counts are compared, then the times."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as temporary:
        index = arranged(Path(temporary) / "index", events, paths=())
        peer = Peer(index, Path(temporary), threads)
        plan = compile_plan(journey(_pattern(), window="366 days"))
        task = partial(count, plan, closes_at=index.closes_at, counting="subjects")
        engine, took, ours = LocalEngine(threads), float("inf"), 0
        for _ in range(RUNS):
            begun = perf_counter()
            table = funnel_of(engine.run(index, task, merge), plan)
            took = min(took, perf_counter() - begun)
            ours = sum(table["completed"].to_pylist())
        theirs_took, way, answer = peer.fastest(_query(), RUNS)
        peer.close()
    theirs = int(answer[0][0])
    rows = [
        ("CX Minute", f"{took:.3f}", f"{took / events * 1e9:.2f}", f"{ours:,}"),
        (f"sequenceMatch, {way}", f"{theirs_took:.3f}", f"{theirs_took / events * 1e9:.2f}", f"{theirs:,}"),
    ]
    show((f"{events:,} events", "seconds", "ns/event", "people"), rows)
    ratio = theirs_took / took
    print(f"counts {'agree' if ours == theirs else 'DIFFER'}")
    return Outcome(ours == theirs and ratio >= GOAL, f"{ratio:.1f}x sequenceMatch", f"{GOAL}x")


def _pattern() -> str:
    def branch(step: str, within: str) -> str:
        return f'"{step}" within {within} -> "{ORDERED}" without ("{REFUSED}" or "{SEEN}" or "{step}")'

    return f'"{SEEN}" -> ({branch(ADDED, "2 days")} or {branch(LIKED, "1 day")})'


def _query() -> str:
    def branch(step: str, within: int) -> str:
        conditions = ", ".join(f"name = '{name}'" for name in (SEEN, step, ORDERED, REFUSED))
        return f"sequenceMatch('(?1)(?t<={within})(?2)(?3)')(at, {conditions})"

    names = ", ".join(f"'{name}'" for name in (SEEN, ADDED, LIKED, ORDERED, REFUSED))
    return (
        f"select count() from (select {branch(ADDED, 2 * DAY)} or {branch(LIKED, DAY)} as hit from peer.log "
        f"where name in ({names}) group by profile) where hit"
    )
