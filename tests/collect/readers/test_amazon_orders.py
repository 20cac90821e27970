"""Laws of Amazon's Orders API, version 0: what an order says becomes events, and what it does not is not guessed."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.collect.readers.amazon_documents import ITEMS, ORDER, Log, found, reasons, records
from tests.collect.readers.goldens import iso
from tests.collect.readers.market_samples import fact


def test_an_order_carries_its_promise_and_its_money() -> None:
    """A page of orders tells each with its total, its currency, and the day by which it is to be sent and delivered."""
    (record,) = records({"payload": {"Orders": [ORDER], "NextToken": "x"}})
    (bought,) = record.facts
    assert record.key == "order 902-0000001-0000001"
    assert record.identifiers == {"order_id": "902-0000001-0000001"}
    assert bought.event == "Order Completed"
    assert iso(bought.at) == "2026-03-02T09:00:00.000Z"
    said = bought.properties
    assert (said["total"], said["currency"], said["quantity"]) == (34.9, "EUR", 3.0)
    assert iso(int(str(said["ship_by"]))) == "2026-03-04T22:59:59.000Z"
    assert iso(int(str(said["deliver_by"]))) == "2026-03-07T22:59:59.000Z"
    assert (said["channel"], said["fulfilment"], said["status"]) == ("Amazon.de", "seller", "Unshipped")
    assert record.rest == {"NumberOfItemsShipped": 0, "NumberOfItemsUnshipped": 3}


def test_one_order_asked_for_is_the_order_of_a_page() -> None:
    """An order that is asked for alone tells the same as in a page of many."""
    assert records({"payload": ORDER}) == records({"payload": {"Orders": [ORDER]}}) == records(ORDER)


def test_items_merged_into_their_order_say_what_the_goods_brought() -> None:
    """With its items, an order says what the goods brought without tax and shipping, and each product."""
    (record,) = records({**ORDER, "OrderItems": ITEMS})
    said = record.facts[0].properties
    assert said["revenue"] == 27.71  # 31.90 - 1.00 off - 3.19 of tax that lies within German prices
    assert (said["shipping"], said["tax"], said["discount"], said["total"]) == (4.0, 3.19, 2.0, 34.9)
    assert said["products"] == [
        {"product_id": "B000000001", "sku": "CUP", "name": "A cup", "price": 10.0, "quantity": 2.0},
        {"product_id": "B000000002", "sku": "POT", "name": "A pot", "price": 11.9, "quantity": 1.0},
    ]
    assert "OrderItems" in record.rest


def test_american_prices_are_without_tax() -> None:
    """On Amazon.com the tax comes on top of the price, so what the goods brought is the price."""
    (record,) = records({**ORDER, "SalesChannel": "Amazon.com", "OrderItems": ITEMS})
    assert record.facts[0].properties["revenue"] == 30.9


def test_without_a_channel_nobody_knows_where_the_tax_lies() -> None:
    """Where nobody says whether tax lies within the price, what the goods brought is not told."""
    (record,) = records({**ORDER, "SalesChannel": "Non-Amazon", "OrderItems": ITEMS})
    said = record.facts[0].properties
    assert "revenue" not in said
    assert said["total"] == 34.9


def test_scheduled_deliveries_promise_where_the_order_itself_does_not() -> None:
    """An order without a delivery window is promised by the one that its items were scheduled for."""
    bare = {name: value for name, value in ORDER.items() if "DeliveryDate" not in name}
    said = records({**bare, "OrderItems": ITEMS})[0].facts[0].properties
    assert iso(int(str(said["deliver_from"]))) == "2026-03-06T07:00:00.000Z"
    assert iso(int(str(said["deliver_by"]))) == "2026-03-06T11:00:00.000Z"


def test_a_pending_order_of_no_items_says_no_quantity() -> None:
    """A pending order counts no items yet, which does not make it an order of nothing."""
    pending = {**ORDER, "OrderStatus": "Pending", "NumberOfItemsUnshipped": 0}
    assert "quantity" not in records(pending)[0].facts[0].properties


def test_shipping_stands_at_the_earliest_time_that_told_of_it() -> None:
    """Amazon states no time of shipping: it is the first change that told so, in whatever order tellings come in."""
    shipped = {**ORDER, "OrderStatus": "Shipped", "LastUpdateDate": "2026-03-04T10:00:00Z"}
    invoiced = {**shipped, "LastUpdateDate": "2026-03-20T10:00:00Z"}
    told = [("Order Completed", "2026-03-02T09:00:00.000Z"), ("Order Shipped", "2026-03-04T10:00:00.000Z")]
    assert Log().take(ORDER).take(shipped).take(invoiced).events == told
    assert Log().take(invoiced).take(shipped).take(ORDER).events == told
    assert fact(records(shipped), "Order Shipped").properties["moment"] == "at the latest"


def test_whatever_the_order_of_documents_the_story_is_one() -> None:
    """Documents of an order may be collected in any order, and some twice: the story that comes out is the same."""
    shipped = {**ORDER, "OrderStatus": "Shipped", "LastUpdateDate": "2026-03-04T10:00:00Z"}
    refunded = {**shipped, "LastUpdateDate": "2026-03-20T10:00:00Z"}
    cancelled = {**ORDER, "OrderStatus": "Canceled", "LastUpdateDate": "2026-03-22T10:00:00Z"}
    stories = set()
    for documents in permutations((ORDER, shipped, refunded, cancelled)):
        log = Log()
        for document in (*documents, documents[0]):
            log.take(document)
        stories.add(tuple(log.events))
    (story,) = stories
    assert [event for event, _ in story] == ["Order Completed", "Order Shipped", "Order Cancelled"]


def test_what_amazon_ships_is_told_by_its_shipments_alone() -> None:
    """An order that Amazon ships has no shipping here, lest its parcel counts twice beside the shipments report."""
    shipped = {**ORDER, "OrderStatus": "Shipped", "FulfillmentChannel": "AFN"}
    (record,) = records(shipped)
    assert [fact.event for fact in record.facts] == ["Order Completed"]
    assert record.facts[0].properties["fulfilment"] == "marketplace"


def test_an_order_cancelled_after_it_was_shipped_is_both() -> None:
    """A cancellation after shipping takes nothing back: the order was shipped, and later cancelled, for the reason."""
    shipped = {**ORDER, "OrderStatus": "Shipped", "LastUpdateDate": "2026-03-04T10:00:00Z"}
    asked = {"IsBuyerRequestedCancel": "true", "BuyerCancelReason": "Came too late"}
    items = [{**ITEMS[0], "BuyerRequestedCancel": asked}]
    cancelled = {**ORDER, "OrderStatus": "Canceled", "LastUpdateDate": "2026-03-09T10:00:00Z", "OrderItems": items}
    assert Log().take(shipped).take(cancelled).events == [
        ("Order Completed", "2026-03-02T09:00:00.000Z"),
        ("Order Shipped", "2026-03-04T10:00:00.000Z"),
        ("Order Cancelled", "2026-03-09T10:00:00.000Z"),
    ]
    assert fact(records(cancelled), "Order Cancelled").properties["reason"] == "Came too late"


def test_people_are_told_under_the_names_that_contracts_know() -> None:
    """A buyer's address, name and relay stand under the names that are kept apart, and nowhere besides."""
    address = {
        "Name": "N. N.",
        "AddressLine1": "Road 1",
        "AddressLine2": "Door 2",
        "City": "Ulm",
        "PostalCode": "89073",
    }
    buyer = {"BuyerEmail": "relay@marketplace.example", "BuyerName": "B. B.", "PurchaseOrderNumber": "7"}
    (record,) = records({**ORDER, "ShippingAddress": {**address, "CountryCode": "DE"}, "BuyerInfo": buyer})
    said = record.facts[0].properties
    assert said["email"] == "relay@marketplace.example"
    assert (said["buyer"], said["name"], said["city"], said["postal_code"]) == ("B. B.", "N. N.", "Ulm", "89073")
    assert (said["address"], said["country"]) == ("Road 1, Door 2", "DE")
    assert record.rest["BuyerInfo"] == {"PurchaseOrderNumber": "7"}
    assert "ShippingAddress" not in record.rest
    assert set(record.identifiers) == {"order_id"}


