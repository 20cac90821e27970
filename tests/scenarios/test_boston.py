"""The City of Boston's service requests of 2015, from the file to the brief, against facts counted apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.app.analysis import view
from cxminute.app.brief import tell_week
from cxminute.app.cli import run
from cxminute.app.options import Reading
from cxminute.minute.tell import words

pytestmark = pytest.mark.outside("shared")


@pytest.fixture(scope="module")
def boston(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """The year, collected by the template's mapping."""
    root = tmp_path_factory.mktemp("boston") / "d"
    assert run(["init", str(root), "--template", "boston-311"]) == 0
    file = shared / "boston311_2015.parquet"
    assert run(["collect", str(file), "--source", "boston-311", "--project", str(root)]) == 0
    return root


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    """What a command says with --json, of its one promise."""
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    [promise] = json.loads(capsys.readouterr().out)["promises"]
    assert isinstance(promise, dict)
    return promise


def test_the_template_is_well_defined(boston: Path) -> None:
    """`cxm check` finds nothing wrong."""
    assert run(["check", "--project", str(boston)]) == 0


def test_the_ledger_is_honest(boston: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests without a promise are none, those closed before they were opened are set apart, the rest adds up."""
    promise = answer(capsys, "promises", "--project", str(boston))
    facts = {
        "made": 94_097,
        "kept": 59_997,
        "late": 19_154,
        "overdue": 11_444,
        "pending": 3_502,
        "void": 0,
        "none": 26_851,
    }
    assert {key: promise[key] for key in facts} == facts
    assert promise["as_of"] == "2016-01-12T22:22:40-05:00"
    assert promise["share_kept"] == pytest.approx(0.632, abs=0.001)


def test_what_cannot_be_is_in_quarantine(boston: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """197 rows close before they open."""
    capsys.readouterr()
    assert run(["quarantine", "--json", "--project", str(boston)]) == 0
    held = json.loads(capsys.readouterr().out)["quarantine"]
    assert held == [{"source": "boston-311", "reason": "ends_before_it_begins", "rows": 197}]


def test_calls_are_answered_late_more_often_than_the_citys_own_workers(
    boston: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By channel, phone calls wait longest, and the intervals are far apart."""
    promise = answer(capsys, "promises", "answer", "--by", "channel", "--project", str(boston))
    groups = {group["value"]: group for group in promise["groups"]}  # type: ignore[attr-defined]  # a list of dicts
    calls, workers = groups["Constituent Call"], groups["City Worker App"]
    assert calls["high"] < workers["low"] - 0.2
    assert sum(group["made"] for group in groups.values()) == 94_097


def test_a_past_week_is_read_as_known_then(boston: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a day in February nothing that happened later is seen, and the promises made by then still add up."""
    promise = answer(capsys, "promises", "--as-of", "2015-02-16", "--project", str(boston))
    assert promise["as_of"] == "2015-02-16T00:00:00-05:00"
    states = [promise[state] for state in ("kept", "late", "overdue", "pending", "void")]
    assert sum(int(str(count)) for count in states) == promise["made"]
    assert int(str(promise["made"])) < 20_000


def test_the_brief_tells_of_the_snow(boston: Path) -> None:
    """In the week of the great snow most promises were broken; the brief says since when, where, and that it is new."""
    told = tell_week(view(Reading(project=boston)), "2015-W07")
    [snow] = [row for row in told.insights.to_pylist() if row["about"] == "promise answer" and row["measure"] == "late"]
    assert snow["value"] > 0.5
    assert snow["direction"] == "up"
    assert (snow["seen"], snow["grade"]) == (1, "once")
    assert snow["since"].isoformat() < "2015-02-16"
    dimensions = {part["dimension"] for part in snow["where"]}
    assert {"properties.department"} <= dimensions
    assert dimensions & {"properties.type", "properties.reason"}
    said = told.brief.spoken()
    assert "most" in said
    assert "once" in said.casefold()
    assert "trend" not in said.casefold()
    assert words(told.brief) <= 230


def test_autumn_is_mostly_quiet(boston: Path) -> None:
    """From W38 to W48 nothing much happened: at most one alarm in eleven weeks."""
    seen = view(Reading(project=boston))
    alarms = [(week, item.text) for week in range(38, 49) for item in tell_week(seen, f"2015-W{week}").brief.items]
    assert len(alarms) <= 1, alarms
