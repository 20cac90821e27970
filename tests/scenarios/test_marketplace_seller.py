"""The template for sellers on a marketplace: documents as Amazon, Shopify and Zendesk give them, to a brief."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cxminute.app.analysis import view
from cxminute.app.brief import tell_week
from cxminute.app.cli import run
from cxminute.app.options import Reading
from cxminute.minute.tell import words

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAYS = 42
AMAZON, SHOPIFY = 12, 24
"""Orders a day."""
FRANCE = {"amazon": 8, "shopify": 4}
"""Of them, how many go to France, where the carrier is late with two of five; elsewhere with one of twelve."""


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six weeks of a seller: a project of the template with all documents collected."""
    folder = tmp_path_factory.mktemp("seller") / "project"
    assert run(["init", str(folder), "--template", "marketplace-seller"]) == 0
    assert run(["check", "--project", str(folder)]) == 0
    documents = {
        "amazon": {"orders": list(amazon_orders())},
        "shopify": {"orders": [order for order, _ in shopify_orders()]},
        "parcels": {"fulfillment_events": [event for _, event in shopify_orders()]},
        "desk": {"tickets": list(tickets())},
    }
    for name, document in documents.items():
        path = folder.parent / f"{name}.json"
        path.write_text(json.dumps(document), "utf-8")
        source = "shopify" if name == "parcels" else name
        assert run(["collect", str(path), "--source", source, "--project", str(folder)]) == 0
    return folder


