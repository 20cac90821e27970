"""Which source an insight needed, and what a source can tell at all."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from cxminute.app.analysis import view
from cxminute.app.brief import tell_week
from cxminute.app.cli import run
from cxminute.app.needing import needed
from cxminute.app.options import Reading
from cxminute.app.project import Project
from cxminute.app.told import tells_of
from tests.app.test_marketplaces import BAZAAR, SITE, made

FIRST = date(2026, 1, 5)
WEEKS = 8
ANY = """name = "any"
format = "ndjson"
key = ["id"]
[identifiers]
order_id = "order"
[properties]
total = { from = "total", type = "number" }
[[events]]
name = { from = "event" }
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""


def collect(project: Path, name: str, *, late_at_last: int) -> None:
    """Twenty orders a day, due in two days; of those due from the last whole week on so many a day come a day late."""
    lines = ["order,customer,ordered,delivered,due,total,currency"]
    for day in range(7 * WEEKS + 4):
        for number in range(20):
            ordered = FIRST + timedelta(days=day)
            slow = day >= 7 * (WEEKS - 1) - 2 and number < late_at_last
            came = ordered + timedelta(days=3 if slow else 1)
            due = ordered + timedelta(days=2)
            lines.append(f"{day}-{number},c{number},{ordered}T09:00,{came}T08:00,{due}T09:00,20,EUR")
    (project / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    assert run(["collect", str(project / f"{name}.csv"), "--source", name, "--project", str(project)]) == 0


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketplace whose last week is bad, and a site whose weeks are all alike."""
    project = made(tmp_path_factory.mktemp("needed") / "p", sources={"bazaar": BAZAAR, "site": SITE}, collected=False)
    collect(project, "bazaar", late_at_last=14)
    collect(project, "site", late_at_last=0)
    return project


def test_an_insight_needed_the_source_without_which_it_is_none(
    seller: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bad week is the marketplace's: without its orders nothing would be news, without the site's all the same."""
    week, found = needed(view(Reading(project=seller)), ("bazaar", "site"), tells_of(Project(seller)))
    assert week == tell_week(view(Reading(project=seller))).brief.week
    assert found == {"bazaar": ["promise delivery|late|up"], "site": []}
    capsys.readouterr()
    assert run(["marketplaces", "--json", "--project", str(seller)]) == 0
    rows = {row["source"]: row for row in json.loads(capsys.readouterr().out)["marketplaces"]}
    assert rows["bazaar"]["insights"] == {"ids": ["promise delivery|late|up"], "why": None}
    assert rows["site"]["insights"] == {"ids": [], "why": None}


def test_a_gap_that_no_part_explains_is_told_without_an_explanation(seller: Path) -> None:
    """The two sides differ and carry nothing that tells them apart: the brief says the gap, and no reason for it."""
    [line] = tell_week(view(Reading(project=seller))).brief.compared
    assert line.text.endswith("100% on site; no one part explains the gap.")


def test_without_a_marketplace_the_brief_compares_nothing(tmp_path: Path) -> None:
    """A shop by itself has nothing to stand beside, and its brief is as it was."""
    project = made(tmp_path / "own", sources={"site": SITE}, collected=False)
    collect(project, "site", late_at_last=14)
    told = tell_week(view(Reading(project=project)))
    assert told.brief.compared == ()
    assert told.compared.num_rows == 0
    assert told.brief.items


def test_a_source_of_any_events_is_known_by_what_it_has_told(tmp_path: Path) -> None:
    """Where events are named by a column, none is impossible, and what never came is said to have not come yet."""
    project = made(tmp_path / "any", sources={"any": ANY}, collected=False)
    (project / "promises" / "delivery.toml").unlink()
    row = {"id": "1", "order": "1", "event": "Order Completed", "at": "2026-01-05T09:00:00Z", "total": 3}
    (project / "any.ndjson").write_text(json.dumps(row) + "\n", "utf-8")
    assert run(["collect", str(project / "any.ndjson"), "--source", "any", "--project", str(project)]) == 0
    tells = tells_of(Project(project))["any"]
    assert tells.why_not("orders", "Order Completed") == ""
    assert tells.why_not("returns", "Return Opened") == "'any' has told no returns yet"
    assert not tells.customers


def test_a_reader_says_what_its_source_can_tell(tmp_path: Path) -> None:
    """Amazon tells returns, no customers and no costs, before a single document was collected."""
    assert run(["init", str(tmp_path / "p"), "--template", "marketplace-seller"]) == 0
    tells = tells_of(Project(tmp_path / "p"))
    assert tells["amazon"].can("Return Opened", "Order Refunded")
    assert not tells["amazon"].can("Order Completed", path="properties.cost")
    assert not tells["amazon"].customers
    assert tells["shopify"].customers
    assert not tells["desk"].can("Order Completed")
    assert tells["desk"].why_not("orders", "Order Completed") == "'desk' cannot tell orders"
