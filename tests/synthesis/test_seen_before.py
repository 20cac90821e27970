"""Once, pattern, trend: counted in independent times."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.synthesis.seen import episodes, grade


def times(distances: list[float]) -> int:
    """Episodes of a series that is news beyond four standard errors upwards."""
    distance = np.array(distances, float)
    return len(episodes(distance > 4, distance, 1.0))


def test_weeks_on_end_are_one_time() -> None:
    """A trouble that lasts three weeks was seen once."""
    assert times([0, 0, 6, 6, 6, 0]) == 1


def test_a_quiet_week_parts_two_times() -> None:
    """The same trouble after a quiet week was seen twice."""
    assert times([0, 6, 0.5, 6]) == 2


@pytest.mark.parametrize("between", [3.5, float("nan")])
def test_wavering_about_the_bar_is_one_time(between: float) -> None:
    """A week just below the bar, or one of which nothing is known, is not quiet: what surrounds it has one origin."""
    assert times([0, 6, between, 6]) == 1


def test_the_other_way_is_quiet() -> None:
    """A week that swung the other way ends the time."""
    assert times([0, 6, -3, 6]) == 2


@given(st.integers(-3, 50))
def test_trend_is_never_said_below_three(count: int) -> None:
    """Once is a fluke, twice a pattern, and only three independent times are a trend."""
    assert (grade(count) == "trend") == (count >= 3)
    assert (grade(count) == "pattern") == (count == 2)


@given(st.lists(st.sampled_from([0.0, 3.0, 6.0, -6.0, float("nan")]), max_size=30))
def test_times_are_parted_by_quiet_weeks(distances: list[float]) -> None:
    """Between any two times lies a week within two standard errors, or one on the other side."""
    distance = np.array(distances, float)
    found = episodes(distance > 4, distance, 1.0)
    for (_, end), (begin, _) in pairwise(found):
        assert any(not np.isnan(week) and week <= 2 for week in distance[end + 1 : begin])
