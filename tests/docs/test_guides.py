"""The guides: they run as they stand, print what they show, and name no figure that they have not shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.shown import Stage, blocks, figures, prose
from tests.conftest import ROOT

GUIDES = ROOT / "docs" / "guides"
DATA = {"boston-311": "boston311_2015.parquet", "online-retail": "online_retail.parquet"}
OWN = {"adding-a-source": "vlooi", "one-customer": "noor"}
"""Guides whose data was made for them, and lies beside them."""
TEMPLATES = ROOT / "src" / "cxminute" / "app" / "templates"
WORDS_OF_A_PICTURE = re.compile(r"<text[^>]*>([^<]*)</text>")


def test_every_guide_has_its_data() -> None:
    """A guide that nobody runs is not a guide."""
    assert sorted([*DATA, *OWN]) == sorted(page.stem for page in GUIDES.glob("*.md"))


@pytest.mark.outside("shared")
@pytest.mark.parametrize("name", DATA)
def test_a_guide_prints_what_it_shows(name: str, tmp_path: Path, shared: Path) -> None:
    """Each command and each check in SQL prints what stands below it, and draws the picture that the page shows."""
    stage = _played(name, shared / DATA[name], tmp_path)
    assert stage.pictures
    for picture in stage.pictures:
        drawn, kept = (path.read_text("utf-8") for path in (picture, GUIDES / picture.name))
        assert WORDS_OF_A_PICTURE.findall(drawn) == WORDS_OF_A_PICTURE.findall(kept)
        assert drawn.count("<path") == kept.count("<path")


@pytest.mark.parametrize("name", OWN)
def test_a_guide_with_data_of_its_own_prints_what_it_shows(name: str, tmp_path: Path) -> None:
    """From the file that nobody has described to the answer: each command prints what stands below it."""
    _played(name, GUIDES / OWN[name], tmp_path)


def _played(name: str, data: Path, folder: Path) -> Stage:
    stage = Stage(folder, data)
    for kind, source, shown in blocks((GUIDES / f"{name}.md").read_text("utf-8")):
        said = stage.play(kind, source)
        assert shown is None or said == shown, f"{source}\nrefresh with: python docs/shown.py docs/guides/{name}.md ..."
    return stage


@pytest.mark.parametrize("name", [*DATA, *OWN])
def test_a_guide_names_no_figure_that_it_has_not_shown(name: str) -> None:
    """Every number in the text stands in an answer or a definition of the page."""
    page = (GUIDES / f"{name}.md").read_text("utf-8")
    told = figures("\n".join(re.findall(r"```\w+\n(.*?)```", page, re.DOTALL)))
    assert [figure for figure in figures(prose(page)) if figure not in told] == []


@pytest.mark.parametrize("name", DATA)
def test_a_guide_shows_the_definitions_of_its_template(name: str) -> None:
    """A definition in a guide is, line by line, one that `cxm init` writes."""
    page = (GUIDES / f"{name}.md").read_text("utf-8")
    shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    written = [path.read_text("utf-8") for path in sorted((TEMPLATES / name / "journeys").glob("*.toml"))]
    assert shown
    assert [definition for definition in shown if not any(definition in text for text in written)] == []
