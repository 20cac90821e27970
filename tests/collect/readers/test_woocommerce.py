"""Laws of the WooCommerce reader: what an order and a refund tell, and by which of their two clocks."""

from __future__ import annotations

import pytest

from cxminute.collect.readers.canon import PROPERTIES
from cxminute.collect.readers.woocommerce import READER
from tests.collect.readers.goldens import events_of
from tests.collect.readers.shops import reason_of, told, woo_order, woo_refund


def test_an_order_tells_that_it_was_made_paid_and_done() -> None:
    """An order, a page of orders and a webhook's body tell of the same steps, each at its own time."""
    (order,) = told(READER, woo_order())
    assert told(READER, [woo_order()]) == [order]
    assert events_of([order]) == [
        ("order 727", "Order Completed", "2026-03-01T10:00:00.000Z"),
        ("order 727", "Order Updated", "2026-03-01T10:00:08.000Z"),
        ("order 727", "Order Updated", "2026-03-04T08:30:00.000Z"),
    ]
    assert [fact.properties["status"] for fact in order.facts] == ["completed", "paid", "completed"]
    assert order.identifiers == {"order_id": "727", "user_id": "12"}
    said = order.facts[0].properties
    amounts = {name: said[name] for name in ("total", "revenue", "shipping", "tax", "discount", "quantity")}
    assert amounts == {"total": 36.35, "revenue": 25.0, "shipping": 10.0, "tax": 1.35, "discount": 0.0, "quantity": 3.0}
    assert (said["currency"], said["channel"], said["country"], said["region"]) == ("EUR", "checkout", "DE", "NW")
    assert said["service_level"] == "Flat Rate"
    assert said["products"] == [
        {"product_id": "93", "name": "Cup", "price": 8.0, "quantity": 2.0},
        {"product_id": "22", "sku": "B", "name": "Bowl", "price": 9.0, "quantity": 1.0},
    ]


def test_nothing_is_said_of_promises_parcels_and_deliveries() -> None:
    """WooCommerce states none of them: that an order is done is told as an update, never as an arrival."""
    (order,) = told(READER, woo_order())
    assert {fact.event for fact in order.facts} == {"Order Completed", "Order Updated"}
    assert not {"ship_by", "deliver_from", "deliver_by"} & {name for fact in order.facts for name in fact.properties}


def test_the_clock_in_utc_counts() -> None:
    """Of the two clocks the one in UTC is read; where it is missing, the shop's own, in the zone of its source."""
    (order,) = told(READER, woo_order(), zone="America/New_York")
    assert events_of([order])[0][2] == "2026-03-01T10:00:00.000Z"
    (order,) = told(READER, woo_order(date_created_gmt=None), zone="Europe/Berlin")
    assert events_of([order])[0][2] == "2026-03-01T10:00:00.000Z"
    (order,) = told(READER, woo_order(date_created_gmt=None), zone="UTC")
    assert events_of([order])[0][2] == "2026-03-01T11:00:00.000Z"


def test_a_guest_is_nobody() -> None:
    """Customer 0 is whoever has no account: their orders share no identifier."""
    (order,) = told(READER, woo_order(customer_id=0))
    assert order.identifiers == {"order_id": "727"}


def test_goods_by_weight_go_back_by_weight() -> None:
    """A tenth and two tenths of a kilogram are three tenths, all that was bought, and no more."""
    lines = [{"id": 1, "quantity": 0.3, "total": "9.00"}]
    back = [{"id": 9, "total": "-9.00", "line_items": [{"quantity": -0.1}, {"quantity": -0.2}]}]
    (record,) = told(READER, woo_order(line_items=lines, refunds=back))
    assert record.facts[0].properties["quantity"] == 0.3


