"""Who is who, written a second time from the rules in docs/adr/0016: slowly, with sets, and nothing shared.

It takes links one by one over the whole graph, never by component, and compares plain tuples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cxminute.resolve.kinds import Kind
from cxminute.resolve.links import Bond

Pair = tuple[int, int]


@dataclass(frozen=True)
class Told:
    """A link as an event tells it: `left` is the former name where it is an alias."""

    left: int
    right: int
    how: str
    at: int


@dataclass
class Answer:
    """Persons by identifier, who is nobody's, and refused pairs with how and why."""

    persons: list[int]
    nobody: set[int]
    refused: set[tuple[int, int, str, str]] = field(default_factory=set)


def who_is_who(
    kinds: Mapping[str, Kind],
    nodes: Sequence[tuple[str, int]],
    links: Sequence[Told],
    bonds: Sequence[Bond],
    placeholders: frozenset[int] = frozenset(),
) -> Answer:
    """The rules, one after the other.

    nodes: kind and stable key of each identifier; a kind that is not among the kinds is none
    """
    of = [kinds.get(kind) for kind, _ in nodes]
    nobody = {n for n in range(len(nodes)) if n in placeholders or of[n] is None or _crowded(n, of, links)}
    standing: dict[Pair, Bond] = {}
    for bond in sorted(bonds, key=lambda bond: bond.at):
        standing[(min(bond.a, bond.b), max(bond.a, bond.b))] = bond
    apart = [pair for pair, bond in standing.items() if bond.said == "apart"]
    held = [link for link in links if link.left not in nobody and link.right not in nobody]
    successors: dict[int, set[int]] = defaultdict(set)
    for link in held:
        if link.how == "alias" and nodes[link.left][0] == nodes[link.right][0]:
            successors[link.left].add(link.right)
    queue = [_placed(link, of, nodes, successors) for link in held]
    for (a, b), bond in standing.items():
        if bond.said == "linked" and (bond.how == "hand" or not {a, b} & nobody):
            rank = (0, 0) if bond.how == "hand" else (4, 0)
            keys = sorted((nodes[a][1], nodes[b][1]))
            queue.append(((rank, bond.at, keys), a, b, bond.how, bond.how == "hand"))
    return _joined(sorted(queue, key=lambda link: link[0]), kinds, of, apart, nobody)


def _crowded(node: int, of: Sequence[Kind | None], links: Sequence[Told]) -> bool:
    mine = of[node]
    if mine is None or not mine.shared:
        return False
    others: dict[str, set[int]] = defaultdict(set)
    for link in links:
        if node in (link.left, link.right):
            other = link.right if link.left == node else link.left
            kind = of[other]
            if kind is not None and kind.name != mine.name and kind.strength in ("certain", "strong"):
                others[kind.name].add(other)
    return any(len(known) > mine.shared for known in others.values())


_Queued = tuple[tuple[tuple[int, int], int, list[int]], int, int, str, bool]


def _placed(
    link: Told, of: Sequence[Kind | None], nodes: Sequence[tuple[str, int]], successors: Mapping[int, set[int]]
) -> _Queued:
    left, right = of[link.left], of[link.right]
    assert left is not None
    assert right is not None
    weaker = (3, max(left.priority, right.priority))
    former = link.how == "alias" and left is right and len(successors[link.left]) == 1
    if former:
        rank = (1, 0)
    elif link.how == "alias" and left is not right:
        rank = (2, 0)
    else:
        rank = weaker
    keys = sorted((nodes[link.left][1], nodes[link.right][1]))
    return (rank, link.at, keys), link.left, link.right, link.how, former


def _joined(
    queue: Sequence[_Queued],
    kinds: Mapping[str, Kind],
    of: Sequence[Kind | None],
    apart: Sequence[Pair],
    nobody: set[int],
) -> Answer:
    """Every identifier begins as a person; a person is a set of groups of identifiers that are said to be the same."""
    persons: dict[int, set[frozenset[int]]] = {n: {frozenset({n})} for n in range(len(of))}
    where = list(range(len(of)))
    refused = set()
    for _, left, right, how, same in queue:
        one, other = where[left], where[right]
        if one == other:
            continue
        groups = persons[one] | persons[other]
        if same:
            together = frozenset().union(*groups)
            groups = {together}
        everybody = frozenset().union(*groups)
        why = "apart" if any(a in everybody and b in everybody for a, b in apart) else ""
        if not why and not same:
            weak = how not in ("hand", "linkage") and "weak" in {_strength(of[left]), _strength(of[right])}
            against = _over(groups, of) | (_known_apart(persons[one], persons[other], of) if weak else set())
            why = min(against, key=lambda name: kinds[name].priority, default="")
        if why:
            refused.add((min(left, right), max(left, right), how, why))
            continue
        first = min(one, other)
        del persons[max(one, other)]
        persons[first] = groups
        for n in everybody:
            where[n] = first
    return Answer(where, nobody, refused)


def _strength(kind: Kind | None) -> str:
    return kind.strength if kind else ""


def _known_apart(one: set[frozenset[int]], other: set[frozenset[int]], of: Sequence[Kind | None]) -> set[str]:
    """The certain and strong kinds that both persons have."""
    names = [
        {kind.name for group in who for n in group if (kind := of[n]) and kind.strength != "weak"}
        for who in (one, other)
    ]
    return names[0] & names[1]


def _over(groups: set[frozenset[int]], of: Sequence[Kind | None]) -> set[str]:
    """The kinds of which these groups have more than a person may."""
    counts: dict[str, int] = defaultdict(int)
    limits = {kind.name: kind.most for kind in of if kind}
    for group in groups:
        for name in {kind.name for n in group if (kind := of[n]) is not None}:
            counts[name] += 1
    return {name for name, count in counts.items() if limits[name] and count > limits[name]}
