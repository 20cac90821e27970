"""What can go wrong, or well, in the demo shop: each trouble says where it hits, from which day, for how long.

Days are days of the shop's zone. A share is of those it could hit: parcels of a carrier, checkouts of a browser.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from cxminute.model.errors import UnknownName, WrongUse
from cxminute.simulation.ground import BROWSERS, CAMPAIGNS, CARRIERS, CHANNELS, Days


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSlip:
    """A carrier brings parcels that were due on these days two days later, own shop's and marketplace's alike."""

    kind: ClassVar[str] = "carrier slip"
    first_day: date
    days: int = 7
    carrier: str = "Gans"
    share: float = 0.70
    slip_days: int = 2
    asking: float = 0.30
    """Share of the slipped parcels of the own shop that lead to a ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutBreak:
    """In one browser, this share of the checkouts that would have ended in an order fails."""

    kind: ClassVar[str] = "checkout break"
    first_day: date
    days: int = 3
    browser: str = "Safari"
    share: float = 0.92
    asking: float = 0.05
    """Share of the failed checkouts that lead to a ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign brings more visits, as many as `extra` times the usual ones, who behave as the others do."""

    kind: ClassVar[str] = "campaign"
    first_day: date
    days: int = 5
    name: str = "bring-a-friend"
    extra: float = 0.70


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySlip:
    """In one channel of the support desk, first replies due on these days come late with this share."""

    kind: ClassVar[str] = "reply slip"
    first_day: date
    days: int = 6
    channel: str = "email"
    share: float = 0.60


Trouble = CarrierSlip | CheckoutBreak | Campaign | ReplySlip


def last_day(trouble: Trouble) -> date:
    """The last day that a trouble hits."""
    return trouble.first_day + timedelta(days=trouble.days - 1)


def name_of(trouble: Trouble) -> str:
    """What a trouble is called in the written truth."""
    match trouble:
        case CarrierSlip(carrier=carrier):
            return f"{carrier} delivers {trouble.slip_days} days late"
        case CheckoutBreak(browser=browser):
            return f"checkout breaks in {browser}"
        case Campaign(name=name):
            return f"campaign {name} works"
        case ReplySlip(channel=channel):
            return f"first replies by {channel} slip"


def planted(days: Days) -> tuple[Trouble, ...]:
    """The demo's troubles, all in the last complete week: one of each kind."""
    monday = days.starts + timedelta(days=days.count - 7)
    return (
        CarrierSlip(first_day=monday),
        CheckoutBreak(first_day=monday + timedelta(days=1)),
        Campaign(first_day=monday + timedelta(days=2)),
        ReplySlip(first_day=monday + timedelta(days=1)),
    )


def checked(troubles: Sequence[Trouble], days: Days) -> tuple[Trouble, ...]:
    """The troubles, each within the simulated weeks and of a carrier, browser or channel that the shop has.

    raises: WrongUse, UnknownName
    """
    last = days.starts + timedelta(days=days.count - 1)
    for trouble in troubles:
        what = name_of(trouble)
        if trouble.days < 1 or trouble.first_day < days.starts or last_day(trouble) > last:
            raise WrongUse(f"'{what}' lies outside the simulated weeks.", allowed=f"from {days.starts} to {last}")
        match trouble:
            case CarrierSlip(carrier=carrier, share=share):
                _known("carrier", carrier, CARRIERS)
            case CheckoutBreak(browser=browser, share=share):
                _known("browser", browser, BROWSERS)
            case ReplySlip(channel=channel, share=share):
                _known("channel", channel, CHANNELS)
            case Campaign(name=name, extra=share):
                if name in CAMPAIGNS:
                    raise WrongUse(f"The campaign '{name}' runs all the time.", allowed="a name of its own")
        if not 0 < share <= 1:
            raise WrongUse(f"'{what}' has a share of {share}.", allowed="above 0, up to 1")
    return tuple(troubles)


def _known(kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise UnknownName(kind, name, known)