def test_an_order_cancelled_after_it_was_done_tells_of_both() -> None:
    """That it was done stays; that it was cancelled is told at the time of its last change."""
    (order,) = told(READER, woo_order(status="cancelled", date_modified_gmt="2026-03-09T08:00:00"))
    assert events_of([order])[-1] == ("order 727", "Order Cancelled", "2026-03-09T08:00:00.000Z")
    assert len(order.facts) == 4
    assert reason_of(READER, woo_order(status="cancelled", date_modified_gmt=None, date_modified=None)) == "no_time"


def test_a_draft_is_no_order_yet() -> None:
    """What a checkout keeps while somebody types is no order."""
    assert told(READER, woo_order(status="checkout-draft")) == []


def test_a_refund_alone_is_the_refund_of_its_order() -> None:
    """It names its order by its number or by the link up; within the order, with its time, it is the same record."""
    (by_link,) = told(READER, woo_refund())
    (by_number,) = told(READER, [woo_refund(parent_id=727, _links={})])
    _, within = told(READER, woo_order(refunds=[woo_refund()]))
    for refund in (by_link, by_number, within):
        assert events_of([refund]) == [("refund 726", "Order Refunded", "2026-03-06T09:00:00.000Z")]
        assert refund.identifiers["order_id"] == "727"
        assert (refund.facts[0].properties["refunded"], refund.facts[0].properties["quantity"]) == (8.0, 1.0)
    assert within.facts[0].properties["currency"] == "EUR"
    assert "user_id" not in by_link.identifiers, "whose it is the order alone knows"
    assert reason_of(READER, woo_refund(_links={})) == "no_key"


def test_a_refund_without_a_time_is_kept_and_not_told() -> None:
    """Within its order a refund says its amount and no time: it goes along with the order, not dated by guess."""
    (order,) = told(READER, woo_order(refunds=[{"id": 726, "reason": "it broke", "total": "-8.00"}]))
    assert order.rest["refunds"] == [{"id": "726", "total": "-8.00", "comment": "it broke"}]
    assert "Order Refunded" not in {fact.event for fact in order.facts}


def test_more_back_than_was_bought_is_set_apart() -> None:
    """More money than was paid, or more pieces than were bought, cannot have come back."""
    assert reason_of(READER, woo_order(refunds=[{"id": 1, "total": "-36.36"}])) == "returned_more"
    four = [{"id": 1, "quantity": -4}]
    assert reason_of(READER, woo_order(refunds=[woo_refund(line_items=four)])) == "returned_more"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("total", "-1.00", "negative_amount"),
        ("line_items", [{"id": 1, "quantity": -1}], "negative_amount"),
        ("line_items", "none", "bad_shape"),
        ("refunds", [{"id": 1, "total": "-1.00", "currency": "USD"}], "two_currencies"),
        ("date_created_gmt", "31.02.2026", "bad_time"),
        ("id", None, "no_key"),
    ],
)
def test_an_order_that_makes_no_sense_is_set_apart(field: str, value: object, reason: str) -> None:
    """Negative prices, two currencies and days that are none: the whole order, under its own reason."""
    assert reason_of(READER, woo_order(**{field: value})) == reason


def test_what_opens_pages_is_left_out_and_what_was_written_is_hidden() -> None:
    """Keys stay out; addresses, notes and whatever extensions wrote go along under names that are personal."""
    (order,) = told(READER, woo_order())
    assert set(order.rest) == {"billing_address", "shipping_address", "notes", "ip"}


def test_a_bare_customer_tells_of_nothing() -> None:
    """An account is a state: known for what it is, it makes no event up."""
    assert told(READER, [{"id": 12, "is_paying_customer": True, "email": "ann@example.org"}]) == []


def test_what_the_forms_tell_is_declared() -> None:
    """Every event and typed property that came out above stands in what the reader says that it tells."""
    documents = [woo_order(status="cancelled", refunds=[woo_refund()]), woo_refund()]
    for fact in (fact for document in documents for record in told(READER, document) for fact in record.facts):
        assert set(fact.properties) & set(PROPERTIES) <= READER.tells[fact.event]
