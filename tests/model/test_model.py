"""Words: durations, weeks, errors, and definition files with the lines of their faults."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxminute.model.definitions import Document
from cxminute.model.errors import BadData, BadDefinition, BadPattern, UnknownName
from cxminute.model.steps import Both, Comparison, Negation, paths_of
from cxminute.model.times import DAY, HOUR, day_of, duration, from_ms, instant, monday_of, said, to_ms, week_of


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


@given(st.dates(date(1, 1, 8), date(9999, 12, 26)))
def test_weeks_begin_on_their_monday(day: object) -> None:
    """The Monday of a day's ISO week is at most six days before it."""
    monday = monday_of(week_of(day))  # type: ignore[arg-type]  # hypothesis gives dates
    assert 0 <= (day - monday).days <= 6  # type: ignore[operator]  # likewise


def test_a_time_without_an_offset_is_read_in_the_zone() -> None:
    """08:30 in Boston in winter is 13:30 UTC."""
    assert from_ms(instant("2015-02-14T08:30", ZoneInfo("America/New_York"))).hour == 13


@pytest.mark.parametrize("week", ["9999-W52", "0001-W01", "0000-W10", "2015-W54", "2015-W7"])
def test_a_week_without_a_week_beside_it_is_refused(week: str) -> None:
    """At the ends of the calendar there is no next or last Monday: a fault with words, not an overflow later."""
    with pytest.raises(BadDefinition, match=week):
        monday_of(week)


@given(
    st.datetimes().map(lambda moment: moment.isoformat()) | st.dates().map(lambda day: day.isoformat()),
    st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Niue"]),
    st.sampled_from(["", "", "+23:59", "-23:59"]),
)
@example("0001-01-01", "Asia/Tokyo", "")
@example("9999-12-31T23:59:59", "America/New_York", "")
@example("0001-01-01T00:00", "UTC", "+23:59")
@example("9999-12-31T23:59", "UTC", "-23:59")
def test_an_instant_is_a_day_in_every_zone_or_refused(text: str, zone: str, offset: str) -> None:
    """What can be asked for can be shown anywhere: the ends of the calendar are refused where they are written."""
    try:
        at = instant(text + offset if "T" in text else text, ZoneInfo(zone))
    except BadDefinition as fault:
        assert "calendar" in fault.what  # noqa: PT017 -- most texts are no fault at all
        assert text[:7] in ("0001-01", "9999-12")
        return
    for other in ("Pacific/Kiritimati", "Pacific/Niue", zone):
        assert abs(day_of(at, ZoneInfo(other)) - date.fromisoformat(text[:10])).days <= 2


@pytest.mark.parametrize("at", [-62_135_596_800_000, 253_402_300_800_000, 10**18, -(10**18)])
def test_what_is_no_day_of_the_calendar_is_told(at: int) -> None:
    """Before the year 1 and after 9999, in the zone asked for, there is no day to name."""
    with pytest.raises(BadData, match="no day of the calendar"):
        day_of(at, ZoneInfo("America/New_York"))


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


@pytest.mark.parametrize("written", ["inf", "-inf", "nan", "+nan", "1" + "0" * 400])
def test_a_number_is_finite(written: str) -> None:
    """TOML can write infinity and nan: neither is a number that anything can be measured by; the fault has its line."""
    doc = Document("x.toml", f"\nsize = {written}\n")
    assert doc.number("size", 5, low=1) == 1
    assert [(fault.line, "finite" in fault.what) for fault in doc.faults] == [(2, True)]


def test_a_required_text_is_not_empty() -> None:
    """A name that is written and says nothing is a fault; what has a default may be empty."""
    doc = Document("x.toml", 'name = ""\nkind = ""\ntitle = " "\nnote = ""\nwindow = ""\n')
    assert (doc.text("name"), doc.text("kind", allowed=("blue", "red")), doc.text("title")) == ("", "", "")
    assert (doc.text("note", "none"), doc.parsed("window", duration)) == ("", None)
    assert [(fault.line, fault.what) for fault in doc.faults] == [
        (1, "'name' is empty."),
        (2, "'kind' is empty."),
        (3, "'title' is empty."),
        (5, "'window' is empty."),
    ]
