"""Identifiers and personal values lie sealed, each under a key that can be destroyed, on each database."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Engine, func, select

from cxminute.store import destroying, vault
from cxminute.store.destroying import PERSONAL_KEYS
from cxminute.store.keyring import DESTROYED, Keyring
from cxminute.store.schema import COLLECTS, IDENTIFIERS, PERSONAL
from cxminute.store.state import open_state, state_url
from cxminute.store.vault import Vault, drop_personal, opened_personal, put_personal
from tests.store.vaults import SECRET

Opening = Callable[[], Vault]


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """The keys beside a state, with the project's own."""
    made = Keyring(tmp_path / "keys")
    made.secret(make=True)
    return made


@pytest.fixture
def opening(state: Engine, keyring: Keyring) -> Opening:
    """The vault over a state, as each process opens it."""
    return lambda: Vault(state, keyring, SECRET)


def number_of(opened: Vault, kind: str, *values: str | None) -> list[int | None]:
    """The numbers of some values, new ones for new ones."""
    found: list[int | None] = opened.intern(kind, pa.chunked_array([list(values)], pa.string())).to_pylist()
    return found


def test_what_an_identifier_says_stands_in_no_row(opening: Opening, state: Engine) -> None:
    """A row holds a keyed digest and what was sealed; who has the keys reads it, and finds it again by the value."""
    assert number_of(opening(), "user_id", "canary-ann", "canary-bö", None) == [0, 1, None]
    with state.connect() as connection:
        assert "canary" not in repr(connection.execute(select(IDENTIFIERS)).all())
    again = opening()
    assert again.called("user_id", [1, 0, 7]) == {0: "canary-ann", 1: "canary-bö"}
    assert number_of(again, "user_id", "canary-bö", "canary-cy") == [1, 2]


def test_a_digest_is_of_this_project_this_kind_and_this_value(opening: Opening, state: Engine) -> None:
    """Another key, kind or value makes another digest; the same make the same in every process."""
    made = opening().digest("user_id", "ann")
    assert (len(made), opening().digest("user_id", "ann")) == (32, made)
    others = {opening().digest("@email", "ann"), opening().digest("user_id", "anna")}
    others |= {Vault(state, Keyring(Path("nowhere")), b"t" * 32).digest("user_id", "ann")}
    assert len(others | {made}) == 4


def test_the_people_are_every_identifier_of_a_person_in_order(opening: Opening) -> None:
    """Number, kind, a key that does not depend on who came first, and the one source that knows it."""
    opened = opening()
    number_of(opened, "user_id", "ann", "market\x1fbo")
    number_of(opened, "order_id", "o1")
    number_of(opened, "@email", "ann@shop.test")
    found = opened.people()
    assert found.schema.names == ["number", "kind", "stable", "apart"]
    assert found["number"].to_pylist() == [0, 1, 2]
    assert found["kind"].to_pylist() == ["user_id", "user_id", "@email"]
    assert found["apart"].to_pylist() == ["", "market", ""]
    digests = [opened.digest("user_id", "ann"), opened.digest("user_id", "market\x1fbo")]
    assert found["stable"].to_pylist()[:2] == [int(digest[:16], 16) for digest in digests]
    assert opened.people(2).to_pylist() == found.to_pylist()[2:]
    assert opened.people(3).num_rows == 0


