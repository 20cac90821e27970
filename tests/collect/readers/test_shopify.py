"""Laws of the Shopify reader: what an order, a parcel, a refund and a checkout tell, alone and together."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from cxminute.collect.readers.canon import PROPERTIES
from cxminute.collect.readers.shopify import READER
from tests.collect.readers.goldens import events_of, iso, told_of
from tests.collect.readers.shops import (
    money,
    reason_of,
    shopify_event,
    shopify_order,
    shopify_parcel,
    shopify_refund,
    told,
)


def test_an_order_tells_of_itself_its_parcel_and_its_refund() -> None:
    """One document of an order is three things: what was bought, what was sent and what was paid back."""
    order, parcel, refund = told(READER, shopify_order())
    assert events_of([order, parcel, refund]) == [
        ("order 5001", "Order Completed", "2026-03-01T08:59:00.000Z"),
        ("package 6001", "Order Shipped", "2026-03-02T07:00:00.000Z"),
        ("refund 7001", "Order Refunded", "2026-03-05T11:00:00.000Z"),
    ]
    assert order.identifiers == {"order_id": "5001", "user_id": "90"}
    assert parcel.identifiers == {**order.identifiers, "package_id": "6001"}
    assert refund.identifiers == order.identifiers
    said = order.facts[0].properties
    amounts = {name: said[name] for name in ("total", "revenue", "shipping", "tax", "discount", "quantity")}
    assert amounts == {"total": 54.95, "revenue": 50.0, "shipping": 4.95, "tax": 0.0, "discount": 0.0, "quantity": 2.0}
    assert (said["currency"], said["channel"], said["country"], said["language"]) == ("EUR", "web", "DE", "de")
    assert (said["status"], said["service_level"]) == ("partially_refunded", "Parcel")
    assert said["products"] == [{"product_id": "8", "sku": "CUP", "name": "Cup", "quantity": 2.0, "price": 25.0}]
    assert (parcel.facts[0].properties["carrier"], refund.facts[0].properties["refunded"]) == ("DHL", 25.0)


def test_no_promise_is_made_up() -> None:
    """An order states none, so no event of it carries a time by which anything was to happen."""
    for record in told(READER, shopify_order()):
        for fact in record.facts:
            assert not {"ship_by", "deliver_from", "deliver_by"} & set(fact.properties)


@pytest.mark.parametrize("wrapped", [None, "order", "orders", "list"])
def test_an_order_is_the_same_however_it_comes(wrapped: str | None) -> None:
    """A webhook's body, one answer, a page and a bare list tell of the same records."""
    bare = shopify_order()
    document: Any = {None: bare, "order": {"order": bare}, "orders": {"orders": [bare]}, "list": [bare]}[wrapped]
    assert told(READER, document) == told(READER, bare)


def test_a_parcel_or_refund_alone_is_the_record_that_its_order_tells() -> None:
    """Told alone it has the same key, time and properties; only whose it is the order alone knows."""
    _, parcel, refund = told(READER, shopify_order())
    (parcel_alone,) = told(READER, {"fulfillment": shopify_parcel()})
    (refund_alone,) = told(READER, shopify_refund())
    for within, alone in ((parcel, parcel_alone), (refund, refund_alone)):
        assert (alone.key, list(alone.facts)) == (within.key, list(within.facts))
        assert dict(within.identifiers) == {**alone.identifiers, "user_id": "90"}
        assert alone.changed_at is not None
        assert within.changed_at is not None
        assert alone.changed_at < within.changed_at, "so that the order's telling, which knows more, stands"


def test_a_parcel_that_is_not_sent_is_no_shipment() -> None:
    """While a fulfilment waits, and once it failed or was cancelled, its record says so and tells of no shipment."""
    for status, at in (("pending", "02T07"), ("open", "02T07"), ("cancelled", "04T07"), ("failure", "04T07")):
        changed = shopify_parcel(status=status, updated_at="2026-03-04T08:00:00+01:00")
        (record,) = told(READER, {"fulfillments": [changed]})
        assert events_of([record]) == [("package 6001", "Order Updated", f"2026-03-{at}:00:00.000Z")]
        assert record.facts[0].properties["status"] == status


def test_the_first_estimate_is_the_parcel_s_promise() -> None:
    """When a carrier first says when a parcel comes, that is its promise; a later estimate is stale beside it."""
    first = shopify_event("in_transit", "2026-03-02T18:00:00Z", "2026-03-04T20:00:00Z")
    later = shopify_event("delayed", "2026-03-04T18:00:00Z", "2026-03-09T20:00:00Z", number=2)
    event, promise = told(READER, {"fulfillment_event": first})
    moved, again = told(READER, later)
    assert (event.key, event.facts[0].properties["status"]) == ("package event 8001", "in_transit")
    assert "deliver_by" not in event.facts[0].properties
    due = promise.facts[0].properties["deliver_by"]
    assert isinstance(due, int)
    assert iso(due) == "2026-03-04T20:00:00.000Z"
    assert promise.key == again.key == "promise of package 6001"
    assert promise.identifiers == {"order_id": "5001", "package_id": "6001"}
    assert promise.changed_at is not None
    assert again.changed_at is not None
    assert again.changed_at < promise.changed_at, "an older telling never replaces a newer: here the first is the newer"
    assert moved.rest["estimated_delivery_at"] == "2026-03-09T20:00:00Z", "what was said later is kept, as it came"


