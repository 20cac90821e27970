"""The door under kills: what was acknowledged is stored, once, whatever was killed and whenever.

Writers send batches all the while, each noting, synced, what was acknowledged, and sending the rest again with the
same ids. In every round the server, its worker or both are killed (-9), at a random moment or at a named failpoint of
the inbox, the segments, the receipts, the commit and the compaction; or the disk fails there for a while. After each
round the door starts again, and everything acknowledged so far must be in the inbox or in the log, nothing in the log
twice. At the end, with the writers stopped and the inbox empty, what is stored is what was acknowledged, no more and
no less; the manifest names the files that are there; and the balance adds up.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

import pyarrow as pa

from benchmarks.outcome import Outcome
from benchmarks.running import Door, new_project, waiting
from cxminute.app.project import Project
from cxminute.store.failpoints import POINTS
from soaks.held import compared, in_inbox, in_log, manifest_faults, noted, set_apart, totals

ROUNDS: Final = 200
WRITERS: Final = 3
SLOWEST: Final = 5.0
"""Seconds from start to ready, at most, after any kill."""
_PATIENCE: Final = 5.0
_SLOW: Final = 15.0  # seconds that the worker may take to start, on a busy machine
_BY_HAND: Final = ("server", "worker", "both", "stop")
_FAULTS: Final = ("enospc", "eio")


@dataclass(slots=True)
class Seen:
    """What the rounds saw.

    kills:  way -> processes killed by it
    starts: seconds from start to ready, each
    faults: what was wrong, in words
    """

    kills: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run(rounds: int, seed: int) -> Outcome:
    """Kills for `rounds` rounds; met when nothing acknowledged was lost, nothing counted twice, no start slow."""
    chance = random.Random(seed)  # noqa: S311 -- where a kill falls, not a secret
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="cxm-door-") as name:
        folder = Path(name)
        root = folder / "project"
        door = Door([root], new_project(root))
        writers: list[subprocess.Popen[bytes]] = []
        try:
            for number, way in enumerate(_ways(rounds, chance)):
                heard = door.said.stat().st_size if door.said.exists() else 0
                seen.starts.append(_started(door, way, chance))
                if not writers:
                    writers = [_writer(door, folder, f"w{place}", seed + place) for place in range(WRITERS)]
                _break(door, way, heard, chance, seen)
                _check(folder, root, f"round {number + 1}, {way}", seen)
                if (number + 1) % 10 == 0 or number + 1 == rounds:
                    print(
                        f"round {number + 1}: {sum(seen.kills.values())} kills, {len(seen.faults)} faults", flush=True
                    )
            door.environment = {}
            seen.starts.append(door.start())
            for writer in writers:
                writer.send_signal(signal.SIGTERM)
            ended = [writer.wait(60) for writer in writers]
            if any(ended):
                seen.faults.append(f"a writer ended with {ended}")
            if not door.drained(within=300):
                seen.faults.append("the inbox did not drain in 300 s")
        finally:
            for writer in writers:
                writer.kill()
            door.stop()
        return _ended(folder, root, rounds, seen)


def _ways(rounds: int, chance: random.Random) -> list[str]:
    """What goes wrong in each round: by hand and at a failpoint in turn; kills at every failpoint before faults."""
    named: list[str] = []
    while len(named) < rounds:
        for action in ("kill", chance.choice(_FAULTS)):
            named += [f"{point}={action}" for point in chance.sample(sorted(POINTS), len(POINTS))]
    return [named[number // 2] if number % 2 else _BY_HAND[number // 2 % len(_BY_HAND)] for number in range(rounds)]


def _started(door: Door, way: str, chance: random.Random) -> float:
    """Starts the door with the failpoint of the round, which strikes now and then; seconds until it was ready."""
    often = 0.02 if way.startswith(("inbox.begun", "inbox.committed")) else 0.7
    for _ in range(20):
        door.environment = {"CXM_FAILPOINTS": f"{way}:{often}"} if "=" in way else {}
        door.environment["CXM_FAILPOINTS_SEED"] = str(chance.randrange(2**31))
        try:
            return door.start()
        except RuntimeError:
            if door.process is None or door.process.poll() != -signal.SIGKILL:
                raise  # it did not fall at its failpoint before it was ready
    raise RuntimeError(f"The server never got ready with {way}: {door.tail()}")


def _break(door: Door, way: str, heard: int, chance: random.Random, seen: Seen) -> None:
    """Lets the round go on for a while, and breaks what it is to break."""
    sleep(chance.uniform(0.2, 1.2))
    if way == "stop":
        if door.stop() != 0:
            seen.faults.append(f"asked to stop, the server ended otherwise: {door.tail(500)}")
        return
    if way == "worker":
        for _ in range(chance.randrange(1, 4)):
            seen.kills[way] += door.kill_workers()
            sleep(chance.uniform(0.1, 0.8))
    elif "=" in way:
        _await_death(door, way, heard, seen)
    else:
        seen.kills[way] += 1
    door.kill(alone=way == "server")


def _await_death(door: Door, way: str, heard: int, seen: Seen) -> None:
    """Gives a failpoint time to strike, and counts whom it struck; `heard`: of what the server said before."""
    ends, struck, ready = perf_counter() + _SLOW, 0, False
    while perf_counter() < ends and not struck:
        sleep(0.05)
        fallen = door.process is not None and door.process.poll() is not None
        said = door.said.read_bytes()[heard:]
        struck = fallen + said.count(b'"code": -9')
        if not ready and b"worker ready" in said:
            ready, ends = True, perf_counter() + _PATIENCE
    seen.kills[way] += struck


def _writer(door: Door, folder: Path, name: str, seed: int) -> subprocess.Popen[bytes]:
    path = folder / f"{name}.acknowledged"
    path.touch()
    words = [sys.executable, "-m", "soaks.writing", str(door.port), door.key, str(path), name, str(seed)]
    return subprocess.Popen(words)


def _acknowledged(folder: Path) -> pa.Table:
    """Every id that a writer noted as acknowledged; a half-written last line is none."""
    paths = sorted(folder.glob("*.acknowledged"))
    return noted((path.stem, line) for path in paths for line in path.read_text("utf-8").split("\n")[:-1])


def _check(folder: Path, root: Path, when: str, seen: Seen) -> None:
    """Everything acknowledged by now is held, and nothing is in the log twice; while all of it is running."""
    acknowledged = _acknowledged(folder)  # first: what is acknowledged later is not asked for
    with closing(Project(root)) as project:
        inbox = in_inbox(project)  # before the log: what leaves the inbox meanwhile is in the log
        apart = set_apart(project)
        log = in_log(project)
    lost, twice = compared(acknowledged, pa.concat_tables([inbox, apart, log]), log)
    if lost:
        seen.faults.append(f"{when}: {lost} acknowledged events are neither in the inbox nor in the log")
    if twice:
        seen.faults.append(f"{when}: {twice} events stand in the log more than once")


def _ended(folder: Path, root: Path, rounds: int, seen: Seen) -> Outcome:
    """The last look, with everything stopped."""
    acknowledged = _acknowledged(folder)
    with closing(Project(root)) as project:
        log, apart = in_log(project), set_apart(project)
        became, left = totals(project.arrivals.balance()), waiting(project)
        seen.faults += manifest_faults(project)
    lost, twice = compared(acknowledged, pa.concat_tables([log, apart]), log)
    more, _ = compared(log, acknowledged, log)
    if became["received"] != became["stored"] + became["duplicate"] + became["quarantined"] + left:
        seen.faults.append(f"the balance does not add up: {became}, {left} waiting")
    if (became["stored"], became["quarantined"]) != (log.num_rows, apart.num_rows) or more:
        seen.faults.append(f"{became}, but {log.num_rows} in the log, {more} of them never acknowledged")
    slowest = max(seen.starts)
    for way, kills in sorted(seen.kills.items()):
        print(f"  {kills:>5} killed by {way}")
    print(
        f"{rounds} rounds, {sum(seen.kills.values())} kills, {acknowledged.num_rows:,} acknowledged, "
        f"{log.num_rows:,} stored, {apart.num_rows:,} set apart, {became['duplicate']:,} duplicates, "
        f"{twice} counted twice, lost = {lost}; slowest start {slowest:.1f} s"
    )
    for fault in seen.faults:
        print(f"  WRONG: {fault}")
    return Outcome(
        met=not (seen.faults or lost or twice) and slowest < SLOWEST and acknowledged.num_rows > 0,
        figure=f"lost = {lost}, counted twice = {twice}, slowest start {slowest:.1f} s, {len(seen.faults)} faults",
        goal=f"lost = 0, counted twice = 0, starts under {SLOWEST:.0f} s",
    )
