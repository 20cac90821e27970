"""Links between identifiers -> people. Who is who is a function of the links and bonds, not of the order they came in.

The rules:

1. *Identifiers* are numbers from 0, each of a kind (`kinds`). *Links* are pairs of them that events tell of, each with
   how and when it was first told (`links`). *Bonds* are pairs that people, or linkage that people accepted, say to be
   linked or apart; of a pair, the newest bond stands. A *person* is a set of identifiers, and its number is the
   smallest of theirs: of two that become one, the older goes on. An identifier without links is a person of its own.
2. An identifier is *nobody's* where it is a placeholder, where its kind is none of the kinds, or where it is known with
   more identifiers of any one other kind than `Kind.shared` allows; only certain and strong kinds count, each
   identifier once. None of the links of such an identifier hold. Whether one is nobody's depends on links alone.
3. All other links are taken in one order, and each joins the persons of its ends, unless the new person would have
   more of a kind than `Kind.most`, or two identifiers that are apart; or unless one end is of a weak kind and both
   persons have identifiers of one certain or strong kind: a thing that people use joins no two who are told apart
   otherwise. Such a link is *refused*, with the reason. Where nothing is refused a person is a connected component.
4. The order: bonds by hand; former names; other aliases; other links, by the priority of the weaker of their two kinds;
   bonds of linkage, which only `most` and apart bind. Among equals the one that was told of first, then by
   `Nodes.stable`, which does not depend on arrival.
5. A bond by hand holds for what is nobody's too. It says, as a former name does, that both are the same: it is bound
   by no limit, and what is joined by such links counts once for each kind. A *former name* is one end of an alias whose
   ends are of one kind, where events name one successor only: an identifier with two successors is a thing that two
   people use, and its aliases are links like others.
6. As of a time T: the same, of the links first told of by then and the bonds that stood then.

An identified person is not merged into another by a thing that both use: `user_id` has a limit of one, and the second
link is refused. What many use passes `Kind.shared` and links nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxminute.model.errors import WrongUse
from cxminute.resolve import kernels
from cxminute.resolve.kinds import Kind
from cxminute.resolve.links import (
    ALIAS,
    ALIASED,
    HAND,
    HOWS,
    LINKAGE,
    Bond,
    Bonds,
    Links,
    Nodes,
)

__all__ = ["HOWS", "NOBODYS", "Bond", "Bonds", "Links", "Nodes", "People", "stitch"]

NOBODYS: Final = ("", "placeholder", "shared", "kind")
"""Why an identifier is nobody's, by code: it is a placeholder, it is known with too many, its kind is none."""
PLACEHOLDER, SHARED, KINDLESS = 1, 2, 3

MOST_KINDS: Final = 250
"""How many kinds there may be: a reason for each must fit a byte."""

_FIRST = 1 << 48
"""Times lie between -this and this: milliseconds of nine thousand years."""
_RANKS: Final = {"hand": 0, "former": 1, "alias": 2, "other": 3, "linkage": 4_000}


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What kinds ask, by code, as arrays of 256.

    column:   the place of a kind among those that links can compete for: strong or certain, or with a limit; else -1
    ceilings: by column, of how many in a component on links compete
    """

    names: tuple[str, ...]
    strong: NDArray[np.uint8]
    shared: NDArray[np.int64]
    priority: NDArray[np.int64]
    most: NDArray[np.int64]
    column: NDArray[np.int32]
    ceilings: NDArray[np.int64]

    @classmethod
    def of(cls, kinds: Mapping[str, Kind]) -> Rules:
        """The rules of kinds, in their order; WrongUse where there are too many."""
        if len(kinds) > MOST_KINDS:
            raise WrongUse(f"There are {len(kinds)} kinds of identifier.", allowed=f"at most {MOST_KINDS}")
        strong, column = np.zeros(256, np.uint8), np.full(256, -1, np.int32)
        shared, priority, most = (np.zeros(256, np.int64) for _ in range(3))
        for code, kind in enumerate(kinds.values()):
            strong[code] = kind.strength != "weak"
            shared[code], priority[code], most[code] = kind.shared, kind.priority, kind.most
        wanted = np.flatnonzero((most > 0) | (strong > 0))
        column[wanted] = np.arange(wanted.size, dtype=np.int32)
        ceilings = np.where(strong[wanted] > 0, 1, most[wanted])
        return cls(tuple(kinds), strong, shared, priority, most, column, ceilings)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Who is who.

    kinds:   names of the kinds, by code
    persons: by number of an identifier, the number of its person: the smallest of that person's (int64)
    nobody:  numbers of those that are nobody's, ascending, with `why`, codes of NOBODYS (uint8)
    refused: links and bonds that do not hold, with `reasons` (uint8)
    """

    kinds: tuple[str, ...]
    persons: NDArray[np.int64]
    nobody: NDArray[np.int64]
    why: NDArray[np.uint8]
    refused: Links
    reasons: NDArray[np.uint8]

    def reason(self, place: int) -> str:
        """Why the refused link at a place does not hold: 'apart', or the kind of which it would bring too many."""
        code = int(self.reasons[place])
        return "apart" if code == kernels.APART else self.kinds[code - kernels.LIMIT]


