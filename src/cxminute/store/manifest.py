"""What makes a chunk part of the log, within the transaction of whoever adds it: segments and names."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection, func, insert, select

from cxminute.model.errors import BadData
from cxminute.model.tables import EVENT
from cxminute.store.names import Names
from cxminute.store.schema import NAMES, SEGMENTS
from cxminute.store.segments import Written
from cxminute.store.state import among, insert_rows, mark_of

VERSION: Final = int(EVENT.metadata[b"version"])
"""Of the event schema, as segments are written."""
LARGE: Final = 100_000
"""Events from which on a segment is large enough to be left as it is."""
NAMES_AT_MOST: Final = 65_536
"""Pairs of source and name: the index holds two bytes for one."""


def next_segment(connection: Connection) -> int:
    """The number of the next segment: larger than any that there is."""
    return (connection.execute(select(func.max(SEGMENTS.c.id))).scalar() or 0) + 1


def add_segment(
    connection: Connection, number: int, segment: Written, collect: int, part: int, source: str, *, correction: bool
) -> None:
    """Makes a written segment part of the log."""
    row = {
        "id": number,
        "collect": collect,
        "part": part,
        "source": source,
        "file": segment.file,
        "sha256": segment.sha256,
        "rows": segment.rows,
        "bytes": segment.size,
        "first_at": segment.first_at,
        "last_at": segment.last_at,
        "correction": correction,
        "version": VERSION,
        "columns": json.dumps(segment.columns),
    }
    connection.execute(insert(SEGMENTS).values(**row))


def fresh_names(connection: Connection, source: str, called: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Which names of a source have no code yet, in the order that they are in, and how many codes are taken.

    called: names by what the state calls them (`Names.called`), as those that are returned
    """
    mark, (one_of, asked) = mark_of(connection), among(connection, list(called))
    query = f"SELECT name FROM names WHERE source = {mark} AND name {one_of}"  # noqa: S608 -- constants
    known = set(connection.exec_driver_sql(query, (source, asked)).scalars())
    taken: int = connection.execute(select(func.count()).select_from(NAMES)).scalar_one()
    return {digest: name for digest, name in called.items() if digest not in known}, taken


def give_codes(connection: Connection, book: Names, source: str, names: Collection[str]) -> None:
    """Gives codes to names of events that are new, in alphabetical order within a chunk; the book knows all of them.

    Also those that have a code: the book may have been lost since.
    """
    called = book.called(source, names)  # in the order of names
    fresh, taken = fresh_names(connection, source, called)
    if taken + len(fresh) > NAMES_AT_MOST:
        raise BadData(
            f"The log would hold {taken + len(fresh):,} names of events.",
            allowed=f"{NAMES_AT_MOST:,} over all sources; a name that holds an id or a page belongs into a property",
            then="Nothing of this chunk was collected.",
        )
    book.learn(called)
    rows = [(code, source, digest) for code, digest in enumerate(fresh, start=taken)]
    insert_rows(connection, NAMES, ("code", "source", "name"), rows)
