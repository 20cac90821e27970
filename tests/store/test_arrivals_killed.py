"""The worker's way killed (-9) at every failpoint: run again, it ends where it would have ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from cxminute.store.failpoints import POINTS

SENT: list[list[str | None]] = [["a", "b", None], ["c", "a"], ["d", None, "d"], ["e", "b", "f"]]
WORKERS = ("inbox.drop", "segment.", "receipts.", "arrivals.", "compaction.", "log.")
"""How the names of those failpoints begin that the worker passes."""


def test_killed_anywhere_the_log_is_the_same_in_the_end(tmp_path: Path) -> None:
    """Whatever a kill interrupts, nothing is lost and nothing counted twice; between kills every segment is whole."""
    points = [point for point in POINTS if point.startswith(WORKERS)]
    command = [sys.executable, "-m", "tests.store.arriving", str(tmp_path), json.dumps(SENT), *points]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    plain, *killed = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(plain["told"]["content"]) == list("abcdef")
    assert sum(received for _, received, *_ in plain["told"]["balance"]) == sum(len(ids) for ids in SENT)
    assert [each["point"] for each in killed] == points
    for each in killed:
        ends, told = each["ends"], each["told"]
        assert ends[0] == signal.SIGKILL, f"{each['point']} was never passed"
        assert ends[2] in (0, signal.SIGKILL), done.stderr
        assert (ends[1], ends[3]) == (0, 0), done.stderr
        assert told == plain["told"], each["point"]
        assert told["manifest"] == len(told["content"])
