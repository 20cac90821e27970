"""How values are read and compared before anything is weighed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.resolve.linkage.cleaning import clean, records
from cxminute.resolve.linkage.comparing import SAME, UNKNOWN, levels
from cxminute.resolve.linkage.definition import Field
from cxminute.store.segments import connect

WORDS = st.text("ab1 ", max_size=7)


@pytest.mark.parametrize(
    ("form", "said", "compared"),
    [
        ("name", "  O\u2019Brien-Smith 2nd", "o brien smith nd"),
        ("text", "Keizers-\ngracht 12", "keizers gracht 12"),
        ("name", "Rene\u0301e", "ren\u00e9e"),
        ("name", "--", None),
        ("date", "19710524", "1971-05-24"),
        ("date", "1971-05-24T00:00:00Z", "1971-05-24"),
        ("date", "4.5.1971", "1971-05-04"),
        ("date", "1971-13-45", "1971-13-45"),
        ("date", "05/24/71", None),
        ("email", "Ada@Mail.test ", "ada@mail.test"),
        ("email", "ada", None),
        ("phone", "0031 (20) 123-4567", "31201234567"),
        ("phone", "12-34", None),
        ("postcode", "1016 dv", "1016DV"),
        ("code", "a-1.b", "A1B"),
    ],
)
def test_spelling_alone_makes_no_difference(form: str, said: str, compared: str | None) -> None:
    """Case, blanks and signs go; what is no such thing is no value; a day that no month has stays, as a slip."""
    assert clean(pa.chunked_array([[said, None]]), form).to_pylist() == [compared, None]


def test_who_says_too_little_is_not_compared() -> None:
    """One field alone is like too many people; a field that nobody has is left out."""
    fields = {name: Field(name, "name") for name in ("first", "last", "middle")}
    table = pa.table(
        {"unique_id": [1, 2, 3], "first": ["ada", "ada", None], "last": ["l", None, "b"], "age": [1, 2, 3]}
    )
    found = records(table, fields)
    assert (found["unique_id"].to_pylist(), found.column_names) == ([1], ["unique_id", "first", "last"])
    assert records(table.select(["unique_id", "age"]), fields).num_rows == 0


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=40))
@settings(max_examples=15, deadline=None)
def test_what_is_asked_first_changes_no_answer(pairs: list[tuple[str, str]]) -> None:
    """Slips are counted with swaps of neighbours; that lengths and changes are looked at before is speed alone."""
    (_, _, *slips, _) = levels(Field("x", "code", compare="slips", at=(1.0, 2.0)), ["x"])
    duck = connect()
    duck.register("pairs", pa.table({"x_l": [a for a, _ in pairs], "x_r": [b for _, b in pairs]}))
    for most, level in enumerate(slips, start=1):
        wrong = f"({level.sql}) != (damerau_levenshtein(x_l, x_r) <= {most})"
        assert duck.sql("FROM pairs").filter(wrong).fetchall() == []


def test_levels_go_from_the_same_to_another() -> None:
    """A comparison begins with no value and the same, ends with all else; a swap with a field not known is none."""
    field = Field("first", "name", rare=True, swap="last")
    words = [level.word for level in levels(field, ["first", "last"])]
    assert words == [UNKNOWN, SAME, "one slip", "alike 0.88", "swapped with last", "alike 0.7", "other"]
    assert [level.word for level in levels(field, ["first"]) if "swapped" in level.word] == []
    assert [level.word for level in levels(field, ["first"]) if level.rare] == [SAME]
