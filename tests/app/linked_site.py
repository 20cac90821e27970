"""A small site whose visitors are told apart, linked and unlinked: its events, and all that is derived of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cxminute.app.analysis import View
from cxminute.app.cli import run
from cxminute.app.door.draining import Drain
from cxminute.app.engines import engine_of
from cxminute.app.project import Project
from tests.app.small_site import NOON, call, make_site

JOURNEY = """name = "buying"
pattern = '"Product Viewed" -> "Order Completed"'
window = "10 days"
"""
PROMISE = """name = "welcome"
per = "person"
made = '"Product Viewed"'
due = "3 days after made"
kept = '"Order Completed"'
"""


def make_linked(root: Path, *sources: str) -> Project:
    """A project with a journey and a promise that count people, and no events yet."""
    project = make_site(root, *sources)
    for folder, name, text in (("journeys", "buying", JOURNEY), ("promises", "welcome", PROMISE)):
        (root / folder).mkdir()
        (root / folder / f"{name}.toml").write_text(text, "utf-8")
    return Project(project.root)


def event(number: int, day: int, name: str, **who: Any) -> dict[str, Any]:
    """One event of a day in February 2026; who: userId, anonymousId, email, and more of the item."""
    email = who.pop("email", None)
    return {
        "type": "track",
        "event": name,
        "messageId": f"m{number}",
        "timestamp": f"2026-02-{day:02d}T10:{number % 60:02d}:00.000Z",
        "properties": {"order_id": f"o{number}", "total": number, **({"email": email} if email else {})},
        **who,
    }


def collect(project: Project, items: Iterable[dict[str, Any]], source: str = "site", at: int = NOON) -> None:
    """Through the door into the log."""
    project.inbox.put([call(list(items), source=source, at=at)])
    Drain(project).once(at)


def cxm(project: Project, *words: str, code: int = 0) -> None:
    """Runs a command in the project."""
    assert run([*words, "--project", str(project.root)]) == code


def told(project: Project, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The answer of a command as a document."""
    capsys.readouterr()
    cxm(project, *words, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def derived(project: Project) -> dict[str, Any]:
    """Everything that is derived of who is who: the map, passages and ledgers, and the streams of the index."""
    project = Project(project.root)
    seen = View(project, None, None, None, None, engine_of(project.settings))
    passages = {name: seen.passages(one)[1].to_pylist() for name, one in project.definitions.journeys.items()}
    ledgers = {name: seen.ledger(one)[0].to_pylist() for name, one in project.definitions.promises.items()}
    subjects = seen.subjects("person")
    streams = []
    for bucket in subjects.buckets():
        read = subjects.read(bucket)
        streams += [read.subjects.tolist(), read.offsets.tolist(), read.times.tolist(), read.codes.tolist()]
    from cxminute.app.people.identity import identity  # noqa: PLC0415 -- brings numba, and not every test asks

    return {"persons": identity(project).persons.tolist(), "passages": passages, "ledgers": ledgers, "streams": streams}


def random_events(seed: int, count: int = 60) -> list[dict[str, Any]]:
    """Events of a few people with several cookies and addresses, some of which they share."""
    chance = random.Random(seed)  # noqa: S311 -- a generated project, the same for a seed
    items = []
    for number in range(count):
        user = chance.choice([None, None, "ada", "bob", "cyd"])
        items.append(
            event(
                number,
                chance.randrange(1, 28),
                chance.choice(["Product Viewed", "Order Completed", "Order Cancelled"]),
                userId=user,
                anonymousId=f"c{chance.randrange(9)}",
                email=chance.choice([None, None, f"{user or 'x'}{chance.randrange(3)}@example.org"]),
            )
        )
    return items
