"""Funnels over the journey index, beside ClickHouse's `windowFunnel` on the same rows, in one run, same counts first.

Four funnels of three steps within 7 days, under 'always', counting subjects: of steps that select about 3 % of events
and about 60 %, each also with a condition on a number property of the first step. Ours is the whole verb: from the
memory-mapped index through the engine to the finished table, with endings, clustered intervals and times between steps,
in a process of its own. ClickHouse tells levels alone; it has all rows in one part sorted by (profile, at), filters to
the steps' events, and the better of its aggregations counts. Both have run once before and the fastest of several runs
counts; our first run in the process, with the index yet to be mapped, is printed too.

Peak memory is what the kernel says of our process (its largest resident set): Python, libraries, kernels, tables, and
every page of the mapped index, and of the property, that was touched. The index itself is `times`, `codes` and
`offsets`; properties are aligned with it, not part of it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
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
BYTES = 12
MEMORY = 3 * 2**30
RUNS = 4
WINDOW = 7


@dataclass(frozen=True, slots=True)
class Case:
    """One funnel: its steps, how much more the first must be, and how many times as fast as the peer it shall be."""

    name: str
    steps: tuple[str, ...]
    over: int | None
    goal: float

    @property
    def pattern(self) -> str:
        """In our language."""
        where = "" if self.over is None else f" where properties.p0 > {self.over}"
        first, *others = (f'"{step}"' for step in self.steps)
        return " -> ".join([first + where, *others])

    @property
    def query(self) -> str:
        """In ClickHouse's: how many profiles came to each level."""
        where = "" if self.over is None else f" and p0 > {self.over}"
        first, *others = (f"name = '{step}'" for step in self.steps)
        levels = ", ".join([first + where, *others])
        names = ", ".join(f"'{step}'" for step in self.steps)
        return (
            f"select level, count() from (select windowFunnel({WINDOW * DAY})(at, {levels}) as level from peer.log "
            f"where name in ({names}) group by profile) group by level order by level"
        )


RARE = ("Event 005", "Event 006", "Event 007")
MANY = ("Page Viewed", "Event 005", "Order Completed")
CASES = (
    Case("3 % of events", RARE, None, 10),
    Case("3 %, one condition", RARE, 30, 5),
    Case("60 % of events", MANY, None, 5),
    Case("60 %, one condition", MANY, 30, 5),
)


@dataclass(frozen=True, slots=True)
class Ours:
    """What our process says of a case: seconds of its first run and of the fastest, and how many reached each step."""

    first: float
    best: float
    reached: list[int]


@dataclass(frozen=True, slots=True)
class Compared:
    """One case at one size, ours beside the peer's."""

    size: int
    case: Case
    ours: Ours
    theirs: float
    way: str
    levels: list[int]

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return self.theirs / self.ours.best

    @property
    def same(self) -> bool:
        """Whether both counted alike."""
        return self.levels == self.ours.reached

    def row(self) -> tuple[str, ...]:
        """As it is shown."""
        said = "agree" if self.same else f"DIFFER {self.ours.reached} {self.levels}"
        seconds = (f"{self.ours.first:.3f}", f"{self.ours.best:.3f}", f"{self.ours.best / self.size * 1e9:.2f}")
        peer = (f"{self.theirs:.3f} {self.way}", f"{self.ratio:.1f}x", f"{self.case.goal}x", said)
        return (f"{self.size:,}", self.case.name, *seconds, *peer)


def measure(events: int) -> Outcome:
    """Both at a hundredth, a tenth and all of the events; the goals hold at all."""
    compared: list[Compared] = []
    peak, stored = 0, 0.0
    for size in (size for size in (events // 100, events // 10, events) if size):
        found, peak, stored = _compare(size)
        compared += found
    header = ("events", "funnel", "ours first", "ours", "ns/event", "windowFunnel", "ratio", "goal", "counts")
    show(header, [one.row() for one in compared])
    print(f"peak memory of our process at {events:,} events: {peak / 2**30:.2f} GiB (goal under 3)")
    worst = min((one for one in compared if one.size == events), key=lambda one: one.ratio / one.case.goal)
    met = all(one.same for one in compared) and worst.ratio >= worst.case.goal and peak < MEMORY and stored <= BYTES
    figure = f"{worst.ratio:.1f}x windowFunnel ({worst.case.name}), {peak / 2**30:.2f} GiB, {stored:.2f} bytes an event"
    return Outcome(met, figure, f"{worst.case.goal}x, 3 GiB, {BYTES} bytes")


def _compare(size: int) -> tuple[list[Compared], int, float]:
    """All cases at one size, our peak memory in bytes, and how many bytes of index an event takes."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as temporary:
        folder = Path(temporary)
        begun = perf_counter()
        index = arranged(folder / "index", size)
        made = perf_counter() - begun
        parts = ("times", "codes", "offsets")
        stored = sum((folder / "index" / f"{part}.arrow").stat().st_size for part in parts) / size
        peer = Peer(index, folder, _processors(), ("p0",))
        loaded = perf_counter() - begun - made
        print(f"{size:,} events, {stored:.2f} bytes each in the index (made in {made:.0f} s); "
              f"ClickHouse: {peer.parts} part, loaded in {loaded:.0f} s", flush=True)  # fmt: skip
        ours, peak = _ours(folder / "index", size)
        found = []
        for case in CASES:
            seconds, way, answer = peer.fastest(case.query, RUNS)
            levels = [sum(int(n) for level, n in answer if int(level) > step) for step in range(len(case.steps))]
            found.append(Compared(size, case, ours[case.name], seconds, way, levels))
        peer.close()
    return found, peak, stored


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ours(folder: Path, events: int) -> tuple[dict[str, Ours], int]:
    """Every case in a process of its own, and that process's peak memory in bytes."""
    command = [sys.executable, "-m", "benchmarks.funnel", str(folder), str(events)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- ourselves
    told = json.loads(done.stdout)
    return {name: Ours(**facts) for name, facts in told["cases"].items()}, int(told["peak"])


def _alone(folder: Path, events: int) -> None:
    """All cases, told as JSON: what `_ours` reads."""
    index = arranged(folder, events)
    engine = LocalEngine(_processors())
    cases = {}
    for case in CASES:
        plan = compile_plan(journey(case.pattern, window=f"{WINDOW} days", reentry="always"))
        task = partial(count, plan, closes_at=index.closes_at, counting="subjects")
        took: list[float] = []
        reached: Sequence[int] = ()
        for _ in range(RUNS):
            begun = perf_counter()
            table = funnel_of(engine.run(index, task, merge), plan)
            took.append(perf_counter() - begun)
            reached = table["reached"].to_pylist()
        cases[case.name] = {"first": took[0], "best": min(took), "reached": reached}
    print(json.dumps({"cases": cases, "peak": _peak()}))


def _peak() -> int:
    """The most memory that this process ever had resident, in bytes: VmHWM of Linux.

    `getrusage` says there what the process that started this one had at its most, where that was more.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    told = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(told.split()[1]) * 1024


if __name__ == "__main__":
    _alone(Path(sys.argv[1]), int(sys.argv[2]))
