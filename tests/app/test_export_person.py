"""`cxm export`: everything held on one person, for them, and nothing of anybody else."""

from __future__ import annotations

import csv
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from cxminute.app import clock
from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.app.rights.handing_over import neutral
from cxminute.app.rights.retaining import retain
from cxminute.model.times import DAY
from cxminute.store.schema import PERSONAL
from cxminute.store.state import writing
from cxminute.store.vault import called_events
from tests.app.small_site import NOON, SOURCE, call, item, make_site

JOURNEY = 'name = "buys"\nper = "person"\npattern = \'"Product Viewed" -> "Order Completed"\'\nwindow = "9 days"\n'
PROMISE = (
    'name = "delivery"\nper = "order_id"\nmade = \'"Order Completed"\'\ndue = "3 days after made"\n'
    "kept = '\"Order Delivered\"'\ntarget = 0.9\n"
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A shop that knows ada well, bob a little, and a carrier's word on their orders; one order is of both."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    project = make_site(tmp_path / "site", "site")
    for folder, text in (("journeys", JOURNEY), ("promises", PROMISE)):
        (project.root / folder).mkdir()
        (project.root / folder / "one.toml").write_text(text, "utf-8")
    bought = SOURCE.format(name="bought").replace('"first-party"', '"third-party"')
    term = 'purposes = ["service-optimisation", "service-provision"]\nkeep_personal = "30 days"'
    own = SOURCE.format(name="site").replace('purposes = ["service-optimisation"]', term)
    for name, text in (("bought", bought), ("site", own)):
        (project.root / "sources" / f"{name}.toml").write_text(text, "utf-8")
    project = Project(project.root)
    ada: dict[str, Any] = {"userId": "ada", "anonymousId": "cookie-1"}
    mine = {"order_id": "o1", "total": 5, "colour": "=red()", "email": "ada@shop.example", "note": "ring at Ada's"}
    both = {"order_id": "o9", "total": 7, "email": "bob@shop.example"}
    project.inbox.put(
        [
            call(
                [
                    item(1, **ada, event="Product Viewed", properties={"order_id": None}),
                    item(2, **ada, properties=mine),
                    item(3, userId="bob", properties=both),
                    item(4, **ada, event="Order Looked At", properties={"order_id": "o9"}),
                    item(5, userId="zoe", event="Order Completed", properties={"order_id": "o8"}),
                ]
            ),
            call([item(6, **ada, event="Scored", properties={"score": 7})], source="bought"),
        ]
    )
    Drain(project).once(NOON)
    return project


def exported(site: Project, out: Path, *words: str) -> dict[str, Any]:
    """The document of an export."""
    assert run(["export", *words, "--out", str(out), "--project", str(site.root)]) == 0
    with zipfile.ZipFile(out) as archive:
        found: dict[str, Any] = json.loads(archive.read("person.json"))
    return found


def test_everything_held_on_a_person_is_in_it(site: Project, tmp_path: Path) -> None:
    """Identifiers, every event with its open and personal values, where from, what for, journeys and promises."""
    found = exported(site, tmp_path / "ada.zip", "ada")
    said = {(row["kind"], row["value"], row["state"]) for row in found["identifiers"]}
    assert {("user_id", "ada", "held"), ("anonymous_id", "cookie-1", "held")} <= said
    assert [event["name"] for event in found["events"]] == [
        "Product Viewed", "Order Completed", "Order Looked At", "Scored"
    ]  # fmt: skip
    order = found["events"][1]
    assert order["personal"] == {"properties.email": "ada@shop.example", "properties.note": "ring at Ada's"}
    assert (order["about"], order["values"]["properties.total"]) == ({"order_id": "o1"}, 5.0)
    assert [row["source"] for row in found["sources"]] == ["bought", "site"]
    assert [row["basis"] for row in found["sources"][1]["purposes"]] == ["legitimate-interest", "contract"]
    assert found["sources"][1]["personal_kept"] == "30 days after each event"
    assert [row["ending"] for row in found["passages"]] == ["completed"]
    assert [(row["promise"], row["about"]) for row in found["promises"]] == [("delivery", "o1")]
    assert found["links"], "why this is one person"
    assert found["decisions"] == []
    assert found["notes"][0].startswith("No decision")


def test_nothing_of_anybody_else_is_in_it(site: Project, tmp_path: Path) -> None:
    """An order that another bought too is named where they named it; who else it is of, and what they said, is not."""
    out = tmp_path / "ada.zip"
    found = exported(site, out, "ada")
    assert found["events"][2]["about"] == {"order_id": "o9"}
    with zipfile.ZipFile(out) as archive:
        said = "".join(archive.read(name).decode() for name in archive.namelist())
    assert not [word for word in ("bob", "zoe", "o8") if word in said]
    theirs = {row["number"] for row in found["identifiers"]}
    assert {row[end] for row in found["links"] for end in ("a", "b")} <= theirs


def test_rows_in_quarantine_that_name_them_are_theirs_too(site: Project, tmp_path: Path) -> None:
    """What could not become an event is held all the same; a row that names somebody else is not handed out."""
    for number, who in ((30, "cookie-1"), (31, "cookie-2")):
        broken = item(number, userId=None, anonymousId=who, timestamp="once upon a time")
        site.inbox.put([call([broken])])
    Drain(site).once(NOON)
    rows = exported(site, tmp_path / "ada.zip", "ada")["quarantine"]
    assert [(row["source"], "cookie-1" in row["row"]) for row in rows] == [("site", True)]


def test_what_is_taken_elsewhere_is_what_they_gave(site: Project, tmp_path: Path) -> None:
    """Portable are events on consent or a contract that we had from them: nothing bought, nothing concluded."""
    found = exported(site, tmp_path / "ada.zip", "ada", "--portable")
    assert [event["source"] for event in found["events"]] == ["site"] * 3
    assert not {"links", "merges", "passages", "promises", "decisions"} & set(found)


def test_a_purpose_leaves_what_contracts_allow_for_it(site: Project, tmp_path: Path) -> None:
    """Without one all is theirs; for one, only what contracts name it for, unless they objected to it."""
    found = exported(site, tmp_path / "ada.zip", "ada", "--purpose", "service-provision")
    assert {event["source"] for event in found["events"]} == {"site"}
    assert found["purpose"] == "service-provision"
    assert run(["requests", "add", "objection", "--about", "ada", "--project", str(site.root)]) == 0
    refused = ["export", "ada", "--purpose", "service-optimisation", "--out", str(tmp_path / "no.zip")]
    assert run([*refused, "--project", str(site.root)]) == 1
    assert exported(site, tmp_path / "theirs.zip", "ada")["consents"][0]["said"] == "objected"


def test_a_spreadsheet_runs_nothing_of_it(site: Project, tmp_path: Path) -> None:
    """A cell of text that begins as a formula does is led by an apostrophe; numbers stay numbers."""
    out = tmp_path / "tables"
    assert run(["export", "ada", "--format", "csv", "--out", str(out), "--project", str(site.root)]) == 0
    with (out / "values.csv").open(encoding="utf-8", newline="") as file:
        values = {row["path"]: row["value"] for row in csv.DictReader(file) if row["event"] == "m2"}
    assert values["properties.colour"] == "'=red()"
    assert (values["properties.total"], values["properties.note"]) == ("5.0", "ring at Ada's")
    assert [neutral(cell) for cell in ("@x", "-1", -1, "a=b")] == ["'@x", "'-1", -1, "a=b"]
    assert not (out / "person.json").exists()


def test_only_whoever_runs_it_can_read_the_file_and_it_is_noted(site: Project, tmp_path: Path) -> None:
    """The file is closed to others from its first byte; what is there is never written over, nor below `.cxm`."""
    out = tmp_path / "ada.zip"
    exported(site, out, "ada")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = exported(site, tmp_path / "again.zip", "ada")
    assert [(row["recipient"], row["purpose"]) for row in again["disclosures"]] == [("the person", "legal-compliance")]
    for place in (out, site.folder / "ada.zip", tmp_path):
        assert run(["export", "ada", "--out", str(place), "--project", str(site.root)]) == 2
    assert run(["export", "ada", "--format", "xml", "--out", str(tmp_path / "x.zip"), "--project", str(site.root)]) == 2
    assert run(["export", "nobody", "--out", str(tmp_path / "x.zip"), "--project", str(site.root)]) == 2
    assert not (tmp_path / "x.zip").exists()


def test_what_is_erased_or_past_its_term_is_said_to_be(
    site: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value whose key was destroyed shows as erased; one that the contract's term removed as past its term."""
    cookie = site.vault.number("anonymous_id", "cookie-1")
    assert cookie is not None
    site.vault.erase([("person", cookie)])
    erased = exported(site, tmp_path / "one.zip", "ada")["identifiers"]
    assert [row["value"] for row in erased if row["state"] == "erased"] == [None]
    later = NOON + 60 * DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    assert retain(site, later).is_done
    events = exported(site, tmp_path / "two.zip", "ada")["events"]
    assert [event["personal_state"] for event in events if event["source"] == "site"] == ["past its term"] * 3
    assert events[1]["values"]["properties.total"] == 5.0


def test_an_identifier_that_many_share_is_nobodys_to_have(site: Project, tmp_path: Path) -> None:
    """What stands under a cookie of a shop's till is of all who stood there: nobody is handed it."""
    till = [item(20 + one, userId=f"shopper{one}", anonymousId="till") for one in range(6)]
    site.inbox.put([call(till)])
    Drain(site).once(NOON)
    assert run(["export", "till", "--out", str(tmp_path / "x.zip"), "--project", str(site.root)]) == 2
    assert not (tmp_path / "x.zip").exists()


def test_an_event_of_another_source_that_bears_the_same_id_is_not_handed_out(site: Project) -> None:
    """Ids are unique in their source: a carrier's word on ada's order brings no value of somebody else's event."""
    site.inbox.put([call([item(50, userId="zoe", properties={"email": "zoe@shop.example"})], source="bought")])
    Drain(site).once(NOON)
    before, after = called_events(site.keyring, "bought", ["m50", "m2"])
    with writing(site.log.state).begin() as connection:  # as if nobody had been named, with an id that the site has too
        connection.execute(update(PERSONAL).where(PERSONAL.c.event == before).values(event=after, profile=None))
    assert site.holdings.personal((), {("site", "m2"), ("site", "m6")}) == {}
    assert list(site.holdings.personal((), {("bought", "m2")})) == [("bought", "m2")]


def test_quarantine_is_read_of_the_sources_that_are_asked_for(site: Project) -> None:
    """Rows of other sources, and such as name nobody asked for, are left out."""
    for number, source in ((40, "site"), (41, "bought")):
        broken = item(number, anonymousId="cookie-1", timestamp="once upon a time")
        site.inbox.put([call([broken], source=source)])
    Drain(site).once(NOON)
    [row] = site.holdings.quarantined({"cookie-1"}, ["bought"])
    assert (row["source"], "m41" in row["row"]) == ("bought", True)
    assert sorted(row) == ["number", "reason", "row", "source"]
    assert not site.holdings.quarantined({"cookie-9"}, ["site", "bought"])
