"""Laws of the Mirakl reader."""

from __future__ import annotations

import pytest

from cxminute.collect.readers.mirakl import READER
from tests.collect.readers.goldens import iso
from tests.collect.readers.market_samples import (
    Document,
    changed,
    fact,
    happenings,
    received,
    refused,
    sample,
    told,
)


@pytest.fixture
def order() -> Document:
    """An order of two lines, sent apart and received together, with a refund."""
    found: Document = sample("mirakl", "orders_page")["orders"][0]
    return found


def test_lines_that_left_together_are_one_parcel(order: Document) -> None:
    """An order has no parcels of its own: lines of one moment are told as one, others apart."""
    assert happenings(told(order, READER)) == [
        ("Order Completed", "2026-03-02T09:00:00.000Z"),
        ("Order Shipped", "2026-03-03T15:00:00.000Z"),
        ("Order Shipped", "2026-03-04T08:00:00.000Z"),
        ("Order Delivered", "2026-03-08T10:15:00.000Z"),
        ("Order Refunded", "2026-03-08T11:00:00.000Z"),
        ("Order Updated", "2026-03-02T11:30:00.000Z"),
    ]
    assert fact(told(order, READER), "Order Delivered").properties["quantity"] == 5.0


def test_the_promise_is_the_marketplaces(order: Document) -> None:
    """When it is to be sent and delivered stands in the order; a null promises nothing."""
    said = fact(told(order, READER), "Order Completed").properties
    assert [iso(int(str(said[name]))) for name in ("ship_by", "deliver_from", "deliver_by")] == [
        "2026-03-04T22:59:59.999Z",
        "2026-03-05T22:59:59.999Z",
        "2026-03-07T22:59:59.999Z",
    ]
    silent = fact(told(changed(order, "delivery_date", None), READER), "Order Completed").properties
    assert "deliver_by" not in silent
    assert silent["ship_by"] == said["ship_by"]


def test_prices_with_taxes_and_without_come_to_the_same_words(order: Document) -> None:
    """The total has the taxes and the revenue has none, whichever way the marketplace states its prices."""
    within = fact(told(order, READER), "Order Completed").properties
    assert (within["total"], within["revenue"], within["tax"], within["fee"]) == (106.0, 83.33, 17.67, 14.4)
    beside = fact(told(changed(order, "order_tax_mode", "TAX_EXCLUDED"), READER), "Order Completed").properties
    assert (beside["total"], beside["revenue"], beside["tax"]) == (123.67, 100.0, 17.67)


def test_revenue_is_not_guessed(order: Document) -> None:
    """Taxes are listed and nothing says whether they lie in the prices: revenue is not told."""
    said = fact(told(changed(order, "order_tax_mode", None), READER), "Order Completed").properties
    assert said["total"] == 106.0
    assert "revenue" not in said


def test_a_refused_order_ends_at_the_decision() -> None:
    """The shop refuses: the order is cancelled then, with the marketplace's reason."""
    refusal = fact(told(sample("mirakl", "orders_page")["orders"][1], READER), "Order Cancelled")
    assert (iso(refusal.at), refusal.properties["reason"]) == ("2026-03-03T10:20:00.000Z", "OUT_OF_STOCK")


def test_an_order_received_and_then_cancelled_is_both(order: Document) -> None:
    """Cancelled after it was delivered: both stand, each at its own time."""
    gone = changed(changed(order, "order_state", "CANCELED"), "last_updated_date", "2026-03-09T09:00:00Z")
    records = told(gone, READER)
    assert iso(fact(records, "Order Delivered").at) == "2026-03-08T10:15:00.000Z"
    assert iso(fact(records, "Order Cancelled").at) == "2026-03-09T09:00:00.000Z"


def test_a_line_cancelled_alone_leaves_the_order() -> None:
    """Part of an order is cancelled: that is an update, and the order goes on."""
    update = fact(told(sample("mirakl", "orders_page")["orders"][2], READER), "Order Updated")
    assert update.properties == {"status": "CANCELED", "reason": "NO_STOCK", "quantity": 1.0, "lines": ["7702-A-1"]}


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("order_lines.0.currency_iso_code", "USD", "two_currencies"),
        ("order_lines.0.refunds.0.amount", 60.01, "returned_more"),
        ("total_price", -106.0, "negative_amount"),
        ("order_lines.1.quantity", -4, "negative_amount"),
        ("price", "a hundred", "bad_number"),
        ("created_date", "02/03/2026", "bad_time"),
        ("created_date", None, "no_time"),
        ("order_id", None, "no_key"),
        ("order_lines", "none", "bad_shape"),
    ],
)
def test_what_cannot_be_right_is_set_apart(order: Document, path: str, value: object, reason: str) -> None:
    """Two currencies, more given back than was bought, negative prices, no time: the order goes to quarantine whole."""
    assert refused(changed(order, path, value), READER) == reason


def test_a_clock_without_a_zone_is_the_sources(order: Document) -> None:
    """A time without an offset is of the source's zone."""
    local = changed(order, "created_date", "2026-03-02T10:00:00")
    assert iso(fact(told(local, READER, "Europe/Paris"), "Order Completed").at) == "2026-03-02T09:00:00.000Z"


def test_an_older_telling_never_replaces_a_newer(order: Document) -> None:
    """A page that was fetched before the last change of an order tells nothing of it."""
    last = 1_772_971_200_000
    assert received(order, READER, {"order 7700-A": last}).events.num_rows == 6
    assert received(order, READER, {"order 7700-A": last + 1}).events.num_rows == 0


def test_a_changed_order_keeps_the_ids_of_its_events(order: Document) -> None:
    """Told again with another carrier, the parcel is the same event with another content: a correction."""
    before = received(order, READER).events
    after = received(changed(order, "shipping_company", "Chronopost"), READER).events
    assert before["id"].to_pylist() == after["id"].to_pylist()
    assert before["properties.carrier"].to_pylist() != after["properties.carrier"].to_pylist()


def test_what_is_not_known_is_kept(order: Document) -> None:
    """A field that nobody has heard of, and an incident without a time, go along with the order."""
    (record,) = told(changed(order, "something_new", [1, 2]), READER)
    assert (record.rest["something_new"], record.rest["has_incident"]) == ([1, 2], True)


def test_what_an_operator_asks_beside_is_a_note(order: Document) -> None:
    """Additional fields hold whatever a marketplace asks its buyers for: they stand where contracts hide them."""
    asked = [{"code": "customer-nif", "type": "STRING", "value": "123"}]
    more = changed(
        changed(order, "order_additional_fields", asked), "order_lines.0.order_line_additional_fields", asked
    )
    records = told(more, READER)
    assert records[0].rest["notes"] == asked
    assert "order_additional_fields" not in records[0].rest
    products = fact(records, "Order Completed").properties["products"]
    assert isinstance(products, list)
    first = products[0]
    assert first["notes"] == asked
    assert "order_line_additional_fields" not in first
