"""Values as they are compared, and those that are nobody's."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.placeholders import PATTERN, is_nobodys
from cxminute.resolve.guards import compared, is_placeholder, normalised, relay_of

KINDS = ("email", "phone", "user_id", "device_id")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", "  Ann.Lee+shop@Example.COM ", "ann.lee+shop@example.com"),
        ("email", "mailto:ann@example.com", "ann@example.com"),
        ("email", "ZOE\u0308@example.com", "zo\u00eb@example.com"),
        ("email", "ann at example.com", ""),
        ("email", "ann@lee@example.com", ""),
        ("email", "@example.com", ""),
        ("phone", "+31 (0)20 624-1111", "+31206241111"),
        ("phone", "0031 20 624 1111", "+31206241111"),
        ("phone", "020 624 11 11", "0206241111"),
        ("phone", "\u0662\u0660\u0666\u0662\u0664\u0661\u0661", "2062411"),
        ("phone", "112", ""),
        ("phone", "ask for Ann", ""),
        ("phone", "020 624 11 11 ext. 4", ""),
        ("phone", "1234567890123456", ""),
        ("user_id", " Zoe\u0308 ", "Zo\u00eb"),
        ("user_id", "", ""),
    ],
)
def test_values_are_compared_in_one_form(kind: str, value: str, expected: str) -> None:
    """Case, blanks, Unicode forms and ways of writing a number make no two of one; what is no such thing is ''."""
    assert normalised(kind, value) == expected


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), st.one_of(st.text(max_size=20), st.from_regex(r"[+0-9()\- ]{0,20}", fullmatch=True)))
def test_the_form_of_a_form_is_itself(kind: str, value: str) -> None:
    """Bringing a value into its form twice is doing it once."""
    once = normalised(kind, value)
    assert normalised(kind, once) == once


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((kind, word) for kind in KINDS for word in ("guest", "NULL", "'undefined'", "N/A", "[object Object]", "-")),
        *((kind, "0" * size) for kind in KINDS for size in (1, 10)),
        ("device_id", "00000000-0000-0000-0000-000000000000"),
        ("device_id", "x"),
        *(("email", f"{name}@shop.nl") for name in ("noreply", "no-reply", "donotreply", "test", "test12", "guest")),
        *(("email", address) for address in ("test@test.com", "ann@mail.invalid", "aaa@bbb.cc", "x@xx.com", "")),
        *(("phone", number) for number in ("+3199999999", "0000000", "123456789", "0612345678", "987654321")),
    ],
)
def test_words_for_want_of_a_value_are_nobodys(kind: str, value: str) -> None:
    """Placeholders of programs and people, nil ids, made-up addresses and numbers name nobody."""
    assert is_placeholder(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("user_id", value) for value in ("1", "a", "10", "user-7", "nullify", "guesthouse", "anna")),
        *(("email", value) for value in ("ann@example.com", "j@smith.org", "testa@gmail.com", "on@lee.nl")),
        *(("phone", value) for value in ("+31206241111", "5550104477")),
        ("device_id", "7f"),
    ],
)
def test_ordinary_values_are_somebodys(kind: str, value: str) -> None:
    """Short ids, addresses of one letter and words that only begin like a placeholder stay."""
    assert not is_placeholder(kind, value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("abc123@marketplace.amazon.co.uk", True),
        ("abc123@members.ebay.de", True),
        ("9F@relay.walmart.com", True),
        ("k@verkopen.bol.com", True),
        ("k@pc.fw.rakuten.ne.jp", True),
        ("r.ft@notification.mirakl.net", True),
        ("ann@amazon.com", False),
        ("ann@marketplace.amazon.shops.example.com", False),
        ("marketplace.amazon.com@example.com", False),
        ("ann@notmembers.ebay.de", False),
    ],
)
def test_relay_addresses_are_known_by_their_domain(address: str, expected: bool) -> None:  # noqa: FBT001 -- a table
    """Domains that marketplaces give out stand for a buyer there; the part before the @ does not matter."""
    assert relay_of(address) is expected


def test_a_column_is_compared_as_its_values_are() -> None:
    """Nulls stay, what is nobody's becomes null and is counted, dictionary or not."""
    values = pa.chunked_array([["Ann@Example.com", None, "noreply@x.nl"], ["ann@example.com", "no address"]])
    for column in (values, values.combine_chunks().dictionary_encode()):
        found, left_out = compared("email", column)
        assert found.to_pylist() == ["ann@example.com", None, None, "ann@example.com", None]
        assert left_out == 2


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=12), st.sampled_from(("guest", " NULL ", "<none>", "0-0", "test", "tests", "id"))))
def test_collecting_and_recognising_know_the_same_words(value: str) -> None:
    """The one list of placeholders says the same of a value alone and of a column."""
    assert pc.match_substring_regex(pa.array([value]), PATTERN).to_pylist() == [is_nobodys(value)]
