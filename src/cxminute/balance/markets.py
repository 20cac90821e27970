"""What each source's orders brought and what became of them: orders, money, returns, contacts; and who came again.

An order is the source's that first told of it as completed. What happened to it afterwards counts whenever it happened,
up to the close of the log: the youngest orders have had the least time to come back.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.steps import Step
from cxminute.model.tables import MOMENT
from cxminute.store.protocols import Streams

PLACED: Final = "Order Completed"
CANCELLED: Final = "Order Cancelled"
REFUNDED: Final = "Order Refunded"
RETURNED: Final = ("Return Opened", REFUNDED)
"""Events of which one makes an order a returned one, where it was not cancelled."""
ASKED: Final = ("Ticket Opened", "Message Received")
"""Events that are a contact; a message of a ticket is none of its own."""
REVIEWED: Final = ("Product Reviewed", "Seller Reviewed")
AMOUNTS: Final = ("total", "revenue", "tax", "cost", "fee")
"""Properties of a completed order that are added up, each in the order's own currency."""
ORDERS: Final = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("at", MOMENT, nullable=False),
        pa.field("currency", pa.string()),
        *(pa.field(name, pa.float64()) for name in AMOUNTS),
        pa.field("refunded", pa.float64(), nullable=False),
        pa.field("cancelled", pa.bool_(), nullable=False),
        pa.field("returned", pa.bool_(), nullable=False),
        pa.field("contacts", pa.int64(), nullable=False),
    ]
)
"""One row per order: its source, when it was placed, its amounts (null where none was told), what became of it."""
CUSTOMERS: Final = pa.schema([("person", pa.int64()), ("source", pa.string()), ("orders", pa.int64())])
"""One row per person and source of whom there is an order."""

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def paths() -> tuple[str, ...]:
    """Every path that is read of events."""
    return (*(f"properties.{name}" for name in (*AMOUNTS, "refunded")), "properties.currency")


def orders(streams: Streams) -> pa.Table:
    """ORDERS of one bucket of the subjects 'order_id'."""
    whose = _subject(streams)
    count = len(streams.offsets) - 1
    placed = np.flatnonzero(streams.matches(Step(PLACED)))
    of, first = np.unique(whose[placed], return_index=True)
    places = placed[first]
    columns: dict[str, pa.Array] = {
        "source": _texts(streams, "source", places),
        "at": pa.array(np.asarray(streams.times, np.int64)[places]).cast(MOMENT),
        "currency": _texts(streams, "properties.currency", places),
    }
    columns |= {name: _numbers(streams, f"properties.{name}", places) for name in AMOUNTS}
    back = np.flatnonzero(streams.matches(Step(REFUNDED)))
    money = np.nan_to_num(_numbers(streams, "properties.refunded", back).to_numpy(zero_copy_only=False))
    columns["refunded"] = pa.array(np.bincount(whose[back], money, count)[of])
    cancelled = _any(streams, whose, count, CANCELLED)
    columns["cancelled"] = pa.array(cancelled[of])
    columns["returned"] = pa.array((_any(streams, whose, count, *RETURNED) & ~cancelled)[of])
    columns["contacts"] = pa.array(np.bincount(whose[_contacts(streams)], minlength=count)[of])
    return pa.table(columns).cast(ORDERS)


def customers(streams: Streams, *, since: int | None = None, until: int | None = None) -> pa.Table:
    """CUSTOMERS of one bucket of the subjects 'person': how many orders of each source they made in a span, UTC ms."""
    times = np.asarray(streams.times, np.int64)
    places = np.flatnonzero(streams.matches(Step(PLACED)) & in_span(times, since, until))
    person = np.asarray(streams.subjects, np.int64)[_subject(streams)[places]]
    order = _plain(streams.column("identifiers.order_id"), places).cast(pa.int64())
    # An order that is told of without its number is one of its own.
    numbered = pc.coalesce(order, pa.array(-1 - places.astype(np.int64)))
    told = pa.table({"person": person, "source": _texts(streams, "source", places), "order": numbered})
    found = told.group_by(["person", "source"]).aggregate([("order", "count_distinct")])
    return found.rename_columns({"order_count_distinct": "orders"}).select(CUSTOMERS.names).cast(CUSTOMERS)


def in_span(at: Ints, since: int | None, until: int | None) -> Flags:
    """Which of these moments lie in a span, UTC ms, `until` not included; None is no bound."""
    inside = np.ones(len(at), np.bool_)
    if since is not None:
        inside &= at >= since
    if until is not None:
        inside &= at < until
    return inside


def _subject(streams: Streams) -> Ints:
    """For each event the place of its subject."""
    offsets = np.asarray(streams.offsets, np.int64)
    sizes = offsets[1:] - offsets[:-1]
    return np.repeat(np.arange(len(sizes)), sizes)


def _any(streams: Streams, whose: Ints, count: int, *names: str) -> Flags:
    """For each subject, whether an event of one of these names is its own."""
    found = np.zeros(count, np.bool_)
    for name in names:
        found[whose[streams.matches(Step(name))]] = True
    return found


def _contacts(streams: Streams) -> Ints:
    """The events that are contacts: tickets, and messages of no ticket."""
    tickets, messages = (streams.matches(Step(name)) for name in ASKED)
    if messages.any():
        places = np.flatnonzero(messages)
        loose = _plain(streams.column("identifiers.ticket_id"), places).is_null().to_numpy(zero_copy_only=False)
        messages = np.zeros_like(messages)
        messages[places[loose]] = True
    return np.flatnonzero(tickets | messages)


def _plain(column: pa.Array | pa.ChunkedArray, places: Ints) -> pa.Array:
    """The values at these events, neither chunked nor a dictionary."""
    found = column.take(pa.array(places))
    whole = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _texts(streams: Streams, path: str, places: Ints) -> pa.Array:
    return _plain(streams.column(path), places).cast(pa.string())


def _numbers(streams: Streams, path: str, places: Ints) -> pa.Array:
    """Numbers; null where there is none, or a text that is no number."""
    found = _plain(streams.column(path), places)
    if pa.types.is_string(found.type):
        found = pc.if_else(pc.match_substring_regex(found, r"^-?[0-9]+([.][0-9]+)?$"), found, None)
    return found.cast(pa.float64()) if not pa.types.is_timestamp(found.type) else pa.nulls(len(places), pa.float64())
