"""Why identifiers are one person's: links with their evidence, what people said, what was refused, and what came of it.

Everything is told by number; `naming` says what the numbers stand for. Evidence of sources that the permit leaves out
is counted and not shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cxminute.app.people.naming import linking_columns
from cxminute.app.people.who import Who
from cxminute.app.project import Project
from cxminute.app.rights.consenting import neck
from cxminute.privacy.permits import Permit
from cxminute.privacy.use import Use
from cxminute.store.bonds import LINKED, Said
from cxminute.store.merges import Merge
from cxminute.store.ties import Tie, ties

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Why:
    """The graph around some identifiers.

    links:   ties between identifiers of one person, those that the permit covers
    refused: ties that join nobody, with the reason; between this person and another, or an identifier that is nobody's
    nobody:  identifiers that stand beside theirs and that are nobody's, with the reason
    bonds:   all that was said of them, oldest first
    stands:  the pairs of bonds that hold now
    merges:  of these people, oldest first
    visible: identifiers that may be shown: that a source of the permit carries, of people whose data may be shown
    hidden:  how many of their identifiers only other sources carry
    unshown: how many ties only other sources told
    paths:   by identifier, how it hangs together with the one that was asked for: pairs, from there on
    """

    links: tuple[Tie, ...]
    refused: tuple[tuple[Tie, str], ...]
    nobody: Mapping[int, str]
    bonds: tuple[Said, ...]
    stands: frozenset[Pair]
    merges: tuple[Merge, ...]
    visible: frozenset[int]
    hidden: int
    unshown: int
    paths: Mapping[int, tuple[Pair, ...]] = field(default_factory=dict)


def why(project: Project, leave: Permit, known: Who, asked: Sequence[int], as_of: int | None) -> Why:
    """Why the people behind identifiers are who they are, as of a moment."""
    members = frozenset(known.members(asked))
    pieces = project.log.pieces((), project.log.past(as_of))
    bonds = project.bonds.history(members, as_of)
    merges = project.merges.of(members, as_of)
    ends = {end for bond in bonds for end in bond.pair}
    ends |= {end for merge in merges for end in (merge.a, merge.b) if end is not None}
    told = ties(pieces, linking_columns(project), members | ends, as_of)
    seen = frozenset[int]().union(*(some for source, some in told.seen.items() if source in leave.sources))
    about = [(tie, _against(known, tie, members)) for tie in told.found if tie.a in members or tie.b in members]
    told_of = [(tie, reason) for tie, reason in about if tie.source in leave.sources]
    links = [tie for tie, reason in told_of if reason is None]
    refused = [(tie, reason) for tie, reason in told_of if reason is not None]
    stands = frozenset(one.pair for one in project.bonds.standing(as_of) if members & {one.a, one.b})
    linked = [one.pair for one in bonds if one.pair in stands and one.said == LINKED]
    holding = [(tie.a, tie.b) for tie, reason in about if reason is None]
    return Why(
        links=tuple(links),
        refused=tuple(refused),
        nobody={number: said for number, said in known.nobody.items() if number in seen | members},
        bonds=tuple(bonds),
        stands=stands,
        merges=tuple(merges),
        visible=_allowed(
            project, leave, known, _shown(members | ends, links, refused, known) & (seen | frozenset(asked)), as_of
        ),
        hidden=len(members - seen - frozenset(asked)),
        unshown=len(about) - len(told_of),
        paths=paths_from(asked, [*holding, *linked]),
    )


def carried(project: Project, sources: Collection[str], numbers: Collection[int]) -> frozenset[int]:
    """Those of identifiers that events of these sources carry, and what stands beside them."""
    pieces = [piece for piece in project.log.pieces(()) if piece.source in sources]
    return frozenset[int]().union(*ties(pieces, linking_columns(project), numbers).seen.values())


def showable(project: Project, leave: Permit, known: Who, numbers: Collection[int]) -> frozenset[int]:
    """Those of identifiers that a source of the permit carries, of people whose data may be shown for its purpose."""
    seen = carried(project, leave.sources, numbers)
    return _allowed(project, leave, known, seen.intersection(numbers), None)


def _shown(
    own: frozenset[int] | set[int], links: Iterable[Tie], refused: Iterable[tuple[Tie, str]], known: Who
) -> set[int]:
    """Every identifier that the graph names: what stands beside somebody's events and joins nobody is among them."""
    ties_shown = (*links, *(tie for tie, _ in refused))
    return {*own, *known.nobody, *(end for tie in ties_shown for end in (tie.a, tie.b))}


def _allowed(
    project: Project, leave: Permit, known: Who, numbers: Collection[int], as_of: int | None
) -> frozenset[int]:
    """Those of identifiers whose people's data may be shown for the permit's purpose."""
    people = np.array(sorted({known.person(number) for number in numbers}), np.int64)
    passed = neck(project, as_of, known.found).permit(Use(leave.purpose, "show"), people)
    shown = frozenset(people[passed.allowed].tolist())
    return frozenset(number for number in numbers if known.person(number) in shown)


def paths_from(roots: Collection[int], pairs: Iterable[Pair]) -> dict[int, tuple[Pair, ...]]:
    """By identifier, the fewest pairs, one after the other, that lead to it from one of the roots; () for a root.

    Of ways of equal length the one by the smallest numbers is taken, so that the answer does not depend on order.
    """
    beside: dict[int, list[int]] = {}
    for a, b in sorted(set(pairs)):
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    found: dict[int, tuple[Pair, ...]] = dict.fromkeys(sorted(roots), ())
    waiting = deque(found)
    while waiting:
        here = waiting.popleft()
        for there in sorted(beside.get(here, ())):
            if there not in found:
                found[there] = (*found[here], (here, there))
                waiting.append(there)
    return found


def _against(known: Who, tie: Tie, members: frozenset[int]) -> str | None:
    """Why a tie joins nobody; None where both its ends are one person's and it holds."""
    for end in (tie.a, tie.b):
        if end in known.nobody:
            return known.nobody[end]
    if (reason := known.refused.get((tie.a, tie.b))) is not None:
        return reason
    if tie.a in members and tie.b in members and known.person(tie.a) == known.person(tie.b):
        return None
    return "of two people"
