"""Clients that are slow, idle, many or wild: they are let go in time, and good clients hardly notice."""

from __future__ import annotations

import resource
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from threading import Barrier
from time import perf_counter

import pytest

from benchmarks.running import Answer, Door, authorization
from tests.faults.dripping import Dripping
from tests.faults.telling import body, item, memory, stored

IDLE = 5_000
CLIENTS = 32
"""That send 5 MB each, all at once: twice what is kept in memory."""
LONGEST = 33.0
"""Seconds after which a line is closed that brings no request: 30, and what a busy machine adds."""


@pytest.fixture
def many_files() -> Iterator[None]:
    """Leave to open as many files as the system allows; skipped where that is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 1_000:
        pytest.skip(f"the system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def waits(door: Door, requests: int) -> list[float]:
    """Seconds that good requests took, one after another on one line, sorted."""
    line = HTTPConnection("127.0.0.1", door.port, timeout=20)
    headers, took = {"Authorization": authorization(door.key)}, []
    for number in range(requests):
        began = perf_counter()
        line.request("POST", "/v1/batch", body([item(f"good-{began}-{number}")]), headers)
        answer = line.getresponse()
        answer.read()
        assert answer.status == 200
        took.append(perf_counter() - began)
    line.close()
    return sorted(took)


@pytest.mark.usefixtures("many_files")
def test_five_thousand_idle_lines_cost_good_clients_nothing(opening: Callable[..., Door]) -> None:
    """With 5,000 idle lines open good requests take less than twice as long."""
    door = opening()
    waits(door, 50)
    before = waits(door, 400)
    with ExitStack() as lines:
        for _ in range(IDLE):
            lines.enter_context(socket.create_connection(("127.0.0.1", door.port), timeout=10))
        during = waits(door, 400)
    print(f"median {before[200] * 1e3:.1f} -> {during[200] * 1e3:.1f} ms")  # noqa: T201 -- for whom it concerns
    assert during[200] < 2 * before[200] + 0.005
    assert during[395] < 2 * before[395] + 0.02


def test_dripping_clients_are_let_go(dripping: Dripping) -> None:
    """Who sends nothing, or byte by byte, is let go within 30 seconds, and good requests are answered meanwhile."""
    ended = dripping.wait(LONGEST + 5)
    assert set(ended) == set(dripping.lines), f"still open: {set(dripping.lines) - set(ended)}"
    for name, (seconds, heard) in ended.items():
        assert seconds < LONGEST, (name, seconds)
        assert b" 200 " not in heard
    assert b" 408 " in ended["slow body"][1]
    assert dripping.good
    assert max(dripping.good) < 2.0


def test_a_storm_is_slowed_down_and_loses_nothing(opening: Callable[..., Door]) -> None:
    """More than a slow disk can take: 200, or 429 with the seconds to wait; memory is bounded, and nothing lost."""
    door = opening(CXM_FAILPOINTS="inbox.begun=sleep50,inbox.committed=sleep50")
    large = "x" * 60_000

    def storm(number: int) -> tuple[Answer, list[str]]:
        items = [item(f"storm-{number}-{place}", properties={"a": large}) for place in range(80)]
        sent = body(items)
        ready.wait()
        return door.post(sent, within=60), [of["messageId"] for of in items]

    ready = Barrier(CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(storm, range(CLIENTS)))
    statuses = Counter(answer.status for answer, _ in answers)
    print(f"statuses: {statuses}")  # noqa: T201 -- for whom it concerns
    assert set(statuses) == {200, 429}
    for answer, _ in answers:
        if answer.status == 429:
            assert 0 < int(answer.headers["retry-after"]) <= 300
            assert "x-ratelimit-reset" in answer.headers
    assert memory(door) < 1_000
    assert door.post([item("after")]).status == 200
    acknowledged = {name for answer, names in answers if answer.status == 200 for name in names}
    assert acknowledged
    assert door.drained()
    there = stored(door.roots[0])
    assert acknowledged <= set(there)
    assert len(there) == len(set(there))
