"""What people may ask of their own data, whatever our contracts say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cxminute.privacy.contracts import Contract
from cxminute.privacy.permits import Permit
from cxminute.privacy.purposes import KEEPING, Purpose

GIVEN: Final = frozenset({"consent", "contract"})
"""Bases under which what a person gave may be taken elsewhere (GDPR 20(1)(a))."""
GATHERED: Final = frozenset({"third-party"})
"""Origins of data that the person did not give, and that was not observed of them: somebody else had it."""


def for_the_person(contracts: Iterable[Contract]) -> Permit:
    """Leave to show somebody what is held on them (GDPR 15): of every source, for legal compliance."""
    return Permit(KEEPING, frozenset(contract.source for contract in contracts), {})


def is_portable(contract: Contract, purposes: Mapping[str, Purpose]) -> bool:
    """Whether a source's data is what a person gave, or was observed of them, on consent or a contract (GDPR 20)."""
    bases = {purposes[name].basis for name in contract.purposes if name in purposes}
    return contract.origin not in GATHERED and not GIVEN.isdisjoint(bases)
