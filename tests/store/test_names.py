"""Names of events and of files: no database has them in the clear, and whoever has the project reads them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine, select

from cxminute.model.errors import BrokenStore
from cxminute.store import names as names_of
from cxminute.store.checkups import nameless
from cxminute.store.keyring import DESTROYED, OWN, Keyring
from cxminute.store.log import Chunk, EventLog, FileId
from cxminute.store.manifest import give_codes
from cxminute.store.names import DAMAGED, FILE, FILE_KEYS, Names
from cxminute.store.schema import COLLECTS
from cxminute.store.schema import NAMES as CODES
from cxminute.store.sealing import unseal
from cxminute.store.vault import UNREADABLE, put_personal
from tests.store.test_log import chunk, collect
from tests.store.vaults import log_in

NAMES = ("Canary seen", "Canary sold")


def of_names(*said: str) -> Chunk:
    """Events of these names."""
    told = chunk([(name, place, "red") for place, name in enumerate(said)])
    place = told.events.column_names.index("name")
    return replace(told, events=told.events.set_column(place, "name", pa.array(said).dictionary_encode()))


@pytest.fixture
def log(tmp_path: Path, state: Engine) -> EventLog:
    """A log with two names of events, from a file that is called by somebody."""
    log = log_in(tmp_path, state)
    collect(log, [of_names(*NAMES)], file="canary.csv")
    return log


def test_the_state_says_no_name_in_the_clear(log: EventLog) -> None:
    """Neither of events nor of files; another process reads them; in the file beside it those of files lie sealed."""
    with log.state.connect() as connection:
        said = [*connection.execute(select(CODES)).all(), *connection.execute(select(COLLECTS.c.file)).all()]
    assert "canary" not in repr(said).lower()
    other = EventLog(log.root, log.state)
    assert other.codes() == {("shop", name): code for code, name in enumerate(NAMES)}
    assert [told.file for told in other.collects()] == ["canary.csv"]
    assert "canary.csv" not in (log.root / FILE).read_text("utf-8")


def test_codes_stay_whoever_gives_them(log: EventLog) -> None:
    """A name that has a code is given none again, and a new one takes the next; also by a log that is opened anew."""
    other = EventLog(log.root, log.state)
    collect(other, [chunk([("e3", 2, "red")])], known_at=2_000)
    collect(log, [chunk([("e4", 3, "red")])], known_at=3_000)
    assert list(log.codes().values()) == [0, 1, 2]
    assert log.codes() == other.codes()


def test_names_of_events_are_found_again_in_segments(log: EventLog) -> None:
    """Where the file is lost, codes are what they were; the name of a file is not to be had then."""
    before = log.codes()
    (log.root / FILE).unlink()
    again = EventLog(log.root, log.state)
    assert again.codes() == before
    assert EventLog(log.root, log.state).codes() == before
    assert "canary" not in again.collects()[0].file


def test_what_is_not_kept_goes_with_its_key(tmp_path: Path, state: Engine) -> None:
    """A copy of the file that was taken before says no name of a file any more; what is kept is read as before."""
    root = log_in(tmp_path, state).root
    names = Names(root, Keyring(tmp_path / "keys"))
    gone, kept = names.files(["gone.csv", "kept.csv"])
    called = names.called("shop", ["Gone", "Kept"])
    names.learn(called)
    copy = (root / FILE).read_bytes()
    (root / ".names-7").write_bytes(copy)  # as a kill leaves it
    names.keep([kept, next(digest for digest, name in called.items() if name == "Kept")])
    assert [*names.said().values(), *names.opened([gone, kept]).values()] == ["Kept", "kept.csv"]
    assert [path.name for path in root.iterdir()] == [FILE]
    assert [key == DESTROYED for key in Keyring(tmp_path / "keys").held(FILE_KEYS, [0, 1])] == [True, False]
    (root / FILE).write_bytes(copy)
    said = Names(root, Keyring(tmp_path / "keys")).opened([gone, kept])
    assert said == {gone: "\x1funreadable 0", kept: "kept.csv"}


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_damaged_file_is_put_aside(log: EventLog, cut: int) -> None:
    """Names of events are read again from segments; what was damaged stays as it was until names are let go of."""
    before, held = log.codes(), (log.root / FILE).read_bytes()
    (log.root / FILE).write_bytes(held[:cut])
    again = EventLog(log.root, log.state)
    assert again.names.damaged()
    assert nameless(log.state, again.names) == (len(NAMES), 1)
    assert (log.root / FILE).read_bytes() == held[:cut], "who only looks changes nothing"
    assert again.codes() == before
    assert not again.names.damaged()
    assert nameless(log.state, again.names) == (0, 1)
    [aside] = log.root.glob(f"{DAMAGED}*")
    assert aside.read_bytes() == held[:cut]
    again.names.keep([])
    assert not list(log.root.glob(f"{DAMAGED}*"))
    assert log.keyring.held(FILE_KEYS, [0]) == [DESTROYED], "it was in that file, and may be in a backup"


def test_a_damaged_file_is_let_go_of(log: EventLog) -> None:
    """Also by a forgetting that comes before any other command: it may say who was forgotten."""
    (log.root / FILE).write_bytes((log.root / FILE).read_bytes()[:-1])
    Names(log.root, log.keyring).keep([])
    assert "Canary" not in "".join(path.read_text("utf-8") for path in log.root.glob("*names*"))


def test_names_of_a_collect_that_was_taken_back_are_found_again(log: EventLog) -> None:
    """They keep their codes."""
    collect(log, [of_names("Taken back")], known_at=2_000)
    log.undo(2, 3_000)
    before = log.codes()
    (log.root / FILE).unlink()
    again = EventLog(log.root, log.state)
    assert again.codes() == before
    assert before["shop", "Taken back"] == len(NAMES)


def test_a_file_that_is_lost_while_a_process_runs_is_made_again(log: EventLog) -> None:
    """Twice, too; and a chunk brings what it knows, whether it has a code already or not."""
    before = log.codes()
    for known_at in (2_000, 3_000):
        (log.root / FILE).unlink()
        assert log.codes() == before
        (log.root / FILE).unlink()
        collect(log, [chunk([(f"e{known_at}", known_at, "red")]), of_names(*NAMES)], known_at)
        before = log.codes()
        assert set(before) == {("shop", name) for name in (*NAMES, "Painted")}


def test_a_chunk_brings_the_names_that_the_file_has_not(log: EventLog) -> None:
    """Whether they have a code already or not."""
    (log.root / FILE).unlink()
    with log.state.begin() as connection:
        give_codes(connection, log.names, "shop", NAMES)
    assert set(Names(log.root, log.keyring).said().values()) == set(NAMES)


def test_a_name_whose_key_is_gone_is_sealed_anew(log: EventLog) -> None:
    """Under a number of its own: a project that was restored without keys collects the file again."""
    log.keyring.destroy(FILE_KEYS, [0])
    assert log.collects()[0].file.startswith(UNREADABLE)
    for _ in range(2):
        [called] = log.names.files(["canary.csv"])
        assert log.names.opened([called]) == {called: "canary.csv"}
    assert [key == DESTROYED for key in log.keyring.held(FILE_KEYS, range(3))] == [True, False, True]
    (log.root / FILE).unlink()
    before = log.keyring.held(FILE_KEYS, [0, 1])
    log.names.files(["other.csv"])
    assert log.keyring.held(FILE_KEYS, [0, 1]) == before, "of a file that may be brought back"


def test_names_of_files_are_opened_where_they_are_shown(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes open none, a collect its own, and what was written is not read again."""
    log.names.files(f"{number}.csv" for number in range(50))
    opened: list[int] = []
    read: list[Path] = []
    reading = Path.read_bytes

    def opens(keys: Sequence[bytes], bodies: Sequence[bytes | None]) -> list[str | None]:
        opened.append(len(keys))
        return unseal(keys, bodies)

    def reads(path: Path) -> bytes:
        read.append(path)
        return reading(path)

    monkeypatch.setattr(names_of, "unseal", opens)
    monkeypatch.setattr(Path, "read_bytes", reads)
    EventLog(log.root, log.state).codes()
    assert opened == []
    read.clear()
    collect(log, [of_names("Another", *NAMES)], known_at=2_000, file="late.csv")
    assert max(opened) == 1
    assert not [path for path in read if path.name == FILE]


def test_no_key_of_the_project_is_made_here(tmp_path: Path, state: Engine) -> None:
    """Where it is lost, what the state has would be found no more: a log says so, and makes none."""
    log = EventLog(tmp_path / "log", state)
    values = pa.table({"id": ["e"], "profile": pa.array([1], pa.int64()), "traits.name": ["ann"]})
    with pytest.raises(BrokenStore, match="lost"):
        log.begin("shop", FileId("a.csv", "d"), 1_000)
    with pytest.raises(BrokenStore, match="lost"), state.begin() as connection:
        give_codes(connection, log.names, "shop", NAMES)
    with pytest.raises(BrokenStore, match="lost"), state.begin() as connection:
        put_personal(connection, log.keyring, "shop", 1, 0, values)
    assert not (tmp_path / "keys" / OWN).exists()
