"""Clients that send byte by byte, in a thread of their own, and when they were let go."""

from __future__ import annotations

import select
import socket
import threading
from time import perf_counter

from benchmarks.running import Door, authorization
from tests.faults.telling import item


class Dripping:
    """Slow lines to one door: a head that never ends, bodies that hardly come. A good request goes out beside them.

    lines: name -> the open line
    good:  seconds that good requests took meanwhile
    """

    def __init__(self, door: Door) -> None:
        self.good: list[float] = []
        self._door = door
        self._began = perf_counter()
        self._ended: dict[str, tuple[float, bytes]] = {}
        head = f"POST /v1/batch HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization(door.key)}\r\n"
        self.lines = {
            "slow head": self._line(head),
            "slow body": self._line(f"{head}Content-Length: 100000\r\n\r\n"),
            "slow chunks": self._line(f"{head}Transfer-Encoding: chunked\r\n\r\n"),
            "first byte only": self._line("P"),
            "idle": self._line(""),
        }
        self._drips = {"slow head": b"x", "slow body": b" ", "slow chunks": b"1\r\n \r\n"}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _line(self, start: str) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self._door.port), timeout=5)
        line.sendall(start.encode())
        line.setblocking(False)
        return line

    def wait(self, within: float) -> dict[str, tuple[float, bytes]]:
        """By name: seconds until the line was closed or answered, and what was answered; those that still drip lack."""
        self._thread.join(max(0.0, within - (perf_counter() - self._began)))
        return dict(self._ended)

    def _run(self) -> None:
        left = dict(self.lines)
        while left and perf_counter() - self._began < 60:
            readable, _, _ = select.select(list(left.values()), [], [], 0.5)
            for name, line in list(left.items()):
                try:
                    heard = line.recv(10_000) if line in readable else None
                    if heard is None and name in self._drips:
                        line.sendall(self._drips[name])
                except BlockingIOError:
                    continue
                except OSError:
                    heard = b""
                if heard is not None:
                    self._ended[name] = (perf_counter() - self._began, heard)
                    left.pop(name).close()
            began = perf_counter()
            number = f"beside-{began}"
            if self._door.post([item(number)]).status == 200:
                self.good.append(perf_counter() - began)
