"""Documents in the forms of Amazon, made for these tests, and a log small enough to look at."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cxminute.collect.readers.amazon import READER
from cxminute.collect.readers.documents import Broken, Found, pieces
from cxminute.collect.readers.facts import Around, Record
from cxminute.collect.readers.telling import implied, read
from cxminute.collect.source import Source
from tests.collect.readers.asked import asked
from tests.collect.readers.goldens import iso

ORDER: Mapping[str, Any] = {
    "AmazonOrderId": "902-0000001-0000001",
    "PurchaseDate": "2026-03-02T09:00:00Z",
    "LastUpdateDate": "2026-03-02T09:05:00Z",
    "OrderStatus": "Unshipped",
    "FulfillmentChannel": "MFN",
    "SalesChannel": "Amazon.de",
    "OrderTotal": {"CurrencyCode": "EUR", "Amount": "34.90"},
    "NumberOfItemsShipped": 0,
    "NumberOfItemsUnshipped": 3,
    "LatestShipDate": "2026-03-04T22:59:59Z",
    "EarliestDeliveryDate": "2026-03-05T23:00:00Z",
    "LatestDeliveryDate": "2026-03-07T22:59:59Z",
}
ITEMS: Sequence[Mapping[str, Any]] = (
    {
        "ASIN": "B000000001",
        "OrderItemId": "1",
        "SellerSKU": "CUP",
        "Title": "A cup",
        "QuantityOrdered": 2,
        "ItemPrice": {"CurrencyCode": "EUR", "Amount": "20.00"},
        "ItemTax": {"CurrencyCode": "EUR", "Amount": "3.19"},
        "PromotionDiscount": {"CurrencyCode": "EUR", "Amount": "1.00"},
        "BuyerRequestedCancel": {"IsBuyerRequestedCancel": "false", "BuyerCancelReason": ""},
    },
    {
        "ASIN": "B000000002",
        "OrderItemId": "2",
        "SellerSKU": "POT",
        "Title": "A pot",
        "QuantityOrdered": 1,
        "ItemPrice": {"CurrencyCode": "EUR", "Amount": "11.90"},
        "ShippingPrice": {"CurrencyCode": "EUR", "Amount": "5.00"},
        "ShippingDiscount": {"CurrencyCode": "EUR", "Amount": "1.00"},
        "ScheduledDeliveryStartDate": "2026-03-06T07:00:00Z",
        "ScheduledDeliveryEndDate": "2026-03-06T11:00:00Z",
    },
)
ORDER_2026: Mapping[str, Any] = {
    "orderId": "902-0000001-0000001",
    "createdTime": "2026-03-02T09:00:00Z",
    "lastUpdatedTime": "2026-03-02T09:05:00Z",
    "salesChannel": {"channelName": "AMAZON", "marketplaceName": "Amazon.de"},
    "proceeds": {"grandTotal": {"amount": "34.90", "currencyCode": "EUR"}},
    "fulfillment": {
        "fulfillmentStatus": "UNSHIPPED",
        "fulfilledBy": "MERCHANT",
        "shipByWindow": {"latestDateTime": "2026-03-04T22:59:59Z"},
        "deliverByWindow": {"earliestDateTime": "2026-03-05T23:00:00Z", "latestDateTime": "2026-03-07T22:59:59Z"},
    },
    "orderItems": [
        {
            "orderItemId": "1",
            "quantityOrdered": 3,
            "product": {"asin": "B000000001", "sellerSku": "CUP", "title": "A cup"},
            "proceeds": {"breakdowns": [{"type": "ITEM", "subtotal": {"amount": "30.90", "currencyCode": "EUR"}}]},
        }
    ],
}
PACKAGE: Mapping[str, Any] = {
    "packageReferenceId": "1",
    "packageStatus": {"status": "SHIPPED"},
    "carrier": "DHL",
    "shipTime": "2026-03-04T15:00:00Z",
    "trackingNumber": "00340",
    "packageItems": [{"orderItemId": "1", "quantity": 3}],
}


def order_2026(status: str = "UNSHIPPED", changed: str = "", **fields: object) -> dict[str, Any]:
    """An order of the newer API in a status, last changed at a time."""
    fulfillment = {**ORDER_2026["fulfillment"], "fulfillmentStatus": status}
    said = {**ORDER_2026, "fulfillment": fulfillment, **fields}
    return said | ({"lastUpdatedTime": changed} if changed else {})


def found(document: object, zone: str = "UTC", called: Mapping[str, str] | None = None) -> list[Found | Broken]:
    """The pieces of a document: JSON as it is parsed, or the bytes of a report."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    source = Source("market", "amazon", zone, called=called or {})
    return list(pieces(io.BytesIO(body), READER, source, "document"))


def records(
    document: object, zone: str = "UTC", times: tuple[str, ...] = (), called: Mapping[str, str] | None = None
) -> list[Record]:
    """All records of a document, none of whose pieces is unfit."""
    told: list[Record] = []
    for piece in found(document, zone, called):
        assert isinstance(piece, Found), piece
        told += piece.form.told(piece.piece, Around("market", zone, times))
    return told


def reasons(document: object) -> list[tuple[str, str]]:
    """(reason, detail) of the pieces of a document that go to quarantine."""
    return asked("amazon", document)[1]


def report(*rows: Mapping[str, str], encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    """A tab-separated report with the columns of its first row."""
    columns = list(rows[0])
    lines = ["\t".join(columns), *("\t".join(row.get(column, "") for column in columns) for row in rows)]
    return end.join([*lines, ""]).encode(encoding)


class Log:
    """What a log would hold: of each record its last telling, unless a newer was known."""

    def __init__(self) -> None:
        self._source = implied(Source("market", "amazon", "UTC"), READER)
        self._known: dict[str, int] = {}
        self._facts: dict[str, list[tuple[str, str]]] = {}

    def take(self, document: object) -> Log:
        """One document more."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        for rows in read(io.BytesIO(body), READER, self._source, name="document", size=100, newest=self._newest):
            told = list(zip(*(rows.table[name].to_pylist() for name in ("record", "event", "at")), strict=True))
            self._facts.update({record: [] for record, _, _ in told})
            for record, event, at in told:
                self._facts[record].append((event, iso(round(at.timestamp() * 1_000))))
            self._known.update(rows.changed)
        return self

    def _newest(self, keys: Collection[str]) -> Mapping[str, int]:
        return {key: self._known[key] for key in keys if key in self._known}

    @property
    def events(self) -> list[tuple[str, str]]:
        """(event, time) in order of time."""
        return sorted((pair for pairs in self._facts.values() for pair in pairs), key=lambda pair: pair[::-1])
