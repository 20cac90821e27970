"""Words: durations, weeks, errors, and definition files with the lines of their faults."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BadPattern, UnknownName
from cxminute.model.steps import Both, Comparison, Negation, paths_of
from cxminute.model.times import DAY, HOUR, duration, from_ms, instant, monday_of, said, to_ms, week_of


@given(st.integers(1, 10_000), st.sampled_from(["second", "minute", "hour", "day", "week"]))
def test_a_duration_reads_back_as_it_is_said(number: int, unit: str) -> None:
    """What `said` says, `duration` reads."""
    length = duration(f"{number} {unit}s")
    assert duration(said(length)) == length


@pytest.mark.parametrize("text", ["", "soon", "2", "2 months", "-1 day", "1 day 2 hours"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Months vary in length; a number without a unit says nothing."""
    with pytest.raises(BadDefinition, match="not a duration"):
        duration(text)


def test_fractions_of_a_unit_are_whole_milliseconds() -> None:
    """1.5 hours are 90 minutes."""
    assert duration("1.5 hours") == 1.5 * HOUR
    assert duration("2 weeks") == 14 * DAY


@given(st.integers(-(10**13), 10**13))
def test_instants_survive_the_way_to_datetimes_and_back(at: int) -> None:
    """No millisecond is lost."""
    assert to_ms(from_ms(at)) == at


@given(st.dates())
def test_weeks_begin_on_their_monday(day: object) -> None:
    """The Monday of a day's ISO week is at most six days before it."""
    monday = monday_of(week_of(day))  # type: ignore[arg-type]  # hypothesis gives dates
    assert 0 <= (day - monday).days <= 6  # type: ignore[operator]  # likewise


def test_a_time_without_an_offset_is_read_in_the_zone() -> None:
    """08:30 in Boston in winter is 13:30 UTC."""
    assert from_ms(instant("2015-02-14T08:30", ZoneInfo("America/New_York"))).hour == 13


def test_a_fault_says_where_what_and_the_nearest_name() -> None:
    """One text with place, fault, nearest name, what is allowed and what happens next."""
    fault = UnknownName("source", "bosten", ["boston-311", "shop"], file="a.toml", line=3, then="Nothing changed.")
    assert str(fault) == (
        "a.toml:3: There is no source 'bosten'. Did you mean 'boston-311'? Allowed: boston-311, shop. Nothing changed."
    )
    assert fault.nearest == "boston-311"


def test_a_bad_pattern_points_at_its_place() -> None:
    """A caret stands under the column."""
    assert str(BadPattern("Expected a step.", text="a -> -> b", column=6)).splitlines()[1:] == [
        "  a -> -> b",
        "       ^",
    ]


def test_a_condition_names_each_path_once() -> None:
    """Paths come in order of appearance."""
    a, b = Comparison("properties.a", "present"), Comparison("properties.b", "=", (1.0,))
    assert paths_of(Both((b, Negation(a), b))) == ("properties.b", "properties.a")


def test_one_is_not_true() -> None:
    """Two conditions are the same only if their literals are of the same type; Python itself has 1 == True."""
    one, true = Comparison("properties.a", "=", (1.0,)), Comparison("properties.a", "=", (True,))
    assert one != true
    assert len({one, true, Comparison("properties.a", "=", (1.0,))}) == 2


def test_a_definition_tells_all_its_faults_with_their_lines() -> None:
    """Missing keys, wrong types, unknown keys and unknown choices are found in one reading."""
    doc = Document("x.toml", 'nam = "a"\nsize = "big"\nkind = "blu"\n\n[[events]]\nat = 3\n')
    assert (doc.text("name"), doc.number("size")) == ("", 0.0)
    doc.text("kind", allowed=("blue", "red"))
    [event] = doc.sections("events")
    assert event.text("at") == ""
    event.done()
    doc.done()
    assert [(fault.line, fault.nearest) for fault in doc.faults] == [
        (1, None),
        (2, None),
        (3, "blue"),
        (6, None),
        (1, "name"),
    ]


def test_a_file_that_is_not_toml_is_one_fault() -> None:
    """The line of the mistake is named, and missing keys are not complained of as well."""
    doc = Document("x.toml", 'name = "a"\nper = \n')
    doc.text("name")
    doc.done()
    assert [fault.line for fault in doc.faults] == [2]
