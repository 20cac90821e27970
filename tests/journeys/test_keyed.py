"""Many subjects followed in small batches: the same as one by one."""

from __future__ import annotations

import struct
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys import keyed, live
from cxminute.journeys.keyed import Keyed
from cxminute.journeys.language import journey
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.errors import BadData, BrokenStore
from cxminute.model.steps import Step

PLANS = [
    compile_plan(journey(pattern, window="0.02 seconds", unless=unless, reentry=reentry))
    for pattern in ("A -> B within 0.004 seconds -> C", "(A and B) -> C without D", "A => B or B -> C? -> D")
    for unless in ((), ("E",))
    for reentry in ("once", "after exit", "always")
]
STEPS = "ABCDE"

happenings = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(STEPS)), min_size=1, max_size=60
)  # subject, gap, name


def _named(name: str, step: Step) -> bool:
    return step.name == name


def _arrays(plan: Plan, told: list[tuple[int, int, str]]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    subjects = np.array([subject for subject, _, _ in told], np.int64)
    times = np.cumsum([gap for _, gap, _ in told]).astype(np.int64)
    masks = np.array([plan.mask(partial(_named, name)) for _, _, name in told], np.int64)
    return subjects, times, masks


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLANS), happenings, st.lists(st.integers(0, 60), max_size=4), st.data())
def test_a_batch_does_what_its_events_do_one_by_one(
    plan: Plan, told: list[tuple[int, int, str]], cuts: list[int], data: st.DataObject
) -> None:
    """However events are cut into batches, restarts between them, everybody ends up where live has them."""
    subjects, times, masks = _arrays(plan, told)
    crowd = Keyed(plan)
    found: list[tuple[int, live.Passage]] = []
    opened = 0
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), len(told)], strict=True):
        ended = crowd.take(subjects[low:high], times[low:high], masks[low:high])
        found += zip(ended.subjects.tolist(), ended.passages(), strict=True)
        opened += ended.opened
        if data.draw(st.booleans()):
            crowd = Keyed.load(plan, crowd.dump())
    states = {subject: live.begin(plan) for subject in range(6)}
    one_by_one: list[tuple[int, live.Passage]] = []
    for number, (subject, at, mask) in enumerate(zip(subjects.tolist(), times.tolist(), masks.tolist(), strict=True)):
        before = states[subject]
        state, verdict = live.take(plan, live.stand(plan, before.ever, number, before.rows), at, mask)
        states[subject] = state
        one_by_one += [(subject, passage) for passage in verdict.ended]
        opened -= verdict.opened
    assert found == one_by_one
    assert opened == 0
    for subject, state in states.items():
        assert crowd.state(subject).rows.tolist() == state.rows.tolist()
        assert crowd.state(subject).ever == state.ever
    assert crowd.open_now == sum(state.open_now for state in states.values())


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PLANS), happenings, st.integers(0, 60))
def test_a_tick_ends_what_is_due_for_everybody(plan: Plan, told: list[tuple[int, int, str]], later: int) -> None:
    """When only time has passed, what expired ends at its own deadline, and the places are free again."""
    subjects, times, masks = _arrays(plan, told)
    crowd = Keyed(plan)
    crowd.take(subjects, times, masks)
    now = int(times[-1]) + later
    expected = []
    for subject in range(6):
        _, verdict = live.tick(plan, crowd.state(subject), now)
        expected += [(subject, passage) for passage in verdict.ended]
    ended = crowd.tick(now)
    assert list(zip(ended.subjects.tolist(), ended.passages(), strict=True)) == expected
    assert len(crowd.tick(now).rows) == 0


def test_memory_follows_what_is_open_and_not_what_was() -> None:
    """A million passages that came and went leave room for those that are open at once."""
    plan = compile_plan(journey("A -> B", window="1 day"))
    crowd = Keyed(plan)
    subjects = np.repeat(np.arange(100, dtype=np.int64), 2)
    for day in range(50):
        crowd.take(subjects, np.full(200, day, np.int64), np.tile(np.array([1, 2], np.int64), 100))
    assert crowd.open_now == 0
    assert len(crowd.dump()) < 100_000


def test_what_is_no_batch_is_refused() -> None:
    """Unlike lengths and numbers below zero are told; an empty batch is one."""
    plan = PLANS[0]
    crowd = Keyed(plan)
    one, two = np.zeros(1, np.int64), np.zeros(2, np.int64)
    with pytest.raises(BadData, match="1 subjects"):
        crowd.take(one, two, one)
    with pytest.raises(BadData, match="-1"):
        crowd.take(one - 1, one, one)
    assert crowd.take(one[:0], one[:0], one[:0]).opened == 0
    with pytest.raises(BadData, match="-1"):
        crowd.state(-1)


