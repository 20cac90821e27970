"""Receipts: an id is known for thirty days whatever was merged, in flat memory, and found again after any restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from cxminute.model.errors import BrokenStore
from cxminute.store import receipts as module
from cxminute.store.receipts import KEPT_DAYS, Change, Keys, Receipts, Run, hashed
from cxminute.store.state import open_state, state_url, writing

SECRET = b"s" * 32
DAY_ONE = 20_000


def keys(*words: str, source: str = "web") -> Keys:
    """The keys of some ids."""
    return hashed(SECRET, source, pa.array(words, pa.string()))


def days(*of: int) -> np.ndarray:
    """Days after the first."""
    return np.array(of, np.int64) + DAY_ONE


def apply(receipts: Receipts, state: Engine, change: Change) -> None:
    """Makes a change count."""
    with writing(state).begin() as connection:
        receipts.commit(connection, change)
    receipts.retire(change, 0)


def runs(receipts: Receipts, state: Engine) -> list[Run]:
    """The runs that count."""
    with state.connect() as connection:
        return receipts.runs(connection)


def known(receipts: Receipts, state: Engine, some: Keys, on: np.ndarray) -> list[bool]:
    """Which keys were received before."""
    found: list[bool] = receipts.known(runs(receipts, state), some, on).tolist()
    return found


def note(receipts: Receipts, state: Engine, some: Keys, on: np.ndarray) -> None:
    """Notes keys as received."""
    apply(receipts, state, receipts.add(runs(receipts, state), some.on(on), int(on.min()) - KEPT_DAYS))


def test_a_key_is_known_for_thirty_days_within_its_source(tmp_path: Path, state: Engine) -> None:
    """Known on the day, thirty days after it and not on the next; another source's same id is another key."""
    receipts = Receipts(tmp_path / "receipts")
    note(receipts, state, keys("a", "b"), days(0, 0))
    assert known(receipts, state, keys("a", "c", "a", "b"), days(0, 0, 30, 31)) == [True, False, True, False]
    assert known(receipts, state, keys("a", source="shop"), days(0)) == [False]


def test_a_run_takes_sixteen_bytes_a_key(tmp_path: Path, state: Engine) -> None:
    """What is published of the cost holds: 16 bytes a receipt, and a header."""
    receipts = Receipts(tmp_path / "receipts")
    note(receipts, state, keys(*map(str, range(1_000))), days(*[0] * 1_000))
    [run] = runs(receipts, state)
    assert (receipts.folder / run.file).stat().st_size == 16 * 1_000 + 32


