"""Permits: no permit, no rows. A use names its purpose; the contracts of the sources say which of them it may read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cxminute.model.errors import Refused, UnknownName
from cxminute.privacy.contracts import Contract
from cxminute.privacy.purposes import PURPOSES


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


def permit(contracts: Iterable[Contract], purpose: str) -> Permit:
    """What may be read for a purpose; sources that may not are named with the reason.

    raises: UnknownName for a purpose that is no word of `purposes`; Refused where no source at all allows it.
    """
    if purpose not in PURPOSES:
        raise UnknownName("purpose", purpose, PURPOSES)
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
