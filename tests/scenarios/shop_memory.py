"""A simulated shop straight through the stages, without files: the template's definitions over streams in memory."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.commands.setup import TEMPLATES
from cxminute.app.comparing import Sides, parted
from cxminute.app.project import Definitions, read_definitions
from cxminute.balance.tally import tally as tally_promise
from cxminute.balance.weigh import weigh
from cxminute.journeys.analyses.tally import tally as tally_journey
from cxminute.journeys.find import find
from cxminute.journeys.plan import compile_plan
from cxminute.model.tables import TALLY
from cxminute.simulation.shop import Simulated
from cxminute.store.index import Index, in_memory

BAZAAR: Final = {
    "ordered_at": "Order Completed",
    "shipped_at": "Order Shipped",
    "delivered_at": "Order Delivered",
    "cancelled_at": "Order Cancelled",
}
DESK: Final = {"opened_at": "Ticket Opened", "first_reply_at": "Ticket Answered", "closed_at": "Ticket Closed"}


@cache
def definitions() -> Definitions:
    """Those of the shop's template."""
    return read_definitions(TEMPLATES / "shop")


def tallies(simulated: Simulated) -> pa.Table:
    """Daily counts of every promise and journey of the template, as of the end of the simulated log."""
    found, until = definitions(), simulated.until
    zone, dimensions = found.settings.zone, found.settings.dimensions
    subjects = {"person": _people(simulated), "order_id": _orders(simulated), "ticket_id": _tickets(simulated)}
    parts = [TALLY.empty_table()]
    for journey in found.journeys.values():
        index, plan = subjects[journey.space], compile_plan(journey)
        tables = [
            find(plan, index.read(bucket), opens_at=index.opens_at, closes_at=until, dimensions=dimensions)
            for bucket in index.buckets()
        ]
        passages = pa.concat_tables(tables).unify_dictionaries()
        parts.append(tally_journey(journey, passages, zone, _carried(passages, dimensions), as_of=until))
    for promise in found.promises.values():
        index = subjects[promise.per]
        weighed = [
            weigh(promise, index.read(bucket), closes_at=until, dimensions=dimensions) for bucket in index.buckets()
        ]
        ledger = pa.concat_tables(weighed).unify_dictionaries()
        parts.append(tally_promise(promise, ledger, zone, _carried(ledger, dimensions), as_of=until))
    return pa.concat_tables(parts).unify_dictionaries()


def beside(simulated: Simulated) -> dict[str, pa.Table]:
    """Daily counts of the promise `delivery` by the source that made it."""
    promise, index = definitions().promises["delivery"], _orders(simulated)
    sides = Sides(("bazaar",), ("site",), ("source", "properties.carrier"), {})
    weighed = [
        weigh(promise, index.read(bucket), closes_at=simulated.until, dimensions=sides.dimensions)
        for bucket in index.buckets()
    ]
    ledger = pa.concat_tables(weighed).unify_dictionaries()
    return parted(promise, ledger, sides, definitions().settings.zone, until=None, as_of=simulated.until)


def _carried(table: pa.Table, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in dimensions if table[path].null_count < len(table))


def _people(simulated: Simulated) -> Index:
    site = simulated.tables["site"]
    who = pc.coalesce(_text(site["userId"]), pc.binary_join_element_wise("anonymous", _text(site["anonymousId"]), " "))
    return in_memory(_site(site, who), "person", simulated.until)


def _orders(simulated: Simulated) -> Index:
    site, bazaar = simulated.tables["site"], simulated.tables["bazaar"]
    placed = pc.binary_join_element_wise("bazaar", _text(bazaar["order_number"]), " ")
    market = _told(
        bazaar, placed, BAZAAR, {"latest_delivery": "properties.deliver_by", "carrier": "properties.carrier"}
    )
    ours = _site(site, _text(site["properties.order_id"]), number=False)
    both = pa.concat_tables([ours, market], promote_options="default")
    told = ["site"] * len(ours) + ["bazaar"] * len(market)
    both = both.append_column("source", pa.array(told, pa.string()))
    subject = _numbered(both["subject"])
    return in_memory(both.set_column(0, "subject", subject), "order_id", simulated.until)


def _tickets(simulated: Simulated) -> Index:
    desk = simulated.tables["desk"]
    columns = {
        "first_reply_due": "properties.first_reply_due",
        "topic": "properties.topic",
        "channel": "properties.channel",
    }
    events = _told(desk, _text(desk["ticket"]), DESK, columns)
    return in_memory(events.set_column(0, "subject", _numbered(events["subject"])), "ticket_id", simulated.until)


def _site(site: pa.Table, subject: pa.ChunkedArray, *, number: bool = True) -> pa.Table:
    paths = ("browser", "campaign", "carrier", "total", "deliver_by")
    columns = {
        "subject": _numbered(subject) if number else subject,
        "at": site["timestamp"],
        "name": _text(site["event"]),
    }
    columns |= {f"properties.{name}": _plain(site[f"properties.{name}"]) for name in paths}
    return pa.table(columns)


def _told(table: pa.Table, subject: pa.Array, events: dict[str, str], columns: dict[str, str]) -> pa.Table:
    """One event per row and time that is there."""
    parts = []
    for column, name in events.items():
        there = pc.is_valid(table[column])
        cells = {"subject": subject, "at": table[column], "name": pa.array([name] * len(table))}
        cells |= {path: _plain(table[source]) for source, path in columns.items()}
        parts.append(pa.table(cells).filter(there))
    return pa.concat_tables(parts)


def _numbered(values: pa.ChunkedArray) -> pa.Array:
    coded = pa.chunked_array([values.combine_chunks()] if isinstance(values, pa.ChunkedArray) else [values])
    indices = coded.combine_chunks().dictionary_encode().indices
    return pa.array(np.asarray(indices.fill_null(-1)), pa.int64(), mask=np.asarray(indices.is_null()))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return _text(column) if pa.types.is_dictionary(column.type) else column
