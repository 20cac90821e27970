"""`door`: events acknowledged over HTTP after a sync, and into the log, beside a no-op under the same server.

The load generator runs in a process of its own, on the same cores (see `benchmarks.load`). In turn, with the worker on:

1. half the goal's rate, on a fixed clock: what a request waits, late sends counted;
2. as fast as it goes, in batches of 100 events of 500 bytes: events acknowledged a second, and how far behind the
   inbox then is, and at what rate it drains;
3. single events, by turns at the door and at an application that does nothing under the same server: the ratio.

At the end every acknowledged event is in the log or in the inbox, by their counts.

From LONG events on it measures memory instead: so many events at the goal's rate with the worker on, 60 million in ten
minutes; then, while the worker drains what is behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, Final

from benchmarks.outcome import Outcome, show
from benchmarks.running import Door, await_port, free_port, new_project, waiting
from cxminute.app.project import Project

EVENTS: Final = 3_000_000
LONG: Final = 20_000_000
RATE: Final = 100_000
WAIT: Final = 50.0
"""Milliseconds."""
SHARE: Final = 0.30
_PACED: Final = 20.0
"""Seconds at half the rate."""
_TURN: Final = 5.0
"""Seconds of single events at a time."""
_LEAST: Final = 0.99
"""Of the goal's rate, on a fixed clock: the last answers come after the last send."""
_FLAT: Final = 1.3
"""What the last tenth of a run may hold, beside its second tenth, to be called flat."""
_SOURCE: Final = """name = "website"
format = "http"
[properties]
category = "text"
price = "number"
quantity = "number"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


@dataclass(slots=True)
class Memory:
    """Anonymous memory of the server and its worker, MiB, sampled each half second; mapped files are not counted."""

    door: Door
    server: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to sample."""
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _sample(self) -> None:
        worker: int | None = None
        while not self._stop.wait(0.5):
            if self.door.process is not None:
                self.server += _anonymous(self.door.process.pid)
            if worker is None or not _anonymous(worker):
                worker = next(iter(self.door.workers()), None)
            if worker is not None:
                self.worker += _anonymous(worker)

    def rows(self) -> list[tuple[str, ...]]:
        """Lines of a table: a process, then its memory in the second tenth of the run, in the last, and at most."""
        return [
            (name, *(f"{figure:,.0f} MiB" for figure in (*_ends(samples), max(samples))))
            for name, samples in (("server", self.server), ("worker", self.worker))
            if samples
        ]

    def flat(self) -> bool:
        """Whether the last tenth of the run holds no more than the second, but for a little."""
        ends = [_ends(samples) for samples in (self.server, self.worker) if len(samples) >= 20]
        return all(last <= _FLAT * first + 16 for first, last in ends)


