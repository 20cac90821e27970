"""The laws of journeys as plain functions: each takes one generated case and fails where a law does not hold.

The suite and the soak both drive them: the laws are written once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
from numba.core.dispatcher import Dispatcher

from cxminute.journeys import live
from cxminute.journeys.analyses.funnel import funnel
from cxminute.journeys.keyed import Ended, Keyed
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.tables import ENDINGS
from cxminute.store.columns import Columns
from cxminute.store.index import Index, People, in_memory
from tests.oracles.journey_answers import as_found, children_in, found_in, mask_of, plain, table_of
from tests.oracles.journey_shape import Shape, matches
from tests.oracles.journey_walks import BEGINS, REFUSED, Meeting, seen, streams_of
from tests.oracles.journeys_reference import Event, Found, Reference


def check_live(meeting: Meeting, restarts: int, ticks: int) -> None:
    """Live is batch: for the prefix that the log's close leaves, with restarts and ticks between any two events.

    restarts, ticks: bit i says whether the state is dumped and loaded, and whether time is told, before event i
    """
    plan = compile_plan(meeting.definition)
    table = table_of(plan, streams_of(meeting.subjects), meeting.closes_at)
    batch = found_in(table)
    opening = iter(table["name"].to_pylist())
    for subject, walk in sorted(meeting.subjects.items()):
        events = [event for event in seen(walk) if event.at <= meeting.closes_at]
        told = _followed(plan, events, meeting.closes_at, restarts, ticks)
        assert as_found(told) == batch.get(subject, [])
        assert [events[passage.event].name for passage in told] == [next(opening) for _ in told]
    assert _crowd(plan, meeting, restarts, ticks) == batch


def _followed(plan: Plan, events: Sequence[Event], closes_at: int, restarts: int, ticks: int) -> list[live.Passage]:
    """All passages in order of opening, each told of at most once as ended."""
    state = live.begin(plan)
    ended: dict[int, live.Passage] = {}
    opened = 0

    def tell(verdict: live.Verdict) -> None:
        nonlocal opened
        opened += verdict.opened
        for passage in verdict.ended:
            assert passage.number not in ended
            assert passage.ending != "open"
            ended[passage.number] = passage

    for place, event in enumerate(events):
        if restarts >> place & 1:
            state = live.load(plan, live.dump(state))
        if ticks >> place & 1:
            due = live.due(plan, state)
            state, verdict = live.tick(plan, state, event.at)
            assert bool(verdict.ended) == (due is not None and due <= event.at)
            tell(verdict)
        state, verdict = live.take(plan, state, event.at, mask_of(plan, event))
        tell(verdict)
    state, verdict = live.tick(plan, state, closes_at)
    tell(verdict)
    still = {passage.number: passage for passage in live.still_open(plan, state)}
    assert not still.keys() & ended.keys()
    told = [passage for _, passage in sorted({**ended, **still}.items())]
    assert opened == len(told)
    return told


def _crowd(plan: Plan, meeting: Meeting, restarts: int, ticks: int) -> dict[int, list[Found]]:
    """The same of all subjects at once: batches end, restarted from bytes, where bits are set."""
    happened = sorted(
        (event.at, subject, place, mask_of(plan, event))
        for subject, walk in meeting.subjects.items()
        for place, event in enumerate(seen(walk))
        if event.at <= meeting.closes_at
    )
    told: dict[int, list[live.Passage]] = {}

    def tell(ended: Ended) -> None:
        for subject, passage in zip(ended.subjects.tolist(), ended.passages(), strict=True):
            told.setdefault(subject, []).append(passage)

    keyed, batch = Keyed(plan), list[tuple[int, int, int]]()
    for number, (at, subject, _, mask) in enumerate(happened):
        if (restarts | ticks) >> (number % 18) & 1:
            tell(_taken(keyed, batch))
            batch.clear()
            keyed = Keyed.load(plan, keyed.dump())
            if ticks >> (number % 18) & 1:
                tell(keyed.tick(at))
        batch.append((subject, at, mask))
    tell(_taken(keyed, batch))
    tell(keyed.tick(meeting.closes_at))
    for subject in meeting.subjects:
        still = live.still_open(plan, keyed.state(subject))
        if still:
            told.setdefault(subject, []).extend(still)
    return {subject: as_found(passages) for subject, passages in told.items()}


def _taken(keyed: Keyed, batch: Sequence[tuple[int, int, int]]) -> Ended:
    subjects, times, masks = np.array(batch, np.int64).reshape(-1, 3).T.copy()
    return keyed.take(subjects, times, masks)


def check_reference(meeting: Meeting) -> None:
    """The scan finds what the slow reference finds: passage for passage, children too."""
    plan = compile_plan(meeting.definition)
    streams = streams_of(meeting.subjects)
    table = table_of(plan, streams, meeting.closes_at)
    children = children_in(plan, streams, meeting.closes_at) if plan.waits_for else {}
    fast = found_in(table, children)
    slow = {
        subject: Reference(meeting.definition).passages_of(seen(walk), meeting.closes_at)
        for subject, walk in meeting.subjects.items()
    }
    assert fast == {subject: found for subject, found in slow.items() if found}


def check_arrival(meeting: Meeting, seed: int) -> None:
    """Events that arrive in any order give the same passages; live and its revisions end where batch is.

    The walks are profiles; some of them are one person. Ties are settled by source, position and id.
    """
    chance = Random(seed)  # noqa: S311 -- an order, not a secret
    persons = [chance.randrange(3) for _ in range(10)]
    known = _log(meeting, chance)
    expected: dict[int, list[Found]] = {}
    plan = compile_plan(meeting.definition)
    for person in sorted({persons[profile] for profile, _, _ in known}):
        own = [row for row in known if persons[row[0]] == person]
        stream = [event for _, _, event in sorted(own, key=_in_order)]
        found = Reference(meeting.definition).passages_of(seen(stream), meeting.closes_at)
        if found:
            expected[person] = found
        chance.shuffle(own)
        assert _revised(plan, own, meeting.closes_at) == found
    chance.shuffle(known)
    index = _index(known, persons, meeting.closes_at, chance.randrange(1, 30))
    tables = [table_of(plan, index.read(bucket), meeting.closes_at) for bucket in index.buckets()]
    assert found_in(pa.concat_tables(tables).unify_dictionaries() if tables else _none(plan)) == expected


Noted = tuple[int, tuple[int, str], Event]
"""An event of the log: its profile, its position and id, and what happened."""


def _log(meeting: Meeting, chance: Random) -> list[Noted]:
    """The walks without endings, which no source sends; positions and ids settle ties as chance has it."""
    ids = iter(chance.sample(range(1000), 200))
    return [
        (profile, (chance.randrange(3), f"{next(ids):03}"), event)
        for profile, walk in meeting.subjects.items()
        for event in walk
        if event.kind == "event"
    ]


def _in_order(row: Noted) -> tuple[int, str, tuple[int, str]]:
    _, place, event = row
    return event.at, event.source, place


def _index(known: Sequence[Noted], persons: Sequence[int], closes_at: int, bucket: int) -> Index:
    paths = sorted({path for _, _, event in known for path in event.values})
    positions = pa.array([place[0] for _, place, _ in known], pa.int64())
    ids = pa.array([place[1] for _, place, _ in known], pa.string())
    table = pa.table(
        {
            "subject": pa.array([profile for profile, _, _ in known], pa.int64()),
            "at": pa.array([event.at for _, _, event in known], pa.int64()),
            "name": pa.array([event.name for _, _, event in known], pa.string()),
            "source": pa.array([event.source for _, _, event in known], pa.string()),
            "position": positions,
            "id": ids,
            "properties.position": positions,
            "properties.id": ids,
            **{path: pa.array([event.values.get(path) for _, _, event in known]) for path in paths},
        }
    )
    runs = in_memory(table, "person")._runs  # noqa: SLF001 -- a table has no profiles that are one person; a log has
    runs = [replace(run, columns=_Placed(run.columns)) for run in runs]
    people = People(np.array(persons, np.int64))
    allowed = frozenset({event.source for _, _, event in known} - {REFUSED})
    return Index("person", runs, sources=allowed, closes_at=closes_at, people=people, bucket=bucket)


@dataclass(frozen=True)
class _Placed:
    """Columns of a table that also tell, as a log's do, at which position and under which id an event came."""

    held: Columns

    def kinds(self, path: str) -> frozenset[str]:
        return self.held.kinds(path)

    def numbers(self, space: str) -> pa.Array | None:
        return self.held.numbers(space)

    def read(self, path: str, kind: str) -> pa.Array:
        match path:
            case "position":
                return self.held.read("properties.position", "number").cast(pa.int64())
            case "id":
                return self.held.read("properties.id", "text").cast(pa.string())
            case _:
                return self.held.read(path, kind)


