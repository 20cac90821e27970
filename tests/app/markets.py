"""Marketplaces on this machine: real HTTP servers that answer as the APIs do, throttle, fail, and change meanwhile."""

from __future__ import annotations

import json
import random
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from cxminute.model.times import DAY, HOUR, MINUTE, from_ms

NOON = 20_500 * DAY + 12 * HOUR
"""2026-02-16, at noon: when the clocks of all markets start. They move by the question, not by themselves."""


@dataclass(slots=True)
class Order:
    """One order: its number, when it was made and last changed (UTC ms), and how often it was changed."""

    number: int
    made: int
    changed: int
    version: int = 0

    @property
    def total(self) -> float:
        """What it comes to, which every change makes another."""
        return self.number * 10 + self.version + 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. body: becomes JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Trouble:
    """What goes wrong, by chance: of all questions so many are throttled, fail, break off or are answered by halves."""

    seed: int = 0
    share: float = 0.0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """The seed decides all."""
        self.chance = random.Random(self.seed)  # noqa: S311 -- which questions fail, not a secret

    def next(self) -> str:
        """What becomes of the next question: '' where it is answered."""
        if self.chance.random() >= self.share:
            return ""
        return self.chance.choice(["500", "503", "429", "drop", "half", "html"])


class Market(ABC):
    """One account's orders behind an API. A `busy` one changes some and gets new ones while it is asked."""

    form: ClassVar[str]
    secrets: ClassVar[Mapping[str, str]]
    extra: ClassVar[str] = ""
    stream: ClassVar[str] = "orders"

    def __init__(self, orders: int, seed: int = 0) -> None:
        self.chance = random.Random(seed)  # noqa: S311 -- which orders change, not a secret
        self.clock = NOON
        self.orders: dict[int, Order] = {}
        self.busy = 0.0
        self.deepest = 10_000
        self.trouble = Trouble()
        self.asked: list[Asked] = []
        self.before: Callable[[], None] = lambda: None
        self.lock = threading.Lock()
        self.tokens = 0
        for _ in range(orders):
            self.sell()
        self.clock += HOUR

    def passes(self, most: int) -> None:
        """Time passes, up to so many ms; or hardly any, so that much happens within one second."""
        self.clock += self.chance.choice([0, self.chance.randint(0, 999), self.chance.randint(0, most)])

    def sell(self) -> None:
        """A new order."""
        self.passes(90_000)
        number = 101 + len(self.orders)
        self.orders[number] = Order(number, self.clock, self.clock)

    def change(self) -> None:
        """Some order is changed."""
        self.passes(90_000)
        order = self.chance.choice(list(self.orders.values()))
        order.version, order.changed = order.version + 1, self.clock

    def truth(self) -> dict[str, float]:
        """What each order comes to now, by its id."""
        return {self.id_of(order): order.total for order in self.orders.values()}

    def id_of(self, order: Order) -> str:
        """As the API writes it."""
        return str(order.number)

    def source(self, url: str, name: str = "market", *, more: str = "") -> str:
        """The source's file that pulls from here."""
        secrets = "".join(f'{key} = "env:MARKET_{key.upper()}"\n' for key in self.secrets)
        contract = '[contract]\norigin = "first-party"\npurposes = ["service-optimisation"]\n'
        if self.form not in ("shopify", "woocommerce", "zendesk"):
            contract = '[contract]\norigin = "marketplace-global"\npurposes = ["service-optimisation"]\n'
        extra = self.extra.replace("URL", url)
        known = f'[pull]\nurl = "{url}"\nsize = 4\nsince = "2026-01-01"\n'
        pull = f'{known}overlap = "0 seconds"\nevery = "0 seconds"\n{secrets}{extra}{more}'
        return f'name = "{name}"\nformat = "{self.form}"\nzone = "UTC"\n{pull}{contract}'

    def environment(self) -> dict[str, str]:
        """The variables that hold the secrets."""
        return {f"MARKET_{key.upper()}": value for key, value in self.secrets.items()}

    def since(self, moment: int, *, until: int | None = None) -> list[Order]:
        """Orders changed from a moment on, the first made first."""
        found = [order for order in self.orders.values() if order.changed >= moment]
        return [order for order in found if until is None or order.changed <= until]

    def answer(self, asked: Asked) -> Said:
        """What the API answers, its clock having moved on."""
        self.passes(5_000)
        while self.chance.random() < self.busy:
            self.chance.choice([self.sell, self.change, self.change])()
        return self.told(asked) if self.knows(asked) else Said({"message": "Unauthorized"}, self.refusal)

    refusal: ClassVar[int] = 401

    @abstractmethod
    def knows(self, asked: Asked) -> bool:
        """Whether the credentials are right."""

    @abstractmethod
    def told(self, asked: Asked) -> Said:
        """The answer to who may ask."""

    def granted(self) -> Said:
        """A new access token; the one before holds no longer."""
        self.tokens += 1
        return Said({"access_token": f"access-{self.tokens}", "token_type": "bearer", "expires_in": 3600})


def iso(at: int) -> str:
    """A time as most of them write it."""
    return f"{from_ms(at):%Y-%m-%dT%H:%M:%S}Z"


def window(orders: Sequence[Order], offset: int, size: int) -> Sequence[Order]:
    """One page."""
    return orders[offset : offset + size]


@contextmanager
def serving(market: Market) -> Iterator[str]:
    """The market at a port of this machine, and its url, until it is left."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each body waits up to 40 ms for the word that its head has come

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            """A question."""
            self.answer({})

        def do_POST(self) -> None:
            """A form."""
            length = int(self.headers.get("content-length", 0))
            self.answer({key: value[0] for key, value in parse_qs(self.rfile.read(length).decode()).items()})

        def answer(self, form: Mapping[str, str]) -> None:
            parts = urlsplit(self.path)
            query = {key: value[0] for key, value in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {key.lower(): value for key, value in self.headers.items()}
            asked = Asked(parts.path, query, headers, form)
            with market.lock:
                market.asked.append(asked)
                market.before()
                wrong = market.trouble.next()
                said = market.answer(asked) if wrong in ("", "half") else _failing(wrong)
                date = formatdate(market.clock / 1_000, usegmt=True)
            if wrong == "drop":
                self.close_connection = True
                return
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response_only(said.status)
            self.send_header("Date", date)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for key, value in said.headers.items():
                self.send_header(key, value)
            self.end_headers()
            if wrong == "half":
                self.close_connection = True
                body = body[: len(body) // 2]
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Who asked was killed: nobody is there to be told."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _failing(wrong: str) -> Said:
    if wrong == "429":
        return Said({"errors": [{"code": "QuotaExceeded"}]}, 429, {"Retry-After": "1", "x-amzn-RateLimit-Limit": "0.5"})
    if wrong == "html":
        return Said(b"<html>Bad gateway</html>", 200)
    return Said({"errors": ["trouble"]}, int(wrong) if wrong.isdecimal() else 500)


MINUTES_BEFORE = 2 * MINUTE
"""How far before the question Amazon's answers reach."""
