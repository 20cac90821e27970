"""The state: made, migrated, checked; the vault's numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from pysqlite3 import dbapi2
from sqlalchemy import Connection, create_engine, inspect, text

from cxminute import store
from cxminute.model.errors import BrokenStore
from cxminute.store.clear_values import seal_clear
from cxminute.store.keyring import Keyring
from cxminute.store.log import EventLog
from cxminute.store.schema import HEAD, metadata
from cxminute.store.state import open_state, sqlite_is_safe, state_url, writing
from cxminute.store.vault import Vault
from tests.store.vaults import SECRET


def test_migrations_lead_to_the_schema(tmp_path: Path) -> None:
    """A new state has exactly the tables that the code declares."""
    with open_state(state_url(tmp_path)).connect() as connection:
        assert _differences(connection) == []


def test_a_new_state_is_what_migrations_would_have_made(database: str) -> None:
    """Made at once or step by step, tables, columns, indexes and what they refer to are the same."""
    stepwise = create_engine(database, module=dbapi2) if database.startswith("sqlite") else create_engine(database)
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    with stepwise.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        expected = _told(connection)
        for table in reversed(metadata.sorted_tables):
            table.drop(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    stepwise.dispose()
    state = open_state(database)
    with state.connect() as connection:
        assert _told(connection) == expected
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
    state.dispose()


def _told(connection: Connection) -> dict[str, object]:
    """Of each table its columns, indexes and constraints, as the database tells of them."""
    seen = inspect(connection)
    return {
        name: (
            sorted((c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(name)),
            sorted((i["name"], i["column_names"], i["unique"]) for i in seen.get_indexes(name)),
            sorted(u["column_names"] for u in seen.get_unique_constraints(name)),
            seen.get_pk_constraint(name)["constrained_columns"],
            sorted((f["constrained_columns"], f["referred_table"]) for f in seen.get_foreign_keys(name)),
        )
        for name in seen.get_table_names()
        if name != "alembic_version"
    }


def test_whoever_opens_a_new_state_at_once_finds_it_whole(database: str) -> None:
    """Processes that start together make it once."""

    def opened(_: int) -> str | None:
        state = open_state(database)
        with state.connect() as connection:
            found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        state.dispose()
        return found

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(opened, range(6))) == [HEAD] * 6


def _differences(connection: Connection) -> list[object]:
    """Where the tables are not those that the code declares; its comments are for readers of the code."""
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    flat = [each for some in found for each in (some if isinstance(some, list) else [some])]
    return [each for each in flat if "comment" not in each[0]]


def test_a_state_of_an_older_version_is_brought_up_to_this_one(database: str, tmp_path: Path) -> None:
    """What an earlier version wrote is there after its state was opened, with the tables of this version beside it."""
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    old = create_engine(database, module=dbapi2) if database.startswith("sqlite") else create_engine(database)
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO collects VALUES (1, 'shop', 'a.csv', 'd', 'm', 1000, 2000, NULL)"))
        connection.execute(text("INSERT INTO identifiers VALUES ('person', 0, 'user_id', 'ann')"))
    old.dispose()
    state = open_state(database)
    with state.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        assert connection.execute(text("SELECT count(*) FROM write_keys")).scalar() == 0
        assert _differences(connection) == []
    assert seal_clear(state, Keyring(tmp_path / "keys"), SECRET)
    assert Vault(state, Keyring(tmp_path / "keys"), SECRET).number("user_id", "ann") == 0
    [told] = EventLog(tmp_path / "log", state).collects()
    assert (told.file, told.finished_at) == ("a.csv", 2_000)
    state.dispose()


def test_a_state_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """What this version does not know, it does not touch."""
    state = open_state(state_url(tmp_path))
    with writing(state).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BrokenStore, match="newer version"):
        open_state(state_url(tmp_path))


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """A damaged state is a clear error."""
    (tmp_path / "state.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BrokenStore, match="cannot be read"):
        open_state(state_url(tmp_path))


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 51, 3), True), ((3, 53, 4), True), ((3, 51, 2), False), ((3, 50, 7), True), ((3, 45, 0), False)],
)
def test_versions_that_can_lose_commits_are_known(version: tuple[int, int, int], safe: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """The WAL-reset race is fixed from 3.51.3 on, and in 3.50.7 and 3.44.6."""
    assert sqlite_is_safe(version) is safe


def test_commits_are_fully_synced(tmp_path: Path) -> None:
    """A commit that was acknowledged is on the disk."""
    with open_state(state_url(tmp_path)).connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_numbers_are_given_in_order_of_first_appearance(tmp_path: Path) -> None:
    """Numbers are dense in their space, the same value keeps its number, and kinds of a person share one space."""
    vault = Vault(open_state(state_url(tmp_path)), Keyring(tmp_path / "keys"), SECRET)
    assert vault.intern("user_id", pa.chunked_array([["b", "a", None, "b"]])).to_pylist() == [0, 1, None, 0]
    assert vault.intern("anonymous_id", pa.chunked_array([["a"]])).to_pylist() == [2]
    assert vault.intern("order_id", pa.chunked_array([["a"]])).to_pylist() == [0]
    assert vault.intern("user_id", pa.chunked_array([["c", "a"]])).to_pylist() == [3, 1]
    assert (vault.number("user_id", "c"), vault.number("user_id", "zz")) == (3, None)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["x", "y", "ü", "", "x ", "X"]), max_size=8), max_size=4))
def test_numbers_stand_for_values_one_to_one(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    """Two values have one number only if they are equal to the byte, over any number of batches."""
    folder = tmp_path_factory.mktemp("vault")
    vault = Vault(open_state(state_url(folder)), Keyring(folder / "keys"), SECRET)
    given_to: dict[str, int] = {}
    for batch in batches:
        numbers = vault.intern("user_id", pa.chunked_array([batch], pa.string())).to_pylist()
        for value, number in zip(batch, numbers, strict=True):
            assert given_to.setdefault(value, number) == number
    assert sorted(given_to.values()) == list(range(len(given_to)))
