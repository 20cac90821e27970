"""From a permit to the streams of subjects: the index, brought up to the log, opened for what the permit covers.

An engine whose workers read the log themselves gets its description in place of an index.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxminute.app.people.identity import identity
from cxminute.app.rights.leaving_out import left_out
from cxminute.journeys.language import PERSON
from cxminute.model.errors import UnknownName
from cxminute.privacy.permits import Permit
from cxminute.store.index import extend, open_index
from cxminute.store.memberships import GROUP
from cxminute.store.people import People
from cxminute.store.pieces import ACCOUNT
from cxminute.store.protocols import Subjects
from cxminute.store.scattered import scatter_log
from cxminute.store.vault import is_of_person

if TYPE_CHECKING:  # project opens what stands here
    from cxminute.app.project import Project


PASTS: Final = 8
"""How many indexes of the log as it was known in the past are kept beside the one of today."""


def open_subjects(
    project: Project,
    per: str,
    leave: Permit,
    *,
    known_at: int | None = None,
    closes_at: int | None = None,
    paths: Collection[str] = (),
    people: People | None = None,
    fixed: bool = False,
) -> Subjects:
    """All subjects of a kind, for what the permit covers.

    known_at:  as known then: corrections that came later are not seen, nor who turned out to be whom; None for now
    closes_at: later events are not seen; None for the last event
    paths:     that are asked for beside those that the definitions name
    people:    with `fixed`, who is who, in place of what is known: None there for each profile a person of its own

    Who may not be part of an analysis for the permit's purpose is left out, with the orders and tickets that are
    theirs; an account stays, without their events. Streams are those of a log in which every event carries the number
    of its person: what somebody did before they said who they are is theirs as soon as they have said it.
    """
    spaces = {PERSON} | {kind for kind in project.definitions.kinds if not is_of_person(kind)}
    of_accounts = per == ACCOUNT and per not in spaces and GROUP in spaces
    spaces |= {ACCOUNT} if GROUP in spaces else set()
    if per not in spaces:  # a process log may have brought it
        spaces |= {kind for kind in project.kinds if not is_of_person(kind)}
    if per not in spaces:
        raise UnknownName("kind of subject", per, spaces)
    log = project.log
    past = log.past(known_at)
    named = project.definitions.paths | frozenset(paths)
    pieces = log.pieces(named, past, project.definitions.declared)
    persons = people if fixed else identity(project, known_at).people()
    out = left_out(project, leave.purpose, persons, known_at)
    persons = out.people
    if of_accounts:
        from cxminute.app.people.accounts import members_map  # noqa: PLC0415 -- few journeys are of accounts

        merged: People | None = members_map(project, leave, persons, known_at)
    else:
        merged = persons if per == PERSON else out.things(per)
    shared = of_accounts or per == GROUP
    if project.settings.engine == "spark":
        covered = leave.sources
        return scatter_log(
            pieces, per, log.codes(), sources=covered, closes_at=closes_at, people=merged, behind=persons,
            shared=shared, paths=named,
        )  # fmt: skip
    folder = project.folder / "index" / per
    if past is not None:  # the log looked otherwise then: an index of its own
        said = "\0".join(sorted(piece.key for piece in pieces))
        folder = project.folder / "index" / "past" / f"{per}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        _sweep(folder)
    extend(pieces, per, folder, log.codes())
    return open_index(
        folder, per, pieces, sources=leave.sources, closes_at=closes_at, people=merged, behind=persons, shared=shared
    )


def _sweep(folder: Path) -> None:
    """Removes indexes of other pasts but the youngest few: they are made again when they are asked for."""
    others = [other for other in folder.parent.glob("*") if other != folder]
    others.sort(key=lambda other: other.stat().st_mtime_ns, reverse=True)
    for other in others[PASTS:]:
        shutil.rmtree(other, ignore_errors=True)