def _none(plan: Plan) -> pa.Table:
    return table_of(plan, streams_of({}), 0)


def _revised(plan: Plan, arrivals: Sequence[Noted], closes_at: int) -> list[Found]:
    """What was told at last of a person whose events arrive in this order: each late one revises what it touches."""
    known: list[Noted] = []
    states = [live.dump(live.begin(plan))]
    told: list[dict[int, live.Passage]] = [{}]
    now: dict[int, live.Passage] = {}
    for arrival in arrivals:
        if arrival[2].at > closes_at or arrival[2].source == REFUSED:
            continue
        place = sum(_in_order(row) <= _in_order(arrival) for row in known)
        known.insert(place, arrival)
        since = [passage for number, passage in now.items() if number not in told[place]]
        events = [(event.at, mask_of(plan, event)) for _, _, event in known[place:]]
        revised, revisions = live.revise(plan, live.load(plan, states[place]), since, events)
        for revision in revisions:
            assert revision.before is None or now.pop(revision.before.number) == revision.before
            now |= {} if revision.after is None else {revision.after.number: revision.after}
        del states[place + 1 :], told[place + 1 :]
        for _, _, event in known[place:]:
            state, verdict = live.take(plan, live.load(plan, states[-1]), event.at, mask_of(plan, event))
            states.append(live.dump(state))
            told.append(told[-1] | {passage.number: passage for passage in verdict.ended})
        assert live.dump(revised) == states[-1]
    state, verdict = live.tick(plan, live.load(plan, states[-1]), closes_at)
    last = (*now.values(), *verdict.ended, *live.still_open(plan, state))
    return as_found(last)


