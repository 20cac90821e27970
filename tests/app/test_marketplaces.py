"""`cxm marketplaces`: side by side with the own shop, and what cannot be known is said and never 0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxminute.app.cli import run
from cxminute.app.told import unheard

EVENTS = """
[[events]]
name = "Order Completed"
at = "ordered"
[[events]]
name = "Order Delivered"
at = "delivered"
"""
BAZAAR = f"""name = "bazaar"
format = "csv"
key = ["order"]
[identifiers]
order_id = "order"
[properties]
total = {{ from = "total", type = "number" }}
currency = "currency"
due = {{ from = "due", type = "time" }}
{EVENTS}
[contract]
origin = "marketplace-regional"
purposes = ["service-optimisation"]
CONTRACT"""
FAIR = """name = "fair"
format = "csv"
key = ["order"]
[identifiers]
order_id = "order"
user_id = "customer"
[properties]
total = { from = "total", type = "number" }
fee = { from = "fee", type = "number" }
cost = { from = "cost", type = "number" }
rating = { from = "stars", type = "number" }
[[events]]
name = "Order Completed"
at = "ordered"
[[events]]
name = "Return Opened"
at = "returned"
[[events]]
name = "Seller Reviewed"
at = "reviewed"
[[events]]
name = "Message Received"
at = "wrote"
[contract]
origin = "marketplace-national"
purposes = ["service-optimisation"]
"""
SITE = f"""name = "site"
format = "csv"
key = ["order"]
[identifiers]
order_id = "order"
user_id = "customer"
[properties]
total = {{ from = "total", type = "number" }}
due = {{ from = "due", type = "time" }}
{EVENTS}
[contract]
origin = "first-party"
purposes = ["service-optimisation", "marketing"]
"""
DESK = """name = "desk"
format = "csv"
key = ["ticket"]
[identifiers]
ticket_id = "ticket"
order_id = "order"
[properties]
topic = "topic"
[[events]]
name = "Ticket Opened"
at = "opened"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
PROMISE = """name = "delivery"
per = "order_id"
made = '"Order Completed"'
due = "properties.due"
kept = '"Order Delivered"'
"""
FILES = {
    "bazaar": "order,ordered,delivered,due,total,currency\n"
    "1,2026-01-05T09:00,2026-01-07T09:00,2026-01-08T09:00,10,EUR\n"
    "2,2026-01-05T10:00,2026-01-09T09:00,2026-01-08T09:00,30,GBP\n"
    "3,2026-01-06T10:00,,2026-01-08T09:00,5,\n",
    "fair": "order,customer,ordered,returned,reviewed,wrote,total,fee,cost,stars\n"
    "1,ada,2026-01-05T09:00,2026-01-12T09:00,2026-01-12T10:00,2026-01-11T10:00,100,10,60,2\n"
    "2,bob,2026-01-05T09:00,,2026-01-13T10:00,,50,5,20,5\n"
    "3,ada,2026-01-08T09:00,,,,50,5,,\n",
    "site": "order,customer,ordered,delivered,due,total\n"
    "1,ada,2026-01-05T09:00,2026-01-07T09:00,2026-01-08T09:00,20\n"
    "2,eve,2026-01-05T09:00,2026-01-07T09:00,2026-01-08T09:00,20\n"
    "3,eve,2026-01-06T09:00,2026-01-07T09:00,2026-01-08T09:00,20\n"
    "4,joe,2026-01-20T09:00,2026-01-21T09:00,2026-01-23T09:00,20\n",
    "desk": "ticket,order,topic,opened\n7,1,where,2026-01-07T09:00\n8,2,where,2026-01-08T09:00\n",
}


