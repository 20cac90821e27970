"""Ledgers written row by row, for tests of what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from cxminute.balance.promises import Promise
from cxminute.model.steps import Step
from cxminute.model.tables import LEDGER, WORD

CHANNEL = "properties.channel"
DELIVERY = Promise("delivery", "order_id", Step("ordered"), "properties.due", Step("delivered"), target=0.9)


@dataclass(frozen=True)
class Row:
    """One promise: its state, its due time (ISO, UTC; empty for none), when it was made, and its channel."""

    state: str
    due: str | None = "2015-02-10T12:00"
    channel: str | None = "web"
    first_state: str | None = None
    made: str = "2015-02-01T12:00"


def at(text: str) -> int:
    """UTC milliseconds of an ISO time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def ledger_of(*rows: Row) -> pa.Table:
    """LEDGER with a channel."""
    due = [at(row.due) if row.due else None for row in rows]
    columns = [
        ["delivery"] * len(rows),
        list(range(len(rows))),
        [at(row.made) for row in rows],
        due,
        due,
        [None] * len(rows),
        [None] * len(rows),
        [row.state for row in rows],
        [row.first_state or row.state for row in rows],
    ]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, LEDGER.types, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=LEDGER)
    return table.append_column(CHANNEL, pa.array([row.channel for row in rows], WORD))
