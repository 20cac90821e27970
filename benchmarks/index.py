"""The journey index built from segments, beside ClickHouse loading and DuckDB sorting the same rows by (profile, at).

All three read profile, at and name of the same Parquet files, already in the file cache, on the same processors, and
leave their result on disk; only ours is flushed to it. Ours runs in a process of its own: once from the start of the
process with its kernels not yet compiled (cold), and once the build alone, compiled (warm), as the peers are timed.

ClickHouse has two ways to the state that our index is in, all rows in one sorted part: to load as they come and then
merge (OPTIMIZE FINAL), or to sort within the load. The goal is held against the faster of the two; how long the load
alone takes, which leaves several parts each sorted for itself, is printed too. Processor seconds stand beside the
clock's, since they do not depend on what else the machine does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb
import numpy as np

from benchmarks.log import CODES, NAMES, SOURCE, segments
from benchmarks.outcome import Outcome, show
from cxminute.model.steps import Step
from cxminute.model.times import HOUR
from cxminute.store.index import Index, Piece, build, open_index

EVENTS = 20_000_000
GOAL = 3
BYTES = 12
STEP = "Order Completed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What all must agree on: events, people, the most of one person, events of one step, and a figure of order.

    near: events at most an hour after the same person's event before
    """

    events: int
    people: int
    most: int
    step: int
    near: int


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and of all processors together."""

    wall: float
    cpu: float


class Watch:
    """Started when made; `took` says how long ago that was."""

    def __init__(self) -> None:
        self._wall, self._cpu = perf_counter(), process_time()

    def took(self) -> Took:
        """Since the start."""
        return Took(perf_counter() - self._wall, process_time() - self._cpu)


QUERY = """
    select count(*), count(distinct profile), max(n), sum(cast(name = '{step}' as bigint)), sum(cast(near as bigint))
    from (select profile, name, count(*) over (partition by profile) as n, {near} as near from {table})
"""


def measure(events: int) -> Outcome:
    """Builds and loads, checks that the same came out, and prints the figures."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as temporary:
        folder = Path(temporary)
        (folder / "log").mkdir()
        begun = perf_counter()
        pieces = segments(folder / "log", events)
        size = sum(piece.path.stat().st_size for piece in pieces)
        print(f"log: {events:,} events, {len(NAMES)} names, {len(pieces)} segments, {size / 1e9:.2f} GB, "
              f"written in {perf_counter() - begun:.1f} s; {_processors()} processors", flush=True)  # fmt: skip
        for piece in pieces:
            _warm(piece.path)
        cold, ours = _ours(folder, pieces, "cold"), _ours(folder, pieces, "warm")
        index = open_index(folder / "index-warm", "person", pieces)
        stored = sum(file.stat().st_size for file in (folder / "index-warm").rglob("*.arrow")) / events
        facts = _facts(index)
        duck, duck_facts = _duckdb(folder)
        loaded, parts, merged, click_facts = _clickhouse(folder)
        sorting, sorted_parts, sorted_final, sorted_facts = _clickhouse(folder, sorted_rows=events)
    best = min((merged, sorted_final), key=lambda took: took.wall)
    rows = [
        ("CX Minute, cold process", cold),
        ("CX Minute", ours),
        ("DuckDB, sorted table", duck),
        (f"ClickHouse, load ({_count(parts)})", loaded),
        ("ClickHouse, load and merge", merged),
        (f"ClickHouse, load sorted ({_count(sorted_parts)})", sorting),
        *([("ClickHouse, load sorted and merge", sorted_final)] if sorted_parts > 1 else []),
    ]
    show(
        ("", "seconds", "processor s", "rows/s", "x ours"),
        [(n, f"{t.wall:.2f}", f"{t.cpu:.2f}", f"{events / t.wall:,.0f}", f"{t.wall / ours.wall:.1f}") for n, t in rows],
    )
    same = facts == duck_facts == click_facts == sorted_facts
    print(f"index: {stored:.2f} bytes an event (goal at most {BYTES})")
    print(f"counts {'agree' if same else 'DIFFER'}: {facts}" + ("" if same else f" {duck_facts} {click_facts}"))
    ratio = best.wall / ours.wall
    met = same and ratio >= GOAL and stored <= BYTES
    return Outcome(met, f"{ratio:.1f}x ClickHouse at {stored:.2f} bytes an event", f"{GOAL}x at most {BYTES}")


def _count(parts: int) -> str:
    return "one part" if parts == 1 else f"{parts} parts"


