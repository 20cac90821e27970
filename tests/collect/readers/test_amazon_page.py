"""The page about Amazon: what it shows is well defined, and what it lists is what the reader knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.collect.readers.amazon import READER
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "sources" / "amazon.md").read_text("utf-8")


def test_what_the_page_shows_is_well_defined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The source and the promise that the page shows check without a fault."""
    source, promise = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for folder, name, text in (("sources", "amazon", source), ("promises", "shipping", promise)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.toml").write_text(text, "utf-8")
    (tmp_path / "cxm.toml").write_text('name = "seller"\n', "utf-8")
    code = run(["check", "--project", str(tmp_path)])
    assert code == 0, capsys.readouterr().out


def test_the_page_lists_every_document_and_event() -> None:
    """Each kind of document that is read stands on the page, with every event that it may tell."""
    rows = [row for row in PAGE.splitlines() if row.startswith("| ")]
    for form in READER.forms:
        (row,) = [row for row in rows if form.name in re.split(r", | \| ", row.strip("| "))]
        assert [event for event in form.tells if event not in row] == []
