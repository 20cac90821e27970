"""Small cells: no count below the smallest is shown, and none can be worked out from those that are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from cxminute.privacy.cells import Sum, suppress

SMALLEST = 5
tables = st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=2, max_size=4)


def crossed(table: Sequence[Sequence[int]]) -> tuple[list[int], list[Sum]]:
    """A table with the totals of its rows, of its columns, and of all."""
    rows, columns = len(table), len(table[0])
    cells = [count for row in table for count in row]
    by_row = [sum(row) for row in table]
    by_column = [sum(row[place] for row in table) for place in range(columns)]
    counts = [*cells, *by_row, *by_column, sum(cells)]
    first, second, last = rows * columns, rows * columns + rows, len(counts) - 1
    sums: list[Sum] = [(first + row, range(row * columns, (row + 1) * columns)) for row in range(rows)]
    sums += [(second + column, range(column, rows * columns, columns)) for column in range(columns)]
    sums += [(last, range(first, second)), (last, range(second, last))]
    return counts, sums


def most(place: int, counts: Sequence[int], sums: Sequence[Sum], hidden: NDArray[np.bool_]) -> float:
    """The largest that a hidden count can be, as far as one who sees all else can tell; nought was shown."""
    ties = np.zeros((len(sums), len(counts)))
    for number, (total, parts) in enumerate(sums):
        ties[number, total] = 1
        ties[number, list(parts)] -= 1
    bounds = [(0, None) if gone else (count, count) for count, gone in zip(counts, hidden, strict=True)]
    aim = np.zeros(len(counts))
    aim[place] = -1
    found = linprog(aim, A_eq=ties, b_eq=np.zeros(len(sums)), bounds=bounds)
    return float("inf") if found.status == 3 else -float(found.fun)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_no_hidden_count_of_a_table_with_totals_can_be_told_to_be_small(table: list[list[int]]) -> None:
    """Whoever sees what is shown, with the totals of rows and columns, must allow that each hidden one is large."""
    counts, sums = crossed(table)
    hidden = suppress(counts, sums, SMALLEST)
    shown = [count for count, gone in zip(counts, hidden, strict=True) if not gone]
    assert not [count for count in shown if 0 < count < SMALLEST]
    for place in np.flatnonzero(hidden).tolist():
        assert most(place, counts, sums, hidden) >= SMALLEST - 1e-6


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4), st.booleans())
def test_every_hidden_group_may_be_large_in_one_and_the_same_world(groups: list[int], shown: bool) -> None:  # noqa: FBT001 -- drawn
    """Counted out: some whole numbers agree with all that is shown, and none of the hidden ones is small."""
    counts, sums = ([*groups, sum(groups)], [(len(groups), range(len(groups)))]) if shown else (groups, [])
    hidden = suppress(counts, sums, 3)
    worlds = product(
        *(range(40) if gone else (count,) for count, gone in zip(counts[: len(groups)], hidden, strict=False))
    )
    total = [sum(groups)] if shown and not hidden[-1] else None
    assert any(
        (total is None or [sum(world)] == total)
        and all(count >= 3 for count, gone in zip(world, hidden, strict=False) if gone)
        for world in worlds
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_hierarchy_tells_of_nothing_small_on_any_level(tree: list[list[int]]) -> None:
    """Total, groups, and their groups: what is hidden below cannot be had from above."""
    leaves = [count for group in tree for count in group]
    groups = [sum(group) for group in tree]
    counts = [*leaves, *groups, sum(groups)]
    starts = np.cumsum([0, *(len(group) for group in tree)]).tolist()
    sums: list[Sum] = [(len(leaves) + place, range(starts[place], starts[place + 1])) for place in range(len(tree))]
    sums.append((len(counts) - 1, range(len(leaves), len(counts) - 1)))
    hidden = suppress(counts, sums, SMALLEST)
    for place in np.flatnonzero(hidden).tolist():
        assert most(place, counts, sums, hidden) >= SMALLEST - 1e-6


@pytest.mark.parametrize(
    ("counts", "gone"),
    [
        ([3, 7, 20, 30], [True, True, False, False]),  # with the next smallest, neither is known
        ([3, 0, 0, 3], [True, False, False, True]),  # nobody is no group; the total is small itself
        ([2, 2, 2, 6], [True, True, True, True]),  # even together they are too few to be hidden under a total
        ([10, 20, 30], [False, False, False]),
    ],
)
def test_the_smallest_that_will_do_goes_with_it(counts: list[int], gone: list[bool]) -> None:
    """One group that is too small takes the next smallest along; where nothing is small nothing is hidden."""
    assert suppress(counts, [(len(counts) - 1, range(len(counts) - 1))], SMALLEST).tolist() == gone


def test_a_share_and_what_it_is_of_tell_of_the_others() -> None:
    """Of 100 of whom 98 came back, two did not: so it is not told how many came back, nor of how many."""
    hidden = suppress([100, 98, 2], [(0, [1, 2])], SMALLEST)
    assert hidden[2]
    assert hidden[0] or hidden[1]


def test_many_orders_of_one_customer_are_one_customers() -> None:
    """A count that is large and of too few people is hidden, and cannot be had by subtraction either."""
    counts, sums = [20, 40, 60], [(2, [0, 1])]
    assert suppress(counts, sums, SMALLEST).tolist() == [False, False, False]
    hidden = suppress(counts, sums, SMALLEST, few={0})
    assert hidden[0]
    assert most(0, counts, sums, hidden) >= 20 + SMALLEST


def test_where_no_contract_asks_for_it_nothing_is_hidden() -> None:
    """The smallest group is one: every count is shown."""
    counts, sums = crossed([[1, 2, 3], [0, 1, 9]])
    assert not suppress(counts, sums, 1).any()


def test_each_source_has_a_smallest_of_its_own() -> None:
    """One contract's groups may be smaller than another's."""
    assert suppress([4, 4, 50], [], [5, 1, 5]).tolist() == [True, False, False]


def test_counts_that_do_not_add_up_are_refused() -> None:
    """A total that is none is a fault of whoever counts, and hides nothing by accident."""
    with pytest.raises(ValueError, match="do not add up"):
        suppress([1, 2, 4], [(2, [0, 1])], SMALLEST)
