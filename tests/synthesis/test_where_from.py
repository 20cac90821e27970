"""Contributions add up to the change, and mix is told from rate."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.synthesis.change import watch
from cxminute.synthesis.contribution import REST, Part, contributions, leading
from cxminute.synthesis.weeks import Key, Weeks

WHOLE = Key("promise delivery", "late", "", "")
cell = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda pair: (min(pair), max(pair)))


def split(before: list[tuple[int, int]], now: list[tuple[int, int]], *, measure: str = "late") -> list[list[Part]]:
    """The contributions of parts given as (hits, n) before, eight weeks alike, and now; the last part has no value."""
    keys = [WHOLE._replace(measure=measure)]
    keys += [
        Key("promise delivery", measure, "properties.carrier", f"part {place}") for place in range(len(before) - 1)
    ]
    sides = np.array([[*[before] * 8, now]], float)[0]  # (week, part, 2)
    hits, n = np.zeros((len(keys), 9, 7)), np.zeros((len(keys), 9, 7))
    for side, table in ((0, hits), (1, n)):
        table[0, :, 0] = sides[:, :, side].sum(axis=1)
        table[1:, :, 0] = sides[:, :-1, side].T
    weeks = Weeks(tuple(keys), tuple(date.fromordinal(738_000 + 7 * w) for w in range(9)), hits, n, np.ones(7, bool))
    watched = watch(*weeks.sums(like_last=False), shares=weeks.shares, whole=weeks.whole)
    watched.base[:] = np.arange(9) < 8
    return contributions(weeks, watched, 0)


@given(st.lists(st.tuples(cell, cell), min_size=2, max_size=6))
def test_parts_add_up_to_the_change_of_a_share(cells: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Mix and rate of all parts, those without a value included, add up to the change, to the last digit."""
    before, now = [left for left, _ in cells], [right for _, right in cells]
    totals = [np.sum(side, axis=0) for side in (before, now)]
    if min(total[1] for total in totals) == 0:
        assert split(before, now) == []
        return
    change = totals[1][0] / totals[1][1] - totals[0][0] / totals[0][1]
    parts = [part for parts in split(before, now) for part in parts]
    if parts:
        assert sum(part.mix + part.rate for part in parts) == pytest.approx(change, abs=1e-12)
        assert sum(part.share for part in parts) == pytest.approx(1.0, abs=1e-6 / max(abs(change), 1e-6))
    else:
        assert change == pytest.approx(0, abs=1e-15)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=2, max_size=6))
def test_parts_add_up_to_the_change_of_a_count(counts: list[tuple[int, int]]) -> None:
    """What each part has more or less adds up to what the whole has."""
    before, now = ([(pair[side], pair[side]) for pair in counts] for side in (0, 1))
    parts = [part for parts in split(before, now, measure="volume") for part in parts]
    change = sum(pair[1] - pair[0] for pair in counts)
    assert sum(part.rate for part in parts) == pytest.approx(change)
    assert bool(parts) == bool(change)


def test_simpson_is_not_fooled() -> None:
    """Every part got better and the whole got worse: then the mix carries the change, and no part's rate does."""
    parts = split([(10, 100), (450, 900), (0, 0)], [(72, 900), (45, 100), (0, 0)])[0]
    assert {np.sign(part.rate) for part in parts if part.n} == {-1.0}
    better = split([(90, 900), (50, 100), (0, 0)], [(8, 100), (405, 900), (0, 0)])[0]
    assert all(part.rate < 0 for part in better)
    assert sum(part.mix for part in better) > 0.25


def test_more_of_the_same_is_no_mix() -> None:
    """Where one part grows and all are late alike, no part's weight explains anything; what is later than most does."""
    alike = split([(50, 500), (20, 200), (0, 0)], [(50, 500), (90, 900), (1, 1)])[0]
    assert all(abs(part.mix) < 0.001 for part in alike if part.value != REST)
    later = split([(50, 500), (100, 200), (0, 0)], [(50, 500), (450, 900), (0, 0)])[0]
    assert all(part.mix > 0.05 for part in later)


def test_the_one_part_that_moved_is_named_alone() -> None:
    """Where one carrier of three slips, it holds the change, and the others are not called its place."""
    parts = split([(30, 300), (30, 300), (30, 300), (0, 0)], [(32, 300), (120, 300), (29, 300), (0, 0)])[0]
    assert [part.value for part in leading(parts)] == ["part 1"]


def test_rows_without_a_value_are_a_part_too() -> None:
    """What moved where no value is given is not laid at the door of those that have one."""
    parts = split([(30, 300), (30, 300), (30, 300)], [(30, 300), (30, 300), (200, 300)])[0]
    assert parts[0].value == REST
    assert parts[0].share == pytest.approx(1.0, abs=1e-9)