def stamp(moment: datetime) -> str:
    """As the APIs write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def sold(market: str, a_day: int) -> Iterator[tuple[int, str, datetime, datetime]]:
    """Each order of a source: its number, its country, when it was placed and when it came."""
    for day in range(DAYS):
        for place in range(a_day):
            number = day * a_day + place
            french = place < FRANCE[market]
            late = (number * 7 + day) % 5 < 2 if french else (number * 7 + day) % 12 == 0
            placed = FIRST + timedelta(days=day, minutes=20 * place)
            yield number, "FR" if french else "DE", placed, placed + timedelta(days=8 if late else 3)


def amazon_orders() -> Iterator[dict[str, object]]:
    """As the Orders API of 2026 answers: promise, parcel and its delivery, but no customer."""
    for number, country, placed, came in sold("amazon", AMAZON):
        money = {"amount": "20.00", "currencyCode": "EUR"}
        yield {
            "orderId": f"902-{number:07d}",
            "createdTime": stamp(placed),
            "lastUpdatedTime": stamp(came),
            "salesChannel": {"channelName": "AMAZON", "marketplaceName": "Amazon.de"},
            "buyer": {"buyerEmail": f"relay{number}@marketplace.example"},
            "recipient": {"deliveryAddress": {"countryCode": country, "postalCode": "10115"}},
            "proceeds": {"grandTotal": money},
            "fulfillment": {
                "fulfillmentStatus": "SHIPPED",
                "fulfilledBy": "MERCHANT",
                "shipByWindow": {"latestDateTime": stamp(placed + timedelta(days=2))},
                "deliverByWindow": {"latestDateTime": stamp(placed + timedelta(days=6))},
            },
            "orderItems": [{"orderItemId": f"{number}", "quantityOrdered": 1, "product": {"sellerSku": "S-1"}}],
            "packages": [
                {
                    "packageReferenceId": "1",
                    "packageStatus": {"status": "DELIVERED"},
                    "carrier": "Gans",
                    "shipTime": stamp(placed + timedelta(days=1)),
                    "packageItems": [{"orderItemId": f"{number}", "quantity": 1}],
                }
            ],
        }


def shopify_orders() -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """As the Admin API gives them: an order with its fulfilment, and the event that says that it came."""
    for number, country, placed, came in sold("shopify", SHOPIFY):
        sent = {
            "id": 70_000 + number,
            "order_id": 50_000 + number,
            "status": "success",
            "created_at": stamp(placed + timedelta(days=1)),
            "updated_at": stamp(placed + timedelta(days=1)),
            "tracking_company": "Gans",
            "line_items": [],
        }
        order = {
            "id": 50_000 + number,
            "created_at": stamp(placed),
            "updated_at": stamp(placed + timedelta(days=1)),
            "financial_status": "paid",
            "currency": "EUR",
            "total_price": "25.00",
            "total_tax": "4.00",
            "customer": {"id": 900 + number % 600},
            "shipping_address": {"country_code": country},
            "line_items": [{"id": number, "product_id": 1, "quantity": 1, "price": "25.00", "title": "Lamp"}],
            "fulfillments": [sent],
            "refunds": [],
        }
        event = {
            "id": 80_000 + number,
            "order_id": 50_000 + number,
            "fulfillment_id": 70_000 + number,
            "status": "delivered",
            "happened_at": stamp(came),
            "created_at": stamp(came),
            "updated_at": stamp(came),
        }
        yield order, event


def tickets() -> Iterator[dict[str, object]]:
    """Two tickets a day, answered within hours."""
    for number in range(2 * DAYS):
        opened = FIRST + timedelta(hours=12 * number)
        yield {
            "id": number + 1,
            "created_at": stamp(opened),
            "updated_at": stamp(opened + timedelta(hours=5)),
            "status": "solved",
            "requester_id": 5_000 + number,
            "metric_set": {"reply_time_in_minutes": {"calendar": 90}, "solved_at": stamp(opened + timedelta(hours=5))},
        }


def test_the_brief_compares_marketplace_and_own_shop_and_explains_the_difference(seller: Path) -> None:
    """The brief of a week says what share each side kept, and that the mix of countries is most of the difference."""
    told = tell_week(view(Reading(project=seller)), "2026-W13")
    [said] = told.brief.compared
    assert said.text.startswith("delivery: ")
    assert " kept on amazon, " in said.text
    assert " on shopify" in said.text
    assert "of the gap from the mix: country " in said.text
    assert words(told.brief) <= 230
    assert said.command.startswith("cxm promises delivery --by source --")
    [row] = told.compared.to_pylist()
    assert row["value"] > row["own_value"]
    assert run([*said.command.split()[1:], "--project", str(seller)]) == 0


def test_each_side_is_told_what_it_can_tell(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Orders, money and promises stand side by side; Amazon names no customer, which is said and is no zero."""
    capsys.readouterr()
    assert run(["marketplaces", "--json", "--project", str(seller)]) == 0
    rows = {row["source"]: row for row in json.loads(capsys.readouterr().out)["marketplaces"]}
    assert list(rows) == ["amazon", "shopify"]
    amazon, shopify = rows["amazon"], rows["shopify"]
    assert (amazon["tier"], shopify["tier"]) == ("global", None)
    assert (amazon["orders"]["value"], shopify["orders"]["value"]) == (AMAZON * DAYS, SHOPIFY * DAYS)
    assert amazon["money"]["by_currency"][0]["total"] == 20.0 * AMAZON * DAYS
    assert shopify["money"]["by_currency"][0]["total"] == 25.0 * SHOPIFY * DAYS
    kept = {name: {one["promise"]: one["value"] for one in row["promises"]} for name, row in rows.items()}
    assert kept["amazon"]["delivery"] < kept["shopify"]["delivery"]
    assert "marketplace-delivery" not in kept["shopify"]
    assert amazon["repeat"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "why": "'amazon' cannot tell customers",
    }
    assert shopify["repeat"]["value"] > 0
    assert amazon["overlap"]["value"] is None
    assert "amazon: no-linking" in amazon["overlap"]["why"]
    assert amazon["returned"]["value"] is None


def test_one_promise_by_source(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cxm promises delivery --by source` shows the late ones of each side."""
    capsys.readouterr()
    assert run(["promises", "delivery", "--by", "source", "--json", "--project", str(seller)]) == 0
    [promise] = json.loads(capsys.readouterr().out)["promises"]
    late = {row["value"]: row["late"] for row in promise["groups"]}
    assert set(late) == {"amazon", "shopify"}
    assert min(late.values()) > 0
