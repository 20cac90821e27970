"""Laws of promises, on generated histories of several customers with every kind of event at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.balance.promises import Promise
from cxminute.balance.summary import states
from cxminute.balance.weigh import weigh
from cxminute.model.steps import Step
from tests.balance.memory import Happened, MemoryStreams
from tests.oracles.promises_reference import Told, follow

# Names say what an event is: 'made kept' is both. Times are few and close, so that ties and edges are common.
NAMES = ["made", "kept", "void", "amended", "made kept", "kept void", "void amended", "made amended", "something else"]
TIMES = st.integers(0, 12)
CLOSES = st.integers(0, 14)
TOLERANCES = st.integers(0, 2)


@st.composite
def happenings(draw: st.DrawFn) -> Happened:
    """One event of one of four customers."""
    properties: dict[str, object] = {
        "properties.due": draw(st.none() | st.integers(0, 14)),
        "properties.by": draw(st.sampled_from([None, "us", "partner", "customer", "the weather"])),
    }
    return Happened(draw(st.integers(0, 3)), draw(TIMES), draw(st.sampled_from(NAMES)), properties)


LOGS = st.lists(happenings(), max_size=24)


class ManyNames(MemoryStreams):
    """Streams in which an event answers to every word of its name."""

    def matches(self, step: Step) -> Any:
        """Whether the step's name is among the words."""
        parts = [super(ManyNames, self).matches(Step(name)) for name in NAMES if step.name in name.split()]
        return sum(parts[1:], start=parts[0])


def promise(tolerance: int) -> Promise:
    """The promise that all laws are about."""
    return Promise(
        name="delivery",
        per="order_id",
        made=Step("made"),
        due="properties.due",
        kept=Step("kept"),
        void=Step("void"),
        amended=Step("amended"),
        tolerance=tolerance,
    )


def weighed(log: list[Happened], tolerance: int, closes_at: int) -> pa.Table:
    """The ledger of a log."""
    return weigh(promise(tolerance), ManyNames(log), closes_at=closes_at)


def plain(ledger: pa.Table) -> list[tuple[object, ...]]:
    """The rows, times as whole milliseconds."""
    columns = [
        ledger[name].cast(pa.int64()) if pa.types.is_timestamp(ledger[name].type) else ledger[name]
        for name in ledger.column_names
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


@settings(max_examples=400)
@given(LOGS, TOLERANCES, CLOSES)
def test_ledger_is_what_the_specification_says(log: list[Happened], tolerance: int, closes_at: int) -> None:
    """Every promise in the ledger is, time for time and state for state, what a slow reading of the rules gives."""
    expected: list[tuple[object, ...]] = []
    for subject in range(4):
        stream = sorted((event for event in log if event.subject == subject), key=lambda event: event.at)
        told = [
            Told(e.at, set(e.name.split()), e.properties["properties.due"], e.properties["properties.by"])  # type: ignore[arg-type]  # as drawn
            for e in stream
        ]
        expected += [
            (
                "delivery",
                subject,
                made.made_at,
                made.first_due_at,
                made.due_at,
                made.moved_by,
                made.outcome_at,
                made.state(made.due_at, tolerance, closes_at),
                made.state(made.promised, tolerance, closes_at),
            )
            for made in follow(told, tolerance=tolerance, closes_at=closes_at)
        ]
    assert plain(weighed(log, tolerance, closes_at)) == expected


@settings(max_examples=100)
@given(LOGS, TOLERANCES, CLOSES)
def test_every_promise_is_in_exactly_one_state(log: list[Happened], tolerance: int, closes_at: int) -> None:
    """Made = kept + late + overdue + pending + void; what was never promised stands outside."""
    ledger = weighed(log, tolerance, closes_at)
    counts = states(ledger).to_pylist()[0]
    assert counts["made"] == sum(counts[state] for state in ("kept", "late", "overdue", "pending", "void"))
    assert counts["made"] + counts["none"] == len(ledger)
    by_hand = Counter(ledger["state"].to_pylist())
    assert {state: counts[state] for state in by_hand} == by_hand


@settings(max_examples=100)
@given(LOGS, TOLERANCES, CLOSES, st.integers(0, 4))
def test_subjects_may_be_weighed_apart(log: list[Happened], tolerance: int, closes_at: int, cut: int) -> None:
    """Splitting the subjects into buckets and putting the ledgers together changes nothing."""
    low = weighed([event for event in log if event.subject < cut], tolerance, closes_at)
    high = weighed([event for event in log if event.subject >= cut], tolerance, closes_at)
    whole = weighed(log, tolerance, closes_at)
    assert plain(pa.concat_tables([low, high])) == plain(whole)
    assert states(pa.concat_tables([low, high])).equals(states(whole))


@settings(max_examples=200)
@given(LOGS, TOLERANCES, CLOSES, CLOSES)
def test_a_kept_promise_stays_kept(log: list[Happened], tolerance: int, one: int, other: int) -> None:
    """More log never turns kept, late or void into another state, nor forgets a promise that was made."""
    earlier = weighed(log, tolerance, min(one, other)).to_pylist()
    later = weighed(log, tolerance, max(one, other)).to_pylist()
    for subject in range(4):
        before = [row for row in earlier if row["subject"] == subject]
        after = [row for row in later if row["subject"] == subject][: len(before)]
        assert [row["made_at"] for row in before] == [row["made_at"] for row in after]
        for then, now in zip(before, after, strict=True):
            assert then["state"] in {"overdue", "pending"} or now["state"] == then["state"]


@settings(max_examples=100)
@given(LOGS, st.integers(0, 10), st.integers(-3, 3))
def test_tolerance_is_inclusive_to_the_millisecond(log: list[Happened], tolerance: int, off: int) -> None:
    """An outcome in the last tolerated millisecond keeps the promise; one millisecond later it is late."""
    extra = [Happened(9, 0, "made", {"properties.due": 5}), Happened(9, 5 + tolerance + off, "kept")]
    made = [row for row in weighed(log + extra, tolerance, 30).to_pylist() if row["subject"] == 9]
    assert [row["state"] for row in made] == ["kept" if off <= 0 else "late"]


@settings(max_examples=100)
@given(LOGS, TOLERANCES, CLOSES)
def test_only_the_customer_moves_the_first_promise(log: list[Happened], tolerance: int, closes_at: int) -> None:
    """Where nobody or only we moved the due time, the first state is judged by the time first promised."""
    ours = [Happened(e.subject, e.at, e.name, e.properties | {"properties.by": "us"}) for e in log]
    for row in weighed(ours, tolerance, closes_at).to_pylist():
        assert row["moved_by"] in {None, "us"}
        if row["moved_by"] is None:
            assert row["first_state"] == row["state"]
        if row["state"] in {"kept", "late"}:
            limit = row["first_due_at"].timestamp() * 1000 + tolerance
            assert row["first_state"] == ("kept" if row["outcome_at"].timestamp() * 1000 <= limit else "late")
