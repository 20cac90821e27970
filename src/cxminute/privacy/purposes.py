"""What data may be used for: a small tree of purposes, each with its legal basis, in words that others know too.

The default ones follow the W3C Data Privacy Vocabulary (https://w3id.org/dpv), in kebab case, and name their key in
fideslang (https://github.com/ethyca/fideslang). A project adds its own, or changes one, in cxm.toml:

```toml
[purposes.newsletter]
parent     = "marketing"
basis      = "consent"
says       = "The letter that comes on Fridays"
categories = ["Newsletter"]   # of the Segment consent object: all of them must be true

[purposes.service-optimisation]
basis      = "consent"
categories = ["Analytics"]
```

A yes to a parent covers its children, unless the child was said no to; one that a browser's signal denies (`gpc`)
needs a yes of its own. A no to a parent is a no to its children.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cxminute.model.definitions import Document

BASES: Final = ("consent", "contract", "legal-obligation", "vital-interest", "public-task", "legitimate-interest")
"""On what a purpose rests: the six of GDPR, Article 6(1)."""
ASKED: Final = "consent"
"""The basis of what needs a yes: unknown is no."""
OBJECTABLE: Final = frozenset({ASKED, "legitimate-interest", "public-task"})
"""Bases under which a person's no counts (Articles 7(3) and 21): the others do not ask."""
DIRECT: Final = frozenset({"marketing", "targeted-advertising", "sale-or-sharing"})
"""To these, and to their children, an objection is absolute (Article 21(3)), whatever their basis."""
KEEPING: Final = "legal-compliance"
"""The one purpose for which data of a person under restriction (Article 18) is still used."""
MOST_PURPOSES: Final = 64
"""Purposes of one project."""

PURPOSE_NAME: Final = re.compile(r"^[a-z][a-z0-9-]*$")
"""What a purpose is called."""
_DPV: Final = "https://w3id.org/dpv#"


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose.

    parent:     of which it is a part; '' for none
    basis:      one of BASES
    says:       what it is, to people
    dpv:        IRI in the Data Privacy Vocabulary; '' where there is none
    fides:      data use in fideslang; '' where there is none
    categories: of the Segment consent object that stand for it; all of them must be true
    gpc:        whether a browser's Global Privacy Control denies it
    """

    name: str
    basis: str
    says: str
    parent: str = ""
    dpv: str = ""
    fides: str = ""
    categories: tuple[str, ...] = ()
    gpc: bool = False


_DEFAULTS: Final = (
    Purpose(
        "service-provision", "contract", "do what the customer asked for: deliver, answer, invoice",
        dpv=f"{_DPV}ServiceProvision", fides="essential.service",
    ),
    Purpose(
        "service-optimisation", "legitimate-interest",
        "understand and improve the service: analyses and briefs about groups, not persons",
        dpv=f"{_DPV}ServiceOptimisation", fides="functional.service.improve",
    ),
    Purpose(
        "service-personalisation", "consent", "fit the service to the person it is given to",
        dpv=f"{_DPV}ServicePersonalisation", fides="personalize.content",
    ),
    Purpose(
        "communication-management", "contract", "answer and inform people about what they started",
        dpv=f"{_DPV}CommunicationManagement", fides="essential.service.notifications",
    ),
    Purpose(
        "marketing", "consent", "win, keep or win back customers with messages they did not ask for",
        dpv=f"{_DPV}Marketing", fides="marketing",
    ),
    Purpose(
        "targeted-advertising", "consent", "choose advertisements by what is known of a person", parent="marketing",
        dpv=f"{_DPV}TargetedAdvertising", fides="marketing.advertising.first_party.targeted", gpc=True,
    ),
    Purpose(
        "sale-or-sharing", "consent", "give data to others for their own ends",
        dpv=f"{_DPV}SellDataToThirdParties", fides="third_party_sharing", gpc=True,
    ),
    Purpose(
        "research-and-development", "consent", "train or test models, develop the product",
        dpv=f"{_DPV}ResearchAndDevelopment", fides="train_ai_system",
    ),
    Purpose(
        "fraud-prevention", "legitimate-interest", "detect and prevent misuse",
        dpv=f"{_DPV}FraudPreventionAndDetection", fides="essential.fraud_detection",
    ),
    Purpose(
        KEEPING, "legal-obligation", "do what the law demands",
        dpv=f"{_DPV}LegalCompliance", fides="essential.legal_obligation",
    ),
)  # fmt: skip

PURPOSES: Final = {purpose.name: purpose.says for purpose in _DEFAULTS}
"""The default purposes, and what each is."""

READING: Final = "service-optimisation"
"""The purpose of a reading command that names no other."""


class Purposes(Mapping[str, Purpose]):
    """The purposes of a project by name, in a fixed order: the default ones, then its own as they are written."""

    def __init__(self, known: Mapping[str, Purpose]) -> None:
        """known: without a circle among the parents."""
        self._known = MappingProxyType(dict(known))
        self.names: tuple[str, ...] = tuple(known)
        self.place: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(known)})

    def __getitem__(self, name: str) -> Purpose:
        """One purpose; KeyError where there is none."""
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(self._known)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)

    def line(self, name: str) -> tuple[str, ...]:
        """A purpose and all that it is a part of, itself first."""
        found = [name]
        while parent := self._known[found[-1]].parent:
            found.append(parent)
        return tuple(found)

    def is_direct(self, name: str) -> bool:
        """Whether an objection to it is absolute: marketing and its kind."""
        return not DIRECT.isdisjoint(self.line(name))

    @property
    def by_browser(self) -> tuple[str, ...]:
        """What a browser's Global Privacy Control denies."""
        return tuple(purpose.name for purpose in self._known.values() if purpose.gpc)


