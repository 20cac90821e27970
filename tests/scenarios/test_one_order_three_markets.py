"""One order, as an own shop, Amazon and a marketplace on Mirakl tell it: the same events, and the same promise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from cxminute.app.cli import run
from cxminute.collect.readers.amazon import READER as AMAZON
from cxminute.collect.readers.facts import Reader
from cxminute.collect.readers.mirakl import READER as MIRAKL
from cxminute.collect.readers.shopify import READER as SHOPIFY
from tests.collect.readers.goldens import iso
from tests.collect.readers.market_samples import told

ORDERED, SENT, DUE = "2026-03-02T09:00:00Z", "2026-03-04T15:00:00Z", "2026-03-07T22:59:59Z"
KEPT, LATE = "2026-03-06T10:00:00Z", "2026-03-09T10:00:00Z"
STORY: Final = ("Order Completed", "Order Shipped", "Order Delivered")
Document = dict[str, Any]


def shopify(number: int, arrived: str) -> list[Document]:
    """The order, and what the carrier told the shop of its parcel: when it is to arrive, and that it did."""
    parcel = {
        "id": 600 + number,
        "order_id": number,
        "status": "success",
        "created_at": SENT,
        "updated_at": SENT,
        "tracking_company": "DHL",
        "line_items": [{"id": 1, "sku": "CUP", "title": "Cup", "quantity": 3}],
    }
    order = {
        "id": number,
        "financial_status": "paid",
        "created_at": ORDERED,
        "processed_at": ORDERED,
        "updated_at": SENT,
        "currency": "EUR",
        "total_price": "34.90",
        "customer": {"id": 7},
        "line_items": [{"id": 1, "sku": "CUP", "title": "Cup", "price": "10.00", "quantity": 3}],
        "fulfillments": [parcel],
        "refunds": [],
    }
    event = {"fulfillment_id": 600 + number, "order_id": number, "country": "DE"}
    underway = {
        "id": 800 + number, "status": "in_transit", "happened_at": SENT, "updated_at": SENT,
        "estimated_delivery_at": DUE, **event,
    }  # fmt: skip
    there = {"id": 900 + number, "status": "delivered", "happened_at": arrived, "updated_at": arrived, **event}
    return [{"orders": [order]}, {"fulfillment_events": [underway, there]}]


def amazon(number: int, arrived: str) -> list[Document]:
    """The order twice: as it was sent, and as it was first seen delivered."""

    def order(status: str, changed: str) -> Document:
        package = {
            "packageReferenceId": "1",
            "packageStatus": {"status": status},
            "carrier": "DHL",
            "shipTime": SENT,
            "packageItems": [{"orderItemId": "1", "quantity": 3}],
        }
        fulfillment = {
            "fulfillmentStatus": "SHIPPED",
            "fulfilledBy": "MERCHANT",
            "deliverByWindow": {"latestDateTime": DUE},
        }
        return {
            "orderId": f"902-000000{number}-0000001",
            "createdTime": ORDERED,
            "lastUpdatedTime": changed,
            "salesChannel": {"channelName": "AMAZON", "marketplaceName": "Amazon.de"},
            "proceeds": {"grandTotal": {"amount": "34.90", "currencyCode": "EUR"}},
            "fulfillment": fulfillment,
            "orderItems": [{"orderItemId": "1", "quantityOrdered": 3, "product": {"sellerSku": "CUP"}}],
            "packages": [package],
        }

    return [{"orders": [order("IN_TRANSIT", SENT)]}, {"orders": [order("DELIVERED", arrived)]}]


def mirakl(number: int, arrived: str) -> list[Document]:
    """The order as OR11 gives it when it was received."""
    line = {
        "order_line_id": f"M{number}-A-1",
        "offer_sku": "CUP",
        "quantity": 3,
        "price": 34.9,
        "shipped_date": SENT,
        "received_date": arrived,
    }
    order = {
        "order_id": f"M{number}-A",
        "created_date": ORDERED,
        "last_updated_date": arrived,
        "order_state": "RECEIVED",
        "currency_iso_code": "EUR",
        "total_price": 34.9,
        "delivery_date": {"earliest": None, "latest": DUE},
        "shipping_company": "DHL",
        "customer": {"customer_id": "C7"},
        "order_lines": [line],
    }
    return [{"orders": [order], "total_count": 1}]


MARKETS: Mapping[str, tuple[Reader, Callable[[int, str], list[Document]]]] = {
    "shopify": (SHOPIFY, shopify),
    "amazon": (AMAZON, amazon),
    "mirakl": (MIRAKL, mirakl),
}
CONTRACT = '[contract]\norigin = "{}"\npurposes = ["service-optimisation"]\n'
PROMISES = {
    "stated": "made = 'any where (deliver_by is present)'\ndue = \"properties.deliver_by\"",
    "with-the-order": 'made = \'"Order Completed"\'\ndue = "properties.deliver_by"',
    "ours": 'made = \'"Order Completed"\'\ndue = "5 days after made"',
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that sells on three ways, two orders on each: one came in time and one late."""
    root = tmp_path_factory.mktemp("three") / "p"
    (root / "sources").mkdir(parents=True)
    (root / "promises").mkdir()
    (root / "cxm.toml").write_text('name = "three"\n', "utf-8")
    for name, text in PROMISES.items():
        body = f'name = "{name}"\nper = "order_id"\n{text}\nkept = \'"Order Delivered"\'\n'
        (root / "promises" / f"{name}.toml").write_text(body, "utf-8")
    for name, (_, documents) in MARKETS.items():
        origin = "first-party" if name == "shopify" else "marketplace-global"
        source = f'name = "{name}"\nformat = "{name}"\n{CONTRACT.format(origin)}'
        (root / "sources" / f"{name}.toml").write_text(source, "utf-8")
        for number, arrived in ((1, KEPT), (2, LATE)):
            for place, document in enumerate(documents(number, arrived)):
                file = root.parent / f"{name}-{number}-{place}.json"
                file.write_text(json.dumps(document), "utf-8")
                assert run(["collect", str(file), "--source", name, "--project", str(root)]) == 0
    return root


