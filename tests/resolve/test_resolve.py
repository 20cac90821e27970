"""Whose stream an event belongs to: the user's, else the anonymous visitor's."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cxminute.resolve.resolve import resolve


@pytest.mark.parametrize(
    ("columns", "profiles"),
    [
        ({"user_id": [1, None, None], "anonymous_id": [7, 8, None]}, [1, 8, None]),
        ({"user_id": [1, None, 3]}, [1, None, 3]),
        ({"anonymous_id": [None, 2, None]}, [None, 2, None]),
        ({}, [None, None, None]),
    ],
)
def test_the_user_comes_before_the_visitor(columns: dict[str, list[int | None]], profiles: list[int | None]) -> None:
    """An event without either is nobody's; it stays in the log all the same."""
    table = pa.table(
        {"id": ["a", "b", "c"], **{name: pa.array(values, pa.int64()) for name, values in columns.items()}}
    )
    resolved = resolve(table)
    assert resolved["profile"].to_pylist() == profiles
    assert resolved.schema.field("profile").type == pa.int64()
