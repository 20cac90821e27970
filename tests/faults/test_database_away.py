"""A database that goes away under the running server, and comes back."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from benchmarks.running import Door
from tests.faults.telling import Posting, balance, stored, until


@pytest.mark.outside("postgresql")
def test_a_database_that_goes_away_is_503_until_it_is_back(
    opening: Callable[..., Door], server: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off from PostgreSQL, twice, the door answers 503 and the worker waits; nothing is lost, nothing restarted."""
    monkeypatch.setenv("CXM_FAULTS_STATE", postgres_url)
    door = opening(settings='state = "env:CXM_FAULTS_STATE"\n')
    database = postgres_url.partition("@/")[2].partition("?")[0]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(server, autocommit=True) as admin, Posting(door) as posting:
        for _ in range(2):
            before, heard = len(posting.acknowledged), len(posting.answers)
            assert until(lambda: len(posting.acknowledged) > before + 40, 15)  # noqa: B023 -- called at once
            admin.execute(allow.format(sql.Identifier(database), sql.Literal(False)))
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))
            assert until(lambda: any(of.status == 503 for of in posting.answers[heard:]), 10)  # noqa: B023 -- called at once
            admin.execute(allow.format(sql.Identifier(database), sql.Literal(True)))
        before = len(posting.acknowledged)
        assert until(lambda: len(posting.acknowledged) > before + 40, 15)
    assert posting.statuses() == {200, 503}
    assert door.drained()
    there = stored(door.roots[0])
    assert len(there) == len(set(there))
    assert set(posting.acknowledged) <= set(there)
    assert balance(door.roots[0])["stored"] == len(there)
