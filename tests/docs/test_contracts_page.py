"""The page on contracts: its cards and clauses are those that hold, and its files are well defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.privacy.cards import ANY, CARDS, MARKETPLACE_PURPOSES, Card
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "contracts.md").read_text("utf-8")
MARKETS = [card for card in CARDS.values() if card.is_market]


def row(card: Card) -> str:
    """A card as the page's table has it."""
    kept = f"{card.keep_personal:g} days" if card.keep_personal else "until a request"
    clock = f"{', '.join(card.starts)}; {card.wait:g} days after its first event" if card.wait else "-"
    rest = f"{card.keep_rest:g} days" if card.keep_rest else "-"
    ways = ", ".join(card.channels)
    return f"| `{card.name}` | {card.origin} | {kept} | {clock} | {rest} | {ways} | <{card.page}> |"


@pytest.mark.parametrize("card", MARKETS, ids=lambda card: card.name)
def test_every_card_is_on_the_page(card: Card) -> None:
    """Tier, terms, clock, contact and official page are those that the check holds projects to."""
    assert row(card) in PAGE
    assert card.purposes == MARKETPLACE_PURPOSES
    assert all(f"`{purpose}`" in PAGE for purpose in card.purposes)


def test_every_clause_is_on_the_page() -> None:
    """Each clause that a fault can name stands there with its sentence, and no other does."""
    clauses = {clause.name: clause.says for card in (ANY, *MARKETS) for clause in card.clauses.values()}
    table = PAGE.partition("## The clauses")[2].partition("## Initiatives")[0]
    assert dict(re.findall(r"\| `([a-z-]+)` \| (.+) \|", table)) == clauses


def test_the_files_that_the_page_shows_are_well_defined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The source and the initiative check without a fault; over Amazon's buyers the initiative fails as it is shown."""
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        path = tmp_path / block.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block, "utf-8")
    assert run(["check", "--project", str(tmp_path)]) == 0, capsys.readouterr().out
    (tmp_path / "sources" / "amazon-eu.toml").write_text('name = "amazon-eu"\nformat = "amazon"\n', "utf-8")
    path = tmp_path / "initiatives" / "win-back.toml"
    text = path.read_text("utf-8").split("\n", 1)[1].replace('["shop"]', '["amazon-eu"]').replace("email", "task", 1)
    path.write_text(text, "utf-8")
    capsys.readouterr()
    assert run(["check", "--project", str(tmp_path)]) == 1
    shown = re.search(r"```\n(initiatives/win-back.toml:.*?)\.\.\.\n```", PAGE, re.DOTALL)
    assert shown
    # the page shows the file with its first line, the comment that names it
    expected = " ".join(shown[1].split()).replace("win-back.toml:3:", "win-back.toml:2:")
    assert expected.rstrip(", ") in " ".join(capsys.readouterr().out.split())
