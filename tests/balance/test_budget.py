"""Error budgets: how many promises may be broken, how fast the allowance goes, and when that is an alarm."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from cxminute.balance.budget import Budget, budget
from cxminute.model.errors import WrongUse
from cxminute.model.times import MINUTE
from tests.balance.ledgers import DELIVERY, Row, at, ledger_of

NOW = at("2015-03-01T00:00")
UTC = ZoneInfo("UTC")


def due_daily(broken: dict[int, int], count: int = 10) -> list[Row]:
    """`count` promises due at noon of each February day, of which so many were broken on some days."""
    return [
        Row("late" if place < broken.get(day, 0) else "kept", f"2015-02-{day:02d}T12:00")
        for day in range(1, 29)
        for place in range(count)
    ]


def told(*rows: Row, now: int = NOW) -> Budget:
    """The budget at a target of 90 %."""
    return budget(DELIVERY, ledger_of(*rows), now, UTC)


def test_what_the_target_allows_was_spent_and_is_left() -> None:
    """Of 280 promises due in 28 days, a target of 90 % allows 28 broken ones; 7 are spent, 21 are left."""
    found = told(*due_daily({3: 3, 9: 4}), Row("void"), Row("pending", "2015-03-01T00:00"), Row("none", None))
    assert (found.due, found.spent) == (280, 7)
    assert (found.budget, found.left) == pytest.approx((28, 21))


def test_only_the_last_28_days_count() -> None:
    """What was due before them is forgotten: at their first millisecond it counts, one before it does not."""
    rows = [Row("late", "2015-02-01T00:00"), Row("late", "2015-01-31T23:59:59.999"), Row("kept")]
    assert told(*rows).due == 2


def test_28_days_keep_the_time_of_day_in_the_zone() -> None:
    """Over a change of clocks, 28 days are 28 days on the wall: an hour more in autumn."""
    found = budget(DELIVERY, ledger_of(), at("2015-11-10T00:00"), ZoneInfo("America/New_York"))
    assert found.since == at("2015-10-12T23:00")


def test_a_promise_is_spent_when_it_breaks_not_when_it_is_mended() -> None:
    """With a tolerance, it breaks that much after its due time; overdue and late spend alike."""
    slack = replace(DELIVERY, tolerance=30 * MINUTE)
    rows = ledger_of(Row("overdue", "2015-02-28T23:29"), Row("late", "2015-02-28T22:31"), Row("kept"))
    found = budget(slack, rows, NOW, UTC)
    assert found.spent == 2
    assert found.burn["1 hour"] == pytest.approx(2 * 24 / (0.3 / 28))


def test_burning_at_one_lasts_exactly_28_days() -> None:
    """One broken promise of ten each day, at 90 %, burns at 1 over a day and a week: no alarm."""
    found = told(*due_daily(dict.fromkeys(range(1, 29), 1)))
    assert (found.burn["1 day"], found.burn["7 days"]) == pytest.approx((1, 1))
    assert found.left == pytest.approx(0)


def test_a_slide_is_an_alarm_and_a_blip_is_not() -> None:
    """Two days of trouble to this day ring; one bad day in a good week does not; a slide that is over rings no more."""
    slide = told(*due_daily({26: 5, 27: 6, 28: 7}))
    assert slide.alerts == (("1 day", "7 days"),)
    assert told(*due_daily({28: 6})).alerts == ()
    assert told(*due_daily({24: 8, 25: 9, 26: 9})).alerts == ()


def test_an_hour_rings_only_with_its_day() -> None:
    """Trouble within the hour rings when the whole day burns too."""
    quiet = due_daily({})
    assert told(*quiet, Row("late", "2015-02-28T23:30")).alerts == ()
    bad_hour = [Row("late", "2015-02-28T23:30")] * 3
    assert told(*quiet, *bad_hour).alerts == (("1 hour", "1 day"),)


def test_nothing_due_burns_nothing_and_a_target_of_all_forgives_nothing() -> None:
    """Without promises the budget is nothing and no window burns; with a target of 1 the first broken one burns all."""
    empty = told()
    assert (empty.due, empty.budget, empty.burn, empty.alerts) == (
        0,
        0.0,
        {"1 hour": 0.0, "1 day": 0.0, "7 days": 0.0},
        (),
    )
    strict = budget(replace(DELIVERY, target=1.0), ledger_of(*due_daily({28: 1})), NOW, UTC)
    assert strict.burn == {"1 hour": 0.0, "1 day": float("inf"), "7 days": float("inf")}
    assert strict.left == -1


def test_without_a_target_there_is_no_budget() -> None:
    """A promise without a target has no error budget, and says where to write one."""
    with pytest.raises(WrongUse, match=r"target = 0\.95"):
        budget(replace(DELIVERY, target=None), ledger_of(), NOW, UTC)
