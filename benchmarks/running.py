"""A door of its own: a project folder and `cxm serve` over it, in processes that can be measured, stopped and killed.

What benchmarks measure, what soaks kill and what tests break or let clients deliver to is the command that a user runs.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from types import TracebackType
from typing import Any, Final, Self

from cxminute.app.clock import now
from cxminute.app.project import Project

SOURCE: Final = """name = "website"
format = "http"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def new_project(root: Path, settings: str = "", source: str = SOURCE) -> str:
    """A project folder with one source of the door; returns the source's write key.

    settings: further lines of cxm.toml
    """
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text(f'name = "{root.name}"\n{settings}', "utf-8")
    (root / "sources" / "website.toml").write_text(source, "utf-8")
    return add_key(root, "website")


def add_key(root: Path, source: str) -> str:
    """A further write key of a source."""
    with closing(Project(root)) as project:
        return project.keys.add(source, now())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, within: float = 30.0) -> None:
    """Waits until somebody listens on a port."""
    ends = perf_counter() + within
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if perf_counter() > ends:
                raise
            sleep(0.05)
        else:
            return


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door said: the status, its JSON ({} where there is none), and the headers."""

    status: int
    told: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Door:
    """`cxm serve` over project folders on one port; started, asked, stopped and killed as often as one likes.

    environment: further variables of the server and its worker
    said:        file that the server's standard error goes to
    """

    def __init__(
        self, roots: Sequence[Path], key: str = "", *, port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self.roots = list(roots)
        self.key = key
        self.port = port or free_port()
        self.environment = dict(environment or {})
        self.said = roots[0].parent / f"{roots[0].name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """The door, open."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """Stops it, whatever happened."""
        self.stop()

    def start(self, *, worker: bool = True, within: float = 30.0, ready: bool = True) -> float:
        """Starts the server; returns the seconds until it was ready.

        within: seconds after which it counts as failed
        ready:  without it, only as long as nothing listens is waited
        """
        command = [sys.executable, "-m", "cxminute.app.cli", "serve", "--port", str(self.port)]
        for root in self.roots:
            command += ["--project", str(root)]
        began = perf_counter()
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(  # noqa: S603 -- ourselves
                command if worker else [*command, "--no-worker"],
                stdout=said,
                stderr=said,
                env={**os.environ, **self.environment},
                start_new_session=True,  # a signal to what measures or breaks it is not one to the door
            )
        while perf_counter() - began < within:
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/ready", within=1.0).status == 200 or not ready:
                    return perf_counter() - began
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended with {self.process.returncode}: {self.tail()}")
            sleep(0.02)
        raise RuntimeError(f"The server was not ready after {within} s: {self.tail()}")

    def stop(self, within: float = 30.0) -> int:
        """Asks it to stop (SIGTERM) and waits; what does not stop is killed. Returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                self.kill()
        status = self.process.wait()
        self.kill_workers()  # one whose server was killed may still be there
        return status

    def kill(self, *, alone: bool = False) -> None:
        """Kills (-9) the server with its worker, or the server `alone`."""
        if self.process is None:
            return
        self.process.kill()
        if not alone:
            self.kill_workers()
        self.process.wait()

    def workers(self) -> list[int]:
        """The process ids of workers over these projects: one, or more where a server was killed and its worker not."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"cxminute.app.door.worker" in words and str(self.roots[0]).encode() in words:
                    found.append(int(folder.name))
        return found

    def kill_workers(self) -> int:
        """Kills (-9) the workers; how many there were."""
        found = self.workers()
        for number in found:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return len(found)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, within: float = 20.0
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read()
            told = json.loads(text) if text[:1] == b"{" else {}
            return Answer(answer.status, told, {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def post(
        self, body: bytes | Sequence[Any] | dict[str, Any], path: str = "/v1/batch", key: str = "", within: float = 20.0
    ) -> Answer:
        """Items as a batch, one item as a single call, or bytes as they are, with the door's key or another."""
        if isinstance(body, bytes):
            data = body
        else:
            data = json.dumps(body if isinstance(body, dict) else {"batch": list(body)}).encode()
        return self.ask("POST", path, data, {"Authorization": authorization(key or self.key)}, within)

    def drained(self, within: float = 60.0) -> bool:
        """Waits until nothing is left in the inboxes; whether that came in time."""
        ends = perf_counter() + within
        projects = [Project(root) for root in self.roots]
        try:
            while perf_counter() < ends:
                if not any(waiting(project) for project in projects):
                    return True
                sleep(0.1)
            return False
        finally:
            for project in projects:
                project.close()

    def tail(self, size: int = 2_000) -> str:
        """The end of what the server said."""
        return self.said.read_bytes()[-size:].decode("utf-8", "replace")


def authorization(key: str) -> str:
    """The key as Basic authorization, as Segment's clients send it."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def waiting(project: Project) -> int:
    """Items in the inbox of a project that are not in its log yet."""
    marks = project.arrivals.marks(project.inbox.identity)
    return sum(of.events for of in project.inbox.waiting(marks))
