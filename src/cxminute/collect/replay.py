"""Rejects turned back into rows, each at its place, so that they can be received again under a mended mapping."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.collect.ndjson import of_lines
from cxminute.collect.rejects import UNREAD, in_order
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source


def rows_of(rejects: pa.Table, source: Source) -> Rows:
    """The rows of a source's rejects, in order of position.

    Rows that could not be read as such (kept as the raw line, `rejects.UNREAD`) stay rejects: no mapping mends them,
    their file must be mended and collected again. Rows of tables come back with the cells that they had; their ids are
    those that the file would have given them.
    """
    order = in_order(rejects)
    unread = pc.is_in(pc.cast(order["reason"], pa.string()), pa.array(sorted(UNREAD)))
    raw, whole = order.filter(unread), order.filter(pc.invert(unread))
    positions = whole["position"].to_pylist()
    lines = [row.encode() for row in whole["row"].to_pylist()]
    first = int(positions[0]) if positions else 0
    rows = of_lines(lines, positions, source, first=first)
    return Rows(rows.table, first, pa.concat_tables([raw, rows.rejects]), rows.positions, rows.lines, rows.rest)
