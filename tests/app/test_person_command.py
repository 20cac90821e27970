"""`cxm person`: what one person did, from the log as it stands; nothing personal, nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from tests.app.small_site import NOON, SOURCE, call, item, make_site


@pytest.fixture
def site(tmp_path: Path) -> Project:
    """A site that was told of ada on two days, of a visitor, and by its partner of another ada."""
    project = make_site(tmp_path / "site", "site")
    partner = (
        SOURCE.format(name="partner")
        .replace("first-party", "marketplace-global")
        .replace("service-optimisation", "legal-compliance")
    )
    (project.root / "sources" / "partner.toml").write_text(partner, "utf-8")
    project = Project(project.root)
    ada: dict[str, Any] = {"userId": "ada", "anonymousId": "cookie-1"}
    project.inbox.put(
        [
            call([item(1, **ada), item(2, **ada, event="Order Cancelled")]),
            call([item(3, userId=None, anonymousId="cookie-2", event="Product Viewed")]),
            call([item(4, userId="ada", event="Secretly Bought")], source="partner"),
        ]
    )
    Drain(project).once(NOON)
    return project


def asked(project: Project, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The answer as a document."""
    assert run(["person", *words, "--json", "--project", str(project.root)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_persons_events_are_shown_the_newest_last(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Identifiers, first and last seen, sources, and each event with its open properties."""
    found = asked(site, capsys, "ada")
    assert found["identifiers"].pop("email") == ["u...@e... #3", "u...@e... #4"]
    assert found["identifiers"] == {"anonymous_id": ["cookie-1"], "order_id": ["o1", "o2"], "user_id": ["ada"]}
    assert (found["count"], [row["source"] for row in found["sources"]]) == (2, ["site"])
    assert [event["name"] for event in found["events"]] == ["Order Completed", "Order Cancelled"]
    assert (found["first_at"], found["last_at"]) == ("2026-02-02T10:01:00+00:00", "2026-02-03T10:02:00+00:00")
    first = found["events"][0]
    assert (first["id"], first["properties"]["properties.total"], first["properties"]["properties.colour"]) == (
        "m1", 1.0, "red"
    )  # fmt: skip


def test_what_is_personal_is_not_shown(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """An e-mail address that came with an event stands in no answer, and the answer says so."""
    assert run(["person", "ada", "--project", str(site.root)]) == 0
    shown = capsys.readouterr().out
    assert "example.com" not in shown + json.dumps(asked(site, capsys, "ada"))
    assert "Personal values are not shown" in shown


def test_a_visitor_is_found_by_a_cookie_and_a_thing_by_its_number(
    site: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --kind any identifier that a person can have is looked for; with it, an order as well."""
    assert [event["name"] for event in asked(site, capsys, "cookie-2")["events"]] == ["Product Viewed"]
    assert asked(site, capsys, "cookie-1", "--kind", "anonymous_id")["count"] == 2
    assert asked(site, capsys, "o2", "--kind", "order_id")["identifiers"]["user_id"] == ["ada"]


def test_what_many_share_shows_nobodys_events(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A cookie of six users is nobody's: it shows none of their events, and --why says what it was known with."""
    site.inbox.put([call([item(20 + n, userId=f"reader-{n}", anonymousId="library", properties={}) for n in range(6)])])
    Drain(site).once(NOON)
    found = asked(site, capsys, "library", "--why")
    assert (found["count"], found["identifiers"], found["nobody"]) == (0, {}, {"anonymous_id": ["library"]})
    assert [one["why"] for one in found["why"]["nobody"]] == ["shared"]
    assert {one["why"] for one in found["why"]["refused"]} == {"shared"}
    assert found["why"]["links"] == []
    assert asked(site, capsys, "reader-3")["identifiers"] == {"user_id": ["reader-3"]}


def test_a_span_and_a_limit_say_which_events(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """--since and --until count by when events happened; --limit keeps the newest."""
    assert asked(site, capsys, "ada", "--limit", "1")["events"][0]["name"] == "Order Cancelled"
    assert asked(site, capsys, "ada", "--until", "2026-02-03")["count"] == 1
    nothing = asked(site, capsys, "ada", "--since", "2027-01-01")
    assert (nothing["count"], nothing["events"], nothing["first_at"]) == (0, [], None)


def test_only_what_the_permit_covers_is_read(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """For each purpose the sources that allow it are read, and no other; a marketplace's ada is another person."""
    found = asked(site, capsys, "ada", "--purpose", "legal-compliance")
    assert [event["name"] for event in found["events"]] == ["Secretly Bought"]
    assert found["identifiers"]["user_id"] == ["ada"]
    assert "Secretly" not in json.dumps(asked(site, capsys, "ada"))


def test_nobody_is_told_apart_from_everybody(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """An identifier that nobody has is refused without naming anybody's; an unknown kind names the nearest."""
    for words in (["adda"], ["cookie-3"], ["cookie-2", "--purpose", "legal-compliance"], ["ada", "--kind", "order_id"]):
        assert run(["person", *words, "--project", str(site.root)]) == 2
        said = capsys.readouterr().err
        assert "Nobody has that" in said
        assert not {"ada'", "cookie-1", "cookie-2", "o1"} & set(said.replace(".", " ").split())
    assert run(["person", "ada", "--kind", "user-id", "--project", str(site.root)]) == 2
    assert "Did you mean 'user_id'?" in capsys.readouterr().err
