"""What definitions want to do with data, held against the contracts of the sources: what breaks a clause is a fault."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cxminute.balance.promises import Promise
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.source import Source
from cxminute.journeys.definition import JourneyDefinition, steps_in
from cxminute.model.definitions import Document
from cxminute.model.steps import Step
from cxminute.privacy.cards import CONTACTS
from cxminute.privacy.contracts import Contract
from cxminute.privacy.purposes import PURPOSES

if TYPE_CHECKING:  # most projects have none
    from cxminute.execution.initiative import Initiative


class Allowing:
    """The contracts of a project's sources, and which source tells of what.

    Sources that have faults are not known here: their own faults come first.
    """

    def __init__(
        self,
        contracts: Mapping[str, Contract],
        sources: Iterable[Source | None],
        journeys: Iterable[JourneyDefinition | None],
        purposes: Collection[str] = PURPOSES,
    ) -> None:
        self._contracts, self._purposes = contracts, purposes
        self._tells = {source.name: _tells(source) for source in sources if source is not None}
        self._journeys = {journey.name: journey for journey in journeys if journey is not None}

    def check_journey(self, doc: Document, journey: JourneyDefinition) -> None:
        """Notes a purpose for which no source that tells of the journey's events may be used.

        Where some may, the others are left out when it is read, which is said there.
        """
        self._check_purpose(doc, f"Journey '{journey.name}'", journey.purpose, self._sources_of(journey))

    def check_promise(self, doc: Document, promise: Promise) -> None:
        """The same for a promise."""
        self._check_purpose(doc, f"Promise '{promise.name}'", promise.purpose, self._telling(promise.steps))

    def check_initiative(self, doc: Document, found: Initiative) -> None:
        """Notes all that an initiative would do with a source's data and that its contract does not allow."""
        used = found.sources or self._sources_of(self._journeys[found.journey]) if self._knows(found) else ()
        for name in used:
            if (contract := self._contracts.get(name)) is None:
                continue
            for key, what, clause, allowed in _breaches(found, contract):
                leave = f"; or sources without '{name}'" if len(used) > 1 or not found.sources else ""
                doc.fault(
                    f"Initiative '{found.name}' {what}. This breaks {clause}.",
                    key=key,
                    allowed=f"{allowed}{leave}{contract.more}",
                )

    def _knows(self, found: Initiative) -> bool:
        return bool(found.sources) or found.journey in self._journeys

    def _check_purpose(self, doc: Document, who: str, purpose: str, used: Sequence[str]) -> None:
        known = [self._contracts[name] for name in used if name in self._contracts]
        if purpose not in self._purposes or not known or any(purpose in contract.purposes for contract in known):
            return
        cited = " and ".join(_cites_purpose(contract, purpose) for contract in known)
        allowed = ", ".join(sorted(set[str]().union(*(contract.purposes for contract in known)))) or "nothing"
        more = "".join(sorted({contract.more for contract in known}))
        doc.fault(
            f"{who} would use events for '{purpose}'. This breaks {cited}.", key="purpose", allowed=allowed + more
        )

    def _sources_of(self, journey: JourneyDefinition) -> tuple[str, ...]:
        return self._telling(self._steps_of(journey, set()))

    def _steps_of(self, journey: JourneyDefinition, seen: set[str]) -> Iterator[Step]:
        """Its steps, in place of another journey's ending those of that journey."""
        seen.add(journey.name)
        for step in (*steps_in(journey.pattern), *journey.unless):
            child = step.name.rpartition(".")[0]
            if step.kind != "ending":
                yield step
            elif child in self._journeys and child not in seen:
                yield from self._steps_of(self._journeys[child], seen)

    def _telling(self, steps: Iterable[Step]) -> tuple[str, ...]:
        """Sources that tell of one of the steps; all that tell of anything, for `any`."""
        steps = tuple(steps)
        every = any(step.kind == "any" for step in steps)
        names = {step.name for step in steps}
        return tuple(
            name for name, told in sorted(self._tells.items()) if every or told is None or not names.isdisjoint(told)
        )


def _tells(source: Source) -> frozenset[str] | None:
    """Names of the events that a source tells of; None where any may come."""
    if source.has_reader:
        return frozenset(reader_of(source.format).tells)
    if source.at_door or source.is_log or any(rule.name_from for rule in source.rules):
        return None
    return frozenset(rule.name for rule in source.rules)


def _breaches(found: Initiative, contract: Contract) -> Iterator[tuple[str, str, str, str]]:
    """What of it a contract does not allow: the key, what it would do, the clause, and what is allowed."""
    name = contract.source
    if found.purpose not in contract.purposes:
        what = f"would use source '{name}' for '{found.purpose}'"
        yield (
            "purpose",
            what,
            _cites_purpose(contract, found.purpose),
            ", ".join(sorted(contract.purposes)) or "nothing",
        )
    if found.channel in CONTACTS and not contract.contact:
        yield "channel", f"would contact the people of source '{name}'", f"'{name}: contact'", "webhook or task"
    elif found.channel in CONTACTS and contract.channels and found.channel not in contract.channels:
        what = f"would contact the people of source '{name}' by {found.channel}"
        yield "channel", what, contract.cites("contact-by-relay", "contact"), ", ".join(contract.channels)
    for key, does, allowed, clause, what in (
        ("train", found.train, contract.train, "no-training", "would train a model on"),
        ("combine", found.combine, contract.combine, "no-combining", "would combine with others' the figures of"),
        ("link", found.link, contract.link, "no-linking", "would link to other people those of"),
    ):
        if does and not allowed:
            yield key, f"{what} source '{name}'", contract.cites(clause, key), f"{key} = false"


def _cites_purpose(contract: Contract, purpose: str) -> str:
    """The clause of the marketplace where it is that which forbids the purpose, else the project's own."""
    return contract.clause_against(purpose) or f"'{contract.source}: purposes'"
