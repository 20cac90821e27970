"""What the door says when it cannot take an event: every refusal keeps the event with its client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.running import authorization
from cxminute.app import clock
from cxminute.app.door import committing
from cxminute.app.door.answers import Headers
from cxminute.app.door.committing import Committer
from cxminute.app.door.keyring import Keyring
from cxminute.app.door.logs import Refusals, kind, open_log
from cxminute.app.door.metrics import Counted
from cxminute.app.door.mounts import HOPE, Mount, mount
from cxminute.app.door.routes import Door
from cxminute.app.project import Project
from cxminute.model.calls import Call
from cxminute.model.errors import BadData, BrokenStore
from tests.app.door.opened import project

BODY = json.dumps({"userId": "u1", "event": "Paid"}).encode()


class Named(dict[str, str]):
    """Headers."""


@dataclass
class Asked:
    """A request's head."""

    key: str
    method: str = "POST"
    path: str = "/v1/track"
    client: str = "192.0.2.1:5"
    scheme: str = "http"
    query_string: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> Named:
        """With the key in it."""
        return Named({"authorization": authorization(self.key), "content-length": str(len(BODY)), **self.more})


@dataclass
class Line:
    """A body, and what was answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content: bytes = BODY

    async def __call__(self) -> bytes:
        """The body."""
        return self.content

    def __aiter__(self) -> Line:
        """It comes in one piece."""
        return self

    async def __anext__(self) -> bytes:
        """The end."""
        return b""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """The answer."""
        self.status, self.headers, self.body = status, dict(headers), body

    @property
    def code(self) -> object:
        """Why it was refused."""
        return json.loads(self.body).get("code")


class Disk:
    """An inbox that does as it is told."""

    def __init__(self, put: Callable[[], None]) -> None:
        self._put = put

    def put(self, calls: Sequence[Call]) -> None:
        """Whatever the test wants of it."""
        assert calls
        self._put()


@dataclass
class Opened:
    """A door within the test, with one project."""

    door: Door
    keyring: Keyring
    counted: Counted
    mount: Mount
    broken: list[Exception]
    key: str

    async def ask(self, **asked: object) -> Line:
        """One request."""
        line = Line()
        await self.door(Asked(**{"key": self.key, **asked}), line)  # type: ignore[arg-type]  # as the test names them
        return line


def opened(root: Path, put: Callable[[], None] | None = None) -> Opened:
    """A door for one project; within a running loop."""
    key = Project(project(root)).keys.add("site", clock.now())
    loop = asyncio.get_running_loop()
    [mounted] = mount([root], loop)
    if put is not None:
        mounted.committer.close()
        mounted.committer = Committer(Disk(put), loop, mounted.commits)
    keyring = Keyring([mounted])
    keyring.refresh(clock.now(), lambda *_: None)
    counted = Counted([mounted], keyring.places, clock.now)
    broken: list[Exception] = []

    async def reread() -> None:
        await asyncio.sleep(0)

    return Opened(Door(keyring, counted, reread, broken.append), keyring, counted, mounted, broken, key)


def test_a_full_disk_is_503_before_the_database_is_asked(tmp_path: Path) -> None:
    """Below the reserve nothing is put; clients hear when to come again, and the project is not ready."""

    async def test() -> None:
        shop = opened(tmp_path / "p", lambda: pytest.fail("the database was asked"))
        shop.mount.full = True
        said = await shop.ask()
        assert (said.status, said.code, said.headers["retry-after"]) == (503, "disk_full", "10")
        ready = await shop.ask(method="GET", path="/ready")
        assert (ready.status, "disk" in ready.body.decode()) == (503, True)
        shop.mount.full = False
        assert (await shop.ask(method="GET", path="/ready")).status == 200
        shop.mount.committer.close()

    asyncio.run(test())


def test_a_failing_disk_is_503_and_counted_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that fails acknowledges nothing; figures say for whom and of what kind it was."""

    def fail() -> None:
        raise BrokenStore("database or disk is full")

    async def test() -> None:
        shop = opened(tmp_path / "p", fail)
        said = await shop.ask()
        assert (said.status, said.code, said.headers["retry-after"]) == (503, "cannot_store", "5")
        assert shop.counted.refusals["cannot_store", "shop", "site"] == 1
        assert shop.mount.commits.failures["BrokenStore"] == 1
        assert shop.keyring.place(shop.mount, "site").accepted == 0
        assert (await shop.ask(method="GET", path="/ready")).status == 503
        later = time.monotonic() + HOPE + 1
        monkeypatch.setattr("cxminute.app.door.mounts.time.monotonic", lambda: later)
        assert shop.mount.why_not() is None
        shop.mount.committer.close()

    asyncio.run(test())


