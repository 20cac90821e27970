"""Consent in a project: what events say of it on their way into the log, and the neck that every use passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.app.project import Project
from cxminute.model.errors import Refused
from cxminute.privacy.consent import Consent, settle
from cxminute.privacy.contracts import Contract
from cxminute.privacy.permits import ALLOWING, REASONS, Neck, verdicts
from cxminute.privacy.purposes import ASKED, KEEPING
from cxminute.privacy.sayings import sayings
from cxminute.privacy.use import Use
from cxminute.store.consents import ALL
from cxminute.store.people import People, reaching
from cxminute.store.tellers import profiles_of

if TYPE_CHECKING:  # brings the whole way to the map of people
    from cxminute.app.people.identity import Identity

Ints = NDArray[np.int64]

KEPT: Final = 8
"""How many answers of who and what is left out an open project keeps."""


def consents_of(project: Project, kept: pa.Table, personal: pa.Table, contract: Contract) -> pa.Table | None:  # noqa: ARG001 -- whoever may use the data, what its people say of consent holds
    """What events said of consent, as the log's chunk takes it; None where they said nothing."""
    return sayings(kept, personal, project.settings.purposes)


def neck(project: Project, as_of: int | None = None, who: Identity | None = None) -> Neck:
    """The neck of a project, as of now or of a moment: by what people had said, and who was known to be who.

    who: who is who, where it is known already
    """
    if who is None:
        from cxminute.app.people.identity import identity  # noqa: PLC0415 -- it reads the log

        who = identity(project, as_of)
    persons = who.persons if who.merged else None
    purposes = project.settings.purposes
    pieces = project.log.pieces((), project.log.past(as_of))
    return Neck(
        purposes,
        project.definitions.contracts,
        settle(project.consents.facts(as_of=as_of, why=False), purposes, persons),
        told=lambda source: profiles_of(pieces, source),
        persons=persons,
        forgotten=_forgotten(project, who),
    )


def said_by(project: Project, facts: pa.Table, profiles: Ints) -> Consent:
    """The answers of one person, whose identifiers these are, by what they said, under the number of the first."""
    persons = np.arange(int(profiles.max()) + 1, dtype=np.int64)
    persons[profiles] = int(profiles.min())
    return settle(facts, project.settings.purposes, persons)


def pass_person(project: Project, use: Use, profiles: Ints, as_of: int | None = None) -> str:
    """Lets a use of one person's data pass, and says why; the sources are the business of `Project.permit`.

    profiles: the identifiers of the person
    raises:   Refused, with the reason, where the person's own word or the purpose's basis does not allow it; Lacking
    """
    number = np.array([profiles.min()], np.int64)
    said = said_by(project, project.consents.facts(profiles.tolist(), as_of, why=False), profiles)
    neck_of_one = Neck(project.settings.purposes, project.definitions.contracts, said, told=lambda _: number)
    one = neck_of_one.permit(use, number)
    reason = next(iter(one.counts))
    if not one.allowed.all():
        raise Refused(
            f"This person's data may not be used for '{use.purpose}' ({reason}): {REASONS[reason]}.",
            allowed=f"another --purpose; of {KEEPING} even what is only kept",
            then="Nothing was shown.",
        )
    return reason


def only_permitted(project: Project, purpose: str, people: People | None, as_of: int | None = None) -> People | None:
    """Who is who for an analysis, in which those are nobody (-1) whose data it may not use.

    Who restricted the use of their data is left out of every analysis; who objected or said no, of those whose purpose
    lets a no count; and where the purpose rests on consent, everybody who did not say yes. Where that is nobody, all
    stays as it is. Asked again, with nothing said since and the same who is who, it is the same object.
    """
    if not may_leave_out(project, purpose, as_of):
        return people
    mark = (*project.consents.mark(), project.consents.profiles())  # before it is read: what comes between is news
    kept: _Decided | None = project.decided.get(("people", purpose, as_of))
    if kept is not None and kept.mark == mark and _same(kept.given, people):
        return kept.people
    purposes = project.settings.purposes
    known = np.empty(0, np.int64) if people is None else people.persons
    persons = reaching(known, mark[-1])
    facts = project.consents.facts(as_of=as_of, purposes=(*purposes.line(purpose), ALL), why=False)
    answers = settle(facts, purposes, persons).of(purpose, persons)
    out = verdicts(purposes, purpose)[answers] >= ALLOWING
    persons[out] = -1
    decided = _Decided(mark, people, People(persons) if out.any() else people)
    keep(project, ("people", purpose, as_of), decided)
    return decided.people


def may_leave_out(project: Project, purpose: str, as_of: int | None = None) -> bool:
    """Whether an analysis can leave out anybody at all: without a look at who is who."""
    purposes = project.settings.purposes
    return purposes[purpose].basis == ASKED or project.consents.tells_of((*purposes.line(purpose), ALL), as_of)


def keep(project: Project, key: tuple[str, str, int | None], found: object) -> None:
    """Keeps in an open project what was worked out, beside the few others that were asked for last."""
    project.decided.pop(key, None)
    for old in list(project.decided)[: 1 - KEPT]:
        project.decided.pop(old, None)
    project.decided[key] = found


@dataclass(frozen=True, slots=True)
class _Decided:
    """Who is left out: by what people had said (mark), of whom (given), and the answer."""

    mark: tuple[int, ...]
    given: People | None
    people: People | None


def _same(one: People | None, other: People | None) -> bool:
    """Whether they say the same of who is who."""
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one.persons, other.persons)


def _forgotten(project: Project, who: Identity) -> Ints:
    """People of whom no identifier says anything any more."""
    erased = project.consents.erased()
    if not erased.size:
        return erased
    owners = reaching(who.persons, project.consents.profiles())
    whole, gone = (np.bincount(some, minlength=owners.size) for some in (owners, owners[erased]))
    return np.flatnonzero((gone > 0) & (gone == whole)).astype(np.int64)
