"""What every test may ask for: outside parts, with a reason where they are absent."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conformance.postgres import drop_database, empty_database, initdb, postgres_server
from tests.conformance.spark_cluster import spark_cluster

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"


PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    "shared": (SHARED.is_dir, "the data for checks (../shared/data) is not here"),
    "postgresql": (lambda: initdb() is not None, "PostgreSQL is not installed"),
    "chromium": (lambda: shutil.which("chromium") is not None, "Chromium is not installed"),
    "strace": (lambda: shutil.which("strace") is not None, "strace is not installed"),
    "java": (lambda: shutil.which("java") is not None, "Java is not installed"),
    "node": (lambda: bool(shutil.which("node") and shutil.which("npm")), "Node and npm are not installed"),
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


@pytest.fixture(scope="session", autouse=True)
def _settled() -> Iterator[None]:
    """What is there before the first test is not looked through for garbage again and again: it stays to the end."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that ask for it are marked outside("shared")."""
    return SHARED


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server of the tests' own, on a socket in a folder, and its url."""
    with TemporaryDirectory(prefix="cxm-pg-") as name, postgres_server(Path(name)) as url:
        yield url


@pytest.fixture
def postgres_url(server: str) -> Iterator[str]:
    """The url of an empty database, as a project's state has it; who asks for it is marked outside("postgresql")."""
    url = empty_database(server)
    yield url
    drop_database(server, url)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The master of a Spark cluster of two workers on this machine; who asks for it is marked outside("java")."""
    from cxminute.store.cluster import stop  # noqa: PLC0415 -- for those tests alone

    folder = tmp_path_factory.mktemp("spark")
    with spark_cluster(folder) as master, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield master
        stop()
