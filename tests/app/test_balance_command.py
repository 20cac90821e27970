"""`cxm collects balance`: nothing that the door received is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.model.times import HOUR, MINUTE
from tests.app.small_site import NOON, call, item, make_site


@pytest.fixture
def site(tmp_path: Path) -> Project:
    """Calls of three minutes in two hours, of two sources; the last one still waits."""
    project = make_site(tmp_path / "site", "site", "shop")
    bad = {"type": "track", "userId": "u1"}
    project.inbox.put([call([item(1), item(2)], at=NOON - 2 * HOUR), call([item(2), item(3), bad])])
    project.inbox.put([call([item(4)], source="shop", at=NOON + MINUTE)])
    Drain(project).once(NOON + MINUTE)
    project.inbox.put([call([item(5), item(6)], at=NOON + 2 * MINUTE)])
    return project


def asked(project: Project, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The answer as a document."""
    assert run(["collects", "balance", *words, "--json", "--project", str(project.root)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_minute_adds_up(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Received is stored, duplicate, quarantined and waiting, for each minute and source of the last hour."""
    found = asked(site, capsys)
    keys = ("source", "received", "stored", "duplicate", "quarantined", "waiting", "adds_up")
    assert [tuple(row[key] for key in keys) for row in found["balance"]] == [
        ("site", 3, 1, 1, 1, 0, True),
        ("shop", 1, 1, 0, 0, 0, True),
        ("site", 2, 0, 0, 0, 2, True),
    ]
    assert tuple(found["total"][key] for key in keys[1:]) == (6, 2, 1, 1, 2, True)
    assert [row["minute"] for row in found["balance"]] == [
        "2026-02-16T12:00:00+00:00",
        "2026-02-16T12:01:00+00:00",
        None,
    ]


def test_a_span_and_a_source_can_be_asked_for(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """--since takes all that came from then on, --source leaves the others out."""
    assert asked(site, capsys, "--since", "2026-01-01")["total"]["received"] == 8
    assert asked(site, capsys, "--since", "2026-01-01", "--source", "shop")["total"]["received"] == 1
    assert asked(site, capsys, "--until", "2026-02-16T11:00")["total"]["stored"] == 2
    assert run(["collects", "balance", "--project", str(site.root)]) == 0
    assert "in the inbox" in capsys.readouterr().out


def test_a_minute_that_does_not_add_up_is_told(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a count is missing the answer is no."""
    from cxminute.store.arrivals import Arrivals, Minute  # noqa: PLC0415 -- what is falsified here

    monkeypatch.setattr(Arrivals, "balance", lambda *_: [Minute(NOON, "site", 3, 1, 1, 0)])
    assert run(["collects", "balance", "--project", str(site.root)]) == 1
    assert "no" in capsys.readouterr().out
