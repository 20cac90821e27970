"""A call cut into its items: each alone reads as it does among the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.app.door.items import items_of
from cxminute.collect.calls.reading import read_calls
from cxminute.collect.source import parse_source
from cxminute.model.calls import Call
from cxminute.model.definitions import Document
from tests.app.small_site import NOON, SOURCE, call, item

SITE = parse_source(
    Document("sources/site.toml", SOURCE.format(name="site")),
    zone="UTC",
    parse_condition=lambda _: pytest.fail("it has no conditions"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def events(calls: list[Call]) -> list[dict[str, Any]]:
    """What calls are read as, without their places."""
    assert SITE is not None
    return [dict(row) for row in read_calls(calls, SITE, 0).rows.table.to_pylist()]


@given(st.lists(VALUES.filter(lambda value: "\0" not in json.dumps(value)), min_size=1, max_size=5), st.booleans())
def test_items_alone_are_read_as_they_are_together(values: list[Any], around: bool) -> None:  # noqa: FBT001 -- drawn
    """Whatever stands in the items or around them, cutting a batch changes no event of it."""
    items = [item(number, properties={"value": value}) for number, value in enumerate(values)]
    body = {"batch": items, "sentAt": "2026-02-16T11:59:00Z"} | ({"context": {"app": {"name": "x"}}} if around else {})
    whole = Call("site", NOON, "segment", "", len(items), json.dumps(body).encode())
    parts = items_of(whole)
    assert [json.loads(text) for _, text in parts] == items
    assert events([part for part, _ in parts]) == events([whole])


def test_two_items_without_an_id_stay_two() -> None:
    """Items that are alike to the letter are given ids of their own, also when each is a call by itself."""
    alike = item(1)
    del alike["messageId"]
    parts = [part for part, _ in items_of(call([alike, alike]))]
    assert len({row["messageId"] for row in events(parts)}) == 2


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b'{"type":"track"}', ['{"type":"track"}']),
        (b' [{"id":"1"},{"id":"2"}] ', ['{"id":"1"}', '{"id":"2"}']),
        (b'{"batch":[{},7,"\\ud800"]}', []),
        (b"{", []),
        (b'{"batch":{}}', []),
        (b"[" * 100_000, []),
    ],
)
def test_bodies_of_every_kind(body: bytes, texts: list[str]) -> None:
    """A single item and a list are cut too; what cannot be cut gives nothing, and no error."""
    found = items_of(Call("site", NOON, "segment", "", max(1, len(texts)), body))
    assert [text for _, text in found] == texts
