"""What becomes of a promise, told in small stories."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from cxminute.balance.promises import Promise
from cxminute.balance.weigh import weigh
from cxminute.model.errors import BadData
from cxminute.model.steps import Comparison, Step
from cxminute.model.tables import LEDGER, MOMENT
from cxminute.model.times import DAY
from tests.balance.memory import Happened, MemoryStreams

DELIVERY = Promise(
    name="delivery",
    per="order_id",
    made=Step("ordered"),
    due="properties.due",
    kept=Step("delivered"),
    void=Step("cancelled"),
    amended=Step("moved"),
)
END = 100


def ordered(at: int, due: int | None, subject: int = 1, **more: object) -> Happened:
    """An order, with the time that it was promised for."""
    return Happened(subject, at, "ordered", {"properties.due": due} | {f"properties.{k}": v for k, v in more.items()})


def moved(at: int, due: int | None, by: str | None = None) -> Happened:
    """A new due time."""
    return Happened(1, at, "moved", {"properties.due": due, "properties.by": by})


def became(*events: Happened, promise: Promise = DELIVERY, closes_at: int = END) -> list[tuple[str, str]]:
    """State and first state of each promise."""
    ledger = weigh(promise, MemoryStreams(events), closes_at=closes_at)
    return list(zip(ledger["state"].to_pylist(), ledger["first_state"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ([Happened(1, 10, "delivered")], "kept"),
        ([Happened(1, 11, "delivered")], "late"),
        ([], "overdue"),
        ([Happened(1, 5, "cancelled"), Happened(1, 6, "delivered")], "void"),
        ([Happened(1, 50, "cancelled")], "void"),
        ([Happened(1, 0, "delivered")], "overdue"),
    ],
)
def test_a_promise_due_at_ten(story: list[Happened], state: str) -> None:
    """At the due time it is kept, a millisecond later late, never overdue; a void stays void whatever comes after."""
    assert became(ordered(1, 10), *story) == [(state, state)]


def test_without_a_due_time_nothing_was_promised() -> None:
    """An order without a due time is `none`: its delivery is no promise kept, and no one else's loss."""
    ledger = weigh(DELIVERY, MemoryStreams([ordered(1, None), Happened(1, 5, "delivered")]), closes_at=END)
    assert ledger.to_pylist()[0]["state"] == "none"
    assert ledger["due_at"].null_count == ledger["outcome_at"].null_count == 1


def test_until_it_is_due_it_is_pending() -> None:
    """Due at the moment when the log closes is not yet broken; a millisecond before is."""
    assert became(ordered(1, END)) == [("pending", "pending")]
    assert became(ordered(1, END - 1)) == [("overdue", "overdue")]


def test_the_oldest_promise_is_served_first() -> None:
    """Two orders and one delivery: the first order was delivered; its lateness is its own."""
    assert became(ordered(1, 10), ordered(2, 50), Happened(1, 20, "delivered")) == [
        ("late", "late"),
        ("overdue", "overdue"),
    ]


def test_each_customer_is_served_alone() -> None:
    """A delivery to one customer keeps nobody else's promise."""
    events = [ordered(1, 10, subject=1), ordered(1, 10, subject=2), Happened(2, 5, "delivered")]
    assert became(*events) == [("overdue", "overdue"), ("kept", "kept")]


def test_moved_by_us_it_is_kept_now_but_was_broken_first() -> None:
    """A promise that we move until it fits is kept by its new due time, and still a broken first promise."""
    assert became(ordered(1, 10), moved(5, 30, "us"), Happened(1, 20, "delivered")) == [("kept", "late")]
    assert became(ordered(1, 10), moved(5, 30), Happened(1, 20, "delivered")) == [("kept", "late")]
    assert became(ordered(1, 10), moved(5, 30, "partner"), Happened(1, 20, "delivered")) == [("kept", "late")]


def test_moved_by_the_customer_their_due_time_is_the_promise() -> None:
    """A promise moved by the customer is judged by the customer's new due time, in both states."""
    assert became(ordered(1, 10), moved(5, 30, "customer"), Happened(1, 20, "delivered")) == [("kept", "kept")]
    assert became(ordered(1, 10), moved(5, 30, "customer"), Happened(1, 31, "delivered")) == [("late", "late")]
    assert became(ordered(1, 50), moved(5, 30, "customer"), Happened(1, 40, "delivered")) == [("late", "late")]


def test_a_broken_promise_is_not_mended_by_talking() -> None:
    """A customer who moves a promise after it was broken moves the due time, not the fact that the first was broken."""
    assert became(ordered(1, 10), moved(11, 30, "customer"), Happened(1, 20, "delivered")) == [("kept", "late")]
    assert became(ordered(1, 10), moved(10, 30, "customer"), Happened(1, 20, "delivered")) == [("kept", "kept")]


def test_who_moved_it_last_is_on_record() -> None:
    """First due, current due and the last mover stand beside each other; a move that names no time moves nothing."""
    story = [ordered(1, 10), moved(2, 20, "customer"), moved(3, 30, "us"), moved(4, None, "customer")]
    (row,) = weigh(DELIVERY, MemoryStreams(story), closes_at=END).to_pylist()
    assert (row["first_due_at"].timestamp(), row["due_at"].timestamp()) == (0.010, 0.030)
    assert row["moved_by"] == "us"
    assert row["first_state"] == "overdue"


