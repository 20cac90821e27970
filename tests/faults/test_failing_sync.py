"""Syncs and writes that fail: nothing is acknowledged that is not on disk, and the door goes on by itself."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

import pytest

from benchmarks.running import Door
from tests.faults.telling import Posting, quarantine, stored, until, verify


@contextmanager
def failing(door: Door, calls: str, error: str) -> Iterator[None]:
    """Lets system calls of the running server fail for a while."""
    assert door.process is not None
    words = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(door.process.pid)]
    tracer = subprocess.Popen([*words, "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"])
    sleep(0.5)  # it attaches to each thread
    assert tracer.poll() is None, "strace could not attach"
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)


FAULTS = {
    "a sync that fails": ("fsync,fdatasync", "EIO"),
    "a disk that became read-only": ("pwrite64", "EROFS"),
    "a disk that is full": ("fsync,fdatasync,pwrite64", "ENOSPC"),
}


@pytest.mark.outside("strace")
def test_a_disk_that_fails_is_503_until_it_does_not(opening: Callable[..., Door]) -> None:
    """While the disk fails under the running server nothing is acknowledged; after it, all is well by itself."""
    door = opening()
    with Posting(door) as posting:
        assert until(lambda: posting.acknowledged, 10)
        for name, (calls, error) in FAULTS.items():
            heard = len(posting.answers)
            with failing(door, calls, error):
                assert until(lambda: any(of.status == 503 for of in posting.answers[heard:]), 10), name  # noqa: B023 -- called at once
                sleep(0.2)  # what was under way is answered
                during = len(posting.acknowledged)
                sleep(0.4)
                assert len(posting.acknowledged) == during, f"acknowledged under {name}"
            assert until(lambda: len(posting.acknowledged) > during + 40, 15), name  # noqa: B023 -- called at once
    assert posting.statuses() == {200, 503}
    assert door.drained()
    there = stored(door.roots[0])
    assert len(there) == len(set(there))
    assert set(posting.acknowledged) <= set(there)


HERE_AND_THERE = (
    "inbox.begun=eio:0.2,inbox.committed=eio:0.1,segment.written=enospc:0.3,segment.synced=eio:0.1,"
    "receipts.written=enospc:0.1,arrivals.committing=eio:0.2"
)


def test_faults_of_the_disk_here_and_there_lose_nothing(opening: Callable[..., Door]) -> None:
    """Where some writes fail, what was acknowledged is in the log in the end, once, and every segment is whole."""
    door = opening(CXM_FAILPOINTS=HERE_AND_THERE, CXM_FAILPOINTS_SEED="7")
    with Posting(door) as posting:
        assert until(lambda: len(posting.acknowledged) > 100, 20)
        sleep(1.5)  # the worker's stretches fail, too
    assert posting.statuses() == {200, 503}
    door.stop()
    door.environment = {}
    door.start()
    assert door.drained()
    verify(door.roots[0])
    there = stored(door.roots[0])
    assert len(there) == len(set(there))
    assert set(posting.acknowledged) <= set(there)
    assert not quarantine(door.roots[0]), "a fault of the disk was taken for a fault of an event"
