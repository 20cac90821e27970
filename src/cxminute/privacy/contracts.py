"""The contract of a source, its data-usage card: where the data comes from and what may be done with it.

A source without a contract is refused: what nobody has said may be used, is not used. Only a source of a marketplace's
format needs none: it is under the card that ships with its reader (cards.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cxminute.model.definitions import Document
from cxminute.model.times import DAY, duration
from cxminute.privacy.cards import CHANNELS, STARTS, Card, card_of, clause_of
from cxminute.privacy.personal import hides
from cxminute.privacy.purposes import PURPOSES

ORIGINS: Final = (
    "first-party", "second-party", "third-party", "marketplace-global", "marketplace-national", "marketplace-regional",
    "marketplace-sector", "marketplace-function",
)  # fmt: skip
"""Who gathered it: ourselves, a partner, somebody else; or a marketplace, by its tier."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What may be done with a source's data.

    source:   its name
    origin:   one of ORIGINS
    purposes: what it may be used for
    personal: patterns of paths that are personal beside the default ones; they live in the vault
    open:     patterns of paths that a default calls personal and that are not, here
    keep_personal: days for which personal data is kept once its clock has started; None without a limit
    starts:   events of an order that start the clock: the first of these that the order has, the last such; without
              any, each event starts its own
    wait:     days after its first event at which an order without any of them is taken for delivered
    keep_rest: how long the rest is kept, in days; None without a limit. What is older is counted, not yet removed
    link:     may its people be linked to those of other sources
    contact:  may its people be contacted
    channels: on which ways; () for all
    train, combine: may models be trained on it, its figures be combined with other sources'
    smallest_group: fewer people than this are not to be shown
    card:     what sets its limits; None where the project alone does
    keep_by_law: names of events that stay when a person is forgotten, with their personal values, since a law says so
    law:      which one, in words that people find again
    keep_by_law_for: days after such an event for which it says so

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
    starts: tuple[str, ...] = ()
    wait: float = 0
    channels: tuple[str, ...] = ()
    card: Card | None = None
    keep_by_law: tuple[str, ...] = ()
    law: str = ""
    keep_by_law_for: float | None = None

    @property
    def is_market(self) -> bool:
        """Whether it is a marketplace's data."""
        return self.origin.startswith("marketplace")

    @property
    def limit(self) -> Card | None:
        """Its card where that is a marketplace's: its limits; None where the project alone sets them."""
        return self.card if self.card is not None and self.card.is_market else None

    def cites(self, clause: str, key: str) -> str:
        """How a fault names what forbids a use: the clause of a marketplace's card, or a key of the project's own."""
        return f"'{self.source}: {key}'" if self.limit is None else self.limit.clause(clause)

    def clause_against(self, purpose: str) -> str:
        """The clause of a marketplace's card that forbids a purpose; '' where none does."""
        limit = self.limit
        return "" if limit is None or purpose in limit.purposes else limit.clause(clause_of(purpose))

    @property
    def more(self) -> str:
        """Where to read on."""
        return "" if self.card is None else self.card.more


def parse_contract(doc: Document, source: str, known: Collection[str] = PURPOSES) -> Contract:
    """The contract of a source file; what is missing, or looser than its card, is a fault of the document.

    known: the purposes of the project
    """
    form = doc.raw("format")
    part = doc.section("contract")
    stated = "contract" in doc
    card = card_of(form)
    covered = card is not None and card.is_market
    if not stated and not covered:
        doc.fault(
            f"Source '{source}' has no contract: nothing may be done with its data.",
            allowed="a [contract] with origin and purposes",
        )
    default = card.origin if card is not None and covered else None if stated else "first-party"
    origin = part.text("origin", default, allowed=ORIGINS)
    card = card if covered else card_of("", origin) or card
    limit = card if card is not None and card.is_market else None
    market = limit is not None
    purposes = part.texts("purposes", limit.purposes if limit is not None and covered else None if stated else ())
    personal = (*(card.personal if card is not None else ()), *_paths(part, "personal"))
    contract = Contract(
        source=source,
        origin=origin,
        purposes=frozenset(purposes),
        personal=personal,
        open=_paths(part, "open"),
        keep_personal=_days(part, "keep_personal", limit.keep_personal if limit else None),
        keep_rest=_days(part, "keep_rest", limit.keep_rest if limit else None),
        link=part.flag("link", default=not market),
        contact=part.flag("contact", default=limit.contact if limit is not None and covered else False),
        train=part.flag("train", default=False),
        combine=part.flag("combine", default=not market),
        smallest_group=int(part.number("smallest_group", limit.smallest_group if limit else 1, low=1)),
        starts=part.texts("from", limit.starts if limit is not None and limit.keep_personal is not None else ()),
        wait=_days(part, "wait", limit.wait if limit else None) or 0,
        channels=part.texts("channels", limit.channels if limit is not None else ()),
        card=card,
        keep_by_law=part.texts("keep_by_law", ()),
        law=part.text("law", ""),
        keep_by_law_for=_days(part, "keep_by_law_for"),
    )
    _check_law(part, contract)
    for purpose in purposes:
        if purpose not in known:
            part.unknown("purpose", purpose, known, key="purposes")
    if not all(name.strip() for name in contract.starts):
        part.fault("'from' names no event.", key="from", allowed="names of events, such as Order Delivered")
    for channel in contract.channels:
        if channel not in CHANNELS:
            part.unknown("channel", channel, CHANNELS, key="channels")
    if limit is not None:
        _keep_to(part, contract, limit, known)
    part.done()
    return contract