def check_buckets(meeting: Meeting, cuts: Sequence[int]) -> None:
    """Any number of buckets, one after the other, give the tables of the whole: passages and funnel."""
    plan = compile_plan(meeting.definition)
    whole = table_of(plan, streams_of(meeting.subjects), meeting.closes_at)
    bounds = [-1, *sorted(cuts), 1_000]
    parts = [
        table_of(
            plan,
            streams_of({subject: walk for subject, walk in meeting.subjects.items() if low <= subject < high}),
            meeting.closes_at,
        )
        for low, high in pairwise(bounds)
    ]
    merged = pa.concat_tables(parts).unify_dictionaries()
    assert merged.to_pylist() == whole.to_pylist()
    for count in ("subjects", "passages"):
        # as text, in which nan, the share of nothing, is nan
        assert str(funnel(merged, plan, count=count).to_pylist()) == str(funnel(whole, plan, count=count).to_pylist())


def check_once(meeting: Meeting) -> None:
    """Every passage opens once and ends at most once; opened = completed + broken + expired + open."""
    definition = meeting.definition
    plan = compile_plan(definition)
    table = table_of(plan, streams_of(meeting.subjects), meeting.closes_at)
    counts = [table["ending"].to_pylist().count(ending) for ending in ENDINGS]
    assert sum(counts) == table.num_rows
    keys = list(zip(plain(table["subject"]), plain(table["opened_at"]), strict=True))
    assert keys == sorted(keys)
    truncated = [opened - BEGINS <= definition.window for opened in plain(table["opened_at"])]
    assert table["left_truncated"].to_pylist() == truncated
    shape = Shape(definition.pattern)
    firsts = [step for place in shape.places if place.is_first for step in place.steps]
    for subject, walk in meeting.subjects.items():
        events = [event for event in seen(walk) if event.at <= meeting.closes_at]
        openings = [event.at for event in events if any(matches(step, event) for step in firsts)]
        found = found_in(table).get(subject, [])
        for passage in found:
            _check_passage(passage, meeting, shape, {event.at for event in events})
        opened = [passage.opened for passage in found]
        match definition.reentry:
            case "always":
                assert opened == openings
            case "once":
                assert opened == openings[:1]
            case "after exit":
                assert opened[:1] == openings[:1]
                assert set(opened) <= set(openings)
                for one, other in pairwise(found):
                    assert one.closed is not None
                    assert one.closed <= other.opened