def test_only_the_carrier_s_word_is_a_delivery() -> None:
    """Delivered, or picked up, at the time at which it happened; everything on the way is an update."""
    for status in ("delivered", "picked_up"):
        (record,) = told(READER, shopify_event(status, "2026-03-04T15:00:00+01:00", "2026-03-04T20:00:00Z"))
        assert events_of([record]) == [("package event 8001", "Order Delivered", "2026-03-04T14:00:00.000Z")]
    for status in ("label_printed", "out_for_delivery", "attempted_delivery", "failure", "something new"):
        (record,) = told(READER, shopify_event(status, "2026-03-04T15:00:00+01:00"))
        assert record.facts[0].event == "Order Updated"
        assert record.facts[0].properties["status"] == status


def test_an_order_cancelled_after_it_was_sent_tells_of_both() -> None:
    """A cancellation takes nothing back of what happened before it: the parcel left, and the order was called off."""
    cancelled = shopify_order(cancelled_at="2026-03-06T10:00:00+01:00", cancel_reason="customer")
    order, parcel, _ = told(READER, cancelled)
    assert [fact.event for fact in order.facts] == ["Order Completed", "Order Cancelled"]
    assert dict(order.facts[1].properties) == {"reason": "customer"}
    assert [fact.event for fact in parcel.facts] == ["Order Shipped"]


def test_money_goes_back_only_when_a_payment_succeeded() -> None:
    """A refund under way, refused or without a payment is an update in Shopify's own word, not a refund of nothing."""
    payment = {"kind": "refund", "amount": "25.00", "currency": "EUR"}
    for payments, status in (
        ([{**payment, "status": "pending"}], "pending"),
        ([{**payment, "status": "failure"}], "failure"),
        ([{**payment, "kind": "void", "status": "success"}], "return"),
        ([], "return"),
    ):
        (record,) = told(READER, shopify_refund(transactions=payments))
        (fact,) = record.facts
        assert (fact.event, fact.properties["status"]) == ("Order Updated", status)
        assert "refunded" not in fact.properties
    twice = [{**payment, "status": "success"}, {**payment, "status": "success", "amount": "0.10"}]
    (record,) = told(READER, shopify_refund(transactions=twice))
    assert record.facts[0].properties["refunded"] == 25.1


def test_more_back_than_was_bought_is_set_apart() -> None:
    """Refunds that take back more pieces of a line than were ordered make no sense, in the order or alone."""
    back = [{"id": 2, "line_item_id": 1, "quantity": 3}]
    assert reason_of(READER, shopify_order(refunds=[shopify_refund(refund_line_items=back)])) == "returned_more"
    twice = [shopify_refund(id=number) for number in (7001, 7002)]
    assert len(told(READER, shopify_order(refunds=twice))) == 4
    assert reason_of(READER, shopify_order(refunds=[*twice, shopify_refund(id=7003)])) == "returned_more"
    alone = [{"line_item_id": 1, "quantity": 2, "line_item": {"id": 1, "quantity": 1}}]
    assert reason_of(READER, {"refund": shopify_refund(refund_line_items=alone)}) == "returned_more"


def test_two_currencies_in_one_order_are_set_apart() -> None:
    """Amounts of the order and its refund in two currencies are never added up or told as if they were one."""
    dollars = [{"kind": "refund", "status": "success", "amount": "25.00", "currency": "USD"}]
    assert reason_of(READER, shopify_order(refunds=[shopify_refund(transactions=dollars)])) == "two_currencies"
    assert reason_of(READER, shopify_order(total_price_set=money("54.95", "USD"))) == "two_currencies"
    euros = {"kind": "refund", "status": "success", "amount": "1.00", "currency": "EUR"}
    assert reason_of(READER, shopify_refund(transactions=[*dollars, euros])) == "two_currencies"


def test_the_shop_s_own_currency_counts() -> None:
    """What a customer paid in another currency goes along beside the amount that the shop reckons in."""
    seen = {"shop_money": {"amount": "54.95", "currency_code": "EUR"},
            "presentment_money": {"amount": "59.90", "currency_code": "USD"}}  # fmt: skip
    order, *_ = told(READER, shopify_order(total_price_set=seen))
    said = order.facts[0].properties
    assert (said["total"], said["currency"]) == (54.95, "EUR")
    assert said["presentment_total"] == {"amount": 59.9, "currency": "USD"}


