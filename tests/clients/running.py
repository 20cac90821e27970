"""A door that runs as people run it: `cxm serve` in a process of its own, which a test can stop, kill, start again."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from cxminute.app.cli import run
from cxminute.app.project import Project

CXM: Final = (sys.executable, "-m", "cxminute.app.cli")
SOURCE: Final = """\
name = "{name}"
format = "http"

[contract]
origin = "first-party"
purposes = ["service-optimisation"]
open = ["*"]
"""


class NotDrained(AssertionError):
    """The worker did not get everything into the log in time."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_project(root: Path, sources: list[str], text: str = SOURCE) -> Path:
    """A new project with one source a client."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "clients"\ntimezone = "UTC"\n', "utf-8")
    for name in sources:
        (root / "sources" / f"{name}.toml").write_text(text.format(name=name), "utf-8")
    return root


def cxm(root: Path, *line: str) -> str:
    """What a command answers over a project."""
    shown, said = io.StringIO(), io.StringIO()
    with redirect_stdout(shown), redirect_stderr(said):
        code = run([*line, "--project", str(root)])
    assert code == 0, said.getvalue()
    return shown.getvalue()


def new_key(root: Path, source: str) -> str:
    """A write key of a source, as `cxm keys add` shows it, once."""
    return str(re.findall(r"cxm_[A-Za-z0-9_-]{43}", cxm(root, "keys", "add", "--source", source))[0])


class Door:
    """`cxm serve` over some project folders on one port, with its worker."""

    def __init__(self, *roots: Path, log: Path) -> None:
        self.roots = roots
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, seconds: float = 30) -> None:
        """Starts it and waits until it says that it is ready."""
        line = [*CXM, "serve", "--port", str(self.port)]
        for root in self.roots:
            line += ["--project", str(root)]
        with self._log.open("ab") as log:  # a session of its own: the worker is its child, and goes with it
            process = subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True)
        self._running.append(process)
        until = time.monotonic() + seconds
        while not self.is_ready():
            assert process.poll() is None, f"cxm serve ended: {self._log.read_text('utf-8')[-2000:]}"
            assert time.monotonic() < until, f"cxm serve is not ready: {self._log.read_text('utf-8')[-2000:]}"
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether /ready answers 200."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> int:
        """Asks it to stop (SIGTERM), and its exit code."""
        self._running[-1].terminate()
        return self._running[-1].wait(20)

    def kill(self) -> None:
        """Kills the server, and the server alone, at once (-9)."""
        self._running[-1].kill()
        self._running[-1].wait(20)

    def end(self) -> None:
        """Kills all that this door ever started."""
        for process in self._running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.wait(20)

    def drain(self, root: Path, seconds: float = 30) -> None:
        """Waits until the worker has taken into the log all that the inbox of one project held."""
        project = Project(root)
        until = time.monotonic() + seconds
        while waiting := project.inbox.waiting(project.arrivals.marks(project.inbox.identity)):
            if time.monotonic() > until:
                left = sum(source.events for source in waiting)
                raise NotDrained(f"{left} events wait after {seconds} s: {self._log.read_text('utf-8')[-2000:]}")
            time.sleep(0.1)