def test_runs_stay_few_and_merging_forgets_nothing(
    tmp_path: Path, state: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a hundred commits there are a handful of runs, in which every key is found; in blocks of any size."""
    monkeypatch.setattr(module, "_BLOCK", 64)
    monkeypatch.setattr(module, "_LEAST", 8)
    receipts = Receipts(tmp_path / "receipts")
    for turn in range(100):
        note(receipts, state, keys(*(f"{turn}-{k}" for k in range(5))), days(*[turn // 20] * 5))
    assert len(runs(receipts, state)) <= 12
    every = keys(*(f"{turn}-{k}" for turn in range(100) for k in range(5)))
    assert all(known(Receipts(tmp_path / "receipts"), state, every, days(*[5] * 500)))
    assert not any(known(receipts, state, keys(*(f"new {k}" for k in range(500))), days(*[5] * 500)))
    receipts.check(runs(receipts, state))
    receipts.sweep(runs(receipts, state), 10**15)
    assert {file.name for file in receipts.folder.iterdir()} == {run.file for run in runs(receipts, state)}


def test_a_commit_leaves_large_merges_for_later(tmp_path: Path, state: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No arrival waits for the merge of a large run; settling makes up for it."""
    monkeypatch.setattr(module, "AT_ONCE", 30)
    monkeypatch.setattr(module, "_LEAST", 8)
    receipts = Receipts(tmp_path / "receipts")
    for turn in range(16):
        note(receipts, state, keys(*(f"{turn}-{k}" for k in range(10))), days(*[0] * 10))
    assert len(runs(receipts, state)) == 16
    while (change := receipts.settle(runs(receipts, state), 0)).replaced:
        apply(receipts, state, change)
    assert [run.rows for run in runs(receipts, state)] == [160]
    assert all(known(receipts, state, keys(*(f"{t}-{k}" for t in range(16) for k in range(10))), days(*[1] * 160)))


def test_two_keys_that_share_64_bits_are_two_keys(tmp_path: Path, state: Engine) -> None:
    """The hash has 112 bits, and all of them count, in lookups, merges and forgetting."""
    receipts = Receipts(tmp_path / "receipts")
    high = np.full(3, 7, np.uint64)
    low = np.array([1, 2, 3], np.uint64) << np.uint64(16)
    for place in range(3):
        note(receipts, state, Keys(high[place : place + 1], low[place : place + 1]), days(0))
    other = Keys(high[:1], np.array([9 << 16], np.uint64))
    assert known(receipts, state, Keys(high, low), days(0, 0, 0)) == [True, True, True]
    assert known(receipts, state, other, days(0)) == [False]
    apply(receipts, state, receipts.without(runs(receipts, state), Keys(high[1:2], low[1:2])))
    assert known(receipts, state, Keys(high, low), days(0, 0, 0)) == [True, False, True]


def test_a_run_that_is_missing_or_damaged_is_named(tmp_path: Path, state: Engine) -> None:
    """A lost or cut file is told, never taken for an empty memory: that would let repeats in."""
    receipts = Receipts(tmp_path / "receipts")
    note(receipts, state, keys("a", "b"), days(0, 0))
    [run] = runs(receipts, state)
    file = receipts.folder / run.file
    whole = file.read_bytes()
    for broken in (whole[:-1], b"x" + whole[1:], b""):
        file.write_bytes(broken)
        with pytest.raises(BrokenStore, match="receipts"):
            known(Receipts(receipts.folder), state, keys("a"), days(0))
    file.unlink()
    with pytest.raises(BrokenStore, match="missing"):
        known(Receipts(receipts.folder), state, keys("a"), days(0))
    file.write_bytes(whole[:32] + whole[40:48] + whole[32:40] + whole[48:])
    with pytest.raises(BrokenStore, match="damaged"):
        Receipts(receipts.folder).check([run])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 40), min_size=1, max_size=12)), max_size=20))
def test_receipts_are_a_plain_memory(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, set[int]]]
) -> None:
    """Over any days and merges, what is known is what a dictionary of id and day knows."""
    folder = tmp_path_factory.mktemp("receipts")
    state = open_state(state_url(folder))
    memory: dict[int, int] = {}
    today = 0
    least, block = module._LEAST, module._BLOCK  # noqa: SLF001 -- so small that there is much to merge
    module._LEAST, module._BLOCK = 2, 16  # type: ignore[misc]  # noqa: SLF001 -- likewise
    try:
        for later, numbers in told:
            today += 9 * later
            receipts = Receipts(folder)
            words = sorted(numbers)
            some = keys(*map(str, words))
            on = days(*[today] * len(words))
            expected = [memory.get(word, -99) >= today - KEPT_DAYS for word in words]
            assert known(receipts, state, some, on) == expected
            fresh = [not there for there in expected]
            if any(fresh):
                note(receipts, state, some.take(np.array(fresh)), on[fresh])
            memory |= {word: today for word, new in zip(words, fresh, strict=True) if new}
            change = receipts.settle(runs(receipts, state), DAY_ONE + today - KEPT_DAYS)
            apply(receipts, state, change)
    finally:
        module._LEAST, module._BLOCK = least, block  # type: ignore[misc]  # noqa: SLF001 -- likewise
        state.dispose()
