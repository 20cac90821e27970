"""The worker's process beside the server: started, started again when it dies, stopped after its stretch."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

SOONEST: Final = 0.2
LATEST: Final = 30.0
"""Seconds before a worker that died is started again: doubled each time, from the one to the other."""
LIVED: Final = 60.0
"""Seconds after which a worker counts as well: when it dies then, the next one starts soonest."""
STRETCH: Final = 60.0
"""Seconds that a worker has for its last stretch."""


class Supervised:
    """One worker process for all projects.

    restarts: how often it had to be started again
    """

    def __init__(self, roots: Sequence[Path], log: FilteringBoundLogger) -> None:
        self.restarts = 0
        self._command = [sys.executable, "-m", "cxminute.app.door.worker", *map(str, roots)]
        self._log, self._stopping = log, asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Keeps a worker running until `stop`. CXM_SERVER tells it whom to follow: it ends where this process does."""
        delay = SOONEST
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._worked()
            if self._stopping.is_set():
                break
            lived = time.monotonic() - began
            delay = SOONEST if lived > LIVED else min(delay * 2, LATEST)
            self._log.error("worker ended", code=code, lived=round(lived, 1), again=delay)
            self.restarts += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _worked(self) -> int | None:
        """Runs one worker until it ends; its exit code, or None where none could be started."""
        told = {**os.environ, "CXM_SERVER": str(os.getpid())}
        try:
            worker = await asyncio.create_subprocess_exec(*self._command, stdin=asyncio.subprocess.DEVNULL, env=told)
        except OSError:  # no memory, no process number left: the door goes on without it, for a while
            return None
        self._process = worker
        self._log.info("worker started", pid=worker.pid)
        return await worker.wait()

    async def stop(self) -> None:
        """Asks the worker to end after its stretch, and waits for it; kills it where it does not."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STRETCH)
        except TimeoutError:
            self._log.error("worker killed", after=STRETCH)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
