"""From the inbox into the log: everything once, whatever repeats, fails, dies or changes on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxminute.app.door import draining
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project, read_definitions
from cxminute.collect.calls import reading
from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.model.times import DAY, HOUR, MINUTE
from cxminute.store import failpoints
from cxminute.store.log import collecting
from tests.app.small_site import NOON, balance, call, ids, item, make_site

Making = Callable[..., Project]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.outside("postgresql"))])
def making(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Making]:
    """Makes a project of the door, on each of the databases."""
    made: list[Project] = []
    if request.param == "postgresql":
        monkeypatch.setenv("SITE_STATE", request.getfixturevalue("postgres_url"))

    def make(*sources: str) -> Project:
        made.append(make_site(tmp_path / "site", *sources, state="env:SITE_STATE" if request.param != "sqlite" else ""))
        return made[-1]

    yield make
    for project in made:
        project.close()


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Arms failpoints in this process, and disarms them afterwards."""

    def arm(points: str) -> None:
        monkeypatch.setenv("CXM_FAILPOINTS", points)
        failpoints.armed.cache_clear()

    yield arm
    monkeypatch.undo()
    failpoints.armed.cache_clear()


def drained(project: Project, *, events: int = 50_000, at: int = NOON) -> Drain:
    """The inbox is brought into the log until nothing waits."""
    drain = Drain(project)
    while drain.once(at, events).events:
        pass
    assert project.inbox.waiting(project.arrivals.marks(project.inbox.identity)) == []
    return drain


def test_all_that_waits_goes_in_once(making: Making) -> None:
    """Good events, an event sent twice and one that is none: each is counted as what it became, and nothing waits."""
    project = making("site", "shop")
    bad = {"type": "track", "messageId": "x1", "userId": "u1"}
    project.inbox.put([call([item(n) for n in range(10)]), call([item(3), bad]), call([item(1)], source="shop")])
    drained(project)
    assert ids(project, "site") == sorted(f"m{n}" for n in range(10))
    assert ids(project, "shop") == ["m1"]
    assert balance(project) == (13, 11, 1, 1)
    assert project.log.rejects()["reason"].to_pylist() == ["no_name"]
    assert Drain(project).once(NOON).events == 0


def test_what_was_taken_in_is_what_was_sent(making: Making) -> None:
    """Name, time, typed and other properties arrive; an address goes to the vault and not into the log."""
    project = making()
    project.inbox.put([call([item(5)])])
    drained(project)
    [piece] = project.log.pieces(project.definitions.paths)
    found = pq.read_table(piece.path).to_pylist()[0]
    assert (found["name"], found["properties.total:number"]) == ("Order Completed", 5.0)
    assert f"{found['at']:%Y-%m-%dT%H:%M:%S}" == "2026-02-06T10:05:00"
    assert project.vault.number("order_id", "o5") == found["order_id"]
    assert b"example.com" not in piece.path.read_bytes()


def test_an_inbox_is_emptied_in_stretches(making: Making) -> None:
    """However small a stretch is, in the end everything is in, in the order of arrival within its source."""
    project = making()
    project.inbox.put([call([item(n), item(n + 100)]) for n in range(30)])
    drained(project, events=7)
    assert len(ids(project)) == len(set(ids(project))) == 60


def test_a_disk_that_is_full_loses_nothing(making: Making, armed: Callable[[str], None]) -> None:
    """While segments cannot be written all waits in the inbox; once they can, all goes in, by the same worker."""
    project = making("site", "shop")
    project.inbox.put([call([item(n) for n in range(20)]), call([item(1)], source="shop")])
    drain = Drain(project)
    armed("segment.written=enospc")
    for _ in range(3):
        with pytest.raises(BrokenStore):
            drain.once(NOON)
    assert project.log.rejects().num_rows == 0
    assert sum(of.events for of in project.inbox.waiting({})) == 21
    armed("")
    assert drain.once(NOON).stored == 21
    assert balance(project) == (21, 21, 0, 0)


