"""Events that come twice, late and in any order: the log, the passages and the people are those of the sorted log."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.running import Door, new_project
from cxminute.app.clock import now
from cxminute.collect.calls.moment import told
from tests.faults.telling import balance, events_of, item

JOURNEY = """name = "delivered"
per = "person"
pattern = '"Order Completed" -> "Order Delivered" within 2 days'
window = "2 days"
reentry = "after exit"
purpose = "service-optimisation"
"""
DAY = 86_400_000


def asked(root: Path, *words: str) -> Any:
    """What a command answers as JSON."""
    command = [sys.executable, "-m", "cxminute.app.cli", *words, "--json", "--project", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def history(chance: random.Random) -> list[dict[str, Any]]:
    """Ten days of orders of thirty people, in order of time; half of the people begin anonymous."""
    items, start = [], now() - 14 * DAY
    for number in range(150):
        person, at = chance.randrange(30), start + chance.randrange(10 * DAY)
        late = chance.choice((3_600_000, DAY, 3 * DAY))
        for name, moment in (("Order Completed", at), ("Order Delivered", at + late)):
            if name == "Order Delivered" and chance.random() < 0.2:
                continue
            who = {"userId": f"u{person}", "anonymousId": f"a{person}"}
            if person % 2 and chance.random() < 0.3:
                who["userId"] = None  # type: ignore[assignment]  # as clients send it: null
            said = {"total": number / 4, "place": chance.choice(("Berlin", "Łódź", "東京"))}
            items.append(item(f"{number}-{name[6:9]}", event=name, timestamp=told(moment), properties=said, **who))
    return sorted(items, key=lambda of: of["timestamp"])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Door, list[str]]]:
    """One door over two projects alike, and their keys."""
    roots = [tmp_path / "sorted", tmp_path / "shuffled"]
    keys = [new_project(root) for root in roots]
    for root in roots:
        (root / "journeys").mkdir()
        (root / "journeys" / "delivered.toml").write_text(JOURNEY, "utf-8")
    door = Door(roots)
    door.start()
    yield door, keys
    door.kill()


def test_any_order_any_repeats_give_the_same_log(pair: tuple[Door, list[str]], chance: random.Random) -> None:
    """Shuffled, a third of it twice, days late, in calls of any size: the log is that of the sorted, unique events."""
    door, keys = pair
    items = history(chance)
    for start in range(0, len(items), 100):
        assert door.post(items[start : start + 100], key=keys[0]).status == 200
    shuffled = items + chance.sample(items, len(items) // 3)
    chance.shuffle(shuffled)
    while shuffled:
        size = chance.choice((1, 2, 30, 100))
        some, shuffled = shuffled[:size], shuffled[size:]
        assert door.post(some, key=keys[1]).status == 200
        if chance.random() < 0.04:
            assert door.drained()
    assert door.drained()
    roots = door.roots
    assert events_of(roots[1]) == events_of(roots[0])
    assert len(events_of(roots[0])) == len(items)
    assert balance(roots[1])["duplicate"] == len(items) // 3
    door.stop()
    answers = [asked(root, "journeys", "delivered") for root in roots]
    assert _counts(answers[0]) == _counts(answers[1])
    people = [asked(root, "person", "u3", "--limit", "500") for root in roots]
    for person in people:
        for event in person["events"]:
            del event["properties"]["receivedAt"]
    assert people[0]["events"] == people[1]["events"]


def _counts(told: Any) -> str:
    """What a command said, without the project's name and the moment at which it was asked."""
    text = json.dumps(told, sort_keys=True)
    assert "completed" in text
    return text.replace('"sorted"', '""').replace('"shuffled"', '""')
