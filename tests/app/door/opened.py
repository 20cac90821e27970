"""A door of the tests' own: `cxm serve` as a process on a free port, and requests to it."""

from __future__ import annotations

import gc
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.running import authorization
from cxminute.app.door import looping
from cxminute.app.project import Project
from cxminute.model.calls import Call

SOURCE = """name = "{name}"
format = "http"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def project(root: Path, *sources: str, name: str = "shop") -> Path:
    """A project whose sources come through the door; `site` where none is named."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text(f'name = "{name}"\n', "utf-8")
    for source in sources or ("site",):
        (root / "sources" / f"{source}.toml").write_text(SOURCE.format(name=source), "utf-8")
    return root


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """Its document."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    address: str
    process: subprocess.Popen[str]
    log: Path
    lines: list[str] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        found = urlsplit(self.address)
        return str(found.hostname), int(found.port or 0)

    def ask(
        self, path: str, body: object = None, *, method: str = "POST", key: str | None = None, **headers: str
    ) -> Said:
        """One request; a body that is no bytes is sent as JSON; headers with `_` for `-`."""
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            told["authorization"] = authorization(key)
        line = http.client.HTTPConnection(*self.place, timeout=20)
        try:
            line.request(method, path, sent, told)
            answer = line.getresponse()
            return Said(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            line.close()

    def get(self, path: str) -> Said:
        """One request that reads."""
        return self.ask(path, method="GET")


@contextmanager
def door(log: Path, *roots: Path, options: Sequence[str] = ("--no-worker",), **environment: str) -> Iterator[Running]:
    """A server for these projects, until the end; then it is stopped as an operator would.

    log: where what it writes down goes
    """
    named = [part for root in roots for part in ("--project", str(root))]
    command = [sys.executable, "-m", "cxminute.app.cli", "serve", *named, "--port", "0", *options]
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **environment}
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("Listening on http"), (line, log.read_text("utf-8"))
        yield Running(line.split()[2], process, log)
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.stdout.close()


def held(root: Path) -> list[Call]:
    """What lies in a project's inbox, oldest first."""
    opened = Project(root)
    found = [one.call for one in opened.inbox.take(1_000_000, {})]
    opened.close()
    return found


@contextmanager
def working(*roots: Path) -> Iterator[None]:
    """A worker over projects, on threads of this process; stopped at the end.

    It collects garbage after each stretch: what this process had before is put out of its way, as in one of its own.
    """
    gc.collect()
    gc.freeze()
    stop = threading.Event()
    thread = threading.Thread(target=looping.run, args=(roots, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold in so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False
