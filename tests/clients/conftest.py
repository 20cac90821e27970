"""What the tests of real clients share: their packages, and a door that they deliver to."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.running import Door
from tests.clients.projects import make_project, new_key
from tests.clients.sending import CLIENTS, ROOT, Client, Sending
from tests.conftest import PARTS


@pytest.fixture(scope="session")
def modules() -> Path | None:
    """Node's packages in the versions of package.json, installed once into .venv; None where they cannot be had."""
    if not PARTS["node"][0]():
        return None
    wanted = (Path(__file__).parent / "package.json").read_bytes()
    folder = ROOT / ".venv" / f"clients-{hashlib.sha256(wanted).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            (folder / "package.json").write_bytes(wanted)
            line = [
                str(shutil.which("npm")),
                "install",
                "--no-package-lock",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ]
            done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
            if done.returncode:
                said = f"npm could not install the clients: {done.stderr[-500:]}"
                assert "node" not in os.environ.get("CXM_SERVED", "").split(), said
                return None
            (folder / "ready").touch()
    return folder / "node_modules"


@pytest.fixture(scope="session")
def clients(modules: Path | None) -> list[Client]:
    """The clients whose parts are on this machine."""
    there = [client for client in CLIENTS if all(PARTS[part][0]() for part in client.parts)]
    return [client for client in there if modules or "node" not in client.parts]


@pytest.fixture(autouse=True)
def _is_there(request: pytest.FixtureRequest, clients: list[Client]) -> None:
    """Skips a test of a client whose package could not be had."""
    client = getattr(request.node, "callspec", None) and request.node.callspec.params.get("client")
    if client and client not in clients:
        pytest.skip("npm could not install its package")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, clients: list[Client]) -> Path:
    """A project with a source for each client."""
    return make_project(tmp_path_factory.mktemp("project"), [client.name for client in clients])


@pytest.fixture(scope="session")
def keys(project: Path, clients: list[Client]) -> dict[str, str]:
    """A write key for each client's source."""
    return {client.name: new_key(project, client.name) for client in clients}


@pytest.fixture(scope="session")
def door(project: Path) -> Iterator[Door]:
    """A door to the project, running: one for all tests, each of which sends a round of calls of its own."""
    opened = Door([project])
    try:
        opened.start()
        yield opened
    finally:
        opened.kill()


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory, modules: Path | None) -> Iterator[Sending]:
    """Clients at work; what still runs at the end is killed."""
    at_work = Sending(tmp_path_factory.mktemp("sending"), modules)
    yield at_work
    at_work.end()
