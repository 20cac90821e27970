"""The documents: what they name exists, what they show is what is printed, and their examples are well defined."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from cxminute.app.cli import COMMANDS, run
from cxminute.collect.rejects import REASONS
from cxminute.model.tables import TABLES
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every link and picture within the project points at a file that is there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_are_named_exist(page: Path) -> None:
    """`cxm WORD` in code is a command, and `make WORD` a target."""
    text = page.read_text("utf-8")
    code = "\n;".join([*re.findall(r"`([^`\n]+)`", text), *re.findall(r"```sh\n(.*?)```", text, re.DOTALL)])
    assert set(re.findall(r"\bcxm ([a-z]+)", code)) <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets


def test_every_command_is_documented() -> None:
    """The reference names every command that there is."""
    text = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"`cxm {name}" not in text] == []


def test_every_reason_of_quarantine_is_documented() -> None:
    """The reference has each typed reason with its meaning and its remedy."""
    text = (ROOT / "docs" / "reference" / "quarantine.md").read_text("utf-8")
    rows = [f"| `{name}` | {reason.meaning} | {reason.remedy} |" for name, reason in REASONS.items()]
    assert [row for row in rows if row not in text] == []


def test_every_word_of_the_tables_is_explained() -> None:
    """Each hand-over table's columns say what they mean."""
    silent = [
        (name, field.name)
        for name, schema in TABLES.items()
        for field in schema
        if not (field.metadata or {}).get(b"meaning")
    ]
    assert silent == []


def test_the_definitions_that_the_readme_shows_are_well_defined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise and journey of the README check without a fault beside a source that tells of their events."""
    assert run(["init", str(tmp_path / "p"), "--template", "shop"]) == 0
    for old in [*(tmp_path / "p" / "journeys").iterdir(), *(tmp_path / "p" / "promises").iterdir()]:
        old.unlink()
    site = tmp_path / "p" / "sources" / "site.toml"
    closed = '[[events]]\nname = "Account Closed"\nat = "timestamp"\nwhen = \'event = "Account Closed"\'\n\n[contract]'
    site.write_text(site.read_text("utf-8").replace("[contract]", closed), "utf-8")
    blocks = BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    for block in blocks:
        name = block.splitlines()[0].removeprefix("# ")
        (tmp_path / "p" / name).write_text(block, "utf-8")
    assert len(blocks) == 2
    code = run(["check", "--project", str(tmp_path / "p")])
    assert code == 0, capsys.readouterr().out


def test_what_the_readme_shows_from_python_is_what_comes_out() -> None:
    """The README's lines of Python run as they stand and print what is printed there."""
    tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried.attempted >= 4
    assert tried.failed == 0


def test_the_source_files_that_the_reference_shows_are_well_defined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every key of a source file that is documented is one that is read."""
    of_files, of_the_door = BLOCK.findall((ROOT / "docs" / "reference" / "sources.md").read_text("utf-8"))
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (tmp_path / "sources" / "orders.toml").write_text(of_files, "utf-8")
    (tmp_path / "sources" / "website.toml").write_text(of_the_door, "utf-8")
    code = run(["check", "--project", str(tmp_path)])
    assert code == 0, capsys.readouterr().out
