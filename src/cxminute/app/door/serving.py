"""`cxm serve`: opens the door of one or more projects, and closes it without losing anything that was begun."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from cxminute.app import clock, output
from cxminute.app.door.keyring import Keyring
from cxminute.app.door.listening import BACKLOG, address_of
from cxminute.app.door.logs import Refusals, kind, open_log
from cxminute.app.door.metrics import Counted
from cxminute.app.door.mounts import mount
from cxminute.app.door.routes import Door
from cxminute.app.door.supervising import Supervised
from cxminute.model.errors import CxmError

CONNECTIONS: Final = 20_000
"""Connections that are open at a time; the files that the system allows bound them further."""
SPARED: Final = 200
"""Open files that are kept for the databases, the log and the rest."""
HEADER_SECONDS: Final = 25
"""In which a request's head must have come; as long may a connection be idle."""
BUFFER: Final = 128 << 10
"""Bytes of one connection's buffer: what a request's head may hold at most."""
LAST_CALLS: Final = 30.0
"""Seconds that requests which were begun have to end once the server stops."""
REREAD: Final = 0.25
"""Seconds between two readings of the keys that an unknown key asks for."""
READ_SECONDS: Final = 3.0
"""Seconds after which keys count as unreadable: an unknown one is then told to come again."""


class _Listener(Server):
    """Granian's server on a socket of ours: nobody else can listen on the same port, and which port it is, is known."""

    def __init__(self, target: object, listening: socket.socket, heard: Callable[[], None], **settings: Any) -> None:
        host, port = listening.getsockname()[:2]
        super().__init__(target, address=host, port=port, **settings)
        self._listening, self._heard = listening, heard

    def _init_shared_socket(self) -> None:
        held: Any = SocketHolder  # whose types leave its arguments out
        self._shd = held(self._listening.detach(), False, BACKLOG)
        self._ssp = None

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        """Starts, and says so."""
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # granian's
        self._heard()


