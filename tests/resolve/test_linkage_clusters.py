"""Groups of records under the limits of one person, and how right a linkage is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.resolve.linkage.accuracy import accuracy, pairs_of
from cxminute.resolve.linkage.clusters import APART, Clusters, cluster

Pairs = list[tuple[int, int]]
PAIRS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), max_size=14, unique=True
)


def grouped(pairs: Pairs, users: list[int], apart: Pairs) -> Clusters:
    """The groups of pairs where a person has one user_id, and some are held apart."""
    a, b = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    owned = {"user_id": np.array(users, np.int64)}
    return cluster(a, b, owned=owned, most={"user_id": 1, "email": 0}, apart=apart)


def plain(pairs: Pairs, users: list[int], apart: Pairs) -> tuple[dict[int, int], dict[tuple[int, int], str]]:
    """The same, one pair after the other, with sets."""
    groups = {record: {record} for pair in pairs for record in pair}
    held = {}
    for a, b in pairs:
        both = groups[a] | groups[b]
        if groups[a] is groups[b]:
            continue
        counts = [sum(users.count(record) for record in some) for some in (groups[a], groups[b])]
        if sum(counts) > max(1, *counts):
            held[a, b] = "user_id"
        elif any(one in both and other in both for one, other in apart):
            held[a, b] = APART
        else:
            for record in both:
                groups[record] = both
    return {record: min(group) for record, group in groups.items()}, held


@given(PAIRS, st.lists(st.integers(0, 9), max_size=5), PAIRS)
def test_groups_keep_to_the_limits_of_a_person(pairs: Pairs, users: list[int], apart: Pairs) -> None:
    """The heaviest pair first; one that would add a user id to one, or join what is held apart, is held back."""
    pairs = [pair for pair in pairs if pair not in apart]
    groups, held = plain(pairs, users, apart)
    found = grouped(pairs, users, apart)
    assert dict(zip(found.records.tolist(), found.groups.tolist(), strict=True)) == groups
    assert found.held == held


def test_a_bad_pair_does_not_hold_back_the_good() -> None:
    """Two users whom a third record is like: the heavier pair is taken, the other is held back, with the kind."""
    found = grouped([(1, 3), (2, 3), (3, 4)], [1, 2], [])
    assert found.held == {(2, 3): "user_id"}
    assert (found.sizes.tolist(), found.largest) == ([3], 3)
    assert cluster(np.zeros(0, np.int64), np.zeros(0, np.int64)).largest == 1


def test_who_has_more_already_may_be_found_elsewhere() -> None:
    """Somebody with a former name has two user ids: a visitor may be the same, another who has one may not."""
    found = grouped([(1, 3), (1, 2)], [1, 1, 2], [])
    assert found.held == {(1, 2): "user_id"}
    assert found.groups.tolist() == [1, 2, 1]


def test_precision_and_recall_are_those_of_pairs() -> None:
    """Two of three found are right, of four true: precision 2/3, recall 1/2, F1 4/7; what nobody judged is left out."""
    weighed = [(1, 2, 9.0), (3, 1, 5.0), (4, 5, 5.0), (8, 9, 1.0)]
    (found, heavier) = accuracy(weighed, pairs_of([[1, 2, 3], [8, 9]]), [5.0, 9.0])
    assert (found.precision, found.recall) == (2 / 3, 2 / 4)
    assert found.f1 == pytest.approx(4 / 7)
    assert (heavier.found, heavier.right) == (1, 1)
    (judged,) = accuracy(weighed, {(1, 2)}, [0.0], false={(1, 3)})
    assert (judged.found, judged.right) == (2, 1)
    (none,) = accuracy([], set(), [0.0])
    assert all(math.isnan(figure) for figure in (none.precision, none.recall, none.f1))
