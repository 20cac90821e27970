"""Who is who in a project: the links of its log and what people said, brought up to date and stitched.

Who is who is derived, as the journey index is: whatever lies in `.cxm/identity` can be deleted and is made again. What
the state keeps is what people said (bonds) and, since it was so, which merges were noticed and when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.app import clock
from cxminute.app.people.merging import changes_of, unwritten
from cxminute.app.people.stitching import Stitching
from cxminute.app.project import Project
from cxminute.store.bonds import Said
from cxminute.store.evidence import Evidence, nothing, united, unknown
from cxminute.store.facts import alone
from cxminute.store.identity import (
    Facts,
    Kept,
    Map,
    Marks,
    Numbered,
    added,
    keep,
    marks,
    note,
    noted,
    numbers,
    open_kept,
    read_evidence,
    replaced,
    settle,
    sweep,
)
from cxminute.store.people import People, reaching
from cxminute.store.pieces import Piece
from cxminute.store.vault import removals

Ints = NDArray[np.int64]

FOLDER: Final = "identity"
"""Below `.cxm`."""


@dataclass(frozen=True)
class Identity:
    """Who is who, as known now or at a moment.

    version:  of the map: another number, another map
    persons:  by number of an identifier, the number of its person: the smallest of that person's. Numbers beyond its
              end are persons of their own
    nobody:   table of `number` and `why`: identifiers that are nobody's; none of their links hold
    refused:  table of `a`, `b`, `how`, `at` (UTC ms) and `why`: links that do not hold: 'apart', or the kind whose
              limit they would break
    merged:   whether anybody has more than one identifier
    numbered: what is known of each identifier
    """

    version: int
    persons: Ints
    nobody: pa.Table
    refused: pa.Table
    merged: bool
    numbered: Numbered = field(repr=False)
    say: Callable[[], Sequence[Said]] = field(repr=False)

    @cached_property
    def bonds(self) -> tuple[Said, ...]:
        """What people say of pairs."""
        return tuple(self.say())

    def person(self, number: int) -> int:
        """The person whom an identifier belongs to."""
        return int(self.persons[number]) if 0 <= number < self.persons.size else number

    def profiles(self, person: int) -> Ints:
        """The identifiers of a person, ascending."""
        if person >= self.persons.size:
            return np.array([person], np.int64)
        return np.flatnonzero(self.persons == person)

    def people(self) -> People | None:
        """The map as the index takes it; None where every identifier is a person of its own."""
        return People(self.persons) if self.merged else None


def identity(project: Project, known_at: int | None = None, kept: Kept | None = None) -> Identity:
    """Who is who; what came since the last time is stitched to what was known, and merges are written down.

    known_at: as of then, UTC ms: by the links of events that had happened, and by what people had said
    kept:     the map to read; without it, the newest
    """
    kept = kept or Recognising(project).now()
    if known_at is None:
        return _opened(kept, project.bonds.standing)
    return _then(project, kept, known_at)


def supposed(project: Project, said: Sequence[Said], kept: Kept | None = None) -> Identity:
    """Who would be who now, if people said this of pairs and nothing else; nothing is kept of it.

    kept: of whose links; without it, of the newest map
    """
    kept = kept or Recognising(project).now()
    numbered = brought_up(project, kept.numbered)
    made = Stitching().made(project, kept.parts, numbered, said)
    return _identity(replace(kept.facts, merged=made.merged), made, lambda: said, numbered)


def brought_up(project: Project, numbered: Numbered) -> Numbered:
    """What is known of each identifier, with those that were numbered since."""
    return numbered.extended(project.vault.people(numbered.column.size))


class Recognising:
    """Keeps who is who up to the log. Whoever keeps it between two looks has only what is new to be stitched.

    remembers: whether what was stitched stays in memory for the next time: about 25 bytes a link
    """

    def __init__(self, project: Project, *, remembers: bool = False) -> None:
        self.project, self._folder = project, project.folder / FOLDER
        self._stitching = Stitching(remembers=remembers)

    def now(self) -> Kept:
        """The map of the log as it stands; merges since the last time are written down."""
        asked = self._asked()
        kept = open_kept(self._folder)
        if kept is not None and _is_of(kept, asked) and noted(self._folder)[0] == kept.facts.number:
            return kept
        with alone(self._folder):
            asked = self._asked()  # whoever held it may have been quicker
            kept = open_kept(self._folder)
            if kept is None or not _is_of(kept, asked):
                kept = self._extended(kept, asked)
            self._note(kept)
        return kept

    def _asked(self) -> _Asked:
        pieces = tuple(self.project.log.pieces(()))
        keys = {piece.key: piece.number for piece in pieces}
        stitching = Stitching.rules(self.project)
        return _Asked(pieces, keys, (stitching, self.project.bonds.version(), removals(self.project.log.state)))

    def _extended(self, kept: Kept | None, asked: _Asked) -> Kept:
        """The map of what is asked: from what is there, where that only grew; else from every segment's evidence."""
        folder = self._folder
        rules, bonds, erased = asked.decided
        facts = _NOTHING if kept is None else kept.facts
        same = facts.removals == erased
        grown = kept is not None and same and self._only_grew(facts, asked)
        fresh = [one for one in asked.pieces if not (grown and one.key in facts.pieces)]
        told = read_evidence(folder, fresh)
        if kept is not None and grown and 0 < sum(map(len, told)) <= _FEW:
            told = [some for some in [unknown(kept.parts, united(told))] if len(some)]
        memory = self._stitching.remembered(rules, erased)
        onto = memory is not None and self._only_grew(memory, asked)
        current = memory is not None and memory.pieces == facts.pieces
        before = facts.numbers if noted(folder)[0] == facts.number else facts.before
        many = max(facts.numbers, numbers(fresh))
        facts = replace(facts, rules=rules, bonds=bonds, removals=erased, pieces=asked.keys, numbers=many)
        facts = replace(facts, before=before, evidence=added(folder, facts.evidence if grown else (), told))
        if kept is not None and grown and not told and kept.facts.decided == asked.decided:
            if current:
                self._stitching.remember(facts)
            return settle(folder, facts)
        said = self.project.bonds.standing()
        numbered = kept.numbered if kept is not None and same else Numbered.none()
        if said or facts.evidence:
            numbered = brought_up(self.project, numbered)
        if not onto or memory is None:
            parts: Sequence[Evidence] = Kept(folder, facts).parts
        elif current and grown:
            parts = told
        else:  # somebody else made the map meanwhile
            parts = read_evidence(folder, [one for one in asked.pieces if one.key not in memory.pieces])
        made = self._stitching.made(self.project, parts, numbered, said, onto=onto)
        settled = keep(folder, replace(facts, number=facts.number + 1, merged=made.merged), made, numbered)
        self._stitching.remember(settled.facts)
        return settled

    def _only_grew(self, facts: Facts, asked: _Asked) -> bool:
        """Whether every event that the map is of is still in the log: segments that went were merged into others."""
        gone = {number for key, number in facts.pieces.items() if key not in asked.keys}
        if not gone:
            return True
        whole = {piece.number for piece in asked.pieces if not piece.dropped.size}
        into = replaced(self.project.log.state, sorted(gone))
        return all(into.get(number) in whole for number in gone)

    def _note(self, kept: Kept) -> None:
        """Writes down who became part of whom, and who parted, since the last time; after a kill it is made good."""
        number, persons = noted(self._folder)
        if number == kept.facts.number:
            return
        before = reaching(persons, kept.facts.before)
        bonds, merges = self.project.bonds, self.project.merges
        marked, said = marks(self._folder), bonds.version()
        found = _opened(kept, bonds.standing)
        changes = changes_of(before, found, kept.parts, bonds.taken_back(marked.bonds), clock.now())
        if changes:
            gone = set(self.project.consents.erased().tolist())  # of whom nothing is written any more
            changes = [one for one in changes if gone.isdisjoint((one.person, one.other, one.a, one.b))]
            merges.note(unwritten(changes, merges, marked.merges))
        note(self._folder, kept.facts.number, kept.map.persons, Marks(merges.newest(), said))


