"""Consent in a project: what events say of it on their way into the log, and the neck that every use passes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

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
from cxminute.store.people import People
from cxminute.store.tellers import profiles_of

if TYPE_CHECKING:  # brings the whole way to the map of people
    from cxminute.app.people.identity import Identity

Ints = NDArray[np.int64]


def consents_of(project: Project, kept: pa.Table, personal: pa.Table, contract: Contract) -> pa.Table | None:  # noqa: ARG001 -- whoever may use the data, what its people say of consent holds
    """What events said of consent, as the log's chunk takes it; None where they said nothing."""
    return sayings(kept, personal, project.settings.purposes)


def neck(project: Project, as_of: int | None = None, who: Identity | None = None) -> Neck:
    """The neck of a project, as of now or of a moment: by what people had said, and who was known to be who.

    who: who is who, where it is known already
    """
    who = who or _identity(project, as_of)
    persons = who.persons if who.merged else None
    pieces = project.log.pieces((), project.log.past(as_of))
    return Neck(
        project.settings.purposes,
        project.definitions.contracts,
        _settled(project, as_of, persons),
        told=lambda source: profiles_of(pieces, source),
        persons=persons,
        forgotten=_forgotten(project, who),
    )


def said_by(project: Project, profiles: Ints, as_of: int | None = None) -> Consent:
    """The answers of one person, whose identifiers these are, under the number of the first."""
    facts = project.consents.facts(profiles.tolist(), as_of)
    persons = np.arange(int(profiles.max()) + 1, dtype=np.int64)
    persons[profiles] = int(profiles.min())
    return settle(facts, project.settings.purposes, persons)


def pass_person(project: Project, use: Use, profiles: Ints, as_of: int | None = None) -> str:
    """Lets a use of one person's data pass, and says why; the sources are the business of `Project.permit`.

    profiles: the identifiers of the person
    raises:   Refused, with the reason, where the person's own word or the purpose's basis does not allow it; Lacking
    """
    number = int(profiles.min())
    persons = np.arange(int(profiles.max()) + 1, dtype=np.int64)
    persons[profiles] = number
    one = Neck(
        project.settings.purposes, project.definitions.contracts, said_by(project, profiles, as_of),
        told=lambda _: profiles, persons=persons,
    ).permit(use, np.array([number], np.int64))  # fmt: skip
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
    stays as it is.
    """
    purposes = project.settings.purposes
    if purposes[purpose].basis != ASKED and project.consents.is_empty():
        return people
    facts = project.consents.facts(as_of=as_of, purposes=(*purposes.line(purpose), ALL))
    if purposes[purpose].basis != ASKED and not facts.num_rows:
        return people
    persons = np.arange(project.consents.profiles(), dtype=np.int64)
    if people is not None:
        known = people.persons[: persons.size]
        persons[: known.size] = known
    answers = settle(facts, purposes, persons).of(purpose, persons)
    out = verdicts(purposes, purpose)[answers] >= ALLOWING
    if not out.any():
        return people
    said = (people.version if people else -1, purpose, as_of, *project.consents.mark())
    persons[out] = -1
    return People(crc32(repr(said).encode()), persons)


def _forgotten(project: Project, who: Identity) -> Ints:
    """People of whom no identifier says anything any more."""
    erased = project.consents.erased()
    if not erased.size:
        return erased
    owners = np.arange(project.consents.profiles(), dtype=np.int64)
    known = who.persons[: owners.size]
    owners[: known.size] = known
    whole, gone = (np.bincount(some, minlength=owners.size) for some in (owners, owners[erased]))
    return np.flatnonzero((gone > 0) & (gone == whole)).astype(np.int64)


def _settled(project: Project, as_of: int | None, persons: Ints | None) -> Consent:
    return settle(project.consents.facts(as_of=as_of), project.settings.purposes, persons)


def _identity(project: Project, as_of: int | None) -> Identity:
    from cxminute.app.people.identity import identity  # noqa: PLC0415 -- it reads the log

    return identity(project, as_of)
