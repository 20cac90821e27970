"""The page on kinds of identifier says what the kinds are."""

from __future__ import annotations

import re

from cxminute.app.schema import schema
from cxminute.model.definitions import Document
from cxminute.resolve.kinds import KINDS, parse_kinds
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "identity.md").read_text("utf-8")


def test_the_kinds_that_are_shown_can_be_read() -> None:
    """The example has no fault, and changes what it says: a limit, a kind left out, a kind of one's own."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    doc = Document("cxm.toml", block)
    found = parse_kinds(doc)
    assert doc.faults == []
    assert found["email"].most == 3
    assert "device_id" not in found
    assert found["loyalty_card"].paths == ("traits.card", "properties.card_number")


def test_the_default_kinds_are_those_of_the_page() -> None:
    """Every default stands in the table with its strength, limits and paths, and no other does."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \| (\d+) \| (\d+) \|(.*)\|$", PAGE, re.MULTILINE)
    told = {name: (*facts, tuple(re.findall(r"`([^`]+)`", paths))) for name, *facts, paths in rows}
    assert told == {
        kind.name: (kind.strength, str(kind.priority), str(kind.most), str(kind.shared), kind.paths)
        for kind in KINDS.values()
    }


def test_every_key_of_a_kind_is_on_the_page() -> None:
    """What the schema knows of a kind is told of here."""
    project = schema("project")["properties"]
    assert isinstance(project, dict)
    keys = {key for table in project["identity"]["patternProperties"].values() for key in table["properties"]}
    assert [key for key in keys if f"`{key}" not in PAGE] == []
