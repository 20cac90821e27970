"""`collect`: files into the log, beside DuckDB sorting and ClickHouse loading and sorting the same rows.

The peers do a part of the work: they read the same files and sort all their columns by (user, at). The collect also
numbers identifiers, keeps them in the vault, tells repeated rows from new ones, sorts each segment, writes what no
definition names as VARIANT, and syncs every chunk to the disk. It runs as a user runs it: `cxm collect FILES`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import duckdb

from benchmarks.log import source_files
from benchmarks.outcome import Outcome, show
from cxminute.app.project import Project

EVENTS: Final = 20_000_000
GOAL: Final = 100_000
_SETTINGS: Final = """name = "benchmark"
[minute]
dimensions = ["p0", "p5", "p6"]

"""
_SOURCE: Final = """name = "benchmark"
format = "parquet"
key = ["message_id"]
[identifiers]
user_id = "user_id"
[properties]
p0 = "p0"
p1 = "p1"
p2 = "p2"
p3 = "p3"
p4 = "p4"
p5 = "p5"
p6 = "p6"
p7 = "p7"
p8 = "p8"
p9 = "p9"
[[events]]
name = { from = "event" }
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def measure(events: int) -> Outcome:
    """Collects, loads and sorts the same files, checks the counts, and prints the figures."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        paths = source_files(folder / "data", events)
        print(f"{events:,} events in {len(paths)} files, 240 names, 10 properties; files in the page cache", flush=True)
        ours, size = _ours(folder, paths, events)
        duck, clickhouse = _duckdb(folder, events), _clickhouse(folder, events)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    rows = [("cxm collect", ours), ("DuckDB, sorted table", duck), ("ClickHouse, MergeTree", clickhouse)]
    table = [(what, f"{took:.1f}", f"{events / took:,.0f}", f"{took / ours:.2f}") for what, took in rows]
    show(("", "seconds", "rows/s", "time beside ours"), table)
    print(f"log: {size / events:.1f} bytes an event; peak memory of the collect {peak:.1f} GiB")
    rate = events / ours
    return Outcome(rate >= GOAL, f"{rate:,.0f} rows/s", f"{GOAL:,} rows/s")


def _ours(folder: Path, paths: list[Path], events: int) -> tuple[float, int]:
    project = folder / "project"
    (project / "sources").mkdir(parents=True)
    (project / "cxm.toml").write_text(_SETTINGS, "utf-8")
    (project / "sources" / "benchmark.toml").write_text(_SOURCE, "utf-8")
    command = [sys.executable, "-m", "cxminute.app.cli", "collect", *map(str, paths), "--project", str(project)]
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- ourselves
    took = perf_counter() - began
    log = Project(project).log
    added = sum(told.counts.added for told in log.collects())
    if added != events:
        raise RuntimeError(f"{added:,} of {events:,} events came into the log")
    return took, sum(path.stat().st_size for path in log.root.rglob("*.parquet"))


def _duckdb(folder: Path, events: int) -> float:
    with duckdb.connect(folder / "peer.duckdb") as connection:
        began = perf_counter()
        connection.execute(
            f"CREATE TABLE sorted AS SELECT * FROM read_parquet('{folder}/data/*.parquet') ORDER BY user_id, \"at\""
        )
        connection.execute("CHECKPOINT")
        took = perf_counter() - began
        _same("DuckDB", connection.execute("SELECT count(*) FROM sorted").fetchall()[0][0], events)
    return took


def _clickhouse(folder: Path, events: int) -> float:
    session: Any = import_module("chdb.session").Session(str(folder / "clickhouse"))
    columns = "message_id String, user_id String, event LowCardinality(String), at DateTime64(3, 'UTC'), "
    columns += ", ".join(f"p{i} Float64" for i in range(5)) + ", "
    columns += ", ".join(f"p{i} LowCardinality(String)" for i in range(5, 10))
    session.query("CREATE DATABASE peer ENGINE = Atomic")
    session.query(f"CREATE TABLE peer.log ({columns}) ENGINE = MergeTree ORDER BY (user_id, at)")
    began = perf_counter()
    session.query(f"INSERT INTO peer.log SELECT * FROM file('{folder}/data/*.parquet', Parquet)")
    session.query("OPTIMIZE TABLE peer.log FINAL")
    took = perf_counter() - began
    _same("ClickHouse", int(str(session.query("SELECT count() FROM peer.log", "TabSeparated")).strip()), events)
    session.close()
    return took


def _same(peer: str, found: int, events: int) -> None:
    if found != events:
        raise RuntimeError(f"{peer} holds {found:,} of {events:,} events")
