"""The pages of the shops' readers: what they show is well defined, and they name what the readers tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.collect.readers.catalogue import reader_of
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_the_definitions_that_a_page_shows_are_well_defined(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Source and promise of the page stand together in a project without a fault."""
    page = (ROOT / "docs" / "reference" / "sources" / f"{name}.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    for file, text in blocks:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, "utf-8")
    assert run(["check", "--project", str(tmp_path)]) == 0, capsys.readouterr().out
    for event in reader_of(name).tells:
        assert f"| {event}" in page
