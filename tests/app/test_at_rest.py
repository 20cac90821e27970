"""What is personal lies sealed wherever it came through: the keys open it, and the files alone say nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cxminute.app.backing import back_up, bring_back
from cxminute.app.cli import run
from cxminute.app.collecting import collect_file
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.model.calls import HOOK, Call
from cxminute.model.errors import BadData, WrongUse
from tests.app.small_shop import HEADER as HEAD
from tests.app.small_shop import SOURCE as ORDERS
from tests.app.small_site import NOON, call, ids, item, make_site
from tests.collect.readers.shops import shopify_order
from tests.conformance.postgres import empty_database
from tests.store.vaults import readable

WORD = "Zk9Rest"
"""Stands in everything personal that is planted, and nowhere else."""
HOOKS = (
    'name = "hooks"\nformat = "shopify"\n[hooks]\nsecret = ["env:SHOP_SECRET"]\n'
    '[contract]\norigin = "first-party"\npurposes = ["service-optimisation"]\n'
)
PLANTED = frozenset(
    f"{WORD}{place}"
    for place in ("File", "Mail", "Bad", "Door", "Trait", "Old", "Group", "Poison", "Hook", "Request", "Waiting")
)


def planted(root: Path, folder: Path, state: str = "") -> Project:
    """A site to which something personal came through every channel, into the log, quarantine, register and inbox."""
    project = make_site(root, state=state)
    (root / "sources" / "orders.toml").write_text(ORDERS, "utf-8")
    (root / "sources" / "hooks.toml").write_text(HOOKS, "utf-8")
    project.close()
    opened = Project(root)
    rows = [HEAD, f"o1,{WORD}File,2026-01-01T10:00:00Z,,,x", f"o2,{WORD}Bad,never,,,x"]
    (folder / "orders.csv").write_text("\n".join(rows) + "\n", "utf-8")
    collect_file(opened, folder / "orders.csv", opened.source("orders"), NOON, lambda *_: None)
    (folder / "orders.csv").unlink()
    track = item(1, userId=f"{WORD}Door", properties={"order_id": "o3", "email": f"{WORD}Mail@shop.test"})
    about: dict[str, Any] = {"type": "identify", "traits": {"name": f"{WORD}Trait"}}
    alias = {"type": "alias", "previousId": f"{WORD}Old"}
    group = {"type": "group", "groupId": "g1", "traits": {"email": f"{WORD}Group@shop.test"}}
    others = [{**item(n), "properties": {}, **one} for n, one in enumerate((about, alias, group), start=2)]
    poison = {"type": "track", "messageId": "m9", "userId": f"{WORD}Poison"}
    opened.inbox.put([call([track, *others, poison])])
    order = shopify_order(note=f"{WORD}Hook")
    body = {"message": "d-1", "topic": "orders/updated", "document": json.dumps(order)}
    opened.inbox.put([Call("hooks", NOON, HOOK, "orders/updated", 1, json.dumps(body).encode())])
    drain = Drain(opened)
    while drain.once(NOON).events:
        pass
    opened.requests.note("site", "access", "m-1", {"user_id": [f"{WORD}Request"]}, NOON)
    opened.inbox.put([call([item(50, userId=f"{WORD}Waiting")])])
    return opened


def found(folder: Path) -> list[str]:
    """Files below a folder in which the word stands."""
    return [path.name for path in folder.rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()]


def said(project: Project) -> set[str]:
    """Of what was planted, what is read with the keys: in the state, and in calls that wait."""
    waiting = project.inbox.take(1_000, project.arrivals.marks(project.inbox.identity))
    text = readable(project.log.state, project.keyring) + "".join(held.call.body.decode() for held in waiting)
    return {word for word in PLANTED if word in text}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """It, with everything embedded, and a backup with its keys beside it."""
    folder = tmp_path_factory.mktemp("rest")
    made = planted(folder / "site", folder)
    back_up(made, folder / "backup", identifier_keys=folder / "secret")
    yield made
    made.close()


def test_no_file_of_a_project_says_anything_personal_in_the_clear(embedded: Project) -> None:
    """Pages and write-ahead logs of state and inbox, segments, index, keys and proofs: the keys alone open it."""
    assert said(embedded) == PLANTED
    assert found(embedded.root) == []
    assert found(embedded.root.parent) == [], "nor does a backup, or the file of keys"


@pytest.mark.outside("postgresql")
def test_no_file_of_a_postgresql_server_does(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its tables nor its log of writes, nor what the project keeps beside it."""
    monkeypatch.setenv("STATE_AT_REST", empty_database(server))
    project = planted(tmp_path / "site", tmp_path, "env:STATE_AT_REST")
    assert said(project) == PLANTED
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        [(data,)] = connection.execute("SHOW data_directory").fetchall()
    assert found(project.root) == []
    assert found(Path(data)) == []
    project.close()


