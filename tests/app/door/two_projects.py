"""Two shops behind one door that have everything in common but what they hold.

Names of sources and events, ids of people and of messages and all definitions are alike; whatever is one shop's alone
carries a word that stands nowhere else.
"""

from __future__ import annotations

import io
import json
import re
import secrets
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from benchmarks.running import Door
from cxminute.app.cli import run
from tests.app.small_shop import SOURCE as ORDERS
from tests.clients.known import Known, known

WEB: Final = """name = "web"
format = "http"
[identifiers]
order_id = "properties.order_id"
[properties]
due = { type = "time" }
carrier = { type = "text" }
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
JOURNEY: Final = """name = "order"
per = "order_id"
pattern = 'placed: "Ordered" -> got: "Delivered" within 2 days'
window = "2 days"
"""
PROMISE: Final = """name = "delivery"
per = "order_id"
made = '"Ordered"'
due = "properties.due"
kept = '"Delivered"'
target = 0.9
"""
FILE: Final = """order,customer,ordered,due,delivered,carrier
1,u1,2026-11-02T10:00,2026-11-04,2026-11-03T10:00,{word}
2,u2,2026-11-02T11:00,2026-11-04,,{word}
"""


@dataclass
class Shop:
    """One of the two: its folder, the word that what it holds carries, and the write key of its source `web`."""

    root: Path
    word: str
    key: str = ""
    events: list[Known] = field(default_factory=list)

    def write(self) -> None:
        """Its definitions: the same as the other's, and one source, journey and promise more, named by its word."""
        texts = {
            "cxm.toml": f'name = "{self.word}-shop"\ntimezone = "UTC"\n[minute]\ndimensions = ["carrier"]\n',
            "sources/web.toml": WEB,
            "sources/orders.toml": ORDERS.replace("first-party", "marketplace-national"),
            "journeys/order.toml": JOURNEY,
            "promises/delivery.toml": PROMISE,
            "orders.csv": FILE.format(word=self.word),
            "said.csv": f"user_id,purpose,said,at\n{self.word}-said,marketing,granted,2026-11-02\n",
            f"sources/{self.word}.toml": WEB.replace('"web"', f'"{self.word}"'),
            f"journeys/{self.word}.toml": JOURNEY.replace('"order"', f'"{self.word}"'),
            f"promises/{self.word}.toml": PROMISE.replace('"delivery"', f'"{self.word}"'),
        }
        for name, text in texts.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, "utf-8")

    def batch(self) -> list[dict[str, Any]]:
        """What it sends: forty orders of five people with ids that both shops use, and one of each kind by its word."""
        word = self.word
        items: list[dict[str, Any]] = []
        for n in range(40):
            day, person = n % 14 + 1, f"u{n % 5}"
            shared = {
                "userId": person,
                "properties": {"order_id": f"o{n}", "carrier": word, "due": f"2026-11-{day + 1:02d}"},
            }
            ordered = {
                "type": "track",
                "event": "Ordered",
                "messageId": f"m{n}",
                "timestamp": f"2026-11-{day:02d}T10:00:00Z",
            }
            items.append(ordered | shared)
            if n % 4:
                arrived = {"event": "Delivered", "messageId": f"d{n}", "timestamp": f"2026-11-{day:02d}T20:00:00Z"}
                items.append({"type": "track"} | arrived | shared)
        when = {"timestamp": "2026-11-16T09:00:00Z"}
        items += [
            {"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"email": f"{word}@example.com"}} | when,
            {"type": "group", "userId": "u1", "groupId": f"{word}-group", "messageId": "g1", "traits": {"n": word}}
            | when,
            {"type": "page", "anonymousId": f"{word}-anon", "messageId": "p1", "name": f"{word}-page"} | when,
            {"type": "alias", "userId": "u1", "previousId": f"{word}-before", "messageId": "a1"} | when,
            {"type": "track", "event": f"{word} Event", "userId": f"{word}-user", "messageId": f"{word}-message"}
            | when,
            {"type": "track", "event": "Ordered", "messageId": "bad", "properties": {"carrier": word}} | when,
            {"type": "track", "event": f"{word}-nobody", "messageId": "bad2", f"{word}-key": word} | when,
        ]
        return items

    def look(self) -> dict[str, object]:
        """All that it holds, as far as commands and its log tell."""
        commands = (["collects", "--json"], ["quarantine", "show", "--json"], ["keys", "--json"], ["events", "--json"])
        return {
            "events": sorted(known(self.root), key=lambda event: (event.source, event.id)),
            **{" ".join(line): told(line, self.root).out for line in commands},
        }


@dataclass(frozen=True)
class Said:
    """What a command answered: its exit code and its words."""

    code: int
    out: str
    err: str


def told(line: list[str], root: Path | None) -> Said:
    """Runs a command line over a project."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([*line, "--project", str(root)] if root else line)
    return Said(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Reply:
    """What the door answered."""

    status: int
    headers: dict[str, str]
    body: str


def ask(door: Door, method: str, path: str, body: object = None, key: str = "", **headers: str) -> Reply:
    """One request to the door, with a write key."""
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = HTTPConnection("127.0.0.1", door.port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read().decode("utf-8"))
    finally:
        connection.close()


def new_word() -> str:
    """A word that stands nowhere else."""
    return f"w{secrets.token_hex(8)}"


def stands_in(folder: Path, word: str) -> list[str]:
    """Files below a folder that have the word in their bytes."""
    pattern = re.compile(re.escape(word.encode()))
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and pattern.search(path.read_bytes())]
