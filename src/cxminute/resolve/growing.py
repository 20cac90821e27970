"""People that grow: links, identifiers and bonds are added, and only the people whom they concern are looked at again.

After any additions the answer is that of `stitch` over all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxminute.model.errors import WrongUse
from cxminute.resolve import increments
from cxminute.resolve.kinds import Kind
from cxminute.resolve.links import Bond, Bonds, Links, Nodes
from cxminute.resolve.stitch import (
    SHARED,
    People,
    Rules,
    check,
    competing,
    parted,
    settle,
    stitched,
    unusable,
)

MOST_LINKS: Final = 2**30 - 1
"""How many links can be held: inside, entries of their lists are int32, two for each."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What an addition changed.

    numbers: identifiers that are now of another person than before, or new; ascending (int64)
    old:     the person of each before; its own number where it is new
    new:     the person of each now
    nobody:  identifiers that are nobody's since
    """

    numbers: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    nobody: NDArray[np.int64]

    def __len__(self) -> int:
        """How many identifiers changed hands."""
        return int((self.old != self.new).sum())


class Growing:
    """Who is who among all that was added so far.

    kinds: in the order of the codes of identifiers; links, nodes and bonds: to begin with

    Holds about 25 bytes a link and 45 an identifier. One thread at a time.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        links: Links | None = None,
        nodes: Nodes | None = None,
        bonds: Iterable[Bond] = (),
    ) -> None:
        links, nodes = links or Links.none(), nodes or Nodes.none()
        self._rules = Rules.of(kinds)
        self._bonds = Bonds.of(bonds)
        if len(links) > MOST_LINKS:
            raise WrongUse(f"There are {len(links):,} links.", allowed=f"at most {MOST_LINKS:,}")
        made = stitched(links, nodes, self._rules, self._bonds)
        self._nodes, self._links = len(nodes), len(links)
        self._by_node: dict[str, Array] = {
            "kind": nodes.kind.copy(),
            "stable": nodes.stable.copy(),
            "shut": made.shut,
            "known": made.known,
            "head": np.full(len(nodes), -1, np.int32),
            "degree": np.zeros(len(nodes), np.int32),
            "parent": made.roots,
            "ring": np.empty(len(nodes), np.int32),
            "counts": made.counts,
            "strained": made.strained,
            "persons": made.persons,
        }
        self._by_link: dict[str, Array] = {
            "a": links.a.astype(np.int32),
            "b": links.b.astype(np.int32),
            "how": links.how.copy(),
            "at": links.at.copy(),
            "reasons": made.reasons,
            "after": np.empty(2 * len(links), np.int32),
        }
        self._bond_reasons = made.bond_reasons
        node, link = self._by_node, self._by_link
        increments.close_rings(node["parent"], node["ring"])
        increments.file(link["a"], link["b"], len(links), node["head"], link["after"], node["degree"])
        self._make_room(len(nodes) // 8, len(links) // 8)  # so that the first addition need not

    @property
    def size(self) -> int:
        """How many identifiers there are: the number of the next."""
        return self._nodes

    @property
    def persons(self) -> NDArray[np.int64]:
        """By number of an identifier, that of its person; a copy."""
        return self._by_node["persons"][: self._nodes].copy()

    @property
    def links(self) -> Links:
        """All links that are held: of a pair, one for each way, with the first time that it was told of."""
        link, many = self._by_link, self._links
        return Links(link["a"][:many], link["b"][:many], link["how"][:many].copy(), link["at"][:many].copy())

    @property
    def people(self) -> People:
        """Who is who now."""
        node, link = self._by_node, self._by_link
        many, size = self._links, self._nodes
        away, parted_bonds = np.flatnonzero(link["reasons"][:many]), np.flatnonzero(self._bond_reasons)
        nobody = np.flatnonzero(node["shut"][:size])
        return People(
            self._rules.names,
            self.persons,
            nobody,
            node["shut"][nobody],
            self._links_at(away) + self._bonds.linked.take(parted_bonds),
            np.concatenate((link["reasons"][away], self._bond_reasons[parted_bonds])),
        )

    def add(
        self, links: Links | None = None, nodes: Nodes | None = None, bonds: Iterable[Bond] | None = None
    ) -> Changes:
        """Adds links and identifiers, and says which bonds stand now.

        nodes:  numbered on from `size`
        bonds:  all that stand now, in place of those before; None leaves those
        raises: WrongUse where a link or bond names an identifier that is not there; then nothing is added

        Takes time in proportion to what is added, and to the components that it touches.
        """
        links, nodes = links or Links.none(), nodes or Nodes.none()
        said = self._bonds if bonds is None else Bonds.of(bonds)
        check(self._nodes + len(nodes), links.b, said.linked.b, said.apart_b)
        if self._links + len(links) > MOST_LINKS:
            raise WrongUse(f"There would be {self._links + len(links):,} links.", allowed=f"at most {MOST_LINKS:,}")
        first = self._nodes
        self._make_room(len(nodes), len(links))
        self._settle_in(nodes)
        fresh = self._enter(links)
        crowded = self._crowd(fresh)
        new_bonds, moved, parting = self._say(said)
        loose = self._loosen(np.concatenate((crowded, parting)))
        touched = [loose, moved, np.arange(first, self._nodes, dtype=np.int64)]
        touched.append(self._connect(self._links_at(fresh), self._by_node["shut"]))
        bonds_again = new_bonds | (np.isin(said.linked.a, loose) | np.isin(said.linked.b, loose))
        for linked, shut in parted(said.linked.take(bonds_again), self._by_node["shut"]):
            touched.append(self._connect(linked, shut))
        touched.append(self._strain())
        return self._decide(np.concatenate(touched), first, crowded)

    def _make_room(self, nodes: int, links: int) -> None:
        for held, many in ((self._by_node, self._nodes + nodes), (self._by_link, self._links + links)):
            for name, array in held.items():
                wanted = 2 * many if name == "after" else many
                if wanted > len(array):
                    wider = np.zeros((max(wanted, len(array) * 5 // 4), *array.shape[1:]), array.dtype)
                    wider[: len(array)] = array
                    held[name] = wider

    def _settle_in(self, nodes: Nodes) -> None:
        """New identifiers, each a person of its own."""
        node, first, last = self._by_node, self._nodes, self._nodes + len(nodes)
        own = np.arange(first, last, dtype=np.int64)
        node["kind"][first:last], node["stable"][first:last] = nodes.kind, nodes.stable
        node["shut"][first:last] = unusable(nodes, len(self._rules.names))
        node["known"][first:last] = 0
        node["degree"][first:last] = 0
        node["head"][first:last] = -1
        node["persons"][first:last] = own
        self._nodes = last
        self._alone(own)

    def _alone(self, members: NDArray[np.int64]) -> None:
        """Makes each of the members a component of its own."""
        node, column = self._by_node, self._rules.column
        increments.loosen(members, node["kind"], column, node["parent"], node["ring"], node["counts"], node["strained"])

    def _enter(self, links: Links) -> NDArray[np.int64]:
        """Enters links; returns the places of those that were not there, or not as early."""
        node, link = self._by_node, self._by_link
        places = np.empty(len(links), np.int64)
        self._links = increments.enter(
            links.a,
            links.b,
            links.how,
            links.at,
            self._links,
            link["a"],
            link["b"],
            link["how"],
            link["at"],
            node["head"],
            link["after"],
            node["degree"],
            node["kind"],
            self._rules.strong,
            node["known"],
            places,
        )
        fresh = places[places >= 0]
        link["reasons"][fresh] = 0
        return fresh

    def _crowd(self, fresh: NDArray[np.int64]) -> NDArray[np.int64]:
        """Identifiers that are nobody's by these links."""
        node, link, rules = self._by_node, self._by_link, self._rules
        found = np.empty(2 * fresh.size, np.int32)
        many = increments.newly_crowded(
            fresh,
            link["a"],
            link["b"],
            node["head"],
            link["after"],
            node["degree"],
            node["kind"],
            rules.strong,
            rules.shared,
            node["known"],
            node["shut"],
            SHARED,
            found,
        )
        return found[:many].astype(np.int64)

    def _say(self, said: Bonds) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Takes bonds in place of those before.

        returns: which that link are new; ends of pairs that are apart, or no more, since; ends of links that are gone
        """
        before = self._bonds
        if said is before:
            nothing = np.empty(0, np.int64)
            return np.zeros(len(said.linked), np.bool_), nothing, nothing
        stood = {key: place for place, key in enumerate(_keys(before.linked))}
        now = list(_keys(said.linked))
        new = np.array([key not in stood for key in now], np.bool_)
        reasons = np.zeros(len(now), np.uint8)
        for place, key in enumerate(now):
            if key in stood:
                reasons[place] = self._bond_reasons[stood[key]]
        gone = [key[0] for key in stood.keys() - set(now)]
        were = set(zip(before.apart_a.tolist(), before.apart_b.tolist(), strict=True))
        are = set(zip(said.apart_a.tolist(), said.apart_b.tolist(), strict=True))
        moved = [end for pair in were ^ are for end in pair]
        self._bonds, self._bond_reasons = said, reasons
        return new, np.array(moved, np.int64), np.array(gone, np.int64)

    def _loosen(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Takes the components of these identifiers apart and joins what links still join; returns their members."""
        if not ends.size:
            return ends
        node, link = self._by_node, self._by_link
        members = self._members(ends)
        self._alone(members)
        places, many = self._links_of(members)
        link["reasons"][places[places >= 0]] = 0
        self._connect(self._links_at(places[:many]), node["shut"])
        return members

    def _members(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """All identifiers of the components of these, ascending."""
        roots = increments.roots_of(ends, self._by_node["parent"])
        members: NDArray[np.int64] = increments.members_of(np.unique(roots), self._by_node["ring"]).astype(np.int64)
        members.sort()
        return members

    def _links_of(self, members: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """Places of all links of these components, with gaps of -1; how many, the first, have no end that is shut."""
        node, link = self._by_node, self._by_link
        places = np.full(int(node["degree"][members].sum()), -1, np.int64)
        many = increments.links_of(members, link["b"], node["head"], link["after"], node["shut"], places)
        return places, many

    def _links_at(self, places: NDArray[np.int64]) -> Links:
        link = self._by_link
        return Links(link["a"][places], link["b"][places], link["how"][places], link["at"][places])

    def _connect(self, links: Links, shut: NDArray[np.uint8]) -> NDArray[np.int64]:
        node = self._by_node
        touched = np.empty(len(links), np.int32)
        many = increments.connect(
            links.a,
            links.b,
            shut,
            self._rules.ceilings,
            node["parent"],
            node["ring"],
            node["counts"],
            node["strained"],
            touched,
        )
        return touched[:many].astype(np.int64)

    def _strain(self) -> NDArray[np.int64]:
        """Components that hold a pair which is apart and were not known to: their links compete from now on."""
        one = increments.roots_of(self._bonds.apart_a, self._by_node["parent"])
        other = increments.roots_of(self._bonds.apart_b, self._by_node["parent"])
        roots = one[one == other]
        found: NDArray[np.int64] = roots[self._by_node["strained"][roots] == 0].astype(np.int64)
        self._by_node["strained"][found] = 1
        return found

    def _decide(self, touched: NDArray[np.int64], first: int, crowded: NDArray[np.int64]) -> Changes:
        """The persons of every component that was touched."""
        node, link, bonds = self._by_node, self._by_link, self._bonds
        if not touched.size:
            return Changes(touched, touched, touched, crowded)
        members = self._members(touched)
        roots = increments.roots_of(members, node["parent"])
        labels = roots.astype(np.int64)
        inside = np.zeros(self._nodes, np.uint8)
        inside[members] = 1
        self._bond_reasons[inside[bonds.linked.a] > 0] = 0
        torn = node["strained"][roots] > 0
        if torn.any():
            inside[members[~torn]] = 0
            bound, kept = competing(bonds, node["shut"], inside)
            places, many = self._links_of(members[torn])
            chosen = places[:many]
            found, said = settle(
                members[torn],
                self._links_at(chosen) + bonds.linked.take(bound),
                bonds.apart_a[kept],
                bonds.apart_b[kept],
                node["kind"],
                node["stable"],
                self._rules,
            )
            labels[torn] = found
            link["reasons"][chosen], self._bond_reasons[bound] = said[:many], said[many:]
        old = node["persons"][members]
        changed = (old != labels) | (members >= first)
        node["persons"][members[changed]] = labels[changed]
        return Changes(members[changed], old[changed], labels[changed], crowded)


def _keys(linked: Links) -> Iterable[tuple[int, int, int, int]]:
    columns = (linked.a, linked.b, linked.how, linked.at)
    return zip(*(column.tolist() for column in columns), strict=True)
