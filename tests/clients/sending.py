"""The seven real clients: how each is started, what it was given to say, and what it said about it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.clients.story import POSTHOG, SEGMENT, Call

ROOT: Final = Path(__file__).parent.parent.parent
DRIVERS: Final = Path(__file__).parent / "drivers"


@dataclass(frozen=True, slots=True)
class Client:
    """One client library of other people.

    name:     of its source in the tests' projects
    kinds:    of calls that it has
    parts:    what must be on the machine beside Python
    driver:   its file in drivers/; '' for one of its own name
    bridges:  seconds without a server that its own retries reach over, as docs/reference/clients.md says; beyond them
              it may give a batch up, and tells
    """

    name: str
    kinds: tuple[str, ...]
    parts: tuple[str, ...] = ()
    driver: str = ""
    bridges: float = 60

    @property
    def protocol(self) -> str:
        """How it speaks: like Segment, or like PostHog."""
        return "posthog" if "posthog" in self.name else "segment"

    def command(self) -> list[str]:
        """How its driver is started."""
        driver = self.driver or self.name.replace("-", "_")
        if (DRIVERS / f"{driver}.cjs").is_file():
            return [str(shutil.which("node")), str(DRIVERS / f"{driver}.cjs")]
        return [sys.executable, "-m", f"tests.clients.drivers.{driver}"]


CLIENTS: Final = (
    Client("segment-python", SEGMENT),
    Client("rudder-python", SEGMENT),
    Client("posthog-python", POSTHOG, bridges=7),
    Client("segment-node", SEGMENT, ("node",)),
    Client("rudder-node", SEGMENT, ("node",), bridges=1.4),
    Client("posthog-node", (*POSTHOG, "identify"), ("node",), bridges=9),
    Client("browser", SEGMENT, ("node", "chromium"), driver="browser"),
    Client("browser-batching", SEGMENT, ("node", "chromium"), driver="browser"),
)


each = pytest.mark.parametrize(
    "client", [pytest.param(c, marks=[pytest.mark.outside(p) for p in c.parts], id=c.name) for c in CLIENTS]
)
"""Runs a test for every client, where its parts are on the machine."""


@dataclass(slots=True)
class Told:
    """What a client's driver told: when it said each call (true time, UTC ms), and which it gave up, and why."""

    said: dict[int, int] = field(default_factory=dict)
    lost: dict[int | None, str] = field(default_factory=dict)
    done: bool = False


class Sending:
    """Drivers at work, all at once, each in a process of its own."""

    def __init__(self, folder: Path, modules: Path | None) -> None:
        self._folder = folder
        self._environment = {**os.environ, "NODE_PATH": str(modules)}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        client: Client,
        host: str,
        key: str,
        calls: Sequence[Call],
        *,
        pause: int = 0,
        off: int = 0,
        every: int = 0,
        gates: Mapping[int, Path] | None = None,
    ) -> None:
        """Starts one client on its calls; see drivers/drive.py for pause, off, every and gates."""
        task = {"host": host, "key": key, "calls": calls, "pause": pause, "off": off, "every": every}
        task["gates"] = {place: str(file) for place, file in (gates or {}).items()}
        task["batching"] = client.name == "browser-batching"
        asked = self._folder / f"{client.name}.task"
        asked.write_text(json.dumps(task), "utf-8")
        with (
            asked.open("rb") as given,
            self._out(client.name).open("wb") as out,
            self._err(client.name).open("wb") as err,
        ):
            self._running[client.name] = subprocess.Popen(
                client.command(), stdin=given, stdout=out, stderr=err, cwd=ROOT, env=self._environment
            )

    def told(self, name: str) -> Told:
        """What one driver told up to now."""
        told = Told()
        for line in self._out(name).read_text("utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # it is being written
            document = json.loads(line)
            if "said" in document:
                told.said[document["said"]] = document["at"]
            elif "lost" in document:
                told.lost[document["lost"]] = document["why"]
            told.done = document.get("done", told.done)
        return told

    def finish(self, seconds: float = 90) -> Mapping[str, Told]:
        """Waits until every driver ended, and what each told."""
        for name, process in self._running.items():
            code = process.wait(seconds)
            assert code == 0, f"{name} ended with {code}: {self._err(name).read_text('utf-8')[-2000:]}"
        return {name: self.told(name) for name in self._running}

    def end(self) -> None:
        """Kills what still runs."""
        for process in self._running.values():
            process.kill()
            process.wait(20)

    def _out(self, name: str) -> Path:
        return self._folder / f"{name}.out"

    def _err(self, name: str) -> Path:
        return self._folder / f"{name}.err"
