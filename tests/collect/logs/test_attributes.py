"""Attributes of XES as properties: what goes in comes out, whatever it is called and holds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect.logs.attributes import DEEPEST, SIMPLE, given_out, named, taken_in

KEYS = st.sampled_from(
    ["cost", "org:resource", "resource", "lifecycle:transition", "lifecycle", "case", "xes", "", "=", "=x", "a.b"]
) | st.text(max_size=6)
VALUES = st.sampled_from(
    ["", "0", "-0", "07", "1.50", "1e400", "NaN", "true", "TRUE", "9223372036854775808", "1_000", " 5 ", "é\n"]
) | st.text(max_size=6)
LEAVES = st.tuples(st.sampled_from(SIMPLE), KEYS, VALUES, st.none())


def holding(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Attributes that hold others: of a list in order, of all else each key once."""
    unique = st.lists(inner, max_size=3, unique_by=lambda one: one[1])
    return st.one_of(
        st.tuples(st.just("list"), KEYS, st.just(""), st.lists(inner, max_size=3)),
        st.tuples(st.just("container"), KEYS, st.just(""), unique),
        st.tuples(st.sampled_from(SIMPLE), KEYS, VALUES, unique.filter(bool)),
    )


TREES = st.lists(st.recursive(LEAVES, holding, max_leaves=8), max_size=5, unique_by=lambda one: one[1])


def plain(tree: Any) -> Any:
    """A tree with numbers as numbers: 1.50 and 1.5 are one."""
    kind, key, value, within = tree
    number = value
    if kind == "float" and not within and "_" not in value:
        try:
            number = repr(float(value))
        except ValueError:
            number = value
    return kind, key, number, [plain_inner(inner) for inner in within or ()]


def plain_inner(tree: Any) -> Any:
    """A tree within another: as it was written."""
    kind, key, value, within = tree
    return kind, key, value, [plain_inner(inner) for inner in within or ()]


@given(TREES)
def test_attributes_come_out_as_they_went_in(trees: list[Any]) -> None:
    """Type, key, value and what lies within are the same after a stay in the log, where they are JSON."""
    properties, types = msgspec.json.decode(msgspec.json.encode(taken_in(trees)))
    found = given_out(properties, types)
    assert sorted(map(repr, map(plain, found))) == sorted(map(repr, map(plain, trees)))


@given(KEYS, KEYS)
def test_no_two_attributes_share_a_property(one: str, other: str) -> None:
    """Whatever attributes are called, two of them are two properties, and none is one of ours."""
    assert (named(one) == named(other)) == (one == other)
    assert named(one) not in {"case", "xes"}


def test_a_plain_attribute_is_a_plain_property() -> None:
    """What analyses ask for is a number, a flag or a text under its own name."""
    trees = [("int", "n", "5", None), ("float", "x", "5.0", None), ("boolean", "ok", "true", None)]
    assert taken_in([*trees, ("string", "org:resource", "112", None)]) == (
        {"n": 5, "x": 5.0, "ok": True, "resource": "112"},
        {},
    )


def test_attributes_too_deep_within_one_another_are_refused() -> None:
    """A bound on depth: databases take seconds for what lies deeper."""
    tree: Any = ("string", "a", "x", None)
    for _ in range(DEEPEST):
        tree = ("string", "a", "x", [tree])
    with pytest.raises(RecursionError):
        taken_in([tree])
    assert taken_in([tree[3][0]])[1] == {"a": "nested"}
