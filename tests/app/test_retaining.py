"""Personal data at the end of its term: collected, kept to the day, removed to the byte, and nothing else changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cxminute.app import clock
from cxminute.app.cli import run
from cxminute.app.collecting import collect_document
from cxminute.app.door import looping
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.app.rights.retaining import retain
from cxminute.model.times import DAY, to_ms
from cxminute.store import removal
from cxminute.store.schema import metadata
from tests.app.door.opened import within, working
from tests.app.small_shop import HEADER as HEAD
from tests.app.small_shop import SOURCE as ORDERS
from tests.app.small_site import NOON, call, item, make_site
from tests.store.vaults import readable

CANARY = "Qz7Canary"
DELIVERED = "2026-03-06T10:00:00Z"
COLLECTED = "2026-03-07T08:00:00Z"
FIELDS = ("email", "buyer", "company", "po", "name", "line1", "line2", "phone", "city", "postal", "note", "gift", "tax")
COLUMNS = (
    "buyer-email", "buyer-name", "buyer-phone-number", "recipient-name", "ship-address-1", "ship-address-2",
    "ship-address-3", "ship-city", "ship-postal-code", "ship-phone-number", "bill-address-1", "bill-city",
    "bill-postal-code", "purchase-order-number", "gift-message-text",
)  # fmt: skip
UNTOLD = ("po", "buyer-phone-number")
"""Of these the reader tells another in their place: the buyer's name, the phone number of the delivery."""
HEADER = (
    "amazon-order-id", "shipment-id", "purchase-date", "shipment-date", "sku", "quantity-shipped", "currency",
    "carrier", "ship-state", "ship-country", *COLUMNS,
)  # fmt: skip
AMAZON = 'name = "amazon-eu"\nformat = "amazon"\n'
MIRAKL = 'name = "castorama"\nformat = "mirakl"\n'
PROMISE = (
    'name = "delivery"\nper = "order_id"\nmade = \'"Order Completed"\'\ndue = "properties.deliver_by"\n'
    "kept = '\"Order Delivered\"'\ntarget = 0.9\n"
)
JOURNEY = (
    'name = "arrives"\nper = "order_id"\npattern = \'"Order Completed" -> "Order Delivered"\'\nwindow = "9 days"\n'
)
READINGS = (["events"], ["promises"], ["promises", "delivery", "--by", "country"], ["journeys", "arrives"])


def at(text: str) -> int:
    """A moment, UTC ms."""
    return to_ms(datetime.fromisoformat(text))


def canary(field: str, order: int | str = 1) -> str:
    """The value planted in a field of an order, found nowhere else."""
    return f"{CANARY}{field.replace('-', '').capitalize()}{order}"


def order(
    number: int, *, status: str = "SHIPPED", changed: str = DELIVERED, parcel: str = "DELIVERED"
) -> dict[str, Any]:
    """An order as the newest Orders API tells it, with something planted wherever a person could stand."""
    said = {field: canary(field, number) for field in FIELDS}
    return {
        "orderId": f"902-000000{number}-0000001",
        "createdTime": "2026-03-02T09:00:00Z",
        "lastUpdatedTime": changed,
        "salesChannel": {"channelName": "AMAZON", "marketplaceName": "Amazon.de"},
        "proceeds": {"grandTotal": {"amount": "34.90", "currencyCode": "EUR"}},
        "buyer": {
            "buyerEmail": f"{said['email']}@marketplace.amazon.de",
            "buyerName": said["buyer"],
            "buyerCompanyName": said["company"],
            "buyerPurchaseOrderNumber": said["po"],
        },
        "recipient": {
            "deliveryAddress": {
                "name": said["name"],
                "addressLine1": said["line1"],
                "addressLine2": said["line2"],
                "phone": said["phone"],
                "city": said["city"],
                "postalCode": said["postal"],
                "countryCode": "DE",
                "companyName": f"{said['company']}x",
                "districtOrCounty": f"{said['city']}x",
            },
            "deliveryPreference": {"dropOffLocation": "other", "addressInstruction": said["note"]},
        },
        "tax": {"taxRegistrations": [{"legalName": f"{said['tax']}x", "taxRegistrationNumber": said["tax"]}]},
        "fulfillment": {
            "fulfillmentStatus": status,
            "fulfilledBy": "MERCHANT",
            "deliverByWindow": {"latestDateTime": "2026-03-07T22:59:59Z"},
        },
        "packages": [
            {
                "packageReferenceId": "1",
                "packageStatus": {"status": parcel},
                "carrier": "DHL",
                "shipTime": "2026-03-04T15:00:00Z",
                "trackingNumber": "00340",
            }
        ],
        "orderItems": [
            {
                "orderItemId": "1",
                "quantityOrdered": 1,
                "product": {"asin": "B000000001", "sellerSku": "CUP", "title": "A cup"},
                "fulfillment": {"packing": {"giftOption": {"giftMessage": said["gift"]}}},
            }
        ],
    }


