"""Webhooks at the door: genuine ones are on disk before 200 is said, count once, and correct what they told before."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxminute.app import clock
from cxminute.app.door import draining
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from tests.app.door.opened import Running, Said, door, held

SECRET = "hush"  # noqa: S105 -- of a shop that does not exist
SHOP = """name = "shop"
format = "shopify"
[hooks]
secret = ["env:SHOP_OLD_SECRET", "env:SHOP_SECRET"]
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
ORDER = {
    "id": 4501,
    "created_at": "2026-11-01T10:00:00+01:00",
    "processed_at": "2026-11-01T10:00:00+01:00",
    "updated_at": "2026-11-01T10:00:00+01:00",
    "currency": "EUR",
    "financial_status": "paid",
    "total_price": "20.00",
    "line_items": [{"id": 1, "quantity": 1, "price": "20.00", "sku": "A"}],
    "customer": {"id": 77, "email": "ada@example.com"},
}


class Shop:
    """A project with one shop whose webhooks come through a running door."""

    def __init__(self, root: Path, running: Running, key: str) -> None:
        self.root, self.running, self.key = root, running, key

    def send(self, body: object, topic: str, delivery: str, secret: str = SECRET, signature: str = "") -> Said:
        """One webhook, signed as Shopify signs them."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = signature or base64.b64encode(hmac.digest(secret.encode(), sent, "sha256")).decode()
        told = {"X_Shopify_Hmac_SHA256": signed, "X_Shopify_Topic": topic, "X_Shopify_Webhook_Id": delivery}
        return self.running.ask(f"/v1/hooks/{self.key}", sent, **told)

    def brought(self) -> dict[str, int]:
        """What waits goes into the log; then each event's name and how many there are."""
        project = Project(self.root)
        Drain(project).once(clock.now())
        found = {row["name"]: row["events"] for row in project.log.volumes(["shop"], None, None, None)}
        project.close()
        return found


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of webhooks need not wait for one another."""
    monkeypatch.setattr(draining, "REST", 0.0)


@pytest.fixture(scope="module")
def shops(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Shop]]:
    """As many shops as this file has tests, each a project of its own, all behind one door."""
    folder = tmp_path_factory.mktemp("shops")
    made = []
    for number in range(sum(item.path == request.path for item in request.session.items)):
        root = folder / f"project-{number}"
        (root / "sources").mkdir(parents=True)
        (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
        (root / "sources" / "shop.toml").write_text(SHOP, "utf-8")
        project = Project(root)
        made.append((root, project.keys.add("shop", clock.now())))
        project.close()
    with door(folder / "log", *(root for root, _ in made), SHOP_SECRET=SECRET) as running:
        yield iter([Shop(root, running, key) for root, key in made])


@pytest.fixture
def shop(shops: Iterator[Shop], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that has sent nothing yet."""
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    return next(shops)


def test_a_genuine_webhook_becomes_events(shop: Shop) -> None:
    """An order that a shop sends is in the inbox when 200 is said, and in the log after the worker's next stretch."""
    assert shop.send(ORDER, "orders/create", "d-1").status == 200
    assert [call.kind for call in held(shop.root)] == ["orders/create"]
    assert shop.brought() == {"Order Completed": 1}
    assert not held(shop.root)


def test_what_is_not_genuine_is_refused_and_kept_nowhere(shop: Shop) -> None:
    """A wrong signature, none, or a body that was changed on its way: 401, and nothing is kept."""
    signed = base64.b64encode(hmac.digest(SECRET.encode(), json.dumps(ORDER).encode(), "sha256")).decode()
    changed = ORDER | {"total_price": "0.01"}
    refused = [
        shop.send(ORDER, "orders/create", "d-1", secret="guessed"),  # noqa: S106 -- a wrong one
        shop.send(ORDER, "orders/create", "d-1", signature="nonsense"),
        shop.send(changed, "orders/create", "d-1", signature=signed),
        shop.running.ask(f"/v1/hooks/{shop.key}", ORDER),
    ]
    assert [(said.status, said.json["code"]) for said in refused] == [(401, "not_genuine")] * 4
    assert not held(shop.root)


def test_the_key_and_the_source_decide(shop: Shop) -> None:
    """A key that nobody gave out is refused as any other; a source without [hooks] takes none."""
    assert shop.running.ask("/v1/hooks/cxm_nobody", ORDER).status == 401
    assert shop.running.ask(f"/v1/hooks/{shop.key}", ORDER, method="PUT").status == 405
    (shop.root / "sources" / "shop.toml").write_text(SHOP.replace("[hooks]", "[other]"), "utf-8")
    assert shop.send(ORDER, "orders/create", "d-1").json["code"] == "no_hooks"


