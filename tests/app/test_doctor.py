"""`cxm doctor` finds what is wrong, says what to do, and leaves everything as it is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cxminute.app import clock, doctoring
from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.model.errors import BrokenStore
from cxminute.model.times import DAY, HOUR
from tests.app.small_site import call, item, make_site
from tests.scenarios.planted import CONTRACT, HEAD, ORDERS, row, take


@pytest.fixture
def site(tmp_path: Path) -> Project:
    """A site with a day's events in the log, a key, and nothing waiting."""
    project = make_site(tmp_path / "site")
    project.keys.add("site", clock.now())
    project.inbox.put([call([item(n) for n in range(10)], at=clock.now())])
    Drain(project).once(clock.now())
    return project


def told(project: Project, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, object]]]:
    """The exit code, and what doctor says by name of the check."""
    capsys.readouterr()
    code = run(["doctor", "--json", "--project", str(project.root)])
    found = json.loads(capsys.readouterr().out)
    assert found["well"] == (code == 0)
    return code, {check["name"]: check for check in found["checks"]}


def test_a_project_that_is_well(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Database, segments, receipts, files, inbox, keys, disk, sync and clock are each looked at, and all are well."""
    code, found = told(site, capsys)
    assert code == 0
    assert {name: check["state"] for name, check in found.items()} == dict.fromkeys(
        (
            "database", "segments", "receipts", "files", "names", "inbox", "identifiers", "write keys", "disk", "sync",
            "clock",
        ),
        "well",
    )  # fmt: skip
    assert run(["doctor", "--project", str(site.root)]) == 0
    assert "1 segment: all as they were written." in capsys.readouterr().out


def test_nothing_is_changed(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking leaves every file of the log, the keys and the receipts as it was."""

    def hashes() -> dict[str, str]:
        folders = [site.folder / name for name in ("log", "keys", "receipts")]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = hashes()
    told(site, capsys)
    assert hashes() == before
    assert not list(site.folder.glob(".sync-*"))


def test_a_project_of_files_has_no_door(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no source takes calls, nothing is asked of inbox and write keys, and no inbox is made."""
    assert run(["init", str(tmp_path / "p"), "--template", "boston-311"]) == 0
    code, found = told(Project(tmp_path / "p"), capsys)
    assert code == 0
    assert not {"inbox", "write keys"} & set(found)
    assert not (tmp_path / "p" / ".cxm" / "inbox.sqlite").exists()


def cut_segment(site: Project) -> None:
    """The last byte of a segment is lost."""
    [segment] = (site.folder / "log").rglob("*.parquet")
    os.truncate(segment, segment.stat().st_size - 1)


def lose_receipts(site: Project) -> None:
    """The receipts are gone."""
    shutil.rmtree(site.folder / "receipts")


def cut_receipts(site: Project) -> None:
    """The last byte of a file of receipts is lost."""
    [run] = (site.folder / "receipts").glob("*.run")
    os.truncate(run, run.stat().st_size - 1)


def lose_names(project: Project) -> None:
    """What names say is not there."""
    (project.folder / "log" / "names.json").unlink()


def cut_names(project: Project) -> None:
    """What names say was cut off."""
    path = project.folder / "log" / "names.json"
    path.write_bytes(path.read_bytes()[:-3])


def lose_key(site: Project) -> None:
    """The key of the digests is gone."""
    (site.folder / "keys" / "digest.key").unlink()


def show_key(site: Project) -> None:
    """Everybody may read the key."""
    (site.folder / "keys" / "digest.key").chmod(0o644)


def leave_waiting(site: Project) -> None:
    """A call came an hour ago and no worker took it."""
    site.inbox.put([call([item(100)], at=clock.now() - HOUR)])


def receive_tomorrow(site: Project) -> None:
    """Calls came while the clock stood a day ahead."""
    site.inbox.put([call([item(100)], at=clock.now() + DAY)])
    Drain(site).once(clock.now() + DAY)


@pytest.mark.parametrize(
    ("harm", "name", "said"),
    [
        (cut_segment, "segments", "1 of 1 segments are missing or damaged"),
        (lose_receipts, "receipts", "missing or cut off"),
        (cut_receipts, "receipts", "missing or cut off"),
        (lose_key, "keys", "lost"),
        (lose_names, "names", "names.json is missing"),
        (cut_names, "names", "names.json is damaged"),
        (show_key, "keys", "chmod 600"),
        (leave_waiting, "inbox", "does a worker run?"),
        (receive_tomorrow, "clock", "set back"),
    ],
)
def test_what_is_wrong_is_told(
    site: Project, capsys: pytest.CaptureFixture[str], harm: Callable[[Project], None], name: str, said: str
) -> None:
    """Each harm is found by its check and ends in exit code 1; the others are looked at all the same."""
    harm(site)
    site.inbox.close()
    code, found = told(site, capsys)
    assert code == 1
    assert found[name]["state"] == "wrong"
    assert said in str(found[name]["said"])
    assert {"database", "segments", "files", "disk", "sync", "clock"} <= set(found)


def test_a_disk_that_cannot_sync_is_told(
    site: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a sync fails or the disk is nearly full, doctor says that calls cannot be acknowledged."""
    monkeypatch.setattr(doctoring, "LEAST_FREE", 1 << 62)

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("cxminute.app.doctoring.os.fsync", fail)
    code, found = told(site, capsys)
    assert (code, found["sync"]["state"], found["disk"]["state"]) == (1, "wrong", "wrong")


def test_files_that_nothing_names_are_told(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What a kill left behind is counted and harms nothing; what was only just written is not spoken of."""
    for name, age in (("log/site/stray.parquet", 2 * 3_600), ("log/site/.writing-1", 2 * 3_600), ("log/new", 0)):
        file = site.folder / name
        file.write_bytes(b"12345")
        os.utime(file, (clock.now() / 1_000 - age,) * 2)
    code, found = told(site, capsys)
    assert (code, found["files"]["state"]) == (0, "note")
    assert (found["files"]["files"], found["files"]["bytes"]) == (2, 10)


def test_keys_that_lead_nowhere_are_told(site: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A source of the door without a key, and a key of a source that is gone, are named."""
    (site.root / "sources" / "site.toml").rename(site.root / "sources" / "shop.toml")
    file = site.root / "sources" / "shop.toml"
    file.write_text(file.read_text("utf-8").replace('"site"', '"shop"'), "utf-8")
    code, found = told(site, capsys)
    assert (code, found["write keys"]["state"]) == (0, "note")
    assert (found["write keys"]["without"], found["write keys"]["orphans"]) == (["shop"], ["site"])


@pytest.mark.outside("postgresql")
def test_a_project_on_postgresql_is_looked_at_too(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the state in PostgreSQL the same things are looked at."""
    monkeypatch.setenv("CXM_DOCTOR_STATE", postgres_url)
    project = make_site(tmp_path / "site", state="env:CXM_DOCTOR_STATE")
    project.inbox.put([call([item(1)], at=clock.now() - HOUR)])
    found = {one.name: one for one in doctoring.examine(project)}
    assert (found["database"].facts, found["inbox"].state) == ({"database": "postgresql"}, "wrong")
    Drain(project).once(clock.now())
    found = {one.name: one for one in doctoring.examine(project)}
    assert (found["inbox"].state, found["receipts"].facts["receipts"]) == ("well", 1)
    assert [one.said for one in found.values() if one.state == "wrong"] == []
    project.inbox.close()
    project.log.state.dispose()


def test_names_of_files_that_are_lost_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By doctor as something to know, once those of events are read again; in a list of collects they stand as none."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (tmp_path / "sources" / "orders.toml").write_text(ORDERS + CONTRACT, "utf-8")
    project = Project(tmp_path)
    take(project, "orders", "ann.csv", [HEAD, row("ann", "o1")])
    before = project.log.codes()
    (project.folder / "log" / "names.json").write_text('{"events": {', "utf-8")
    assert Project(tmp_path).log.codes() == before
    code, found = told(project, capsys)
    assert (code, found["names"]["state"], found["names"]["files"]) == (0, "note", 1)
    assert run(["collects", "--json", "--project", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["collects"][0]["file"] is None
    assert run(["collects", "--project", str(tmp_path)]) == 0
    assert "(name not readable)" in " ".join(capsys.readouterr().out.split())
    assert run(["collects", "undo", "1", "--project", str(tmp_path)]) == 0
    assert "Collect 1 is taken back: 1 event." in capsys.readouterr().out
    take(project, "orders", "ann.csv", [HEAD, row("ann", "o1")])
    assert [one.file.startswith("\x1f") for one in project.log.collects()] == [False, False], "the very same file"
    project.close()


def test_nothing_is_collected_under_another_key(tmp_path: Path) -> None:
    """Where the project's own key is lost, a file is refused, and again: no other key is made in its place."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (tmp_path / "sources" / "orders.toml").write_text(ORDERS + CONTRACT, "utf-8")
    project = Project(tmp_path)
    take(project, "orders", "one.csv", [HEAD, row("ann", "o1")])
    project.close()
    (key := project.folder / "keys" / "digest.key").unlink()
    for _ in range(2):
        project = Project(tmp_path)
        with pytest.raises(BrokenStore, match="lost"):
            take(project, "orders", "two.csv", [HEAD, row("bo", "o2")])
        assert len(project.log.collects()) == 1
        project.close()
        assert not key.exists()