def test_who_collects_is_waited_for(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody else holds the log's lock nothing is taken in, and nothing is lost."""
    monkeypatch.setattr(draining, "PATIENCE", 0.2)
    project = making()
    project.inbox.put([call([item(1)])])
    drain = Drain(project)
    with collecting(project.folder), pytest.raises(BrokenStore, match="Another collect"):
        drain.once(NOON)
    assert drain.once(NOON).stored == 1


def poisoned(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Makes the worker's code fail over these message ids, always."""
    sound = vars(draining)["arriving"]

    def failing(project: Project, source: Any, rows: Any, *more: Any) -> Any:
        found = set(rows.table["messageId"].to_pylist()) & set(names)
        if found:
            raise ZeroDivisionError(f"over {found}")
        return sound(project, source, rows, *more)

    monkeypatch.setattr(draining, "arriving", failing)


def test_a_poisonous_event_is_alone_in_quarantine(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events at which the code always fails are set apart with the kind of error; all others go in."""
    project = making("site", "shop")
    poisoned(monkeypatch, "m17", "m42")
    project.inbox.put([call([item(n) for n in range(start, start + 20)]) for start in (0, 20, 40)])
    project.inbox.put([call([item(n)], source="shop") for n in range(5)])
    drained(project)
    rejects = project.log.rejects().to_pylist()
    assert [(row["source"], row["reason"]) for row in rejects] == [("site", "poison")] * 2
    assert {json.loads(row["row"])["messageId"] for row in rejects} == {"m17", "m42"}
    assert all("ZeroDivisionError" in row["detail"] and "m17" not in row["detail"] for row in rejects)
    assert ids(project, "site") == sorted(f"m{n}" for n in range(60) if n not in (17, 42))
    assert len(ids(project, "shop")) == 5
    assert balance(project) == (65, 63, 0, 2)


def test_an_item_that_nobody_can_read_is_alone_in_quarantine(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where reading a whole call fails over one item, the others of the call go in, and two that are alike stay two."""
    project = making()
    sound = vars(draining)["read_calls"]

    def failing(calls: Any, *more: Any) -> Any:
        if any(b'"m5"' in one.body for one in calls):
            raise RecursionError
        return sound(calls, *more)

    monkeypatch.setattr(draining, "read_calls", failing)
    alike = item(0)
    del alike["messageId"]
    project.inbox.put([call([*(item(n) for n in range(8)), alike, alike])])
    drained(project)
    assert len(ids(project)) == 9
    assert set(ids(project)) >= {f"m{n}" for n in range(8) if n != 5}
    [apart] = project.log.rejects().to_pylist()
    assert (apart["reason"], json.loads(apart["row"])["messageId"]) == ("poison", "m5")
    assert balance(project) == (10, 9, 0, 1)


def test_one_sources_trouble_is_nobody_elses(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every event of one source fails, those of another go in with the first stretch."""
    project = making("site", "shop")
    poisoned(monkeypatch, *(f"m{n}" for n in range(40)))
    project.inbox.put([call([item(n) for n in range(40)]), call([item(n) for n in range(50, 60)], source="shop")])
    drain = Drain(project)
    assert drain.once(NOON).stored == 10
    while drain.once(NOON).events:
        pass
    assert project.log.rejects("site").num_rows == 40
    assert balance(project) == (50, 10, 0, 40)


def test_an_error_without_an_event_at_fault_moves_everything_to_quarantine_at_worst(
    making: Making, armed: Callable[[str], None]
) -> None:
    """Where no segment can be made for a reason that nobody expects, events are set apart; none is lost."""
    project = making()
    project.inbox.put([call([item(n) for n in range(3)])])
    armed("segment.written=error")
    drained(project)
    assert project.log.rejects()["reason"].to_pylist() == ["poison"] * 3


def test_an_error_after_the_commit_counts_nothing_twice(
    making: Making, armed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails once it is committed is not done again, be it a whole stretch or a part of one call."""
    project = making()
    project.inbox.put([call([item(n) for n in range(9)]), call([item(n) for n in range(9, 12)])])
    poisoned(monkeypatch, "m4")
    armed("arrivals.committed=error:0.5,log.published=eio:0.3")
    drained(project)
    assert len(ids(project)) == 11
    assert balance(project) == (12, 11, 0, 1)


def test_a_large_context_of_many_events_is_read_in_smaller_stretches(
    making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much batches add to each of their events, the worker reads so much at once and no more; all goes in."""
    monkeypatch.setattr(reading, "MOST_AT_ONCE", 100_000)
    most = []
    sound = vars(draining)["arriving"]

    def weighed(project: Project, source: Any, rows: Any, *more: Any) -> Any:
        most.append(sum(map(len, rows.rest.to_pylist())))
        return sound(project, source, rows, *more)

    monkeypatch.setattr(draining, "arriving", weighed)
    project = making()
    for start in range(0, 200, 10):
        batch = {"context": {"note_of_it": "x" * 5_000}, "batch": [item(n) for n in range(start, start + 10)]}
        project.inbox.put([Call("site", NOON, "segment", "", 10, json.dumps(batch).encode())])
    drained(project)
    assert max(most) < 200_000
    assert len(ids(project)) == 200
    assert balance(project) == (200, 200, 0, 0)


def test_a_worker_that_stops_within_a_call_goes_on_after_what_is_in(
    making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a call that is in by half nothing is counted or set apart twice, whenever its worker is started again."""
    monkeypatch.setattr(draining, "_BUDGET", 0.0)
    project = making()
    poisoned(monkeypatch, "m4", "m17")
    bad = [{"type": "track", "messageId": f"x{n}", "userId": "u1"} for n in range(3)]
    project.inbox.put([call([*bad, *(item(n) for n in range(30))])])
    at = NOON
    while Drain(project).once(at).events:  # each is a worker of its own; the second begins on another day
        at = NOON + DAY
    assert ids(project) == sorted(f"m{n}" for n in range(30) if n not in (4, 17))
    assert sorted(project.log.rejects()["reason"].to_pylist()) == ["no_name"] * 3 + ["poison"] * 2
    assert balance(project) == (33, 28, 0, 5)


def test_an_identifier_of_any_length_stops_nobody(making: Making) -> None:
    """An identifier that a source declares is bounded as the built-in ones are, on each database alike."""
    project = making()
    chance = random.Random(1)  # noqa: S311 -- letters that no database can press together, not a secret
    long = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9_000))
    project.inbox.put([call([item(1), item(2, properties={"order_id": long}), item(3)])])
    drained(project)
    assert ids(project) == ["m1", "m3"]
    assert project.log.rejects()["reason"].to_pylist() == ["id_too_long"]


def test_calls_of_a_source_that_is_gone_are_kept_in_quarantine(making: Making) -> None:
    """What was acknowledged before its source was removed is set apart, typed; not lost, and in nobody's way."""
    project = making("site", "shop")
    project.inbox.put([call([item(1), item(2)], source="shop"), call([item(1)])])
    (project.root / "sources" / "shop.toml").unlink()
    project.definitions = read_definitions(project.root)
    drained(project)
    assert project.log.rejects("shop")["reason"].to_pylist() == ["unknown_source"] * 2
    assert ids(project) == ["m1"]
    assert balance(project) == (3, 1, 0, 2)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_shuffled_repeated_and_late_is_as_sorted_and_once(
    data: st.DataObject, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In any order, days late, with a third sent again: the log holds what each was once, and counts the rest."""
    chance = random.Random(seed)  # noqa: S311 -- an order, not a secret
    size = data.draw(st.integers(1, 60))
    sent = [item(n) for n in range(size)]
    sent += [item(n) for n in range(size) if chance.random() < 0.3]
    chance.shuffle(sent)
    project = make_site(tmp_path_factory.mktemp("any") / "site")
    drain, at, start = Drain(project), NOON, 0
    while start < len(sent):
        stop = start + chance.randint(1, 20)
        project.inbox.put([call(sent[start:stop], at=at)])
        start, at = stop, at + chance.choice([0, MINUTE, HOUR, DAY])
        if chance.random() < 0.5:
            drain.once(at, chance.choice([1, 5, 50_000]))
    while drain.once(at).events:
        pass
    assert ids(project) == sorted(f"m{n}" for n in range(size))
    assert balance(project) == (len(sent), size, len(sent) - size, 0)
    other = make_site(tmp_path_factory.mktemp("sorted") / "site")
    other.inbox.put([call([item(n) for n in range(size)])])
    drained(other)
    assert _totals(project) == _totals(other)


def _totals(project: Project) -> list[tuple[Any, ...]]:
    """Of every event its id, its total and when it happened."""
    return sorted(
        (row["id"], row["properties.total:number"], row["at"])
        for piece in project.log.pieces(())
        for row in pq.read_table(piece.path).to_pylist()
    )
