"""Days of a zone, for many instants at once, as the calendar on the wall has them."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxminute.balance.cells import crossed, distinct
from cxminute.balance.days import days_of, mondays_of, to_date
from cxminute.model.times import DAY, day_of, week_of
from tests.balance.ledgers import at

ZONES = ["UTC", "America/New_York", "Asia/Tokyo", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"]
INSTANTS = st.integers(at("1990-01-01T00:00"), at("2037-12-31T00:00"))


@given(st.lists(INSTANTS, max_size=20), st.sampled_from(ZONES))
@example([at("2011-12-30T09:59:59.999"), at("2011-12-30T10:00")], "Pacific/Apia")  # a day that Samoa skipped
@example([at("2013-10-20T02:59:59.999"), at("2013-10-20T03:00")], "America/Sao_Paulo")  # no midnight on that day
def test_each_instant_falls_on_its_day(instants: list[int], zone: str) -> None:
    """Many at once fall on the same days as one by one."""
    days = days_of(np.array(instants, dtype=np.int64), ZoneInfo(zone))
    assert [to_date(int(day)) for day in days] == [day_of(instant, ZoneInfo(zone)) for instant in instants]


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)))
def test_weeks_begin_on_monday(day: date) -> None:
    """The Monday of a day is a Monday of the same ISO week."""
    (monday,) = mondays_of(np.array([day.toordinal() - date(1970, 1, 1).toordinal()]))
    assert to_date(int(monday)).weekday() == 0
    assert week_of(to_date(int(monday))) == week_of(day)


@pytest.mark.parametrize("year", ["0001-01-01T00:00", "9999-12-31T23:00"])
def test_dates_beyond_reason_cost_nothing(year: str) -> None:
    """A due time at the end of the calendar stands beside others without a fault."""
    days = days_of(np.array([at(year), at("2015-02-10T12:00")]), ZoneInfo("America/New_York"))
    assert to_date(int(days[1])) == date(2015, 2, 10)
    assert abs(int(days[0]) - at(year) // DAY) <= 1


NUMBERS = st.lists(st.integers(-50, 50) | st.integers(-(10**12), 10**12), max_size=30)


@given(NUMBERS)
def test_distinct_finds_each_number_once(numbers: list[int]) -> None:
    """Ascending, each once, and every entry finds its own again, however far apart they lie."""
    found, place = distinct(np.array(numbers, dtype=np.int64))
    assert found.tolist() == sorted(set(numbers))
    assert found[place].tolist() == numbers


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-40_000, 40_000)), max_size=30))
def test_crossed_finds_each_pair_once(pairs: list[tuple[int, int]]) -> None:
    """Pairs of a group and a day come in order, each once, and every entry finds its own again."""
    group, number = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    groups, numbers, place = crossed(group, number)
    found = list(zip(groups.tolist(), numbers.tolist(), strict=True))
    assert found == sorted(set(pairs))
    assert [found[each] for each in place] == pairs
