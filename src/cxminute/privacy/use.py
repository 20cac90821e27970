"""A use of people's data: for which purpose, what is done, and how a source's contract answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cxminute.model.errors import WrongUse, nearest
from cxminute.privacy.cards import CONTACTS
from cxminute.privacy.contracts import Contract

ACTIONS: Final = {
    "read": "count and compute over people, without showing any of them",
    "show": "show one person's data to somebody of ours",
    "send": "say something to a person, on a channel",
    "automate": "decide or do something about a person without anybody in between",
    "train": "train a model on people's data",
    "combine": "put figures of several sources together",
    "export": "give people's data to somebody outside, or to the person",
}
"""What can be done, and what each is."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is to be done with people's data.

    purpose:     a purpose of the project
    action:      one of ACTIONS
    sources:     whose data it uses; () for all
    channel:     on which way, of what reaches a person
    outcome:     what it should move: a KPI
    insight:     what it rests on
    destination: where it goes: a channel, a file, a system; the channel where none is named
    """

    purpose: str
    action: str = "read"
    sources: tuple[str, ...] = ()
    channel: str = ""
    outcome: str = ""
    insight: str = ""
    destination: str = ""

    def __post_init__(self) -> None:
        """Refuses an action that there is not."""
        if self.action not in ACTIONS:
            raise WrongUse(
                f"There is no action '{self.action}'.",
                allowed=", ".join(ACTIONS),
                nearest=nearest(self.action, ACTIONS),
            )


def forbidden(use: Use, contract: Contract) -> str:
    """Which clause of a source's contract forbids a use, as faults cite it; '' where none does."""
    if use.purpose not in contract.purposes:
        return contract.clause_against(use.purpose) or f"'{contract.source}: purposes'"
    if use.channel in CONTACTS and not contract.contact:
        return f"'{contract.source}: contact'"
    if use.channel in CONTACTS and contract.channels and use.channel not in contract.channels:
        return contract.cites("contact-by-relay", "contact")
    if use.action == "train" and not contract.train:
        return contract.cites("no-training", "train")
    if use.action == "combine" and not contract.combine:
        return contract.cites("no-combining", "combine")
    return ""
