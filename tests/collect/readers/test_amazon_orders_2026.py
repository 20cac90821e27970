"""Laws of Amazon's Orders API, version 2026-01-01: orders, their parcels, and what is known of them without a time."""

from __future__ import annotations

import pytest

from tests.collect.readers.amazon_documents import ORDER, ORDER_2026, PACKAGE, Log, order_2026, reasons, records
from tests.collect.readers.goldens import events_of, iso
from tests.collect.readers.market_samples import fact

DELIVERED = {**PACKAGE, "packageStatus": {"status": "DELIVERED", "detailedStatus": "DELIVERED"}}


def test_both_versions_of_the_api_tell_the_same_order() -> None:
    """An order told by the old version and by the new is one record, with the same promise and the same total."""
    (old,), (new,) = records(ORDER), records({"order": ORDER_2026})
    assert (old.key, old.identifiers, old.changed_at) == (new.key, new.identifiers, new.changed_at)
    same = ("total", "currency", "quantity", "channel", "fulfilment", "ship_by", "deliver_from", "deliver_by")
    assert [old.facts[0].properties[name] for name in same] == [new.facts[0].properties[name] for name in same]
    assert (old.facts[0].event, old.facts[0].at) == (new.facts[0].event, new.facts[0].at)


def test_the_newest_change_wins_whichever_version_told_it() -> None:
    """An order collected from both versions counts once, as the newer change has it."""
    newer = order_2026("CANCELLED", "2026-03-03T08:00:00Z")
    once = [("Order Completed", "2026-03-02T09:00:00.000Z"), ("Order Cancelled", "2026-03-03T08:00:00.000Z")]
    assert Log().take(ORDER).take(newer).events == once
    assert Log().take({"orders": [newer]}).take({"payload": {"Orders": [ORDER]}}).events == once


def test_a_parcel_left_when_amazon_says_that_it_left() -> None:
    """A parcel is a record of its own: shipped at the time stated, by whom, with its number and its pieces."""
    told = records(order_2026("SHIPPED", packages=[PACKAGE]))
    assert events_of(told) == [
        ("order 902-0000001-0000001", "Order Completed", "2026-03-02T09:00:00.000Z"),
        ("package 902-0000001-0000001/1", "Order Shipped", "2026-03-04T15:00:00.000Z"),
    ]
    left = fact(told, "Order Shipped").properties
    assert (left["carrier"], left["tracking_number"], left["quantity"]) == ("DHL", "00340", 3.0)
    assert told[1].identifiers == {"order_id": "902-0000001-0000001", "package_id": "902-0000001-0000001/1"}


def test_a_delivery_stands_at_the_first_change_that_told_of_it() -> None:
    """That a parcel was delivered is known, not when: at the latest at the change that first said so, and no later."""
    first = order_2026("SHIPPED", "2026-03-09T12:00:00Z", packages=[DELIVERED])
    again = order_2026("SHIPPED", "2026-04-01T12:00:00Z", packages=[DELIVERED])
    for documents in ((first, again), (again, first)):
        log = Log()
        for document in documents:
            log.take(document)
        assert log.events[-1] == ("Order Delivered", "2026-03-09T12:00:00.000Z")
        assert len(log.events) == 3
    late = records(first)
    promised = fact(late, "Order Completed").properties["deliver_by"]
    assert fact(late, "Order Delivered").at > int(str(promised))
    assert fact(late, "Order Delivered").properties["moment"] == "at the latest"


def test_a_delivery_before_the_parcel_left_is_not_told() -> None:
    """Where the order was last changed before its parcel left, nobody knows when it was delivered."""
    told = records(order_2026("SHIPPED", "2026-03-03T12:00:00Z", packages=[DELIVERED]))
    assert [event for _, event, _ in events_of(told)] == ["Order Completed", "Order Shipped"]


def test_each_parcel_of_an_order_is_told() -> None:
    """An order in two parcels was shipped twice, and delivered when each of them was."""
    other = {**DELIVERED, "packageReferenceId": "2", "shipTime": "2026-03-05T15:00:00Z"}
    told = records(order_2026("SHIPPED", "2026-03-09T12:00:00Z", packages=[PACKAGE, other]))
    assert [event for _, event, _ in events_of(told)][1:] == ["Order Shipped", "Order Shipped", "Order Delivered"]
    assert len({record.key for record in told}) == len(told)


def test_a_cancelled_parcel_takes_its_shipping_back() -> None:
    """A parcel that was told as shipped and is then told as cancelled did not leave."""
    sent = order_2026("SHIPPED", "2026-03-04T16:00:00Z", packages=[PACKAGE])
    back = order_2026(
        "UNSHIPPED", "2026-03-04T18:00:00Z", packages=[{**PACKAGE, "packageStatus": {"status": "CANCELLED"}}]
    )
    assert ("Order Shipped", "2026-03-04T15:00:00.000Z") in Log().take(sent).events
    assert [event for event, _ in Log().take(sent).take(back).events] == ["Order Completed", "Order Updated"]