def test_tax_within_prices_is_no_revenue() -> None:
    """Where prices have the tax in them, goods bring what is left without it; where no line says it, none is told."""
    line = {"id": 1, "price": "25.00", "quantity": 2, "tax_lines": [{"price": "7.98"}]}
    taxed = shopify_order(taxes_included=True, total_tax="8.77", line_items=[line], refunds=[])
    assert told(READER, taxed)[0].facts[0].properties["revenue"] == 42.02
    del line["tax_lines"]
    assert "revenue" not in told(READER, taxed)[0].facts[0].properties


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("total_price", "-1.00", "negative_amount"),
        ("total_price", "much", "bad_number"),
        ("line_items", [{"id": 1, "price": "-3.00", "quantity": 1}], "negative_amount"),
        ("line_items", {"id": 1}, "bad_shape"),
        ("created_at", "yesterday", "bad_time"),
        ("created_at", "", "no_time"),
        ("id", None, "no_key"),
    ],
)
def test_an_order_that_makes_no_sense_is_set_apart(field: str, value: object, reason: str) -> None:
    """Negative prices, texts for numbers and days that are none: the whole order, under its own reason."""
    assert reason_of(READER, shopify_order(**{"processed_at": None, field: value})) == reason


def test_a_clock_without_an_offset_is_the_shop_s() -> None:
    """A time without an offset is of the source's zone, one with an offset of its own."""
    (order, *_) = told(READER, shopify_order(processed_at="2026-07-01T10:00:00"), zone="Europe/Berlin")
    assert iso(order.facts[0].at) == "2026-07-01T08:00:00.000Z"


def test_what_opens_pages_and_whose_card_it_was_is_left_out() -> None:
    """Tokens, status pages, cards and the customer's number stay out; what was written on goods is hidden as notes."""
    order = shopify_order(
        order_status_url="https://example.org/key",
        payment_details={"credit_card_name": "Ann Lee"},
        browser_ip="1.2.3.4",
    )
    (record, *_) = told(READER, order)
    assert {"customer", "ip", "notes", "shipping_address", "taxes_included"} == set(record.rest)
    assert record.rest["customer"] == {"tags": "vip"}
    assert record.rest["notes"] == [[{"name": "engraving", "value": "for Ann"}]]


def test_a_return_without_a_time_is_set_apart() -> None:
    """A message about a return mostly says no time: it is kept whole until one is known, never dated by guess."""
    asked = {"id": 3, "order": {"id": 5001}, "status": "requested",
             "return_line_items": [{"quantity": 1, "return_reason": "color"}]}  # fmt: skip
    assert reason_of(READER, asked) == "no_time"
    (record,) = told(READER, {**asked, "created_at": "2026-03-09T10:00:00Z"})
    assert events_of([record]) == [("return 3", "Return Opened", "2026-03-09T10:00:00.000Z")]
    assert record.identifiers == {"order_id": "5001", "return_id": "3"}
    assert dict(record.facts[0].properties) == {"status": "requested", "quantity": 1.0, "reason": "color"}


def test_a_request_in_a_person_s_name_is_no_event() -> None:
    """Collected as if it were an order it is set apart: nobody's request is passed over in silence."""
    asked = {"shop_id": 1, "shop_domain": "shop.example.org", "customer": {"id": 90}, "orders_to_redact": [5001]}
    assert reason_of(READER, asked) == "bad_shape"


def test_what_the_forms_tell_is_declared() -> None:
    """Every event and typed property that came out above stands in what the reader says that it tells."""
    documents = [shopify_order(cancelled_at="2026-03-06T10:00:00Z"), shopify_parcel(), shopify_refund(),
                 shopify_event("in_transit", "2026-03-02T18:00:00Z", "2026-03-04T20:00:00Z"),
                 shopify_event("delivered", "2026-03-04T18:00:00Z")]  # fmt: skip
    for fact in (fact for document in documents for record in told(READER, document) for fact in record.facts):
        assert set(fact.properties) & set(PROPERTIES) <= READER.tells[fact.event]


def test_half_a_document_is_refused_and_an_unknown_one_set_apart() -> None:
    """What broke off on its way is refused whole; a piece of a page that is nothing known lies in quarantine."""
    whole = json.dumps({"orders": [shopify_order()]}).encode()
    half = told_of(whole[: len(whole) // 2], READER)
    assert isinstance(half, dict)
    assert "is not JSON" in half["refused"]
    one, other = cast("list[dict[str, object]]", told_of({"orders": [{"id": 1}, shopify_order()]}, READER))
    assert one["quarantine"] == "unknown_document"
    assert other["form"] == "order"
