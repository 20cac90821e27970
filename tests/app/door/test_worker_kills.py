"""The worker dies, at any point of its way and again and again: afterwards everything is there, and once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.store.failpoints import POINTS
from tests.app.small_site import NOON, balance, call, ids, item, make_site

SOURCES = Path(__file__).parents[3] / "src"
ON_ITS_WAY = sorted(
    point for point in POINTS if point.startswith(("inbox.drop", "segment.", "receipts.", "arrivals.", "log."))
)
KILLED = """
import os, sys
from pathlib import Path
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.collect.calls import reading
from cxminute.store import arrivals, segments, receipts

def dies(root, point):
    os.environ["CXM_FAILPOINTS"] = f"{point}=kill"
    drain = Drain(Project(Path(root)))
    while drain.once(int(sys.argv[1]), 40).events:
        pass

for said in sys.argv[2:]:
    point, root = said.split("=", 1)
    child = os.fork()
    if not child:
        dies(root, point)
        os._exit(0)
    print(point, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""One process that has everything imported, and for each point a child of it that dies there."""


def test_a_worker_killed_at_any_point_leaves_what_another_finishes(tmp_path: Path) -> None:
    """Killed at each named point of its way into the log: the next worker has all events in, once, and adds up."""
    said = []
    for point in ON_ITS_WAY:
        project = make_site(tmp_path / point, "site", "shop")
        project.inbox.put([call([item(n) for n in range(start, start + 10)]) for start in range(0, 60, 10)])
        project.inbox.put(
            [call([item(3), {"type": "track", "userId": "u1"}]), call([item(n) for n in range(9)], source="shop")]
        )
        project.close()
        said.append(f"{point}={project.root}")
    done = subprocess.run([sys.executable, "-c", KILLED, str(NOON), *said], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [f"{point} -9" for point in ON_ITS_WAY], done.stderr
    for point in ON_ITS_WAY:
        project = Project(tmp_path / point)
        drain = Drain(project)
        while drain.once(NOON + 1).events:
            pass
        assert ids(project, "site") == sorted(f"m{n}" for n in range(60)), point
        assert ids(project, "shop") == sorted(f"m{n}" for n in range(9)), point
        assert balance(project) == (71, 69, 1, 1), point
        assert project.inbox.waiting({}) == [], point
        project.log.verify()


DEADLY = """
import os, signal, sys
from pathlib import Path
from cxminute.app.door import draining
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project

sound = draining.arriving

def deadly(project, source, rows, *more):
    if "m13" in rows.table["messageId"].to_pylist():
        os.kill(os.getpid(), signal.SIGKILL)
    return sound(project, source, rows, *more)

draining.arriving = deadly
deaths = 0
while True:
    child = os.fork()
    if not child:
        drain = Drain(Project(Path(sys.argv[2])))
        while drain.once(int(sys.argv[1])).events:
            pass
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    deaths += 1
    assert deaths < 40
print(deaths)
"""


def test_an_event_that_kills_the_worker_ends_in_quarantine(tmp_path: Path) -> None:
    """An event over which the process dies, always, is found by halves after a few deaths; all others go in, once."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(n) for n in range(start, start + 4)]) for start in (8, 12)])
    project.close()
    done = subprocess.run(
        [sys.executable, "-c", DEADLY, str(NOON), str(project.root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 3 < int(done.stdout) < 20
    assert ids(project) == sorted(f"m{n}" for n in range(8, 16) if n != 13)
    [apart] = project.log.rejects().to_pylist()
    assert (apart["reason"], json.loads(apart["row"])["messageId"]) == ("poison", "m13")
    assert balance(project) == (8, 7, 0, 1)


@pytest.mark.parametrize("points", ["", "arrivals.committing=kill:0.5", "arrivals.committed=kill:0.5"])
def test_the_worker_as_a_process_brings_everything_in_and_stops_when_told(tmp_path: Path, points: str) -> None:
    """Started over a full inbox, perhaps killed, it leaves nothing that another cannot do; told to stop, it ends."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(n)]) for n in range(5)])
    environment = {"CXM_FAILPOINTS": points, "CXM_FAILPOINTS_SEED": "7", "PYTHONPATH": str(SOURCES), "PATH": ""}
    for turn in range(2):
        with subprocess.Popen(
            [sys.executable, "-m", "cxminute.app.door.worker", str(project.root)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as worker:
            assert worker.stderr is not None
            said = worker.stderr.readline()
            assert json.loads(said)["event"] == "worker ready"
            project.inbox.put([call([item(100 + turn)])])
            time.sleep(0.5)
            worker.terminate()
            assert worker.wait(60) in ((0, -9) if points else (0,))
    drain = Drain(project)
    while drain.once(NOON).events:
        pass
    assert ids(project) == sorted([*(f"m{n}" for n in range(5)), "m100", "m101"])
    assert balance(project) == (7, 7, 0, 0)