@pytest.mark.parametrize("field", ["OrderItems", "BuyerEmail", "ShippingAddress", "RegulatedInformation"])
def test_a_part_of_an_order_has_no_time(field: str) -> None:
    """Items, buyers and addresses that come without their order wait in quarantine and say what they lack."""
    ((reason, detail),) = reasons({"payload": {"AmazonOrderId": "902-1", field: []}})
    assert reason == "no_time"
    assert field in detail
    assert "Collect the order" in detail


def test_an_error_answer_is_refused_as_one() -> None:
    """An answer by which the API refuses a request is no order, and what it is about is not repeated."""
    ((reason, detail),) = reasons({"errors": [{"code": "Unauthorized", "message": "of somebody@example.org"}]})
    assert reason == "unknown_document"
    assert "refused the request (Unauthorized)" in detail
    assert "somebody" not in detail


def test_amounts_in_two_currencies_are_no_sum() -> None:
    """An order in euros with an item in pounds goes to quarantine: nobody adds them up."""
    pounds = {**ITEMS[1], "ItemPrice": {"CurrencyCode": "GBP", "Amount": "11.90"}}
    ((reason, detail),) = reasons({**ORDER, "OrderItems": [ITEMS[0], pounds]})
    assert reason == "two_currencies"
    assert "EUR and GBP" in detail


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"OrderTotal": {"CurrencyCode": "EUR", "Amount": "-1.00"}}, "negative_amount"),
        ({"OrderTotal": {"CurrencyCode": "EUR", "Amount": "much"}}, "bad_number"),
        ({"OrderItems": [{**ITEMS[0], "QuantityOrdered": -2}]}, "negative_amount"),
        ({"OrderItems": {"ASIN": "x"}}, "bad_shape"),
        ({"PurchaseDate": "yesterday"}, "bad_time"),
        ({"PurchaseDate": ""}, "no_time"),
        ({"AmazonOrderId": " "}, "no_key"),
    ],
)
def test_a_broken_order_is_set_apart_whole(fields: dict[str, object], reason: str) -> None:
    """An order that says what cannot be goes to quarantine with the reason, and the others of its page are told."""
    page = {"payload": {"Orders": [{**ORDER, **fields}, {**ORDER, "AmazonOrderId": "902-2"}]}}
    assert [said for said, _ in reasons(page)] == [reason]
    assert len(found(page)) == 2


def test_clocks_without_an_offset_are_the_source_s() -> None:
    """A time with an offset is itself; one without is read off the clock of the source's zone."""
    bare = {**ORDER, "PurchaseDate": "2026-03-02T10:00:00"}
    (here,) = records(bare, zone="Europe/Berlin")
    (there,) = records({**ORDER, "PurchaseDate": "2026-03-02T10:00:00+01:00"}, zone="Asia/Tokyo")
    assert here.facts[0].at == there.facts[0].at == records(ORDER)[0].facts[0].at
