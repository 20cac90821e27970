"""A backup of a project whose server and worker run, under load: nothing that was acknowledged before it is missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from benchmarks.running import Door
from cxminute.app import clock
from cxminute.app.backing import back_up, bring_back
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from tests.app.small_site import balance, ids
from tests.clients.projects import make_project, new_key


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A server and its worker over one project."""
    with Door([make_project(tmp_path / "site", ["site"])]) as opened:
        yield opened


def send(door: Door, key: str, acknowledged: list[str], stop: threading.Event) -> None:
    """One batch after the other; ids are noted when the server has answered 200."""
    connection = HTTPConnection("127.0.0.1", door.port, timeout=10)
    number = 0
    while not stop.is_set():
        some = [f"m{number + n}" for n in range(20)]
        batch = [{"type": "track", "event": "Seen", "userId": "u", "messageId": name} for name in some]
        try:
            connection.request("POST", "/v1/batch", json.dumps({"writeKey": key, "batch": batch}))
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            connection.close()
            continue
        if answer.status == 200:
            acknowledged += some
            number += len(some)
    connection.close()


def test_what_was_acknowledged_is_in_a_backup_of_a_running_server(door: Door, tmp_path: Path) -> None:
    """Two backups under load, restored and drained: all that was acknowledged before each, each event once."""
    root = tmp_path / "site"
    acknowledged: list[str] = []
    stop = threading.Event()
    sender = threading.Thread(target=send, args=(door, new_key(root, "site"), acknowledged, stop))
    sender.start()
    before = []
    try:
        for number in range(2):
            assert not stop.wait(1)
            before.append(list(acknowledged))
            back_up(Project(root), tmp_path / f"b{number}", identifier_keys=tmp_path / f"keys{number}")
    finally:
        stop.set()
        sender.join()
    assert before[0]
    assert len(before[0]) < len(before[1]) < len(acknowledged)
    for number, sent in enumerate(before):
        bring_back(tmp_path / f"b{number}", tmp_path / f"again{number}", tmp_path / f"keys{number}")
        again = Project(tmp_path / f"again{number}")
        drain = Drain(again)
        while drain.once(clock.now()).events:
            pass
        found = ids(again)
        assert len(found) == len(set(found))
        assert set(sent) <= set(found)
        assert balance(again)[:2] == (len(found), len(found))
