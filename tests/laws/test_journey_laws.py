"""The laws of journeys: one meaning, in batch and live, fast and slow, whole and in pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys import advance, live, scan
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.find import find, step_masks
from cxminute.journeys.language import journey, parse_pattern, parse_step
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.journeys.printing import print_pattern, print_step
from cxminute.model.steps import Step
from tests.oracles.journey_walks import chains, definitions, people, streams_of, walks
from tests.oracles.journeys_reference import Event, Found, Reference, holds
from tests.oracles.streams import ListStreams

thorough = settings(max_examples=400, deadline=None)
closings = st.integers(995, 1_060)


def _ms(moment: Any) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def _found(table: pa.Table, subject: int) -> list[Found]:
    """The passages of one subject as the reference writes them."""
    return [
        Found(
            _ms(row["opened_at"]) or 0,
            _ms(row["closed_at"]),
            row["ending"],
            row["deepest"],
            tuple(_ms(moment) for moment in row["reached_at"]),
        )
        for row in table.to_pylist()
        if row["subject"] == subject
    ]


def _find(plan: Plan, streams: ListStreams, closes_at: int) -> pa.Table:
    return find(plan, streams, opens_at=1_000, closes_at=closes_at, dimensions=("name",))


def _mask(plan: Plan, event: Event) -> int:
    def matches(step: Step) -> bool:
        return step.name == event.name and holds(step.where, event.values)

    return plan.mask(matches)


@thorough
@given(definitions() | chains(), people, closings)
def test_the_fast_scan_finds_what_the_slow_reference_finds(
    definition: JourneyDefinition, subjects: dict[int, list[Event]], closes_at: int
) -> None:
    """Passage for passage, the compiled scan and the plain reading of the page agree, wherever the log is closed."""
    table = _find(compile_plan(definition), streams_of(subjects), closes_at)
    for subject, walk in subjects.items():
        assert _found(table, subject) == Reference(definition).passages_of(walk, closes_at)


@thorough
@given(definitions() | chains(), walks(), closings, st.data())
def test_live_agrees_with_batch_with_a_restart_anywhere(
    definition: JourneyDefinition, walk: list[Event], closes_at: int, data: st.DataObject
) -> None:
    """A passage found later is the passage seen as it happened, whatever restarts and ticks came between."""
    plan = compile_plan(definition)
    state = live.begin(plan)
    seen: dict[int, live.Passage] = {}
    for event in walk:
        if event.at > closes_at:
            break
        restarted = live.load(plan, live.dump(state))
        if data.draw(st.booleans()):
            restarted, verdict = live.tick(plan, restarted, event.at)
            seen |= {passage.number: passage for passage in verdict.ended}
        state, verdict = live.take(plan, restarted, event.at, _mask(plan, event))
        seen |= {passage.number: passage for passage in verdict.ended}
    state, verdict = live.tick(plan, state, closes_at)
    seen |= {passage.number: passage for passage in (*verdict.ended, *live.still_open(plan, state))}
    told = [
        Found(passage.opened, passage.closed, passage.ending, passage.deepest, passage.reached)
        for _, passage in sorted(seen.items())
    ]
    table = _find(plan, streams_of({1: walk}), closes_at)
    assert told == _found(table, 1)
    assert [walk[passage.event].name for _, passage in sorted(seen.items())] == table["name"].to_pylist()


@thorough
@given(definitions() | chains(), people, closings, st.integers(0, 10))
def test_splitting_the_subjects_changes_nothing(
    definition: JourneyDefinition, subjects: dict[int, list[Event]], closes_at: int, cut: int
) -> None:
    """Two buckets give, one after the other, the table of the whole."""
    plan = compile_plan(definition)
    whole = _find(plan, streams_of(subjects), closes_at)
    low = {subject: walk for subject, walk in subjects.items() if subject < cut}
    high = {subject: walk for subject, walk in subjects.items() if subject >= cut}
    parts = [_find(plan, streams_of(part), closes_at) for part in (low, high)]
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()


@thorough
@given(definitions() | chains(), people, closings)
def test_a_passage_opens_once_and_ends_at_most_once(
    definition: JourneyDefinition, subjects: dict[int, list[Event]], closes_at: int
) -> None:
    """Opened = completed + broken + expired + open; no passage lasts beyond its window or closes before it opened."""
    streams = streams_of(subjects)
    plan = compile_plan(definition)
    table = _find(plan, streams, closes_at)
    first = streams.matches(definition.pattern.parts[0].step) & (streams.times <= closes_at)
    most = {
        "once": len({event.subject for event, opens in zip(streams.events, first, strict=True) if opens}),
        "after exit": int(first.sum()),
        "always": int(first.sum()),
    }[definition.reentry]
    assert len(table) <= most
    if definition.reentry != "after exit":
        assert len(table) == most
    for row in table.to_pylist():
        assert (row["closed_at"] is None) == (row["ending"] == "open")
        assert row["reached_at"][0] == row["opened_at"]
        assert (row["reached_at"][-1] is not None) == (row["ending"] == "completed")
        if row["closed_at"] is not None:
            assert 0 <= (_ms(row["closed_at"]) or 0) - (_ms(row["opened_at"]) or 0) <= definition.window
    keys = list(zip(table["subject"].to_pylist(), table["opened_at"].to_pylist(), strict=True))
    assert keys == sorted(keys)


@thorough
@given(definitions() | chains(), walks(), closings)
def test_events_that_match_no_step_change_nothing(
    definition: JourneyDefinition, walk: list[Event], closes_at: int
) -> None:
    """What a journey does not name is invisible to it."""
    plan = compile_plan(definition)
    named = [event for event in walk if _mask(plan, event)]
    whole, alone = (_find(plan, streams_of({1: some}), closes_at) for some in (walk, named))
    assert whole.to_pylist() == alone.to_pylist()


@settings(max_examples=200, deadline=None)
@given(definitions() | chains(), people, closings)
def test_compiled_and_plain_python_are_one_function(
    definition: JourneyDefinition, subjects: dict[int, list[Event]], closes_at: int
) -> None:
    """The scan gives the same numbers whether it was compiled to machine code or not."""
    plan = compile_plan(definition)
    streams = streams_of(subjects)
    facts = (plan.moves, streams.offsets, streams.times, step_masks(plan, streams), closes_at)
    assert np.array_equal(scan.fold(*facts), scan.fold.py_func(*facts))  # type: ignore[attr-defined]  # of numba
    for walk in subjects.values():
        _same_either_way(plan, walk)


def _same_either_way(plan: Plan, walk: list[Event]) -> None:
    long = len(walk) + 2
    shape = (long, advance.width(plan.moves))
    sides = []
    for function in (advance.advance, advance.advance.py_func):
        rows, ended, counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(2, np.int64)
        told = []
        for number, event in enumerate(walk):
            gone = function(plan.moves, rows, counts, event.at, _mask(plan, event), number, ended)
            told.append((gone, counts.tolist(), rows[: counts[0]].tolist(), ended[:gone].tolist()))
        sides.append(told)
    assert sides[0] == sides[1]


@thorough
@given(definitions())
def test_what_is_printed_reads_as_the_same_journey(definition: JourneyDefinition) -> None:
    """A definition survives being written out and read again, and its plan keeps its hash."""
    again = JourneyDefinition(
        name=definition.name,
        per=definition.per,
        pattern=parse_pattern(print_pattern(definition.pattern)),
        window=definition.window,
        unless=tuple(parse_step(print_step(step)) for step in definition.unless),
        reentry=definition.reentry,
    )
    assert again == definition
    assert compile_plan(again).hash == compile_plan(definition).hash


def test_levels_are_those_of_another_engines_funnel() -> None:
    """Without timing and under 'always', the furthest that a subject came is the level of ClickHouse's windowFunnel."""
    chdb = pytest.importorskip("chdb", reason="chdb, the engine to compare with, is not installed")
    chance = np.random.default_rng(5)
    walks_of = {
        subject: [Event(int(at), "ABCDE"[chance.integers(5)]) for at in chance.choice(60, 12, replace=False)]
        for subject in range(2_000)
    }
    streams = streams_of(walks_of)
    plan = compile_plan(journey("A -> B -> C -> D", window="0.025 seconds", reentry="always"))
    deepest = _find(plan, streams, 60).group_by("subject").aggregate([("deepest", "max")])
    ours = dict(zip(deepest["subject"].to_pylist(), deepest["deepest_max"].to_pylist(), strict=True))
    events = pa.table(
        {
            "subject": [event.subject for event in streams.events],
            "at": pa.array(streams.times, pa.uint64()),
            "name": [event.name for event in streams.events],
        }
    )
    query = (
        "select subject, windowFunnel(25)(at, name = 'A', name = 'B', name = 'C', name = 'D') from Python(events) "
        "group by subject"
    )
    lines = str(chdb.query(query, "CSV")).split()
    theirs = {int(subject): int(level) for subject, level in (line.split(",") for line in lines)}
    assert len(events) == 24_000
    assert set(ours.values()) == {1, 2, 3, 4}
    assert {subject: ours.get(subject, 0) for subject in walks_of} == theirs
