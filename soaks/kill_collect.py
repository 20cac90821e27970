"""A collect killed (-9) at random points and run again ends in the same log, by its content hashes.

Each kill falls somewhere between the start of the process and a little after its expected end; the same project is
killed again and again until its collect gets through, then a fresh one takes its place. After each kill every segment
that the log names must be whole. At the end: the same file once more adds nothing; one row changed is one correction,
and the old value still stands as known before.
"""

from __future__ import annotations

import csv
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.outcome import Outcome
from cxminute.app.clock import now
from cxminute.app.project import Project

ROUNDS: Final = 50
ROWS: Final = 40_000
_SOURCE: Final = """name = "orders"
format = "csv"
key = ["order"]
[identifiers]
user_id = "customer"
order_id = "order"
[properties]
colour = "colour"
total = { from = "total", type = "number" }
email = "email"
[[events]]
name = "Order Completed"
at = "ordered"
[[events]]
name = "Order Delivered"
at = "delivered"
not_before = "ordered"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def run(rounds: int, seed: int) -> Outcome:
    """Kills `rounds` collects; met when every one that was taken up again ended in the log of one never killed."""
    chance = random.Random(seed)  # noqa: S311 -- where a kill falls, not a secret
    with tempfile.TemporaryDirectory(prefix="cxm-kill-") as name:
        folder = Path(name)
        data = folder / "orders.csv"
        _write(data, chance)
        fresh = _project(folder / "fresh")
        whole = _copy(fresh, folder / "whole")
        began = time.monotonic()
        _collect(whole, data).wait()
        took = time.monotonic() - began
        expected = Project(whole).log.hashes()
        same = _killed(fresh, folder, data, expected, rounds, took, chance)
        again = _again(whole, data, expected)
        print(f"the same file again: {'nothing added' if again else 'THE LOG CHANGED'}")
        corrected = _corrected(whole, data)
        print(f"one row changed: {'one correction, the old value as known before' if corrected else 'WRONG'}")
    return Outcome(
        met=same == rounds and again and corrected,
        figure=f"{same} of {rounds} kills ended in the same log",
        goal=f"{rounds}",
    )


def _killed(
    fresh: Path, folder: Path, data: Path, expected: list[str], rounds: int, took: float, chance: random.Random
) -> int:
    """How many kills ended, after the collect was taken up again, in the expected log."""
    kills = same = 0
    project = _copy(fresh, folder / "killed")
    pending = 0
    while kills < rounds or pending:
        running = _collect(project, data)
        if kills < rounds:
            try:
                running.wait(chance.uniform(0.2, 1.1 * took))
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                running.wait()
                kills, pending = kills + 1, pending + 1
                Project(project).log.verify()
                continue
        elif running.wait() != 0:
            break
        if Project(project).log.hashes() == expected:
            same += pending
        print(f"{kills} kills; this project was killed {pending} times", flush=True)
        pending = 0
        project = _copy(fresh, folder / "killed")
    return same


def _again(project: Path, data: Path, expected: list[str]) -> bool:
    """The same file, and one of the same rows in other bytes, which has to be compared row by row."""
    other = data.with_name("again.csv")
    other.write_text(data.read_text("utf-8") + "\n", "utf-8")
    done = [_collect(project, file).wait() for file in (data, other)]
    return done == [0, 0] and Project(project).log.hashes() == expected


def _corrected(project: Path, data: Path) -> bool:
    """One row changed and collected again: one correction; as known before, the old value stands."""
    lines = data.read_text("utf-8").splitlines()
    row = next(row for row in range(100, len(lines)) if not lines[row].split(",")[3])  # not delivered: one event
    cells = lines[row].split(",")
    old = cells[4]
    cells[4] = "999.5"
    data.write_text("\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]]) + "\n", "utf-8")
    before = now()
    if _collect(project, data).wait() != 0:
        return False
    log = Project(project).log
    told = log.collects()[-1].counts
    one = (told.added, told.corrected, told.removed) == (0, 1, 0)
    return one and _total(log, cells[0], None) == 999.5 and _total(log, cells[0], before) == float(old)


def _total(log, order: str, known_at: int | None) -> float | None:  # type: ignore[no-untyped-def]  # noqa: ANN001 -- Project.log
    for piece in log.pieces((), known_at):
        table = pq.read_table(piece.path, columns=["id", "properties.total:number"])
        for row, (key, total) in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True)):
            if key == f"{order}#0" and row not in piece.dropped:
                return float(total)
    return None


def _collect(project: Path, data: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cxminute.app.cli", "collect", str(data), "--project", str(project)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _project(root: Path) -> Path:
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "kill"\n[log]\nsegment_rows = 2000\n', "utf-8")
    (root / "sources" / "orders.toml").write_text(_SOURCE, "utf-8")
    assert len(Project(root).secret) == 32  # noqa: S101 -- made here, so that every copy has the same digests
    return root


def _copy(fresh: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(fresh, to)
    return to


def _write(path: Path, chance: random.Random) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["order", "customer", "ordered", "delivered", "total", "colour", "email"])
        for number in range(ROWS):
            ordered = start + timedelta(minutes=number)
            lasts = timedelta(hours=chance.uniform(-1, 90))  # one in ninety lies before its order: quarantine
            customer = chance.randrange(5_000)
            cells = [f"o{number}", f"c{customer}", f"{ordered:%Y-%m-%dT%H:%M:%SZ}"]
            cells += [f"{ordered + lasts:%Y-%m-%dT%H:%M:%SZ}" if chance.random() < 0.9 else ""]
            out.writerow([*cells, f"{chance.uniform(1, 300):.2f}", chance.choice("rgb"), f"c{customer}@example.com"])
