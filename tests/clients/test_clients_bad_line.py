"""Seven real clients on a line that loses answers: what they send again, because they heard nothing, counts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.running import Door
from cxminute.app.project import Project
from tests.clients.expecting import of_round, serial
from tests.clients.known import known
from tests.clients.line import bad_line
from tests.clients.sending import Client, Sending, Told, each
from tests.clients.story import story

TURN = 3
CALLS = 42
PAUSE = 20
EVERY = 3


def repeated(project: Path) -> Counter[str]:
    """How many events the log knew already when they came, by source."""
    found: Counter[str] = Counter()
    for minute in Project(project).arrivals.balance():
        found[minute.source] += minute.duplicate
    return found


@pytest.fixture(scope="module")
def before(project: Path) -> Counter[str]:
    """What was repeated in other rounds."""
    return repeated(project)


@pytest.fixture(scope="module")
def told(
    before: Counter[str], door: Door, keys: dict[str, str], clients: list[Client], sending: Sending
) -> Mapping[str, Told]:
    """All clients sent, each over a line that lost every fourth answer."""
    assert before is not None
    with ExitStack() as stack:
        lines = {client.name: stack.enter_context(bad_line(door.port)) for client in clients}
        for client in clients:
            calls = story(client.name, client.kinds, CALLS, turn=TURN)
            sending.start(client, lines[client.name].url, keys[client.name], calls, pause=PAUSE, every=EVERY)
        found = sending.finish()
    assert door.drained(within=30), door.tail()
    assert all(line.lost for line in lines.values()), {name: line.answers for name, line in lines.items()}
    return found


@each
def test_what_is_sent_again_counts_once(
    client: Client, told: Mapping[str, Told], before: Counter[str], project: Path
) -> None:
    """Where answers are lost, events come several times; each is in the log once, and the balance counts the others."""
    arrived = Counter(serial(event) for event in of_round(known(project), TURN)[client.name])
    assert arrived == Counter(list(told[client.name].said))
    assert repeated(project)[client.name] > before[client.name]
