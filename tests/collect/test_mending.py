"""Mending what was set apart: a field from elsewhere in its row, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect.mending import Filling, mended, parse_filling
from cxminute.model.errors import WrongUse


@pytest.mark.parametrize(
    ("said", "filling"),
    [
        ("userId=properties.customer", Filling("userId", "properties.customer")),
        (" userId = who ", Filling("userId", "who")),
        ("event='Order Completed'", Filling("event", "", "Order Completed")),
        ('event="it\'s=done"', Filling("event", "", "it's=done")),
        ("event=''", Filling("event", "", "")),
    ],
)
def test_a_filling_says_field_and_origin(said: str, filling: Filling) -> None:
    """FIELD=PATH takes it from a place, FIELD='text' sets it; blanks around do not count."""
    assert parse_filling(said) == filling


@pytest.mark.parametrize("said", ["userId", "=properties.x", "userId=", "event='open", "event='", ""])
def test_what_says_neither_is_refused(said: str) -> None:
    """Half a filling, or an open quote, changes nothing and is told."""
    with pytest.raises(WrongUse):
        parse_filling(said)


def test_dots_lead_into_objects_where_rows_are_nested() -> None:
    """A path is looked for as a key written so, then step by step; objects on the way to a field are made."""
    row = json.dumps({"properties": {"who": "u1"}, "a.b": 2, "userId": None})
    fillings = [Filling("userId", "properties.who"), Filling("context.page.path", "a.b"), Filling("x", "no.such")]
    found = json.loads(mended(row, fillings, nested=True))
    assert found == {"properties": {"who": "u1"}, "a.b": 2, "userId": "u1", "context": {"page": {"path": 2}}}


def test_a_column_with_dots_is_one_name() -> None:
    """In a table a name is a column, dots and all."""
    row = json.dumps({"order.id": "o1", "order": None})
    assert json.loads(mended(row, [Filling("order", "order.id")], nested=False)) == {"order.id": "o1", "order": "o1"}
    assert mended(row, [Filling("order", "order.other")], nested=False) == row


@given(st.text() | st.lists(st.integers()).map(json.dumps))
def test_what_is_no_object_stays_as_it_is(row: str) -> None:
    """A raw line, or JSON that is no object, is left alone; nothing is raised."""
    if not row.strip().startswith("{"):
        assert mended(row, [Filling("a", "b")], nested=True) == row
