"""A state in which an older version kept values in the clear: sealed once, also where a kill comes between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from alembic import command
from alembic.config import Config
from pysqlite3 import dbapi2
from sqlalchemy import Engine, create_engine, text

from cxminute import store
from cxminute.store import clear_values, failpoints
from cxminute.store.bonds import Bonds
from cxminute.store.clear_values import is_clear, seal_clear
from cxminute.store.consents import Consents
from cxminute.store.keyring import Keyring
from cxminute.store.manifest import give_codes
from cxminute.store.requests import Requests
from cxminute.store.scrubbing import IN_USE
from cxminute.store.state import open_state, state_url
from cxminute.store.vault import ERASED, Digest, put_personal
from tests.store.vaults import SECRET, log_in, personal_of, vault_of

PEOPLE = 40
OLD = ("canary-", "market\x1fcanary-")
"""How values of the older version begin: of anybody's source, and of one that nobody may link."""


def older(url: str, version: str = "0003") -> None:
    """A state at a version before, with something in every table that keeps what is personal."""
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    old = create_engine(url, module=dbapi2) if url.startswith("sqlite") else create_engine(url)
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        say = connection.execute
        say(text("INSERT INTO collects VALUES (1, 'shop', 'canary.csv', 'd', 'm', 1000, 2000, NULL)"))
        for n in range(PEOPLE):
            people = {"n": n, "v": f"{OLD[n % 2]}{n}" if n else "market\x1f\x1ferased 0"}
            say(text("INSERT INTO identifiers VALUES ('person', :n, 'user_id', :v)"), people)
            say(text("INSERT INTO identifiers VALUES ('order_id', :n, 'order_id', :v)"), {"n": n, "v": f"canary-o{n}"})
            said = {
                "id": n + 1,
                "e": f"canary-e{n:02}",
                "p": n if n % 3 else None,
                "d": json.dumps({"traits.name": f"canary {n}"}),
            }
            say(text("INSERT INTO personal VALUES (:id, 1, 0, :e, :p, :d)"), said)
            coded = {"n": n, "name": f"canary name {n}" if n else f"{ERASED}0"}
            say(text("INSERT INTO names VALUES (:n, 'shop', :name)"), coded)
            apart = {"id": n + 1, "row": f"canary row {n}"}
            say(text("INSERT INTO rejects VALUES (:id, 1, 0, 'shop', :id, 'bad_time', '', :row, NULL)"), apart)
        for number, about in ((1, '{"user_id": ["canary-1"]}'), (2, "{}")):
            asked = {"id": number, "a": about, "done": 5 if number == 2 else None}
            say(text("INSERT INTO requests VALUES (:id, 'shop', 'erasure', :id, :a, 0, 9, :done, NULL)"), asked)
        if version != "0003":
            command.upgrade(config, version)
            for n, how in enumerate(("hand", "linkage")):
                bond = {"n": n + 1, "b": n + 2, "how": how, "why": f"{'canary' if how == 'hand' else 'model'} {n}"}
                say(text("INSERT INTO bonds VALUES (:n, 1, :b, 'linked', :how, :why, 5)"), bond)
            heard = "1, 'marketing', 'granted', 'hand', '', 3, 4, NULL, 'canary by phone'"
            say(text(f"INSERT INTO consents VALUES (1, {heard})"))  # noqa: S608 -- the words above
            heard = "1, 'mail', 'granted', 'hand', '', 3, 5, NULL, '{}'"
            say(text(f"INSERT INTO consents VALUES (2, {heard})"))  # noqa: S608 -- the words above
    old.dispose()


@pytest.fixture
def opened(database: str) -> Iterator[Engine]:
    """It, as this version opens it."""
    older(database)
    state = open_state(database)
    yield state
    state.dispose()


