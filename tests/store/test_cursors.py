"""Cursors of streams: the last one that was put is the one that is there, on each database."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.store.cursors import Cursors
from cxminute.store.state import open_state, state_url


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.outside("postgresql"))])
def test_the_last_cursor_holds(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A stream has one cursor, whoever opens the state; another stream and another source have their own."""
    url = state_url(tmp_path) if database == "sqlite" else request.getfixturevalue("postgres_url")
    state = open_state(url)
    cursors = Cursors(state)
    assert cursors.get("shop", "orders") is None
    cursors.put("shop", "orders", '{"mark":1}', 10)
    cursors.put("shop", "orders", '{"mark":2}', 20)
    cursors.put("shop", "tickets", '{"mark":3}', 30)
    cursors.put("desk", "tickets", '{"mark":4}', 40)
    state.dispose()
    state = open_state(url)
    found = [Cursors(state).get(*of) for of in (("shop", "orders"), ("shop", "tickets"), ("desk", "tickets"))]
    assert found == [('{"mark":2}', 20), ('{"mark":3}', 30), ('{"mark":4}', 40)]
    state.dispose()
