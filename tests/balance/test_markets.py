"""What orders of a source are worth: nothing counts twice, no two currencies are added, what is unknown is no zero."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from cxminute.balance import worth
from cxminute.balance.markets import AMOUNTS, ASKED, CANCELLED, PLACED, RETURNED, REVIEWED, customers, orders
from cxminute.collect.readers.canon import EVENTS, PROPERTIES
from cxminute.store.index import in_memory

UTC = ZoneInfo("UTC")
DAY = 86_400_000
Told = tuple[int, str, str, int, dict[str, Any]]
"""Order, source, event, day, and what else it carries."""
PATHS = (*AMOUNTS, "refunded", "currency")


def streams(*told: Told) -> Any:
    """The streams of some orders, each known by a number."""
    columns: dict[str, list[Any]] = {
        "subject": [order for order, *_ in told],
        "source": [source for _, source, *_ in told],
        "name": [name for _, _, name, *_ in told],
        "at": [day * DAY for *_, day, _ in told],
    }
    for name in PATHS:
        columns[f"properties.{name}"] = [more.get(name) for *_, more in told]
    columns["identifiers.ticket_id"] = [more.get("ticket") for *_, more in told]
    columns["identifiers.order_id"] = [more.get("order", order) for order, *_, more in told]
    types = {f"properties.{name}": pa.float64() for name in PATHS if name != "currency"}
    types |= {
        "properties.currency": pa.string(),
        "identifiers.ticket_id": pa.int64(),
        "identifiers.order_id": pa.int64(),
    }
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
    index = in_memory(table, "order_id", 1_000 * DAY)
    [bucket] = index.buckets()
    return index.read(bucket)


def found(*told: Told) -> pa.Table:
    """The orders of some events."""
    return orders(streams(*told))


def test_words_are_those_that_readers_tell_in() -> None:
    """Every event and property that is read here is a canonical one: another would be read from nobody."""
    assert {PLACED, CANCELLED, *RETURNED, *ASKED, *REVIEWED} <= set(EVENTS)
    assert set(PATHS) <= set(PROPERTIES)


def test_an_order_belongs_to_who_first_told_of_it() -> None:
    """Told again by another source, an order is no second one; what becomes of it counts whoever tells."""
    table = found(
        (1, "site", PLACED, 1, {"total": 10.0, "currency": "EUR"}),
        (1, "shopify", PLACED, 2, {"total": 10.0, "currency": "EUR"}),
        (1, "desk", "Ticket Opened", 3, {"ticket": 7}),
        (1, "shopify", "Order Refunded", 4, {"refunded": 4.0}),
        (1, "shopify", "Order Refunded", 5, {"refunded": 2.0}),
        (2, "bazaar", PLACED, 1, {"total": 5.0}),
        (3, "desk", "Ticket Opened", 1, {}),
    )
    rows = table.sort_by("at").to_pylist()
    assert [row["source"] for row in rows] == ["site", "bazaar"]
    assert (rows[0]["contacts"], rows[0]["returned"], rows[0]["refunded"]) == (1, True, 6.0)
    assert (rows[1]["contacts"], rows[1]["returned"], rows[1]["currency"]) == (0, False, None)


def test_a_message_of_a_ticket_is_no_second_contact() -> None:
    """A ticket counts once, however much is written in it; a message outside of any counts by itself."""
    [row] = found(
        (1, "site", PLACED, 1, {}),
        (1, "desk", "Ticket Opened", 2, {"ticket": 7}),
        (1, "desk", "Message Received", 3, {"ticket": 7}),
        (1, "desk", "Message Received", 4, {}),
    ).to_pylist()
    assert row["contacts"] == 2


def test_a_cancelled_order_is_no_return_and_no_revenue() -> None:
    """Its refund is no return, and what it would have brought is not counted."""
    table = found(
        (1, "site", PLACED, 1, {"total": 10.0, "currency": "EUR"}),
        (1, "site", CANCELLED, 2, {}),
        (1, "site", "Order Refunded", 2, {"refunded": 10.0}),
        (2, "site", PLACED, 1, {"total": 30.0, "currency": "EUR"}),
        (2, "site", "Return Opened", 3, {}),
    )
    [euro] = worth.money(table, "EUR", refunds=True)
    assert (euro["orders"], euro["total"], euro["refunded"]) == (1, 30.0, 0.0)
    assert worth.returned(table, UTC).value == 1.0
    assert worth.cancelled(table, UTC).value == 0.5


def test_two_currencies_are_never_added() -> None:
    """Each has a row of its own; orders that name none are in the project's, or in one without a name."""
    table = found(
        (1, "a", PLACED, 1, {"total": 10.0, "currency": "EUR"}),
        (2, "a", PLACED, 1, {"total": 20.0, "currency": "GBP"}),
        (3, "a", PLACED, 1, {"total": 40.0}),
        (4, "a", PLACED, 1, {"currency": "SEK"}),
    )
    assert {row["currency"]: row["total"] for row in worth.money(table, "EUR", refunds=False)} == {
        "EUR": 50.0,
        "GBP": 20.0,
        "SEK": None,
    }
    assert {row["currency"]: row["total"] for row in worth.money(table, "", refunds=False)}[""] == 40.0


