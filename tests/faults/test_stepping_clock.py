"""A server whose clock steps: over an hour, back and forth, and over midnight; clients whose clocks are wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.running import Door, new_project
from cxminute.app.clock import now
from tests.faults.telling import balance, item, moments, stored, until

STEPPED = """import time
_real = time.time_ns
def _stepped():
    try:
        with open(%r) as file:
            return _real() + int(file.read() or 0) * 1_000_000
    except (OSError, ValueError):
        return _real()
time.time_ns = _stepped
"""
HOUR = 3_600_000


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, Path]]:
    """A door, and a file that says by how many milliseconds its clock is off."""
    folder = tmp_path_factory.mktemp("clock")
    offset = folder / "offset"
    offset.write_text("0", "utf-8")
    (folder / "sitecustomize.py").write_text(STEPPED % str(offset), "utf-8")
    root = folder / "shop"
    door = Door([root], new_project(root), environment={"PYTHONPATH": str(folder)})
    door.start()
    yield door, offset
    door.kill()


def test_a_client_whose_clock_is_wrong_is_set_right(stepped: tuple[Door, Path]) -> None:
    """However far off a client's clock is, its events happened when they did; and none lies in the future."""
    door, _ = stepped
    for years in (-10, -1, 0, 1, 10):
        clock = datetime.now(UTC) + timedelta(days=365 * years)
        happened = clock - timedelta(seconds=90)
        one = item(years, timestamp=happened.isoformat())
        assert door.post({"batch": [one], "sentAt": clock.isoformat()}).status == 200
    ahead = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    assert door.post([item("ahead", timestamp=ahead)]).status == 200
    assert door.drained()
    at = moments(door.roots[0])
    for years in (-10, -1, 0, 1, 10):
        assert abs(at[f"m-{years}"] - (now() - 90_000)) < 15_000
    assert now() - 15_000 < at["m-ahead"] <= now()


def test_a_stepping_clock_loses_and_repeats_nothing(stepped: tuple[Door, Path], chance: random.Random) -> None:
    """The server's clock steps an hour forth and back, over midnight and again: each event counts once, all of them."""
    door, offset = stepped
    first, before = stored(door.roots[0]), balance(door.roots[0])
    midnight = (now() // 86_400_000 + 1) * 86_400_000 - now()
    sent: list[str] = []
    for turn, step in enumerate((0, HOUR, -HOUR, midnight - 500, midnight + 500, midnight - 500)):
        offset.write_text(str(step), "utf-8")
        fresh = [f"m-{turn}-{place}" for place in range(20)]
        again = chance.sample(sent, min(len(sent), 10))
        assert door.post([item(0, messageId=name) for name in fresh + again]).status == 200
        sent += fresh
        assert until(lambda: len(stored(door.roots[0])) == len(first) + len(sent), 5), f"late after a step to {step} ms"  # noqa: B023 -- called at once
    assert stored(door.roots[0]) == sorted(first + sent)
    more = {"received": len(sent) + 50, "stored": len(sent), "duplicate": 50, "quarantined": 0}
    assert balance(door.roots[0]) == {part: count + more[part] for part, count in before.items()}
