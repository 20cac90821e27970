"""Orders of two shops as their systems write them, and what their readers make of such documents."""

from __future__ import annotations

from typing import Any

import pytest

from cxminute.collect.readers.facts import Reader, Record, Unfit
from tests.collect.readers import market_samples


def told(reader: Reader, document: object, *, zone: str = "Europe/Berlin") -> list[Record]:
    """All records of a document. raises: Unfit for the first piece that makes no sense."""
    return market_samples.told(document, reader, zone)


def reason_of(reader: Reader, document: object) -> str:
    """The reason for which a document is set apart; it fails the test if none is."""
    with pytest.raises(Unfit) as fault:
        told(reader, document)
    return fault.value.reason


def money(amount: str, code: str = "EUR") -> dict[str, object]:
    """An amount as Shopify states it, in the shop's currency and in the customer's, which here is the same."""
    both = {"amount": amount, "currency_code": code}
    return {"shop_money": both, "presentment_money": dict(both)}


def shopify_order(**changed: Any) -> dict[str, Any]:
    """An order of two pieces, sent and half refunded."""
    order: dict[str, Any] = {
        "id": 5001,
        "name": "#77",
        "created_at": "2026-03-01T10:00:00+01:00",
        "processed_at": "2026-03-01T09:59:00+01:00",
        "updated_at": "2026-03-05T12:00:00+01:00",
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": "EUR",
        "financial_status": "partially_refunded",
        "source_name": "web",
        "customer_locale": "de",
        "total_price": "54.95",
        "subtotal_price": "50.00",
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "total_price_set": money("54.95"),
        "total_shipping_price_set": money("4.95"),
        "taxes_included": False,
        "token": "opens-a-page",
        "note_attributes": [{"name": "engraving", "value": "for Ann"}],
        "customer": {"id": 90, "email": "ann@example.org", "first_name": "Ann", "last_name": "Lee", "tags": "vip"},
        "shipping_address": {"name": "Ann Lee", "city": "Bonn", "country_code": "DE", "province_code": None},
        "line_items": [{"id": 1, "product_id": 8, "sku": "CUP", "title": "Cup", "price": "25.00", "quantity": 2}],
        "shipping_lines": [{"title": "Parcel", "price": "4.95"}],
        "fulfillments": [shopify_parcel()],
        "refunds": [shopify_refund()],
    }
    return {**order, **changed}


def shopify_parcel(**changed: Any) -> dict[str, Any]:
    """The fulfilment of that order, as it stands there and alone."""
    parcel: dict[str, Any] = {
        "id": 6001,
        "order_id": 5001,
        "status": "success",
        "created_at": "2026-03-02T08:00:00+01:00",
        "updated_at": "2026-03-02T08:00:00+01:00",
        "tracking_company": "DHL",
        "tracking_number": "JD1",
        "line_items": [{"id": 1, "product_id": 8, "sku": "CUP", "title": "Cup", "quantity": 2}],
    }
    return {**parcel, **changed}


def shopify_refund(**changed: Any) -> dict[str, Any]:
    """The refund of one piece of it, as it stands there and alone."""
    refund: dict[str, Any] = {
        "id": 7001,
        "order_id": 5001,
        "created_at": "2026-03-05T12:00:00+01:00",
        "note": "Ann said that it broke",
        "refund_line_items": [{"id": 2, "line_item_id": 1, "quantity": 1, "restock_type": "return"}],
        "transactions": [{"id": 3, "kind": "refund", "status": "success", "amount": "25.00", "currency": "EUR"}],
    }
    return {**refund, **changed}


def shopify_event(status: str, at: str, due: str | None = None, number: int = 1) -> dict[str, Any]:
    """What the carrier said of the parcel."""
    return {
        "id": 8000 + number,
        "fulfillment_id": 6001,
        "order_id": 5001,
        "status": status,
        "happened_at": at,
        "updated_at": at,
        "city": "Bonn",
        "zip": "53111",
        "country": "DE",
        "estimated_delivery_at": due,
    }


def woo_order(**changed: Any) -> dict[str, Any]:
    """An order of three pieces, paid and done."""
    order: dict[str, Any] = {
        "id": 727,
        "status": "completed",
        "currency": "EUR",
        "total": "36.35",
        "total_tax": "1.35",
        "shipping_total": "10.00",
        "discount_total": "0.00",
        "customer_id": 12,
        "created_via": "checkout",
        "order_key": "opens-a-page",
        "date_created": "2026-03-01T11:00:00",
        "date_created_gmt": "2026-03-01T10:00:00",
        "date_modified": "2026-03-04T09:30:00",
        "date_modified_gmt": "2026-03-04T08:30:00",
        "date_paid": "2026-03-01T11:00:08",
        "date_paid_gmt": "2026-03-01T10:00:08",
        "date_completed": "2026-03-04T09:30:00",
        "date_completed_gmt": "2026-03-04T08:30:00",
        "customer_note": "ring twice",
        "customer_ip_address": "127.0.0.1",
        "billing": {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.org", "country": "DE"},
        "shipping": {"first_name": "Ann", "last_name": "Lee", "city": "Bonn", "country": "DE", "state": "NW"},
        "meta_data": [{"id": 1, "key": "wish", "value": "red ribbon"}],
        "line_items": [
            {"id": 1, "product_id": 93, "sku": "", "name": "Cup", "quantity": 2, "total": "16.00", "price": 8},
            {"id": 2, "product_id": 22, "sku": "B", "name": "Bowl", "quantity": 1, "total": "9.00", "price": "9.00"},
        ],
        "shipping_lines": [{"method_title": "Flat Rate", "total": "10.00"}],
        "refunds": [],
        "_links": {"self": [{"href": "https://example.org/wp-json/wc/v3/orders/727"}]},
    }
    return {**order, **changed}


def woo_refund(**changed: Any) -> dict[str, Any]:
    """The refund of one piece of it, as its own document."""
    refund: dict[str, Any] = {
        "id": 726,
        "date_created": "2026-03-06T10:00:00",
        "date_created_gmt": "2026-03-06T09:00:00",
        "amount": "8.00",
        "reason": "Ann said that it broke",
        "line_items": [{"id": 314, "product_id": 93, "name": "Cup", "quantity": -1, "total": "-8.00"}],
        "_links": {"up": [{"href": "https://example.org/wp-json/wc/v3/orders/727"}]},
    }
    return {**refund, **changed}
