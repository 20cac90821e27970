"""How far passages came, how they ended, how long it took."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from cxminute.journeys.analyses.funnel import COUNTS, endings, funnel, times
from cxminute.journeys.analyses.intervals import Clusters
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.find import find
from cxminute.journeys.furthest import is_plain
from cxminute.journeys.language import journey
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.errors import UnknownName
from cxminute.model.tables import ENDINGS
from cxminute.model.times import DAY, HOUR
from tests.oracles.journey_walks import PATH, definitions, people, streams_of
from tests.oracles.journeys_reference import Event
from tests.oracles.streams import Happened, ListStreams

PLAN = compile_plan(journey("seen: A -> B -> done: C", window="1 day", unless=("X",)))
CHANNEL = "properties.channel"


def _passages(plan: Plan = PLAN) -> pa.Table:
    """Subject 1: completed after 1 and 3 hours. 2: broken at B after 2 hours, then open. 3: expired. 4: open at B."""
    told = [
        (1, 0, "A", "web"),
        (1, HOUR, "B", None),
        (1, 4 * HOUR, "C", None),
        (2, 0, "A", "web"),
        (2, 2 * HOUR, "B", None),
        (2, 3 * HOUR, "X", None),
        (2, 5 * DAY, "A", "phone"),
        (3, 0, "A", None),
        (4, 5 * DAY, "A", "phone"),
        (4, 5 * DAY + 3 * HOUR, "B", None),
    ]  # fmt: skip -- one line a subject
    events = [Happened(subject, at, name, {CHANNEL: channel} if channel else {}) for subject, at, name, channel in told]
    return find(plan, ListStreams(events), opens_at=0, closes_at=5 * DAY + 4 * HOUR, dimensions=(CHANNEL,))


def _rows(table: pa.Table, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in table.to_pylist()]


def test_each_step_tells_who_reached_it_and_what_became_of_those_it_was_the_last_of() -> None:
    """Reached counts down the funnel; the endings beside a step are those of passages that came no further."""
    assert _rows(funnel(_passages(), PLAN), "step", "label", "reached", *ENDINGS) == [
        (1, "seen", 5, 0, 0, 1, 1),
        (2, "B", 3, 0, 1, 0, 1),
        (3, "done", 1, 1, 0, 0, 0),
    ]


def test_times_are_from_the_step_before() -> None:
    """Median and p90 are over the passages that reached both steps; the first step has none."""
    rows = _rows(funnel(_passages(), PLAN), "median_ms", "p90_ms")
    assert all(math.isnan(number) for number in rows[0])
    assert rows[1] == (2 * HOUR, pytest.approx(2.8 * HOUR))
    assert rows[2] == (3 * HOUR, 3 * HOUR)


def test_a_dimension_splits_by_the_opening_event() -> None:
    """Groups come largest first, those without a value as null."""
    rows = _rows(funnel(_passages(), PLAN, by=CHANNEL), "value", "step", "reached")
    assert rows == [
        ("phone", 1, 2),
        ("phone", 2, 1),
        ("phone", 3, 0),
        ("web", 1, 2),
        ("web", 2, 2),
        ("web", 3, 1),
        (None, 1, 1),
        (None, 2, 0),
        (None, 3, 0),
    ]  # fmt: skip -- one line a group


def test_counting_subjects_takes_of_each_the_passage_that_came_furthest() -> None:
    """A person who tried twice counts once, with the better try."""
    assert _rows(funnel(_passages(), PLAN, count="subjects"), "reached", *ENDINGS) == [
        (4, 0, 0, 1, 0),
        (3, 0, 1, 0, 1),
        (1, 1, 0, 0, 0),
    ]


def test_open_passages_are_neither_won_nor_lost() -> None:
    """The completed share is of those that ended."""
    ((opened, completed, broken, expired, still_open, share),) = _rows(
        endings(_passages()), "opened", *ENDINGS, "share"
    )
    assert (opened, completed, broken, expired, still_open) == (5, 1, 1, 1, 2)
    assert share == pytest.approx(1 / 3)
    phone = _rows(endings(_passages(), by=CHANNEL), "value", "opened", "share", "low", "high")[0]
    assert phone[:2] == ("phone", 2)
    assert math.isnan(phone[2])
    assert phone[3:] == (0.0, 1.0)


def test_times_to_each_ending_leave_out_what_is_open() -> None:
    """From opening to ending, for endings that occurred."""
    assert _rows(times(_passages()), "ending", "passages", "median_ms") == [
        ("completed", 1, 4 * HOUR),
        ("broken", 1, 3 * HOUR),
        ("expired", 1, DAY),
    ]
    assert _rows(times(_passages(), by=CHANNEL), "value", "ending") == [
        ("web", "completed"),
        ("web", "broken"),
        (None, "expired"),
    ]


def test_no_passages_give_rows_of_nothing() -> None:
    """An empty log has a funnel of zeros, no share and an interval that knows nothing."""
    none = find(PLAN, ListStreams([]), opens_at=0, closes_at=0, dimensions=(CHANNEL,))
    assert _rows(funnel(none, PLAN), "reached", "low", "high") == [(0, 0.0, 1.0)] * 3
    assert _rows(endings(none), "opened", *ENDINGS) == [(0, 0, 0, 0, 0)]
    assert times(none).num_rows == funnel(none, PLAN, by=CHANNEL).num_rows == 0


def test_a_dimension_that_was_not_asked_for_is_named() -> None:
    """Splitting by an unknown column tells the nearest known one."""
    with pytest.raises(UnknownName) as raised:
        endings(_passages(), by="properties.chanel")
    assert raised.value.nearest == CHANNEL


@settings(max_examples=100, deadline=None)
@given(definitions(), people)
def test_a_funnel_loses_nobody(definition: JourneyDefinition, subjects: dict[int, list[Event]]) -> None:
    """Every passage ended at one step or is open there, and of a plain chain those who came no further; parts add."""
    plan = compile_plan(definition)
    when = {"opens_at": 0, "closes_at": 1_020}
    whole = find(plan, streams_of(subjects), dimensions=(PATH,), **when)
    parts = [
        find(plan, streams_of({subject: walk}), dimensions=(PATH,), **when)
        for subject, walk in sorted(subjects.items())
    ]
    table = funnel(whole, plan)
    reached = [*table["reached"].to_pylist(), 0]
    stopped = [sum(row) for row in _rows(table, *ENDINGS)]
    assert sum(stopped) == len(whole)
    if is_plain(plan):
        assert stopped == [here - there for here, there in pairwise(reached)]
        assert reached[0] == len(whole)
    merged = pa.concat_tables(parts)
    for by in (None, PATH):
        assert str(endings(merged, by).to_pylist()) == str(endings(whole, by).to_pylist())
        assert str(times(merged, by).to_pylist()) == str(times(whole, by).to_pylist())
        for count in COUNTS:
            assert str(funnel(merged, plan, by, count).to_pylist()) == str(funnel(whole, plan, by, count).to_pylist())


def test_an_interval_is_wilsons_where_every_passage_stands_alone() -> None:
    """With one passage a subject and a day, the interval is Wilson's, with Student's quantile."""
    hits = np.arange(400) % 4 == 0
    alone = np.arange(400)
    share, low, high = Clusters.of(alone, alone).share(hits)
    assert share == 0.25
    assert [low, high] == pytest.approx([0.2101, 0.2948], abs=5e-4)


def test_passages_that_share_a_day_say_less() -> None:
    """Where whole days hit or miss, the interval is as wide as the few days make it; so for subjects."""
    hits = np.repeat(np.arange(20) % 2 == 0, 50)
    alone, grouped = np.arange(1_000), np.repeat(np.arange(20), 50)
    wide, narrow = (high - low for _, low, high in (Clusters.of(alone, days).share(hits) for days in (grouped, alone)))
    by_subject = Clusters.of(grouped, alone).share(hits)
    assert wide > 5 * narrow
    assert by_subject == pytest.approx(Clusters.of(alone, grouped).share(hits))


def test_all_or_none_still_has_an_interval() -> None:
    """No hit among fifty subjects does not prove that there never is one; a subject seen often counts once."""
    subjects = np.repeat(np.arange(50), 10)
    share, low, high = Clusters.of(subjects, np.zeros(500, np.int64)).share(np.zeros(500, np.bool_))
    assert (share, low) == (0.0, 0.0)
    assert 0.05 < high < 0.1


def test_intervals_hold_what_they_promise_when_days_differ() -> None:
    """Over 400 simulated months with good and bad days, about 95 of 100 intervals hold the true share."""
    chance = np.random.default_rng(20)
    held = 0
    for _ in range(400):
        days = chance.integers(0, 30, 600)
        rate = np.clip(chance.normal(0.3, 0.1, 30), 0, 1)
        hits = chance.random(600) < rate[days]
        _, low, high = Clusters.of(chance.integers(0, 400, 600), days).share(hits)
        held += low <= 0.3 <= high
    assert 0.92 <= held / 400 <= 0.99


def test_the_step_that_opens_is_no_estimate() -> None:
    """Every passage has reached the one step that opens it: its share has no margin; where two may open, each has."""
    told = funnel(_passages(), PLAN).to_pylist()
    assert [(row["low"], row["high"]) for row in told[:1]] == [(1.0, 1.0)]
    assert told[1]["low"] < told[1]["share"] < told[1]["high"]
    plan = compile_plan(journey("A -> C or B -> C", window="1 day"))
    first, *_ = funnel(_passages(plan), plan).to_pylist()
    assert first["low"] < 1
