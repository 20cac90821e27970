"""Arithmetic of time: durations, ISO weeks, days of a zone. All instants are integer UTC milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cxminute.model.errors import BadData, BadDefinition

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
UNITS = {"second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK}

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)  # a day from either end of the
# calendar: what lies between is a date in every zone


def duration(text: str) -> int:
    """Milliseconds of '2 days', '1.5 hours', '30 minutes'; units in singular or plural, down to whole milliseconds."""
    found = _DURATION.fullmatch(text)
    unit = found and UNITS.get(found[2].lower().removesuffix("s"))
    if not found or not unit:
        raise BadDefinition(
            f"'{text}' is not a duration.", allowed="a number and seconds, minutes, hours, days or weeks"
        )
    return round(float(found[1]) * unit)


def said(milliseconds: int) -> str:
    """A duration as people say it: '2 days', '36 hours', '90 seconds'; in the largest unit that divides it."""
    for unit, size in reversed(UNITS.items()):
        if milliseconds >= size and milliseconds % size == 0:
            number = milliseconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    for unit, size in reversed(UNITS.items()):
        if milliseconds >= size:
            return f"{milliseconds / size:.1f} {unit}s"
    return f"{milliseconds / SECOND:g} seconds"


def zone_of(name: str) -> ZoneInfo:
    """The named zone, by the pinned rules of the tzdata package where the machine has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as fault:
        raise BadDefinition(f"'{name}' is not a time zone.", allowed="an IANA name such as Europe/London") from fault


def to_ms(moment: datetime) -> int:
    """An aware datetime as UTC milliseconds, cut, not rounded, below the millisecond."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """UTC milliseconds as an aware datetime in UTC; BadData outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as fault:
        raise _beyond_calendar(milliseconds) from fault


def day_start(day: date, zone: ZoneInfo) -> int:
    """The first millisecond of a day in a zone."""
    return to_ms(datetime.combine(day, time(), zone))


def day_of(milliseconds: int, zone: ZoneInfo) -> date:
    """The day on which an instant falls in a zone; BadData where that is outside the years 1 to 9999."""
    try:
        return from_ms(milliseconds).astimezone(zone).date()
    except OverflowError as fault:
        raise _beyond_calendar(milliseconds) from fault


def _beyond_calendar(milliseconds: int) -> BadData:
    return BadData(f"{milliseconds} ms since 1970 is no day of the calendar.", allowed="times in the years 1 to 9999")


def monday_of(week: str) -> date:
    """The Monday of an ISO week such as '2015-W07', which has a Monday before and after it: not 0001-W01, 9999-W52."""
    found = _WEEK.fullmatch(week)
    allowed = "a year and a week, such as 2015-W07"
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)  # type: ignore[index]  # None raises TypeError
    except (TypeError, ValueError) as fault:
        raise BadDefinition(f"'{week}' is not an ISO week.", allowed=allowed) from fault
    if not date.min + timedelta(weeks=1) <= monday <= date.max - timedelta(weeks=1):
        raise BadDefinition(f"'{week}' lies at the end of the calendar.", allowed=allowed)
    return monday


def week_of(day: date) -> str:
    """The ISO week of a day, such as '2015-W07'."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def instant(text: str, zone: ZoneInfo) -> int:
    """UTC milliseconds of an ISO 8601 date or time; without an offset read in `zone`, a bare date as its start.

    raises: BadDefinition for what is no time, or lies within a day of the ends of the calendar (the years 1 to 9999),
            where it is no date in some zone
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        raise BadDefinition(
            f"'{text}' is not a time.", allowed="ISO 8601, such as 2015-02-14 or 2015-02-14T08:30"
        ) from fault
    at = to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    if not to_ms(_FIRST) <= at < to_ms(_LAST):
        raise BadDefinition(f"'{text}' lies at the end of the calendar.", allowed="from 0001-01-02 to 9999-12-30, UTC")
    return at
