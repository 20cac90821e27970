"""The door's load: `python -m benchmarks.load PORT KEY ...` sends Segment track events and prints one line of JSON.

Raw sockets, kept open, over one epoll. A request is made once and kept; before each send only its message ids, users
and times are written over, all items of a batch in one stroke, so that the generator costs a small part of what it
measures. Without --rate every connection sends again as soon as it is answered. With it, requests fall due on a fixed
clock whether or not the door has answered: one that is sent late counts from when it was due.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import random
import select
import socket
import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter, process_time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

USERS: Final = 1_000_000
EACH: Final = 20
"""Events of one user, close together: one event in twenty comes from somebody new, until all are known."""
_WINDOW: Final = 5_000
"""Users who are there at the same time."""
ITEM: Final = 500
"""Bytes of one event."""
_NAMES: Final = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Page Scrolled")
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_NUMBER: Final = 12
"""Digits of a request's number, which is a part of its message ids."""
_USER: Final = 7
_MOMENT: Final = 24


@dataclass(slots=True)
class Answers:
    """What became of the requests.

    acknowledged: events whose request was answered with 200
    unanswered:   events whose connection broke before an answer
    refused:      status -> requests
    waits:        seconds from due (or sent) to answered
    """

    acknowledged: int = 0
    unanswered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)


def item(chance: random.Random, place: int) -> bytes:
    """One track event of exactly ITEM bytes; what is written over stands at the front, at fixed places."""
    product = chance.randrange(5_000)
    head: dict[str, Any] = {
        "messageId": f"load-{0:0{_NUMBER}d}-{place:04d}",
        "userId": f"u{0:0{_USER}d}",
        "anonymousId": f"a{0:0{_USER}d}",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "type": "track",
        "event": chance.choice(_NAMES),
        "properties": {
            "product_id": f"p{product}",
            "category": chance.choice(("shoes", "shirts", "toys", "books")),
            "price": round(chance.uniform(1, 300), 2),
            "quantity": chance.randrange(1, 5),
            "currency": "EUR",
        },
        "context": {
            "library": {"name": "analytics.js", "version": "2.11.1"},
            "locale": chance.choice(("en-GB", "de-DE", "nl-NL")),
            "page": {"path": f"/products/{product}", "title": ""},
            "userAgent": _AGENT,
        },
    }
    head["context"]["page"]["title"] = "x" * (ITEM - len(json.dumps(head, separators=(",", ":"))))
    return json.dumps(head, separators=(",", ":")).encode()