@dataclass(slots=True, eq=False)
class Stitched:
    """The answer with what led to it; `growing` goes on from here.

    roots:    by identifier, its component: of all links that are not shut, and bonds (int32)
    strained: by root, whether its links compete
    reasons:  by link, then by bond that links: codes as in `kernels`
    """

    persons: NDArray[np.int64]
    shut: NDArray[np.uint8]
    known: NDArray[np.int32]
    roots: NDArray[np.int32]
    counts: NDArray[np.uint16]
    strained: NDArray[np.uint8]
    reasons: NDArray[np.uint8]
    bond_reasons: NDArray[np.uint8]


def stitch(links: Links, nodes: Nodes, kinds: Mapping[str, Kind], bonds: Iterable[Bond] = ()) -> People:
    """The people whom these links and bonds make of these identifiers, by the rules above.

    kinds:  in the order of the codes in `nodes`
    bonds:  of each pair the newest counts
    raises: WrongUse where a link or bond names an identifier that is not there

    Takes time in proportion to links and identifiers; only links that compete are sorted.
    """
    rules, said = Rules.of(kinds), Bonds.of(bonds)
    made = stitched(links, nodes, rules, said)
    away, parted_bonds = np.flatnonzero(made.reasons), np.flatnonzero(made.bond_reasons)
    nobody = np.flatnonzero(made.shut)
    return People(
        rules.names,
        made.persons,
        nobody,
        made.shut[nobody],
        links.take(away) + said.linked.take(parted_bonds),
        np.concatenate((made.reasons[away], made.bond_reasons[parted_bonds])),
    )


def stitched(links: Links, nodes: Nodes, rules: Rules, bonds: Bonds) -> Stitched:
    """The cold path: components of all links at once, and then a choice in those where links compete."""
    size = len(nodes)
    check(size, links.b, bonds.linked.b, bonds.apart_b)
    shut = unusable(nodes, len(rules.names))
    known = np.zeros(size, np.int32)
    kernels.acquaint(links.a, links.b, nodes.kind, rules.strong, known)
    kernels.mark_crowded(links.a, links.b, nodes.kind, rules.strong, rules.shared, known, shut, SHARED)
    roots = np.arange(size, dtype=np.int32)
    kernels.join(links.a, links.b, shut, roots)
    for linked, closed in parted(bonds.linked, shut):
        kernels.join(linked.a, linked.b, closed, roots)
    kernels.flatten(roots)
    counts = np.zeros((size, rules.ceilings.size), np.uint16)
    strained = np.zeros(size, np.uint8)
    if rules.ceilings.size:
        kernels.tally(roots, nodes.kind, rules.column, counts)
        strained |= (counts > rules.ceilings).any(axis=1)
    one = roots[bonds.apart_a] == roots[bonds.apart_b]
    strained[roots[bonds.apart_a[one]]] = 1
    persons = roots.astype(np.int64)
    reasons, bond_reasons = np.zeros(len(links), np.uint8), np.zeros(len(bonds.linked), np.uint8)
    members = np.flatnonzero(strained[roots])
    if members.size:
        chosen = np.zeros(len(links), np.uint8)
        kernels.select(links.a, links.b, shut, roots, strained, chosen)
        places = np.flatnonzero(chosen)
        bound, kept = competing(bonds, shut, strained[roots])
        labels, said = settle(
            members,
            links.take(places) + bonds.linked.take(bound),
            bonds.apart_a[kept],
            bonds.apart_b[kept],
            nodes.kind,
            nodes.stable,
            rules,
        )
        persons[members] = labels
        reasons[places], bond_reasons[bound] = said[: places.size], said[places.size :]
    return Stitched(persons, shut, known, roots, counts, strained, reasons, bond_reasons)


