"""The page on what the door takes: its figures and reasons are those of the code."""

from __future__ import annotations

import re

import pytest

from cxminute.collect.calls import limits, opening
from cxminute.collect.calls.essentials import DETAILS
from cxminute.collect.calls.opening import SHAPES
from cxminute.collect.rejects import REASONS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "door.md").read_text("utf-8")
ROOM = ROOT / "src" / "cxminute" / "collect" / "calls"


@pytest.mark.parametrize("reason", sorted({*SHAPES, *DETAILS}))
def test_every_reason_of_an_item_is_on_the_page(reason: str) -> None:
    """Each is one of quarantine's, and is said to be found by the door."""
    assert reason in REASONS
    assert f"`{reason}`" in PAGE.partition("## What goes to quarantine")[2]


def test_every_code_of_a_refused_body_is_on_the_page() -> None:
    """Whatever a body is refused with stands in the table of refusals."""
    texts = [path.read_text("utf-8") for path in ROOM.glob("*.py")]
    codes = {code for text in texts for code in re.findall(r'Unacceptable\(\s*"([a-z_]+)"', text)}
    codes |= set(opening.SHAPES) - {"event_too_large"}
    assert len(codes) > 10
    refusals = PAGE.partition("## What is refused")[2].partition("## What goes")[0]
    assert {code for code in codes if f"`{code}`" not in refusals} == set()


@pytest.mark.parametrize(
    "figure",
    [
        f"| body, inflated | {limits.LARGEST_BODY >> 20} MiB |",
        f"| items of a body | {limits.MOST_EVENTS:,} |",
        f"| one item, as it was sent | {limits.LARGEST_EVENT >> 10} KiB |",
        f"in an item | {limits.DEEPEST} |",
        f"those of inner objects among them | {limits.MOST_KEYS:,} |",
        f"in an item | {limits.MOST_EXTREME} |",
        f"| message id | {limits.LONGEST_MESSAGE_ID} characters |",
        f"| any other identifier | {limits.LONGEST_ID} characters |",
        f"| name of an event | {limits.LONGEST_NAME} characters |",
        f"in a body | {limits.DEEPEST_BODY:,} |",
    ],
)
def test_every_limit_is_on_the_page(figure: str) -> None:
    """The published figure is the one that counts."""
    assert figure in PAGE
