"""Documents divided into an open and a personal part: as a plain walk over every value divides them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.privacy.dividing import Divider

_NOTHING = object()
keys = st.sampled_from(["a", "b", "email", "a.email", ""])
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=2)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
documents = st.dictionaries(keys, values, max_size=4)


def is_hidden(path: str) -> bool:
    """A rule for these tests."""
    return path.endswith("email") or path.startswith("b.a")


def parts(value: Any, path: str = "") -> tuple[Any, Any]:
    """The open and the personal part of a value, by the plainest walk."""
    if path and is_hidden(path):
        return _NOTHING, value
    if isinstance(value, dict) and value:
        inner = {key: parts(found, f"{path}.{key}" if path else key) for key, found in value.items()}
        opened = {key: kept for key, (kept, _) in inner.items() if kept is not _NOTHING}
        hidden = {key: gone for key, (_, gone) in inner.items() if gone is not _NOTHING}
        return opened or _NOTHING, hidden or _NOTHING
    if isinstance(value, list) and value:
        elements = [parts(found, path) for found in value]
        return placed([kept for kept, _ in elements]), placed([gone for _, gone in elements])
    return value, _NOTHING


def placed(elements: list[Any]) -> Any:
    """A part of a list, each element at its place."""
    if all(found is _NOTHING for found in elements):
        return _NOTHING
    return [None if found is _NOTHING else found for found in elements]


@settings(deadline=None)
@given(st.lists(documents, max_size=4))
def test_documents_are_divided_as_by_a_plain_walk(several: list[dict[str, Any]]) -> None:
    """What was learnt from one document changes nothing about the next."""
    divider = Divider(is_hidden)
    for document in several:
        found = [None if part is None else json.loads(part) for part in divider.divide(json.dumps(document))]
        assert found == [None if part is _NOTHING else part for part in parts(document)]


def test_a_document_without_anything_personal_stays_as_it_is() -> None:
    """To the letter: blanks, order of keys and all."""
    text = '{ "x" : [1, {"y": null}], "a": 1.50 }'
    assert Divider(is_hidden).divide(text) == (text, None)


def test_names_without_end_cost_no_memory() -> None:
    """Beyond a number of paths, their judgement is not remembered, and stays what it is."""
    divider = Divider(is_hidden, most=3)
    for number in range(1_000):
        open_part, personal = divider.divide(json.dumps({f"{number}": 1, f"{number}.email": 2}))
        assert (open_part, personal) == (f'{{"{number}":1}}', f'{{"{number}.email":2}}')
    assert divider.known == 3
