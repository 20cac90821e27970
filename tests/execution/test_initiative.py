"""Initiatives and other definitions against the contracts of their sources: what these forbid fails the check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.app.project import read_definitions
from cxminute.execution.initiative import parse_initiative
from cxminute.model.definitions import Document

SHOP = """name = "shop"
format = "shopify"
[contract]
origin = "first-party"
purposes = ["service-provision", "service-optimisation", "marketing"]
contact = true
channels = ["email"]
"""
WIN_BACK = {
    "name": "win-back",
    "purpose": "marketing",
    "sources": ["amazon-eu"],
    "channel": "marketplace-message",
    "kpi": "orders of those who had stopped",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A seller with an Amazon account under the contract that ships, and a shop of its own."""
    for folder in ("sources", "initiatives", "journeys", "promises"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cxm.toml").write_text('name = "seller"\n', "utf-8")
    (tmp_path / "sources" / "amazon-eu.toml").write_text('name = "amazon-eu"\nformat = "amazon"\n', "utf-8")
    (tmp_path / "sources" / "shop.toml").write_text(SHOP, "utf-8")
    (tmp_path / "journeys" / "again.toml").write_text(
        'name = "again"\nper = "order_id"\npattern = \'"Order Completed" -> "Order Shipped"\'\nwindow = "9 days"\n',
        "utf-8",
    )
    return tmp_path


def write(root: Path, **changed: object) -> None:
    """The initiative, changed; None leaves a key out."""
    said = {key: value for key, value in (WIN_BACK | changed).items() if value is not None}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items())
    (root / "initiatives" / "win-back.toml").write_text(text, "utf-8")


def faults(root: Path) -> list[str]:
    """All that is wrong with the project."""
    return [str(fault) for fault in read_definitions(root).faults]


def test_a_marketing_initiative_over_amazon_buyers_fails_the_check_by_clause(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cxm check` says no, with file, line, the clause, what is allowed, and where the official text is."""
    write(project)
    assert run(["check", "--project", str(project)]) == 1
    told = capsys.readouterr().out
    assert "initiatives/win-back.toml:2: " in told
    assert "'amazon: no-marketing'" in told
    assert "Allowed: communication-management, legal-compliance, service-optimisation, service-provision" in told
    assert "https://developer-docs.amazon.com/" in told
    assert "1 fault;" in told


@pytest.mark.parametrize(
    ("changed", "line", "clause"),
    [
        ({"purpose": "communication-management", "channel": "email"}, 4, "'amazon: contact-by-relay'"),
        ({"purpose": "research-and-development"}, 2, "'amazon: no-training'"),
        ({"purpose": "service-optimisation", "train": True}, 6, "'amazon: no-training'"),
        ({"purpose": "service-optimisation", "combine": True}, 6, "'amazon: no-combining'"),
        ({"purpose": "service-optimisation", "link": True}, 6, "'amazon: no-linking'"),
        ({"purpose": "legal-compliance", "sources": ["shop"], "channel": "email"}, 2, "'shop: purposes'"),
        ({"sources": ["shop"], "channel": "sms"}, 4, "'shop: contact'"),
        ({"sources": ["shop"], "channel": "email", "train": True}, 6, "'shop: train'"),
    ],
)
def test_each_use_that_a_contract_forbids_is_one_fault(
    project: Path, changed: dict[str, object], line: int, clause: str
) -> None:
    """It stands at the key that says the use, and names the clause of the card or the key of the project's contract."""
    write(project, **changed)
    [fault] = faults(project)
    assert fault.startswith(f"initiatives/win-back.toml:{line}: ")
    assert clause in fault


@pytest.mark.parametrize(
    "changed",
    [
        {"sources": ["shop"], "channel": "email"},
        {"purpose": "communication-management"},
        {"purpose": "service-optimisation", "channel": "task"},
        {"purpose": "service-optimisation", "channel": "webhook", "sources": None, "journey": "again"},
    ],
)
def test_what_every_contract_allows_is_well_defined(project: Path, changed: dict[str, object]) -> None:
    """The same letter to the own shop's customers, an answer by the marketplace's relay, a task for our own people."""
    write(project, **changed)
    assert faults(project) == []
    assert read_definitions(project).initiatives["win-back"].name == "win-back"


def test_an_initiative_over_a_journey_uses_every_source_that_tells_of_it(project: Path) -> None:
    """Amazon's buyers are among them, so the contract of Amazon holds; naming sources leaves them out."""
    write(project, sources=None, journey="again", channel="email")
    found = faults(project)
    assert len(found) == 2
    assert all("'amazon: " in fault and "sources without 'amazon-eu'" in fault for fault in found)
    write(project, sources=["shop"], journey="again", channel="email")
    assert faults(project) == []


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("journeys", 'name = "x"\nper = "order_id"\npattern = \'"Order Delivered"\'\nwindow = "9 days"\n'),
        (
            "promises",
            'name = "x"\nper = "order_id"\nmade = "any"\ndue = "9 days after made"\nkept = \'"Order Delivered"\'\n',
        ),
    ],
)
def test_a_definition_for_a_purpose_that_no_source_of_it_allows_fails(project: Path, folder: str, text: str) -> None:
    """A journey or promise that only Amazon tells of cannot be for marketing; beside a shop that allows it, it can."""
    (project / "sources" / "shop.toml").unlink()
    path = project / folder / "x.toml"
    path.write_text(f'{text}purpose = "marketing"\n', "utf-8")
    [fault] = faults(project)
    assert fault.startswith(f"{folder}/x.toml:")
    assert "'amazon: no-marketing'" in fault
    (project / "sources" / "shop.toml").write_text(SHOP, "utf-8")
    assert faults(project) == []
    path.write_text(f'{text}purpose = "service-optimisation"\n', "utf-8")
    assert faults(project) == []


def test_names_that_are_not_defined_are_told_with_the_nearest(project: Path) -> None:
    """A mistyped source, journey, channel, purpose or key is one fault each, with what it should be."""
    write(project, sources=["amazon-ue"], journey="agian", channel="emial", purpose="marketting", sayz="x")
    told = "\n".join(faults(project))
    for near in ("amazon-eu", "again", "email", "marketing", "says"):
        assert f"Did you mean '{near}'?" in told


def test_an_initiative_says_whose_data_it_uses() -> None:
    """Without sources and without a journey there is nothing to check it against: that is a fault."""
    doc = Document("initiatives/x.toml", 'name = "x"\npurpose = "marketing"\nchannel = "email"\nkpi = "more"\n')
    assert parse_initiative(doc, sources=[], journeys=[]) is None
    assert len(doc.faults) == 1