def test_people_are_read_in_stretches_of_any_length(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come at a time, all are there once, in order."""
    opened = opening()
    number_of(opened, "user_id", *(f"u{n}" for n in range(50)))
    number_of(opened, "anonymous_id", *(f"a{n}" for n in range(20)))
    whole = opened.people().to_pylist()
    for rows in (1, 7, 70):
        monkeypatch.setattr(vault, "_ROWS", rows)
        assert opened.people().to_pylist() == whole


def test_one_that_is_erased_keeps_its_number_and_nothing_else(opening: Opening, keyring: Keyring) -> None:
    """It is found by no value and says nothing; its key is zeros; who comes again under the same name is new."""
    opened, other = opening(), opening()
    number_of(opened, "user_id", "ann", "market\x1fbo", "cy")
    number_of(other, "user_id", "ann")
    opened.erase([("person", 0), ("person", 1)])
    assert opened.number("user_id", "ann") is None
    assert opened.called("user_id", [0, 1, 2]) == {0: "\x1ferased 0", 1: "market\x1f\x1ferased 1", 2: "cy"}
    assert keyring.held("person", [0, 1]) == [DESTROYED, DESTROYED]
    assert number_of(other, "user_id", "ann") == [3], "also where its number was remembered"
    assert opened.people()["stable"].to_pylist()[:2] == [0, 1]
    assert opened.kinds() == {"user_id"}


def test_a_destroyed_key_opens_no_older_copy(tmp_path: Path) -> None:
    """A copy of the state from before says as little as the state itself."""
    state, keyring = open_state(state_url(tmp_path)), Keyring(tmp_path / "keys")
    opened = Vault(state, keyring, SECRET)
    number_of(opened, "user_id", "ann", "bo")
    state.dispose()
    (tmp_path / "older").mkdir()
    shutil.copyfile(tmp_path / "state.sqlite", tmp_path / "older" / "state.sqlite")
    opened.erase([("person", 0)])
    older = open_state(state_url(tmp_path / "older"))
    assert Vault(older, keyring, SECRET).called("user_id", [0, 1]) == {0: "\x1funreadable 0", 1: "bo"}
    older.dispose()
    state.dispose()


def test_a_kill_before_the_key_is_destroyed_is_made_good(
    opening: Opening, state: Engine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note that goes with the rows says which keys are owed; whoever is next destroys them, and no others."""
    number_of(opening(), "user_id", "ann", "bo")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(destroying, "carry_out", dies)
        with pytest.raises(KeyboardInterrupt):
            opening().erase([("person", 0)])
    assert DESTROYED not in keyring.held("person", [0, 1])
    assert destroying.waiting(state) == 1
    assert (destroying.carry_out(state, keyring), destroying.waiting(state)) == (1, 0)
    assert [key == DESTROYED for key in keyring.held("person", [0, 1])] == [True, False]


def keep(state: Engine, keyring: Keyring, profiles: list[int | None], collect: int = 1) -> None:
    """One collect's personal values: of each profile, or of nobody, what its place says."""
    with state.begin() as connection:
        if connection.execute(select(func.count()).select_from(COLLECTS)).scalar() == 0:
            rows = [{"source": "s", "file": "f", "digest": "", "mapping": "", "known_at": 0} for _ in range(3)]
            connection.execute(COLLECTS.insert(), rows)
        said = [None if place == 5 else f"canary {place}" for place in range(len(profiles))]
        told = {"id": [f"e{place}" for place in range(len(profiles))], "profile": pa.array(profiles, pa.int64())}
        values = pa.table({**told, "traits.name": pa.array(said, pa.string())})
        put_personal(connection, keyring, "s", collect, 0, values)


def read(state: Engine, keyring: Keyring) -> list[object]:
    """What each row of the vault says."""
    c = PERSONAL.c
    with state.connect() as connection:
        rows = connection.execute(select(c.id, c.profile, c.sealed).order_by(c.id)).all()
    return [one and one["traits.name"] for one in opened_personal(keyring, [tuple(row) for row in rows])]


def test_personal_values_go_with_the_key_of_their_profile(opening: Opening, state: Engine, keyring: Keyring) -> None:
    """What events told of someone lies under that one's key; of nobody in particular, under a key of its own."""
    number_of(opening(), "user_id", "ann", "bo")
    keep(state, keyring, [0, 1, None, 0, None, 1])
    assert read(state, keyring) == ["canary 0", "canary 1", "canary 2", "canary 3", "canary 4"]
    with state.connect() as connection:
        assert "canary" not in repr(connection.execute(select(PERSONAL)).all())
    opening().erase([("person", 0)])
    assert read(state, keyring) == [None, "canary 1", "canary 2", None, "canary 4"]
    keep(state, keyring, [0, 1])
    assert read(state, keyring)[5:] == ["canary 1"], "of one who was erased nothing more is kept"


def test_a_row_that_is_dropped_takes_its_own_key_along(opening: Opening, state: Engine, keyring: Keyring) -> None:
    """A later row may have its number, and never its key; a profile's key stays, since other rows need it."""
    number_of(opening(), "user_id", "ann")
    keep(state, keyring, [None, 0], collect=1)
    keep(state, keyring, [0, None], collect=2)
    [before] = keyring.held(PERSONAL_KEYS, [4])
    with state.begin() as connection:
        drop_personal(connection, PERSONAL.c.collect == 2)
    keep(state, keyring, [None], collect=3)
    assert destroying.carry_out(state, keyring) == 1
    assert read(state, keyring) == ["canary 0", "canary 1", "canary 0"], "what came between is not destroyed"
    assert before not in keyring.held(PERSONAL_KEYS, [4, 5])


def test_keys_are_read_as_they_were_made_however_many_are_asked_for(keyring: Keyring) -> None:
    """One at a time, all at once or far apart, a number has the same key; to read makes none."""
    assert keyring.held("person", [0, 5]) == [DESTROYED] * 2
    assert not keyring.is_there
    made = keyring.keys("person", range(6_000))
    assert len(set(made)) == 6_000
    assert [keyring.keys("person", [n])[0] for n in (0, 4_095, 4_096, 5_999)] == [
        made[n] for n in (0, 4_095, 4_096, 5_999)
    ]
    assert keyring.held("person", [5_999, 3, 100_000]) == [made[5_999], made[3], DESTROYED]
    keyring.destroy("person", [3, 100_000])
    assert keyring.destroyed("person") == [3]
    assert np.count_nonzero([key == DESTROYED for key in keyring.keys("person", range(6_000))]) == 1
    [fresh] = keyring.usable("person", [3])
    assert fresh not in {DESTROYED, made[3]}
    keyring.cut("person", 10)
    assert keyring.held("person", [9, 10]) == [made[9], DESTROYED]


def test_spaces_with_any_name_have_files_of_their_own(keyring: Keyring, tmp_path: Path) -> None:
    """Kinds are named by people: none of their names leads to another's file, or out of the folder."""
    spaces = ["order_id", "Order Id", "../outside", "", "é", "rejects"]
    keys = [keyring.keys(space, [0])[0] for space in spaces]
    assert len(set(keys)) == len(spaces)
    assert {path.parent for path in tmp_path.rglob("*.keys")} == {tmp_path / "keys"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*.keys"))
