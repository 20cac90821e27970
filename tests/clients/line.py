"""A bad line between clients and the door: it carries every request, and loses some of the answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Final

LOST: Final = 4
"""Of so many answers to a POST one is lost: the connection breaks after the door has answered."""


class Line(ThreadingTCPServer):
    """A relay to the door; counts answers and those it lost."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        self.port, self.answers, self.lost, self.counting = port, 0, 0, threading.Lock()
        super().__init__(("127.0.0.1", 0), _Relay)

    @property
    def url(self) -> str:
        """Where the line begins."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def loses(self) -> bool:
        """Whether the answer that comes now is lost."""
        with self.counting:
            self.answers += 1
            lost = self.answers % LOST == 0
            self.lost += lost
            return lost


class _Relay(BaseRequestHandler):
    """One connection: what comes from the client goes to the door, and back."""

    server: Line

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.port)) as door:
            self._posts = False
            threading.Thread(target=self._there, args=(door,), daemon=True).start()
            while answer := door.recv(65_536):
                if self._posts and answer.startswith(b"HTTP/1.1 200") and self.server.loses():
                    break
                self.request.sendall(answer)
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _there(self, door: socket.socket) -> None:
        with suppress(OSError):
            while sent := self.request.recv(65_536):
                if sent[:4] in (b"POST", b"GET ", b"OPTI"):
                    self._posts = sent[:4] == b"POST"
                door.sendall(sent)
            door.shutdown(socket.SHUT_RDWR)


@contextmanager
def bad_line(port: int) -> Iterator[Line]:
    """A bad line to a door on this machine."""
    with Line(port) as line:
        threading.Thread(target=line.serve_forever, daemon=True).start()
        yield line
        line.shutdown()