def serve(
    roots: Sequence[Path],
    listening: socket.socket,
    *,
    worker: bool = True,
    json_logs: bool = False,
    behind_proxy: bool = False,
) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code.

    roots:        project folders
    listening:    of `listen`
    worker:       whether a worker process brings what comes in into the log
    json_logs:    JSON lines even on a terminal
    behind_proxy: whether X-Forwarded-For and X-Forwarded-Proto are believed
    """
    _raise_limits()
    sys.setswitchinterval(0.001)
    serving = _Serving(roots, listening, worker=worker, json_logs=json_logs, behind_proxy=behind_proxy)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(serving.run(address_of(listening)))


class _Serving:
    """One run of the server: its parts, and the order in which they start and stop."""

    def __init__(
        self, roots: Sequence[Path], listening: socket.socket, *, worker: bool, json_logs: bool, behind_proxy: bool
    ) -> None:
        self._roots, self._listening, self._worker, self._behind = roots, listening, worker, behind_proxy
        self._log = open_log(json=json_logs or not sys.stderr.isatty())
        self._looking = ThreadPoolExecutor(1, "looking")
        self._read_at = 0.0
        self._reading: asyncio.Future[None] | None = None
        self._failed: Counter[tuple[str, str]] = Counter()

    async def run(self, address: str) -> int:
        """Until a signal comes, or the server ends by itself."""
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        self._mounts = mount(self._roots, loop)
        self._keyring = Keyring(self._mounts)
        await self._reread()
        self._counted = Counted(self._mounts, self._keyring.places, clock.now)
        self._door = Door(self._keyring, self._counted, self._reread, self._broken, behind_proxy=self._behind)
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        _settle_memory()

        def heard() -> None:
            output.say(f"Listening on {address} for {', '.join(mount.name for mount in self._mounts)}")
            sys.stdout.flush()
            self._log.info("listening", address=address, seconds=round(time.monotonic() - began, 3))

        spoken = Interfaces.RSGI  # granian's own: one await for a body, one call for an answer
        server = _Listener(self._door, self._listening, heard, interface=spoken, **settings())
        supervised = Supervised([mount.project.root for mount in self._mounts], self._log) if self._worker else None
        tasks = [loop.create_task(server.serve()), loop.create_task(self._tick())]
        if supervised is not None:
            tasks.append(loop.create_task(supervised.run()))
        ended = loop.create_task(stopped.wait())
        await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
        faults = [task.exception() for task in tasks if task.done() and not task.cancelled()]
        broken = next((fault for fault in faults if fault is not None), None)
        if not stopped.is_set():
            self._log.error("broken", kind=kind(broken) if broken else "ended")
        await self._stop(server, supervised, tasks)
        gc.unfreeze()  # else what is left at the end counts as leaked
        if broken is not None:
            raise broken
        return 0 if stopped.is_set() else 3

    async def _stop(self, server: Server, supervised: Supervised | None, tasks: list[asyncio.Task[None]]) -> None:
        """No new calls, and no new stretch of the worker; what was begun ends; then connections and committers."""
        self._log.info("stopping", open=self._door.inside)
        self._door.stopping = True
        worker = asyncio.create_task(supervised.stop()) if supervised is not None else None
        until = time.monotonic() + LAST_CALLS
        while self._door.inside and time.monotonic() < until:  # noqa: ASYNC110 -- once, at the end; calls pay nothing
            await asyncio.sleep(0.01)
        server.stop()  # type: ignore[no-untyped-call]  # granian's
        with suppress(TimeoutError, Exception):
            await asyncio.wait_for(asyncio.shield(tasks[0]), 5)
        tasks[1].cancel()
        if worker is not None:
            await worker
        for mounted in self._mounts:
            mounted.committer.close()
            with suppress(CxmError):
                mounted.project.inbox.close()
        Refusals(self._log, self._counted.refusals).tell()
        self._log.info("stopped")

    async def _tick(self) -> None:
        """Once a second: keys, disks, transactions that hang; once a minute, what was refused."""
        loop, refusals, seconds = asyncio.get_running_loop(), Refusals(self._log, self._counted.refusals), 0
        looked: asyncio.Future[None] | None = None
        while True:
            await asyncio.sleep(1)
            self._door.tick(loop.time())
            for mounted in self._mounts:
                mounted.committer.tick()
            try:
                await self._reread()
                if looked is None or looked.done():  # a disk that does not answer is asked once
                    looked = loop.run_in_executor(None, self._look)
            except Exception as fault:  # noqa: BLE001 -- the server goes on with what it knows
                self._broken(fault)
            self._failures()
            seconds += 1
            if seconds % 60 == 0:
                refusals.tell()

    def _look(self) -> None:
        for mounted in self._mounts:
            before = mounted.full
            mounted.look()
            if mounted.full != before:
                self._log.warning("disk full" if mounted.full else "disk has room again", project=mounted.name)

    async def _reread(self) -> None:
        """Reads the keys anew, at most every REREAD seconds; who comes while they are read waits for that reading."""
        if self._reading is None:
            if time.monotonic() - self._read_at < REREAD:
                return
            loop = asyncio.get_running_loop()
            self._reading = loop.run_in_executor(self._looking, self._keyring.refresh, clock.now(), self._key_fault)
        try:
            await asyncio.wait_for(asyncio.shield(self._reading), READ_SECONDS)
        except TimeoutError:
            self._keyring.unread |= {mounted.name for mounted in self._mounts}
        else:
            self._reading, self._read_at = None, time.monotonic()

    def _broken(self, fault: Exception) -> None:
        self._log.error("broken inside", kind=kind(fault))

    def _failures(self) -> None:
        """Says of each project which kinds of failure its transactions had since the last time."""
        for mounted in self._mounts:
            for found, count in list(mounted.commits.failures.items()):
                if count > self._failed[mounted.name, found]:
                    said = mounted.commits.said.get(found, "")
                    self._log.error("cannot store", project=mounted.name, kind=found, what=said, transactions=count)
                self._failed[mounted.name, found] = count

    def _key_fault(self, project: str, fault: Exception) -> None:
        if project not in self._keyring.unread:
            self._log.error("keys unread", project=project, kind=kind(fault))


def settings() -> dict[str, Any]:
    """Granian's settings, but for the interface; what the door is measured beside has the same."""
    return {
        "http": HTTPModes.http1,
        "websockets": False,
        "backlog": BACKLOG,
        "backpressure": min(CONNECTIONS, max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARED)),
        "log_enabled": False,
        "http1_settings": HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1_000, keep_alive=True, max_buffer_size=BUFFER
        ),
    }


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 -- not on every system
    except ImportError:
        return None
    return uvloop.new_event_loop


def _raise_limits() -> None:
    """As many open files as the system allows: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _settle_memory() -> None:
    """What is there now stays, and is not looked through again; what comes is short-lived, so it seldom is."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