def _check_passage(passage: Found, meeting: Meeting, shape: Shape, moments: set[int]) -> None:
    definition = meeting.definition
    assert (passage.closed is None) == (passage.ending == "open")
    assert all(time is None or time >= passage.opened for time in passage.reached)
    assert any(passage.reached[place] is not None for place in shape.last) == (passage.ending == "completed")
    if passage.closed is None:
        assert meeting.closes_at <= passage.opened + definition.window
        return
    assert passage.opened <= passage.closed <= passage.opened + definition.window
    assert all(time is None or time <= passage.closed for time in passage.reached)
    if passage.ending == "expired":
        assert passage.closed < meeting.closes_at
    else:
        assert passage.closed in moments


def check_unseen(meeting: Meeting) -> None:
    """What a journey does not name is invisible to it, unless a `=>` looks at all that happens."""
    plan = compile_plan(meeting.definition)
    named = {
        subject: [event for event in walk if event.source != REFUSED and mask_of(plan, event)]
        for subject, walk in meeting.subjects.items()
    }
    whole, alone = (table_of(plan, streams_of(some), meeting.closes_at, ()) for some in (meeting.subjects, named))
    assert whole.to_pylist() == alone.to_pylist()


def check_compiled(meeting: Meeting) -> None:
    """Compiled to machine code or not, the kernels give the same passages, the same funnel and the same live states."""
    plan = compile_plan(meeting.definition)
    compiled = _everything(plan, meeting)
    with _interpreted():
        assert _everything(plan, meeting) == compiled


def _everything(plan: Plan, meeting: Meeting) -> list[object]:
    """All that the kernels of journeys say of a meeting."""
    table = table_of(plan, streams_of(meeting.subjects), meeting.closes_at)
    told: list[object] = [table.to_pylist(), str(funnel(table, plan, count="subjects").to_pylist())]
    for walk in meeting.subjects.values():
        state = live.begin(plan)
        for event in walk:
            state, verdict = live.take(plan, state, event.at, mask_of(plan, event))
            told += [live.dump(state), live.due(plan, state), verdict.opened, tuple(verdict.ended)]
            told += live.still_open(plan, state)
    return told


@contextmanager
def _interpreted() -> Iterator[None]:
    """Inside, every kernel of journeys is the plain Python that it was compiled from, and calls plain Python."""
    modules = [module for name, module in sys.modules.items() if name.startswith("cxminute.journeys.")]
    kernels = [
        (module, name, value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
    ]
    for module, name, kernel in kernels:
        setattr(module, name, kernel.py_func)
    try:
        yield
    finally:
        for module, name, kernel in kernels:
            setattr(module, name, kernel)
