"""Calls as clients send them, for the tests of the door's reading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cxminute.collect.calls.envelope import Envelope, open_envelope
from cxminute.collect.calls.reading import ReadCalls, read_calls, read_kept
from cxminute.collect.receive import Received, receive
from cxminute.collect.source import Source
from cxminute.model.calls import Call
from cxminute.model.times import to_ms
from cxminute.store.conditions import evaluate
from tests.collect.sources import SECRET, source_of

WEBSITE = """
name   = "website"
format = "http"
{more}
[contract]
origin   = "first-party"
purposes = ["service-optimisation"]
"""

NOON = "2026-11-22T12:00:00.000Z"
RECEIVED = 1_795_348_800_000
"""NOON by the server's clock."""

Item = dict[str, Any]


def website(more: str = "") -> Source:
    """A source of the door."""
    return source_of(WEBSITE.format(more=more))


def track(**more: Any) -> Item:
    """A sound item, changed."""
    return {"type": "track", "event": "Order Completed", "userId": "u", "messageId": "m", "timestamp": NOON, **more}


def without(item: Item, *keys: str) -> Item:
    """An item without some of its keys."""
    return {key: value for key, value in item.items() if key not in keys}


def batch(*items: object, **around: Any) -> bytes:
    """The body of a batch."""
    return json.dumps({"batch": items, **around}).encode()


def call(body: bytes, protocol: str = "segment", kind: str = "", received_at: int = RECEIVED, **more: Any) -> Call:
    """A body as the door would put it into the inbox."""
    envelope = open_envelope(body, protocol, kind)
    return Call("website", received_at, envelope.protocol, kind, envelope.events, body, **more)


def read(*calls: Call, source: Source | None = None, first: int = 0) -> ReadCalls:
    """Calls read; every item is an event or a reject, at its own position."""
    found = read_calls(calls, source or website(), first)
    check(found, sum(one.events for one in calls))
    return found


def check(found: ReadCalls, items: int) -> None:
    """Holds that nothing got lost on the way: one position, and one time of receipt, for each item."""
    places = np.sort(np.concatenate([found.rows.positions, found.rows.rejects["position"].to_numpy()]))
    assert places.tolist() == list(range(found.rows.first, found.rows.first + items))
    assert len(found.received) == items
    assert len(found.rows.lines or ()) == found.rows.table.num_rows == len(found.rows.rest or ())


def taken(found: ReadCalls, source: Source | None = None) -> Received:
    """What was read, received."""
    return receive(found.rows, source or website(), secret=SECRET, evaluate=evaluate, seen=None)


def events(*calls: Call, source: Source | None = None) -> list[Item]:
    """The events of calls, each as one object: identifiers and leftovers among its keys."""
    received = taken(read(*calls, source=source), source)
    assert received.rejects.num_rows == 0, received.rejects.to_pylist()
    return [told(row) for row in received.events.to_pylist()]


def told(row: Item) -> Item:
    """An event with its time in UTC ms, its leftovers as an object, and without what is empty."""
    row = {key.removeprefix("identifiers."): value for key, value in row.items() if value is not None}
    rest: Item = json.loads(row.pop("rest", "{}"))
    row["at"] = to_ms(row["at"])
    return {key: value for key, value in row.items() if key not in {"digest", "source", "position"}} | rest


def rejects(*bodies: bytes, protocol: str = "segment", kind: str = "") -> list[str]:
    """The reasons of what is set apart, in order; the door counts as many."""
    calls = [call(body, protocol, kind) for body in bodies]
    apart = [row["reason"] for row in read(*calls).rows.rejects.to_pylist()]
    assert sum(envelope_of(one).rejected for one in calls) == len(apart)
    return apart


def envelope_of(one: Call) -> Envelope:
    """What the door said of a call."""
    return open_envelope(one.body, one.protocol, one.kind)


def kept(found: ReadCalls) -> pa.Table:
    """What lies in quarantine of what was read."""
    return found.rows.rejects


def mended(table: pa.Table, **changes: Any) -> pa.Table:
    """Rejects whose items were changed by hand."""
    rows = [json.dumps({**json.loads(row), **changes}) for row in table["row"].to_pylist()]
    return table.set_column(table.column_names.index("row"), "row", pa.array(rows, pa.string()))


def read_again(table: pa.Table, source: Source | None = None) -> ReadCalls:
    """Rejects read once more."""
    found = read_kept(table, source or website())
    check(found, table.num_rows)
    return found


def plain(items: Sequence[Mapping[str, Any]], *keys: str) -> list[Item]:
    """Some keys of events."""
    return [{key: item[key] for key in keys if key in item} for item in items]
