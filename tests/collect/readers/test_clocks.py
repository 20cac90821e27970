"""The law of clocks: one time of a document is read as a whole column of times is."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.moments import moments
from cxminute.collect.readers.facts import Around, Unfit
from cxminute.collect.readers.fields import instant

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata")
EDGES = (
    "2026-03-29T02:30:00",
    "2026-10-25T02:30:00",
    "2011-12-30T12:00:00",
    "0001-01-02T23:59:59",
    "0001-01-03T00:00:00",
    "9999-12-29T23:59:59.999",
    "9999-12-30T00:00:00",
    "2026-02-30T10:00:00",
    "2026-03-02T24:00:00",
    "2026-03-02T23:59:60",
    "2026-03-02",
    "2026-W10-1",
    "20260302T1000",
    "2026-03-02 10:00",
    "2026-03-02T10:00:00.1239999",
    "2026-03-02T10",
    "2026-3-2",
    "10:00",
    "yesterday",
)
"""Hours that a clock skips and shows twice, a day that it never had, both ends of the calendar, other spellings."""


def _alike(written: str, zone: str) -> None:
    column = moments(pa.array([written], pa.string()), (), zone).values.cast(pa.int64())[0].as_py()
    if column is None:
        with pytest.raises(Unfit, match="cannot be read as a time"):
            instant(written, "at", Around("ours", zone))
    else:
        assert instant(written, "at", Around("ours", zone)) == column, (written, zone)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("written", EDGES)
def test_a_time_at_an_edge_is_read_as_columns_are(written: str, zone: str) -> None:
    """Where clocks are set, where the calendar ends and where the spelling is rare, a field and a column agree."""
    _alike(written, zone)


@given(at=st.datetimes(), zone=st.sampled_from(ZONES), between=st.sampled_from("T "))
@settings(max_examples=200, deadline=None)
def test_a_time_without_an_offset_is_read_as_columns_are(at: datetime, zone: str, between: str) -> None:
    """Any time of any clock is the same instant in a field of a document and in a column of a file."""
    _alike(at.isoformat(between), zone)
