"""The Spark engine: what it says where a part of it is missing, and what it leaves unsaid."""

from __future__ import annotations

import pickle
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from cxminute.model.errors import BadPattern, BrokenStore, CxmError, Unavailable, UnknownName, WrongUse
from cxminute.store import cluster as session
from cxminute.store.engines import spark
from cxminute.store.engines.spark import SparkEngine, explained
from cxminute.store.index import in_memory
from cxminute.store.scattered import ScatteredLog, scatter_log
from tests.conformance import tasks
from tests.oracles.index_reference import CODES, Noted, segment


@pytest.fixture
def log(tmp_path: Path) -> ScatteredLog:
    """Three events of two persons, in two buckets."""
    events = [
        Noted(0, "shop", 0, "A", 1, 0, None),
        Noted(1, "shop", 1, "B", 2, 0, 7),
        Noted(2, "shop", 2, "A", 3, 9, 7),
    ]
    return scatter_log([segment(tmp_path / "a.parquet", events)], "person", CODES, bucket=2)


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a master that nobody is at."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"spark://127.0.0.1:{taken.getsockname()[1]}"


def test_what_is_not_installed_is_named(log: ScatteredLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PySpark the answer says what to install."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(Unavailable, match=r"PySpark, which is not installed.*pip install \"cxminute\[spark\]\""):
        SparkEngine("spark://127.0.0.1:7077").run(log, tasks.ordinals, tasks.added)


def test_a_master_that_is_not_there_is_named_at_once(log: ScatteredLog, silent: str) -> None:
    """Where nobody listens at the master's address, that is said within seconds, and no Java is started for it."""
    with pytest.raises(Unavailable, match=f"Nobody listens at {silent}"):
        SparkEngine(silent).run(log, tasks.ordinals, tasks.added)


def test_java_that_is_missing_is_named(
    log: ScatteredLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silent: str
) -> None:
    """Without Java the answer says which to install."""
    from pyspark import SparkContext  # noqa: PLC0415 -- heavy

    monkeypatch.setattr(SparkContext, "_gateway", None)
    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(session, "_reach", lambda *_: None)
    with pytest.raises(Unavailable, match=r"Spark needs Java.*Java 17"):
        SparkEngine(silent).run(log, tasks.ordinals, tasks.added)


def test_a_table_in_memory_is_refused() -> None:
    """What lies in this process alone no worker could read."""
    table = pa.table({"subject": [1], "at": [0], "name": ["A"]})
    with pytest.raises(WrongUse, match=r"reads a log, and no table in memory"):
        SparkEngine("local").run(in_memory(table, "person"), tasks.ordinals, tasks.added)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "ModuleNotFoundError: No module named 'cxminute.store'",
            "has no module 'cxminute.store'. Allowed: pip install",
        ),
        ("[PYTHON_VERSION_MISMATCH] Python in worker has 3.9", "workers' Python is not 3."),
        ('java.io.IOException: Cannot run program "/opt/python"', "A worker has no Python where it looks"),
        ("ExecutorLostFailure (executor 1 exited) ada@example.com", "Spark gave up (ExecutorLostFailure)."),
        ("ada@example.com", "Spark gave up (ValueError)."),
    ],
)
def test_what_spark_says_is_told_in_a_sentence(said: str, meant: str) -> None:
    """A fault of Spark becomes one sentence and what to do; what it quotes, which may be personal, is left out."""
    told = str(explained(ValueError(said)))
    assert meant in told
    assert "@" not in told


@pytest.mark.parametrize(
    "fault",
    [
        UnknownName("path", "properties.a", ["properties.b"], file="x.toml", line=2),
        BadPattern("No.", text="A -> ", column=3, allowed="a step"),
        BrokenStore("Torn.", then="Mend it."),
    ],
)
def test_an_error_travels_whole(fault: CxmError) -> None:
    """An error that is pickled and read again has its class, its words and its facts."""
    again = pickle.loads(pickle.dumps(fault))  # noqa: S301 -- our own
    assert type(again) is type(fault)
    assert (str(again), again.args, vars(again)) == (str(fault), fault.args, vars(fault))


def test_a_worker_of_another_version_is_named() -> None:
    """A worker whose package is not the asker's says so, in place of an answer that may mean something else."""
    with pytest.raises(Unavailable, match=r"A worker has cxminute .* and the one who asks has 0\.0\.0"):
        spark._opened(b"", "0.0.0")  # noqa: SLF001 -- what a worker does first


@pytest.mark.outside("java")
def test_one_session_serves_one_command_after_another(cluster: str, log: ScatteredLog, silent: str) -> None:
    """Spark is started once a process, stays quiet, and takes no other master for it that is not there."""
    found = SparkEngine(cluster).run(log, tasks.marks, tasks.joined)
    assert found == {0: [0, 1], 9: [2]}
    first = session.session_of(cluster, 1.0)
    assert session.session_of(cluster, 1.0).sparkContext is first.sparkContext
    with pytest.raises(Unavailable, match="Nobody listens"):
        session.session_of(silent, 1.0)
    assert SparkEngine(cluster).run(log, tasks.marks, tasks.joined) == found


@pytest.mark.outside("java")
def test_nothing_is_said_beside_the_answer(cluster: str, log: ScatteredLog, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither Spark nor Java writes on what the command's reader sees, not even where a task fails."""
    SparkEngine(cluster).run(log, tasks.marks, tasks.joined)
    with pytest.raises(ZeroDivisionError):
        SparkEngine(cluster).run(log, partial(tasks.fail, "plain", 0), tasks.added)
    assert capfd.readouterr() == ("", "")


@pytest.mark.outside("java")
def test_a_fault_that_cannot_travel_is_named(cluster: str, log: ScatteredLog) -> None:
    """An exception that cannot be made again here is told by its kind; an answer that cannot be pickled is refused."""
    with pytest.raises(CxmError, match=r"A task failed on a worker \(Untold\)"):
        SparkEngine(cluster).run(log, partial(tasks.fail, "untold", 0), tasks.added)
    with pytest.raises(WrongUse, match=r"cannot be pickled"):
        SparkEngine(cluster).run(log, tasks.unsendable, tasks.added)


@pytest.mark.outside("java")
def test_a_segment_that_a_worker_cannot_read_is_named(cluster: str, log: ScatteredLog) -> None:
    """Where the log's folder is not there on a worker, the segment is named, and what must hold."""
    [path] = {portion.piece.path for portion in log.portions}
    path.unlink()
    with pytest.raises(BrokenStore, match=r"cannot read the segment a\.parquet.*one and the same path on every worker"):
        SparkEngine(cluster).run(log, tasks.marks, tasks.joined)


class _Idle:
    """A session whose master gives it nothing: no executor beside the driver."""

    def __init__(self) -> None:
        self.stopped = False

    def __getattr__(self, name: str) -> object:
        if name == "getExecutorInfos":
            return lambda: ["driver"]
        return self if name == "_jsc" else lambda: self

    def get(self, _: str, default: str) -> str:
        """No setting is made."""
        return default

    def stop(self) -> None:
        """Notes that it was stopped."""
        self.stopped = True


def test_a_master_without_workers_is_named() -> None:
    """Where the master gives no executor in time, that is said and the session ends: Spark itself waits for ever."""
    idle = _Idle()
    with pytest.raises(Unavailable, match=r"spark://a:1 gave no worker within 0\.1 seconds.*spark\.executor\.memory"):
        session._await_executor(idle, "spark://a:1", 0.1)  # type: ignore[arg-type]  # noqa: SLF001 -- an idle one
    assert idle.stopped