def test_an_event_does_not_keep_the_promise_that_it_makes() -> None:
    """An event that both makes and keeps, keeps the promise before, and makes one of its own."""
    visit = Promise("visit", "person", Step("ordered"), "properties.due", Step("ordered"))
    assert became(ordered(1, 10), ordered(5, 20), promise=visit) == [("kept", "kept"), ("overdue", "overdue")]


def test_a_condition_tells_outcomes_apart() -> None:
    """Only the outcome that the promise speaks of counts."""
    whole = Promise(
        "delivery",
        "order_id",
        Step("ordered"),
        "properties.due",
        Step("delivered", Comparison("properties.part", "=", ("all",))),
    )
    part = [Happened(1, 5, "delivered", {"properties.part": "some"}), Happened(1, 15, "delivered")]
    assert became(ordered(1, 10), *part, promise=whole) == [("overdue", "overdue")]
    kept = Happened(1, 6, "delivered", {"properties.part": "all"})
    assert became(ordered(1, 10), part[0], kept, promise=whole) == [("kept", "kept")]


def test_due_may_count_from_made() -> None:
    """Two days after made, to the millisecond."""
    answer = Promise("answer", "ticket_id", Step("asked"), 2 * DAY, Step("answered"))
    for off, state in ((0, "kept"), (1, "late")):
        story = [Happened(1, 7, "asked"), Happened(1, 7 + 2 * DAY + off, "answered")]
        assert became(*story, promise=answer, closes_at=9 * DAY) == [(state, state)]


def test_the_closed_log_hides_what_came_later() -> None:
    """As of a moment, later orders are not there and later deliveries have not happened."""
    story = [ordered(1, 10), ordered(30, 40), Happened(1, 20, "delivered")]
    assert became(*story, closes_at=15) == [("overdue", "overdue")]


def test_ledger_has_the_declared_shape() -> None:
    """A ledger has the declared columns and types, then one column of text per dimension, whatever its values are."""
    events = [
        ordered(1, 10, subject=3, channel="phone", total=12.5, member=True),
        ordered(1, 10, subject=5),
    ]
    paths = ("properties.channel", "properties.total", "properties.member", "properties.never")
    ledger = weigh(DELIVERY, MemoryStreams(events, subjects=[1, 4, 9]), closes_at=END, dimensions=paths)
    assert ledger.select(LEDGER.names).schema.equals(LEDGER)
    assert ledger["subject"].to_pylist() == [3, 5]
    assert [ledger[path].to_pylist() for path in paths] == [["phone", None], ["12.5", None], ["true", None], [None] * 2]
    ledger.validate(full=True)


def test_an_empty_log_has_an_empty_ledger() -> None:
    """No subjects, no promises, no fault."""
    ledger = weigh(DELIVERY, MemoryStreams([]), closes_at=END, dimensions=("properties.channel",))
    assert ledger.num_rows == 0
    assert ledger.schema.names == [*LEDGER.names, "properties.channel"]


class Texts(MemoryStreams):
    """Due times as a sender wrote them."""

    def __init__(self, *dues: str | None) -> None:
        super().__init__([ordered(1, None, subject) for subject in range(len(dues))])
        self._dues = dues

    def column(self, path: str) -> pa.Array:
        """The due times, and nothing else."""
        return pa.array(self._dues if path == DELIVERY.due else [None] * len(self._dues), pa.string())


def test_due_times_as_text_need_an_offset() -> None:
    """ISO 8601 with an offset is an instant, cut to the millisecond; a bare date is refused without quoting it."""
    ledger = weigh(DELIVERY, Texts("2015-02-14T08:30:00.0019Z", "2015-02-14 08:30:00+02:00", None), closes_at=END)
    assert ledger["due_at"].cast(pa.int64()).to_pylist() == [
        int(datetime(2015, 2, 14, 8, 30, tzinfo=UTC).timestamp() * 1000) + 1,
        int(datetime(2015, 2, 14, 6, 30, tzinfo=UTC).timestamp() * 1000),
        None,
    ]
    with pytest.raises(BadData, match="something else than times") as fault:
        weigh(DELIVERY, Texts("2015-02-14"), closes_at=END)
    assert "2015" not in str(fault.value)


class Large(MemoryStreams):
    """A million customers with one order and one delivery each, and read-only arrays as a memory map gives them."""

    def __init__(self, customers: int) -> None:
        self._subjects = np.arange(customers)
        self._offsets = np.arange(customers + 1) * 2
        self._times = np.arange(customers * 2)
        self._made = np.tile([True, False], customers)
        self._due = pa.array(self._times + 1 - self._times % 4).cast(MOMENT)
        for array in (self._subjects, self._offsets, self._times):
            array.flags.writeable = False

    def matches(self, step: Step) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Every other event is the order."""
        return self._made if step.name == "ordered" else ~self._made & (step.name == "delivered")

    def column(self, path: str) -> pa.Array:
        """Due in time for every other customer; nobody says who moved anything."""
        return self._due if path == DELIVERY.due else pa.nulls(len(self._times))


def test_two_million_events_are_weighed_in_no_time() -> None:
    """A bucket of two million events takes less than 0.4 seconds, and every second customer's promise is late."""
    streams = Large(1_000_000)
    took = []
    for _ in range(3):
        started = time.thread_time()
        ledger = weigh(DELIVERY, streams, closes_at=10**9)
        took.append(time.thread_time() - started)
    assert ledger["state"].value_counts().to_pylist() == [
        {"values": "kept", "counts": 500_000},
        {"values": "late", "counts": 500_000},
    ]
    assert min(took) < 0.4  # 5 M events/s; about 0.1 s on one idle core
