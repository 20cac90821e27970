"""ClickHouse (chdb) given its best: the rows of an index in one sorted part of a MergeTree by (profile, at).

Narrow types, names as LowCardinality, `max_threads` as many as we use. Each query runs with the hash aggregation and
with the aggregation in order of the key, several times each, and the fastest run counts.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.log import NAMES
from cxminute.store.index import Index

WAYS = {"hash": "optimize_aggregation_in_order = 0", "in order": "optimize_aggregation_in_order = 1"}


class Peer:
    """A ClickHouse session with the events of an index in the table `log` (profile, at in ms, name, properties)."""

    def __init__(self, index: Index, folder: Path, threads: int, paths: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._session: Any = import_module("chdb.session").Session(str(folder / "clickhouse"))
        self._threads = threads
        columns = "".join(f", {path} Float64" for path in paths)
        self._session.query("create database if not exists peer engine = Atomic")
        self._session.query("drop table if exists peer.log sync")
        self._session.query(
            f"create table peer.log (profile UInt32, at UInt64, name LowCardinality(String){columns}) "
            "engine = MergeTree order by (profile, at)"
        )
        words = pa.array(NAMES)
        for number, bucket in enumerate(index.buckets()):
            streams = index.read(bucket)
            table = {
                "profile": np.repeat(streams.subjects.astype(np.uint32), np.diff(streams.offsets)),
                "at": streams.times.astype(np.uint64),
                "name": pa.DictionaryArray.from_arrays(streams.codes.astype(np.int32), words),
                **{path: streams.column(f"properties.{path}") for path in paths},
            }
            pq.write_table(pa.table(table), folder / f"rows-{number:05d}.parquet", compression="none")
        rows = int(index.buckets()[-1].stop)
        self._session.query(
            f"insert into peer.log select * from file('{folder}/rows-*.parquet', Parquet) "
            f"settings max_insert_threads = 1, max_threads = 1, min_insert_block_size_rows = {max(rows, 1_048_576)}"
        )
        self._session.query("optimize table peer.log final")
        for file in folder.glob("rows-*.parquet"):
            file.unlink()

    @property
    def parts(self) -> int:
        """How many parts the table has: one, where all is merged."""
        return int(str(self._session.query("select count() from system.parts where database = 'peer' and active")))

    def fastest(self, query: str, runs: int = 3) -> tuple[float, str, list[list[str]]]:
        """Seconds of the fastest run of either way, which way it was, and the rows of the answer."""
        best: tuple[float, str] = (float("inf"), "")
        answer = ""
        for way, setting in WAYS.items():
            for _ in range(runs):
                begun = perf_counter()
                answer = str(self._session.query(f"{query} settings max_threads = {self._threads}, {setting}", "TSV"))
                best = min(best, (perf_counter() - begun, way))
        return *best, [line.split("\t") for line in answer.splitlines()]

    def close(self) -> None:
        """Ends the session; its folder may then be removed."""
        self._session.close()
