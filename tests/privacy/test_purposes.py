"""Purposes: the default tree, what a project adds to it, and what it may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.app.cli import run
from cxminute.model.definitions import Document
from cxminute.privacy.purposes import BASES, DEFAULT, PURPOSES, Purposes, parse_purposes, weaker


def parsed(text: str) -> tuple[Purposes, list[str]]:
    """The purposes of a settings file, and its faults."""
    doc = Document("cxm.toml", text)
    return parse_purposes(doc), [str(fault) for fault in doc.faults]


def test_every_default_purpose_has_its_place_in_two_vocabularies() -> None:
    """Each has a meaning, a basis of Article 6, an IRI of the Data Privacy Vocabulary and a key of fideslang."""
    for purpose in DEFAULT.values():
        assert purpose.basis in BASES
        assert purpose.dpv.startswith("https://w3id.org/dpv#")
        assert purpose.fides
        assert purpose.says == PURPOSES[purpose.name]
    assert DEFAULT.line("targeted-advertising") == ("targeted-advertising", "marketing")
    assert DEFAULT.by_browser == ("targeted-advertising", "sale-or-sharing")


def test_a_project_adds_its_own() -> None:
    """A purpose of its own has a parent, a basis and categories; one that names no basis needs a yes."""
    found, faults = parsed('[purposes.letter]\nparent = "marketing"\ncategories = ["Letter"]\nsays = "On Fridays"\n')
    assert faults == []
    assert found["letter"].basis == "consent"
    assert found.is_direct("letter")
    assert not found.is_direct("service-provision")
    assert {name: one.categories for name, one in found.items() if one.categories} == {"letter": ("Letter",)}
    assert len(found) == len(DEFAULT) + 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[purposes.letter]\nparent = "marketng"', "Did you mean 'marketing'?"),
        ('[purposes.letter]\nbasis = "concent"', "Did you mean 'consent'?"),
        ('[purposes.letter]\nbases = "consent"', "Did you mean 'basis'?"),
        ("[purposes.Letter]\n", "small letters"),
        ("[purposes]\nletter = 3", "not a table"),
        ('[purposes.letter]\ndpv = "Marketing"', "no IRI"),
        ('[purposes.letter]\ncategories = [" "]', "names none"),
        ('[purposes.a]\nparent = "b"\n[purposes.b]\nparent = "a"', "part of itself"),
        ("\n".join(f"[purposes.p{number}]" for number in range(60)), "too many"),
    ],
)
def test_what_is_wrong_is_told_with_the_nearest_right_name(text: str, fault: str) -> None:
    """A parent that is not there, a circle, a word or a key that is none: one fault each, and the rest is read."""
    found, faults = parsed(text)
    assert len(faults) == 1
    assert fault in faults[0]
    assert set(DEFAULT) <= set(found)


def test_a_weaker_basis_is_told() -> None:
    """A default purpose that needed a yes and no longer does is named; the other way round is nobody's business."""
    found, _ = parsed(
        '[purposes.marketing]\nbasis = "legitimate-interest"\n[purposes.service-optimisation]\nbasis = "consent"'
    )
    assert weaker(found) == ("marketing",)
    assert weaker(DEFAULT) == ()


def test_a_projects_purpose_holds_wherever_one_is_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Contracts, journeys, initiatives and --purpose take a purpose of the project's own, and mend its spelling."""
    root = tmp_path / "shop"
    for folder in ("sources", "journeys", "initiatives"):
        (root / folder).mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n[purposes.letter]\nparent = "marketing"\n', "utf-8")
    contract = 'origin = "first-party"\npurposes = ["letter"]\ncontact = true\n'
    (root / "sources" / "site.toml").write_text(f'name = "site"\nformat = "http"\n[contract]\n{contract}', "utf-8")
    journey = 'name = "j"\npattern = "A -> B"\nwindow = "2 days"\npurpose = "{}"\n'
    (root / "journeys" / "j.toml").write_text(journey.format("letter"), "utf-8")
    initiative = 'name = "i"\npurpose = "letter"\nchannel = "email"\nkpi = "orders"\nsources = ["site"]\n'
    (root / "initiatives" / "i.toml").write_text(initiative, "utf-8")
    assert run(["check", "--project", str(root)]) == 0
    assert run(["events", "--purpose", "letter", "--project", str(root)]) == 0
    (root / "journeys" / "j.toml").write_text(journey.format("leter"), "utf-8")
    capsys.readouterr()
    assert run(["check", "--project", str(root)]) == 1
    assert "Did you mean 'letter'?" in capsys.readouterr().out
