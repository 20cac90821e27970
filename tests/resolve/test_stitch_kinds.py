"""[identity.KIND] of cxm.toml: the kinds of identifier by which a project recognises people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cxminute.model.definitions import Document
from cxminute.resolve.kinds import KINDS, parse_kinds


def faults_of(text: str) -> list[str]:
    """What is wrong with a cxm.toml's tables of kinds, in words."""
    doc = Document("cxm.toml", text)
    parse_kinds(doc)
    return [str(fault) for fault in doc.faults]


def test_without_a_word_the_default_kinds_hold() -> None:
    """An empty file gives the defaults, in the order of their priority."""
    found = parse_kinds(Document("cxm.toml", ""))
    assert dict(found) == dict(KINDS)
    assert [kind.priority for kind in found.values()] == sorted(kind.priority for kind in KINDS.values())


def test_a_table_changes_what_it_names_and_no_more() -> None:
    """A limit of one kind, a kind left out, and a kind of one's own, which comes last and is strong."""
    doc = Document(
        "cxm.toml",
        """
        [identity.email]
        most = 2
        [identity.device_id]
        enabled = false
        [identity.card]
        paths = ["traits.card", "card"]
        """,
    )
    found = parse_kinds(doc)
    assert doc.faults == []
    assert found["email"] == replace(KINDS["email"], most=2)
    assert list(found) == ["user_id", "email", "phone", "anonymous_id", "card"]
    card = found["card"]
    assert (card.strength, card.priority, card.most, card.shared) == ("strong", 5, 0, 4)
    assert (card.paths, card.column) == (("traits.card", "properties.card"), "@card")
    assert (found["user_id"].column, found["email"].column) == ("user_id", "@email")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[identity.email]\nstrenght = "weak"', "Did you mean 'strength'?"),
        ('[identity.email]\nstrength = "storng"', "Did you mean 'strong'?"),
        ("[identity.email]\nmost = -1", "most = -1 is out of bounds"),
        ("[identity.email]\npriority = 0", "from 1 to 99"),
        ('[identity.user_id]\npaths = ["traits.id"]', "stands in every event under its own name"),
        ("[identity.card]\nmost = 1", "Nothing says where events carry 'card'"),
        ("[identity.card]\npaths = []", "Nothing says where events carry 'card'"),
        ('[identity.email]\npaths = [""]', "A path is empty"),
        ('[identity."E mail"]\npaths = ["traits.email"]', "'E mail' cannot be the name of a kind"),
        ("identity = 1", "'identity' is not a table"),
        ("[identity]\nemail = 1", "'email' is not a table"),
    ],
)
def test_a_fault_is_said_with_what_would_be_right(text: str, said: str) -> None:
    """A wrong word, number or path is one fault, with the nearest right name or what is allowed."""
    (fault,) = faults_of(text)
    assert said in fault