def test_a_margin_is_of_the_orders_whose_cost_is_told() -> None:
    """What the goods brought without tax, less cost and fee; without a cost there is none, and no zero."""
    table = found(
        (1, "a", PLACED, 1, {"total": 121.0, "tax": 21.0, "cost": 60.0, "fee": 15.0}),
        (2, "a", PLACED, 1, {"total": 60.0, "revenue": 50.0, "cost": 45.0}),
        (3, "a", PLACED, 1, {"total": 500.0}),
    )
    [row] = worth.money(table, "EUR", refunds=False)
    assert (row["costed"], row["margin"]) == (2, 100.0 - 60.0 - 15.0 + 50.0 - 45.0)
    assert row["margin_share"] == pytest.approx(30.0 / 150.0)
    [bare] = worth.money(found((3, "a", PLACED, 1, {"total": 500.0})), "EUR", refunds=False)
    assert (bare["margin"], bare["margin_share"], bare["fee"], bare["refunded"]) == (None, None, None, None)


def test_amounts_that_are_text_are_read_where_they_are_numbers() -> None:
    """A source that calls totals text, or has one in words, breaks nothing: words are no amount."""
    table = pa.table(
        {
            "subject": [1, 2],
            "source": ["a", "a"],
            "name": [PLACED, PLACED],
            "at": [0, 0],
            "properties.total": ["12.50", "a lot"],
        }
    )  # fmt: skip -- two rows
    index = in_memory(table, "order_id", DAY)
    [bucket] = index.buckets()
    assert orders(index.read(bucket))["total"].to_pylist() == [12.5, None]


def test_who_came_again_is_counted_within_a_source_and_a_span() -> None:
    """An order told twice is one; another source's order is no second one; what is outside the span is not seen."""
    table = pa.table(
        {
            "subject": [1, 1, 1, 2, 2, 3, 3],
            "source": ["a", "a", "b", "a", "a", "a", "a"],
            "name": [PLACED] * 7,
            "at": [1 * DAY, 2 * DAY, 3 * DAY, 1 * DAY, 1 * DAY, 1 * DAY, 9 * DAY],
            "identifiers.order_id": pa.array([10, 11, 12, 20, 20, 30, 31]),
        }
    )  # fmt: skip -- seven events
    index = in_memory(table, "person", 99 * DAY)
    [bucket] = index.buckets()
    whole = customers(index.read(bucket))
    assert worth.repeated(worth.of(whole, "a")).value == pytest.approx(2 / 3)
    assert worth.repeated(worth.of(whole, "b")).value == 0.0
    early = customers(index.read(bucket), since=0, until=5 * DAY)
    assert worth.repeated(worth.of(early, "a")).value == pytest.approx(1 / 3)
    assert worth.overlapping(worth.of(whole, "b"), {1, 5}).value == 1.0
    assert worth.repeated(worth.of(whole, "c")).why == "no customers"


def test_ratings_and_contacts_have_bounds_that_are_possible() -> None:
    """A mean of stars lies within one to five with its bounds; fewer than two stars have no bounds; none is no zero."""
    many = worth.rating(np.array([5.0, 5.0, 1.0]))
    assert many.high == 5.0
    assert many.low is not None
    assert 0.0 <= many.low < 11 / 3
    one = worth.rating(np.array([4.0]))
    assert (one.value, one.low, one.high, one.n) == (4.0, None, None, 1)
    assert worth.rating(np.zeros(0)).value is None
    table = found((1, "site", PLACED, 1, {}), (2, "site", PLACED, 1, {}), (2, "d", "Ticket Opened", 2, {"ticket": 1}))
    assert worth.contacts(table, loose=1).value == 1.0
    assert worth.contacts(table.slice(0, 0), loose=3).why == "no orders"
