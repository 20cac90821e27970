"""Edges between texts: each identifier has one number, however it comes, and never another's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.errors import WrongUse
from cxminute.resolve.kinds import KINDS
from cxminute.resolve.links import ALIAS, ALIASED, IDENTIFY
from cxminute.resolve.stitch import stitch
from cxminute.resolve.texts import Texts


def test_one_text_of_two_kinds_is_two_identifiers() -> None:
    """Numbers are given in order of first appearance; a null ends no edge; what is known keeps its number."""
    texts = Texts(KINDS)
    kinds = pa.chunked_array([["email", "phone"], ["email"]]).dictionary_encode()
    links, nodes = texts.links("user_id", pa.array(["a", "b", None]), kinds, pa.array(["x", "x", "y"]), IDENTIFY, 7)
    assert [texts.text(number) for number in range(len(texts))] == ["a", "b", "x", "x", "y"]
    assert (links.a.tolist(), links.b.tolist(), links.at.tolist()) == ([0, 1], [2, 3], [7, 7])
    assert nodes.kind.tolist() == [0, 0, 1, 2, 1]
    more, new = texts.links("email", pa.array(["y"]), "user_id", pa.array(["c"]))
    assert (more.a.tolist(), more.b.tolist(), len(new)) == ([4], [5], 1)
    with pytest.raises(WrongUse, match="no identifier 6"):
        texts.text(6)
    with pytest.raises(WrongUse, match="differ in length"):
        texts.links("email", pa.array(["y"]), "user_id", pa.array(["c", "d"]))


def test_the_former_name_is_the_left_one_whichever_number_it_has() -> None:
    """An alias keeps its direction when the later number is the former name."""
    texts = Texts(KINDS)
    texts.links("user_id", pa.array(["new"]), "email", pa.array(["x"]))
    links, _ = texts.links("user_id", pa.array(["new", "old"]), "user_id", pa.array(["newest", "new"]), ALIAS)
    assert links.how.tolist() == [ALIAS, ALIASED]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=40), st.integers(0, 40))
def test_numbers_are_those_of_a_dictionary(pairs: list[tuple[str, str]], cut: int) -> None:
    """In one stretch or two, sliced or whole, texts have the numbers that a dictionary gives them."""
    texts, known = Texts(KINDS), dict[tuple[str, str], int]()
    for part in (pairs[:cut], pairs[cut:]):
        left, right = (pa.array(["?", *(pair[side] for pair in part)], pa.string()).slice(1) for side in (0, 1))
        texts.links("user_id", left, "email", right)
        for side, kind in ((0, "user_id"), (1, "email")):
            for pair in part:
                known.setdefault((kind, pair[side]), len(known))
    assert [texts.text(number) for number in known.values()] == [text for _, text in known]


def test_many_texts_are_kept_apart() -> None:
    """Ten thousand texts in stretches of growing size come back as they were, and stitch to their people."""
    texts = Texts(KINDS)
    people = np.repeat(np.arange(5_000), 2)
    left = pa.array([f"user {one}" for one in people])
    right = pa.array([f"cookie {place}" for place in range(10_000)])
    parts = [
        texts.links("user_id", left[a:b], "anonymous_id", right[a:b]) for a, b in ((0, 10), (10, 400), (400, 10_000))
    ]
    links = parts[0][0] + parts[1][0] + parts[2][0]
    nodes = type(parts[0][1])(
        np.concatenate([new.kind for _, new in parts]), np.concatenate([new.stable for _, new in parts])
    )
    assert len(texts) == len(nodes) == 15_000
    assert np.unique(nodes.stable).size == 15_000
    assert {texts.text(number) for number in range(15_000)} == {*left.to_pylist(), *right.to_pylist()}
    assert np.unique(stitch(links, nodes, KINDS).persons).size == 5_000
