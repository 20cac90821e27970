"""The committer: groups, order, and what is said when the disk fails, is slow, or does not answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.door import committing
from cxminute.app.door.answers import CannotStore, Overloaded
from cxminute.app.door.committing import Committer
from cxminute.app.door.metrics import Commits
from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store.inbox import open_inbox


def call(number: int, size: int = 10) -> Call:
    """A call that can be told from others."""
    return Call("site", number, "segment", "track", 1, b"x" * size)


class Disk:
    """An inbox that can be held up or broken."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.broken = False
        self.open = threading.Event()
        self.open.set()

    @property
    def calls(self) -> list[int]:
        """All that were put."""
        return [number for group in self.groups for number in group]

    def put(self, calls: Sequence[Call]) -> None:
        """Keeps calls, when it may and can."""
        self.open.wait(20)
        if self.broken:
            raise BrokenStore("The disk is full.")
        self.groups.append([one.received_at for one in calls])


def run(test: Coroutine[Any, Any, None]) -> None:
    """One coroutine, in a loop of its own."""
    asyncio.run(asyncio.wait_for(test, 30))


async def _reached(committer: Committer, waiting: int) -> None:
    while committer.waiting < waiting:  # noqa: ASYNC110 -- what is waited for is a figure, not a signal
        await asyncio.sleep(0.005)


def test_all_that_wait_go_together_in_their_order() -> None:
    """While one transaction runs, the next calls gather, and go to disk as one group, in the order they came."""

    async def test() -> None:
        disk, commits = Disk(), Commits()
        committer = Committer(disk, asyncio.get_running_loop(), commits)
        disk.open.clear()
        first = asyncio.ensure_future(committer.commit(call(0)))
        await asyncio.sleep(0.1)
        rest = [asyncio.ensure_future(committer.commit(call(number))) for number in range(1, 50)]
        await asyncio.sleep(0.1)
        assert not any(one.done() for one in [first, *rest])
        disk.open.set()
        await asyncio.gather(first, *rest)
        committer.close()
        assert disk.groups == [[0], list(range(1, 50))]
        assert committer.waiting == 0
        assert commits.groups.told()[1] == 50

    run(test())


def test_a_failed_transaction_acknowledges_nothing_and_the_next_tries_anew() -> None:
    """Every call of a failed group is refused; a moment later the disk is asked again, and nobody had to help."""

    async def test() -> None:
        disk, commits = Disk(), Commits()
        committer = Committer(disk, asyncio.get_running_loop(), commits)
        disk.broken = True
        told = await asyncio.gather(*(committer.commit(call(n)) for n in range(5)), return_exceptions=True)
        assert all(isinstance(one, CannotStore) for one in told)
        disk.broken = False
        with pytest.raises(CannotStore):
            await committer.commit(call(6))
        await asyncio.sleep(committing.PAUSE + 0.05)
        await committer.commit(call(7))
        committer.close()
        assert disk.groups == [[7]]
        assert committer.failed_at is None
        assert commits.failures["BrokenStore"] >= 1

    run(test())


def test_more_than_the_bound_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that wait are bounded: what comes on top hears 429 at once, and what waits is stored all the same."""
    monkeypatch.setattr(committing, "MOST_WAITING", 10_000)

    async def test() -> None:
        disk = Disk()
        committer = Committer(disk, asyncio.get_running_loop(), Commits())
        disk.open.clear()
        waiting = [asyncio.ensure_future(committer.commit(call(n, 4_000))) for n in range(2)]
        await _reached(committer, 8_000)
        with pytest.raises(Overloaded):
            await committer.commit(call(3, 4_000))
        disk.open.set()
        await asyncio.gather(*waiting)
        await committer.commit(call(4, 4_000))
        committer.close()
        assert disk.calls == [0, 1, 4]

    run(test())


def test_a_disk_that_does_not_answer_holds_no_client_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls behind a transaction that hangs are refused after a while, and new ones at once, until it moves again."""
    monkeypatch.setattr(committing, "STUCK", 0.05)

    async def test() -> None:
        disk = Disk()
        committer = Committer(disk, asyncio.get_running_loop(), Commits())
        disk.open.clear()
        hanging = asyncio.ensure_future(committer.commit(call(1)))
        await asyncio.sleep(0.2)
        committer.tick()
        with pytest.raises(CannotStore):
            await hanging
        with pytest.raises(CannotStore):
            await committer.commit(call(2))
        disk.open.set()
        await asyncio.sleep(committing.PAUSE + 0.1)
        await committer.commit(call(3))
        committer.close()
        assert committer.waiting == 0

    run(test())


def test_closing_puts_what_waits() -> None:
    """Calls that were begun when the server stops are on disk before it ends."""

    async def test() -> None:
        disk = Disk()
        committer = Committer(disk, asyncio.get_running_loop(), Commits())
        disk.open.clear()
        begun = [asyncio.ensure_future(committer.commit(call(n))) for n in range(3)]
        await _reached(committer, 3)
        disk.open.set()
        await asyncio.to_thread(committer.close)
        await asyncio.gather(*begun)
        assert disk.calls == [0, 1, 2]

    run(test())


def test_a_client_that_leaves_takes_nothing_with_it() -> None:
    """Where one of a group gives up waiting, the others are stored and answered."""

    async def test() -> None:
        disk = Disk()
        committer = Committer(disk, asyncio.get_running_loop(), Commits())
        disk.open.clear()
        begun = [asyncio.ensure_future(committer.commit(call(n))) for n in range(3)]
        await asyncio.sleep(0.05)
        begun[1].cancel()
        await asyncio.sleep(0)
        disk.open.set()
        told = await asyncio.gather(*begun, return_exceptions=True)
        committer.close()
        assert [isinstance(one, asyncio.CancelledError) for one in told] == [False, True, False]
        assert sorted(disk.calls) == [0, 1, 2]

    run(test())


def test_a_thousand_clients_are_stored_in_a_real_inbox(tmp_path: Path) -> None:
    """Over a real database every call that returned is there once."""
    inbox = open_inbox("sqlite://", tmp_path)

    async def test() -> None:
        commits = Commits()
        committer = Committer(inbox, asyncio.get_running_loop(), commits)
        await asyncio.gather(*(committer.commit(call(n)) for n in range(1_000)))
        committer.close()
        assert commits.groups.told()[0][-1][1] < 1_000

    run(test())
    assert [one.call.received_at for one in inbox.take(10_000, {})] == list(range(1_000))
