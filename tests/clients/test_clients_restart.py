"""Seven real clients send while the server is stopped, killed and started again: their own retries bridge the gap."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from benchmarks.running import Door
from tests.clients.expecting import of_round, serial
from tests.clients.known import known
from tests.clients.sending import Client, Sending, Told, each
from tests.clients.story import story

TURN = 1
CALLS = 54
PAUSE = 100
EVERY = 3
"""Calls of a client, ms between them, and how many make a batch: some batch of each is on its way at any moment."""
BEGIN, STOPPED, AGAIN, KILLED = 3, 9, 30, 36
"""The quick wait for the slow before the first and the third; after the second and the last the server goes."""


def reach(sending: Sending, clients: list[Client], calls: int, seconds: float = 60) -> None:
    """Waits until every client said so many calls."""
    until = time.monotonic() + seconds
    while slow := [client.name for client in clients if len(sending.told(client.name).said) < calls]:
        assert time.monotonic() < until, f"{slow} did not say {calls} calls in {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def gaps() -> list[float]:
    """For how many seconds there was no server, each time."""
    return []


@pytest.fixture(scope="module")
def told(
    door: Door, keys: dict[str, str], clients: list[Client], sending: Sending, project: Path, gaps: list[float]
) -> Mapping[str, Told]:
    """All clients sent through a stop (SIGTERM) and a kill (-9) of the server, each followed by a start at once."""
    gates = {place: project.parent / f"gate-{place}" for place in (BEGIN, AGAIN)}
    for client in clients:
        calls = story(client.name, client.kinds, CALLS, turn=TURN)
        sending.start(client, door.url, keys[client.name], calls, pause=PAUSE, every=EVERY, gates=gates)
    for place, then, end in ((BEGIN, STOPPED, partial(door.stop, 20)), (AGAIN, KILLED, partial(door.kill, alone=True))):
        reach(sending, clients, place)
        gates[place].touch()
        reach(sending, clients, then)
        began = time.monotonic()
        assert not end()
        door.start()
        gaps.append(time.monotonic() - began)
    found = sending.finish()
    assert door.drained(within=30), door.tail()
    return found


@pytest.fixture(scope="module")
def arrived(told: Mapping[str, Told], project: Path) -> dict[str, Counter[int]]:
    """How often each call is in the log, by source."""
    assert told
    return {name: Counter(map(serial, events)) for name, events in of_round(known(project), TURN).items()}


@each
def test_nothing_is_lost_over_a_restart(
    client: Client, told: Mapping[str, Told], arrived: Mapping[str, Counter[int]], gaps: list[float]
) -> None:
    """A call is in the log after a stop and a kill in mid-stream, as far as the client's own retries reach.

    Where they do not reach over the gap, what is missing is what the client told to have given up.
    """
    said, lost = told[client.name].said, told[client.name].lost
    missing = set(said) - set(arrived[client.name])
    assert told[client.name].done
    assert len(said) == CALLS
    assert missing <= set(lost) or None in lost
    if max(gaps) < client.bridges:
        assert not missing


@each
def test_nothing_counts_twice_over_a_restart(client: Client, arrived: Mapping[str, Counter[int]]) -> None:
    """What a client sends again, because it saw no answer, is in the log once."""
    assert {n: times for n, times in arrived[client.name].items() if times > 1} == {}
