"""`cxm minute`: which week it tells of, as of when, and what it says where there is nothing to tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.app.analysis import view
from cxminute.app.brief import tell_week
from cxminute.app.cli import run
from cxminute.app.options import Reading
from cxminute.app.streams import PASTS
from tests.app.small_shop import HEADER, PROMISE, SOURCE


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A shop with one promise."""
    for name, text in {
        "cxm.toml": 'name = "shop"\n[minute]\ndimensions = ["carrier"]\n',
        "sources/orders.toml": SOURCE,
        "promises/delivery.toml": PROMISE,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def collect(project: Path, late: int, name: str = "orders.csv") -> None:
    """Ten orders a day from 5 January on, for four weeks; of those due in the last week, `late` a day come late."""
    lines = [HEADER]
    for day in range(28):
        for number in range(10):
            ordered = f"2026-01-{day + 1:02d}T09:00" if day < 28 else ""
            due = f"2026-01-{min(day + 2, 31):02d}T18:00"
            slow = day >= 18 and number < late
            came = f"2026-01-{min(day + (3 if slow else 2), 31):02d}T{'19' if slow else '10'}:00"
            lines.append(f"{day}-{number},c{number},{ordered},{due},{came},x")
    file = project / name
    file.write_text("\n".join(lines) + "\n", "utf-8")
    assert run(["collect", str(file), "--project", str(project)]) == 0


def kept(project: Path, capsys: pytest.CaptureFixture[str], *options: str) -> float:
    """The share kept of what was due in week 4, by the command that the brief names."""
    capsys.readouterr()
    assert run(["promises", "delivery", "--week", "2026-W04", "--json", *options, "--project", str(project)]) == 0
    return float(json.loads(capsys.readouterr().out)["promises"][0]["share_kept"])


def test_the_brief_and_its_command_say_the_same_after_a_correction(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A past week is told with what is known by now; --as-of brings back what was known then."""
    collect(project, late=0)
    collect(project, late=5, name="again.csv")
    told = tell_week(view(Reading(project=project, week="2026-W04")), "2026-W04")
    [standing] = [line for line in told.brief.standing if line.text.startswith("delivery")]
    share = kept(project, capsys)
    assert share < 0.8
    assert f"{share:.0%}".rstrip("%") in standing.figure
    assert kept(project, capsys, "--as-of", "2026-01-26") == 1.0


def test_indexes_of_the_past_do_not_pile_up(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reading the log as known at many moments keeps a few of their indexes, not all."""
    for late in range(PASTS + 4):
        collect(project, late=late % 10, name=f"{late}.csv")
        assert run(["promises", "--as-of", "2026-01-20", "--project", str(project)]) == 0
    capsys.readouterr()
    assert 0 < len(list((project / ".cxm" / "index" / "past").iterdir())) <= PASTS + 1


def test_without_a_week_the_last_whole_one_is_told(project: Path) -> None:
    """The log ends on Saturday 31 January: the last whole week is the one before."""
    collect(project, late=0)
    assert tell_week(view(Reading(project=project))).brief.week == "2026-W04"


def test_a_project_in_its_first_week_is_told_of_that_week(project: Path) -> None:
    """Where no week is whole yet, the week at hand is told of, of the days that are over."""
    (project / "first.csv").write_text(
        f"{HEADER}\n1,a,2026-01-05T09:00,2026-01-06T18:00,2026-01-06T10:00,x\n2,b,2026-01-07T09:00,2026-01-08T18:00,,x\n",
        "utf-8",
    )
    assert run(["collect", str(project / "first.csv"), "--project", str(project)]) == 0
    assert tell_week(view(Reading(project=project))).brief.week == "2026-W02"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--week", "2030-W10"], "weeks from 2026-W01 to 2026-W05"),
        (["--week", "2026-W77"], "not an ISO week"),
        (["--since", "2026-01-05", "--until", "2026-01-12"], "--week"),
        (["--form", "pdf"], "terminal, markdown, html, json"),
    ],
)
def test_what_cannot_be_told_is_refused(
    project: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A week beyond the log or of no year, a span, an unknown form: wrong use, and what would be right."""
    collect(project, late=0)
    capsys.readouterr()
    assert run(["minute", *options, "--project", str(project)]) == 2
    assert said in capsys.readouterr().err


def test_without_anything_to_measure_it_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty log and a project without promises and journeys are told apart."""
    assert run(["minute", "--project", str(project)]) == 2
    assert "log is empty" in capsys.readouterr().err
    (project / "promises" / "delivery.toml").unlink()
    assert run(["minute", "--project", str(project)]) == 2
    assert "nothing is measured" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "begins"), [("a.html", "<!doctype html>"), ("a.md", "# "), ("a.json", "{")])
def test_the_form_is_that_of_the_file(project: Path, name: str, begins: str) -> None:
    """--out a.html is HTML, a.md Markdown, a.json JSON."""
    collect(project, late=0)
    assert run(["minute", "--out", str(project / name), "--project", str(project)]) == 0
    assert (project / name).read_text("utf-8").casefold().startswith(begins)
