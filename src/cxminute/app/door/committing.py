"""The committer of a project: all calls that wait go to disk together, and each is told when it is there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from cxminute.app.door.answers import CannotStore, Overloaded
from cxminute.model.calls import Call

MOST_WAITING: Final = 64 << 20
"""Bytes of calls that wait for the disk at a time, of one project; what comes on top is asked to come again later."""
GROUP_BYTES: Final = 8 << 20
GROUP_CALLS: Final = 4_096
"""What is put in one transaction at most."""
PAUSE: Final = 0.25
"""Seconds after a failure in which calls are refused without asking the disk again."""
STUCK: Final = 20.0
"""Seconds after which calls are refused whose transaction neither ends nor fails."""
OVERHEAD: Final = 512
"""Bytes that a waiting call takes beside its body."""


class Puts(Protocol):
    """Where calls go: an inbox."""

    def put(self, calls: Sequence[Call]) -> None:
        """All of them on disk, or none and an error."""


class Watched(Protocol):
    """Who wants to know of each transaction."""

    def committed(self, seconds: float, calls: int, size: int) -> None:
        """A group is on disk."""

    def failed(self, fault: Exception) -> None:
        """A group is not, and why."""


class Committer:
    """Puts calls into a project's inbox: one transaction, and one sync, for all that wait.

    waiting: bytes that wait
    failed_at: when a transaction failed last, where none has succeeded since; monotonic seconds
    """

    def __init__(self, inbox: Puts, loop: asyncio.AbstractEventLoop, watched: Watched) -> None:
        self.waiting = 0
        self.failed_at: float | None = None
        self._inbox, self._loop, self._watched = inbox, loop, watched
        self._queue: SimpleQueue[tuple[Call, asyncio.Future[None]] | None] = SimpleQueue()
        self._open: set[asyncio.Future[None]] = set()
        self._since: float | None = None
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    async def commit(self, call: Call) -> None:
        """Returns when the call is on disk.

        raises: Overloaded when too much waits; CannotStore when it could not be stored: nothing of it was
        """
        size = len(call.body) + OVERHEAD
        if self.waiting + size > MOST_WAITING:
            raise Overloaded
        if self.failed_at is not None and time.monotonic() - self.failed_at < PAUSE:
            raise CannotStore
        future = self._loop.create_future()
        self.waiting += size
        self._open.add(future)
        self._queue.put((call, future))
        try:
            await future
        finally:
            self.waiting -= size
            self._open.discard(future)

    def tick(self) -> None:
        """Refuses what waits for a transaction that hangs; called once a second by the loop."""
        since = self._since
        if since is not None and time.monotonic() - since > STUCK:
            self.failed_at = time.monotonic()
            self._settle(list(self._open), failed=True)

    def close(self, seconds: float = 30.0) -> None:
        """Puts what waits and ends. Called when no call comes any more."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        going = True
        while going:
            first = self._queue.get()
            if first is None:
                return
            group, going = self._grouped(first)
            self._put([call for call, _ in group], [future for _, future in group])

    def _grouped(
        self, first: tuple[Call, asyncio.Future[None]]
    ) -> tuple[list[tuple[Call, asyncio.Future[None]]], bool]:
        """All that waits already, up to a group's bounds, and whether there will be more."""
        group, size = [first], len(first[0].body)
        with suppress(Empty):
            while size < GROUP_BYTES and len(group) < GROUP_CALLS:
                following = self._queue.get_nowait()
                if following is None:
                    return group, False
                group.append(following)
                size += len(following[0].body)
        return group, True

    def _put(self, calls: list[Call], futures: list[asyncio.Future[None]]) -> None:
        began = self._since = time.monotonic()
        failed = False
        try:
            self._inbox.put(calls)
        except Exception as fault:  # noqa: BLE001 -- whatever it was: nothing is acknowledged, and the next group tries anew
            failed = True
            self._watched.failed(fault)
        ended = time.monotonic()
        self._since = None
        self.failed_at = ended if failed else None
        if not failed:
            self._watched.committed(ended - began, len(calls), sum(len(call.body) for call in calls))
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, futures, failed)

    @staticmethod
    def _settle(futures: list[asyncio.Future[None]], failed: bool) -> None:  # noqa: FBT001 -- a callback's own shape
        for future in futures:
            if not future.done():
                if failed:
                    future.set_exception(CannotStore())
                else:
                    future.set_result(None)
