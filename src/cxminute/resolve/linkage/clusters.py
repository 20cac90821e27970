"""Clusters: who would be one person if pairs were taken, and which pairs would put too much into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Pair = tuple[int, int]

APART: Final = "apart"
"""Why a pair is held back that somebody said is not one person's; else it is the name of a kind of identifier."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """What becomes of pairs.

    records: those that a pair names, ascending
    groups:  for each the smallest record of its group
    held:    (one, other) -> why it is held back
    """

    records: Ints
    groups: Ints
    held: Mapping[Pair, str] = field(default_factory=dict)

    @property
    def sizes(self) -> Ints:
        """Of each group of two and more, how many records it has."""
        counts = np.unique(self.groups, return_counts=True)[1]
        return counts[counts > 1].astype(np.int64)

    @property
    def largest(self) -> int:
        """Records in the largest group; 1 where nothing becomes one."""
        return int(self.sizes.max(initial=1))


def cluster(
    a: Ints,
    b: Ints,
    *,
    owned: Mapping[str, Ints] | None = None,
    most: Mapping[str, int] | None = None,
    apart: Collection[Pair] = (),
) -> Clusters:
    """Takes pairs one after the other, the heaviest first as they come, and holds back those that break a limit.

    a, b:  the records of each pair
    owned: by kind of identifier, the record of each identifier of the kind: one with two of them stands there twice
    most:  by kind, how many one group may have; 0 for any number
    apart: pairs of records that are not one person's; their groups never meet
    Without limits these are the connected components of the pairs. Those that break none are taken whole; only in the
    others are pairs taken one by one, so that the answer is the same.
    """
    records, ends = np.unique(np.concatenate([a, b]).astype(np.int64), return_inverse=True)
    one, other = ends[: len(a)], ends[len(a) :]
    graph = coo_array((np.ones(len(a), np.int8), (one, other)), shape=(len(records), len(records)))
    number, label = connected_components(graph, directed=False)
    limits = {kind: limit for kind, limit in (most or {}).items() if limit and owned and kind in owned}
    inside = {kind: _places(records, (owned or {})[kind]) for kind in limits}
    kept = np.array(sorted(apart), np.int64).reshape(-1, 2)
    left, right = (_places(records, kept[:, side], keep=True) for side in (0, 1))
    both = (left >= 0) & (right >= 0)
    left, right = left[both], right[both]
    strained = np.zeros(number, np.bool_)
    for kind, limit in limits.items():
        strained |= np.bincount(label[inside[kind]], minlength=number) > limit
    strained[label[left][label[left] == label[right]]] = True
    smallest = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(smallest, label, records)
    groups = smallest[label] if len(records) else records
    tight = np.flatnonzero(strained[label[one]])
    if not tight.size:
        return Clusters(records, groups)
    counts: dict[int, Counter[str]] = {}
    for kind, places in inside.items():
        for place in places[strained[label[places]]].tolist():
            counts.setdefault(place, Counter())[kind] += 1
    pairs = zip(one[tight].tolist(), other[tight].tolist(), strict=True)
    roots, held = _greedy(pairs, counts, limits, zip(left.tolist(), right.tolist(), strict=True))
    for place in np.flatnonzero(strained[label]).tolist():
        groups[place] = records[roots.get(place, place)]
    named = {(int(records[first]), int(records[second])): why for (first, second), why in held.items()}
    return Clusters(records, groups, named)


def _places(records: Ints, wanted: Ints, *, keep: bool = False) -> Ints:
    """Where records stand; those that are not among them are left out, or -1 where they are kept."""
    places = np.searchsorted(records, wanted)
    there = places < len(records)
    there[there] = records[places[there]] == wanted[there]
    return np.where(there, places, -1) if keep else places[there]


def _greedy(
    pairs: Iterable[Pair], counts: dict[int, Counter[str]], limits: Mapping[str, int], apart: Iterable[Pair]
) -> tuple[dict[int, int], dict[Pair, str]]:
    """The smallest of each one's group, and the pairs that were held back."""
    members: dict[int, list[int]] = {}
    of: dict[int, int] = {}
    enemies: dict[int, set[int]] = {}
    for a, b in apart:
        enemies.setdefault(a, set()).add(b)
        enemies.setdefault(b, set()).add(a)
    held: dict[Pair, str] = {}
    for a, b in pairs:
        one, other = sorted((of.get(a, a), of.get(b, b)))
        if one == other:
            continue
        mine, others = counts.get(one, Counter[str]()), counts.get(other, Counter[str]())
        whole = mine + others  # who has more than the limit already was linked by hand, or has a former name
        limits_of = ((kind, max(limit, mine[kind], others[kind])) for kind, limit in limits.items())
        if why := next((kind for kind, limit in limits_of if whole[kind] > limit), ""):
            held[a, b] = why
            continue
        ours, theirs = members.get(one, [one]), members.get(other, [other])
        few, many = sorted((ours, theirs), key=len)
        if any(not enemies.get(record, set()).isdisjoint(many) for record in few):
            held[a, b] = APART
            continue
        counts[one], members[one] = whole, ours + theirs
        of.update(dict.fromkeys(theirs, one))
        members.pop(other, None)
    return of, held
