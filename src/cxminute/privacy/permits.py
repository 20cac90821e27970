"""Permits: no permit, no rows. A use names its purpose; the contracts of the sources say which of them it may read.

`permit` answers for sources. `Neck.permit` answers for people: a use of their data, and each of them, with the reason.
It asks, in this order: does the data have what the action requires; was the person forgotten; does a source that knows
the person allow the use; did the person restrict or object; did they say yes, where the purpose needs a yes, or no,
where a no counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.errors import Refused, UnknownName
from cxminute.privacy import consent
from cxminute.privacy.consent import Consent, Ints
from cxminute.privacy.contracts import Contract
from cxminute.privacy.purposes import ASKED, KEEPING, OBJECTABLE, PURPOSES, Purposes
from cxminute.privacy.requirements import card_of_use, require
from cxminute.privacy.use import Use, forbidden
from cxminute.store.people import People

Told = Callable[[str], Ints]
"""By a source's name, the numbers of all profiles that it tells of."""

REASONS: Final = {
    "granted": "they said yes",
    "basis": "the purpose rests on something else than consent",
    "unknown": "they were not asked, or gave no answer, and the purpose needs a yes",
    "denied": "they said no",
    "withdrawn": "they took their yes back",
    "browser": "their browser asks for it (Global Privacy Control)",
    "objected": "they objected (Article 21)",
    "restricted": "their data is only kept, not used (Article 18)",
    "contract": "no source that knows them allows it",
    "forgotten": "they were forgotten",
}
"""Why somebody's data may be used (the first two), or not."""
ALLOWING: Final = 2
"""How many of REASONS, from the first on, allow the use."""

