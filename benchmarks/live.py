"""Following customers as things happen: one event at a time from Python, and everybody in small batches.

The stated log in order of time, a branching journey with a guard, a time limit and a condition. Both ways must end the
same passages as the scan over the whole log does. No peer runs such a pattern inside a Python process; beside ours
stands the same transition function as plain Python, which is what a hand-written loop would cost. The fastest of
several runs counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.log import NAMES, chunks
from benchmarks.outcome import Outcome, show
from cxminute.journeys import live
from cxminute.journeys.advance import ENDING, advance, width
from cxminute.journeys.find import find, step_masks
from cxminute.journeys.keyed import Keyed
from cxminute.journeys.language import journey
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.tables import ENDINGS, MOMENT
from cxminute.store.index import in_memory

EVENTS = 2_000_000
MOST_US = 5.0
LEAST = 1_000_000
BATCH = 10_000
ONE_BY_ONE = 200_000
RUNS = 4
PLAIN = 20_000

PATTERN = (
    'seen: "Page Viewed" -> ("Event 000" within 2 days or "Event 001" where (p0 > 10) within 1 day)'
    ' -> bought: "Order Completed" within 7 days without "Event 002"'
)

Ints = NDArray[np.int64]
Endings = Counter[str]


@dataclass(frozen=True)
class Log:
    """The log in order of time."""

    people: Ints
    times: Ints
    events: pa.Table


def measure(events: int) -> Outcome:
    """Microseconds an event one by one, and events a second in batches; the same endings first."""
    plan = compile_plan(journey(PATTERN, window="14 days"))
    log = _log(events)
    expected = _scanned(plan, log)
    crowd, batched, ended = _batches(plan, log)
    same = ended == expected
    print(f"endings {'agree' if same else 'DIFFER'} with the scan: {dict(expected)}" + ("" if same else f" {ended}"))
    masks = _masks(plan, log.events)
    alone, one = _one_by_one(plan, log, masks, min(events, ONE_BY_ONE))
    plain = _plain(plan, log, masks, min(events, PLAIN))
    state = len(live.dump(one))
    show(
        ("", "microseconds an event", "events/s"),
        [
            ("one event at a time, live.take", f"{alone:.2f}", f"{1e6 / alone:,.0f}"),
            (f"batches of {BATCH:,}, conditions included", f"{1e6 / batched:.3f}", f"{batched:,.0f}"),
            ("the same function, not compiled", f"{plain:.1f}", f"{1e6 / plain:,.0f}"),
        ],
    )
    print(f"state: {state} bytes of a person with an open passage, {len(crowd.dump()) / 1e6:.1f} MB of all people")
    met = same and alone <= MOST_US and batched >= LEAST
    figure = f"{alone:.2f} microseconds an event, {batched / 1e6:.1f} M events/s in batches"
    return Outcome(met, figure, f"{MOST_US:g} microseconds, {LEAST / 1e6:g} M events/s")


def _log(events: int) -> Log:
    people, names, times, p0 = [], [], [], []
    for chunk in chunks(events):
        people.append(chunk.people)
        names.append(chunk.names)
        times.append(chunk.times)
        p0.append(chunk.properties["p0"].to_numpy())
    at = np.concatenate(times)
    order = np.argsort(at, kind="stable")
    words = pa.DictionaryArray.from_arrays(np.concatenate(names)[order].astype(np.int32), pa.array(NAMES))
    table = pa.table(
        {
            "subject": np.zeros(events, np.int64),
            "at": pa.array(at[order]).cast(MOMENT),
            "name": words,
            "properties.p0": np.concatenate(p0)[order],
        }
    )
    return Log(np.concatenate(people)[order], at[order], table)


def _masks(plan: Plan, events: pa.Table) -> Ints:
    """What each event of a batch in order of time is to the plan: evaluated as for a segment of the log."""
    return step_masks(plan, in_memory(events, "person").read(range(1)))


def _scanned(plan: Plan, log: Log) -> Endings:
    people = in_memory(log.events.set_column(0, "subject", pa.array(log.people)), "person")
    counted: Endings = Counter()
    for bucket in people.buckets():
        passages = find(plan, people.read(bucket), opens_at=people.opens_at, closes_at=people.closes_at)
        counted.update(passages["ending"].to_pylist())
    return counted


def _batches(plan: Plan, log: Log) -> tuple[Keyed, float, Endings]:
    warm = Keyed(plan)
    first = log.events.slice(0, 100)
    warm.take(log.people[:100], log.times[:100], _masks(plan, first))
    took = float("inf")
    for _ in range(RUNS):
        crowd, rows = Keyed(plan), []
        watch = perf_counter()
        for begin in range(0, len(log.people), BATCH):
            chosen = slice(begin, begin + BATCH)
            masks = _masks(plan, log.events.slice(begin, BATCH))
            rows.append(crowd.take(log.people[chosen], log.times[chosen], masks).rows)
        took = min(took, perf_counter() - watch)
    counted: Endings = Counter()
    rows.append(crowd.tick(int(log.times[-1])).rows)
    for ending in np.concatenate(rows)[:, ENDING].tolist():
        counted[ENDINGS[ending]] += 1
    counted["open"] = crowd.open_now
    return crowd, len(log.people) / took, counted


def _one_by_one(plan: Plan, log: Log, masks: Ints, count: int) -> tuple[float, live.State]:
    """Microseconds an event through `live.take` in the fastest of several runs, and a state with an open passage."""
    people, times, bits = log.people[:count].tolist(), log.times[:count].tolist(), masks[:count].tolist()
    live.take(plan, live.begin(plan), 0, 1)
    best = float("inf")
    for _ in range(RUNS):
        states = dict.fromkeys(people, live.begin(plan))
        watch = perf_counter()
        for person, at, mask in zip(people, times, bits, strict=True):
            states[person], _ = live.take(plan, states[person], at, mask)
        best = min(best, perf_counter() - watch)
    return 1e6 * best / count, next(state for state in states.values() if state.open_now)


def _plain(plan: Plan, log: Log, masks: Ints, count: int) -> float:
    """Microseconds an event of the transition function alone, as plain Python."""
    rows = np.zeros((4, width(plan.moves)), np.int64)
    ended, counts = np.zeros_like(rows), np.zeros(2, np.int64)
    events = list(zip(log.times[:count].tolist(), masks[:count].tolist(), strict=True))
    watch = perf_counter()
    for number, (at, mask) in enumerate(events):
        advance.py_func(plan.moves, rows, counts, at, mask, number, ended)
    took = perf_counter() - watch
    return 1e6 * took / count
