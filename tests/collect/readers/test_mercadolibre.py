"""Laws of the Mercado Libre reader."""

from __future__ import annotations

import pytest

from cxminute.collect.readers.mercadolibre import READER
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
    """An order with its shipment within, delivered after the promised day."""
    return sample("mercadolibre", "order_with_shipment")


def test_an_order_with_its_shipment_has_its_promise(order: Document) -> None:
    """The promise stands in the shipment and reaches the order; a day lasts to its end, in the country's own zone."""
    said = fact(told(order, READER), "Order Completed").properties
    assert [iso(int(str(said[name]))) for name in ("ship_by", "deliver_from", "deliver_by")] == [
        "2026-03-04T02:59:59.000Z",
        "2026-03-05T03:00:00.000Z",
        "2026-03-07T02:59:59.999Z",
    ]


def test_an_order_without_its_shipment_promises_nothing() -> None:
    """A bare order names its shipment and says nothing of it."""
    first = told(sample("mercadolibre", "orders_search"), READER)[0]
    assert [f.event for f in first.facts] == ["Order Completed"]
    assert not {"ship_by", "deliver_by"} & set(first.facts[0].properties)


def test_the_bare_order_does_not_take_the_promise_away(order: Document) -> None:
    """An order with its shipment is as new as the newer of both: told again without, it is an older telling."""
    (bare,) = told(changed(order, "shipping", {"id": 44000000001}), READER)
    assert (bare.changed_at or 0) < (told(order, READER)[0].changed_at or 0)


def test_the_first_step_of_the_history_counts(order: Document) -> None:
    """Shipped is when it first was, whatever steps followed."""
    assert happenings(told(order, READER)) == [
        ("Order Completed", "2026-03-02T14:00:00.000Z"),
        ("Order Shipped", "2026-03-03T21:00:00.000Z"),
        ("Order Delivered", "2026-03-07T22:29:00.000Z"),
    ]


def test_a_shipment_alone_is_the_same_parcel(order: Document) -> None:
    """Told by itself in the older format, or within its order in the newer, it is one record with the same times."""
    within, alone = told(order, READER)[1], told(sample("mercadolibre", "shipment_older"), READER)[0]
    assert (within.key, within.changed_at) == (alone.key, alone.changed_at)
    assert (within.facts, within.identifiers) == (alone.facts, alone.identifiers)


def test_the_promise_of_a_shipment_alone_is_told_apart() -> None:
    """Without its order at hand the promise is an update of it, and no part of the parcel's story."""
    promise = fact(told(sample("mercadolibre", "shipment_older"), READER), "Order Updated", "promise")
    assert iso(int(str(promise.properties["deliver_by"]))) == "2026-03-07T02:59:59.999Z"
    assert iso(promise.at) == "2026-03-02T14:01:20.000Z"


def test_a_shipment_that_names_no_order_is_set_apart(order: Document) -> None:
    """In the newer format it does not say whose it is: it is not told of nobody's order."""
    assert refused(order["shipping"], READER) == "no_key"
    named = changed(order["shipping"], "order_id", order["id"])
    assert told(named, READER)[0].facts == told(order, READER)[1].facts


def test_a_delivery_without_its_moment_is_not_told(order: Document) -> None:
    """The status says delivered and nothing says when: no delivery is made up."""
    events = [event for event, _ in happenings(told(changed(order, "shipping.history", []), READER))]
    assert events == ["Order Completed"]


def test_how_it_was_delivered_is_told() -> None:
    """A delivery that is only inferred says so; that the parcel left does not."""
    records = told(changed(sample("mercadolibre", "shipment_older"), "substatus", "inferred"), READER)
    assert fact(records, "Order Delivered").properties["status"] == "inferred"
    assert "status" not in fact(records, "Order Shipped").properties


def test_a_history_of_another_form_is_kept(order: Document) -> None:
    """What is not a list of steps is not read, and the order is not lost over it."""
    (record,) = told(changed(order, "shipping.history", {"steps": 3}), READER)
    kept = record.rest["shipping"]
    assert isinstance(kept, dict)
    assert kept["history"] == {"steps": 3}


