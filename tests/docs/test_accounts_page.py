"""The page on accounts: the definitions that it shows are ones that are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.project import Project
from tests.app.small_site import make_site
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "reference" / "accounts.md"


def test_the_definitions_of_the_page_are_well_defined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings and journey as they stand there check without a fault, and say what the page says of them."""
    settings, journey = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    root = make_site(tmp_path / "site").root
    (root / "cxm.toml").write_text(f'name = "site"\n{settings}', "utf-8")
    (root / "journeys").mkdir()
    (root / "journeys" / "renewal.toml").write_text(journey, "utf-8")
    assert run(["check", "--project", str(root)]) == 0, capsys.readouterr().out
    project = Project(root)
    assert project.journey("renewal").space == "account"
    assert project.settings.accounts.given[0].event == "Order Completed"
