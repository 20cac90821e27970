"""Keys at the door: whose they are, from when on, and what strangers can do with it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.running import authorization
from cxminute.app.door import keyring as keys
from cxminute.app.door.answers import Refusal
from cxminute.app.door.keyring import Keyring, key_of
from cxminute.app.door.mounts import Mount, is_full
from cxminute.app.project import Project
from cxminute.model.errors import BrokenStore
from tests.app.door.opened import project


@dataclass
class Broken:
    """Keys in a database that does not answer."""

    def valid(self, at: int) -> dict[bytes, str]:
        """None can be read."""
        raise BrokenStore(f"The database is away at {at}.")


def mounted(opened: Project, name: str) -> Mount:
    """A project as the keyring sees it."""
    unused = cast("Any", None)
    return Mount(name, opened, unused, unused)


def ring(*mounts: Mount) -> Keyring:
    """A keyring that has read its projects' keys at time 10."""
    found = Keyring(mounts)
    found.refresh(10, lambda *_: None)
    return found


def test_a_key_opens_its_own_source_of_its_own_project(tmp_path: Path) -> None:
    """Two projects with a source of the same name: each key leads to its own, by header and by body alike."""
    first, second = (Project(project(tmp_path / name, name=name)) for name in ("one", "two"))
    one, two = first.keys.add("site", 1), second.keys.add("site", 1)
    found = ring(mounted(first, "one"), mounted(second, "two"))
    assert found.of_header(authorization(one))[1].mount.name == "one"
    assert found.agreed(None, two).mount.name == "two"
    with pytest.raises(Refusal, match="not the body's"):
        found.agreed(found.of_header(authorization(one)), two)


def test_headers_with_many_blanks_fill_no_memory(tmp_path: Path) -> None:
    """A key opens the door however it is written, and a header that is far longer than a key is not remembered."""
    opened = Project(project(tmp_path / "p"))
    key = opened.keys.add("site", 1)
    found = ring(mounted(opened, "p"))
    scheme, said = authorization(key).split(" ")
    for blanks in range(1, 2_000, 100):
        assert found.of_header(f"{scheme}{' ' * blanks}{said}")[1].source == "site"
    assert sum(map(len, found._cache)) < 1_000  # noqa: SLF001 -- what it remembers is what this is about


def test_keys_count_from_when_they_are_made_until_they_end(tmp_path: Path) -> None:
    """A new key, a rotated one, a revoked one: each reading knows them as they are then, also those seen before."""
    opened = Project(project(tmp_path / "p"))
    old = opened.keys.add("site", 1)
    found = ring(mounted(opened, "p"))
    assert found.of_header(authorization(old))[1].source == "site"
    new = opened.keys.rotate("site", 20, 100)
    found.refresh(50, lambda *_: None)
    assert found.of_header(authorization(old))[1] is found.of_header(authorization(new))[1]
    assert found.agreed(found.of_header(authorization(old)), new).source == "site"
    found.refresh(120, lambda *_: None)
    with pytest.raises(Refusal):
        found.of_header(authorization(old))
    opened.keys.revoke(new[:12], 130)
    found.refresh(131, lambda *_: None)
    with pytest.raises(Refusal):
        found.of_header(authorization(new))


def test_where_keys_cannot_be_read_nobody_is_turned_away_for_good(tmp_path: Path) -> None:
    """One project's database is away: its known keys still count, and an unknown key is asked to come again."""
    opened = Project(project(tmp_path / "p"))
    key = opened.keys.add("site", 1)
    mount = mounted(opened, "p")
    found = ring(mount)
    told: list[str] = []
    mount.project = cast("Project", SimpleNamespace(keys=Broken()))
    found.refresh(20, lambda name, _: told.append(name))
    assert told == ["p"]
    assert found.of_header(authorization(key))[1].source == "site"
    with pytest.raises(Refusal) as refused:
        found.of_header(authorization("another"))
    assert (refused.value.code, refused.value.status) == ("keys_unread", 503)
    mount.project = opened
    found.refresh(30, lambda *_: None)
    with pytest.raises(Refusal) as refused:
        found.of_header(authorization("another"))
    assert refused.value.status == 401


def test_what_is_remembered_of_headers_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers fill no memory: only good headers are remembered, and of those a bounded number."""
    monkeypatch.setattr(keys, "MOST_CACHED", 3)
    opened = Project(project(tmp_path / "p"))
    made = [opened.keys.add("site", 1) for _ in range(5)]
    found = ring(mounted(opened, "p"))
    for number in range(20):
        with pytest.raises(Refusal):
            found.of_header(authorization(f"stranger {number}"))
    for key in made:
        assert found.of_header(authorization(key))[0] == key
        assert len(found._cache) <= 3  # noqa: SLF001 -- the bound is about what is inside


@given(st.text(max_size=60))
def test_any_header_is_a_key_or_none(header: str) -> None:
    """Whatever stands in Authorization, it is read as a key or not at all."""
    assert key_of(header) is None or isinstance(key_of(header), str)


@given(st.text(min_size=1, max_size=60).filter(lambda text: ":" not in text))
def test_basic_carries_any_key(key: str) -> None:
    """A key comes out of Basic as it went in; with a password it is none."""
    assert key_of(authorization(key)) == key
    assert key_of("Basic " + base64.b64encode(f"{key}:secret".encode()).decode()) is None


def test_a_disk_is_full_below_its_reserve(tmp_path: Path) -> None:
    """What is free is held against the reserve, of a small disk a fiftieth; a folder that is gone takes nothing."""
    assert is_full(tmp_path, reserve=0) is False
    assert is_full(tmp_path / "gone") is True
