"""Disks that are full, or take nothing: 503 and no acknowledgement, and all is well again when there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.running import Door, new_project
from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store.inbox import Inbox, open_inbox
from tests.faults.telling import Posting, held, item, stored, until, verify


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all room of a disk but so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leave
            if free <= 0 or not file.write(bytes(min(free, 1 << 20))):
                break
    return ballast


def remount(disk: Path, how: str) -> None:
    """Makes a disk read-only, or writable again."""
    subprocess.run([shutil.which("mount") or "mount", "-o", f"remount,{how}", disk], check=True)


def put(inbox: Inbox, body: bytes) -> bool:
    """Puts one call; whether the inbox kept it."""
    try:
        inbox.put([Call("website", 1, "segment", "", 1, body)])
    except BrokenStore:
        return False
    return True


def test_an_inbox_on_a_full_disk_keeps_what_it_kept_and_goes_on_when_there_is_room(
    small_disk: Callable[[int], Path],
) -> None:
    """What was put is there, what was refused is not half there, and the same inbox takes more once there is room."""
    disk = small_disk(24)
    inbox = open_inbox("sqlite:///unused", disk)
    fill(disk, leave=6 << 20)
    kept = next(number for number in range(1_000) if not put(inbox, b"%d" % number + bytes(100_000)))
    assert kept > 0
    for _ in range(3):
        assert not put(inbox, bytes(4 << 20))
    (disk / "ballast").unlink()
    assert put(inbox, b"after")
    numbers = [int(of.call.body.rstrip(b"\0")) for of in inbox.take(10**6, {}) if of.call.body != b"after"]
    assert numbers in (list(range(kept)), list(range(kept + 1)))  # the last may be there unacknowledged
    inbox.close()


def test_a_full_disk_is_503_and_passes_by_itself(
    small_disk: Callable[[int], Path], opening: Callable[..., Door]
) -> None:
    """Under load on a disk that fills and empties: only 200 and 503, nothing is lost, and no restart is needed."""
    root = disk = small_disk(96)  # the folder itself, so that what the server says goes elsewhere
    door = opening(root)
    with Posting(door, items=20, padding=2_000) as posting:
        assert until(lambda: posting.acknowledged, 10)
        ballast = fill(disk)
        assert until(lambda: 503 in posting.statuses(), 10)
        assert until(lambda: door.ask("GET", "/ready").status == 503, 5)
        before = len(posting.acknowledged)
        ballast.unlink()
        assert until(lambda: len(posting.acknowledged) > before + 100, 15)
        assert until(lambda: door.ask("GET", "/ready").status == 200, 10)
    assert posting.statuses() == {200, 503}
    refused = next(answer for answer in posting.answers if answer.status == 503)
    assert refused.told["success"] is False
    assert 0 < int(refused.headers["retry-after"]) <= 300
    assert door.drained()
    there = stored(root)
    assert len(there) == len(set(there))
    assert set(posting.acknowledged) <= set(there)
    verify(root)


def test_a_disk_that_is_read_only_takes_nothing_and_says_so(small_disk: Callable[[int], Path], tmp_path: Path) -> None:
    """Started over a disk that cannot be written, the door acknowledges nothing; what was there stays there."""
    root = disk = small_disk(96)
    key = new_project(tmp_path / "shop")
    shutil.copytree(tmp_path / "shop", root, dirs_exist_ok=True)  # a copy, of which this process has no file open
    door = Door([root], key)
    door.start()
    assert door.post([item(1)]).status == 200
    door.stop()
    remount(disk, "ro")
    try:
        with suppress(RuntimeError):  # it may as well refuse to start
            door.start(within=8, ready=False)
            assert door.post([item(2)]).status == 503
            assert door.ask("GET", "/ready").status == 503
        said = door.tail()
        assert "Traceback" not in said, said
    finally:
        door.stop()
        remount(disk, "rw")
    door.start()
    assert door.post([item(3)]).status == 200
    assert {"m-1", "m-3"} <= held(root)
    door.stop()