def check(state: Engine, folder: Path) -> None:
    """All that was there is read as before, and no row says any of it in the clear."""
    log = log_in(folder, state)
    vault = vault_of(log)
    assert vault.number("user_id", "market\x1fcanary-7") == 7
    assert vault.called("user_id", [0, 6, 7]) == {
        0: "market\x1f\x1ferased 0", 6: "canary-6", 7: "market\x1fcanary-7",
    }  # fmt: skip
    assert vault.names("order_id", [3]) == ["canary-o3"]
    assert vault.people()["apart"].to_pylist()[:3] == ["market", "market", ""]
    events = Digest(SECRET, b"event").of("shop", [f"canary-e{n:02}" for n in range(PEOPLE)])
    assert dict(personal_of(log)) == {event: {"traits.name": f"canary {n}"} for n, event in enumerate(events)}
    assert [told.file for told in log.collects()] == ["canary.csv"]
    names = {("shop", f"canary name {n}"): n for n in range(1, PEOPLE)}
    assert log.codes() == {("shop", f"{ERASED}0"): 0, **names}
    assert log.rejects()["row"].to_pylist() == [f"canary row {n}" for n in range(PEOPLE)]
    assert [dict(one.about) for one in Requests(state, log.keyring).list()] == [{"user_id": ["canary-1"]}, {}]
    with state.connect() as connection:
        for table in ("identifiers", "personal", "rejects", "requests", "names", "bonds", "consents", "collects"):
            assert "canary" not in repr(connection.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608 -- the names above


def test_what_stood_in_the_clear_is_sealed_once(
    opened: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers, values, rows and requests are what they were; a batch may end anywhere."""
    monkeypatch.setattr(clear_values, "BATCH", 7)
    assert is_clear(opened)
    assert seal_clear(opened, Keyring(tmp_path / "keys"), SECRET)
    assert not is_clear(opened)
    check(opened, tmp_path)


def test_reasons_that_people_gave_are_sealed(database: str, tmp_path: Path) -> None:
    """Of a bond under the keys of both, of a consent under that of its profile; what linkage says lies open."""
    older(database, "0004")
    state, keyring = open_state(database), Keyring(tmp_path / "keys")
    assert is_clear(state)
    assert seal_clear(state, keyring, SECRET)
    check(state, tmp_path)
    assert [one.why for one in Bonds(state, keyring).history([1])] == ["canary 0", "model 1"]
    assert sorted(Consents(state, keyring).facts()["why"].to_pylist()) == ["canary by phone", "{}"]
    with state.connect() as connection:  # what says nothing in a request is somebody's word here
        assert set(connection.execute(text("SELECT why FROM consents")).scalars()) == {""}
    keyring.destroy("person", [2])
    assert [one.why for one in Bonds(state, keyring).history([1])] == ["", "model 1"]
    state.dispose()


def test_what_comes_before_all_is_cleared_is_not_called_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state whose files could not be rewritten takes in events; the next opening leaves what they are called."""
    older(state_url(tmp_path))
    state, log = open_state(state_url(tmp_path)), log_in(tmp_path, open_state(state_url(tmp_path)))
    with monkeypatch.context() as patch:
        patch.setattr(clear_values, "scrub", lambda *_, **__: IN_USE)
        assert not seal_clear(state, log.keyring, SECRET)
    with state.begin() as connection:
        values = pa.table({"id": ["late"], "profile": pa.array([1], pa.int64()), "traits.name": ["late"]})
        put_personal(connection, log.keyring, "shop", 1, 0, values)
        give_codes(connection, log.names, "shop", ["Late"])
    before = personal_of(log), log.codes()
    assert before[1]["shop", "Late"] == PEOPLE
    assert seal_clear(state, log.keyring, SECRET)
    assert (personal_of(log), log.codes()) == before
    state.dispose()


def test_a_new_state_has_nothing_to_seal(state: Engine) -> None:
    """Nor has one whose tables were empty."""
    assert not is_clear(state)


def test_no_clear_byte_is_left_in_the_files(tmp_path: Path) -> None:
    """Afterwards neither the database's pages nor its write-ahead log say any of it."""
    older(state_url(tmp_path))
    state = open_state(state_url(tmp_path))
    assert b"canary" in b"".join(path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
    assert seal_clear(state, Keyring(tmp_path / "keys"), SECRET)
    (tmp_path / "log" / "names.json").unlink()  # what names say stands beside the segments, which hold it, too
    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    state.dispose()


def test_files_that_somebody_else_has_open_are_cleared_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark stays until the bytes are gone, too; what is sealed already is not sealed twice."""
    older(state_url(tmp_path))
    state = open_state(state_url(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(clear_values, "scrub", lambda *_, **__: IN_USE)
        assert not seal_clear(state, Keyring(tmp_path / "keys"), SECRET)
    assert is_clear(state)
    check(state, tmp_path)
    assert seal_clear(state, Keyring(tmp_path / "keys"), SECRET)
    assert not is_clear(state)
    check(state, tmp_path)
    state.dispose()


def test_killed_after_each_batch_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted again and again, it ends where it would have ended, and seals nothing twice."""
    older(state_url(tmp_path))
    state = open_state(state_url(tmp_path))
    monkeypatch.setattr(clear_values, "BATCH", 9)
    passed: list[str] = []

    def dies(name: str) -> None:
        passed.append(name)
        raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "at", dies)
    for _ in range(6 * PEOPLE):
        with suppress(KeyboardInterrupt):
            if not is_clear(state):
                break
            seal_clear(state, Keyring(tmp_path / "keys"), SECRET)
    assert len(passed) > 4 * PEOPLE / 9
    assert not is_clear(state)
    check(state, tmp_path)
    state.dispose()
