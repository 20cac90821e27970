"""Retention, lifecycle and stickiness: who came back, and what the active are made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.journeys.analyses import activity, lifecycle, retention, stickiness
from cxminute.journeys.analyses.periods import UNITS, Periods, Unit, periods
from cxminute.journeys.classes import read_only
from cxminute.model.errors import WrongUse
from cxminute.model.steps import Step
from cxminute.model.times import DAY, HOUR, to_ms
from tests.oracles.streams import Happened, ListStreams

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = to_ms(datetime(2024, 3, 25, tzinfo=BERLIN))
"""The last Monday before clocks went forward on 31 March 2024."""
CHANNEL = "properties.channel"

units = st.sampled_from(UNITS)
walks = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 60),
        st.integers(0, 23),
        st.sampled_from("ABC"),
        st.sampled_from(["web", "app", None]),
    ),
    min_size=1,
    max_size=30,
)  # fmt: skip -- subject, day, hour, name, channel


def _events(rows: list[Any]) -> list[Happened]:
    return [
        Happened(who, MONDAY + day * DAY + hour * HOUR, name, {CHANNEL: channel} if channel else {})
        for who, day, hour, name, channel in rows
    ]


def _log(rows: list[Any]) -> tuple[ListStreams, int, int]:
    streams = ListStreams(_events(rows), subjects=range(6))
    return streams, int(streams.times.min()), int(streams.times.max())


def _by_subject(events: list[Happened]) -> dict[int, list[Happened]]:
    found: dict[int, list[Happened]] = {}
    for event in sorted(events, key=lambda event: (event.subject, event.at)):
        found.setdefault(event.subject, []).append(event)
    return found


def _first_day(unit: Unit, at: int) -> date:
    day = datetime.fromtimestamp(at / 1000, UTC).astimezone(BERLIN).date()
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit]


@given(walks, units)
def test_periods_are_those_of_the_zone(rows: list[Any], unit: Unit) -> None:
    """Every moment lies in the period of its local day, also where clocks change; the last one is not yet over."""
    _, opens_at, closes_at = _log(rows)
    found = periods(unit, BERLIN, opens_at=opens_at, closes_at=closes_at)
    for at in (event.at for event in _events(rows)):
        place = np.searchsorted(found.bounds, at, side="right") - 1
        assert found.starts[place] == _first_day(unit, at)
    assert found.over(closes_at) == len(found) - (closes_at + 1 < found.bounds[-1])
    assert found.over(int(found.bounds[1]) - 1) == 1
    assert found.over(int(found.bounds[1]) - 2) == 0


@given(walks, units, st.integers(1, 4), st.booleans(), st.sampled_from(["A", "any"]), st.integers(0, 10))
@settings(max_examples=200, deadline=None)
def test_retention_is_what_one_would_count_by_hand(
    rows: list[Any],
    unit: Unit,
    most: int,
    split: bool,  # noqa: FBT001 -- drawn
    start: str,
    wait: int,
) -> None:
    """Each cell counts the subjects of its cohort seen again in that period; cells not over yet are null."""
    streams, opens_at, last = _log(rows)
    closes_at = last + wait * DAY
    spans = periods(unit, BERLIN, opens_at=opens_at, closes_at=closes_at)
    first, back = Step(start, kind="any" if start == "any" else "event"), Step("B")
    asked = retention.Asked(spans, most, first, back, CHANNEL if split else None)
    shown = retention.table(asked, retention.retain(asked, streams), closes_at=closes_at).to_pylist()
    cohorts: dict[tuple[Any, int], list[set[int]]] = {}
    for events in _by_subject(streams.events).values():
        starting = [place for place, event in enumerate(events) if first.covers(Step(event.name))]
        if starting:
            opening = events[starting[0]]
            cohort = spans.starts.index(_first_day(unit, opening.at))
            later = {
                spans.starts.index(_first_day(unit, e.at)) - cohort for e in events[starting[0] + 1 :] if e.name == "B"
            }
            cohorts.setdefault((opening.values.get(CHANNEL) if split else None, cohort), []).append(later | {0})
    expected = {}
    over = spans.over(closes_at)
    for (value, cohort), members in cohorts.items():
        for since in range(min(most, len(spans) - 1 - cohort) + 1):
            hits = sum(since in later for later in members)
            after = sum(max(later) >= since for later in members)
            seen = (hits, after) if cohort + since < over else (None, None)
            expected[value, spans.starts[cohort], since] = (len(members), *seen)
    found = {
        (row.get("value"), row["cohort"], row["period"]): (row["size"], row["returned"], row["on_or_after"])
        for row in shown
        if row["cohort"] is not None
    }
    assert found == expected
    for row in (row for row in shown if row["cohort"] is None):
        cells = [
            cell
            for (value, _, since), cell in expected.items()
            if value == row.get("value") and since == row["period"] and cell[1] is not None
        ]  # fmt: skip -- one condition
        assert (row["size"], row["returned"], row["on_or_after"]) == tuple(map(sum, zip(*cells, strict=True)))
        assert row["low"] <= row["share"] <= row["high"]


@given(walks, units)
@settings(max_examples=200, deadline=None)
def test_the_active_are_new_returning_or_resurrected(rows: list[Any], unit: Unit) -> None:
    """Everyone active is one of the three; whoever was active before is returning or dormant; by a count by hand."""
    streams, opens_at, closes_at = _log(rows)
    spans = periods(unit, BERLIN, opens_at=opens_at, closes_at=closes_at)
    shown = lifecycle.table(spans, lifecycle.live(spans, retention.ANY, streams), closes_at=closes_at).to_pylist()
    active = {
        subject: sorted({spans.starts.index(_first_day(unit, event.at)) for event in events})
        for subject, events in _by_subject(streams.events).items()
    }
    for place, row in enumerate(shown):
        here = {who for who, seen in active.items() if place in seen}
        before = {who for who, seen in active.items() if place - 1 in seen}
        new = {who for who in here if active[who][0] == place}
        assert row["new"] == len(new)
        assert row["returning"] == len(here & before)
        assert row["resurrected"] == len(here - before - new)
        assert row["active"] == len(here)
        assert row["complete"] == (place < spans.over(closes_at))
        assert row["dormant"] == (len(before - here) if row["complete"] else None)


@given(walks, st.sampled_from(["week", "month"]))
@settings(max_examples=200, deadline=None)
def test_stickiness_counts_days_of_activity(rows: list[Any], unit: Unit) -> None:
    """Days active by period are counted by hand; the daily average over the active is the stickiness."""
    streams, opens_at, closes_at = _log(rows)
    days, spans = (periods(u, BERLIN, opens_at=opens_at, closes_at=closes_at) for u in ("day", unit))
    asked = stickiness.Asked(days, spans, Step("A"))
    counts = stickiness.stick(asked, streams)
    expected: dict[tuple[date, int], int] = {}
    for events in _by_subject(streams.events).values():
        on: dict[date, set[date]] = {}
        for event in (event for event in events if event.name == "A"):
            on.setdefault(_first_day(unit, event.at), set()).add(_first_day("day", event.at))
        for start, dates in on.items():
            expected[start, len(dates)] = expected.get((start, len(dates)), 0) + 1
    told = stickiness.days_table(asked, counts, closes_at=closes_at).to_pylist()
    assert {(row["period"], row["days"]): row["subjects"] for row in told} == expected
    ends = [*spans.starts[1:], datetime.fromtimestamp(int(spans.bounds[-1]) / 1000, BERLIN).date()]
    for row, end in zip(stickiness.table(asked, counts, closes_at=closes_at).to_pylist(), ends, strict=True):
        cells = {days: count for (start, days), count in expected.items() if start == row["period"]}
        assert row["active"] == sum(cells.values())
        if closes_at + 1 < to_ms(datetime(end.year, end.month, end.day, tzinfo=BERLIN)):
            assert row["daily"] is None
        elif row["active"]:
            daily = sum(days * count for days, count in cells.items()) / (end - row["period"]).days
            assert row["daily"] == pytest.approx(daily)
            assert row["stickiness"] == pytest.approx(daily / row["active"])


@given(walks, units)
@settings(deadline=None)
def test_splitting_the_subjects_changes_no_count(rows: list[Any], unit: Unit) -> None:
    """Subject by subject, in any grouping, or all at once: the same tables."""
    streams, opens_at, closes_at = _log(rows)
    spans = periods(unit, UTC_ZONE, opens_at=opens_at, closes_at=closes_at)
    alone = [ListStreams([event for event in streams.events if event.subject == who]) for who in range(5)]
    asked = retention.Asked(spans, 3, by=CHANNEL)
    whole = retention.table(asked, retention.retain(asked, streams), closes_at=closes_at)
    parts = [retention.retain(asked, part) for part in alone]
    for found in (retention.merged(asked, parts), reduce(lambda a, b: b + a, parts)):
        assert retention.table(asked, found, closes_at=closes_at).equals(whole)
    counts = [lifecycle.live(spans, retention.ANY, part) for part in alone]
    assert (lifecycle.merged(spans, counts) == lifecycle.live(spans, retention.ANY, streams)).all()
    assert (reduce(add, counts) == lifecycle.merged(spans, counts)).all()


UTC_ZONE = ZoneInfo("UTC")


@given(walks, units)
@settings(deadline=None, max_examples=50)
def test_kernels_of_activity_do_what_their_python_does(rows: list[Any], unit: Unit) -> None:
    """Compiled and plain, each kernel gives the same."""
    streams, opens_at, closes_at = _log(rows)
    spans = periods(unit, BERLIN, opens_at=opens_at, closes_at=closes_at)
    offsets, times = read_only(streams.offsets), read_only(streams.times)
    flags = streams.matches(Step("A"))
    begun = activity.begun(offsets, flags)
    groups = np.arange(begun.size) % 2
    of_day = np.arange(len(spans)) // 7
    for kernel, plain, asked in [
        (activity.begun, activity._begun, (offsets, flags)),  # noqa: SLF001 -- the kernel's own Python
        (activity.retained, activity._retained, (offsets, times, begun, flags, spans.bounds, groups, 2)),  # noqa: SLF001 -- as above
        (activity.lifecycle, activity._lifecycle, (offsets, times, flags, spans.bounds)),  # noqa: SLF001 -- as above
        (activity.days_active, activity._days_active, (offsets, times, flags, spans.bounds, of_day)),  # noqa: SLF001 -- as above
    ]:
        with patch.object(activity, "period", activity._period):  # noqa: SLF001 -- as above
            plainly = plain(*asked)  # type: ignore[operator]  # of several signatures
        assert np.array_equal(np.concatenate([kernel(*asked)]), np.concatenate([plainly]))  # type: ignore[operator]  # as above
    assert activity.period(spans.bounds, int(times[0])) == activity._period(spans.bounds, int(times[0]))  # noqa: SLF001 -- as above


def _few(unit: Unit = "week") -> Periods:
    return periods(unit, BERLIN, opens_at=MONDAY, closes_at=MONDAY + 20 * DAY)


@pytest.mark.parametrize(
    ("asking", "said"),
    [
        (lambda: periods("year", BERLIN, opens_at=0, closes_at=1), "day, week, month"),  # type: ignore[arg-type]  # that is the fault
        (lambda: periods("day", BERLIN, opens_at=0, closes_at=30_000 * DAY), "more than 20,000 days"),
        (lambda: retention.Asked(_few(), 0), "1 period or more"),
        (lambda: stickiness.Asked(_few("day"), _few("day"), retention.ANY), "week, month"),
        (lambda: lifecycle.live(_few(), retention.ANY, ListStreams([Happened(1, 0, "A")])), "outside the weeks"),
    ],
)
def test_what_cannot_be_counted_is_refused(asking: Callable[[], object], said: str) -> None:
    """With what can be."""
    with pytest.raises(WrongUse, match=said):
        asking()


def test_nobody_at_all_gives_empty_counts() -> None:
    """No bucket, no subject: every period is there, with nobody in it."""
    spans = _few()
    asked = retention.Asked(spans, 2)
    assert retention.table(asked, retention.merged(asked, []), closes_at=MONDAY).num_rows == 0
    assert lifecycle.table(spans, lifecycle.merged(spans, []), closes_at=MONDAY)["active"].to_pylist() == [0, 0, 0]
    sticky = stickiness.Asked(_few("day"), spans, retention.ANY)
    nobody = stickiness.merged(sticky, [])
    assert stickiness.table(sticky, nobody, closes_at=MONDAY + 20 * DAY)["stickiness"].null_count == 3
    assert stickiness.days_table(sticky, nobody, closes_at=MONDAY).num_rows == 0


def test_boundaries_are_local_midnights_across_a_change_of_clocks() -> None:
    """A Sunday of 23 hours ends its week an hour early; what happens then belongs to Monday."""
    spans = _few()
    assert [int(gap) // HOUR for gap in np.diff(spans.bounds)] == [167, 168, 168]
    before, after = MONDAY + 7 * DAY - HOUR - 1, MONDAY + 7 * DAY - HOUR
    streams = ListStreams(
        [Happened(1, MONDAY, "A"), Happened(1, before, "A"), Happened(2, MONDAY, "A"), Happened(2, after, "A")]
    )
    counts = lifecycle.live(spans, retention.ANY, streams)
    assert counts[1].tolist() == [0, 1, 0, 1]
    assert all(b > a for a, b in pairwise(spans.bounds.tolist()))