# -- inside ------------------------------------------------------------------------------------------------------------

_FEW: Final = 100_000
"""Links that are compared with those known before, so that nothing is made anew where all of them are."""
_NOTHING: Final = Facts(
    number=0, merged=False, rules="", bonds=0, removals=0, numbers=0, before=0, pieces={}, evidence=(), people="",
    columns=(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the map is to be of. decided: as of `Facts`."""

    pieces: tuple[Piece, ...]
    keys: dict[str, int]
    decided: tuple[str, int, int]


def _is_of(kept: Kept, asked: _Asked) -> bool:
    return kept.facts.decided == asked.decided and kept.facts.pieces == asked.keys


def _opened(kept: Kept, said: Callable[[], Sequence[Said]]) -> Identity:
    return _identity(kept.facts, kept.map, said, kept.numbered)


def _identity(facts: Facts, made: Map, said: Callable[[], Sequence[Said]], numbered: Numbered) -> Identity:
    nobody, refused = (pa.Table.from_batches([batch]) for batch in (made.nobody, made.refused))
    return Identity(facts.number, made.persons, nobody, refused, facts.merged, numbered, said)


def _then(project: Project, kept: Kept, known_at: int) -> Identity:
    """Who was who at a moment, kept by what it was made of; what is as it is now, is that."""
    folder, log = project.folder / FOLDER, project.log
    said = project.bonds.standing(known_at)
    past = log.past(known_at)
    if past is None:
        whole, keys = kept.evidence, sorted(kept.facts.pieces)
    else:
        pieces = log.pieces((), past)
        whole, keys = united([nothing(), *read_evidence(folder, pieces)]), sorted(piece.key for piece in pieces)
    links = whole.take(whole.at <= known_at)
    if past is None and len(links) == len(whole) and said == project.bonds.standing():
        return _opened(kept, lambda: said)
    told = json.dumps([keys, len(links), [asdict(one) for one in said], kept.facts.rules, kept.facts.removals])
    digest = hashlib.sha256(told.encode()).digest()
    place = folder / "past" / digest.hex()[:16]
    with alone(place):
        found = open_kept(place)
        if found is None:
            numbered = brought_up(project, kept.numbered)
            made = Stitching().made(project, [links], numbered, said)
            number = int.from_bytes(digest[:6], "big")
            found = keep(place, replace(_NOTHING, number=number, merged=made.merged), made, numbered)
    sweep(place.parent, place)
    return _opened(found, lambda: said)
