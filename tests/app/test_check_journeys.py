"""`cxm check` about journeys that name one another, keys that are held constant, and the words of their patterns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.cli import run
from tests.app.small_shop import SOURCE


def told(root: Path, capsys: pytest.CaptureFixture[str], **journeys: str) -> list[tuple[str, str, str | None]]:
    """File, fault and nearest name of each fault; journeys: what stands in each file beside name and window."""
    files = {"cxm.toml": 'name = "shop"\n', "sources/orders.toml": SOURCE}
    for name, text in journeys.items():
        files[f"journeys/{name}.toml"] = f'name = "{name}"\nwindow = "1 day"\n{text}\n'
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    capsys.readouterr()
    run(["check", "--json", "--project", str(root)])
    faults: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["faults"]
    return [(fault["file"], fault["what"], fault["nearest"]) for fault in faults]


def test_all_words_of_the_language_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`any`, endings, guards, groups, `ignoring` and several keys are well defined where what they name is."""
    assert told(
        tmp_path, capsys,
        order="per = 'order_id'\npattern = 'Ordered => any or Ordered -> Delivered'\nignoring = ['Delivered']",
        loyal="pattern = '(journey order.completed and Ordered) -> any without journey order.expired'",
        held="per = ['person', 'carrier', 'order_id']\npattern = 'Ordered -> Delivered'",
    ) == []  # fmt: skip


def test_a_circle_is_one_fault_that_names_the_way_around(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each circle is told once, in the file that comes first by name; who merely waits for it is not at fault."""
    found = told(
        tmp_path, capsys,
        alone="pattern = 'Ordered -> journey alone.broken'",
        b="pattern = 'Ordered -> journey c.broken'",
        c="pattern = 'Ordered -> Delivered'\nunless = ['journey d.expired']",
        d="pattern = 'Ordered -> Delivered without journey b.completed'",
        e="pattern = 'Ordered -> journey b.broken'",
    )  # fmt: skip
    assert [(file, what.partition(": ")[2]) for file, what, _ in found] == [
        ("journeys/alone.toml", "alone -> alone."),
        ("journeys/b.toml", "b -> c -> d -> b."),
    ]


def test_two_circles_of_one_journey_are_two_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A journey that goes around two ways is told of both."""
    found = told(
        tmp_path, capsys,
        a="pattern = 'Ordered -> journey b.broken'",
        b="pattern = 'Ordered -> journey a.broken -> journey c.broken'",
        c="pattern = 'Ordered -> journey b.broken'",
    )  # fmt: skip
    assert [what.partition(": ")[2] for _, what, _ in found] == ["a -> b -> a.", "b -> c -> b."]


@pytest.mark.parametrize(
    ("text", "what", "near"),
    [
        ("pattern = 'Ordered -> journey ordr.broken'", "no journey 'ordr'", "order"),
        ("pattern = 'Ordered -> Delivered without Orderd'", "no event 'Orderd'", "Ordered"),
        ("pattern = '(Ordered and Deliverd) -> Ordered'", "no event 'Deliverd'", "Delivered"),
        ("pattern = 'Ordered => Delivered'\nignoring = ['Orderd']", "no event 'Orderd'", "Ordered"),
        ("pattern = 'Ordered -> any where (carier = \"x\")'", "properties.carier", "properties.carrier"),
        ("pattern = 'Ordered -> journey order.broken where (carier = 1)'", "properties.carier", "properties.carrier"),
        ("per = 'order'\npattern = 'Ordered -> Delivered'", "kind of subject 'order'", "order_id"),
        ("per = ['person', 'carier']\npattern = 'Ordered -> Delivered'", "key of a subject 'carier'", "carrier"),
        ("per = ['persn', 'carrier']\npattern = 'Ordered -> Delivered'", "kind of subject 'persn'", "person"),
        ("per = 'order_id'\npattern = 'Ordered -> journey order.broken'", "no events of such a subject", None),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, what: str, near: str | None
) -> None:
    """One mistake, one fault."""
    [found] = told(tmp_path, capsys, order="pattern = 'Ordered -> Delivered'", wrong=text)
    assert found[0] == "journeys/wrong.toml"
    assert what in found[1]
    assert found[2] == near


def test_a_personal_property_is_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stays in the vault cannot be held constant either."""
    assert run(["init", str(tmp_path / "p"), "--template", "shop"]) == 0
    wrong = 'name = "wrong"\nwindow = "1 day"\nper = ["ticket_id", "subject"]\npattern = \'"Ticket Opened" -> any\'\n'
    (tmp_path / "p" / "journeys" / "wrong.toml").write_text(wrong, "utf-8")
    capsys.readouterr()
    assert run(["check", "--json", "--project", str(tmp_path / "p")]) == 1
    [fault] = json.loads(capsys.readouterr().out)["faults"]
    assert "stay in the vault" in fault["what"]


def test_checking_needs_no_kernel(tmp_path: Path) -> None:
    """Definitions are read and checked without what compiles: a check answers at once."""
    assert run(["init", str(tmp_path / "p"), "--template", "boston-311"]) == 0
    said = (
        "import sys; from pathlib import Path; from cxminute.app.project import read_definitions;"
        f"read_definitions(Path({str(tmp_path / 'p')!r})); print('numba' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
