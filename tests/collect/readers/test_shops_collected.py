"""Laws of a shop's log: whatever came first, and however often, the same story stands in it, and nobody's name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxminute.app.cli import run
from cxminute.app.collecting import collect_document
from cxminute.app.project import Project
from tests.collect.readers.shops import (
    shopify_event,
    shopify_order,
    shopify_parcel,
    shopify_refund,
    woo_order,
    woo_refund,
)

NOW = 1_780_000_000_000
SOURCE = """name = "shop"
format = "shopify"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
PROMISE = """name = "parcel"
per = "package_id"
made = '"Order Updated" where (deliver_by is present)'
due = "properties.deliver_by"
kept = '"Order Delivered"'
"""


def _project(root: Path) -> Path:
    for name, text in (("sources/shop", SOURCE), ("promises/parcel", PROMISE), ("cxm", 'name = "shop"\n')):
        file = root / f"{name}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return root


def _collect(root: Path, documents: Sequence[object]) -> None:
    project = Project(root)
    for number, document in enumerate(documents):
        body = json.dumps(document).encode()
        collect_document(project, project.source("shop"), f"{number}.json", body, NOW + number)
    project.close()


def _story(root: Path) -> list[tuple[str, str, str, bool]]:
    """(id, event, time, whether somebody is known to have lived it) of all that stands in the log."""
    project = Project(root)
    found = []
    for piece in project.log.pieces(()):
        gone = set(piece.dropped.tolist())
        for place, row in enumerate(pq.read_table(piece.path).to_pylist()):
            if place not in gone:
                found.append((row["id"], row["name"], str(row["at"]), row["profile"] is not None))
    assert project.log.rejects().num_rows == 0
    project.close()
    return sorted(found)


def test_the_order_in_which_documents_come_changes_nothing(tmp_path: Path) -> None:
    """An order, and its parcel and refund alone: in whatever order they come, the same events of one person stand."""
    documents = [shopify_order(), {"fulfillment": shopify_parcel()}, shopify_refund()]
    stories = []
    for number, some in enumerate(permutations(documents)):
        root = _project(tmp_path / str(number))
        _collect(root, [*some, some[0], some[1]])
        stories.append(_story(root))
    assert [name for _, name, _, _ in stories[0]] == ["Order Completed", "Order Shipped", "Order Refunded"]
    assert all(known for *_, known in stories[0])
    assert all(story == stories[0] for story in stories)


def test_a_parcel_that_was_cancelled_was_not_sent(tmp_path: Path) -> None:
    """Its cancellation withdraws the shipment that was told, and an older message brings it not back."""
    cancelled = shopify_parcel(status="cancelled", updated_at="2026-03-06T08:00:00+01:00")
    _collect(_project(tmp_path), [shopify_order(), cancelled, shopify_parcel()])
    assert [name for _, name, _, _ in _story(tmp_path)] == ["Order Completed", "Order Updated", "Order Refunded"]


def test_a_parcel_that_came_late_broke_its_first_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first estimate is what counts, though the carrier moved it before the parcel came."""
    events = [
        shopify_event("in_transit", "2026-03-02T18:00:00Z", "2026-03-04T20:00:00Z"),
        shopify_event("delayed", "2026-03-04T18:00:00Z", "2026-03-09T20:00:00Z", number=2),
        shopify_event("delivered", "2026-03-08T10:00:00Z", number=3),
    ]
    _collect(_project(tmp_path), [shopify_order(refunds=[]), *events, events[0]])
    assert run(["promises", "--project", str(tmp_path), "--json"]) == 0
    (promise,) = json.loads(capsys.readouterr().out)["promises"]
    assert {name: promise[name] for name in ("made", "kept", "late")} == {"made": 1, "kept": 0, "late": 1}


def test_nobody_s_name_stands_in_the_log(tmp_path: Path) -> None:
    """Names, mail, addresses, notes and machines of an order are in no file of the log."""
    order = shopify_order(
        note="CANARY note", browser_ip="CANARY ip", contact_email="CANARY@example.org", phone="CANARY phone"
    )
    order["shipping_address"] |= {"name": "CANARY", "address1": "CANARY 7", "zip": "CANARY", "city": "CANARY"}
    order["billing_address"] = {"company": "CANARY", "latitude": "CANARY"}
    order["customer"] |= {"note": "CANARY", "default_address": {"address1": "CANARY"}}
    order["line_items"][0]["properties"] = [{"name": "engraving", "value": "CANARY"}]
    order["note_attributes"] = [{"name": "CANARY", "value": "CANARY"}]
    parcel = shopify_parcel(destination={"name": "CANARY", "city": "CANARY"}, email="CANARY@example.org")
    event = shopify_event("delivered", "2026-03-08T10:00:00Z") | {
        "city": "CANARY",
        "zip": "CANARY",
        "message": "CANARY",
    }
    _collect(_project(tmp_path), [{"orders": [order]}, parcel, event, shopify_refund(note="CANARY")])
    _nowhere_in_the_log("CANARY", tmp_path)


def test_nobody_s_name_of_a_woocommerce_order_stands_in_the_log(tmp_path: Path) -> None:
    """The same of the other shop: addresses, notes, machines, what extensions wrote, why money went back."""
    person = {
        "first_name": "CANARY",
        "address_1": "CANARY",
        "city": "CANARY",
        "postcode": "CANARY",
        "company": "CANARY",
    }
    written = [{"id": 1, "key": "CANARY", "value": "CANARY"}]
    order = woo_order(
        billing={**person, "email": "CANARY@example.org", "phone": "CANARY"},
        shipping={**person, "country": "DE"},
        customer_note="CANARY",
        customer_ip_address="CANARY",
        customer_user_agent="CANARY",
        meta_data=written,
        refunds=[{"id": 1, "reason": "CANARY", "total": "-1.00"}],
    )
    order["line_items"][0]["meta_data"] = written
    _project(tmp_path)
    (tmp_path / "sources" / "shop.toml").write_text(SOURCE.replace("shopify", "woocommerce"), "utf-8")
    (tmp_path / "promises" / "parcel.toml").unlink()
    _collect(tmp_path, [[order], woo_refund(reason="CANARY", meta_data=written)])
    assert [name for _, name, _, _ in _story(tmp_path)].count("Order Refunded") == 1
    _nowhere_in_the_log("CANARY", tmp_path)


def _nowhere_in_the_log(what: str, root: Path) -> None:
    files = [path for path in (root / ".cxm").rglob("*.parquet") if "log" in path.parts]
    assert files
    for path in files:
        assert what not in str(pq.read_table(path).to_pylist())
