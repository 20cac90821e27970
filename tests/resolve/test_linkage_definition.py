"""Definitions of linkages: what they may say, and what the contracts of their sources say to them."""

from __future__ import annotations

import pytest

from cxminute.model.definitions import Document
from cxminute.privacy.contracts import Contract
from cxminute.resolve.linkage.allowed import check_linkage
from cxminute.resolve.linkage.definition import Linkage, Part, parse_linkage
from cxminute.resolve.linkage.presets import preset

TEXT = """name = "guests"
sources = ["shop"]
[fields.surname]
form = "name"
paths = ["last_name"]
[fields.birth]
form = "date"
paths = ["traits.birthday"]
[blocking]
rules = [["surname", "birth:4"], "birth"]
[training]
match = 0.001
rules = [["surname"], ["birth"]]
"""


def parsed(text: str) -> tuple[Linkage | None, list[str]]:
    """The linkage, and what is wrong with it."""
    document = Document("linkage/guests.toml", text)
    found = parse_linkage(document, sources={"shop", "desk"})
    return found, [str(fault) for fault in document.faults]


def contract(**said: object) -> Contract:
    """A shop's contract that allows all that a linkage does, but for what is said."""
    allowed: dict[str, object] = {
        "source": "shop", "origin": "first-party", "purposes": frozenset({"service-optimisation"}), "personal": (),
        "open": (), "keep_personal": None, "keep_rest": None, "link": True, "contact": False, "train": True,
        "combine": True, "smallest_group": 1,
    }  # fmt: skip
    return Contract(**(allowed | said))  # type: ignore[arg-type]  # as the class has them


def test_a_definition_says_whose_records_are_compared_by_what() -> None:
    """A bare name is a property; a rule names fields or their beginnings; what is not said has a default."""
    found, faults = parsed(TEXT)
    assert faults == []
    assert found is not None
    assert found.fields["surname"].paths == ("properties.last_name",)
    assert found.blocking == ((Part("surname"), Part("birth", 4)), (Part("birth"),))
    assert (found.propose, found.accept, found.every, found.purpose) == (4.0, None, 2_000, "service-optimisation")
    assert found.paths == {"properties.last_name", "traits.birthday"}


def test_what_comes_with_the_project_is_well_defined() -> None:
    """The definition to start from has no fault but that it names sources of the project."""
    found, faults = parsed(preset("people", ("shop", "desk")))
    assert faults == []
    assert found is not None
    assert found.sources == ("shop", "desk")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"shop"', '"shpo"', "There is no source 'shpo'. Did you mean 'shop'?"),
        ('"surname", "birth:4"', '"surnam", "birth:4"', "There is no field 'surnam'. Did you mean 'surname'?"),
        ('"birth:4"', '"birth:0"', "'birth:0' is no field."),
        ('form = "date"', 'form = "dat"', "'dat' is not a form. Did you mean 'date'?"),
        ('form = "name"', 'form = "name"\nat = [0.9]', "'at' stands without a comparison that has levels."),
        ('form = "name"', 'form = "name"\ncompare = "alike"\nat = [0.8, 0.9]', "'at' are no levels of 'alike'."),
        ('form = "name"', 'form = "name"\nswap = "birht"', "There is no field 'birht'. Did you mean 'birth'?"),
        ('["surname"], ["birth"]', '["surname"]', "Every block of training agrees on 'surname'"),
        ("match = 0.001", "", "Nothing says how likely two records are one person's."),
        ("match = 0.001", 'match = 0.001\nsure = [["surname"]]', "Both 'match' and 'sure' say"),
        (
            "[training]",
            "[thresholds]\npropose = 6\naccept = 5\n[training]",
            "It would accept what it does not propose.",
        ),
        ("[training]", "[thresholds]\naccpt = 5\n[training]", "Unknown key 'accpt'. Did you mean 'accept'?"),
        ('name = "guests"', 'name = "../guests"', "'../guests' is not a name."),
    ],
)
def test_a_fault_names_the_place_and_what_would_be_right(old: str, new: str, said: str) -> None:
    """Each fault stands in the file and says what is wrong; nothing half right is used."""
    found, faults = parsed(TEXT.replace(old, new, 1))
    assert found is None
    assert any(said in fault and fault.startswith("linkage/guests.toml:") for fault in faults), faults


@pytest.mark.parametrize(
    ("said", "clause"),
    [
        ({"link": False}, "'shop: link'"),
        ({"train": False}, "'shop: train'"),
        ({"purposes": frozenset({"marketing"})}, "'shop: purposes'"),
    ],
)
def test_what_a_contract_forbids_is_a_fault(said: dict[str, object], clause: str) -> None:
    """A source whose people may not be linked, learnt from, or used for the purpose is refused, with the clause."""
    found, _ = parsed(TEXT)
    assert found is not None
    document = Document("linkage/guests.toml", TEXT)
    check_linkage(document, found, {"shop": contract()})
    assert document.faults == []
    check_linkage(document, found, {"shop": contract(**said)})
    (fault,) = document.faults
    assert f"This breaks {clause}." in str(fault)