def made(folder: Path, *, sources: dict[str, str], contract: str = "", collected: bool = True) -> Path:
    """A project of these sources, with the files of each in its log."""
    folder.mkdir()
    (folder / "cxm.toml").write_text('name = "seller"\ncurrency = "EUR"\n', "utf-8")
    for kind, texts in (("sources", sources), ("promises", {"delivery": PROMISE})):
        (folder / kind).mkdir()
        for name, text in texts.items():
            (folder / kind / f"{name}.toml").write_text(text.replace("CONTRACT", contract), "utf-8")
    for name in sources if collected else ():
        (folder / f"{name}.csv").write_text(FILES[name], "utf-8")
        assert run(["collect", str(folder / f"{name}.csv"), "--source", name, "--project", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two marketplaces, a site and a desk."""
    sources = {"bazaar": BAZAAR, "fair": FAIR, "site": SITE, "desk": DESK}
    return made(tmp_path_factory.mktemp("markets") / "seller", sources=sources)


def told(project: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """The rows of the document, by source."""
    capsys.readouterr()
    assert run(["marketplaces", "--json", *options, "--project", str(project)]) == 0
    return {row["source"]: row for row in json.loads(capsys.readouterr().out)["marketplaces"]}


def test_marketplaces_stand_before_the_own_shop_with_their_tier(
    seller: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row for each source of orders; a desk is no shop, whoever's it is."""
    rows = told(seller, capsys)
    assert [(name, row["tier"]) for name, row in rows.items()] == [
        ("bazaar", "regional"),
        ("fair", "national"),
        ("site", None),
    ]
    assert [row["orders"]["value"] for row in rows.values()] == [3, 3, 4]


def test_what_a_source_cannot_tell_is_said_and_is_no_zero(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No customers, no returns, no reviews, no costs on the bazaar: each figure is empty, with its reason."""
    bazaar = told(seller, capsys)["bazaar"]
    for name, what in (("returned", "returns"), ("repeat", "customers"), ("rating", "reviews")):
        assert bazaar[name]["value"] is None
        assert bazaar[name]["why"] == f"'bazaar' cannot tell {what}"
    assert bazaar["contacts"]["why"].startswith("no source has told")
    assert all(row["margin"] is None and row["refunded"] is None for row in bazaar["money"]["by_currency"])


def test_two_currencies_of_a_marketplace_are_two_figures(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Euros and pounds stand apart; an order that names none is in the project's currency."""
    money = told(seller, capsys)["bazaar"]["money"]["by_currency"]
    assert {row["currency"]: row["total"] for row in money} == {"EUR": 15.0, "GBP": 30.0}


def test_what_is_told_is_counted(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Margin over the orders with a cost, a return of three, two reviews, ada twice, one message without a number."""
    fair = told(seller, capsys)["fair"]
    [money] = fair["money"]["by_currency"]
    assert (money["total"], money["costed"], money["margin"], money["fee"]) == (200.0, 2, 55.0, 20.0)
    assert fair["returned"]["value"] == pytest.approx(1 / 3)
    assert (fair["rating"]["value"], fair["rating"]["n"]) == (3.5, 2)
    assert (fair["repeat"]["value"], fair["repeat"]["n"]) == (0.5, 2)
    assert fair["contacts"]["value"] == pytest.approx(1 / 3)


def test_the_desk_counts_for_the_shop_whose_orders_it_names(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Order 1 of the site is not order 1 of a marketplace: its ticket counts there and nowhere else."""
    rows = told(seller, capsys)
    assert rows["site"]["contacts"]["value"] == 0.5
    assert rows["bazaar"]["contacts"]["value"] is None


def test_customers_are_compared_only_where_linking_is_allowed(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The contract of a marketplace refuses it: the clause is named, and ada of the fair is nobody's ada."""
    rows = told(seller, capsys)
    assert rows["fair"]["overlap"]["value"] is None
    assert "no-linking" in rows["fair"]["overlap"]["why"]
    assert (rows["site"]["repeat"]["value"], rows["site"]["repeat"]["n"]) == (pytest.approx(1 / 3), 3)


def test_promises_are_those_of_the_ledger(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One promise over both sides, told by the source that made it, as `cxm promises --by source` has it."""
    rows = told(seller, capsys)
    [bazaar], [site] = rows["bazaar"]["promises"], rows["site"]["promises"]
    assert (bazaar["made"], bazaar["n"], bazaar["value"]) == (3, 3, pytest.approx(1 / 3))
    assert (site["made"], site["value"]) == (4, 1.0)
    assert rows["fair"]["promises"] == []
    assert run(["promises", "--by", "source", "--json", "--project", str(seller)]) == 0
    [promise] = json.loads(capsys.readouterr().out)["promises"]
    assert {row["value"]: row["share_kept"] for row in promise["groups"]}["bazaar"] == bazaar["value"]


def test_a_promise_that_nobody_tells_was_kept_has_no_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A marketplace that tells no deliveries has not kept 0 % of its promises: it is said, also beside the ledger."""
    deaf = BAZAAR.replace('[[events]]\nname = "Order Delivered"\nat = "delivered"\n', "")
    project = made(tmp_path / "deaf", sources={"bazaar": deaf, "site": SITE})
    rows = told(project, capsys)
    [bazaar], [site] = rows["bazaar"]["promises"], rows["site"]["promises"]
    assert (bazaar["made"], bazaar["value"], bazaar["n"]) == (3, None, 0)
    assert bazaar["why"] == "'bazaar' cannot tell Order Delivered"
    assert site["value"] == 1.0
    assert run(["marketplaces", "--chart", str(tmp_path / "m.svg"), "--project", str(project)]) == 0
    assert "cannot tell Order Delivered, so nobody knows which of its 'delivery' were kept." in capsys.readouterr().err
    assert "kept on bazaar" not in (tmp_path / "m.svg").read_text("utf-8")
    assert run(["promises", "--project", str(project)]) == 0
    said = capsys.readouterr().err
    assert "'bazaar' cannot tell Order Delivered: nobody knows which of its promises 'delivery' were kept" in said
    assert "'site'" not in said
    assert run(["minute", "--week", "2026-W02", "--project", str(project)]) == 0
    brief = capsys.readouterr()
    assert "Left out: 3 promises 'delivery', because 'bazaar' cannot tell Order Delivered." in brief.err
    assert "delivery 100%." in brief.out


def test_deliveries_that_another_source_tells_count_for_the_marketplace() -> None:
    """A source that tells no deliveries itself has a share as soon as its promises are known to be kept or late."""
    ledger = pa.table({"source": ["bazaar", "bazaar", "fair", "site"], "state": ["late", "overdue", "overdue", "none"]})
    quiet = {name: f"'{name}' cannot tell it" for name in ("bazaar", "fair", "site")}
    assert unheard(quiet, ledger) == {"fair": "'fair' cannot tell it"}


def test_a_span_counts_orders_by_when_they_were_placed(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--since and --until cut orders, customers and reviews; --as-of closes the log: what comes later is not seen."""
    late = told(seller, capsys, "--since", "2026-01-06", "--until", "2026-01-10")
    assert [row["orders"]["value"] for row in late.values()] == [1, 1, 1]
    assert late["fair"]["rating"]["value"] is None
    assert late["fair"]["repeat"]["value"] == 0.0
    early = told(seller, capsys, "--as-of", "2026-01-06T00:00")
    assert early["site"]["orders"]["value"] == 2
    assert early["site"]["contacts"]["value"] == 0


def test_a_span_without_orders_says_so(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No orders are no revenue that was not told: the cell says that there were none, and no reason stands below."""
    capsys.readouterr()
    assert run(["marketplaces", "--since", "2027-01-01", "--project", str(seller)]) == 0
    shown = capsys.readouterr()
    [fair] = [line for line in shown.out.splitlines() if line.lstrip().startswith("fair")]
    assert fair.split()[2:9] == ["0", "no", "orders", "no", "orders", "no", "orders"]
    assert "None told yet" not in shown.err


def test_groups_below_the_contracts_smallest_are_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a smallest group of five, three orders show no figure at all, money neither."""
    sources = {"bazaar": BAZAAR, "site": SITE}
    few = told(made(tmp_path / "few", sources=sources, contract="smallest_group = 5\n"), capsys)["bazaar"]
    assert few["orders"]["value"] is None
    assert few["orders"]["why"] == "fewer than 5"
    assert few["money"]["by_currency"] == []
    assert (few["promises"][0]["made"], few["promises"][0]["value"]) == (None, None)
    assert all(few[name]["value"] is None for name in ("cancelled", "returned", "repeat", "contacts"))


def test_the_table_and_the_picture_say_the_same(
    seller: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """People see a row a source and why a figure is missing; --chart draws it, in the form that the name ends in."""
    capsys.readouterr()
    assert run(["marketplaces", "--chart", str(tmp_path / "m.svg"), "--project", str(seller)]) == 0
    shown = capsys.readouterr()
    assert "15 EUR, 30 GBP" in shown.out
    assert "not allowed" in shown.out
    assert "'bazaar' cannot tell returns." in shown.err
    picture = (tmp_path / "m.svg").read_text("utf-8")
    assert picture.startswith("<svg")
    for word in ("bazaar (regional)", "fair (national)", "site (own shop)", "delivery: 33% kept on bazaar"):
        assert word in picture
    assert "not told" in picture


def test_without_a_marketplace_there_is_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project of own shops alone is told how a source is said to be a marketplace's."""
    project = made(tmp_path / "own", sources={"site": SITE}, collected=False)
    assert run(["marketplaces", "--project", str(project)]) == 2
    assert "No source is a marketplace." in capsys.readouterr().err


def test_an_empty_log_is_not_taken_for_zeros(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything was collected every figure is empty, with the reason that nothing was told yet."""
    project = made(tmp_path / "new", sources={"bazaar": BAZAAR, "site": SITE}, collected=False)
    rows = told(project, capsys)
    assert rows["bazaar"]["orders"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "why": "'bazaar' has told no orders yet",
    }
    assert rows["bazaar"]["insights"]["ids"] is None
    assert "log is empty" in rows["bazaar"]["insights"]["why"]


def test_a_purpose_that_a_marketplace_does_not_allow_leaves_it_out(
    seller: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For marketing only the own shop may be read: marketplaces have no row, and the refusal is told."""
    rows = told(seller, capsys, "--purpose", "marketing")
    assert list(rows) == ["site"]
