"""Samples of the log's events with all that they carry: for seeing which properties there are, not for analyses.

This is the one reader of leftovers beside the back-fill: it reads a bounded number of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import select

from cxminute.store.log import EventLog
from cxminute.store.pieces import Piece
from cxminute.store.schema import COLLECTS, PERSONAL
from cxminute.store.segments import connect, escaped
from cxminute.store.vault import keys_called, opened_personal

_GRAIN = 1_000_000


def counts(pieces: Sequence[Piece], since: int | None, until: int | None) -> dict[str, int]:
    """How many events of each name these segments hold in a span, UTC ms, until not included."""
    duck = connect()
    found: dict[str, int] = {}
    for piece in pieces:
        said, values = _among(duck, piece, since, until)
        query = f"SELECT name, count(*) FROM {said} GROUP BY name"  # noqa: S608 -- our own file, bound values
        for name, events in duck.execute(query, values).fetchall():
            found[name] = found.get(name, 0) + events
    return found


def sample(
    pieces: Sequence[Piece], shares: Mapping[str, float], since: int | None, until: int | None
) -> Iterator[pa.Table]:
    """Of each segment the events that belong to the sample, by a hash of their ids: the same ones each time.

    shares:  by name, which share of the events; 1 for all
    returns: `id`, `name`, the segment's typed columns (`PATH:TYPE`), a column per kind of identifier, and `rest`, JSON
    """
    duck = connect()
    names = [name for name, share in shares.items() if share > 0]
    least = pa.table({"name": names, "below": [int(min(shares[name], 1) * _GRAIN) for name in names]})
    duck.register("shares", least)
    for piece in pieces:
        said, values = _among(duck, piece, since, until)
        found = duck.sql(
            f"SELECT found.* REPLACE (rest::JSON::VARCHAR AS rest) FROM {said} AS found "  # noqa: S608 -- likewise
            f"JOIN shares ON found.name = shares.name WHERE hash(id) % {_GRAIN} < below ORDER BY file_row_number",
            params=values,
        ).to_arrow_table()
        yield found.drop_columns(["file_row_number"])


def personal(log: EventLog, source: str, events: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(event, path -> value) of what the vault keeps of these events of a source, read row by row."""
    c = PERSONAL.c
    query = select(c.id, c.profile, c.sealed, c.event).join(COLLECTS, COLLECTS.c.id == c.collect)
    query = query.where(COLLECTS.c.source == source, COLLECTS.c.undone_at.is_(None))
    called = keys_called(log.keyring, ((source, event) for event in events)) if events else {}
    with log.state.connect() as connection:
        for rows in connection.execute(query, execution_options={"yield_per": 10_000}).partitions():
            asked = [row for row in rows if row.event in called]
            said = opened_personal(log.keyring, [(row.id, row.profile, row.sealed) for row in asked])
            yield from ((called[row.event][1], one) for row, one in zip(asked, said, strict=True) if one is not None)


def _among(
    duck: duckdb.DuckDBPyConnection, piece: Piece, since: int | None, until: int | None
) -> tuple[str, list[int]]:
    """(SQL of a segment's standing rows in a span, values to bind)."""
    duck.register("dropped", pa.table({"row": pa.array(piece.dropped, pa.int64())}))
    file = escaped(piece.path)
    bounds = [(test, value) for test, value in (('epoch_ms("at") >= ?', since), ('epoch_ms("at") < ?', until))
              if value is not None]  # fmt: skip
    tests = ["file_row_number NOT IN (SELECT row FROM dropped)", *(test for test, _ in bounds)]
    said = f"(SELECT * FROM read_parquet('{file}', file_row_number = true) WHERE {' AND '.join(tests)})"  # noqa: S608 -- our own file
    return said, [value for _, value in bounds]
