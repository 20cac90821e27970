"""What became of people between two maps of who is who: merges and unmerges, each with what decided it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxminute.store.bonds import APART, LINKED, Said
from cxminute.store.evidence import HOWS, Evidence
from cxminute.store.merges import MERGE, UNMERGE, Merge, Merges
from cxminute.store.people import reaching

if TYPE_CHECKING:  # which asks here what changed
    from cxminute.app.people.identity import Identity

Ints = NDArray[np.int64]

SHARED: Final = "shared"
"""How two were parted where what linked them is nobody's now."""
GONE: Final = "gone"
"""The same, where the events that linked them are no longer in the log, or other links came before theirs."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What may have decided: a link or a bond, its ends in the order of their people before."""

    a: int
    b: int
    how: str
    source: str
    at: int


def changes_of(
    before: Ints, found: Identity, parts: Sequence[Evidence], taken_back: Sequence[Said], now: int
) -> list[Merge]:
    """The merges and unmerges that lead from one map to another, unmerges first, then by person.

    before: by identifier, its person, of all identifiers that there were then: what is new since is merged with nobody
    found:  the map that holds now
    parts:  its links; several may tell of one
    taken_back: what people said of pairs since then that makes them as if nothing had been said
    now:    when it is noticed, UTC ms
    """
    after = reaching(found.persons, max(before.size, found.persons.size))
    moved = np.flatnonzero(before != after[: before.size])
    merged: set[tuple[int, int]] = set()
    parted: set[tuple[int, int]] = set()
    for old, new, number in _moves(before, after, moved):
        if before[new] == old:
            parted.add((old, new))
        elif after[old] == new:
            merged.add((new, old))
        else:  # part of one person that went over to another
            parted.add((old, number))
            merged.add((new, number))
    unmerges = _unmerges(sorted(parted), before, found, taken_back, now)
    return [*unmerges, *_merges(sorted(merged), before, after, found, parts, now)]


def unwritten(changes: Sequence[Merge], merges: Merges, after: int) -> list[Merge]:
    """Those that are not the last that is written down of their two people: a kill may have come after that.

    after: as of `Merges.of`: what was written down by then led to the map that the changes begin with
    """
    last: dict[tuple[int, int], str] = {}
    for one in merges.of(sorted({change.other for change in changes}), after=after):
        last[one.person, one.other] = one.kind
    return [change for change in changes if last.get((change.person, change.other)) != change.kind]


# -- inside ------------------------------------------------------------------------------------------------------------


def _moves(before: Ints, after: Ints, moved: Ints) -> Iterator[tuple[int, int, int]]:
    """Of identifiers that moved together: their person before and after, and the smallest of them."""
    if not moved.size:
        return
    pairs = np.stack([before[moved], after[moved]], axis=1)
    each, first = np.unique(pairs, axis=0, return_index=True)
    for (old, new), number in zip(each.tolist(), moved[first].tolist(), strict=True):
        yield old, new, number


def _unmerges(
    pairs: Sequence[tuple[int, int]], before: Ints, found: Identity, taken_back: Sequence[Said], now: int
) -> list[Merge]:
    if not pairs:
        return []
    decided: dict[int, Said] = {}  # by person: a word that parted some of theirs, APART before what was taken back
    apart = (bond for bond in found.bonds if bond.said == APART)
    parting = (bond for bond in taken_back if found.person(bond.a) != found.person(bond.b))
    for bond in (*apart, *parting):
        if _who(before, bond.a) == _who(before, bond.b):
            decided.setdefault(_who(before, bond.a), bond)
    shared = np.zeros(before.size, np.bool_)
    nobody = found.nobody["number"].to_numpy()
    shared[before[nobody[nobody < before.size]]] = True
    made = []
    for person, other in pairs:
        one = decided.get(person)
        if one is not None:
            made.append(Merge(UNMERGE, person, other, one.a, one.b, one.how, "", one.known_at, now))
        else:
            made.append(Merge(UNMERGE, person, other, None, None, SHARED if shared[person] else GONE, "", now, now))
    return made


def _merges(
    pairs: Sequence[tuple[int, int]], before: Ints, after: Ints, found: Identity, parts: Sequence[Evidence], now: int
) -> list[Merge]:
    if not pairs:
        return []
    told: dict[tuple[int, int], list[_Told]] = defaultdict(list)
    touching: dict[int, list[_Told]] = defaultdict(list)
    wanted = {number for pair in pairs for number in pair}
    for one in _deciding(before, after, found, parts):
        ends = _who(before, one.a), _who(before, one.b)
        told[min(ends), max(ends)].append(one)
        for end in ends:
            if end in wanted:
                touching[end].append(one)
    made = []
    for person, other in pairs:
        direct = told.get((min(person, other), max(person, other)), [])
        all_of = direct or touching[other] or touching[person]
        first = min(all_of, key=lambda one: (one.at, one.a, one.b), default=None)
        alone = first if len({(one.a, one.b) for one in direct}) == 1 else None
        a, b = (None, None) if alone is None else (alone.a, alone.b)
        how, source, at = ("", "", now) if first is None else (first.how, first.source, first.at)
        made.append(Merge(MERGE, person, other, a, b, how, source, at, now))
    return made


def _deciding(before: Ints, after: Ints, found: Identity, parts: Sequence[Evidence]) -> Iterator[_Told]:
    """Links and bonds that hold now between identifiers that were not one person's before."""
    old = reaching(before, after.size)
    shut = np.zeros(after.size, np.bool_)
    shut[found.nobody["number"].to_numpy()] = True
    for links in parts:
        held = (old[links.a] != old[links.b]) & (after[links.a] == after[links.b]) & ~shut[links.a] & ~shut[links.b]
        some = links.take(held)
        columns = (some.a.tolist(), some.b.tolist(), some.how.tolist(), some.source.tolist(), some.at.tolist())
        for a, b, how, source, at in zip(*columns, strict=True):
            yield _Told(a, b, HOWS[how], links.sources[source], at)
    for bond in found.bonds:
        if bond.said == LINKED and old[bond.a] != old[bond.b] and after[bond.a] == after[bond.b]:
            yield _Told(bond.a, bond.b, bond.how, "", bond.known_at)


def _who(before: Ints, number: int) -> int:
    return int(before[number]) if number < before.size else number