def _warm(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ours(folder: Path, pieces: list[Piece], name: str) -> Took:
    """What `build` takes in a process of its own, so that nothing is compiled that the cache does not hold."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "kernels")}
    command = [sys.executable, "-m", "benchmarks.index", str(folder / "log"), str(folder / f"index-{name}")]
    rows = [str(piece.rows) for piece in pieces]
    watch = perf_counter()
    done = subprocess.run([*command, *rows], env=environment, check=True, capture_output=True, text=True)  # noqa: S603 -- ourselves
    whole = perf_counter() - watch
    wall, cpu, process = (float(figure) for figure in done.stdout.split())
    return Took(whole, process) if name == "cold" else Took(wall, cpu)


def _build_alone(log: Path, index: Path, rows: list[int]) -> None:
    paths = sorted(log.glob("*.parquet"))
    nothing = np.empty(0, np.int64)
    pieces = [Piece(path, count, SOURCE, nothing) for path, count in zip(paths, rows, strict=True)]
    watch = Watch()
    build(pieces, "person", index, CODES, threads=_processors())
    took = watch.took()
    print(took.wall, took.cpu, process_time())


def _facts(index: Index) -> Facts:
    """The same facts of our index, bucket by bucket."""
    events = people = most = step = near = 0
    for bucket in index.buckets():
        streams = index.read(bucket)
        counts = np.diff(streams.offsets)
        near_by = np.zeros(streams.times.size, np.bool_)
        near_by[1:] = np.diff(streams.times) <= HOUR
        near_by[streams.offsets[:-1][counts > 0]] = False
        events, people, most = events + near_by.size, people + int((counts > 0).sum()), max(most, int(counts.max()))
        step, near = step + int(streams.matches(Step(STEP)).sum()), near + int(near_by.sum())
    return Facts(events, people, most, step, near)


def _duckdb(folder: Path) -> tuple[Took, Facts]:
    """Seconds to a table sorted by (profile, at) in a database file."""
    with duckdb.connect(folder / "peer.duckdb", config={"threads": _processors()}) as connection:
        watch = Watch()
        connection.execute(
            'create table sorted as select profile, "at", name '
            f"from read_parquet('{folder}/log/*.parquet') order by profile, \"at\""
        )
        connection.execute("checkpoint")
        took = watch.took()
        near = 'epoch_ms("at") - lag(epoch_ms("at")) over (partition by profile order by "at") <= 3600000'
        found = connection.execute(QUERY.format(step=STEP, near=f"coalesce({near}, false)", table="sorted")).fetchone()
    return took, Facts(*(int(number) for number in found or ()))


def _clickhouse(folder: Path, sorted_rows: int = 0) -> tuple[Took, int, Took, Facts]:
    """What a load into a MergeTree by (profile, at) takes, its parts, and what it takes until they are one.

    sorted_rows: how many rows to sort within the load, all at once; 0 to load as they come
    """
    session: Any = import_module("chdb.session").Session(str(folder / f"clickhouse-{sorted_rows}"))
    session.query(f"set max_threads = {_processors()}")
    session.query("create database peer engine = Atomic")
    session.query(
        "create table peer.sorted (profile Int64, at DateTime64(3, 'UTC'), name LowCardinality(String)) "
        "engine = MergeTree order by (profile, at)"
    )
    way = f"max_insert_threads = {_processors()}"
    if sorted_rows:
        way = f"max_insert_threads = 1, min_insert_block_size_rows = {sorted_rows}, min_insert_block_size_bytes = 0"
    order = "order by profile, at" if sorted_rows else ""
    watch = Watch()
    session.query(
        "insert into peer.sorted select profile, at, name "
        f"from file('{folder}/log/*.parquet', Parquet) {order} settings {way}"
    )
    loaded = watch.took()
    parts = int(str(session.query("select count() from system.parts where database = 'peer' and active")))
    if parts > 1:
        session.query("optimize table peer.sorted final")
    final = watch.took() if parts > 1 else loaded
    ordered = "partition by profile order by at rows between unbounded preceding and current row"
    near = (
        f"row_number() over ({ordered}) > 1 and "
        f"toUnixTimestamp64Milli(at) - lagInFrame(toUnixTimestamp64Milli(at)) over ({ordered}) <= 3600000"
    )
    found = str(session.query(QUERY.format(step=STEP, near=near, table="peer.sorted"), "TSV"))
    session.close()
    return loaded, parts, final, Facts(*(int(number) for number in found.split()))


if __name__ == "__main__":
    _build_alone(Path(sys.argv[1]), Path(sys.argv[2]), [int(rows) for rows in sys.argv[3:]])