def check(size: int, *ends: NDArray[np.int64]) -> None:
    """WrongUse where an end is not among so many identifiers."""
    largest = max((int(end.max()) for end in ends if end.size), default=-1)
    if largest >= size:
        raise WrongUse(f"A link names identifier {largest}.", allowed=f"numbers below {size}, which have a kind")


def unusable(nodes: Nodes, kinds: int) -> NDArray[np.uint8]:
    """By identifier, the code of NOBODYS that holds whatever the links are."""
    shut = np.where(nodes.kind >= kinds, np.uint8(KINDLESS), np.uint8(0))
    if nodes.placeholder is not None:
        shut[nodes.placeholder] = PLACEHOLDER
    return shut


def parted(linked: Links, shut: NDArray[np.uint8]) -> Sequence[tuple[Links, NDArray[np.uint8]]]:
    """Bonds that link, with what is shut to them: to those by hand nothing is."""
    by_hand = linked.how == HAND
    return (linked.take(by_hand), np.zeros_like(shut)), (linked.take(~by_hand), shut)


def competing(
    bonds: Bonds, shut: NDArray[np.uint8], inside: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the bonds that link and can hold, and of apart pairs, where `inside` says so."""
    linked = bonds.linked
    there = inside[linked.a] > 0
    open_to = (linked.how == HAND) | ((shut[linked.a] == 0) & (shut[linked.b] == 0))
    kept = (inside[bonds.apart_a] > 0) & (inside[bonds.apart_b] > 0)
    return np.flatnonzero(there & open_to), np.flatnonzero(kept)


def settle(
    members: NDArray[np.int64],
    links: Links,
    apart_a: NDArray[np.int64],
    apart_b: NDArray[np.int64],
    kind: NDArray[np.uint8],
    stable: NDArray[np.uint64],
    rules: Rules,
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Rules 3 to 5 for whole components: the person of each member, and why a link does not hold.

    members: all identifiers of the components, ascending
    links:   their links and bonds, with both ends among the members
    """
    places = np.empty(int(members[-1]) + 1, np.int32)
    places[members] = np.arange(members.size, dtype=np.int32)
    a, b = places[links.a], places[links.b]
    kinds = kind[members]
    same = (links.how == HAND) | _former(links.how, a, b, kinds)
    says = np.where(links.how == LINKAGE, np.uint8(kernels.JUDGED), same.astype(np.uint8))
    order = _order(links, a, b, same, kinds, stable[members], rules)
    labels = np.arange(members.size, dtype=np.int32)
    reasons = np.zeros(len(links), np.uint8)
    kernels.choose(
        order,
        a,
        b,
        says,
        kinds,
        rules.strong,
        rules.column,
        rules.most,
        places[apart_a],
        places[apart_b],
        labels,
        reasons,
    )
    return members[labels], reasons


def _former(
    how: NDArray[np.uint8], a: NDArray[np.int32], b: NDArray[np.int32], kinds: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Which links are of a former name: an alias within a kind, of an identifier with one successor."""
    is_alias = ((how == ALIAS) | (how == ALIASED)) & (kinds[a] == kinds[b])
    places = np.flatnonzero(is_alias)
    forth = how[places] == ALIAS
    former = np.where(forth, a[places], b[places]).astype(np.int64)
    successor = np.where(forth, b[places], a[places])
    pairs = np.unique(former * kinds.size + successor)
    successors = np.bincount(pairs // kinds.size, minlength=kinds.size)
    found = np.zeros(how.size, np.bool_)
    found[places] = successors[former] == 1
    return found


def _order(
    links: Links,
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    same: NDArray[np.bool_],
    kinds: NDArray[np.uint8],
    stable: NDArray[np.uint64],
    rules: Rules,
) -> NDArray[np.int64]:
    """Places of the links in the order of rule 4."""
    priority = rules.priority[kinds]
    rank = _RANKS["other"] + np.maximum(priority[a], priority[b])
    rank[((links.how == ALIAS) | (links.how == ALIASED)) & (kinds[a] != kinds[b])] = _RANKS["alias"]
    rank[links.how == LINKAGE] = _RANKS["linkage"]
    rank[same] = _RANKS["former"]
    rank[links.how == HAND] = _RANKS["hand"]
    key = rank * (2 * _FIRST) + np.clip(links.at, 1 - _FIRST, _FIRST - 1) + _FIRST
    one, other = stable[a], stable[b]
    order: NDArray[np.int64] = np.lexsort((np.maximum(one, other), np.minimum(one, other), key))
    return order