_CODE: Final = {name: np.uint8(code) for code, name in enumerate(REASONS)}


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to read some sources for one purpose.

    purpose: what for
    sources: what may be read
    refused: source -> why not, for every other
    """

    purpose: str
    sources: frozenset[str]
    refused: dict[str, str]

    def covers(self, source: str, *, then: str) -> None:
        """Lets a source pass; Refused where its contract does not allow the purpose. then: what becomes of the rest."""
        if source not in self.sources:
            raise Refused(self.refused[source], then=then)


def permit(contracts: Iterable[Contract], purpose: str, known: Collection[str] = PURPOSES) -> Permit:
    """What may be read for a purpose; sources that may not are named with the reason.

    known:  the purposes of the project
    raises: UnknownName for a purpose that is none of them; Refused where no source at all allows it.
    """
    if purpose not in known:
        raise UnknownName("purpose", purpose, known)
    allowed, refused = set(), {}
    for contract in contracts:
        if purpose in contract.purposes:
            allowed.add(contract.source)
        else:
            said = ", ".join(sorted(contract.purposes)) or "nothing"
            clause = contract.clause_against(purpose)
            by = f", by {clause}" if clause else ""
            refused[contract.source] = (
                f"The contract of source '{contract.source}' does not allow '{purpose}'{by} (it allows: {said})."
            )
    if refused and not allowed:
        raise Refused(" ".join(refused.values()), then="Nothing was read.")
    return Permit(purpose, frozenset(allowed), refused)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the neck decided about some people, row for row.

    use:     what was asked
    basis:   of its purpose
    people:  numbers of persons
    reasons: codes of REASONS, by place
    """

    use: Use
    basis: str
    people: Ints
    reasons: NDArray[np.uint8]

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Whose data may be used."""
        return np.less(self.reasons, ALLOWING)

    @property
    def counts(self) -> dict[str, int]:
        """How many people for each reason that occurs, in the order of REASONS."""
        found = np.bincount(self.reasons, minlength=len(REASONS)).tolist()
        return {name: count for name, count in zip(REASONS, found, strict=True) if count}

    def table(self) -> pa.Table:
        """The decisions as `person`, `allowed` and `reason`."""
        words = pa.array(list(REASONS), pa.string())
        reasons = pa.DictionaryArray.from_arrays(pa.array(self.reasons.astype(np.int8)), words)
        return pa.table({"person": self.people, "allowed": self.allowed, "reason": reasons})


class Neck:
    """What everything passes that uses people's data.

    purposes:  of the project
    contracts: of all its sources
    said:      answers of people, as of the moment of the use
    told:      whom a source tells of; asked only where some contract forbids a use and another does not
    persons:   by number of a profile its person's; None where nobody was recognised as another
    forgotten: numbers of persons who were forgotten
    """

    def __init__(
        self,
        purposes: Purposes,
        contracts: Mapping[str, Contract],
        said: Consent,
        *,
        told: Told,
        persons: Ints | None = None,
        forgotten: Ints | None = None,
    ) -> None:
        self.purposes, self._contracts, self._said = purposes, contracts, said
        self._told, self._persons = told, persons
        self._forgotten = _marked(forgotten) if forgotten is not None and len(forgotten) else None
        self._known: dict[tuple[str, ...], NDArray[np.bool_]] = {}

    def permit(self, use: Use, people: Ints) -> Decisions:
        """Who of some people may be part of a use, and why, or why not.

        people: numbers of persons, in any order
        raises: UnknownName for a purpose or a source that the project has not; Lacking where the data lacks what the
                action requires
        """
        if use.purpose not in self.purposes:
            raise UnknownName("purpose", use.purpose, self.purposes)
        for name in use.sources:
            if name not in self._contracts:
                raise UnknownName("source", name, self._contracts)
        require(use.action, card_of_use(use, self._contracts.values()))
        people = np.asarray(people, np.int64)
        reasons = verdicts(self.purposes, use.purpose)[self._said.of(use.purpose, people)]
        known = self._known_to_allowing(use)
        if known is not None:
            reasons[~_is_marked(known, people)] = _CODE["contract"]
        if self._forgotten is not None:
            reasons[_is_marked(self._forgotten, people)] = _CODE["forgotten"]
        return Decisions(use, self.purposes[use.purpose].basis, people, reasons)

    def _known_to_allowing(self, use: Use) -> NDArray[np.bool_] | None:
        """By number of a person, whether a source knows them whose contract allows the use; None where all do."""
        used = [c for name, c in self._contracts.items() if not use.sources or name in use.sources]
        allowing = tuple(contract.source for contract in used if not forbidden(use, contract))
        if len(allowing) == len(used) and not use.sources:
            return None
        if allowing not in self._known:
            profiles = np.concatenate([np.empty(0, np.int64), *(self._told(name) for name in allowing)])
            if self._persons is not None:
                profiles = People(self._persons).owners(profiles)
            self._known[allowing] = _marked(profiles)
        return self._known[allowing]


def _marked(numbers: Ints) -> NDArray[np.bool_]:
    """Numbers as marks at their places; the last place is nobody's."""
    marks = np.zeros(int(numbers.max(initial=-1)) + 2, np.bool_)
    marks[numbers] = True
    return marks


def _is_marked(marks: NDArray[np.bool_], numbers: Ints) -> NDArray[np.bool_]:
    """Which numbers are marked."""
    last = len(marks) - 1
    inside = (numbers >= 0) & (numbers < last)
    return marks[np.where(inside, numbers, last)]


def verdicts(purposes: Purposes, purpose: str) -> NDArray[np.uint8]:
    """By code of an answer (consent.ANSWERS), the code of the reason that it comes to for a purpose, by its basis."""
    basis = purposes[purpose].basis
    counts = basis in OBJECTABLE  # a no counts; else the purpose does not ask
    absolute = counts or purposes.is_direct(purpose)
    free = _CODE["basis"]
    found = np.full(len(consent.ANSWERS), free, np.uint8)
    found[consent.UNKNOWN] = _CODE["unknown"] if basis == ASKED else free
    found[consent.GRANTED] = _CODE["granted"] if basis == ASKED else free
    found[consent.DENIED] = _CODE["denied"] if counts else free
    found[consent.WITHDRAWN] = _CODE["withdrawn"] if counts else free
    found[consent.BY_BROWSER] = _CODE["browser"] if absolute else free
    found[consent.OBJECTED] = _CODE["objected"] if absolute else free
    found[consent.RESTRICTED] = free if purpose == KEEPING else _CODE["restricted"]
    return found
