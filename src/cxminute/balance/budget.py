"""The error budget of a promise: how many may be broken, how many were, and how fast it is being spent.

With a target of 95 % over 28 days, 5 % of the promises due in these days may be broken: that is the budget. A promise
spends its part at the moment when it breaks, due + tolerance, whether its outcome comes late or never. Void and pending
promises neither fill nor spend it.

Burn rate over a window = (spent in the window, per day) / (budget, per day): at 1 the budget lasts exactly 28 days.
Windows: 1 hour, 1 day, 7 days. It alerts when a short window and the next longer one burn both, each above 1: the
hour and the day (it is happening now), or the day and the week (it has been sliding). A blip fills a short window and
not the long one; a slide that is over still fills the long window, but no short one. So neither rings.
Source: Beyer et al., The Site Reliability Workbook (2018), chapter 5, with the windows of this house.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from cxminute.balance.grouping import KEPT, judged, moments_of, states_of
from cxminute.balance.promises import Promise
from cxminute.model.errors import WrongUse
from cxminute.model.times import DAY, HOUR, WEEK, from_ms, to_ms

DAYS: Final = 28
BURNING: Final = 1.0
"""A window burns above this rate; at it the budget lasts exactly its 28 days."""

WINDOWS: Final = {"1 hour": HOUR, "1 day": DAY, "7 days": WEEK}
PAIRS: Final = (("1 hour", "1 day"), ("1 day", "7 days"))


@dataclass(frozen=True, slots=True)
class Budget:
    """The state of an error budget as of a moment. Counts are promises; budget and left need not be whole.

    since, as_of: the 28 days, UTC milliseconds; since is the same time of day in the zone, 28 days before
    due:    promises that came due in these days and were not void
    budget: how many of them the target allows to be broken
    spent:  how many were
    left:   budget - spent; below 0 where more was spent than there was
    burn:   rate per window ('1 hour', '1 day', '7 days'); inf where something is spent of a budget of nothing
    alerts: the pairs of windows that both burn; none, and there is no alarm
    """

    promise: str
    target: float
    since: int
    as_of: int
    due: int
    budget: float
    spent: int
    left: float
    burn: dict[str, float]
    alerts: tuple[tuple[str, str], ...]


def budget(promise: Promise, ledger: pa.Table, as_of: int, zone: ZoneInfo) -> Budget:
    """The error budget of a promise over the 28 days before `as_of`, against the due times as they stand now.

    ledger: weighed as of the same moment (a later one differs by what was voided or moved since)
    raises: WrongUse where the promise has no target
    """
    if promise.target is None:
        raise WrongUse(
            f"Promise '{promise.name}' has no target, and so no error budget.",
            allowed="target = 0.95, or another share to be kept, in its file",
        )
    since = to_ms(from_ms(as_of).astimezone(zone) - timedelta(days=DAYS))
    states = states_of(ledger)
    breaks_at = moments_of(ledger, "due_at") + promise.tolerance
    counted = judged(states) & (breaks_at >= since) & (breaks_at < as_of)  # what breaks at as_of is pending until then
    broken_at = breaks_at[counted & (states != KEPT)]
    due, spent = int(counted.sum()), len(broken_at)
    allowed = (1 - promise.target) * due
    burn = {
        window: _rate(int((broken_at >= as_of - size).sum()) * DAY / size, allowed / DAYS)
        for window, size in WINDOWS.items()
    }
    return Budget(
        promise=promise.name,
        target=promise.target,
        since=since,
        as_of=as_of,
        due=due,
        budget=allowed,
        spent=spent,
        left=allowed - spent,
        burn=burn,
        alerts=tuple(pair for pair in PAIRS if all(burn[window] > BURNING for window in pair)),
    )


def _rate(spent: float, allowed: float) -> float:
    if allowed > 0:
        return spent / allowed
    return float(np.inf) if spent else 0.0
