"""Laws of the eBay reader."""

from __future__ import annotations

import pytest

from cxminute.collect.readers.ebay import READER
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
    """An order of two lines, with a discount and a refund."""
    found: Document = sample("ebay", "orders_page")["orders"][0]
    return found


def test_money_adds_up_to_the_cent(order: Document) -> None:
    """Goods less their discount, and shipping less its own, are the total; discounts come as negative numbers."""
    said = fact(told(order, READER), "Order Completed").properties
    assert (said["total"], said["revenue"], said["shipping"]) == (66.0, 63.0, 3.0)
    assert (said["discount"], said["fee"], said["currency"]) == (9.9, 7.92, "EUR")


def test_the_last_line_makes_the_promise(order: Document) -> None:
    """Of lines promised apart, the order is to have come when the last has."""
    said = fact(told(order, READER), "Order Completed").properties
    assert [iso(int(str(said[name]))) for name in ("ship_by", "deliver_from", "deliver_by")] == [
        "2026-03-04T22:59:59.000Z",
        "2026-03-03T23:00:00.000Z",
        "2026-03-06T22:59:59.000Z",
    ]


def test_no_promise_is_made_up(order: Document) -> None:
    """Without its estimates an order promises nothing."""
    bare = changed(changed(order, "lineItems", []), "fulfillmentStartInstructions", [])
    assert not {"ship_by", "deliver_from", "deliver_by"} & set(fact(told(bare, READER), "Order Completed").properties)


def test_only_a_refund_that_was_issued_is_told(order: Document) -> None:
    """A refund that is pending has gone nowhere yet; one that stands at order and line is one refund."""
    refund = fact(told(order, READER), "Order Refunded")
    assert (refund.properties["refunded"], iso(refund.at)) == (20.0, "2026-03-06T09:30:00.000Z")


def test_refunds_of_lines_count_where_the_order_lists_none(order: Document) -> None:
    """One refund over two lines is told once, with both amounts."""
    both = changed(order, "paymentSummary.refunds", [])
    part = {
        "refundId": "R-5001",
        "refundDate": "2026-03-06T09:30:00.000Z",
        "amount": {"value": "3.5", "currency": "EUR"},
    }
    refund = fact(told(changed(both, "lineItems.1.refunds", [part]), READER), "Order Refunded")
    assert refund.properties["refunded"] == 23.5


def test_an_order_sent_and_then_cancelled_is_both() -> None:
    """Cancelled after it was shipped: both stand, each at its own time."""
    sent = sample("ebay", "order_with_fulfillments")
    state = {"cancelState": "CANCELED", "cancelledDate": "2026-03-13T08:00:00.000Z", "cancelRequests": []}
    assert happenings(told(changed(sent, "cancelStatus", state), READER)) == [
        ("Order Completed", "2026-03-10T12:00:00.000Z"),
        ("Order Shipped", "2026-03-11T15:00:00.000Z"),
        ("Order Shipped", "2026-03-11T16:00:00.000Z"),
        ("Order Cancelled", "2026-03-13T08:00:00.000Z"),
    ]


def test_a_cancellation_without_its_time_stands_at_the_first_change_that_shows_it(order: Document) -> None:
    """Later changes of the order do not move it; a document that knows its time does; without any it is set apart."""
    gone = changed(order, "cancelStatus", {"cancelState": "CANCELED", "cancelRequests": []})
    first = told(gone, READER)[-1]
    later = told(changed(gone, "lastModifiedDate", "2026-03-09T10:00:00.000Z"), READER)[-1]
    known = told(changed(gone, "cancelStatus.cancelledDate", "2026-03-05T10:00:00.000Z"), READER)[-1]
    assert (first.key, iso(first.facts[0].at)) == ("cancellation 11-04521-77310", "2026-03-06T10:00:00.000Z")
    assert later.key == known.key == first.key
    assert (later.changed_at or 0) < (first.changed_at or 0) < (known.changed_at or 0)
    assert refused(changed(gone, "lastModifiedDate", None), READER) == "no_time"


def test_parcels_without_tracking_are_told_apart() -> None:
    """Where parcels share an id, their order and the time at which they left tell them apart."""
    sent = sample("ebay", "order_with_fulfillments")
    twice = {**sent["fulfillments"][1], "shippedDate": "2026-03-12T09:00:00.000Z"}
    sent["fulfillments"].append(twice)
    assert [record.key for record in told(sent, READER)][1:] == [
        "package 00340434161094 of order 11-04530-00001",
        "package 999 2026-03-11T16:00:00.000Z of order 11-04530-00001",
        "package 999 2026-03-12T09:00:00.000Z of order 11-04530-00001",
    ]


def test_a_fulfillment_told_alone_is_the_same_parcel() -> None:
    """With its order's id in it, it is the record that the order tells; without, it is set apart whole."""
    alone = sample("ebay", "fulfillments_page")
    assert refused(alone, READER) == "no_key"
    named = told(changed(alone, "fulfillments.0.orderId", "11-04530-00001"), READER)[0]
    within = told(sample("ebay", "order_with_fulfillments"), READER)[1]
    assert (named.key, named.facts) == (within.key, within.facts)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("pricingSummary.deliveryCost.currency", "GBP", "two_currencies"),
        ("paymentSummary.refunds.0.amount.currency", "USD", "two_currencies"),
        ("paymentSummary.refunds.0.amount.value", "66.01", "returned_more"),
        ("pricingSummary.total.value", "-66.00", "negative_amount"),
        ("lineItems.0.lineItemCost.value", "-1", "negative_amount"),
        ("lineItems.0.quantity", "one", "bad_number"),
        ("creationDate", "yesterday", "bad_time"),
        ("creationDate", None, "no_time"),
        ("orderId", "", "no_key"),
        ("lineItems", {"lineItemId": "1001"}, "bad_shape"),
    ],
)
def test_what_cannot_be_right_is_set_apart(order: Document, path: str, value: object, reason: str) -> None:
    """Two currencies, more given back than was paid, negative prices, no time: the order goes to quarantine whole."""
    assert refused(changed(order, path, value), READER) == reason


def test_a_clock_without_a_zone_is_the_sources(order: Document) -> None:
    """A time without an offset is of the source's zone; one with an offset is of its own."""
    local = changed(order, "creationDate", "2026-03-02T09:15:30")
    assert iso(fact(told(local, READER, "Europe/Berlin"), "Order Completed").at) == "2026-03-02T08:15:30.000Z"
    there = changed(order, "creationDate", "2026-03-02T09:15:30+01:00")
    assert fact(told(there, READER, "America/New_York"), "Order Completed") == fact(
        told(order, READER), "Order Completed"
    )


def test_an_older_telling_never_replaces_a_newer(order: Document) -> None:
    """A page that was fetched before the last change of an order tells nothing of it."""
    last = 1_772_791_200_000
    assert received(order, READER, {"order 11-04521-77310": last}).events.num_rows == 2
    assert received(order, READER, {"order 11-04521-77310": last + 1}).events.num_rows == 0


def test_what_is_not_known_is_kept(order: Document) -> None:
    """A field that nobody has heard of goes along with the order."""
    (record,) = told(changed(order, "somethingNew", {"grade": 3}), READER)
    assert record.rest["somethingNew"] == {"grade": 3}
