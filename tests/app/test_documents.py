"""JSON documents: one per command, valid, without NaN, every key documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxminute.app.cli import run
from tests.app.small_shop import HEADER, PROMISE, SOURCE
from tests.conftest import ROOT

ORDERS = f"""{HEADER}
1,a,2026-01-05T10:00,2026-01-07,2026-01-06T10:00,x
2,b,2026-01-06T10:00,2026-01-08,2026-01-09T10:00,y
3,c,2026-01-13T10:00,2026-01-15,,x
4,d,never,2026-01-15,,x
"""
JOURNEY = """name = "order"
per = "order_id"
pattern = '"Ordered" -> "Delivered" within 3 days'
window = "3 days"
"""
REPEAT = """name = "repeat"
pattern = 'journey order.completed -> Ordered'
window = "30 days"
"""
COMMANDS = [
    ["promises"], ["promises", "delivery", "--by", "carrier"], ["journeys"], ["journeys", "order", "--by", "carrier"],
    *(["journeys", "order", view] for view in ("--plan", "--curve", "--times", "--flows", "--off-path")),
    ["journeys", "repeat", "--children"], ["flows"], ["retention", "--by", "carrier"], ["lifecycle"], ["stickiness"],
    ["events", "--unexplained"], ["events"], ["check"], ["collects"], ["quarantine"], ["quarantine", "show"],
    ["minute", "--week", "2026-W02"],
]  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop with everything in it once."""
    root = tmp_path_factory.mktemp("documents")
    for name, text in {
        "cxm.toml": 'name = "shop"\n[minute]\ndimensions = ["carrier"]\n', "orders.csv": ORDERS,
        "sources/orders.toml": SOURCE, "promises/delivery.toml": PROMISE, "journeys/order.toml": JOURNEY,
        "journeys/repeat.toml": REPEAT,
    }.items():  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def answer(project: Path, capsys: pytest.CaptureFixture[str], *command: str) -> dict[str, object]:
    """The one document that a command prints."""
    capsys.readouterr()
    run([*command, "--json", "--project", str(project)])

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def keys(document: object) -> Iterator[str]:
    """Every key, all through."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from keys(value)
    if isinstance(document, list):
        for value in document:
            yield from keys(value)


def test_collecting_answers_with_counts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What came of each file: every row is added, repeated, corrected, removed or set apart."""
    found = answer(project, capsys, "collect", str(project / "orders.csv"))["collects"]
    assert isinstance(found, list)
    [told] = found
    assert {key: told[key] for key in ("rows", "added", "rejected", "reasons")} == {
        "rows": 4, "added": 5, "rejected": 1, "reasons": {"bad_time": 1},
    }  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_key_is_documented(project: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's document is valid JSON, and docs/reference/json.md names its keys."""
    text = (ROOT / "docs" / "reference" / "json.md").read_text("utf-8")
    documented = set(re.findall(r"`([^`]+)`", text))
    inner = {"insights", "series", "details", "reasons"}  # their keys are those of tables, or of the data
    document = answer(project, capsys, *command)
    shown = set(keys({key: value for key, value in document.items() if key not in inner}))
    assert shown <= documented, shown - documented
