"""The inbox's keys: what waits is sealed, what has left cannot be read again, and no call is ever lost to a key."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from pysqlite3 import dbapi2

from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store.inbox import Inbox, open_inbox
from cxminute.store.inbox_keys import NAME, InboxKeys
from cxminute.store.inbox_sqlite import drop_unreadable
from cxminute.store.state import open_state, state_url


def call(number: int, source: str = "web") -> Call:
    """One call with something in its body."""
    return Call(source, 1_000 + number, "segment", "", 1, f"canary-{number}".encode())


def bodies(inbox: Inbox) -> list[str]:
    """What waits."""
    return [held.call.body.decode() for held in inbox.take(10_000, {})]


@pytest.fixture
def inbox(database: str, tmp_path: Path) -> Inbox:
    """An inbox on each of the databases."""
    open_state(database).dispose()
    return open_inbox(database, tmp_path)


def test_another_process_reads_what_one_has_sealed(inbox: Inbox, database: str, tmp_path: Path) -> None:
    """Keys are in a file that all share; whoever takes needs not be who put, whichever key was current then."""
    other = open_inbox(database, tmp_path)
    for number in range(6):
        (inbox if number % 2 else other).put([call(number)])
        if number == 3:
            other.drop({"web": 2})
    assert bodies(other) == bodies(inbox) == [f"canary-{number}" for number in range(2, 6)]
    for one in (inbox, other):
        one.drop({"web": 6})
        one.put([call(9)])
    assert bodies(other) == ["canary-9", "canary-9"]
    inbox.close()
    other.close()


@pytest.mark.parametrize("look", ["take", "waiting"])
def test_calls_that_leave_while_somebody_looks_have_left(
    inbox: Inbox, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    """Who looks at what waits, or takes it, while a worker drops it sees it gone, and misses no key."""
    other = open_inbox(database, tmp_path)
    other.put([call(1), call(2)])  # in one pack, of which the first call is in the log
    plain = InboxKeys.opened

    def opened_late(keys: InboxKeys, pack: bytes) -> bytes | None:
        other.drop({"web": 2})
        return plain(keys, pack)

    with monkeypatch.context() as patch:
        patch.setattr(InboxKeys, "opened", opened_late)
        assert (inbox.take(10, {"web": 1}) if look == "take" else inbox.waiting({"web": 1})) == []
    inbox.close()
    other.close()


def test_no_body_stands_in_the_files_in_the_clear(tmp_path: Path) -> None:
    """Neither the inbox's file nor its write-ahead log says what waits, or what has left."""
    inbox = open_inbox(state_url(tmp_path), tmp_path)
    inbox.put([call(1), call(2, "app")])
    inbox.put([call(3)])
    inbox.drop({"web": 1})
    assert len(bodies(inbox)) == 2
    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    inbox.close()


def test_a_copy_from_before_is_unreadable_once_its_calls_have_left(tmp_path: Path) -> None:
    """The key of what is in the log is gone; of what still waits it is there."""
    inbox = open_inbox(state_url(tmp_path), tmp_path)
    inbox.put([call(1)])
    inbox.close()
    (tmp_path / "older").mkdir()
    shutil.copyfile(tmp_path / "inbox.sqlite", tmp_path / "older" / "inbox.sqlite")
    inbox.put([call(2)])
    inbox.drop({"web": 1})
    inbox.put([call(3)])
    inbox.drop({"web": 2})
    assert bodies(inbox) == ["canary-3"]
    inbox.close()
    shutil.copytree(tmp_path / "keys", tmp_path / "older" / "keys")
    older = open_inbox(state_url(tmp_path / "older"), tmp_path / "older")
    with pytest.raises(BrokenStore, match="not there"):
        bodies(older)
    older.close()
    assert drop_unreadable(tmp_path / "older" / "inbox.sqlite", {"web": 0}) == 1
    assert bodies(older) == []
    older.close()


