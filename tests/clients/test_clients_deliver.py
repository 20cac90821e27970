"""Seven clients of other people, as their packages are, deliver to a real `cxm serve`: all arrives, once, unbent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.running import Door
from tests.clients.expecting import differences, late, of_round, serial
from tests.clients.known import Known, known
from tests.clients.projects import cxm
from tests.clients.sending import Client, Sending, Told, each
from tests.clients.story import Call, happened, story

TURN = 0
LENGTH = {"browser": 70}
MOST = 280
"""Calls of a client: more than two of the batches it makes by itself; the browser sends each alone."""


def calls_of(client: Client) -> list[Call]:
    """What a client was given to say here."""
    return story(client.name, client.kinds, LENGTH.get(client.name, MOST), turn=TURN)


@pytest.fixture(scope="module")
def told(door: Door, keys: dict[str, str], clients: list[Client], sending: Sending) -> Mapping[str, Told]:
    """All clients said their calls, at the same time, and the worker got them into the log."""
    for client in clients:
        sending.start(client, door.url, keys[client.name], calls_of(client))
    found = sending.finish()
    assert door.drained(within=30), door.tail()
    return found


@pytest.fixture(scope="module")
def events(told: Mapping[str, Told], project: Path) -> dict[str, list[Known]]:
    """What the log then says, by source."""
    assert told
    return of_round(known(project), TURN)


@each
def test_every_event_of_a_client_arrives_once(
    client: Client, told: Mapping[str, Told], events: Mapping[str, list[Known]]
) -> None:
    """What a client was told to say is in the log, each call once, and it gave nothing up."""
    calls = calls_of(client)
    assert told[client.name].done
    assert not told[client.name].lost
    arrived = Counter(serial(event) for event in events[client.name])
    assert arrived == Counter(call["n"] for call in calls)
    assert len({event.id for event in events[client.name]}) == len(calls)


@each
def test_nothing_that_a_client_says_is_bent(client: Client, events: Mapping[str, list[Known]]) -> None:
    """Names, people, groups, nested properties, text in any script and numbers are in the log as they were said."""
    calls = {call["n"]: call for call in calls_of(client)}
    bent = {n: differences(client, calls[n], event) for event in events[client.name] for n in [serial(event)]}
    assert {n: found for n, found in bent.items() if found} == {}


@each
def test_events_happened_when_the_client_said(
    client: Client, told: Mapping[str, Told], events: Mapping[str, list[Known]]
) -> None:
    """An event's time is that of its call, or the one that the call names, to two seconds."""
    calls = {call["n"]: call for call in calls_of(client)}
    said = told[client.name].said
    found = {n: late(event, happened(calls[n], said[n])) for event in events[client.name] for n in [serial(event)]}
    assert {n: by for n, by in found.items() if abs(by) > 2000} == {}


def test_commands_tell_of_just_what_arrived(told: Mapping[str, Told], project: Path) -> None:
    """`cxm events` counts what the log holds by source and name, and `cxm person` shows what one of a client did."""
    assert told
    held = known(project)
    volumes = json.loads(cxm(project, "events", "--json"))["events"]
    assert {(v["source"], v["name"]): v["events"] for v in volumes} == Counter((e.source, e.name) for e in held)
    for client in told:
        person = f"{client}-Käufer-1"
        events = {event.id for event in held if person in event.identifiers.values()}
        shown = json.loads(cxm(project, "person", person, "--limit", "10000", "--json"))
        assert shown["count"] == len(shown["events"]) == len(events)
        assert [row["source"] for row in shown["sources"]] == [client]