DEFAULT: Final = Purposes({purpose.name: purpose for purpose in _DEFAULTS})
"""The purposes of a project that says nothing of them."""


def parse_purposes(doc: Document) -> Purposes:
    """The purposes of a project: [purposes.NAME] of cxm.toml over the default ones; faults are noted there."""
    known = dict(DEFAULT)
    part = doc.section("purposes")
    written = []
    for name in part.keys:
        own = part.section(name)
        if not PURPOSE_NAME.fullmatch(name):
            part.fault(f"'{name}' is not a name of a purpose.", key=name, allowed="small letters, digits and hyphens")
        elif isinstance(part.raw(name), dict):
            known[name] = _purpose(own, name, known.get(name))
            written.append(name)
    part.done()
    for name in written:
        _settle(part.section(name), name, known)
    if len(known) > MOST_PURPOSES:
        doc.fault(
            f"{len(known)} purposes are too many.", key="purposes", allowed=f"{MOST_PURPOSES} with the default ones"
        )
    return Purposes(known)


def weaker(found: Purposes) -> tuple[str, ...]:
    """Default purposes that needed a yes and that a project rests on something else, in their order."""
    return tuple(name for name, purpose in DEFAULT.items() if purpose.basis == ASKED != found[name].basis)


def _purpose(part: Document, name: str, before: Purpose | None) -> Purpose:
    start = before or Purpose(name, ASKED, "")
    found = replace(
        start,
        parent=part.text("parent", start.parent),
        basis=part.text("basis", start.basis, allowed=BASES),
        says=part.text("says", start.says),
        dpv=part.text("dpv", start.dpv),
        fides=part.text("fides", start.fides),
        categories=part.texts("categories", start.categories),
        gpc=part.flag("gpc", default=start.gpc),
    )
    if found.dpv and "://" not in found.dpv:
        part.fault(f"'{found.dpv}' is no IRI.", key="dpv", allowed=f"{_DPV}NAME")
    if not all(category.strip() for category in found.categories):
        part.fault("'categories' names none.", key="categories", allowed="names of consent categories")
    part.done()
    return found


def _settle(part: Document, name: str, known: dict[str, Purpose]) -> None:
    """Notes a parent that is not there, or a circle, and goes on without it."""
    parent = known[name].parent
    if parent and parent not in known:
        part.unknown("purpose", parent, known, key="parent")
        known[name] = replace(known[name], parent="")
    seen = {name}
    while parent and parent in known and parent not in seen:
        seen.add(parent)
        parent = known[parent].parent
    if parent == name:
        part.fault(f"'{name}' is a part of itself.", key="parent", allowed="a purpose that is no part of it")
        known[name] = replace(known[name], parent="")
