"""Where there is nothing to show, a sentence says so, and what to do next: no empty table, no silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.app.cli import run


@pytest.fixture
def seller(tmp_path: Path) -> Path:
    """A new project of the template for sellers, with nothing in its log."""
    assert run(["init", str(tmp_path / "seller"), "--template", "marketplace-seller"]) == 0
    return tmp_path / "seller"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["quarantine"], "Nothing of that lies in quarantine."),
        (["quarantine", "show", "--source", "desk"], "Nothing of that lies in quarantine."),
        (["requests"], "No request is open."),
        (["requests", "--everything"], "Nobody has asked for anything."),
    ],
)
def test_an_empty_list_is_a_sentence(
    seller: Path, command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Quarantine and requests say that there is nothing."""
    capsys.readouterr()
    assert run([*command, "--project", str(seller)]) == 0
    assert capsys.readouterr().out == f"{said}\n"


@pytest.mark.parametrize("command", [["pull"], ["pull", "amazon"]])
def test_a_pull_that_nothing_describes_says_what_to_write(
    seller: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A source without [pull] is refused with what belongs into its file."""
    capsys.readouterr()
    assert run([*command, "--project", str(seller)]) == 2
    assert "Write [pull] into the file of a source that has an API" in capsys.readouterr().err


def test_a_document_of_which_no_event_is_made_says_so(seller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shop's customer is no event: the dry run and the collect say it, and it is no fault."""
    document = seller / "customer.json"
    document.write_text(
        json.dumps({"customer": {"id": 7, "verified_email": True, "email": "a@shop.example", "first_name": "A"}}),
        "utf-8",
    )
    for options in (["--dry-run"], []):
        capsys.readouterr()
        assert run(["collect", str(document), "--source", "shopify", *options, "--project", str(seller)]) == 0
        assert "No event: nothing in it says that something happened" in capsys.readouterr().out
