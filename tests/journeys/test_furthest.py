"""The quick ways to a funnel say what the slow one says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cxminute.journeys import furthest as quick
from cxminute.journeys.analyses.counted import COUNTS, Count, furthest_of, merge
from cxminute.journeys.analyses.funnel import count, endings, endings_of, funnel, funnel_of, times, times_of
from cxminute.journeys.classes import classify, move, places_of, read_only
from cxminute.journeys.definition import REENTRIES, Arrow, Chain, JourneyDefinition, Pattern, Single
from cxminute.journeys.find import find, step_masks, walk
from cxminute.journeys.furthest import furthest, is_plain
from cxminute.journeys.language import journey
from cxminute.journeys.plan import SEEN, compile_plan
from cxminute.journeys.scan import CLOSED, DEEPEST, ENDING, EVENT, OPENED, REACHED, SUBJECT, fold
from cxminute.journeys.solo import Kept, alone, is_solo
from cxminute.model.steps import Step
from tests.oracles.journey_walks import BEGINS, PATH, Meeting, meetings, steps, streams_of, walks
from tests.oracles.streams import Happened, ListStreams

thorough = settings(max_examples=300, deadline=None)
FACTS = [OPENED, SUBJECT, EVENT, CLOSED, ENDING, DEEPEST]


@st.composite
def plain_meetings(draw: st.DrawFn) -> Meeting:
    """A plain chain of one to four steps, some twice in a row, and walks that follow it now and then."""
    chosen = draw(st.lists(steps, min_size=1, max_size=4))
    parts = tuple(Single(step, times=draw(st.sampled_from((1, 1, 1, 2)))) for step in chosen)
    arrows: tuple[Arrow, ...] = tuple("->" for _ in parts)
    definition = JourneyDefinition(
        name="plain",
        per=("person",),
        pattern=Pattern((Chain(parts, arrows[1:]),)),
        window=draw(st.sampled_from((0, 1, 2, 4, 6, 9, 14, 30))),
        reentry=draw(st.sampled_from((*REENTRIES, "always"))),
    )
    script = tuple(part.step for part in parts for _ in range(part.times))
    numbers = draw(st.sampled_from(((1,), (0, 7), (3, 4, 8))))
    return Meeting(definition, {number: draw(walks(script)) for number in numbers}, draw(st.integers(995, 1_060)))


spans = st.none() | st.tuples(st.integers(995, 1_020), st.integers(1_000, 1_060))


@thorough
@given(plain_meetings(), spans)
def test_the_furthest_is_found_without_the_others(meeting: Meeting, opened: tuple[int, int] | None) -> None:
    """Of a plain chain, each subject's furthest passage is, fact for fact, the one picked from all of them."""
    plan, streams = compile_plan(meeting.definition), streams_of(meeting.subjects)
    assert is_plain(plan)
    rows, _ = walk(plan, streams, closes_at=meeting.closes_at)
    if opened:
        rows = rows[(rows[:, OPENED] >= opened[0]) & (rows[:, OPENED] <= opened[1])]
    rows = rows[furthest_of(read_only(rows), np.zeros(len(rows), np.int64))]
    found = furthest(plan, streams, classify(plan, streams), meeting.closes_at, opened)
    columns = [*FACTS, *range(REACHED, rows.shape[1])]
    assert found[:, columns].tolist() == rows[:, columns].tolist()


@thorough
@given(meetings() | plain_meetings(), st.sampled_from(COUNTS), st.sampled_from((None, PATH, "name")))
def test_what_is_counted_in_the_bucket_is_what_the_table_says(
    meeting: Meeting, counting: Count, by: str | None
) -> None:
    """Funnel, endings and times of passages that were never a table are those of the table, also added from parts."""
    plan = compile_plan(meeting.definition)
    closes_at = meeting.closes_at
    dimensions = (by,) if by else ()
    table = find(plan, streams_of(meeting.subjects), opens_at=BEGINS, closes_at=closes_at, dimensions=dimensions)
    parts = [
        count(plan, streams_of({subject: told}), closes_at=closes_at, by=by, counting=counting, lasting=True)
        for subject, told in sorted(meeting.subjects.items())
    ]
    for whole in (merge(parts), merge([merge(parts[:1]), *parts[1:]])):
        assert str(funnel_of(whole, plan).to_pylist()) == str(funnel(table, plan, by, counting).to_pylist())
        if counting == "passages":
            assert str(endings_of(whole).to_pylist()) == str(endings(table, by).to_pylist())
            assert str(times_of(whole).to_pylist()) == str(times(table, by).to_pylist())


