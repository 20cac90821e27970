"""One event of many rows: its id is of what the rows share, so that no single row can take it away."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from cxminute.app.cli import run
from cxminute.collect.rows import of_table
from tests.collect.sources import received, source_of

LINES = """
name = "lines"
format = "csv"
[identifiers]
order_id = "order"
ticket_id = "ticket"
[properties]
quantity = { from = "quantity", type = "number" }
[[events]]
name = "Order Placed"
at   = "at"
when = "quantity > 0"
once = "order_id"
properties = []
[[events]]
name = "Order Returned"
at   = "at"
when = "quantity < 0"
once = "order_id"
properties = []
[[events]]
name = "Ticket Opened"
at   = "at"
once = "ticket_id"
properties = []
[[events]]
name = "Line Told"
at   = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def test_what_is_told_once_has_an_id_of_its_own() -> None:
    """No two kinds of identifier share an id, nor two rules; and none looks like an event of a row ('#' and a number).

    Else a row that is told again without one of them would take it away.
    """
    table = pa.table({"order": ["7", "7"], "ticket": ["7", "7"], "at": ["2015-01-01"] * 2, "quantity": ["1", "-1"]})
    told = received(of_table(table), source_of(LINES)).events
    ids = dict(zip(told["name"].to_pylist(), told["id"].to_pylist(), strict=True))
    once = [ids[name] for name in ("Order Placed", "Order Returned", "Ticket Opened")]
    keys = [re.sub("#[0-9]+$", "", found) for found in once]
    assert keys == once
    assert [found[32:] for found in once] == ["~0", "~1", "~2"]
    assert once[0][:32] == once[1][:32] != once[2][:32]
    assert re.search("#3$", ids["Line Told"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with lines of orders."""
    root = tmp_path / "p"
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "sources" / "lines.toml").write_text(LINES, "utf-8")
    return root


def collect(project: Path, capsys: pytest.CaptureFixture[str], *lines: str) -> dict[str, int]:
    """One more file of lines collected; how many events of each name then stand in the log."""
    file = project.parent / "lines.csv"
    file.write_text("\n".join(["order,ticket,at,quantity", *lines]) + "\n", "utf-8")
    assert run(["collect", str(file), "--project", str(project)]) == 0
    capsys.readouterr()
    assert run(["events", "--json", "--project", str(project)]) == 0
    return {row["name"]: row["events"] for row in json.loads(capsys.readouterr().out)["events"]}


def test_an_event_told_once_stays_when_another_of_its_identifier_is_told_again(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A return that comes in a later file leaves the purchase of its order where it is."""
    both = collect(project, capsys, "o1,,2015-01-01,2", "o1,,2015-01-02,-1", "o2,,2015-01-03,1")
    assert (both["Order Placed"], both["Order Returned"]) == (2, 1)
    later = collect(project, capsys, "o1,,2015-01-02,-2", "o2,,2015-01-04,-1")
    assert (later["Order Placed"], later["Order Returned"]) == (2, 2)
    again = collect(project, capsys, "o1,,2015-01-01,2", "o1,,2015-01-02,-1", "o2,,2015-01-03,1")
    assert again == later
