"""A year of a UK online shop, from the file to a journey, against facts counted apart."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from cxminute.app.cli import run
from cxminute.app.project import Project

pytestmark = pytest.mark.outside("shared")


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """The year, collected by the template's mapping."""
    root = tmp_path_factory.mktemp("retail") / "r"
    assert run(["init", str(root), "--template", "online-retail"]) == 0
    assert run(["collect", str(shared / "online_retail.parquet"), "--project", str(root)]) == 0
    return root


def volumes(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Events by name."""
    capsys.readouterr()
    assert run(["events", "--json", "--project", str(root)]) == 0
    return {row["name"]: row["events"] for row in json.loads(capsys.readouterr().out)["events"]}


def test_every_line_counts(retail: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """541,909 lines come in, those that repeat another to the letter among them; guests and returns are told apart."""
    file = (shared / "online_retail.parquet").as_posix()
    lines = f"FROM '{file}' WHERE Quantity"
    facts = {
        "Product Purchased": f"{lines} > 0 AND CustomerID IS NOT NULL",
        "Product Returned": f"{lines} < 0 AND CustomerID IS NOT NULL",
        "Product Purchased (no customer)": f"{lines} > 0 AND CustomerID IS NULL",
        "Product Returned (no customer)": f"{lines} < 0 AND CustomerID IS NULL",
    }
    counted = {name: duckdb.execute(f"SELECT count(*) {where}").fetchall()[0][0] for name, where in facts.items()}
    found = volumes(retail, capsys)
    assert {name: found[name] for name in facts} == counted
    assert sum(counted.values()) == 541_909
    assert Project(retail).log.collects()[0].counts.rows == 541_909


def test_an_order_is_a_customer_and_a_time(retail: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file has no invoice number: lines of one customer at one time are one order."""
    file = (shared / "online_retail.parquet").as_posix()
    orders = duckdb.execute(
        f"SELECT count(DISTINCT (CustomerID, InvoiceDate)) FROM '{file}' WHERE CustomerID IS NOT NULL AND Quantity > 0"  # noqa: S608 -- our own file
    ).fetchall()[0][0]
    assert volumes(retail, capsys)["Order Placed"] == orders


def test_repeat_purchases_are_found(retail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journey's passages all open, end at most once, and complete within their window."""
    capsys.readouterr()
    assert run(["journeys", "repeat-purchase", "--json", "--project", str(retail)]) == 0
    [journey] = json.loads(capsys.readouterr().out)["journeys"]
    ends = journey["endings"]
    assert ends["opened"] == ends["completed"] + ends["broken"] + ends["expired"] + ends["open"]
    first, second = journey["funnel"]
    assert (first["reached"], second["reached"]) == (ends["opened"], ends["completed"])
    assert 0.6 < ends["share"] < 0.9
    took = {row["ending"]: row for row in journey["times"]}
    assert took["completed"]["median_ms"] < took["completed"]["p90_ms"] <= 90 * 86_400_000


def test_repeat_purchases_are_those_that_plain_sql_finds(
    retail: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who has a second order within 90 days of the first is counted the same by plain SQL."""
    file = (shared / "online_retail.parquet").as_posix()
    query = f"""
        WITH orders AS (SELECT DISTINCT CustomerID AS c, InvoiceDate AS t FROM '{file}'
                        WHERE CustomerID IS NOT NULL AND Quantity > 0),
             first AS (SELECT c, min(t) AS t FROM orders GROUP BY c)
        SELECT count(*) FROM first
        WHERE EXISTS (SELECT 1 FROM orders o WHERE o.c = first.c AND o.t > first.t AND o.t <= first.t + INTERVAL 90 DAY)
    """  # noqa: S608 -- our own file
    expected = duckdb.execute(query).fetchall()[0][0]
    path = retail / "journeys" / "second-order.toml"
    path.write_text(
        'name = "second-order"\nper = "person"\n'
        'pattern = \'"Order Placed" -> "Order Placed" within 90 days\'\nwindow = "90 days"\nreentry = "once"\n',
        "utf-8",
    )
    capsys.readouterr()
    try:
        assert run(["journeys", "second-order", "--json", "--project", str(retail)]) == 0
    finally:
        path.unlink()
    [journey] = json.loads(capsys.readouterr().out)["journeys"]
    assert journey["endings"]["completed"] == expected
