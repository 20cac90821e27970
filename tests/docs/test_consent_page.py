"""The page on consent: its tables are those of the code, and what it shows can be done as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cxminute.app.settings import parse_settings
from cxminute.model.definitions import Document
from cxminute.privacy.consent import HOWS, settle
from cxminute.privacy.contracts import Contract, parse_contract
from cxminute.privacy.permits import REASONS, Neck
from cxminute.privacy.purposes import DEFAULT
from cxminute.privacy.requirements import PARTS, REQUIRED
from cxminute.store.consents import FACTS, Ints

PAGE = (Path(__file__).parent.parent.parent / "docs" / "reference" / "consent.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def rows(*columns: str) -> list[list[str]]:
    """The rows of the table with these first columns, without marks."""
    head = "| " + " | ".join(columns)
    lines = PAGE[PAGE.index(head) :].splitlines()[2:]
    table = lines[: next(place for place, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in table]


def test_the_purposes_are_those_that_ship() -> None:
    """Name, basis, parent and both vocabularies, purpose by purpose in their order."""
    shown = [
        (name, basis, parent, f"https://w3id.org/{dpv.replace(':', '#')}", fides)
        for name, basis, parent, dpv, fides in rows("purpose", "basis", "part of")
    ]
    assert shown == [(p.name, p.basis, p.parent, p.dpv, p.fides) for p in DEFAULT.values()]


def test_what_each_action_requires_is_what_is_required() -> None:
    """The table of requirements is the one that the neck goes by; so are the ways of saying and the reasons."""
    shown = {}
    for names, *marks in rows("action", "origin", "purpose"):
        parts = tuple(part for part, mark in zip(PARTS, marks, strict=True) if mark == "x")
        shown.update(dict.fromkeys(names.split(", "), parts))
    assert shown == REQUIRED
    assert [row[0] for row in rows("how", "where it comes from")] == list(HOWS)
    assert all(f"`{reason}`" in PAGE for reason in REASONS)


def test_the_settings_that_it_shows_are_well_defined() -> None:
    """The example of cxm.toml has no fault, and says what the page says of it."""
    (text,) = blocks("toml")
    doc = Document("cxm.toml", text)
    found = parse_settings(doc)
    assert doc.faults == []
    assert found.purposes.line("newsletter") == ("newsletter", "marketing")
    assert found.purposes["service-optimisation"].basis == "consent"


@pytest.fixture
def contract() -> Contract:
    """A contract that allows marketing by mail."""
    text = 'name = "shop"\n[contract]\norigin = "first-party"\npurposes = ["marketing"]\ncontact = true\n'
    return parse_contract(Document("sources/shop.toml", text), "shop")


def test_the_python_that_it_shows_runs(contract: Contract) -> None:
    """The example of a use passes a neck and answers for each of its people."""

    def told(_: str) -> Ints:
        return np.array([1, 2, 3], np.int64)

    neck = Neck(DEFAULT, {"shop": contract}, settle(FACTS.empty_table(), DEFAULT), told=told)
    known: dict[str, object] = {"neck": neck}
    exec(blocks("python")[0], known)  # noqa: S102 -- our own page
    assert getattr(known["found"], "counts") == {"unknown": 3}  # noqa: B009 -- what the page made