def weighed(root: Path, promise: str, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int, int, int, int]]:
    """Made, kept, late and none of a promise, by source."""
    capsys.readouterr()
    assert run(["promises", promise, "--by", "source", "--json", "--project", str(root)]) == 0
    (found,) = json.loads(capsys.readouterr().out)["promises"]
    return {row["value"]: (row["made"], row["kept"], row["late"], row["none"]) for row in found["groups"]}


@pytest.mark.parametrize("market", MARKETS)
def test_one_order_is_one_story(market: str) -> None:
    """Wherever it was sold: ordered, sent and delivered at the same times, with the same total and the same promise."""
    reader, documents = MARKETS[market]
    latest = {
        (record.key, fact.event, fact.part): fact
        for document in documents(2, LATE)
        for record in told(document, reader)
        for fact in record.facts
    }
    facts = list(latest.values())
    assert [(f.event, iso(f.at)) for f in facts if f.event in STORY] == [
        ("Order Completed", "2026-03-02T09:00:00.000Z"),
        ("Order Shipped", "2026-03-04T15:00:00.000Z"),
        ("Order Delivered", "2026-03-09T10:00:00.000Z"),
    ]
    ordered, sent = (next(f for f in facts if f.event == name).properties for name in STORY[:2])
    assert (ordered["total"], ordered["currency"], ordered["quantity"]) == (34.9, "EUR", 3.0)
    assert (sent["carrier"], sent["quantity"]) == ("DHL", 3.0)
    assert [iso(int(str(f.properties["deliver_by"]))) for f in facts if "deliver_by" in f.properties] == [
        "2026-03-07T22:59:59.000Z"
    ]


def test_late_is_late_on_each(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One definition over whatever states a time of delivery: on each way one promise was kept, and one was late."""
    assert weighed(project, "stated", capsys) == dict.fromkeys(MARKETS, (2, 1, 1, 0))


def test_who_promises_with_the_order_is_told_from_who_does_not(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shop's orders state no promise: they count as none, and never as kept."""
    found = weighed(project, "with-the-order", capsys)
    assert found == {"amazon": (2, 1, 1, 0), "mirakl": (2, 1, 1, 0), "shopify": (0, 0, 0, 2)}


def test_our_own_promise_holds_everywhere(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five days after the order, whoever stated what: the same orders are in time, and the same are late."""
    assert weighed(project, "ours", capsys) == dict.fromkeys(MARKETS, (2, 1, 1, 0))