class Request:
    """One request of `items` events, kept as bytes and written over before each send."""

    def __init__(self, key: str, items: int, path: str, run: str, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 -- what events say, not a secret
        parts = [item(chance, place) for place in range(items)]
        if path.endswith("batch"):
            body = b'{"batch":[' + b",".join(parts) + b'],"sentAt":"2026-01-01T00:00:00.000Z"}'
        else:
            body = parts[0][:-1] + b',"sentAt":"2026-01-01T00:00:00.000Z"}'
        user = base64.b64encode(f"{key}:".encode()).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAuthorization: Basic {user}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self.items = items
        self.bytes = bytearray(head + body)
        self._all: NDArray[np.uint8] = np.frombuffer(self.bytes, np.uint8)
        start = len(head) + (len(b'{"batch":[') if path.endswith("batch") else 0)
        stride = ITEM + 1
        rows = np.lib.stride_tricks.as_strided(self._all[start:], (items, ITEM), (stride, 1))
        at = parts[0].index
        number = at(b"load-") + 5
        self._numbers = rows[:, number : number + _NUMBER]
        user_at = at(b'"userId":"u') + 11
        self._users = rows[:, user_at : user_at + _USER]
        same_at = at(b'"anonymousId":"a') + 16
        self._same = rows[:, same_at : same_at + _USER]
        moment = at(b"2026-01-01")
        self._moments = rows[:, moment : moment + _MOMENT]
        sent = self.bytes.rindex(b"2026-01-01")
        self._sent = self._all[sent : sent + _MOMENT]
        for row in rows[:, number - 5 : number]:
            row[:] = np.frombuffer(run.encode(), np.uint8)

    def number(self, number: int, users: NDArray[np.uint8], moment: NDArray[np.uint8]) -> bytearray:
        """The request as number `number`, of these users, at this moment."""
        self._numbers[:] = np.frombuffer(b"%0*d" % (_NUMBER, number), np.uint8)
        self._users[:] = users
        self._same[:] = users
        self._moments[:] = moment
        self._sent[:] = moment
        return self.bytes


class Connection:
    """One socket, the request that goes out on it, and what is under way."""

    def __init__(self, port: int, request: Request) -> None:
        self.port = port
        self.request = request
        self.due = 0.0
        self.left: memoryview | None = None
        self.got = b""
        self.socket = self._open()

    def _open(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        return opened

    def again(self) -> None:
        """A new socket in place of a broken one."""
        self.socket.close()
        self.left, self.got = None, b""
        self.socket = self._open()

    def send(self, data: bytearray) -> bool:
        """Whether all of it went out at once; what did not is kept for `push`."""
        sent = self.socket.send(data)
        self.left = None if sent == len(data) else memoryview(data)[sent:]
        return self.left is None

    def push(self) -> bool:
        """Sends what is left; whether that was all."""
        if self.left is not None:
            rest = self.left[self.socket.send(self.left) :]
            self.left = rest if len(rest) else None
        return self.left is None

    def receive(self) -> bytes | None:
        """The status of the answer once all of it is there, None before; ConnectionError where it never will be."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        data = self.got + data if self.got else data
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            head = data[:end].lower()
            at = head.find(b"content-length: ") + 16
            if len(data) >= end + 4 + int(head[at : head.find(b"\r\n", at) if head.find(b"\r\n", at) > 0 else end]):
                self.got = b""
                return data[9:12]
        self.got = data
        return None


class Load:
    """Connections, the clock they go by, and the answers."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.answers = Answers()
        self.poll = select.epoll()
        self.open: dict[int, Connection] = {}
        self.idle: deque[Connection] = deque()
        powers = 10 ** np.arange(_USER - 1, -1, -1)
        self.users = (np.arange(USERS)[:, None] // powers % 10 + 48).astype(np.uint8)
        self.there = np.random.default_rng(asked.seed).integers(0, _WINDOW, 50_000)
        self.sent = 0
        self.moment = self._moment()
        path = "/v1/track" if asked.items == 1 else "/v1/batch"
        for place in range(asked.connections):
            request = Request(asked.key, asked.items, path, asked.run, asked.seed + place % 16)
            connection = Connection(asked.port, request)
            self.open[connection.socket.fileno()] = connection
            self.poll.register(connection.socket, select.EPOLLIN)
            self.idle.append(connection)

    def run(self) -> Answers:
        """Sends for the asked time or number of events, then waits for the last answers."""
        asked = self.asked
        began = perf_counter()
        ends = began + asked.seconds
        most = -(-asked.events // asked.items) if asked.events else sys.maxsize
        gap = asked.items / asked.rate if asked.rate else 0.0
        second = 0
        while True:
            now = perf_counter()
            if int(now - began) != second:
                second = int(now - began)
                self.moment = self._moment()
            sending = now < ends and self.sent < most
            if not sending and len(self.idle) == len(self.open):
                return self.answers
            if now > ends + 30:
                busy = len(self.open) - len(self.idle)
                self.answers.unanswered += busy * asked.items
                return self.answers
            wait = 1.0
            while sending and self.idle and self.sent < most:
                due = began + self.sent * gap if gap else now
                if due > now:
                    wait = due - now
                    break
                self._send(self.idle.popleft(), due)
            for number, what in self.poll.poll(wait):
                self._on(self.open[number], what)

    def _send(self, connection: Connection, due: float) -> None:
        items = connection.request.items
        start = self.sent * 61 % (len(self.there) - items)
        users = (self.there[start : start + items] + self.sent * items // EACH) % USERS
        data = connection.request.number(self.sent, self.users[users], self.moment)
        self.sent += 1
        connection.due = due
        try:
            whole = connection.send(data)
        except BlockingIOError:
            connection.left, whole = memoryview(data), False
        except OSError:
            self._broken(connection)
            return
        if not whole:
            self.poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _on(self, connection: Connection, what: int) -> None:
        try:
            if what & select.EPOLLOUT and connection.push():
                self.poll.modify(connection.socket, select.EPOLLIN)
            if not what & ~select.EPOLLOUT:
                return
            status = connection.receive()
        except BlockingIOError:
            return
        except OSError:
            self._broken(connection)
            return
        if status is None:
            return
        if connection.left is not None:  # refused before all of it was sent: the rest has no place to go
            self._reopen(connection)
        if status == b"200":
            self.answers.acknowledged += connection.request.items
            self.answers.waits.append(perf_counter() - connection.due)
        else:
            self.answers.refused[status.decode()] += 1
        self.idle.append(connection)

    def _broken(self, connection: Connection) -> None:
        self.answers.unanswered += connection.request.items
        self._reopen(connection)
        self.idle.append(connection)

    def _reopen(self, connection: Connection) -> None:
        del self.open[connection.socket.fileno()]
        self.poll.unregister(connection.socket)
        connection.again()
        self.open[connection.socket.fileno()] = connection
        self.poll.register(connection.socket, select.EPOLLIN)

    @staticmethod
    def _moment() -> NDArray[np.uint8]:
        text = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return np.frombuffer(text.encode(), np.uint8)


def main() -> None:
    """Runs one load and prints what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("port", type=int)
    parser.add_argument("key")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; as fast as answers come without it")
    parser.add_argument("--seconds", type=float, default=3_600.0)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--run", default="run00", help="five letters that begin every message id")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    load = Load(asked)
    gc.freeze()
    gc.disable()
    began, spent = perf_counter(), process_time()
    answers = load.run()
    took, spent = perf_counter() - began, process_time() - spent
    waits = np.array(answers.waits or [0.0]) * 1_000
    told = {
        "acknowledged": answers.acknowledged,
        "unanswered": answers.unanswered,
        "requests": len(answers.waits),
        "refused": dict(answers.refused),
        "seconds": took,
        "cpu_us": spent / max(1, load.sent) * 1e6,
        "p50": float(np.percentile(waits, 50)),
        "p99": float(np.percentile(waits, 99)),
        "most": float(waits.max()),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
