"""The contract of a source, its data-usage card: where the data comes from and what may be done with it.

A source without a contract is refused: what nobody has said may be used, is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cxminute.model.definitions import Document
from cxminute.model.times import DAY, duration
from cxminute.privacy.purposes import PURPOSES

ORIGINS: Final = (
    "first-party", "second-party", "third-party", "marketplace-global", "marketplace-national", "marketplace-regional",
    "marketplace-sector", "marketplace-function",
)  # fmt: skip
"""Who gathered it: ourselves, a partner, somebody else; or a marketplace, by its tier."""

MARKETPLACE_PURPOSES: Final = (
    "service-provision",
    "service-optimisation",
    "legal-compliance",
    "communication-management",
)
"""What any marketplace allows at most: a project may tighten this, never loosen it."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What may be done with a source's data.

    source:   its name
    origin:   one of ORIGINS
    purposes: what it may be used for
    personal: patterns of paths that are personal beside the default ones; they live in the vault
    open:     patterns of paths that a default calls personal and that are not, here
    link:     may its people be linked to those of other sources

    These are written and checked, and kept for later versions; nothing enforces them yet:

    keep_personal, keep_rest: how long, in days; None without a limit
    contact, train, combine: may its people be contacted, models trained on it, its figures combined with other sources'
    smallest_group: fewer people than this are not to be shown

    In `personal` and `open` a name without a dot and without `*` means the path `properties.NAME`, as everywhere.
    """

    source: str
    origin: str
    purposes: frozenset[str]
    personal: tuple[str, ...]
    open: tuple[str, ...]
    keep_personal: float | None
    keep_rest: float | None
    link: bool
    contact: bool
    train: bool
    combine: bool
    smallest_group: int


def parse_contract(doc: Document, source: str) -> Contract:
    """The contract of a source file; what is missing or beyond a marketplace's policy is a fault of the document."""
    if "contract" not in doc:
        doc.fault(
            f"Source '{source}' has no contract: nothing may be done with its data.",
            allowed="a [contract] with origin and purposes",
        )
    part = doc.section("contract")
    stated = "contract" in doc
    origin = part.text("origin", None if stated else "first-party", allowed=ORIGINS)
    market = origin.startswith("marketplace")
    purposes = part.texts("purposes", None if stated else ())
    for purpose in purposes:
        if purpose not in PURPOSES:
            part.unknown("purpose", purpose, PURPOSES, key="purposes")
        elif market and purpose not in MARKETPLACE_PURPOSES:
            part.fault(
                f"A marketplace does not allow '{purpose}'.", key="purposes", allowed=", ".join(MARKETPLACE_PURPOSES)
            )
    if market and part.flag("link", default=False):
        part.fault("A marketplace's buyers are never linked to other profiles.", key="link", allowed="link = false")
    contract = Contract(
        source=source,
        origin=origin,
        purposes=frozenset(purposes),
        personal=_paths(part, "personal"),
        open=_paths(part, "open"),
        keep_personal=_days(part, "keep_personal"),
        keep_rest=_days(part, "keep_rest"),
        link=part.flag("link", default=not market),
        contact=part.flag("contact", default=False),
        train=part.flag("train", default=False),
        combine=part.flag("combine", default=not market),
        smallest_group=int(part.number("smallest_group", 1, low=1)),
    )
    part.done()
    return contract


def _paths(doc: Document, key: str) -> tuple[str, ...]:
    return tuple(name if "." in name or "*" in name else f"properties.{name}" for name in doc.texts(key, ()))


def _days(doc: Document, key: str) -> float | None:
    kept = doc.parsed(key, duration, "")
    return None if kept is None else kept / DAY