def test_a_parcel_that_waits_has_not_left() -> None:
    """A parcel that is pending tells of no shipping, whatever time stands beside it."""
    told = records(order_2026(packages=[{**PACKAGE, "packageStatus": {"status": "PENDING"}}]))
    assert [event for _, event, _ in events_of(told)] == ["Order Completed"]


def test_an_order_cancelled_after_its_delivery_is_all_of_it() -> None:
    """A cancellation after the delivery takes nothing back: shipped, delivered, cancelled, each at its time."""
    delivered = order_2026("SHIPPED", "2026-03-06T12:00:00Z", packages=[DELIVERED])
    cancelled = order_2026("CANCELLED", "2026-03-08T12:00:00Z", packages=[DELIVERED])
    assert Log().take(delivered).take(cancelled).events == [
        ("Order Completed", "2026-03-02T09:00:00.000Z"),
        ("Order Shipped", "2026-03-04T15:00:00.000Z"),
        ("Order Delivered", "2026-03-06T12:00:00.000Z"),
        ("Order Cancelled", "2026-03-08T12:00:00.000Z"),
    ]


def test_one_item_cancelled_is_not_the_order_cancelled() -> None:
    """Where one item of an order that goes on is cancelled, the order is updated and says which and why."""
    cancellation = {"cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": "NO_INVENTORY"}}
    told = records(order_2026(orderItems=[{**ORDER_2026["orderItems"][0], "cancellation": cancellation}]))
    said = fact(told, "Order Updated").properties
    assert (said["status"], said["reason"], said["cancelled_by"]) == ("item cancelled", "NO_INVENTORY", "MERCHANT")
    whole = records(order_2026("CANCELLED", orderItems=[{**ORDER_2026["orderItems"][0], "cancellation": cancellation}]))
    assert fact(whole, "Order Cancelled").properties["reason"] == "NO_INVENTORY"
    assert "Order Updated" not in [event for _, event, _ in events_of(whole)]


def test_discounts_are_taken_off_what_they_belong_to() -> None:
    """A discount on shipping lowers the shipping, one on the goods what they brought, whatever its sign."""
    detail = [
        {"subtype": "ITEM", "value": {"amount": "-2.00", "currencyCode": "EUR"}},
        {"subtype": "SHIPPING", "value": {"amount": "-1.50", "currencyCode": "EUR"}},
    ]
    parts = [("ITEM", "20.00"), ("SHIPPING", "4.00"), ("TAX", "3.50"), ("DISCOUNT", "-3.50")]
    breakdowns: list[dict[str, object]] = [
        {"type": kind, "subtotal": {"amount": amount, "currencyCode": "EUR"}} for kind, amount in parts
    ]
    breakdowns[-1]["detailedBreakdowns"] = detail
    item = {**ORDER_2026["orderItems"][0], "proceeds": {"breakdowns": breakdowns}}
    said = records(order_2026(orderItems=[item]))[0].facts[0].properties
    assert (said["revenue"], said["shipping"], said["tax"], said["discount"]) == (18.0, 2.5, 3.5, 3.5)


def test_what_has_no_name_of_its_own_is_kept() -> None:
    """A field that nobody knows stays with the order under its name; the buyer's relay is apart, and no identity."""
    (record,) = records(order_2026(newThing={"a": 1}, buyer={"buyerEmail": "relay@example.org", "buyerTier": "gold"}))
    assert record.rest["newThing"] == {"a": 1}
    assert record.rest["buyer"] == {"buyerTier": "gold"}
    assert record.facts[0].properties["email"] == "relay@example.org"
    assert "user_id" not in record.identifiers


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"proceeds": {"grandTotal": {"amount": "-5", "currencyCode": "EUR"}}}, "negative_amount"),
        ({"proceeds": {"grandTotal": {"amount": "34.90", "currencyCode": "SEK"}}}, "two_currencies"),
        ({"packages": [{**PACKAGE, "packageReferenceId": None}]}, "no_key"),
        ({"packages": "none"}, "bad_shape"),
        ({"programs": "PRIME"}, "bad_shape"),
        ({"lastUpdatedTime": "31/12/2026"}, "bad_time"),
        ({"createdTime": None}, "no_time"),
    ],
)
def test_a_broken_order_of_the_newer_api_is_set_apart(fields: dict[str, object], reason: str) -> None:
    """What cannot be goes to quarantine with its reason, whole, and nothing of it is told."""
    assert [said for said, _ in reasons({"orders": [{**ORDER_2026, **fields}]})] == [reason]


def test_pages_without_orders_are_documents_too() -> None:
    """A page on which there is nothing tells nothing, and is no fault."""
    assert records({"orders": [], "createdBefore": "2026-01-01T00:00:00Z"}) == []
    assert iso(0) == "1970-01-01T00:00:00.000Z"