def test_a_secret_may_be_exchanged_while_webhooks_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: Shop
) -> None:
    """While two secrets are named, a webhook signed with either is genuine; with none at hand senders try again."""
    monkeypatch.setenv("SHOP_OLD_SECRET", "before")
    with door(tmp_path / "log2", shop.root) as running:
        both = Shop(shop.root, running, shop.key)
        assert both.send(ORDER, "orders/create", "d-1", secret="before").status == 200  # noqa: S106 -- the old one
        assert both.send(ORDER, "orders/create", "d-2").status == 200
    monkeypatch.delenv("SHOP_OLD_SECRET")
    monkeypatch.delenv("SHOP_SECRET")
    with door(tmp_path / "log3", shop.root) as running:
        said = Shop(shop.root, running, shop.key).send(ORDER, "orders/create", "d-3")
        assert (said.status, said.json["code"]) == (503, "no_secret")
        assert "retry-after" in said.headers


def test_a_delivery_counts_once(shop: Shop) -> None:
    """Sent again, before it was read or after, a delivery changes nothing; another that tells the same does neither."""
    shop.send(ORDER, "orders/create", "d-1")
    shop.send(ORDER, "orders/create", "d-1")
    assert shop.brought() == {"Order Completed": 1}
    shop.send(ORDER, "orders/create", "d-1")
    shop.send(ORDER, "orders/paid", "d-2")
    assert shop.brought() == {"Order Completed": 1}
    rows = Project(shop.root).log.collects()
    assert [(told.counts.added, told.counts.corrected) for told in rows] == [(1, 0), (0, 0)]


def test_a_changed_order_is_a_correction_and_an_old_one_comes_too_late(shop: Shop) -> None:
    """What the shop changed later stands, in whatever order its webhooks come."""
    later = ORDER | {"updated_at": "2026-11-02T10:00:00+01:00", "total_price": "25.00"}
    last = ORDER | {"updated_at": "2026-11-03T10:00:00+01:00", "cancelled_at": "2026-11-03T10:00:00+01:00"}
    for number, body in enumerate((later, ORDER, last, later)):
        shop.send(body, "orders/updated", f"d-{number}")
        found = shop.brought()
    assert found == {"Order Completed": 1, "Order Cancelled": 1}


def test_what_cannot_be_read_is_set_apart_and_stops_nothing(shop: Shop) -> None:
    """Half a body, or a document of another kind, goes to quarantine whole; the orders beside it go in."""
    shop.send(b'{"id": 1, "created', "orders/create", "d-1")
    shop.send({"what": "is this"}, "themes/publish", "d-2")
    shop.send(ORDER, "orders/create", "d-3")
    assert shop.brought() == {"Order Completed": 1}
    rejects = Project(shop.root).log.rejects("shop")
    assert rejects["reason"].to_pylist() == ["unknown_document", "unknown_document"]
    assert rejects["row"].to_pylist()[0] == '{"id": 1, "created'


def test_what_is_asked_in_a_person_s_name_is_noted_once(shop: Shop) -> None:
    """A shop that passes on a request is answered with 200; the request stands on the register, with its day."""
    body = {"shop_domain": "x.example", "customer": {"id": 77, "email": "a@example.com"}, "orders_to_redact": [4501]}
    for delivery in ("d-1", "d-1"):
        assert shop.send(body, "customers/redact", delivery).status == 200
    asked = {"shop_domain": "x.example", "customer": {"id": 77}, "orders_requested": [4501]}
    assert shop.send(asked, "customers/data_request", "d-2").status == 200
    shop.brought()
    found = Project(shop.root).requests.list()
    assert sorted((one.kind, one.message) for one in found) == [("access", "d-2"), ("erasure", "d-1")]
    assert all(one.due_at > one.received_at for one in found)
    assert Project(shop.root).log.rejects("shop").num_rows == 0


def test_a_kill_between_log_and_inbox_changes_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that died after it wrote the log, before the inbox knew, brings the same webhooks again: nothing new."""
    shop.send(ORDER, "orders/create", "d-1")
    project = Project(shop.root)
    drain = Drain(project)
    monkeypatch.setattr(project.inbox, "drop", lambda _: None)
    drain.once(clock.now())
    project.close()
    assert held(shop.root), "the inbox still has it"
    assert shop.brought() == {"Order Completed": 1}
    assert not held(shop.root)
