"""Webhooks on their way from the inbox into the log: what a stretch tells twice, and what lies in quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.collecting import collect_document
from cxminute.app.door import draining
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.app.replaying import replay
from cxminute.model.calls import HOOK, Call
from tests.collect.readers.shops import shopify_order

NOW = 1_780_000_000_000
HOOKS = '[hooks]\nsecret = ["env:SHOP_SECRET"]\n'
SHOP = 'name = "shop"\nformat = "shopify"\n[contract]\norigin = "first-party"\npurposes = ["service-optimisation"]\n'
STORY = {"Order Completed": 1, "Order Shipped": 1, "Order Refunded": 1}
GONE = {"cancelled_at": "2026-03-04T12:00:00+01:00", "updated_at": "2026-03-05T12:00:00+01:00"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A shop that takes webhooks, and collects a piece of a file at a time."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "shop"\n[log]\nsegment_rows = 1\n', "utf-8")
    _defined(tmp_path, HOOKS)
    made = Project(tmp_path)
    yield made
    made.close()


def _defined(root: Path, hooks: str) -> None:
    (root / "sources" / "shop.toml").write_text(SHOP.replace("[contract]", f"{hooks}[contract]"), "utf-8")


def _sent(project: Project, *documents: object) -> None:
    bodies = [
        json.dumps({"message": f"d-{number}", "topic": "orders/updated", "document": json.dumps(document)}).encode()
        for number, document in enumerate(documents)
    ]
    project.inbox.put([Call("shop", NOW, HOOK, "orders/updated", 1, body) for body in bodies])


def _story(project: Project) -> dict[str, int]:
    return {row["name"]: row["events"] for row in project.log.volumes(["shop"], None, None, None)}


def _later(order: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {**order, "updated_at": "2026-03-06T12:00:00+01:00", **fields}


def test_an_order_told_twice_at_once_stays_cancelled(project: Project) -> None:
    """An order is cancelled, and a moment later its total changes: what both messages say alike is not taken back."""
    cancelled = shopify_order(**GONE)
    _sent(project, cancelled, _later(cancelled, total_price="54.00"))
    Drain(project).once(NOW)
    assert _story(project) == STORY | {"Order Cancelled": 1}


def test_what_the_later_of_two_messages_says_no_more_is_withdrawn(project: Project) -> None:
    """Of two messages in one stretch the later counts, though all that it says was said before."""
    cancelled = shopify_order(**GONE)
    _sent(project, cancelled, _later(cancelled, cancelled_at=None))
    Drain(project).once(NOW)
    assert _story(project) == STORY


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("fields", "more"), [({"total_price": "54.00"}, 1), ({"cancelled_at": None}, 0)])
def test_a_file_that_tells_an_order_twice_tells_the_newer(
    project: Project, fields: dict[str, object], more: int, *, turned: bool
) -> None:
    """However far apart in a file its two tellings stand, and whichever comes first, the newer is what the log has."""
    cancelled = shopify_order(**GONE)
    told = [cancelled, _later(cancelled, **fields)]
    body = "\n".join(json.dumps(one) for one in (reversed(told) if turned else told)).encode()
    collect_document(project, project.source("shop"), "orders.ndjson", body, NOW)
    assert _story(project) == STORY | ({"Order Cancelled": 1} if more else {})
    newest = max(project.versions.newest("shop", ["order 5001"]).values())
    assert newest == project.versions.newest("shop", ["package 6001"])["package 6001"], "both know the last change"


def test_a_collect_taken_up_again_remembers_what_it_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill between two pieces, an older telling of the first does not replace it either."""
    first, second = shopify_order(**GONE), shopify_order(id=5002, fulfillments=[], refunds=[])
    body = "\n".join(json.dumps(one) for one in (first, second)).encode()
    append = project.log.append
    done: list[object] = []

    def dies(*given: Any) -> Any:
        if done:
            raise OSError("killed")
        done.append(given)
        return append(*given)

    monkeypatch.setattr(project.log, "append", dies)
    with pytest.raises(OSError, match="killed"):
        collect_document(project, project.source("shop"), "orders.ndjson", body, NOW)
    monkeypatch.undo()
    collect_document(project, project.source("shop"), "orders.ndjson", body, NOW + 1)
    older = shopify_order(updated_at="2026-03-02T12:00:00+01:00", cancelled_at=None)
    collect_document(project, project.source("shop"), "older.json", json.dumps(older).encode(), NOW + 2)
    assert _story(project)["Order Cancelled"] == 1


@pytest.mark.parametrize("reason", ["unknown_source", "poison"])
def test_a_webhook_in_quarantine_can_be_replayed(
    project: Project, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """What came for a source that took none for a while, or could not be taken in, is kept as it was sent."""
    _sent(project, shopify_order())
    if reason == "poison":

        def fails(*_: object) -> None:
            raise ValueError("of ours")

        monkeypatch.setattr(draining, "bring_hooks", fails)
    else:
        _defined(project.root, "")
    held = Project(project.root)
    drain = Drain(held)
    while drain.once(NOW).events == 0:
        pass
    held.close()
    _defined(project.root, HOOKS)
    again = Project(project.root)
    assert again.log.rejects("shop")["reason"].to_pylist() == [reason]
    assert json.loads(again.log.rejects("shop")["row"][0].as_py()) == shopify_order()
    done = replay(again, again.source("shop"), NOW + 1)
    assert (done.added, done.rejected) == (3, 0)
    assert _story(again) == STORY
    again.close()