def test_a_state_of_another_plan_is_told() -> None:
    """Cut bytes and other plans are refused."""
    crowd = Keyed(PLANS[0])
    crowd.take(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1, np.int64))
    for plan, data in ((PLANS[1], crowd.dump()), (PLANS[0], crowd.dump()[:-8]), (PLANS[0], b"")):
        with pytest.raises(BrokenStore):
            Keyed.load(plan, data)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PLANS), happenings, st.integers(0, 10_000), st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 9)
)
def test_damaged_bytes_are_told_or_do_no_harm(
    plan: Plan, told: list[tuple[int, int, str]], place: int, wrong: int
) -> None:
    """Whatever number is damaged, nothing is followed out of the arrays or for ever: told, or a state like another."""
    crowd = Keyed(plan)
    crowd.take(*_arrays(plan, told))
    data = bytearray(crowd.dump())
    at = 33 + 8 * (place % ((len(data) - 33) // 8))  # behind the head of version, plan and three counts
    data[at : at + 8] = wrong.to_bytes(8, "little", signed=True)
    try:
        again = Keyed.load(plan, bytes(data))
    except BrokenStore:
        return
    assert again.open_now == crowd.open_now
    assert again.dump() == bytes(data)
    again.take(*_arrays(plan, told))
    again.tick(10**6)
    assert Keyed.load(plan, again.dump()).open_now == again.open_now


@pytest.mark.parametrize("head", [(-1, -1), (-3, 9), (1, -1), (2**62, 2**62)])
def test_a_head_that_counts_wrong_is_told(head: tuple[int, int]) -> None:
    """No number of subjects or rows makes cut bytes pass for whole ones."""
    data = Keyed(PLANS[0]).dump()
    with pytest.raises(BrokenStore):
        Keyed.load(PLANS[0], data[:17] + struct.pack("<qq", *head) + data[33:])


def test_rows_that_are_linked_twice_or_in_a_ring_are_told() -> None:
    """A passage of two subjects, and one that follows itself, are refused before anybody follows the links."""
    plan = PLANS[2]  # "always"
    crowd = Keyed(plan)
    crowd.take(np.array([0, 0, 1]), np.array([0, 1, 2]), np.full(3, plan.mask(partial(_named, "A")), np.int64))
    data = crowd.dump()
    firsts, rows = 33, 33 + 8 * 3 * 2  # of two subjects: first, now, ever; then what comes after each row
    assert struct.unpack_from("<2q", data, firsts) == (0, 2)
    assert struct.unpack_from("<3q", data, rows) == (1, -1, -1)
    for place, wrong in ((firsts + 8, 0), (rows + 8, 0), (rows + 16, 2), (rows, -1), (rows, 3), (firsts, -2)):
        damaged = data[:place] + struct.pack("<q", wrong) + data[place + 8 :]
        with pytest.raises(BrokenStore, match="damaged"):
            Keyed.load(plan, damaged)


class _Used:
    """numpy on a machine whose memory others have used: what is empty holds sevens."""

    def __getattr__(self, name: str) -> object:
        return getattr(np, name)

    def empty(
        self, shape: int | tuple[int, ...], dtype: type[np.int64]
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.full(shape, 7, dtype)


def test_dumped_bytes_follow_from_the_events_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events give the same bytes: room that no passage is in holds nothing of other memory."""
    plan, many = PLANS[0], np.zeros(300, np.int64)
    fresh, used = Keyed(plan), Keyed(plan)
    fresh.take(many, many, many + 1)
    monkeypatch.setattr(keyed, "np", _Used())
    used.take(many, many, many + 1)
    assert used.dump() == fresh.dump()


def test_compiled_and_plain_python_follow_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch kernel gives the same numbers whether it was compiled to machine code or not."""
    chance = np.random.default_rng(3)
    plan = PLANS[2]
    told = [(int(chance.integers(6)), int(chance.integers(3)), STEPS[chance.integers(5)]) for _ in range(300)]
    subjects, times, masks = _arrays(plan, told)
    compiled, plain = Keyed(plan), Keyed(plan)
    first = compiled.take(subjects, times, masks)
    monkeypatch.setattr(keyed, "follow", keyed.follow.py_func)
    second = plain.take(subjects, times, masks)
    assert first.rows.tolist() == second.rows.tolist()
    assert [compiled.state(subject).body.tolist() for subject in range(6)] == [
        plain.state(subject).body.tolist() for subject in range(6)
    ]