@settings(max_examples=1_000, deadline=None)
@given(meetings() | plain_meetings(), spans)
def test_one_passage_at_a_time_is_followed_as_advance_would(meeting: Meeting, opened: tuple[int, int] | None) -> None:
    """The scan for one open passage finds, fact for fact, what the scan for any number finds; or the furthest of it."""
    plan, streams = compile_plan(meeting.definition), streams_of(meeting.subjects)
    facts = (plan.moves, read_only(streams.offsets), read_only(streams.times), *classify(plan, streams))
    assume(is_solo(plan))
    slowly, _ = fold(*facts, meeting.closes_at)
    columns = [*FACTS, *range(REACHED, slowly.shape[1])]
    assert alone(*facts, meeting.closes_at, Kept())[:, columns].tolist() == slowly[:, columns].tolist()
    first, last = opened or (0, 10**6)
    slowly = slowly[(slowly[:, OPENED] >= first) & (slowly[:, OPENED] <= last)]
    slowly = slowly[furthest_of(read_only(slowly), np.zeros(len(slowly), np.int64))]
    best = alone(*facts, meeting.closes_at, Kept(first, last, best=1))
    assert best[:, columns].tolist() == slowly[:, columns].tolist()


@thorough
@given(meetings())
def test_classes_match_as_each_step_does(meeting: Meeting) -> None:
    """What an event's class says of it is what its steps say one by one; `=>` sees all but endings and the ignored."""
    plan, streams = compile_plan(meeting.definition), streams_of(meeting.subjects)
    masks = np.zeros(len(streams.events), np.int64)
    for bit, step in enumerate(plan.steps):
        masks |= streams.matches(step).astype(np.int64) << bit
    if plan.sees:
        masks[streams.matches(Step("any", kind="any")) & (masks & plan.ignored == 0)] |= SEEN
    assert step_masks(plan, streams).tolist() == masks.tolist()


@settings(max_examples=60, deadline=None)
@given(plain_meetings())
def test_compiled_or_not_the_furthest_is_the_same(meeting: Meeting) -> None:
    """The kernels give the same numbers whether they were compiled to machine code or not."""
    plan, streams = compile_plan(meeting.definition), streams_of(meeting.subjects)
    classes = classify(plan, streams)
    compiled = [furthest(plan, streams, classes, meeting.closes_at)]
    kernels = (quick.of_all, quick.one_by_one)
    plain: list[Any] = list(kernels)
    with pytest.MonkeyPatch.context() as patch:
        for name, kernel in zip(("of_all", "one_by_one"), plain, strict=True):
            patch.setattr(quick, name, kernel.py_func)
        compiled.append(furthest(plan, streams, classes, meeting.closes_at))
    columns = [*FACTS, *range(REACHED, compiled[0].shape[1])]
    assert compiled[0][:, columns].tolist() == compiled[1][:, columns].tolist()


def test_many_events_are_looked_through_in_blocks() -> None:
    """A subject whose events fill several blocks is followed across them."""
    names = ["A", *["Z"] * 5_000, "A", "B", *["A"] * 9_000, "C"]
    streams = ListStreams([Happened(3, at, name) for at, name in enumerate(names)])
    for reentry in REENTRIES:
        plan = compile_plan(journey("A -> B -> C", window="1 day", reentry=reentry))
        ((*_, first, second, third),) = furthest(plan, streams, classify(plan, streams), 10**6).tolist()
        assert (first, second, third) == (0, 5_002, 14_003)


def test_more_classes_than_two_bytes_tell_apart_take_four() -> None:
    """Where conditions split so finely that no room is left, the classes grow and none is lost."""
    codes, held = np.zeros(3, np.uint16), np.array([True, False, True])
    no_room = np.empty(0, np.int64)
    assert move(codes, np.arange(3), held, 1, no_room) == -1
    wide: Any = np.zeros(3, np.uint32)
    room = np.empty(3, np.int64)
    assert move(wide, np.arange(3), held, 1, room) == 1
    assert wide.tolist() == [1, 0, 1]
    assert places_of(
        read_only(np.array([0, 2, 1, 2], np.uint16)), read_only(np.array([0, 0, 1], np.bool_))
    ).tolist() == [1, 3]


def test_what_is_no_plain_chain_takes_the_long_way() -> None:
    """Timing, guards, `unless`, `=>`, options and branches are not for the quick way."""
    plain = ("A", "A -> B -> C", "A -> A", "A{3} -> B", "A where properties.x > 1 -> any")
    other = ("A -> B within 2 days", "A -> B after 1 day", "A -> B without C", "A => B", "A -> B? -> C", "A or B",
             "A -> (B and C)", "(A and B) -> C", "A -> (B or C)")  # fmt: skip
    for pattern in plain:
        assert is_plain(compile_plan(journey(pattern, window="1 day")))
    for pattern in other:
        assert not is_plain(compile_plan(journey(pattern, window="1 week")))
    assert not is_plain(compile_plan(journey("A -> B", window="1 day", unless=("C",))))
