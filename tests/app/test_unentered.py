"""What commands say where there is nothing to show, or more than a table has room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.app.cli import run
from tests.app.small_shop import HEADER, SOURCE

ORDERS = f"""{HEADER},lost
1,a,2026-01-05T10:00,2026-01-07,2026-01-06T10:00,post,
2,b,2026-01-06T10:00,2026-01-08,2026-01-09T10:00,bike,
3,c,2026-03-13T10:00,2026-03-15,,post,
4,a,2026-03-14T10:00,2026-03-15,2026-03-15T10:00,post,
"""
JOURNEYS = {
    "order": '"Ordered" -> "Delivered"',
    "posted": '"Ordered" where (carrier = "pots" or carrier in ("bkie", "horse")) -> "Delivered"',
    "plain": '"Ordered" where (not (carrier = "post") and carrier = "post") -> "Delivered"',
    "never": '"Lost" -> "Delivered"',
    "parent": "journey order.broken -> any",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four orders, and journeys of which but one is ever entered."""
    root = tmp_path_factory.mktemp("nobody")
    journeys = {
        f"journeys/{name}.toml": f"name = '{name}'\nper = 'order_id'\nwindow = '2 days'\npattern = '''{pattern}'''\n"
        for name, pattern in JOURNEYS.items()
    }
    lost = SOURCE.replace("[contract]", '[[events]]\nname = "Lost"\nat = "lost"\n[contract]')
    texts = {"cxm.toml": 'name = "shop"\n', "orders.csv": ORDERS, "sources/orders.toml": lost, **journeys}
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    assert run(["collect", str(root / "orders.csv"), "--project", str(root)]) == 0
    return root


def told(project: Path, capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> str:
    """What a command says beside its answer."""
    capsys.readouterr()
    assert run([*command, "--project", str(project)]) == code
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("never", "none of its subjects has 'Lost'"),
        ("posted", "of 4 events none is"),
        ("posted", "properties.carrier is never 'pots'; the nearest is 'post'"),
        ("posted", "properties.carrier is never 'bkie'; the nearest is 'bike'"),
        ("posted", "properties.carrier is never 'horse'"),
        ("plain", "of 4 events none is"),
        ("parent", "no passage of 'order' that it waits for was broken"),
    ],
)
def test_a_journey_that_nobody_entered_says_why(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    """No event of its first step's name, or none that its condition is true of, with the nearest value."""
    assert said in told(project, capsys, "journeys", name)
    assert said in told(project, capsys, "journeys", name, "--curve")


def test_a_value_that_occurs_is_not_called_missing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the texts of a condition occur and only their combination does not, no value is blamed."""
    assert "is never" not in told(project, capsys, "journeys", "plain")


def test_an_empty_span_is_not_an_empty_journey(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A journey with passages elsewhere has none whose time was up in the span; with passages in it nothing is said."""
    assert "in the span" in told(project, capsys, "journeys", "order", "--since", "2031-01-01")
    assert not told(project, capsys, "journeys", "order")


@pytest.mark.parametrize("option", ["", "--curve", "--times", "--off-path"])
def test_a_split_shows_so_many_values(project: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """The most frequent value stands in the table; how many are left is told beside it."""
    command = ["journeys", "order", *([option] if option else []), "--by", "carrier", "--project", str(project)]
    capsys.readouterr()
    assert run([*command, "--limit", "1"]) == 0
    shown = capsys.readouterr()
    assert "post" in shown.out
    assert "bike" not in shown.out
    assert "1 value more" in shown.err
    assert run(command) == 0
    assert "bike" in capsys.readouterr().out


def test_a_table_of_retention_ends_with_what_is_known(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Periods that no cohort has lived through take no room, and of many the first twelve are shown."""
    for period, last, beyond in (("month", "month 1", "month 2"), ("day", "day 12", "day 13")):
        capsys.readouterr()
        assert run(["retention", "--period", period, "--periods", "60", "--project", str(project)]) == 0
        shown = capsys.readouterr()
        assert last in shown.out
        assert beyond not in shown.out
        assert ("--json has all" in shown.err) == (period == "day")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["journeys", "--by", "carrier"], "asked of one journey"),
        (["journeys", "--count", "subjects"], "asked of one journey"),
        (["journeys", "order", "--plan", "--count", "subjects"], "for the funnel"),
        (["journeys", "order", "--limit", "0"], "1 or more"),
        (["flows", "--only", "Ordered", "--ignoring", "Ordered"], "looked at and looked through"),
        (["flows", "--chart", "nowhere/a.svg"], "no folder 'nowhere'"),
    ],
)
def test_contradictions_are_refused(
    project: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    """What could only be ignored, or found empty, is refused with what is right."""
    assert said in told(project, capsys, *command, code=2)


def test_flows_of_nobody_say_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table says that none of the events asked for is of such a subject."""
    assert "none of the events" in told(project, capsys, "flows", "--anchor", "Delivered", "--since", "2031-01-01")


def test_no_period_is_counted_that_the_log_does_not_reach(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However many periods are asked for, the answer is that of as many as there are."""
    found = []
    for periods in ("3", "1000000000"):
        capsys.readouterr()
        command = ["retention", "--period", "month", "--periods", periods, "--json", "--project", str(project)]
        assert run(command) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
