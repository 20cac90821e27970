"""Times as people write them mean one instant each: by offset, by zone, by format, by epoch."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect.moments import moments
from cxminute.collect.zones import instants
from cxminute.model.times import to_ms

ZONES = ("UTC", "America/New_York", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca")
CLOCKS = st.datetimes(datetime(1902, 1, 1), datetime(2036, 12, 31))  # noqa: DTZ001 -- clocks on a wall have no zone


def told(column: pa.Array | list[object], zone: str = "UTC", times: tuple[str, ...] = ()) -> list[str | None]:
    """ISO text of each instant; 'bad' where the cell is no time."""
    array = column if isinstance(column, pa.Array) else pa.array(column)
    read = moments(array, times, zone)
    bad = read.faults.get("bad_time", np.zeros(len(array), dtype=np.bool_))
    found = [None if value is None else value.isoformat().replace("+00:00", "Z") for value in read.values.to_pylist()]
    return ["bad" if wrong else value for wrong, value in zip(bad, found, strict=True)]


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2015-02-14T08:30:00Z", "2015-02-14T08:30:00Z"),
        ("2015-02-14 08:30", "2015-02-14T13:30:00Z"),
        ("2015-02-14", "2015-02-14T05:00:00Z"),
        ("2015-02-14T08:30:00+02:00", "2015-02-14T06:30:00Z"),
        ("2015-02-14T08:30:00.123999", "2015-02-14T13:30:00.123000Z"),
        (" 2015-02-14 08:30 ", "2015-02-14T13:30:00Z"),
        ("2015-02-29", "bad"),
        ("2015-13-01", "bad"),
        ("2015-02-14 25:00", "bad"),
        ("14.02.2015", "bad"),
        ("tomorrow", "bad"),
        ("1423902600", "bad"),
        ("", None),
        (None, None),
    ],
)
def test_iso_8601_is_read_with_and_without_an_offset(cell: str | None, instant: str | None) -> None:
    """An offset counts; without one the zone's clock was read; days that no calendar has are faults."""
    assert told(pa.array([cell, "2015-01-01 00:00"], pa.string()), "America/New_York")[0] == instant


def test_declared_formats_are_read_beside_iso() -> None:
    """A format of the source is tried first, and ISO 8601 still counts."""
    cells = ["24.12.2015 18:00", "2015-12-24T18:00", "32.12.2015 18:00"]
    assert told(pa.array(cells), "Europe/Berlin", ("%d.%m.%Y %H:%M",)) == [
        "2015-12-24T17:00:00Z",
        "2015-12-24T17:00:00Z",
        "bad",
    ]


def test_epochs_are_read_as_numbers_and_as_text() -> None:
    """Seconds and milliseconds since 1970, cut to whole milliseconds; without being declared, a number is no time."""
    for cells in (pa.array([1.5, None]), pa.array(["1.5", ""])):
        assert told(cells, times=("epoch seconds",)) == ["1970-01-01T00:00:01.500000Z", None]
    assert told(pa.array([1500]), times=("epoch milliseconds",)) == ["1970-01-01T00:00:01.500000Z"]
    assert told(pa.array([-1]), times=("epoch milliseconds",)) == ["1969-12-31T23:59:59.999000Z"]
    assert told(pa.array([1500])) == ["bad"]
    assert told(pa.array([10**18, 10**15 - 1]), times=("epoch seconds",)) == ["bad", "bad"]


def test_typed_times_are_cut_to_milliseconds() -> None:
    """Timestamps of any unit, with and without a zone, and dates."""
    stamp = datetime(2015, 7, 1, 12, 0, 0, 999_999)  # noqa: DTZ001 -- naive on purpose
    for unit in ("us", "ns"):
        cells = pa.array([stamp, None], pa.timestamp(unit))
        assert told(cells, "Europe/London") == ["2015-07-01T11:00:00.999000Z", None]
    assert told(pa.array([-1], pa.timestamp("us"))) == ["1969-12-31T23:59:59.999000Z"]
    zoned = pa.array([datetime(2015, 7, 1, 12, tzinfo=UTC)], pa.timestamp("s", "America/New_York"))
    assert told(zoned, "Asia/Tokyo") == ["2015-07-01T12:00:00Z"]
    assert told(pa.array([date(2015, 7, 1)]), "Europe/London") == ["2015-06-30T23:00:00Z"]


def test_an_hour_that_comes_twice_is_its_first() -> None:
    """When clocks go back, 01:30 is read as the earlier of the two."""
    assert told(["2015-11-01 01:30", "2015-11-01 02:00"], "America/New_York") == [
        "2015-11-01T05:30:00Z",
        "2015-11-01T07:00:00Z",
    ]


def test_an_hour_that_never_was_is_the_moment_of_the_change() -> None:
    """When clocks go forward, what was written for the skipped hour keeps its order."""
    cells = ["2015-03-08 01:59", "2015-03-08 02:30", "2015-03-08 03:00", "2015-03-08 03:01"]
    assert told(cells, "America/New_York") == [
        "2015-03-08T06:59:00Z",
        "2015-03-08T07:00:00Z",
        "2015-03-08T07:00:00Z",
        "2015-03-08T07:01:00Z",
    ]


@given(st.lists(CLOCKS, min_size=1, max_size=20), st.sampled_from(ZONES))
def test_clocks_are_read_as_the_zone_database_says(clocks: list[datetime], name: str) -> None:
    """Whole columns at once give what reading each clock by itself gives; skipped hours apart."""
    zone = ZoneInfo(name)
    local = np.array([to_ms(clock.replace(tzinfo=UTC)) for clock in clocks], dtype=np.int64)
    for clock, moment in zip(clocks, instants(local, zone).tolist(), strict=True):
        single = clock.replace(tzinfo=zone)
        if single.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == clock:
            assert moment == to_ms(single)


@given(st.lists(CLOCKS, min_size=2, max_size=20), st.sampled_from(ZONES))
def test_a_later_clock_is_never_read_as_an_earlier_instant(clocks: list[datetime], name: str) -> None:
    """Reading clocks keeps their order, over hours skipped and hours that come twice."""
    local = np.sort(np.array([to_ms(clock.replace(tzinfo=UTC)) for clock in clocks], dtype=np.int64))
    made = instants(local, ZoneInfo(name))
    assert (np.diff(made) >= 0).all()


@given(st.sampled_from(ZONES), st.integers(1971, 2036))
def test_bounds_of_the_calendar_do_not_break_a_file(name: str, year: int) -> None:
    """A clock that says year 1 or 9999 is read or refused, and harms no other row."""
    cells = ["0001-01-01", "9999-12-31T23:59", f"{year}-06-01T00:00:00Z"]
    assert told(cells, name)[2] == f"{year}-06-01T00:00:00Z"
    assert told(["0001-01-01", "9999-12-31T23:59"], name) == ["bad", "bad"]
