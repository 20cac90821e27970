"""The page on linkage: its definition is well defined, and its waterfall is what is drawn."""

from __future__ import annotations

import re

from cxminute.model.definitions import Document
from cxminute.resolve.linkage.comparing import levels
from cxminute.resolve.linkage.definition import FORMS, Field, parse_linkage
from cxminute.resolve.linkage.explaining import drawn, waterfall
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "linkage.md").read_text("utf-8")


def test_the_definition_that_is_shown_is_well_defined() -> None:
    """Every key that is documented is one that is read."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    document = Document("linkage/people.toml", block)
    assert parse_linkage(document, sources={"shop", "desk"}) is not None, document.faults


def test_the_levels_that_are_listed_are_those_of_the_forms() -> None:
    """Each form's row names its levels, in their order."""
    rows = {
        form: [cell.strip() for cell in cells.split("|")] for form, cells in re.findall(r"\| `(\w+)` \|(.*)\|", PAGE)
    }
    for form in FORMS:
        words = [level.word for level in levels(Field("x", form, swap="y"), ["x", "y"])[2:-1]]
        named = [word for word in words if not word.startswith("swapped") or form == "name"]
        told = re.sub(r" \([^)]*\)", "", rows[form][-1]).split(", ")
        assert told == [word.replace("swapped with y", "swapped") for word in named]


def test_the_waterfall_that_is_shown_is_what_is_drawn() -> None:
    """The steps add up to the weight, and stand as they do on a terminal."""
    told = (
        '{"first_name":{"level":"same","weight":6.67},"surname":{"level":"one slip","weight":6.56},'
        '"birth":{"level":"2 slips","weight":3.85}}'
    )
    assert "\n".join(f"  {line}" for line in drawn(waterfall(told, 9.54))) in PAGE
