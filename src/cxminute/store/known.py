"""What the log already knows of a source: tells new events from repeated, corrected and removed ones.

An event's id and digest are compared with every version of it in the segments that stand. The same digest: repeated.
Another: a correction, which replaces every older version, so that undoing any collect leaves exactly one. An event that
its row, told again, no longer yields: removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SCHEMA: Final = "(id VARCHAR, digest UBIGINT, segment BIGINT, row BIGINT, live BOOLEAN)"
_ORDINAL: Final = "#[0-9]+$"  # ends the ids of a file's events: the place of their rule
_ROW_KEY: Final = f"regexp_replace(id, '{_ORDINAL}', '')"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a table of events, each id at most once in it.

    added, corrected: which events (mask); the rest are repeated
    superseded:       (segment, row) of every version that is replaced or removed
    removed:          how many events their rows no longer tell of
    """

    added: NDArray[np.bool_]
    corrected: NDArray[np.bool_]
    superseded: tuple[tuple[int, int], ...]
    removed: int


class Known:
    """The ids and digests of one source, for the length of one collect."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._empty = True
        self._several = False  # whether a row yields several events: else none can be removed
        duck.execute(f"CREATE OR REPLACE TEMP TABLE known {_SCHEMA}")

    def load(self, segment: int, path: Path, dropped: NDArray[np.int64]) -> None:
        """Adds a standing segment; `dropped` are its rows that a standing collect replaced or removed."""
        file = str(path).replace("'", "''")
        self._duck.register("dropped", pa.table({"row": dropped}))
        self._duck.execute(
            f"INSERT INTO known SELECT id, digest, {segment}, file_row_number, "  # noqa: S608 -- numbers and our file
            "NOT file_row_number IN (SELECT row FROM dropped) "
            f"FROM read_parquet('{file}', file_row_number = true)"
        )
        self._duck.unregister("dropped")
        ids = self._duck.sql(f"SELECT id FROM known WHERE segment = {segment}").to_arrow_table()["id"]  # noqa: S608 -- a number
        self._note(ids)

    def learn(self, segment: int, events: pa.Table) -> None:
        """Adds the events just written as a segment, in its order of rows."""
        rows = pa.table({"id": events["id"], "digest": events["digest"], "row": np.arange(events.num_rows)})
        self._duck.register("fresh", rows)
        self._duck.execute(f"INSERT INTO known SELECT id, digest, {segment}, row, true FROM fresh")  # noqa: S608 -- a number
        self._duck.unregister("fresh")
        self._note(events["id"])

    def drop(self, superseded: Iterable[tuple[int, int]]) -> None:
        """Takes what was replaced or removed for no longer live."""
        pairs = tuple(superseded)
        if pairs:
            table = pa.table({"s": [pair[0] for pair in pairs], "r": [pair[1] for pair in pairs]})
            self._duck.register("gone", table)
            self._duck.execute("UPDATE known SET live = false FROM gone WHERE segment = s AND row = r")
            self._duck.unregister("gone")

    def without_retold(self, events: pa.Table) -> tuple[pa.Table, int]:
        """The events without earlier tellings of ids whose last telling is what stands, and how many those were.

        A file in which a key comes twice, told again, would otherwise be corrected back and forth each time.
        """
        ids = events["id"].combine_chunks() if events.num_rows else pa.array([], pa.string())
        if self._empty or pc.count_distinct(ids).as_py() == len(ids):
            return events, 0
        told = pa.table({"id": events["id"], "digest": events["digest"], "place": np.arange(events.num_rows)})
        self._duck.register("told", told)
        stale = self._duck.sql(
            "WITH last AS (SELECT id, max(place) AS place, arg_max(digest, place) AS digest FROM told GROUP BY id "
            "HAVING count(*) > 1), "
            "stands AS (SELECT id, last.place FROM last JOIN known USING (id, digest) WHERE live) "
            "SELECT told.place FROM told JOIN stands USING (id) WHERE told.place < stands.place"
        ).to_arrow_table()
        self._duck.unregister("told")
        kept = np.ones(events.num_rows, np.bool_)
        kept[stale["place"].to_numpy()] = False
        return events.filter(pa.array(kept)), stale.num_rows

    def _note(self, ids: pa.ChunkedArray) -> None:
        self._empty = self._empty and not len(ids)
        self._several = self._several or not pc.all(pc.ends_with(ids, "#0")).as_py()

    def judge(self, events: pa.Table) -> Verdict:
        """What to do with events of which each id comes once."""
        length = events.num_rows
        added = np.ones(length, np.bool_)
        corrected = np.zeros(length, np.bool_)
        if self._empty or not length:
            return Verdict(added, corrected, (), 0)
        ids = pa.table({"id": events["id"], "digest": events["digest"], "place": np.arange(length)})
        self._duck.register("batch", ids)
        try:
            met = self._duck.sql(
                "SELECT place, b.digest = k.digest AS same, segment, row, live FROM known k JOIN batch b USING (id)"
            ).to_arrow_table()
            several = self._several or not pc.all(pc.ends_with(events["id"], "#0")).as_py()
            gone = self._removed() if several else pa.table({"segment": [], "row": [], "live": []})
        finally:
            self._duck.unregister("batch")
        place = met["place"].to_numpy()
        added[place] = False
        repeated = np.zeros(length, np.bool_)
        same = pc.and_(met["same"], met["live"]).to_numpy(zero_copy_only=False)
        repeated[place[same]] = True
        corrected[:] = ~added & ~repeated
        replaced = met.filter(pa.array(corrected[place]))
        pairs = (*_pairs(replaced), *_pairs(gone))
        return Verdict(added, corrected, pairs, int(sum(gone["live"].to_pylist())))

    def _removed(self) -> pa.Table:
        """Every version of events whose row is told again without them, where one of them is still live."""
        return self._duck.sql(
            f"WITH told AS (SELECT DISTINCT {_ROW_KEY} AS key FROM batch), "  # noqa: S608 -- a constant
            f"gone AS (SELECT DISTINCT id FROM known SEMI JOIN told ON {_ROW_KEY} = key "
            "WHERE live AND id NOT IN (SELECT id FROM batch)) "
            "SELECT segment, row, live FROM known SEMI JOIN gone USING (id)"
        ).to_arrow_table()


def rounds(events: pa.Table) -> Iterator[pa.Table]:
    """The events of a chunk in rounds, so that a row key told several times is judged once a round, in order.

    Nearly always one round: keys that come twice within one chunk are rare.
    """
    length = events.num_rows
    if not length or pc.count_distinct(events["id"]).as_py() == length:
        yield events
        return
    keys = pc.replace_substring_regex(events["id"], _ORDINAL, "").combine_chunks().dictionary_encode()
    codes = keys.indices.to_numpy()
    position = events["position"].to_numpy()
    order = np.lexsort((position, codes))
    fresh = np.ones(length, np.bool_)
    fresh[1:] = codes[order][1:] != codes[order][:-1]
    told = np.ones(length, np.bool_)
    told[1:] = fresh[1:] | (position[order][1:] != position[order][:-1])
    count = np.cumsum(told)
    starts = np.maximum.accumulate(np.where(fresh, count, 0))
    turn = np.empty(length, np.int64)
    turn[order] = count - starts
    for number in range(int(turn.max()) + 1):
        yield events.filter(pa.array(turn == number))


def _pairs(rows: pa.Table) -> Iterator[tuple[int, int]]:
    return zip(rows["segment"].to_pylist(), rows["row"].to_pylist(), strict=True)
