"""Seven real clients on machines whose clocks are wrong: what they say still happened when it happened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.running import Door
from tests.clients.expecting import late, of_round, serial
from tests.clients.known import known
from tests.clients.sending import CLIENTS, Client, Sending, Told, each
from tests.clients.story import story

TURN = 2
CALLS = 14
PAUSE = 120
YEAR = 365 * 86_400_000


def off_by(client: Client) -> int:
    """By how many ms a client's clock is wrong: of every other one ahead."""
    return YEAR if CLIENTS.index(client) % 2 else -YEAR


@pytest.fixture(scope="module")
def told(door: Door, keys: dict[str, str], clients: list[Client], sending: Sending) -> Mapping[str, Told]:
    """All clients sent, every other one with a clock a year behind, the others a year ahead."""
    for client in clients:
        calls = story(client.name, client.kinds, CALLS, turn=TURN, backdated=False)
        sending.start(client, door.url, keys[client.name], calls, pause=PAUSE, off=off_by(client))
    found = sending.finish()
    assert door.drained(within=30), door.tail()
    return found


@each
def test_a_clock_that_is_off_by_a_year_moves_no_event(client: Client, told: Mapping[str, Told], project: Path) -> None:
    """The time in the log is the true time of the call to two seconds, however wrong the client's clock is."""
    said = told[client.name].said
    events = of_round(known(project), TURN)[client.name]
    found = {serial(event): late(event, said[serial(event)], off_by(client)) for event in events}
    assert sorted(found) == sorted(said)
    assert {n: by for n, by in found.items() if abs(by) > 2000} == {}
