"""What the pages of sources say is what the readers say, and what they show is well defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.collect.readers.canon import EVENTS, PERSONAL, PROPERTIES
from cxminute.collect.source import READERS
from docs.told import PAGE, matrix, written
from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs" / "reference" / "sources").glob("*.md"))
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def test_the_page_says_what_the_readers_say() -> None:
    """Events, properties, who tells what and what nobody can tell stand on the page as the readers have them."""
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "refresh with: python docs/told.py"


def test_every_reader_and_every_word_is_on_the_page() -> None:
    """A reader or a word that is not documented does not exist for whoever reads."""
    page = PAGE.read_text("utf-8")
    assert [name for name in READERS if f"(`{name}`)" not in page] == []
    assert [name for name, means in EVENTS.items() if f"| {name} | {means} |" not in page] == []
    assert [name for name in PROPERTIES if f"| `{name}` |" not in page] == []
    assert [name for name in PERSONAL if f"`{name}`" not in page] == []


def test_every_event_is_told_by_somebody() -> None:
    """A word that no source uses is one too many."""
    silent = [row for row in matrix()[2:] if not row.strip("| ").split(" | ", 1)[1:]]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_a_source_belongs_to_a_reader(page: Path) -> None:
    """Each page is of a format that there is."""
    assert page.stem in READERS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_source_files_on_a_page_are_well_defined(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source file that a page shows whole checks without a fault."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    whole = [block for block in BLOCK.findall(page.read_text("utf-8")) if re.search(r"^format *=", block, re.MULTILINE)]
    for number, block in enumerate(whole):
        (tmp_path / "sources" / f"shown-{number}.toml").write_text(block, "utf-8")
    assert run(["check", "--project", str(tmp_path)]) == 0, capsys.readouterr().out
