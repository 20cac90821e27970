"""What the log holds of one subject: read from the segments as they stand, by the column that they are sorted by.

No index is needed: a segment's statistics say which of its row groups can hold the subject, and few can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from cxminute.model.tables import EVENT
from cxminute.store.pieces import Piece
from cxminute.store.segments import REST, connect, is_path, quoted, reading

OWN: Final = {*EVENT.names, "profile", REST, "filename", "file_row_number"}
"""Columns that are no kind of identifier and no path."""


@dataclass(frozen=True, slots=True)
class Span:
    """Events from `since` to before `until`, and none after `as_of`; UTC ms, None without a bound."""

    since: int | None = None
    until: int | None = None
    as_of: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one source told of the subject: how many events, from when to when (UTC ms)."""

    source: str
    events: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Traces:
    """What the log holds of one subject.

    told:    by source
    numbers: of the other subjects that its events name, by kind of identifier, ascending
    last:    the last events, the newest last: id, source, kind, name, at (UTC ms) and `values`: typed values by path,
             and under `rest` the JSON text of all else
    """

    told: list[Told] = field(default_factory=list)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    last: list[dict[str, Any]] = field(default_factory=list)


def of_profile(pieces: Sequence[Piece], who: Mapping[str, Sequence[int]], span: Span, limit: int) -> Traces:
    """What the pieces hold of a subject, in a span; of its events the last `limit`.

    who: the subject's numbers by column (`profile`, or a kind of identifier): an event is its own that has one of them
    """
    if not pieces or not any(who.values()):
        return Traces()
    duck = connect()
    files, columns, standing = stand(duck, pieces, span)
    kinds = sorted(name for name in columns if name not in OWN and not is_path(name))
    own = [
        f"{quoted(column)} IN ({', '.join(str(int(number)) for number in numbers)})"
        for column, numbers in who.items()
        if numbers and column in columns
    ]
    if not own:
        return Traces()
    whole = f"FROM {files} WHERE ({' OR '.join(own)}) AND {' AND '.join(standing)}"
    named = "".join(f", list(DISTINCT {quoted(kind)})" for kind in kinds)
    counts = 'source::VARCHAR, count(*), min(epoch_ms("at")), max(epoch_ms("at"))'
    counted = duck.execute(f"SELECT {counts}{named} {whole} GROUP BY 1 ORDER BY 1").fetchall()
    numbers = {
        kind: sorted({number for row in counted for number in row[4 + place] if number is not None})
        for place, kind in enumerate(kinds)
    }
    order = 'ORDER BY "at" DESC, source DESC, position DESC, id DESC'
    newest = duck.execute(f"SELECT filename, file_row_number {whole} {order} LIMIT {int(limit)}").fetchall()
    told = [Told(*row[:4]) for row in counted]
    return Traces(told, {kind: found for kind, found in numbers.items() if found}, _events(duck, newest))


def stand(duck: Any, pieces: Sequence[Piece], span: Span) -> tuple[str, list[str], list[str]]:
    """Segments for DuckDB: (SQL of their files, its columns, tests of the rows that stand and lie in the span)."""
    files = reading(dict.fromkeys(piece.path for piece in pieces))
    columns = [name for name, *_ in duck.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()]  # noqa: S608 -- our own files
    duck.register("dropped", _dropped(pieces))
    bounds = (
        ('"at" >= make_timestamptz({}000)', span.since),
        ('"at" < make_timestamptz({}000)', span.until),
        ('"at" <= make_timestamptz({}000)', span.as_of),
    )
    tests = [test.format(int(value)) for test, value in bounds if value is not None]
    tests.append("NOT EXISTS (FROM dropped d WHERE d.file = filename AND d.row = file_row_number)")
    return files, columns, tests


def _dropped(pieces: Sequence[Piece]) -> pa.Table:
    """`file` and `row` of all rows that are left out: there may be millions."""
    of = np.repeat(np.arange(len(pieces), dtype=np.int32), [piece.dropped.size for piece in pieces])
    paths = pa.array([str(piece.path) for piece in pieces], pa.string())
    rows = np.concatenate([np.empty(0, np.int64), *(piece.dropped for piece in pieces)])
    return pa.table({"file": pa.DictionaryArray.from_arrays(pa.array(of), paths), "row": pa.array(rows, pa.int64())})


def _events(duck: Any, places: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """The events at these rows of files, in the opposite order; leftovers are read of no other."""
    if not places:
        return []
    order = [{"file": file, "row": row, "turn": -turn} for turn, (file, row) in enumerate(places)]
    duck.register("places", pa.Table.from_pylist(order))
    files = sorted({file for file, _ in places})
    found = duck.sql(
        f'SELECT e.* REPLACE (rest::JSON::VARCHAR AS rest, epoch_ms("at") AS "at") FROM {reading(files)} e '  # noqa: S608 -- our own files
        "JOIN places p ON p.file = e.filename AND p.row = e.file_row_number ORDER BY p.turn"
    ).to_arrow_table()
    events = []
    for row in found.to_pylist():
        values = {
            column.rpartition(":")[0]: value for column, value in row.items() if is_path(column) and value is not None
        }
        if row[REST] is not None:
            values[REST] = row[REST]
        events.append({key: row[key] for key in ("id", "source", "kind", "name", "at")} | {"values": values})
    return events
