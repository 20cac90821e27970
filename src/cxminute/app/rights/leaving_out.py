"""What an analysis does not use, since its people's data may not be used for its purpose: people, things and events.

One decision, that of the neck (`only_permitted`), is brought to all that is read: to people, where something is counted
per person; to their orders, tickets and parcels, where it is counted per thing; and to events, where these are counted
as they stand. Where nobody is left out, no segment is read for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from cxminute.app.people.identity import identity
from cxminute.app.project import Project
from cxminute.app.rights.consenting import keep, may_leave_out, only_permitted
from cxminute.store.arrays import distinct, make_folder
from cxminute.store.memberships import GROUP
from cxminute.store.people import People
from cxminute.store.pieces import Piece
from cxminute.store.things import Things, sweep

THINGS: Final = "things"
"""Below `.cxm/identity`."""


@dataclass(frozen=True)
class LeftOut:
    """Who and what is left out for a purpose, as known at a moment.

    people: who is who, -1 for whoever is left out; None where each profile is a person of its own
    as_of:  UTC ms; None for now
    """

    project: Project = field(repr=False)
    purpose: str
    people: People | None
    as_of: int | None

    @cached_property
    def anybody(self) -> bool:
        """Whether somebody is left out."""
        return self.people is not None and self.people.leaves_out

    def things(self, kind: str) -> People | None:
        """Which number of a kind of thing is which, -1 for one that is left out; None where none is.

        Of a group, which is of many, none is left out: its streams go without the events of those who are.
        """
        if not self.anybody or kind == GROUP:
            return None
        out = self._things.left_out(kind)
        if not out.size:
            return None
        numbers = np.arange(int(out[-1]) + 1, dtype=np.int64)
        numbers[out] = -1
        return People(numbers)

    def without(self, pieces: Sequence[Piece], per: str = "") -> list[Piece]:
        """Pieces of the log, as it was known at the moment, without the events that are left out.

        per: a kind of thing whose streams they become: then also without all events of those that are left out
        For whoever reads segments, and not for the index: a piece with other rows is another piece to it.
        """
        if not self.anybody:
            return list(pieces)
        return [
            replace(one, dropped=distinct(np.concatenate([one.dropped, self._things.rows(one, per)]))) for one in pieces
        ]

    @cached_property
    def _things(self) -> Things:
        log, folder = self.project.log, self.project.folder / "identity" / THINGS
        make_folder(folder)  # before the log is read: if somebody is forgotten from here on, it is not made again
        past = log.past(self.as_of)
        pieces = log.pieces((), past)
        keys = {piece.key for piece in pieces}
        kept: _Kept | None = self.project.decided.get((THINGS, self.purpose, self.as_of))
        if kept is not None and kept.people is self.people and kept.keys == keys:
            return kept.things
        if past is None:
            sweep(folder, keys)
        found = Things(folder, pieces, self.people or People(np.empty(0, np.int64)), self.as_of)
        keep(self.project, (THINGS, self.purpose, self.as_of), _Kept(self.people, keys, found))
        return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is known of things: without whom, and from which pieces of the log."""

    people: People | None
    keys: set[str]
    things: Things


def left_out(project: Project, purpose: str, people: People | None, as_of: int | None = None) -> LeftOut:
    """What an analysis for a purpose does not use.

    people: who is who; None where each profile is a person of its own
    """
    return LeftOut(project, purpose, only_permitted(project, purpose, people, as_of), as_of)


def left_out_as_known(project: Project, purpose: str, as_of: int | None = None) -> LeftOut:
    """The same by who is who as it is known; which is not asked where nobody can be left out."""
    if not may_leave_out(project, purpose, as_of):
        return LeftOut(project, purpose, None, as_of)
    return left_out(project, purpose, identity(project, as_of).people(), as_of)
