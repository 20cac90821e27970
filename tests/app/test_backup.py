"""A project put away in one file while it works, and brought back: whole, checked, and nowhere else."""

from __future__ import annotations

import gzip
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cxminute.app.backing import back_up, bring_back
from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.model.errors import BadData, BrokenStore, WrongUse
from cxminute.store import archive, backups
from cxminute.store.backups import Taken
from tests.app.small_site import NOON, balance, call, ids, item, make_site
from tests.conformance.postgres import empty_database

Making = Callable[..., Project]
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.outside("postgresql"))]


class Site:
    """A site on one of the databases, and how a backup of it is brought back beside it."""

    def __init__(self, folder: Path, database: str, server: Callable[[], str], patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self._fresh = (lambda: empty_database(server())) if database == "postgresql" else None
        if self._fresh:
            patch.setenv("CXM_BACKUP_STATE", self._fresh())
        self._opened: list[Project] = []
        self.project = make_site(folder / "site", state="env:CXM_BACKUP_STATE" if self._fresh else "")
        self._opened.append(self.project)

    def brought_back(self, name: str = "b") -> Project:
        """The project that comes out of the backup `name`."""
        if self._fresh:
            self._patch.setenv("CXM_BACKUP_STATE", self._fresh())
        bring_back(self.folder / name, self.folder / f"{name}-restored", self.folder / "keys")
        return self.open(self.folder / f"{name}-restored")

    def put_away(self, name: str = "b") -> Taken:
        """A backup of it, with the keys of identifiers beside it."""
        return back_up(self.project, self.folder / name, identifier_keys=self.folder / "keys")

    def open(self, root: Path) -> Project:
        """A project that is closed with the test: a database waits for no garbage collector."""
        self._opened.append(Project(root))
        return self._opened[-1]

    def close(self) -> None:
        """Lets go of every connection."""
        for project in self._opened:
            project.inbox.close()
            project.log.state.dispose()


@pytest.fixture(params=BOTH)
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site of the door, on each of the databases."""
    made = Site(tmp_path, request.param, lambda: request.getfixturevalue("server"), monkeypatch)
    yield made
    made.close()


def drained(project: Project) -> None:
    """All that waits goes into the log."""
    drain = Drain(project)
    while drain.once(NOON).events:
        pass


def test_what_was_put_away_comes_back(site: Site) -> None:
    """Definitions, events, quarantine, identifiers, keys, balance and what waits are the same once restored."""
    project = site.project
    (project.root / "cx.md").write_text("# Ours\n", "utf-8")
    key = project.keys.add("site", NOON)
    project.inbox.put([call([item(n) for n in range(40)]), call([item(3), {"type": "track"}])])
    drained(project)
    project.inbox.put([call([item(100), item(4)])])
    taken = site.put_away()
    assert (taken.events, taken.waiting) == (40, 1)
    again = site.brought_back()
    assert again.definitions.sources == project.definitions.sources
    assert (again.root / "cx.md").read_text("utf-8") == "# Ours\n"
    assert (ids(again), again.log.hashes(), balance(again)) == (ids(project), project.log.hashes(), balance(project))
    assert again.log.rejects().equals(project.log.rejects())
    assert again.vault.number("order_id", "o7") == project.vault.number("order_id", "o7")
    assert again.secret == project.secret
    assert list(again.keys.valid(NOON).values()) == ["site"]
    assert key not in (site.folder / "b").read_bytes().decode("latin-1")
    drained(again)
    assert ids(again) == sorted([*ids(project), "m100"])
    assert balance(again) == (44, 41, 2, 1)


def test_the_restored_project_goes_on(site: Site) -> None:
    """After a restore new calls get numbers of their own, and message ids are known from before."""
    project = site.project
    project.inbox.put([call([item(1)]), call([item(2)])])
    drained(project)
    site.put_away()
    again = site.brought_back()
    again.inbox.put([call([item(2), item(3)])])
    drained(again)
    assert ids(again) == ["m1", "m2", "m3"]
    assert balance(again) == (4, 3, 1, 0)


def test_calls_that_came_between_inbox_and_state_are_no_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that came and went into the log between the two copies leave no mark that hides what comes later."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(0)])])
    then = backups._copy_state  # noqa: SLF001 -- the moment between the two copies has no other name

    def meanwhile(*arguments: object) -> object:
        for number in range(1, 30):
            project.inbox.put([call([item(number)])])
        drained(project)
        return then(*arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(backups, "_copy_state", meanwhile)
    back_up(project, tmp_path / "b", identifier_keys=tmp_path / "keys")
    bring_back(tmp_path / "b", tmp_path / "again", tmp_path / "keys")
    again = Project(tmp_path / "again")
    drained(again)
    assert len(ids(again)) == 30
    again.inbox.put([call([item(1_000)])])
    drained(again)
    assert "m1000" in ids(again)
    assert balance(again) == (31, 31, 0, 0)


def test_what_was_acknowledged_before_is_in_the_backup_once(site: Site) -> None:
    """Backups taken while calls come in and go into the log hold every call acknowledged before each began, once."""
    project = site.project
    acknowledged: list[str] = []
    stop = threading.Event()
    failed: list[BaseException] = []

    def send() -> None:
        writer = site.open(project.root)
        number = 0
        while not stop.is_set():
            some = [item(number + n) for n in range(5)]
            writer.inbox.put([call(some[:2]), call(some[2:])])
            acknowledged.extend(one["messageId"] for one in some)
            number += 5

    def work() -> None:
        drain = Drain(site.open(project.root))
        while not stop.is_set():
            drain.once(NOON, 50)

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as fault:  # noqa: BLE001 -- told below, in the test's own thread
            failed.append(fault)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in (send, work)]
    for thread in threads:
        thread.start()
    before: list[list[str]] = []
    try:
        for number in range(3):
            stop.wait(0.3)
            before.append(list(acknowledged))
            site.put_away(f"b{number}")
            (site.folder / "keys").rename(site.folder / f"keys{number}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == []
    for number, sent in enumerate(before):
        (site.folder / f"keys{number}").rename(site.folder / "keys")
        again = site.brought_back(f"b{number}")
        drained(again)
        found = ids(again)
        assert len(found) == len(set(found))
        assert set(sent) <= set(found) <= set(acknowledged)
        assert balance(again)[0] == len(found)


@pytest.fixture(scope="module")
def put_away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One backup of a site with some events."""
    folder = tmp_path_factory.mktemp("put-away")
    project = make_site(folder / "site")
    project.inbox.put([call([item(n) for n in range(20)])])
    drained(project)
    back_up(project, folder / "b.gz")
    return folder / "b.gz"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("how", ["cut off", "changed"])
def test_a_damaged_backup_is_refused(put_away: Path, tmp_path: Path, how: str, share: float) -> None:
    """Cut off or changed in any place, a backup is refused, and nothing is left where it was to be restored."""
    content = bytearray(put_away.read_bytes())
    place = int(len(content) * share)
    if how == "cut off":
        del content[place:]
    else:
        content[place] ^= 0xFF
    (tmp_path / "b").write_bytes(content)
    with pytest.raises((BadData, BrokenStore), match=r"damaged|no backup"):
        bring_back(tmp_path / "b", tmp_path / "again")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("content", [b"", b"{}", b"PK\3\4 and more", gzip.compress(b"no tar at all")])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is no backup is told to be none."""
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(BadData, match=r"damaged|no backup"):
        bring_back(tmp_path / "b", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_tar_that_leads_elsewhere_is_refused(put_away: Path, tmp_path: Path) -> None:
    """A file that says it lies outside of the folder is not written, wherever it says."""
    with tarfile.open(put_away) as tar, tarfile.open(tmp_path / "b.gz", "w:gz") as evil:
        first = tar.next()
        assert first is not None
        evil.addfile(first, tar.extractfile(first))
        evil.addfile(tarfile.TarInfo("../outside"))
    (tmp_path / "in").mkdir()
    with pytest.raises(BadData, match="outside"):
        bring_back(tmp_path / "b.gz", tmp_path / "in" / "again")
    assert not list(tmp_path.rglob("outside"))


def test_nothing_that_is_there_is_written_over(put_away: Path, tmp_path: Path) -> None:
    """A folder with a project or anything else in it stays as it is; a backup never replaces a file."""
    project = make_site(tmp_path / "site")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine", "utf-8")
    for folder, said in ((project.root, "holds a project"), (tmp_path / "full", "is not empty")):
        with pytest.raises(WrongUse, match=said):
            bring_back(put_away, folder)
    with pytest.raises(WrongUse, match="exists"):
        back_up(project, tmp_path / "full" / "mine")
    assert (tmp_path / "full" / "mine").read_text("utf-8") == "mine"
    (tmp_path / "empty").mkdir()
    assert bring_back(put_away, tmp_path / "empty").events == 20


@pytest.mark.outside("postgresql")
def test_a_database_that_holds_rows_is_left_alone(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are put back only into an empty database: never beside what another project keeps there."""
    monkeypatch.setenv("CXM_BACKUP_STATE", postgres_url)
    project = make_site(tmp_path / "site", state="env:CXM_BACKUP_STATE")
    project.inbox.put([call([item(1)])])
    drained(project)
    back_up(project, tmp_path / "b")
    with pytest.raises(WrongUse, match="not empty"):
        bring_back(tmp_path / "b", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert balance(project) == (1, 1, 0, 0)
    project.inbox.close()
    project.log.state.dispose()


def test_a_damaged_project_makes_no_backup(tmp_path: Path) -> None:
    """A segment that changed or is gone is told, and no file is left that looks like a backup."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(n) for n in range(20)])])
    drained(project)
    [segment] = (project.folder / "log").rglob("*.parquet")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] + b"x")
    with pytest.raises(BrokenStore, match="damaged"):
        back_up(project, tmp_path / "b")
    segment.unlink()
    with pytest.raises(BrokenStore, match="missing"):
        back_up(project, tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site"]
    assert not list(project.folder.glob(".backup-*"))


def test_without_keys_the_key_stays_at_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup without keys holds none; what is restored from it says that it lacks its own, and works with it."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(1)])])
    drained(project)
    secret = project.secret
    assert run(["backup", str(tmp_path / "b.gz"), "--without-keys", "--project", str(project.root)]) == 0
    with gzip.open(tmp_path / "b.gz") as packed:
        assert secret not in packed.read()
    assert run(["restore", str(tmp_path / "b.gz"), str(tmp_path / "again")]) == 0
    assert "holds no keys" in capsys.readouterr().out
    again = Project(tmp_path / "again")
    with pytest.raises(BrokenStore, match="lost"):
        _ = again.secret
    (again.folder / "keys").mkdir()
    (again.folder / "keys" / "digest.key").write_bytes(secret)
    again.inbox.put([call([item(1), item(2)])])
    drained(Project(again.root))
    assert ids(again) == ["m1", "m2"]


def test_the_commands_tell_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cxm backup` and `cxm restore` say, for people and programs, how much they put away and brought back."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(n) for n in range(3)])])
    drained(project)
    where = ["--project", str(project.root)]
    assert run(["backup", str(tmp_path / "b"), "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["events"], told["waiting"]) == (3, 0)
    assert told["bytes"] == (tmp_path / "b").stat().st_size
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
    assert run(["restore", str(tmp_path / "b"), str(tmp_path / "again"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["project"], told["events"], told["keys"]) == ("site", 3, True)
    assert run(["backup", str(tmp_path / "c"), *where]) == 0
    assert "3 events" in capsys.readouterr().out
    for wrong in (["backup", str(tmp_path / "b"), *where], ["backup", str(tmp_path / "no" / "b"), *where]):
        assert run(wrong) == 2
    assert run(["restore", str(tmp_path / "none"), str(tmp_path / "x")]) == 2


def test_contents_are_listed_with_their_hashes(put_away: Path, tmp_path: Path) -> None:
    """A backup is a plain tar that says what it holds: a header first, last a list of files with size and SHA-256."""
    with tarfile.open(put_away) as tar:
        names = tar.getnames()
        listed = json.loads(tar.extractfile(names[-1]).read())  # type: ignore[union-attr]  # a file
    assert (names[0], names[-1]) == ("cxm-backup.json", "contents.json")
    assert [entry["path"] for entry in listed] == names[1:-1]
    assert {"cxm.toml", "sources/site.toml", ".cxm/state.sqlite", ".cxm/inbox.sqlite", ".cxm/keys/digest.key"} <= set(
        names
    )
    header, entries = archive.unpack(put_away, tmp_path)
    assert (header.database, [entry.sha256 for entry in entries]) == ("sqlite", [entry["sha256"] for entry in listed])


def test_the_file_of_keys_brings_the_projects_own_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup without it, and the file of keys: whole again; beside one that holds it, it must be the same key."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(1)])])
    drained(project)
    where, keys = ["--project", str(project.root)], ["--identifier-keys", str(tmp_path / "keys")]
    assert run(["backup", str(tmp_path / "b.gz"), "--without-keys", *keys, *where]) == 0
    with tarfile.open(tmp_path / "b.gz") as tar:
        assert ".cxm/keys/digest.key" not in tar.getnames()
    assert run(["restore", str(tmp_path / "b.gz"), str(tmp_path / "again"), *keys]) == 0
    assert "holds no keys" not in capsys.readouterr().out
    again = Project(tmp_path / "again")
    assert (again.secret, again.vault.number("user_id", "u1")) == (
        project.secret,
        project.vault.number("user_id", "u1"),
    )
    back_up(project, tmp_path / "c")
    assert run(["restore", str(tmp_path / "c"), str(tmp_path / "both"), *keys]) == 0
    other = make_site(tmp_path / "other")
    back_up(other, tmp_path / "d")
    with pytest.raises(BadData, match="another project"):
        bring_back(tmp_path / "d", tmp_path / "x", tmp_path / "keys")
    assert not (tmp_path / "x").exists()
    for one in (project, again, other):
        one.close()