def shipments(number: int) -> str:
    """A report of Amazon's own shipments, of one order, with something planted in every personal column."""
    cells = {
        "amazon-order-id": f"902-000000{number}-0000001", "shipment-id": f"D{number}", "sku": "CUP",
        "purchase-date": "2026-03-02T09:00:00+00:00", "shipment-date": "2026-03-04T15:00:00+00:00",
        "quantity-shipped": "1", "currency": "EUR", "carrier": "DHL", "ship-state": "Berlin", "ship-country": "DE",
    }  # fmt: skip
    row = [cells.get(column, canary(column, number)) for column in HEADER]
    return "\t".join(HEADER) + "\n" + "\t".join(row) + "\n"


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The clock, moved by hand."""
    here = [at(COLLECTED)]
    monkeypatch.setattr(clock, "now", lambda: here[0])
    return lambda moment: here.__setitem__(0, moment)


@pytest.fixture
def project(tmp_path: Path, moved: Callable[[int], None]) -> Path:
    """A seller on Amazon with no contract but the one that ships, and two documents collected."""
    moved(at(COLLECTED))
    root = tmp_path / "seller"
    for folder in ("sources", "promises", "journeys"):
        (root / folder).mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "seller"\n', "utf-8")
    (root / "sources" / "amazon-eu.toml").write_text(AMAZON, "utf-8")
    (root / "promises" / "delivery.toml").write_text(PROMISE, "utf-8")
    (root / "journeys" / "arrives.toml").write_text(JOURNEY, "utf-8")
    broken = {**order(3), "createdTime": canary("broken")}
    collect(root, tmp_path, "amazon-eu", "orders.json", json.dumps({"orders": [order(1), broken]}))
    collect(root, tmp_path, "amazon-eu", "shipments.txt", shipments(1))
    return root


def collect(root: Path, folder: Path, source: str, name: str, text: str) -> None:
    """One document into the log."""
    path = folder / name
    path.write_text(text, "utf-8")
    assert run(["collect", str(path), "--source", source, "--project", str(root)]) == 0


def files(root: Path) -> list[Path]:
    """Every file of the project."""
    return sorted(path for path in root.rglob("*") if path.is_file())


def holders(root: Path, word: str = CANARY) -> set[str]:
    """Files of the project in which a word stands: as bytes, and in Parquet files as what their rows say."""
    found = {path.name for path in files(root) if word.encode() in path.read_bytes()}
    for path in root.rglob("*"):
        if path.suffix in {".parquet", ".side"}:
            rows = duckdb.read_parquet(str(path)).fetchall()
            found |= {path.name} if word in repr(rows) else set()
    return found


def known(root: Path, word: str = CANARY) -> bool:
    """Whether whoever has the project's keys can still read a word in its state."""
    with closing(Project(root)) as opened:
        return word in readable(opened.log.state, opened.keyring)


