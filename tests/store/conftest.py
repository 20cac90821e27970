"""What tests of the store share: a state of their own on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cxminute.store.state import open_state, state_url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.outside("postgresql"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of an empty database of each kind."""
    if request.param == "sqlite":
        return state_url(tmp_path)
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def state(database: str) -> Iterator[Engine]:
    """A state of its own, on each database."""
    engine = open_state(database)
    yield engine
    engine.dispose()