def _check_law(part: Document, found: Contract) -> None:
    """An exception from forgetting names events, the law that orders it, and for how long."""
    stated = {"keep_by_law": found.keep_by_law, "law": found.law.strip(), "keep_by_law_for": found.keep_by_law_for}
    missing = [key for key, value in stated.items() if not value]
    if not all(name.strip() for name in found.keep_by_law):
        part.fault(
            "'keep_by_law' names no event.", key="keep_by_law", allowed="names of events, such as Invoice Issued"
        )
    elif missing and any(key in part for key in stated):
        part.fault(
            f"An exception by law lacks {' and '.join(missing)}.",
            key=next(key for key in stated if key in part),
            allowed='keep_by_law = ["Invoice Issued"], law = "HGB 257", keep_by_law_for = "3650 days"',
        )


def _keep_to(part: Document, found: Contract, limit: Card, known: Collection[str]) -> None:
    """Notes all in which a contract is looser than the card that it is under."""

    def looser(key: str, clause: str, what: str, allowed: str) -> None:
        part.fault(f"{what} This breaks {limit.clause(clause)}.", key=key, allowed=f"{allowed}{limit.more}")

    if found.origin and not found.is_market:
        looser("origin", "origin", f"'{found.origin}' is no marketplace.", "marketplace-global and the like")
    for purpose in sorted(found.purposes & set(known) - set(limit.purposes)):
        what = f"A marketplace does not allow '{purpose}'."
        looser("purposes", clause_of(purpose), what, ", ".join(limit.purposes))
    if found.link:
        what = "A marketplace's buyers are never linked to other profiles."
        looser("link", "no-linking", what, "link = false")
    if found.train:
        looser("train", "no-training", "Models would be trained on buyers' data.", "train = false")
    if found.combine:
        looser("combine", "no-combining", "Figures would be combined across sellers.", "combine = false")
    if found.smallest_group < limit.smallest_group:
        what = f"Groups of {found.smallest_group} would be shown."
        looser("smallest_group", "smallest-group", what, f"smallest_group = {limit.smallest_group} or more")
    ways = [way for way in found.channels if way in CHANNELS and way not in limit.channels]
    if ways or not found.channels:
        what = f"Buyers would be contacted by {', '.join(ways) or 'any way'}."
        looser("channels", "contact-by-relay", what, ", ".join(limit.channels))
    _keep_to_terms(part, found, limit)
    for name in found.open:
        if hides(name, limit.personal):
            what = f"'{name}' would be open."
            looser("open", "personal-fields", what, "what the card does not call personal")


def _keep_to_terms(part: Document, found: Contract, limit: Card) -> None:
    """The same for how long data is kept."""
    terms = (
        ("keep_personal", found.keep_personal, limit.keep_personal),
        ("keep_rest", found.keep_rest, limit.keep_rest),
    )
    for key, kept, longest in terms:
        if longest is not None and kept is not None and kept > longest:
            clause = "personal-life" if key == "keep_personal" else "rest-life"
            what = f"{kept:g} days are longer than {longest:g}."
            part.fault(
                f"{what} This breaks {limit.clause(clause)}.", key=key, allowed=f"at most {longest:g} days{limit.more}"
            )
    if limit.keep_personal is None:
        return
    order = [STARTS.index(name) for name in found.starts if name in STARTS]
    if len(order) < len(found.starts) or not order or order != sorted(set(order)):
        part.fault(
            f"The clock would start too late. This breaks {limit.clause('personal-life')}.",
            key="from",
            allowed=f"some of {', '.join(STARTS)}, in this order{limit.more}",
        )
    if limit.wait is not None and found.wait > limit.wait:
        part.fault(
            f"{found.wait:g} days are longer than {limit.wait:g}. This breaks {limit.clause('personal-life')}.",
            key="wait",
            allowed=f"at most {limit.wait:g} days{limit.more}",
        )


def _paths(doc: Document, key: str) -> tuple[str, ...]:
    return tuple(name if "." in name or "*" in name else f"properties.{name}" for name in doc.texts(key, ()))


def _days(doc: Document, key: str, default: float | None = None) -> float | None:
    kept = doc.parsed(key, duration, "")
    return default if kept is None else kept / DAY
