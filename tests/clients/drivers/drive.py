"""What the drivers of Python's clients share: a task is read, its calls are said, what was said and lost is told.

The task is JSON on standard input: host, key, calls, pause (ms between calls), off (ms by which the clock is wrong),
every (events that make a batch; the client's own number where it is 0), and gates (which calls wait, by their places
from 0, until which file is there). A line of JSON is written for each call said, {"said": n, "at": true time in UTC
ms}, for each that the client tells to have given up, {"lost": n, "why": kind}, and at the end {"done": true}.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Say = Mapping[str, Callable[[dict[str, Any]], object]]
"""How a client says each kind of call."""
Client = tuple[Say, Callable[[], None]]
"""How a client says each kind of call, and how it is closed."""
Lost = Callable[[Exception, list[dict[str, Any]]], None]
"""What a client calls with the batch that it gives up."""

TRUE_TIME = time.time
TRUE_DATETIME = dt.datetime


def tell(**line: object) -> None:
    """One line of JSON for the test to read, at once."""
    print(json.dumps(line), flush=True)  # noqa: T201 -- the driver's answer


def put_clock_off(seconds: float) -> None:
    """From now on this process's clock is wrong by so much; before a client is imported, since it keeps the names."""

    class Like(type):
        def __instancecheck__(cls, thing: object) -> bool:  # clients and dateutil ask whether a plain one is one
            return isinstance(thing, TRUE_DATETIME)

    class Off(TRUE_DATETIME, metaclass=Like):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> TRUE_DATETIME:  # type: ignore[override]  # a plain datetime
            return TRUE_DATETIME.now(tz) + dt.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> TRUE_DATETIME:  # type: ignore[override]  # a plain datetime
            return TRUE_DATETIME.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=seconds)

    time.time = lambda: TRUE_TIME() + seconds
    dt.datetime = Off  # type: ignore[misc]  # that is the point


def moment(call: dict[str, Any]) -> dt.datetime | None:
    """When a call says that it happened; None: now."""
    return TRUE_DATETIME.fromisoformat(call["at"]) if "at" in call else None


def serial(item: dict[str, Any]) -> int:
    """The serial number of the call that an item on the wire was made from."""
    properties = item.get("properties", {})
    if item.get("type") == "alias" or item.get("event") == "$create_alias":  # it may carry its person's traits
        return int(str(item.get("previousId") or properties["alias"]).rpartition("-")[2])
    said = {**item.get("context", {}).get("traits", {}), **item.get("traits", {}), **properties}
    said |= said.get("$set", {}) | said.get("$group_set", {}) | item.get("$set", {})
    return int(said["n"])


def gave_up(fault: Exception, batch: list[dict[str, Any]]) -> None:
    """Tells which calls of a batch are lost."""
    for item in batch:
        tell(lost=serial(item), why=type(fault).__name__)


def is_shut(task: dict[str, Any], place: int) -> bool:
    """Whether the call at this place has to wait."""
    file = task["gates"].get(str(place))
    return file is not None and not Path(file).exists()


def drive(start: Callable[[str, str, dict[str, int]], Client], every: str) -> None:
    """Runs one task from standard input.

    start: opens a client for host, key and further options; every: its option that says how many events make a batch
    """
    task = json.load(sys.stdin)
    if task["off"]:
        put_clock_off(task["off"] / 1000)
    say, close = start(task["host"], task["key"], {every: task["every"]} if task["every"] else {})
    for place, call in enumerate(task["calls"]):
        while is_shut(task, place):
            time.sleep(0.05)
        at = int(TRUE_TIME() * 1000)
        say[call["kind"]](call)
        tell(said=call["n"], at=at)
        time.sleep(task["pause"] / 1000)
    close()
    tell(done=True)
