"""Where an identifier stands in a text, what an exception by law has to say, and that others' texts are left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.model.definitions import Document
from cxminute.privacy.contracts import Contract, parse_contract
from cxminute.privacy.standing import FORGOTTEN, Fields, Words


def contract(lines: str) -> tuple[Contract, list[str]]:
    """The contract of our own shop with these lines, and its faults."""
    text = f'[contract]\norigin = "first-party"\npurposes = ["service-provision"]\n{lines}'
    doc = Document("sources/shop.toml", text)
    return parse_contract(doc, "shop"), [str(fault) for fault in doc.faults]


@pytest.mark.parametrize(
    ("row", "stands"),
    [
        ('{"customer": "ann@example.com"}', True),
        ('{"said": "write to Ann@Example.com, please"}', True),
        ('{"said": "joann@example.com.au"}', False),
        ('{"userId": 7}', True),
        ('{"userId": "7", "quantity": 1}', True),
        ('{"userId": 75, "quantity": 7}', False),
        ('{"shoe": "7"}', True),
        ('{"name": "O\\u0027Hara \\"the fox\\""}', False),
        ('{"name": "the \\"fox\\" here"}', True),
        ("", False),
    ],
)
def test_an_identifier_is_met_as_a_word_of_its_own(row: str, stands: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """One that is unlike any other, wherever it stands alone; a short number only where a field holds identifiers."""
    assert Words(["ann@example.com", "7", 'the "fox" here'], ["shoe"]).stand_in(row) is stands


def test_a_line_that_nobody_could_read_is_taken_cell_by_cell() -> None:
    """Which of its cells would hold the identifier nobody knows: any of them may."""
    words = Words(["7"])
    assert words.stand_in("a,7,b", raw=True)
    assert not words.stand_in("a,7,b")
    assert not words.stand_in("a,75,b", raw=True)


def test_a_page_keeps_all_else_to_the_letter() -> None:
    """Figures stay, also where they are somebody's short number; what HTML escapes is found as it is written."""
    page = "<p>7 of 10; Ann & Co: 75.0 %\r\n<td>Ann &amp; Co</td>"
    assert Words(["7", "Ann & Co"]).without(page) == (f"<p>7 of 10; {FORGOTTEN}: 75.0 %\r\n<td>{FORGOTTEN}</td>", 2)
    assert Words(["7"]).without(page) == (page, 0)
    assert Words([" ", ""]).stand_in(page) is False


@given(st.text(), st.text(min_size=8))
def test_what_is_found_is_taken_out(before: str, word: str) -> None:
    """Whatever the text: where a word stands alone, it does not after it was taken out."""
    words = Words([word])
    text = f"{before} {word} "
    if word.strip() and words.stand_in(text):
        assert not words.stand_in(words.without(text)[0].replace(FORGOTTEN, ""))


def test_an_exception_by_law_names_events_law_and_term() -> None:
    """All three or none: one that is missing is named."""
    lines = {"keep_by_law": ["Invoice Issued"], "law": "HGB 257", "keep_by_law_for": "10 days"}
    said = [f"{key} = {json.dumps(value)}\n" for key, value in lines.items()]
    found, faults = contract("".join(said))
    assert (faults, found.keep_by_law, found.law, found.keep_by_law_for) == ([], ("Invoice Issued",), "HGB 257", 10)
    for left_out, key in enumerate(lines):
        _, faults = contract("".join(said[:left_out] + said[left_out + 1 :]))
        assert len(faults) == 1
        assert f"lacks {key}" in faults[0]
    assert contract("")[0].keep_by_law == ()
    assert len(contract('keep_by_law = [" "]\nlaw = "x"\nkeep_by_law_for = "1 day"\n')[1]) == 1


def test_a_short_word_counts_in_fields_of_identifiers_alone() -> None:
    """A quantity is nobody's number; a path that a mapping names counts by its end, and any cell of an unread line."""
    row = '{"userId": 42, "qty": 7, "properties": {"order_id": "o \\"1"}, "note": "11"}'
    assert Fields(["properties.order_id"]).said_in(row) == {"42", 'o \\"1'}
    assert Fields().said_in('a;"42"; ;b', raw=True) == {"a", "42", "b"}
    assert Words(["o1"], ["properties.order_id"]).stand_in('{"order_id":"o1"}')
