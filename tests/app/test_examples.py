"""The examples: they run as they stand, from any folder, and show what they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "three_tables.py"
TABLES = ("pandas", "polars", "DuckDB")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the example ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("example")
    done = subprocess.run([sys.executable, EXAMPLE], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_pandas_a_polars_and_a_duckdb_table_give_the_same_answers(played: tuple[Path, str]) -> None:
    """Passages, funnel, flows and retention do not depend on what kind of table the events come in."""
    _, said = played
    before, *parts = re.split(rf"^({'|'.join(TABLES)}) ", said, flags=re.MULTILINE)
    answers = dict(zip(parts[::2], parts[1::2], strict=True))
    assert before == ""
    assert tuple(answers) == TABLES
    assert len(set(answers.values())) == 1


def test_the_answers_are_those_that_can_be_counted_by_hand(played: tuple[Path, str]) -> None:
    """200 people look twice each: 400 passages; 67 came by the site, and a fifth of the others only ever looked."""
    _, said = played
    assert said.startswith("pandas 400 ")
    assert re.search(r"^ site +seen +67 +1\.0", said, re.MULTILINE)
    only_looked = sum(1 for c in range(200) if c % 3 and c % 5 == 0)
    added_at_all = 200 - only_looked
    assert re.search(
        rf"^0 +(None|NaT) +0 +{added_at_all} +1\.0", said, re.MULTILINE
    )  # all of them bought, in time or not


def test_a_chart_is_written_for_each(played: tuple[Path, str]) -> None:
    """Each funnel's picture shows its steps, and the three pictures are one."""
    folder, _ = played
    charts = {name: (folder / f"funnel-{name}.svg").read_text("utf-8") for name in TABLES}
    assert len(set(charts.values())) == 1
    shown = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", charts["pandas"]))
    assert [word for word in ("seen", "Added", "bought", "app", "site") if word not in shown] == []


def test_the_example_is_short() -> None:
    """Three tables through everything in under forty lines."""
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 40
