"""Strings of the Global Privacy Platform, read by their specification and against its published examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.privacy.gpp import read

TCF_ALL = (
    "CPi8wgAPi8wgAAOACBENCuCoAP_AAEfAACiQJHNd_H__bX9n-f7_6ft0eY1f9_r37uQzDhfNk-8F3L_W_LwX_2E7NF36tq4KmR4ku1LBIUNtHMnU"
    "DUmxaokVrzHsak2cpzNKJ_BkknsZe2dYGF9vm5tj-QKZ7_5_d3f52T_9_9v-39z33913v3d93-_13LjdV5_9H_v9fR_b8_Kf9_5-_4v8_____3_e__"
    "____8AEEggCTDVuIAuxLHAm0DCKBECMKwkKoFABBQDC0QGADg4KdlYBPrCBAAgFAEYEQIcAUYEAgAAAgCQiACQIsEAAAIgEAAIAEQiEABAwCCgAsDA"
    "IAAQDQMUQoABAkIMiAiKUwICIEggJbKhBKC6Q0wgCrLACgkRsFAAiAAAUgACAsHAMESAlYsECTFG-QAjBCgFEqFaAGGgAwABBI4RABgACCRwqADAA"
    "EEjgA"
)
TCF_NONE = "CPSG_8APSG_8ANwAAAENAwCAAAAAAAAAAAAAAAAAAAAA.QAAA.IAAA"


@pytest.mark.parametrize(
    ("header", "sections"),
    [
        ("DBABM", (2,)),  # the three examples of the specification
        ("DBACNY", (2, 6)),
        ("DBABjw", (5, 6)),
        ("DBABMA", (2,)),  # and as libraries pad them
        ("DBACOaw", (2, 5, 6, 7, 8, 9, 10, 11, 12)),
        ("DBAA", ()),
    ],
)
def test_the_header_says_which_sections_there_are(header: str, sections: tuple[int, ...]) -> None:
    """Ids stand in Fibonacci code, single or as ranges, each counted from the last."""
    found = read("~".join([header, *("x" for _ in sections)]))
    assert found is not None
    assert found.sections == sections


def test_the_us_section_says_who_opted_out() -> None:
    """Published vectors: opted out of all three with the browser's signal; did not opt out; nothing applies."""
    out = read("DBABLA~BVVVkkkkkpFY.YA")
    assert out is not None
    assert (out.sale, out.sharing, out.advertising, out.browser) == (1, 1, 1, True)
    stays = read("DBABLA~BVQqAAAACg")
    assert stays is not None
    assert (stays.sale, stays.sharing, stays.advertising, stays.browser) == (2, 2, 2, False)
    default = read("DBABLA~BAAAAAAAAABA.QA")
    assert default is not None
    assert (default.sale, default.sharing, default.advertising, default.browser) == (0, 0, 0, False)


def test_the_european_section_says_what_was_consented_to() -> None:
    """Published vectors: purposes 1 to 10 of a service's own string; one of the former global kind is not valid."""
    found = read(f"DBABMA~{TCF_ALL}")
    assert found is not None
    assert found.consents == frozenset(range(1, 11))
    assert found.is_valid
    none = read(f"DBABMA~{TCF_NONE}")
    assert none is not None
    assert none.consents == frozenset()
    assert not none.is_valid


def test_sections_stand_in_their_order() -> None:
    """Among several sections each is read by its own id; those of states and Canada are left as they came."""
    found = read(
        f"DBACOaw~{TCF_NONE}~CPSG_8A.YAAA~1---~BVVVkkkkkpFY.YA~BAAAAAAA.QA~BAAAAAA~BAAAAAA.QA~BAAAAAAA~BAAAAAAA.QA"
    )
    assert found is not None
    assert (found.sale, found.consents) == (1, frozenset())
    alone = read("DBABTA~1YNN")
    assert alone is not None
    assert (alone.sections, alone.sale, alone.consents) == ((6,), None, None)


@pytest.mark.parametrize(
    "text",
    ["", "~", "DBAB", "1YNN", "DBABMA", "DBABMA~x~y", "CPSG_8A", "DBABLA~z!", "DB~BVVV", "D" * 20_000, "DP__////"],
)
def test_what_is_no_string_says_nothing(text: str) -> None:
    """Cut, mistyped, oversized or other people's strings are read as nothing at all."""
    assert read(text) is None


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~.", max_size=60))
def test_whatever_comes_is_read_or_not(text: str) -> None:
    """No text breaks the reader; what it finds are sections in ascending order, one for each part."""
    found = read(f"DB{text}")
    if found is not None:
        assert list(found.sections) == sorted(set(found.sections))
        assert len(found.sections) == text.count("~")
