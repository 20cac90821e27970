"""A subject followed event by event."""

from __future__ import annotations

import pytest

from cxminute.journeys import live
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.model.errors import BrokenStore

PLAN = compile_plan(journey("A -> B within 2 seconds -> C", window="10 seconds"))
A, B, C = 1, 2, 4


def test_each_event_tells_what_it_did() -> None:
    """Opening, progress and completion are told as they happen."""
    state, opened = live.take(PLAN, live.begin(PLAN), 0, A)
    state, moved = live.take(PLAN, state, 500, B)
    state, ended = live.take(PLAN, state, 900, C)
    assert [(verdict.opened, verdict.ended) for verdict in (opened, moved, ended)] == [
        (1, ()),
        (0, ()),
        (0, (live.Passage(0, 0, 900, "completed", 3, (0, 500, 900), 0),)),
    ]
    assert state.open_now == 0


def test_a_timer_fires_when_the_state_says_so() -> None:
    """A tick before `due` changes nothing; at `due` the passage expires, at the deadline and not at the tick."""
    state, _ = live.take(PLAN, live.begin(PLAN), 1_000, A)
    assert live.due(PLAN, state) == 3_001
    state, early = live.tick(PLAN, state, 3_000)
    state, late = live.tick(PLAN, state, 3_001)
    assert not early.ended
    assert [(passage.ending, passage.closed) for passage in late.ended] == [("expired", 3_000)]
    assert live.due(PLAN, state) is None


def test_progress_moves_the_deadline() -> None:
    """With the second step reached, only the window is left to run out."""
    state, _ = live.take(PLAN, live.begin(PLAN), 0, A)
    state, _ = live.take(PLAN, state, 1_500, B)
    assert live.due(PLAN, state) == 10_001


def test_a_state_is_small_and_survives_a_restart() -> None:
    """Dumped and loaded it is the same state, in a few hundred bytes."""
    state, _ = live.take(PLAN, live.begin(PLAN), 0, A)
    state, _ = live.take(PLAN, state, 10, B)
    data = live.dump(state)
    again = live.load(PLAN, data)
    assert len(data) < 200
    assert live.dump(again) == data
    assert live.still_open(PLAN, again) == (live.Passage(0, 0, None, "open", 2, (0, 10, None), 0),)


def test_taking_an_event_leaves_the_old_state_as_it_was() -> None:
    """A state is a value: going on from it twice gives the same twice."""
    state, _ = live.take(PLAN, live.begin(PLAN), 0, A)
    before = live.dump(state)
    first, second = (live.dump(live.take(PLAN, state, 5, B)[0]) for _ in range(2))
    assert live.dump(state) == before
    assert first == second


def test_a_state_of_another_plan_is_refused() -> None:
    """A state belongs to the definition that it opened under; cut bytes and other plans are told, not guessed at."""
    other = compile_plan(journey("A -> B within 3 seconds -> C", window="10 seconds"))
    state, _ = live.take(PLAN, live.begin(PLAN), 0, A)
    data = live.dump(state)
    with pytest.raises(BrokenStore, match="another version"):
        live.load(other, data)
    with pytest.raises(BrokenStore, match="cut short"):
        live.load(PLAN, data[:9])
    with pytest.raises(BrokenStore):
        live.load(PLAN, data[:-8])
    with pytest.raises(BrokenStore, match="met journey"):
        live.take(other, state, 1, B)


def test_late_news_takes_back_what_was_told_and_tells_what_is_so() -> None:
    """A step that comes to light late turns an expired passage into a completed one; what it cannot touch stays."""
    first, told = live.fold(PLAN, live.begin(PLAN), [(0, A), (10, B), (20, C)])
    state, expired = live.fold(PLAN, first, [(20_000, A), (25_000, 0)])
    assert [passage.ending for passage in (*told, *expired)] == ["completed", "expired"]
    again, revisions = live.revise(PLAN, first, expired, [(20_000, A), (21_000, B), (22_000, C), (25_000, 0)])
    assert [(change.before and change.before.ending, change.after and change.after.ending) for change in revisions] == [
        ("expired", "completed")
    ]
    assert again.ever == state.ever == 2
    assert live.revise(PLAN, first, expired, [(20_000, A), (20_500, 0), (25_000, 0)])[1] == ()