def measure(events: int) -> Outcome:
    """Measures the door and prints the figures; the memory of long runs from LONG events on."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as name:
        return _long(Path(name), events) if events >= LONG else _figures(Path(name), events)


def _figures(folder: Path, events: int) -> Outcome:
    root = folder / "door"
    with Door([root], new_project(root, source=_SOURCE)) as door:
        memory = Memory(door)
        memory.start()
        project = Project(root)
        warm = _load(door.port, door.key, "warm0", "--seconds", "3", "--rate", str(RATE // 10))
        paced, full = _paced(door, project), _full(door, project, events)
        rate = full["acknowledged"] / full["seconds"]
        ours, noop = _singles(door)
        share = _rate(ours) / _rate(noop)
        print(f"  the door at {share:.0%} of the no-op's rate", flush=True)
        memory.stop()
        show(("memory", "early", "at the end", "most"), memory.rows())
        lost = _missing(project, [warm, paced, full, ours])
    return Outcome(
        met=rate >= RATE and paced["p99"] < WAIT and share >= SHARE and lost == 0,
        figure=f"{rate:,.0f} events/s, p99 {paced['p99']:.0f} ms at half, {share:.0%} of the no-op",
        goal=f"{RATE:,} events/s, {WAIT:.0f} ms, {SHARE:.0%}",
    )


def _paced(door: Door, project: Project) -> dict[str, Any]:
    """Half the goal's rate on a fixed clock, over 64 connections."""
    asked = ("--seconds", str(_PACED), "--rate", str(RATE // 2), "--connections", "64")
    told = _load(door.port, door.key, "paced", *asked)
    print(f"at {RATE // 2:,} events/s: p50 {told['p50']:.1f} ms, p99 {told['p99']:.1f} ms, most {told['most']:.0f} ms")
    print(f"  {waiting(project):,} events waited in the inbox after {_PACED:.0f} s of it", flush=True)
    return told


def _full(door: Door, project: Project, events: int) -> dict[str, Any]:
    """As fast as it goes, over 32 connections; then the inbox drains."""
    told = _load(door.port, door.key, "full0", "--events", str(events))
    behind, rate = waiting(project), told["acknowledged"] / told["seconds"]
    print(f"at full rate: {rate:,.0f} events/s acknowledged in batches of 100, p99 {told['p99']:.1f} ms")
    print(f"  the generator took {told['cpu_us']:.0f} µs of a core for a request of 100 events")
    print(f"  {behind:,} events were in the inbox and not in the log yet", flush=True)
    drained = _drained(project)
    print(f"  drained at {drained:,.0f} events/s" if drained else "  nothing was left to drain", flush=True)
    return told


def _long(folder: Path, events: int) -> Outcome:
    """Memory over a long run at the goal's rate, and while what is behind after it drains."""
    root, seconds = folder / "long", events / RATE
    with Door([root], new_project(root, source=_SOURCE)) as door:
        project = Project(root)
        memory = Memory(door)
        memory.start()
        full = _load(door.port, door.key, "long0", "--seconds", str(seconds), "--rate", str(RATE))
        memory.stop()
        rate, behind = full["acknowledged"] / full["seconds"], waiting(project)
        told = f"{full['acknowledged']:,} events in {full['seconds']:,.0f} s, {rate:,.0f} events/s"
        print(f"{told}, p99 {full['p99']:.0f} ms")
        show(("  memory beside the load", "early", "at the end", "most"), memory.rows())
        print(f"  {behind:,} events behind", flush=True)
        flat = memory.flat()
        memory = Memory(door)
        memory.start()
        print(f"  drained at {_drained(project):,.0f} events/s", flush=True)
        memory.stop()
        show(("  memory while it drains", "early", "at the end", "most"), memory.rows())
        flat = flat and memory.flat()
        lost = _missing(project, [full])
    return Outcome(
        met=flat and lost == 0 and rate >= _LEAST * RATE,
        figure=f"memory {'flat' if flat else 'GREW'}, {rate:,.0f} events/s, {behind:,} drained, lost = {lost}",
        goal=f"memory flat, {RATE:,} events/s, lost = 0",
    )


def _singles(door: Door) -> tuple[dict[str, Any], dict[str, Any]]:
    """Single events at the door and at the no-op, by turns, so that a slow minute of the machine hits both."""
    port = free_port()
    noop = subprocess.Popen([sys.executable, "-m", "benchmarks.noop", str(port)])  # noqa: S603 -- ourselves
    try:
        await_port(port)
        told: dict[str, list[dict[str, Any]]] = {"door": [], "noop": []}
        asked = ("--items", "1", "--connections", "64", "--seconds", str(_TURN))
        for turn in range(3):
            told["noop"].append(_load(port, door.key, f"noop{turn}", *asked))
            told["door"].append(_load(door.port, door.key, f"door{turn}", *asked))
    finally:
        noop.kill()
        noop.wait()
    ours, nothing = _together(told["door"]), _together(told["noop"])
    table = [
        (what, f"{_rate(of):,.0f}", f"{of['p50']:.1f}", f"{of['p99']:.1f}", f"{of['cpu_us']:.0f}")
        for what, of in (("door", ours), ("no-op", nothing))
    ]
    show(("single events", "requests/s", "p50 ms", "p99 ms", "generator, µs each"), table)
    return ours, nothing


def _rate(told: dict[str, Any]) -> float:
    """Requests a second."""
    return float(told["requests"] / told["seconds"])


def _together(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Several turns as one; percentiles are the middle turn's."""
    middle = sorted(turns, key=lambda told: told["p99"])[len(turns) // 2]
    added = {of: sum(told[of] for told in turns) for of in ("acknowledged", "unanswered", "requests", "seconds")}
    return {**middle, **added}


def _load(port: int, key: str, run: str, *asked: str) -> dict[str, Any]:
    """One run of the load generator; what was refused is told at once."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), key, "--run", run, *asked]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- ourselves
    told: dict[str, Any] = json.loads(done.stdout)
    if told["refused"] or told["unanswered"]:
        print(f"  refused: {told['refused']}; {told['unanswered']} events unanswered", flush=True)
    return told


def _drained(project: Project) -> float:
    """Waits until the inbox is empty; events a second, 0 where it was."""
    began, first = perf_counter(), waiting(project)
    last, since = first, began
    while left := waiting(project):
        if left < last:
            last, since = left, perf_counter()
        if perf_counter() - since > 120:
            raise RuntimeError(f"The inbox stands still at {left:,} events.")
        sleep(0.25)
    return first / (perf_counter() - began)


def _missing(project: Project, loads: list[dict[str, Any]]) -> int:
    """Acknowledged events that are neither stored nor waiting. Unanswered ones may be there, and count for nothing."""
    acknowledged = sum(told["acknowledged"] for told in loads)
    left = waiting(project)  # before the balance: what leaves the inbox meanwhile is counted there
    stored = sum(minute.stored for minute in project.arrivals.balance())
    apart = sum(minute.duplicate + minute.quarantined for minute in project.arrivals.balance())
    if apart:
        print(f"  {apart:,} events counted as duplicates or set apart, where none should be", flush=True)
    rows = sum(piece.rows for piece in project.log.pieces(()))
    if rows < stored:
        raise RuntimeError(f"{stored:,} events are counted as stored, {rows:,} are in the log.")
    lost: int = max(0, acknowledged - left - stored)
    print(f"LOST: {lost:,} events" if lost else "every acknowledged event is in the log or in the inbox", flush=True)
    return lost


def _anonymous(process: int) -> list[float]:
    """Anonymous memory of a process in MiB; nothing where there is no such process."""
    try:
        told = Path(f"/proc/{process}/status").read_text("ascii")
    except OSError:
        return []
    return [int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("RssAnon")]


def _ends(samples: list[float]) -> tuple[float, float]:
    """The most of the second tenth of the samples, and of the last: the first tenth is the start."""
    tenth = max(1, len(samples) // 10)
    return max(samples[tenth : 2 * tenth] or samples[:tenth]), max(samples[-tenth:])
