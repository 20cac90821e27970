"""What must be known of a datum before it may drive an action: a refusal names what is missing.

| action | origin | purpose | outcome | insight | destination |
|---|---|---|---|---|---|
| read | | x | | | |
| show | x | x | | | |
| train, combine | x | x | | | |
| export | x | x | | | x |
| send, automate | x | x | x | x | x |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cxminute.model.errors import Refused
from cxminute.privacy.contracts import Contract
from cxminute.privacy.use import Use

PARTS: Final = {
    "origin": "who gathered the data: the contract of its source says it",
    "purpose": "what it is used for",
    "outcome": "what it should move: a KPI",
    "insight": "what we know that it rests on",
    "destination": "where it goes: a channel, a file, a system",
}
"""The parts of the card that travels with a datum, and what each is."""

REQUIRED: Final = {
    "read": ("purpose",),
    "show": ("origin", "purpose"),
    "train": ("origin", "purpose"),
    "combine": ("origin", "purpose"),
    "export": ("origin", "purpose", "destination"),
    "send": tuple(PARTS),
    "automate": tuple(PARTS),
}
"""Which of them each action requires."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a datum; '' for what is not."""

    origin: str = ""
    purpose: str = ""
    outcome: str = ""
    insight: str = ""
    destination: str = ""


class Lacking(Refused):
    """A datum lacks a part of its card that the use requires: complete the definition that would drive the action.

    missing: names of the parts, in the order of PARTS
    """

    def __init__(self, action: str, missing: tuple[str, ...]) -> None:
        self.missing = missing
        parts = "; ".join(f"{name}: {PARTS[name]}" for name in missing)
        super().__init__(
            f"To {action}, {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            allowed=parts,
            then="Nothing was done.",
        )


def card_of_use(use: Use, contracts: Iterable[Contract]) -> Card:
    """The card of the data that a use draws on; its origin is known where every source that it uses says its own."""
    used = [contract for contract in contracts if not use.sources or contract.source in use.sources]
    told = {contract.source for contract in used if contract.origin}
    whole = bool(used) and len(told) == len(used) and told >= set(use.sources)
    origin = ", ".join(sorted({contract.origin for contract in used})) if whole else ""
    return Card(origin, use.purpose, use.outcome, use.insight, use.destination or use.channel)


def lacking(action: str, card: Card) -> tuple[str, ...]:
    """The parts of the card that an action requires and that are missing, in the order of PARTS."""
    return tuple(name for name in REQUIRED[action] if not getattr(card, name).strip())


def require(action: str, card: Card) -> None:
    """Refuses an action whose datum lacks a part of its card that it requires.

    raises: Lacking, which names what is missing
    """
    if missing := lacking(action, card):
        raise Lacking(action, missing)
