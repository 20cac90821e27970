"""What every test may ask for: outside parts, with a reason where they are absent."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.spark_cluster import spark_cluster

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"


def initdb() -> Path | None:
    """Where PostgreSQL's own programs lie: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found)
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)


PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    "shared": (SHARED.is_dir, "the data for checks (../shared/data) is not here"),
    "postgresql": (lambda: initdb() is not None, "PostgreSQL is not installed"),
    "chromium": (lambda: shutil.which("chromium") is not None, "Chromium is not installed"),
    "java": (lambda: shutil.which("java") is not None, "Java is not installed"),
    "node": (lambda: shutil.which("node") is not None, "Node is not installed"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose outside part is absent, with the reason; fails it where the part was said to be served."""
    for mark in item.iter_markers("outside"):
        for part in mark.args:
            there, reason = PARTS[part]
            if there():
                continue
            if part in os.environ.get("CXM_SERVED", "").split():
                pytest.fail(f"{reason}, though it should be here")
            pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that ask for it are marked outside("shared")."""
    return SHARED


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the tests' own, on a socket in a folder, and its url."""
    programs = initdb()
    assert programs is not None
    folder = tmp_path_factory.mktemp("pg")
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, "nobody")
        for parent in list(folder.parents)[:2]:  # pytest's own folders, which only their owner may enter
            parent.chmod(0o755)
    data = folder / "data"
    tools = programs.parent
    subprocess.run([programs, "-D", data, "-U", "cxm", "-A", "trust"], check=True, capture_output=True, user=user)
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    start: list[str | Path] = [tools / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    subprocess.run(start, check=True, capture_output=True, user=user)
    yield f"postgresql://cxm@/postgres?host={folder}"
    subprocess.run(
        [tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=True, capture_output=True, user=user
    )


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The master of a Spark cluster of two workers on this machine; who asks for it is marked outside("java")."""
    from cxminute.store.cluster import stop  # noqa: PLC0415 -- for those tests alone

    folder = tmp_path_factory.mktemp("spark")
    with spark_cluster(folder) as master, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield master
        stop()
