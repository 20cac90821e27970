"""Promises as people write them down: what is read, and how each slip of the pen is answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxminute.balance import kernels
from cxminute.balance.promises import PARTIES, Promise, parse_due, parse_promise
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, BadPattern
from cxminute.model.steps import Comparison, Step
from cxminute.model.tables import STATES
from cxminute.model.times import DAY, MINUTE

TEMPLATES = Path(__file__).parents[2] / "src" / "cxminute" / "app" / "templates"
LEAST = """
name = "delivery"
per  = "order_id"
made = '"Order Completed"'
due  = "properties.deliver_by"
kept = '"Order Delivered"'
"""


def read_step(text: str) -> Step:
    """Just enough of the journey language: a quoted name, and perhaps (path = "value")."""
    found = re.fullmatch(r'"([^"]+)"(?: where \((\S+) = "([^"]+)"\))?', text)
    if not found:
        raise BadPattern("This is not a step.", text=text)
    return Step(found[1], Comparison(f"properties.{found[2]}", "=", (found[3],)) if found[2] else None)


def read(text: str) -> tuple[Promise | None, list[str]]:
    """The promise of a file's text, and all that is wrong with it."""
    document = Document("promises/delivery.toml", text)
    promise = parse_promise(document, parse_step=read_step)
    return promise, [str(fault) for fault in document.faults]


def test_the_ending_of_a_journey_is_no_event_of_a_promise() -> None:
    """A promise that waits for a journey's ending would wait for ever: it is told so, at its place."""
    document = Document("promises/delivery.toml", LEAST)
    ending = Step("delivery.broken", kind="ending")
    assert parse_promise(document, parse_step=lambda text: ending if "Delivered" in text else read_step(text)) is None
    assert [(fault.line, "journey delivery.broken" in str(fault)) for fault in document.faults] == [(6, True)]


def test_least_promise_is_ours_to_the_customer_and_exact() -> None:
    """Five lines make a promise: by us, to the customer, with no tolerance, no target and nothing that voids it."""
    promise, faults = read(LEAST)
    assert not faults
    assert promise == Promise(
        "delivery", "order_id", Step("Order Completed"), "properties.deliver_by", Step("Order Delivered")
    )
    assert (promise.by, promise.to, promise.tolerance, promise.target) == ("us", "customer", 0, None)


def test_full_promise_is_read_to_the_last_key() -> None:
    """Every key that a promise may carry arrives in it, and every path that it needs can be asked for."""
    promise, faults = read(
        LEAST
        + """
by = "partner"
to = "us"
void = '"Order Cancelled" where (reason = "customer")'
amended = '"Delivery Rescheduled"'
tolerance = "15 minutes"
target = 0.95
kpi = "repeat-purchase"
purpose = "service-personalisation"
"""
    )
    assert not faults
    assert promise is not None
    assert (promise.by, promise.to, promise.tolerance, promise.target) == ("partner", "us", 15 * MINUTE, 0.95)
    assert promise.paths == ("properties.deliver_by", "properties.by", "properties.reason")
    assert [step.name for step in promise.steps] == [
        "Order Completed",
        "Order Delivered",
        "Order Cancelled",
        "Delivery Rescheduled",
    ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("properties.due", "properties.due"),
        ("due", "properties.due"),
        ("context.slot.ends", "context.slot.ends"),
        ("2 days after made", 2 * DAY),
        ("1.5 days  after made", DAY * 3 // 2),
    ],
)
def test_due_is_a_path_or_a_duration_after_made(said: str, meant: str | int) -> None:
    """A due time is where the making event says it, or so much after it was made; a bare name is a property."""
    assert parse_due(said) == meant


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("2 working days after made", "Working time is not supported by this version yet"),
        ("2 days after shipped", "Did you mean '2 days after made'"),
        ("2 days", "Did you mean '2 days after made'"),
        ("2 fortnights after made", "seconds, minutes, hours, days or weeks"),
        ("when it is ready", "Allowed: a path such as properties.due"),
    ],
)
def test_a_due_time_that_cannot_be_kept_to_is_refused(said: str, answer: str) -> None:
    """What is no due time yet is refused with what would be one."""
    with pytest.raises(BadDefinition, match=re.escape(answer)):
        parse_due(said)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ('quantity = "properties.quantity"', ":7: 'quantity' is not supported by this version yet."),
        ('calendar = "warehouse"', ":7: 'calendar' is not supported by this version yet."),
        ('by = "we"', ":7: 'we' is not a by."),
        ('by = "customer"', "A promise by 'customer' to themselves is none."),
        ("target = 95", ":7: target = 95 is out of bounds. Allowed: from 0 to 1."),
        ('target = "most"', ":7: 'target' is not a number."),
        ('tolerance = "a while"', ":7: 'a while' is not a duration."),
        ("void = 'Order Cancelled'", ":7: This is not a step."),
        ('tolerence = "1 hour"', ":7: Unknown key 'tolerence'. Did you mean 'tolerance'?"),
        ('purpose = "for fun"', ":7: 'for fun' is not a name."),
    ],
)
def test_each_fault_is_told_with_its_line(line: str, answer: str) -> None:
    """A key that is wrong makes no promise, and the fault names the line and what would be right."""
    promise, faults = read(LEAST + line)
    assert promise is None
    assert len(faults) == 1
    assert answer in faults[0]


def test_all_faults_are_told_at_once() -> None:
    """A file with several faults tells all of them, so that it is mended in one go."""
    promise, faults = read('name = "my delivery"\nper = "user_id"\nmade = "x"\ndue = "soon enough"\n')
    assert promise is None
    assert len(faults) == 5
    for answer in (
        "'my delivery' is not a name",
        "Did you mean 'person'",
        "not a step",
        "soon enough",
        "'kept' is missing",
    ):
        assert sum(answer in fault for fault in faults) == 1


def test_a_promise_counted_from_made_cannot_be_moved() -> None:
    """With a duration as due there is no path to take a new due time from, so `amended` is refused."""
    text = LEAST.replace('"properties.deliver_by"', '"2 days after made"') + "amended = '\"Delivery Rescheduled\"'\n"
    promise, faults = read(text)
    assert promise is None
    assert "counts from made" in faults[0]


def test_promises_of_the_templates_are_well_defined() -> None:
    """Every promise that a template brings is read without a fault."""
    files = sorted(TEMPLATES.glob("boston-311/promises/*.toml"))
    assert files
    for file in files:
        promise, faults = read(file.read_text("utf-8"))
        assert not faults
        assert promise is not None
        assert promise.name == file.stem


def test_kernel_and_words_number_alike() -> None:
    """The numbers that the kernel writes are the places of the words that people read."""
    assert PARTIES[kernels.CUSTOMER] == "customer"
    settled = [kernels.judge(out, 10, 20) for out in (10, 11)]
    assert [STATES[place] for place in settled] == ["kept", "late"]
    assert [STATES[kernels.judge(kernels.ABSENT, 10, now)] for now in (11, 10)] == ["overdue", "pending"]
