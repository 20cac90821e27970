"""The server over time: it starts, its keys change, its disk fills, it stops, and what it acknowledged stays."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from benchmarks.running import authorization
from cxminute.app import clock
from cxminute.app.cli import run
from cxminute.app.project import Project
from tests.app.door.opened import Running, door, held, project, within

TRACK = {"userId": "u1", "event": "Order Completed", "messageId": "m1", "properties": {"total": 12.5}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one source."""
    return project(tmp_path / "shop")


def test_keys_that_are_made_rotated_or_revoked_count_within_two_seconds(root: Path, tmp_path: Path) -> None:
    """While the server runs, a new key opens it at once, and a revoked one no longer after two seconds."""
    keys = Project(root).keys
    with door(tmp_path / "log", root) as running:
        key = keys.add("site", clock.now())
        assert within(2, lambda: running.ask("/v1/track", TRACK, key=key).status == 200)
        new = keys.rotate("site", clock.now(), 60_000)
        assert within(2, lambda: running.ask("/v1/track", TRACK, key=new).status == 200)
        assert running.ask("/v1/track", TRACK, key=key).status == 200
        keys.revoke(key[:12], clock.now())
        assert within(2, lambda: running.ask("/v1/track", TRACK, key=key).status == 401)
        assert running.ask("/v1/track", TRACK, key=new).status == 200


def test_two_projects_behind_one_door_stay_apart(tmp_path: Path) -> None:
    """With the same source, the same key form and the same ids, each project's events lie in its own inbox."""
    roots = [project(tmp_path / name, name="shop") for name in ("a", "b")]
    one, two = (Project(root).keys.add("site", clock.now()) for root in roots)
    with door(tmp_path / "log", *roots) as running:
        assert running.get("/ready").json["projects"] == {"shop": None, "shop-2": None}
        running.ask("/v1/track", {**TRACK, "properties": {"of": "a"}}, key=one)
        running.ask("/v1/track", {**TRACK, "properties": {"of": "b"}}, key=two)
    for root in roots:
        [call] = held(root)
        assert json.loads(call.body)["properties"] == {"of": root.name}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_answers_what_was_begun_and_ends_well(root: Path, tmp_path: Path, number: int) -> None:
    """A call whose body is still on its way when the server is told to stop is stored and answered."""
    key = Project(root).keys.add("site", clock.now())
    body = json.dumps(TRACK).encode()
    with door(tmp_path / "log", root) as running, socket.create_connection(running.place, 20) as line:
        head = f"POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: {authorization(key)}\r\n"
        head += f"content-length: {len(body)}\r\n\r\n"
        line.sendall(head.encode() + body[:5])
        time.sleep(0.3)
        running.process.send_signal(number)
        time.sleep(0.3)
        said = running.ask("/v1/track", TRACK, key=key)
        assert (said.status, said.json["code"], said.headers["retry-after"]) == (503, "stopping", "2")
        ready = running.get("/ready")
        assert (ready.status, ready.json["stopping"]) == (503, True)
        line.sendall(body[5:])
        assert line.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert running.process.wait(20) == 0
    assert len(held(root)) == 1
    told = [json.loads(text)["event"] for text in (tmp_path / "log").read_text("utf-8").splitlines()]
    assert told[-1] == "stopped"


def test_a_killed_server_has_what_it_acknowledged(root: Path, tmp_path: Path) -> None:
    """Killed in the middle of traffic: every call that was answered with 200 lies in the inbox."""
    key = Project(root).keys.add("site", clock.now())
    acknowledged: list[str] = []

    def send(running: Running, sender: int) -> None:
        line = http.client.HTTPConnection(*running.place, timeout=10)
        try:
            for number in range(10_000):
                body = json.dumps({**TRACK, "messageId": f"{sender}-{number}"})
                line.request("POST", "/v1/track", body, {"authorization": authorization(key)})
                answer = line.getresponse()
                answer.read()
                assert answer.status == 200
                acknowledged.append(f"{sender}-{number}")
        except (OSError, http.client.HTTPException):
            return  # the server is gone

    with door(tmp_path / "log", root) as running:
        senders = [threading.Thread(target=send, args=(running, sender)) for sender in range(4)]
        for sender in senders:
            sender.start()
        assert within(20, lambda: len(acknowledged) > 200)
        running.process.kill()
        for sender in senders:
            sender.join()
    kept = [json.loads(call.body)["messageId"] for call in held(root)]
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
    began = time.monotonic()
    with door(tmp_path / "log", root) as running:
        assert running.get("/ready").status == 200
        assert time.monotonic() - began < 15  # the soak holds it to five; here the machine may be busy


def test_a_port_that_is_taken_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two servers never share a port: the second says so and starts nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["serve", "--project", str(root), "--port", str(port), "--no-worker"]) == 2
    assert f"port {port}" in capsys.readouterr().err


def test_a_wrong_definition_does_not_shut_the_door(root: Path, tmp_path: Path) -> None:
    """Events are taken into the inbox while a definition is wrong; only cxm.toml, which says where, must be right."""
    key = Project(root).keys.add("site", clock.now())
    with (root / "sources" / "site.toml").open("a", encoding="utf-8") as source:
        source.write("[nonsense\n")
    with door(tmp_path / "log", root) as running:
        assert running.ask("/v1/track", TRACK, key=key).status == 200
    (root / "cxm.toml").write_text("name = 5\n", "utf-8")
    assert run(["serve", "--project", str(root), "--port", "0", "--no-worker"]) == 1


def test_the_worker_beside_it_is_started_again_when_it_dies(root: Path, tmp_path: Path) -> None:
    """The server runs a worker of its own; killed, another takes its place; stopped, it goes with the server."""
    key = Project(root).keys.add("site", clock.now())

    def workers() -> list[int]:
        told = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines() if line.startswith("{")]
        return [int(line["pid"]) for line in told if line["event"] == "worker started"]

    def drained() -> bool:
        return not held(root)

    with door(tmp_path / "log", root, options=()) as running:
        assert within(5, lambda: len(workers()) == 1)
        assert running.ask("/v1/track", TRACK, key=key).status == 200
        assert within(30, drained)
        os.kill(workers()[0], signal.SIGKILL)
        assert running.ask("/v1/track", {**TRACK, "messageId": "m2"}, key=key).status == 200
        assert within(10, lambda: len(workers()) == 2)
        assert within(30, drained)
        assert running.get("/health").status == 200
    with pytest.raises(ProcessLookupError):
        os.kill(workers()[1], 0)