def test_too_much_at_once_is_429_with_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the bound of what waits clients slow down: they hear in how many seconds, and at which."""
    monkeypatch.setattr(committing, "MOST_WAITING", 10)

    async def test() -> None:
        shop = opened(tmp_path / "p", lambda: None)
        said = await shop.ask()
        assert (said.status, said.code) == (429, "overloaded")
        after, at = int(said.headers["retry-after"]), int(said.headers["x-ratelimit-reset"])
        assert 0 < after <= 300
        assert abs(at - after - clock.now() // 1_000) <= 1
        shop.mount.committer.close()

    asyncio.run(test())


def test_more_requests_than_are_answered_at_a_time_are_429(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of open requests is bounded."""
    monkeypatch.setattr("cxminute.app.door.routes.MOST_INSIDE", 0)

    async def test() -> None:
        shop = opened(tmp_path / "p", lambda: None)
        assert (await shop.ask()).status == 429
        assert shop.door.inside == 0
        shop.mount.committer.close()

    asyncio.run(test())


def test_a_server_that_stops_takes_nothing_new(tmp_path: Path) -> None:
    """Once it stops, 503 sends clients elsewhere, and its own pages say so."""

    async def test() -> None:
        shop = opened(tmp_path / "p", lambda: pytest.fail("taken"))
        shop.door.stopping = True
        assert (await shop.ask()).code == "stopping"
        assert (await shop.ask(method="GET", path="/health")).status == 200
        assert (await shop.ask(method="GET", path="/ready")).status == 503
        shop.mount.committer.close()

    asyncio.run(test())


def test_what_breaks_inside_costs_no_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is 503, so that the client keeps its events; its kind is told, and nothing else."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary")

    async def test() -> None:
        shop = opened(tmp_path / "p", lambda: pytest.fail("taken"))
        monkeypatch.setattr("cxminute.app.door.routes.open_envelope", broken)
        said = await shop.ask()
        assert (said.status, said.code) == (503, "cannot_store")
        assert [kind(fault) for fault in shop.broken] == ["ZeroDivisionError"]
        assert b"canary" not in said.body
        shop.mount.committer.close()

    asyncio.run(test())


def test_behind_a_proxy_the_last_forwarded_address_counts(tmp_path: Path) -> None:
    """Where a proxy is believed, the address that it saw is kept for calls that ask, and the scheme for browsers."""

    async def test() -> None:
        shop = opened(tmp_path / "p")
        door = Door(shop.keyring, shop.counted, lambda: asyncio.sleep(0), shop.broken.append, behind_proxy=True)
        shop.door = door
        forwarded = {"x-forwarded-for": "198.51.100.7, 203.0.113.9", "x-forwarded-proto": "https", "host": "e.example"}
        settings = await shop.ask(method="GET", path=f"/v1/projects/{shop.key}/settings", more=forwarded)
        assert json.loads(settings.body)["integrations"]["Segment.io"]["protocol"] == "https"
        body = json.dumps({"userId": "u1", "event": "Paid", "context": {"direct": True}}).encode()
        line = Line(content=body)
        await door(Asked(shop.key, more={**forwarded, "content-length": str(len(body))}), line)
        assert line.status == 200
        [held] = shop.mount.project.inbox.take(10, {})
        assert held.call.peer == "203.0.113.9"
        shop.mount.committer.close()

    asyncio.run(test())


def test_refusals_are_told_once_a_minute_by_number(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A thousand refusals are one line with their number; where none came since, nothing is written."""

    async def test() -> None:
        shop = opened(tmp_path / "p", lambda: None)
        refusals = Refusals(open_log(json=True), shop.counted.refusals)
        shop.counted.refusals["unknown_key", "-", "-"] += 1_000
        refusals.tell()
        refusals.tell()
        shop.counted.refusals["unknown_key", "-", "-"] += 1
        refusals.tell()
        shop.mount.committer.close()

    capsys.readouterr()
    asyncio.run(test())
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["code"], line["requests"]) for line in told] == [
        ("refused", "unknown_key", 1_000), ("refused", "unknown_key", 1),
    ]  # fmt: skip


def test_of_an_error_its_kind_and_place_are_said() -> None:
    """Texts of errors may show data: the log has the kind, and for our own errors the file."""
    assert kind(ValueError("canary")) == "ValueError"
    assert kind(BadData("canary", file="orders.csv")) == "BadData orders.csv"
