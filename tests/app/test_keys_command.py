"""`cxm keys`: a key is shown once, listed by its first characters, rotated with both valid for a while, revoked."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cxminute.app import clock
from cxminute.app.cli import run
from cxminute.app.project import Project
from cxminute.model.times import DAY, to_ms
from cxminute.store.keys import digest_of
from tests.app.door.opened import project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a source that comes through the door, and one of files."""
    made = project(tmp_path / "shop", "site", "app")
    rules = '[[events]]\nname = "Ordered"\nat = "at"\n[contract]\norigin = "first-party"\npurposes = []\n'
    (made / "sources" / "orders.toml").write_text(f'name = "orders"\nformat = "csv"\n{rules}', "utf-8")
    return made


def asked(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command of keys answers, as JSON."""
    capsys.readouterr()
    assert run(["keys", *words, "--json", "--project", str(root)]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_key_is_shown_once_and_only_its_hash_is_kept(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the key alone, so that it can be piped; no later command shows it, no file holds it."""
    assert run(["keys", "add", "--source", "site", "--project", str(root)]) == 0
    told = capsys.readouterr()
    key = told.out.strip()
    assert key.startswith("cxm_")
    assert "this once" in told.err
    assert run(["keys", "--project", str(root)]) == 0
    listed = capsys.readouterr().out
    assert key[:12] in listed
    assert key not in listed
    assert all(key.encode() not in path.read_bytes() for path in (root / ".cxm").rglob("*") if path.is_file())
    assert Project(root).keys.valid(clock.now()) == {digest_of(key): "site"}


def test_keys_are_rotated_with_both_valid_for_a_while(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a rotation the old key is valid for the grace that was named, and listed as rotated until it ends."""
    old = asked(root, capsys, "add", "--source", "site")["key"]
    before = clock.now()
    new = asked(root, capsys, "rotate", "--source", "site", "--grace", "2 days")["key"]
    assert set(Project(root).keys.valid(clock.now())) == {digest_of(old), digest_of(new)}
    assert set(Project(root).keys.valid(clock.now() + 2 * DAY)) == {digest_of(new)}
    status = {facts["prefix"]: facts for facts in asked(root, capsys)["keys"]}
    assert status[old[:12]]["status"] == "rotated"
    assert status[new[:12]] | {"created": None} == {
        "prefix": new[:12], "source": "site", "status": "valid", "created": None, "expires": None, "revoked": None,
    }  # fmt: skip
    ends = to_ms(datetime.fromisoformat(status[old[:12]]["expires"]))
    assert before + 2 * DAY <= ends <= clock.now() + 2 * DAY


def test_a_revoked_key_is_invalid_at_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key is named by what the list shows of it; after that it opens nothing, and stays listed."""
    key = asked(root, capsys, "add", "--source", "site")["key"]
    other = asked(root, capsys, "add", "--source", "app")["key"]
    assert asked(root, capsys, "revoke", f"{key[:12]}...")["status"] == "revoked"
    assert set(Project(root).keys.valid(clock.now())) == {digest_of(other)}
    assert run(["keys", "revoke", key[:12], "--project", str(root)]) == 2
    assert "revoked before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "--source", "sight"], 2, "Did you mean 'site'"),
        (["add", "--source", "orders"], 2, "do not come through the door"),
        (["rotate", "--source", "site"], 2, "no valid key"),
        (["rotate", "--source", "site", "--grace", "soon"], 2, "not a duration"),
        (["revoke", "cxm_nothing"], 2, "There is no key"),
    ],
)
def test_what_cannot_be_done_is_said(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    """A source that is none, or has no door, a key that is none, a time that is none: each names what is right."""
    assert run(["keys", *words, "--project", str(root)]) == code
    assert said in capsys.readouterr().err
    assert Project(root).keys.list() == []