def test_a_backup_without_keys_answers_as_before_and_tells_nobody_who(
    embedded: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts are the same; identifiers show as unreadable, doctor says so, and what is told anew can be read."""
    assert run(["restore", str(embedded.root.parent / "backup"), str(tmp_path / "again")]) == 0
    assert "1 call that waited cannot be read" in capsys.readouterr().out
    again = Project(tmp_path / "again")
    assert (ids(again), again.log.hashes()) == (ids(embedded), embedded.log.hashes())
    assert again.log.codes() == embedded.log.codes(), "what events are called needs no key of an identifier"
    assert said(again) == set()
    number = embedded.vault.number("user_id", f"{WORD}Door")
    assert number is not None
    assert again.vault.number("user_id", f"{WORD}Door") == number
    assert again.vault.names("user_id", [number]) == [f"\x1funreadable {number}"]
    for reading in (["events"], ["person", f"{WORD}Door"], ["quarantine"], ["quarantine", "show"], ["requests"]):
        assert run([*reading, "--project", str(again.root)]) in (0, 1), reading
    assert "unreadable" in capsys.readouterr().out
    assert run(["doctor", "--json", "--project", str(again.root)]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert "have no key" in checks["identifiers"]["said"]
    again.inbox.put([call([item(60, userId=f"{WORD}Door", properties={"email": f"{WORD}Mail@shop.test"})])])
    Drain(again).once(NOON)
    assert again.vault.number("user_id", f"{WORD}Door") == number
    assert said(again) == {f"{WORD}Mail"}, "values of somebody known, under a new key"
    again.close()


def test_with_newer_keys_a_backup_has_forgotten_too(embedded: Project, tmp_path: Path) -> None:
    """What was erased after a backup is not in what is restored of it, and its numbers are not given again."""
    root = tmp_path / "live"
    bring_back(embedded.root.parent / "backup", root, embedded.root.parent / "secret")
    live = Project(root)
    assert said(live) == PLANTED, "with the keys of the same moment all is there, calls that waited as well"
    door = live.vault.number("user_id", f"{WORD}Door")
    assert door is not None
    live.vault.erase([("person", door)])
    live.log.undo(1, NOON)
    live.requests.done(1, NOON)
    back_up(live, tmp_path / "newer", identifier_keys=tmp_path / "secret")
    bring_back(embedded.root.parent / "backup", tmp_path / "again", tmp_path / "secret")
    again = Project(tmp_path / "again")
    gone = {f"{WORD}{place}" for place in ("Door", "Mail", "Bad", "Request")}
    assert said(again) - {f"{WORD}Mail"} == PLANTED - gone
    assert again.vault.number("user_id", f"{WORD}Door") is None
    assert again.log.rejects("orders").num_rows == 0
    for project in (live, again):
        project.close()


def test_the_file_of_keys_is_told_from_all_else(embedded: Project, tmp_path: Path) -> None:
    """It never takes the place of another file, is no backup, and a backup is none of it; a damaged one is refused."""
    backup, secret = embedded.root.parent / "backup", embedded.root.parent / "secret"
    (tmp_path / "mine").write_text("mine", "utf-8")
    for place in (tmp_path / "mine", backup):
        with pytest.raises(WrongUse, match="holds no keys"):
            back_up(embedded, tmp_path / "b", identifier_keys=place)
    with pytest.raises(WrongUse, match="of their own"):
        back_up(embedded, tmp_path / "b", identifier_keys=tmp_path / "b")
    assert not (tmp_path / "b").exists()
    with pytest.raises(BadData, match="no keys of identifiers"):
        bring_back(backup, tmp_path / "x", backup)
    with pytest.raises(BadData, match="no backup"):
        bring_back(secret, tmp_path / "x")
    whole = secret.read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData):
        bring_back(backup, tmp_path / "x", tmp_path / "cut")
    assert not (tmp_path / "x").exists()
    shutil.copyfile(secret, tmp_path / "older")
    back_up(embedded, tmp_path / "b", identifier_keys=tmp_path / "older")
    assert (tmp_path / "older").stat().st_mode & 0o077 == 0