def told(root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What every reading of the project answers, to the letter."""
    answers = []
    for reading in READINGS:
        capsys.readouterr()
        assert run([*reading, "--json", "--project", str(root)]) == 0
        answers.append(capsys.readouterr().out)
    return answers


def proofs(root: Path) -> list[dict[str, Any]]:
    """All proofs, in their order."""
    read = [json.loads(path.read_text("utf-8")) for path in (root / ".cxm" / "proofs").glob("*.json")]
    return sorted(read, key=lambda proof: proof["number"])


def test_personal_data_of_amazon_is_gone_thirty_days_after_delivery_and_the_counts_stay(
    project: Path, moved: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A day before the term its keys open all of it; at its end none does, and every answer is as before.

    Nothing of it ever stands in a file of the project in the clear.
    """
    planted = [canary(field) for field in (*FIELDS, *COLUMNS) if field not in UNTOLD]
    before = told(project, capsys)
    moved(at(DELIVERED) + 30 * DAY - DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert [word for word in (*planted, canary("broken")) if not known(project, word)] == []
    assert holders(project) == set()
    moved(at(COLLECTED) + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert (holders(project), known(project)) == (set(), False)
    assert told(project, capsys) == before
    assert len(Project(project).log.hashes()) == 2


def test_the_proof_says_what_was_searched_and_by_which_clause_and_names_nobody(
    project: Path, moved: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts what was removed and what is left, and holds the hash of the proof before; a changed one is told."""
    moved(at(DELIVERED) + 30 * DAY)
    capsys.readouterr()
    assert run(["retain", "--json", "--project", str(project)]) == 0
    said = json.loads(capsys.readouterr().out)
    [source] = said["sources"]
    assert source["clause"] == "amazon: personal-life"
    assert source["removed"] == {"values": 2, "identifiers": 1, "quarantine": 0}, "the address that the market relays"
    moved(at(COLLECTED) + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    first, second = proofs(project)
    assert (first["removed"]["values"], second["removed"]["quarantine"]) == (2, 1)
    assert first["clause"] == "amazon: personal-life"
    assert first["clock"] == (
        "30 days after the last Order Delivered of the order (without it: Order Cancelled, Order Shipped; without any: "
        "counted from 2 weeks after its first event)"
    )
    assert first["left"] == {"values": 0, "identifiers": 0, "quarantine": 0}
    assert first["searched"]["log"] == {"personal paths": []}
    paths = sorted((project / ".cxm" / "proofs").glob("*.json"))
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert first["previous"] == ""
    assert second["previous"] in digests
    oldest = next(path for path in paths if json.loads(path.read_text("utf-8"))["number"] == 1)
    oldest.write_text(oldest.read_text("utf-8").replace('"values": 2', '"values": 1'), "utf-8")
    assert run(["retain", "--project", str(project)]) == 1
    assert "does not follow" in capsys.readouterr().out


def test_a_dry_run_says_what_is_over_and_leaves_it(
    project: Path, moved: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts, and neither removes nor proves anything."""
    moved(at(DELIVERED) + 30 * DAY)
    assert run(["retain", "--dry-run", "--project", str(project)]) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert known(project)
    assert not (project / ".cxm" / "proofs").exists()


def test_an_order_that_is_still_on_its_way_keeps_its_address(
    project: Path, tmp_path: Path, moved: Callable[[int], None]
) -> None:
    """The clock of each order is its own: one told as shipped later is removed later."""
    late = {**order(2, parcel="SHIPPED"), "packages": [{**order(2)["packages"][0], "shipTime": "2026-03-20T15:00:00Z"}]}
    late["packages"][0]["packageStatus"] = {"status": "IN_TRANSIT"}
    collect(project, tmp_path, "amazon-eu", "late.json", json.dumps({"orders": [late]}))
    moved(at(COLLECTED) + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert (holders(project, canary("name", 1)), known(project, canary("name", 1))) == (set(), False)
    assert known(project, canary("name", 2))
    moved(at("2026-03-20T15:00:00Z") + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert (holders(project), known(project)) == (set(), False)


def test_an_order_that_nobody_sends_is_taken_for_delivered_after_the_wait(
    project: Path, tmp_path: Path, moved: Callable[[int], None]
) -> None:
    """Without delivery, cancellation and shipping its clock starts fourteen days after its first event."""
    waiting = {**order(2, status="UNSHIPPED"), "packages": []}
    collect(project, tmp_path, "amazon-eu", "open.json", json.dumps({"orders": [waiting]}))
    moved(at("2026-03-02T09:00:00Z") + 44 * DAY - 1)
    assert run(["retain", "--project", str(project)]) == 0
    assert known(project, canary("name", 2))
    moved(at("2026-03-02T09:00:00Z") + 44 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert (holders(project), known(project)) == (set(), False)


def mirakl(number: int, created: str = "2026-03-02T09:00:00Z") -> dict[str, Any]:
    """An order of a marketplace run on Mirakl, delivered, of a customer who has a name there."""
    return {
        "order_id": f"M-{number}", "created_date": created, "last_updated_date": created, "order_state": "RECEIVED",
        "currency_iso_code": "EUR", "total_price": 20.0,
        "customer": {"customer_id": canary("customer"), "firstname": canary("first"), "lastname": canary("last")},
        "order_lines": [
            {"order_line_id": f"M-{number}-1", "quantity": 1, "order_line_state": "RECEIVED", "offer_sku": "CUP",
             "created_date": created, "shipped_date": created, "received_date": created, "price": 20.0}
        ],
    }  # fmt: skip


def test_a_customers_name_goes_with_the_last_order_and_the_number_stays(
    project: Path, tmp_path: Path, moved: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two orders of one customer stay two orders of one customer, whoever that was; one who comes again is new."""
    (project / "sources" / "castorama.toml").write_text(MIRAKL, "utf-8")
    both = [mirakl(1), mirakl(2, "2026-03-05T09:00:00Z")]
    collect(project, tmp_path, "castorama", "page.json", json.dumps({"orders": both}))
    before = told(project, capsys)
    number = Project(project).vault.number("user_id", f"castorama\x1f{canary('customer')}")
    assert number is not None
    moved(at("2026-03-02T09:00:00Z") + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert known(project, canary("customer")), "the second order is not over"
    moved(at("2026-03-05T09:00:00Z") + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert (holders(project, canary("customer")), known(project, canary("customer"))) == (set(), False)
    assert told(project, capsys) == before
    assert run(["person", f"erased {number}", "--project", str(project)]) == 2, "what stands there instead names nobody"
    collect(project, tmp_path, "castorama", "again.json", json.dumps({"orders": [mirakl(3)]}))
    assert Project(project).vault.number("user_id", f"castorama\x1f{canary('customer')}") == number + 1


def test_a_running_worker_forgets_who_was_erased_elsewhere(
    project: Path, tmp_path: Path, moved: Callable[[int], None]
) -> None:
    """What one process remembers of numbers holds no longer than what another erased."""
    (project / "sources" / "castorama.toml").write_text(MIRAKL, "utf-8")
    collect(project, tmp_path, "castorama", "page.json", json.dumps({"orders": [mirakl(1)]}))
    worker = Project(project)
    word = [f"castorama\x1f{canary('customer')}"]
    import pyarrow as pa  # noqa: PLC0415 -- only here

    [number] = worker.vault.intern("user_id", pa.chunked_array([word])).to_pylist()
    moved(at(COLLECTED) + 40 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert worker.vault.intern("user_id", pa.chunked_array([word])).to_pylist() == [number + 1]


def test_who_asks_through_the_marketplace_is_forgotten_at_once(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An erasure removes that customer of that source, long before the term, and nobody else."""
    (project / "sources" / "castorama.toml").write_text(MIRAKL, "utf-8")
    other = mirakl(2)
    other["customer"] = {"customer_id": "C-2", "firstname": "Otherwise", "lastname": "Kept"}
    collect(project, tmp_path, "castorama", "page.json", json.dumps({"orders": [mirakl(1), other]}))
    before = told(project, capsys)
    opened = Project(project)
    opened.requests.note("castorama", "erasure", "m-1", {"user_id": [canary("customer")]}, clock.now())
    opened.requests.note("castorama", "access", "m-2", {"user_id": ["C-2"]}, clock.now())
    opened.requests.note("castorama", "erasure", "m-1", {"user_id": [canary("customer")]}, clock.now())
    done = retain(opened, clock.now())
    assert [one.clause for one in done.sources if one.proof] == ["request 1: erasure"]
    assert (holders(project, canary("customer")), known(project, canary("customer"))) == (set(), False)
    assert (holders(project, canary("first")), known(project, canary("first"))) == (set(), False)
    assert known(project, "Otherwise")
    assert told(project, capsys) == before
    erasure, access = sorted(opened.requests.list(), key=lambda one: one.kind, reverse=True)
    assert (erasure.done_at, dict(erasure.about)) == (clock.now(), {})
    assert (project / ".cxm" / "proofs" / erasure.proof).exists()
    assert access.done_at is None
    assert 28 * DAY <= access.due_at - access.received_at < 32 * DAY, "to the end of that day of the next month"


@pytest.mark.parametrize("removed", [True, False])
def test_what_was_interrupted_is_finished_and_proved(
    project: Path,
    moved: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    removed: bool,  # noqa: FBT001 -- a column of the table above
) -> None:
    """Killed before or after the removal, the next run does what is left, clears the bytes and writes what is owed."""
    moved(at(COLLECTED) + 30 * DAY)
    whole = removal.remove

    def dies(*arguments: Any) -> None:
        if removed:
            whole(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(removal, "remove", dies)
    assert run(["retain", "--project", str(project)]) == 130
    monkeypatch.setattr(removal, "remove", whole)
    assert not list((project / ".cxm" / "proofs").glob("*.json"))
    assert run(["retain", "--project", str(project)]) == 0
    owed, *others = proofs(project)
    assert (owed["interrupted"], "removed" in owed) == (True, False)
    assert owed["left"] == {"values": 0, "identifiers": 0, "quarantine": 0}
    assert [other["removed"]["values"] for other in others] == ([] if removed else [2])
    assert (holders(project), known(project)) == (set(), False)
    assert run(["retain", "--project", str(project)]) == 0
    assert len(proofs(project)) == 1 + len(others), "nothing is owed any more"


def test_a_contract_tightened_later_tells_what_the_log_still_holds(
    project: Path, moved: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is personal now and was not when it was written is named, with the way out, and not called gone."""
    path = project / "sources" / "amazon-eu.toml"
    path.write_text(f'{AMAZON}[contract]\npersonal = ["products.sku", "properties.region"]\n', "utf-8")
    moved(at(COLLECTED) + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 1
    told_so = capsys.readouterr().out
    assert "properties.region" in told_so
    assert "collects undo" in told_so


def test_a_re_export_after_the_term_brings_nothing_back_for_long(
    project: Path, tmp_path: Path, moved: Callable[[int], None]
) -> None:
    """The same document changes nothing; a changed order is a correction, whose time is over just as well."""
    moved(at(COLLECTED) + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    collect(project, tmp_path, "amazon-eu", "again.json", json.dumps({"orders": [order(1)]}))
    assert (holders(project), known(project)) == (set(), False)
    changed = order(1, changed="2026-03-06T12:00:00Z") | {"programs": ["PRIME"]}
    collect(project, tmp_path, "amazon-eu", "changed.json", json.dumps({"orders": [changed]}))
    assert known(project)
    assert run(["retain", "--project", str(project)]) == 0
    assert (holders(project), known(project)) == (set(), False)


def test_nothing_remains_in_the_inbox(tmp_path: Path) -> None:
    """What came through the door, and lies in pages that the inbox has let go of, is gone with the term as well."""
    site = make_site(tmp_path / "site")
    path = site.root / "sources" / "site.toml"
    path.write_text(f'{path.read_text("utf-8")}keep_personal = "1 day"\n', "utf-8")
    opened = Project(site.root)
    for number in range(20):
        mail = {"email": f"{canary('mail', number)}@example.com", "order_id": f"o{number}"}
        padding = "x" * 3_000  # larger than what a page clears by the way
        opened.inbox.put([call([item(number, userId=canary("user", number), properties={**mail, "pad": padding})])])
        if number % 3 == 2:
            Drain(opened).once(NOON)
    Drain(opened).once(NOON)
    assert holders(site.root) == set(), "nor did it ever stand there in the clear"
    assert known(site.root)
    assert retain(opened, NOON + 300 * DAY).is_done
    assert (holders(site.root), known(site.root)) == (set(), False)
    opened.close()
    site.close()


def test_a_running_worker_removes_what_is_over_by_itself(project: Path, moved: Callable[[int], None]) -> None:
    """Nobody has to think of it: the worker of a server looks when it starts, and once a day."""
    moved(at(COLLECTED) + 30 * DAY)
    with working(project):
        assert within(30, lambda: len(proofs(project)) == 1)
    assert (holders(project), known(project)) == (set(), False)


def test_a_running_worker_does_at_once_what_people_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure that comes while it runs is carried out within seconds, also of a shop whose contract has no term."""
    monkeypatch.setattr(looping, "ASK", 100)
    root = tmp_path / "shop"
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "sources" / "orders.toml").write_text(ORDERS, "utf-8")
    rows = f"o1,{canary('customer')},2026-01-01T10:00:00Z,,,x\no2,other,2026-01-01T10:00:00Z,,,x\n"
    collect(root, tmp_path, "orders", "orders.csv", f"{HEAD}\n{rows}")
    with working(root):
        requests = Project(root).requests
        assert not requests.list()
        requests.note("orders", "erasure", "m-1", {"user_id": [canary("customer")]}, clock.now())
        requests.note("orders", "access", "m-2", {"user_id": ["other"]}, clock.now())
        assert within(30, lambda: [one.kind for one in requests.list(still_open=True)] == ["access"])
    assert (holders(root), known(root)) == (set(), False)
    assert known(root, "other")
    assert [proof["why"] for proof in proofs(root)] == ["request 1 (erasure)"]


def test_the_register_is_shown_by_when_it_is_due(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers, kinds, whom it is about, and what is overdue; one that was answered is closed, and forgets."""
    register = Project(project).requests
    register.note("amazon-eu", "access", "m-1", {"user_id": ["who-asks"]}, clock.now() - 40 * DAY)
    capsys.readouterr()
    assert run(["requests", "--project", str(project)]) == 1, "overdue"
    shown = capsys.readouterr().out
    assert "who-asks" in shown
    assert "overdue" in shown
    assert run(["requests", "done", "1", "--project", str(project)]) == 0
    assert run(["requests", "done", "1", "--project", str(project)]) == 2
    capsys.readouterr()
    assert run(["requests", "--json", "--project", str(project)]) == 0
    assert json.loads(capsys.readouterr().out) == {"requests": []}
    assert run(["requests", "--everything", "--json", "--project", str(project)]) == 0
    [one] = json.loads(capsys.readouterr().out)["requests"]
    assert (one["about"], one["overdue"], one["kind"]) == ({}, False, "access")


def test_what_was_removed_is_in_no_backup_taken_after_and_its_proofs_are(
    project: Path, tmp_path: Path, moved: Callable[[int], None]
) -> None:
    """A backup carries the proofs along; restored, their chain is whole and nothing that is over is back."""
    moved(at(COLLECTED) + 30 * DAY)
    assert run(["retain", "--project", str(project)]) == 0
    assert run(["doctor", "--project", str(project)]) == 0
    assert run(["backup", str(tmp_path / "backup.tar.zst"), "--project", str(project)]) == 0
    assert run(["restore", str(tmp_path / "backup.tar.zst"), str(tmp_path / "again")]) == 0
    assert (holders(tmp_path / "again"), known(tmp_path / "again")) == (set(), False)
    assert proofs(tmp_path / "again") == proofs(project)
    assert run(["retain", "--project", str(tmp_path / "again")]) == 0


@pytest.mark.outside("postgresql")
def test_on_postgresql_no_table_holds_what_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    """The same term, with the state in PostgreSQL: no row of any table says it any more, nor does any file here."""
    root = tmp_path / "seller"
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "seller"\nstate = "env:STATE_OF_SELLER"\n', "utf-8")
    (root / "sources" / "amazon-eu.toml").write_text(AMAZON, "utf-8")
    monkeypatch.setenv("STATE_OF_SELLER", postgres_url)
    with closing(Project(root)) as opened:
        source = opened.source("amazon-eu")
        for name, body in (("orders.json", json.dumps({"orders": [order(1)]})), ("shipments.txt", shipments(1))):
            collect_document(opened, source, name, body.encode(), at(COLLECTED))
        assert CANARY in readable(opened.log.state, opened.keyring)
        assert CANARY not in rows_of(opened)
        done = retain(opened, at(COLLECTED) + 30 * DAY)
        assert (done.is_done, done.bytes["state"]) == (True, "freed")
        assert CANARY not in readable(opened.log.state, opened.keyring)
        assert not retain(opened, at(COLLECTED) + 30 * DAY).sources[0].found
    assert (holders(root), known(root)) == (set(), False)


def rows_of(project: Project) -> str:
    """All that the tables of a state say."""
    with project.log.state.connect() as connection:
        return "".join(repr(connection.execute(table.select()).all()) for table in metadata.sorted_tables)


def test_without_a_term_nothing_is_removed(
    tmp_path: Path, moved: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A project whose contracts name no term keeps what it has, and says so."""
    (tmp_path / "cxm.toml").write_text('name = "empty"\n', "utf-8")
    moved(at(COLLECTED))
    assert run(["retain", "--project", str(tmp_path)]) == 0
    assert "No contract has a term" in capsys.readouterr().out
