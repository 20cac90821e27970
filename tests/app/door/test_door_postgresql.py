"""The door of a project whose state lies in PostgreSQL: what holds embedded holds there, and while it is away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from cxminute.app import clock
from cxminute.app.project import Project
from tests.app.door.opened import Running, door, held, project
from tests.conformance.postgres import empty_database, initdb, postgres_server

TRACK = {"userId": "u1", "event": "Order Completed", "messageId": "m1"}


def _control(folder: Path, *words: str) -> None:
    programs = initdb()
    assert programs is not None
    user = "nobody" if os.geteuid() == 0 else None
    command = [str(programs.parent / "pg_ctl"), "-D", str(folder / "data"), *words]
    subprocess.run(command, check=True, capture_output=True, user=user)


def _said(running: Running, key: str, number: int) -> int:
    return running.ask("/v1/track", {**TRACK, "messageId": f"m{number}"}, key=key).status


@pytest.mark.outside("postgresql")
def test_a_database_that_goes_away_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is stopped every call is 503; when it is back calls are taken, and each 200 is in it once."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        with postgres_server(folder) as server:
            monkeypatch.setenv("SHOP_STATE", empty_database(server))
            root = project(tmp_path / "shop")
            (root / "cxm.toml").write_text('name = "shop"\nstate = "env:SHOP_STATE"\n', "utf-8")
            opened = Project(root)
            key = opened.keys.add("site", clock.now())
            opened.close()
            with door(tmp_path / "log", root) as running:
                statuses = {0: _said(running, key, 0)}
                _control(folder, "-m", "immediate", "stop")
                statuses |= {number: _said(running, key, number) for number in range(1, 6)}
                assert running.get("/health").status == 200
                assert running.get("/ready").status == 503
                _control(folder, "-o", f"-c listen_addresses='' -k {folder}", "-l", str(folder / "log"), "-w", "start")
                until = time.monotonic() + 20
                number = 6
                while statuses[number - 1] != 200 and time.monotonic() < until:
                    time.sleep(0.2)
                    statuses[number] = _said(running, key, number)
                    number += 1
                assert running.get("/metrics").status == 200
            assert [statuses[number] for number in range(6)] == [200, 503, 503, 503, 503, 503]
            assert statuses[number - 1] == 200
            kept = [json.loads(call.body)["messageId"] for call in held(root)]
            assert {f"m{number}" for number, status in statuses.items() if status == 200} <= set(kept)
            assert len(kept) == len(set(kept))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