def test_orders_of_a_pack_share_a_shipment_and_each_is_told(order: Document) -> None:
    """Two orders in one parcel: each has its own delivery."""
    both = [record.key for number in (1, 2) for record in told(changed(order, "id", number), READER)]
    assert len(set(both)) == 4
    assert refused(sample("mercadolibre", "pack"), READER) == "no_time"


def test_a_parcel_on_its_way_back_is_a_return(order: Document) -> None:
    """What the customer sends is no delivery of an order."""
    back = changed(changed(order["shipping"], "order_id", 5), "logistic.direction", "return")
    assert happenings(told(back, READER)) == [
        ("Return Opened", "2026-03-02T14:01:20.000Z"),
        ("Return Received", "2026-03-07T22:29:00.000Z"),
    ]


def test_the_fee_is_one_of_each_piece() -> None:
    """Three pieces at a fee of 3.90 cost 11.70; what was paid has the shipping in it."""
    said = told(sample("mercadolibre", "orders_search"), READER)[0].facts[0].properties
    assert (said["fee"], said["total"], said["revenue"], said["shipping"]) == (11.7, 102.5, 90.0, 12.5)


def test_an_order_delivered_and_then_cancelled_is_both(order: Document) -> None:
    """Cancelled after it was delivered: both stand, each at its own time."""
    detail = {"code": "buyer_return", "date": "2026-03-09T10:00:00.000-04:00"}
    records = told(changed(changed(order, "status", "cancelled"), "cancel_detail", detail), READER)
    assert iso(fact(records, "Order Cancelled").at) == "2026-03-09T14:00:00.000Z"
    assert iso(fact(records, "Order Delivered").at) == "2026-03-07T22:29:00.000Z"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("order_items.0.currency_id", "USD", "two_currencies"),
        ("payments.0.currency_id", "ARS", "two_currencies"),
        ("payments.0.transaction_amount_refunded", 102.51, "returned_more"),
        ("total_amount", -90, "negative_amount"),
        ("order_items.0.quantity", -3, "negative_amount"),
        ("paid_amount", "much", "bad_number"),
        ("date_created", "2026-13-02T10:00:00.000-04:00", "bad_time"),
        ("date_created", None, "no_time"),
        ("id", None, "no_key"),
        ("payments", 3, "bad_shape"),
    ],
)
def test_what_cannot_be_right_is_set_apart(path: str, value: object, reason: str) -> None:
    """Two currencies, more given back than was paid, negative prices, no time: the order goes to quarantine whole."""
    order: Document = sample("mercadolibre", "orders_search")["results"][0]
    assert refused(changed(order, path, value), READER) == reason


def test_a_clock_without_a_zone_is_the_sources(order: Document) -> None:
    """A time without an offset is of the source's zone."""
    local = changed(order, "date_created", "2026-03-02T11:00:00")
    assert iso(fact(told(local, READER, "America/Sao_Paulo"), "Order Completed").at) == "2026-03-02T14:00:00.000Z"


def test_an_older_telling_never_replaces_a_newer(order: Document) -> None:
    """Order and shipment change apart: each goes by its own last change."""
    later = 1_800_000_000_000
    assert received(order, READER, {"order 2000009000000001": later}).events.num_rows == 2
    assert received(order, READER, {"package 44000000001 of order 2000009000000001": later}).events.num_rows == 1


def test_what_is_not_known_is_kept(order: Document) -> None:
    """A field that nobody has heard of goes along with the order, or with its parcel."""
    records = told(changed(changed(order, "something_new", 1), "shipping.another", 2), READER)
    assert (records[0].rest["something_new"], records[1].rest["another"]) == (1, 2)


def test_shipping_is_paid_once(order: Document) -> None:
    """A payment that was turned down, and tried again, does not make the shipping dearer."""
    paid = {"id": 2, "status": "approved", "shipping_cost": 5.0, "currency_id": order["currency_id"]}
    tried = [paid | {"id": 1, "status": "rejected"}, paid]
    assert fact(told(changed(order, "payments", tried), READER), "Order Completed").properties["shipping"] == 5.0


def test_an_order_names_its_shipment(order: Document) -> None:
    """Of a shipment that is only named, the name is kept."""
    (record, *_) = told(changed(order, "shipping", {"id": 41}), READER)
    assert record.rest["shipping"] == {"id": 41}
