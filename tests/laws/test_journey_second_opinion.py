"""What ClickHouse says of the same events: the laws that another engine can judge."""

from __future__ import annotations

import pytest

pytest.importorskip("chdb", reason="chdb, the engine to compare with, is not installed")

from tests.laws.journey_second_opinion import check_levels, check_sequences


def test_levels_are_those_of_another_engines_funnel() -> None:
    """Without timing and under 'always', the furthest that a subject came is the level of ClickHouse's windowFunnel."""
    levels = set.union(*(check_levels(seed, 60) for seed in range(8)))
    assert {0, 1, 2, 3, 4} <= levels


def test_completions_are_those_of_another_engines_sequences() -> None:
    """Direct steps, groups, optional and timed ones: completed where sequenceMatch matches, as often as it counts."""
    answers = set.union(*(check_sequences(seed, 40) for seed in range(25)))
    assert {0, 1, 2} <= answers