def test_calls_of_an_older_version_are_read(tmp_path: Path) -> None:
    """What waited in the clear when this version came goes into the log like all else."""
    inbox = open_inbox(state_url(tmp_path), tmp_path)
    inbox.put([call(1)])
    inbox.close()
    keys = InboxKeys(tmp_path / "keys" / NAME)
    with dbapi2.connect(str(tmp_path / "inbox.sqlite")) as connection:
        [(pack,)] = connection.execute("SELECT pack FROM packs").fetchall()
        clear = keys.opened(pack)
        assert clear is not None
        assert b"canary-1" in clear
        connection.execute("UPDATE packs SET pack = ?", (clear,))
    connection.close()
    keys.close()
    inbox.put([call(2)])
    assert bodies(inbox) == ["canary-1", "canary-2"]
    inbox.drop({"web": 2})
    assert bodies(inbox) == []
    inbox.close()


def test_keys_take_no_room_as_calls_come_and_go(tmp_path: Path) -> None:
    """A key's place is used again once it is gone: after many rounds there are a few places."""
    inbox = open_inbox(state_url(tmp_path), tmp_path)
    for number in range(200):
        inbox.put([call(number)])
        inbox.drop({"web": number})  # one waits on
    assert (tmp_path / "keys" / NAME).stat().st_size <= 8 * 64
    assert bodies(inbox) == ["canary-199"]
    before = (tmp_path / "keys" / NAME).read_bytes()
    inbox.drop({})
    assert (tmp_path / "keys" / NAME).read_bytes() == before, "no key is made where nothing was sealed since"
    inbox.close()


def test_no_call_is_sealed_under_a_key_that_goes(inbox: Inbox, database: str, tmp_path: Path) -> None:
    """Several put while another drops all that it has read: each call is read once, and none is unreadable."""
    found: list[str] = []
    faults: list[BaseException] = []
    done = threading.Event()

    def put(begin: int) -> None:
        mine = open_inbox(database, tmp_path)
        try:
            for number in range(begin, begin + 60):
                mine.put([call(number)])
        except BaseException as fault:  # noqa: BLE001 -- told below, in the test's own thread
            faults.append(fault)
        mine.close()

    def drain() -> None:
        while True:
            last = done.is_set()
            held = inbox.take(7, {})
            if held:
                found.extend(one.call.body.decode() for one in held)
                inbox.drop({"web": held[-1].number})
            elif last:
                return

    def guarded() -> None:
        try:
            drain()
        except BaseException as fault:  # noqa: BLE001 -- likewise
            faults.append(fault)

    putting = [threading.Thread(target=put, args=(begin,)) for begin in (0, 1_000, 2_000)]
    draining = threading.Thread(target=guarded)
    for thread in (*putting, draining):
        thread.start()
    for thread in putting:
        thread.join()
    done.set()
    draining.join()
    assert faults == []
    assert sorted(found) == sorted(f"canary-{begin + n}" for begin in (0, 1_000, 2_000) for n in range(60))
    inbox.close()


def test_one_call_that_is_held_up_makes_no_heap_of_keys(tmp_path: Path) -> None:
    """While very many keys stand, the current one goes on; when what waited has left, all that sealed it go."""
    keys, number, waiting = InboxKeys(tmp_path / NAME), 0, True
    for _ in range(600):
        number += 1
        with keys.sealing(lambda: number - 1) as seal:  # noqa: B023 -- asked at once
            packed = seal(b"canary")
        keys.turn(lambda: number, lambda *_: waiting)  # noqa: B023 -- likewise
    assert (tmp_path / NAME).stat().st_size <= 260 * 64
    assert keys.opened(packed) == b"canary"
    waiting = False
    for _ in range(2):  # those that were closed, then the one that went on meanwhile
        keys.turn(lambda: number, lambda *_: waiting)
    assert keys.opened(packed) is None
    keys.close()
