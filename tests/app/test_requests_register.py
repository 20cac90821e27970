"""The register of requests: what is asked, by when, who asks, and how it ended."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cxminute.app import clock
from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.app.rights.retaining import retain
from cxminute.model.times import DAY, from_ms, to_ms
from cxminute.store.requests import LONGER, MONTHS, due
from tests.app.small_site import NOON, call, item, make_site

ADA = "ada@shop.example"


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The clock, moved by hand."""
    here = [NOON]
    monkeypatch.setattr(clock, "now", lambda: here[0])
    return lambda moment: here.__setitem__(0, moment)


@pytest.fixture
def site(tmp_path: Path, moved: Callable[[int], None]) -> Project:
    """A site that knows ada by a name and an address, and bob."""
    moved(NOON)
    project = make_site(tmp_path / "site", "site")
    project.inbox.put(
        [call([item(1, userId="ada", properties={"order_id": "o1", "email": ADA}), item(2, userId="bob")])]
    )
    Drain(project).once(NOON)
    return project


def asked(site: Project, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """What a command of the register answers, as a document; of one that is refused what it says."""
    capsys.readouterr()
    assert run(["requests", *words, "--json", "--project", str(site.root)]) == code
    said = capsys.readouterr()
    return json.loads(said.out) if said.out else said.err


@pytest.mark.parametrize(
    ("received", "zone", "months", "last"),
    [
        ("2026-01-31T08:00+00:00", "UTC", MONTHS, "2026-02-28T23:59:59.999+00:00"),
        ("2028-01-31T08:00+00:00", "UTC", MONTHS, "2028-02-29T23:59:59.999+00:00"),
        ("2026-11-30T08:00+00:00", "UTC", LONGER, "2027-02-28T23:59:59.999+00:00"),
        ("2026-12-15T08:00+00:00", "UTC", MONTHS, "2027-01-15T23:59:59.999+00:00"),
        ("2026-03-10T23:30+00:00", "Europe/Berlin", MONTHS, "2026-04-11T23:59:59.999+02:00"),
    ],
)
def test_a_request_is_due_at_the_end_of_the_same_day_of_the_next_month(
    received: str, zone: str, months: int, last: str
) -> None:
    """Where a month has no such day it is its last one; the day of receipt is that of the project's zone."""
    found = due(to_ms(datetime.fromisoformat(received)), months, ZoneInfo(zone))
    assert from_ms(found) == datetime.fromisoformat(last)


def test_a_request_is_put_down_proved_extended_and_done(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step stands in the register with its day and its words; done, it no longer says whom it was about."""
    noted = asked(site, capsys, "add", "access", "--about", ADA, "--received", "2026-02-10")
    assert (noted["kind"], noted["about"], noted["checked"]) == ("access", {"@email": [ADA]}, None)
    assert noted["due"] == "2026-03-10T23:59:59.999000+00:00"
    checked = asked(site, capsys, "check", "1", "--how", "answered a mail")
    assert (checked["checked_how"], checked["checked"] is not None) == ("answered a mail", True)
    longer = asked(site, capsys, "extend", "1", "--because", "three archives are searched")
    assert (longer["due"][:10], longer["extended_because"]) == ("2026-05-10", "three archives are searched")
    assert "extended before" in asked(site, capsys, "extend", "1", "--because", "again", code=2)
    assert asked(site, capsys, "done", "1")["about"] == {}
    assert asked(site, capsys) == {"requests": []}
    assert "done already" in asked(site, capsys, "refuse", "1", "--because", "late", code=2)


def test_after_the_first_month_nothing_can_be_extended(
    site: Project, capsys: pytest.CaptureFixture[str], moved: Callable[[int], None]
) -> None:
    """Whoever asked must be told within the month; then it is overdue, and the list says so with its exit status."""
    asked(site, capsys, "add", "access", "--about", "ada")
    assert asked(site, capsys)["requests"][0]["overdue"] is False
    moved(NOON + 32 * DAY)
    assert "first month of request 1 is over" in asked(site, capsys, "extend", "1", "--because", "late", code=2)
    assert asked(site, capsys, code=1)["requests"][0]["overdue"] is True
    refused = asked(site, capsys, "refuse", "1", "--because", "we could not find out who asks")
    assert refused["refused_because"] == "we could not find out who asks"
    assert asked(site, capsys) == {"requests": []}


def test_nobody_outside_reads_whom_a_request_is_about(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It stands in no byte of the state, and once it is closed an older copy cannot be read either."""
    asked(site, capsys, "add", "access", "--about", "Qz7Canary@shop.example")
    held = [path for path in site.folder.rglob("*") if path.is_file() and b"Qz7Canary" in path.read_bytes()]
    assert held == []
    [key] = site.keyring.held("requests", [1])
    site.requests.done(1, NOON)
    assert site.keyring.held("requests", [1]) == [bytes(len(key))] != [key]


def test_an_objection_holds_before_anybody_is_asked_who_they_are(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a fact of consent from the moment it is put down, for its purpose or for all; so is a restriction."""
    asked(site, capsys, "add", "objection", "--about", "ada", "--purpose", "marketing")
    asked(site, capsys, "add", "restriction", "--about", "ada")
    facts = site.consents.facts().select(["purpose", "said", "how"]).to_pylist()
    assert {tuple(fact.values()) for fact in facts} == {
        ("marketing", "objected", "hand"), ("*", "restricted", "hand")
    }  # fmt: skip
    assert "Did you mean 'marketing'" in asked(
        site, capsys, "add", "objection", "--about", "ada", "--purpose", "markting", code=2
    )


def test_only_what_asks_for_removal_is_removed(site: Project) -> None:
    """A shop that passes on another wish than erasure gets nothing erased by it."""
    for number, kind in enumerate(("rectification", "objection", "restriction", "portability", "access")):
        site.requests.note("site", kind, f"m{number}", {"user_id": ["ada"]}, NOON)
    assert retain(site, NOON + DAY).sources == []
    assert site.vault.number("user_id", "ada") is not None
    assert len(site.requests.list(still_open=True)) == 5


def test_what_nobody_knows_is_asked_for_all_the_same(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A request about somebody unknown is put down, since it is to be answered; a wish that is none is refused."""
    assert asked(site, capsys, "add", "access", "--about", "nobody@shop.example")["about"] == {
        "@email": ["nobody@shop.example"]
    }
    assert "Did you mean 'erasure'" in asked(site, capsys, "add", "erasur", "--about", "ada", code=2)
    assert asked(site, capsys, "add", "access", "--about", "ada", "--received", "2030-01-01", code=2)
    assert "says nothing" in asked(site, capsys, "check", "1", "--how", " ", code=2)


def test_nobodys_data_leave_before_it_is_known_who_asks(
    site: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An export for a request needs the proof of identity, and is of the person whom the request is about."""
    out = tmp_path / "answer.zip"
    export = ["export", "--request", "1", "--out", str(out), "--project", str(site.root)]
    asked(site, capsys, "add", "portability", "--about", "ada")
    assert run(export) == 1
    assert "Nobody has checked who asks" in capsys.readouterr().err
    assert not out.exists()
    asked(site, capsys, "check", "1", "--how", "answered a mail")
    assert run(["export", "bob", *export[1:]]) == 2
    assert run(export) == 0
    with zipfile.ZipFile(out) as archive:
        document = json.loads(archive.read("person.json"))
    assert (document["portable"], [event["id"] for event in document["events"]]) == (True, [])
    assert asked(site, capsys)["requests"][0]["done"] is None, "handing it over is for people"


def test_an_order_is_nobodys_word(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Orders and people are numbered alike: an objection by an order holds for nobody, consent by one is refused."""
    noted = asked(site, capsys, "add", "objection", "--about", "o1", "--kind", "order_id")
    assert noted["about"] == {"order_id": ["o1"]}
    words = ["consent", "set", "o1", "marketing", "denied", "--kind", "order_id", "--because", "a letter"]
    assert run([*words, "--project", str(site.root)]) == 2
    assert "Nobody has that identifier" in capsys.readouterr().err
    assert site.consents.facts().num_rows == 0
