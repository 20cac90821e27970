"""What stitching is made of: identifiers (nodes), links that events tell of, bonds that people state. All frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cxminute.model.errors import WrongUse
from cxminute.resolve.kinds import Kind

HOWS: Final = ("hand", "alias", "aliased", "identify", "event", "linkage")
"""How two are linked; the code of each is its place.

hand:     people say that they are the same
alias:    an alias call says that the one with the smaller number is the former name of the other
aliased:  the same, the former name being the one with the larger number
identify: an identify call names both
event:    an event of another kind carries both
linkage:  people accepted a proposal of linkage
"""
HAND, ALIAS, ALIASED, IDENTIFY, EVENT, LINKAGE = range(len(HOWS))

NO_KIND: Final = 255
"""The code of identifiers whose kind is not among the kinds: none of their links hold."""

MOST_NODES: Final = 2**31 - 1
"""How many identifiers can be numbered: inside, numbers are int32."""


def _ints(values: object) -> NDArray[np.int64]:
    return np.ascontiguousarray(values, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Links between identifiers, one row each; a pair may come several times, in different ways or at other times.

    a, b: numbers, a < b
    how:  codes of HOWS (uint8)
    at:   when it was first told of, UTC ms
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    how: NDArray[np.uint8]
    at: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Columns as they are computed with; WrongUse where their lengths differ, or a pair is not in order."""
        for name in ("a", "b", "at"):
            object.__setattr__(self, name, _ints(getattr(self, name)))
        object.__setattr__(self, "how", np.ascontiguousarray(self.how, np.uint8))
        if not self.a.size == self.b.size == self.how.size == self.at.size:
            raise WrongUse("The columns of links differ in length.")
        if self.a.size and (self.a.min() < 0 or not bool((self.a < self.b).all())):
            raise WrongUse(
                "A link is not between two identifiers.", allowed="a < b, from 0; Links.of puts them in order"
            )
        if self.how.size and int(self.how.max()) >= len(HOWS):
            raise WrongUse("A link has no known way.", allowed=", ".join(HOWS))

    @classmethod
    def of(cls, left: object, right: object, how: object, at: object) -> Self:
        """Links with ends in any order; pairs of one and the same are left out.

        how: codes of HOWS; one for all, or one each. For `alias` the left end is the former name of the right one.
        """
        one, other = _ints(left), _ints(right)
        ways = np.broadcast_to(np.asarray(how, np.uint8), one.shape)
        times = np.broadcast_to(np.asarray(at, np.int64), one.shape)
        ways = np.where((one > other) & (ways == ALIAS), np.uint8(ALIASED), ways)
        two = one != other
        low, high = np.minimum(one, other), np.maximum(one, other)
        return cls(low[two], high[two], ways[two], times[two])

    @classmethod
    def none(cls) -> Self:
        """No links."""
        empty = np.empty(0, np.int64)
        return cls(empty, empty, np.empty(0, np.uint8), empty)

    def __len__(self) -> int:
        """How many."""
        return self.a.size

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Links:
        """Some of them: by place, by a mask, or a stretch."""
        return Links(self.a[places], self.b[places], self.how[places], self.at[places])

    def __add__(self, others: Links) -> Links:
        """These and then the others."""
        return Links(
            np.concatenate((self.a, others.a)),
            np.concatenate((self.b, others.b)),
            np.concatenate((self.how, others.how)),
            np.concatenate((self.at, others.at)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Identifiers by number, from 0.

    kind:        code of each (uint8): the place of its kind among the kinds, NO_KIND where it is none of them
    stable:      a number of each that does not depend on when it came (uint64): a prefix of its keyed digest
    placeholder: which of them are words such as 'guest' (bool); None where there are none, as in a project, where
                 such words are left out before they get a number
    """

    kind: NDArray[np.uint8]
    stable: NDArray[np.uint64]
    placeholder: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Columns as they are computed with; WrongUse where their lengths differ."""
        object.__setattr__(self, "kind", np.ascontiguousarray(self.kind, np.uint8))
        object.__setattr__(self, "stable", np.ascontiguousarray(self.stable, np.uint64))
        if self.placeholder is not None:
            object.__setattr__(self, "placeholder", np.ascontiguousarray(self.placeholder, np.bool_))
            if self.placeholder.size != self.kind.size:
                raise WrongUse("The columns of nodes differ in length.")
        if self.kind.size != self.stable.size:
            raise WrongUse("The columns of nodes differ in length.")
        if self.kind.size > MOST_NODES:
            raise WrongUse(f"There are {self.kind.size:,} identifiers.", allowed=f"at most {MOST_NODES:,}")

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], columns: Sequence[str], stable: object) -> Self:
        """Nodes by the name of their column in the log ('user_id', '@email'); of any other name, of no kind."""
        codes = {kind.column: code for code, kind in enumerate(kinds.values())}
        kind = np.fromiter((codes.get(column, NO_KIND) for column in columns), np.uint8, len(columns))
        return cls(kind, np.asarray(stable, np.uint64))

    @classmethod
    def none(cls) -> Self:
        """No identifiers."""
        return cls(np.empty(0, np.uint8), np.empty(0, np.uint64))

    def __len__(self) -> int:
        """How many."""
        return self.kind.size


@dataclass(frozen=True, slots=True)
class Bond:
    """What people, or linkage that people accepted, say of two identifiers; of each pair only the newest stands.

    a, b: numbers, in any order
    said: 'linked' or 'apart'
    how:  'hand' or 'linkage'
    at:   when it was said (known_at), UTC ms
    """

    a: int
    b: int
    said: str
    how: str = "hand"
    at: int = 0

    def __post_init__(self) -> None:
        """WrongUse where its words are none of the allowed ones, or both ends are one."""
        if self.said not in ("linked", "apart"):
            raise WrongUse(f"A bond says '{self.said}'.", allowed="linked, apart")
        if self.how not in ("hand", "linkage"):
            raise WrongUse(f"A bond came by '{self.how}'.", allowed="hand, linkage")
        if self.a == self.b or min(self.a, self.b) < 0:
            raise WrongUse("A bond is not between two identifiers.")

    @property
    def pair(self) -> tuple[int, int]:
        """Its ends, the smaller first."""
        return min(self.a, self.b), max(self.a, self.b)


@dataclass(frozen=True, slots=True, eq=False)
class Bonds:
    """Bonds as columns: those that link, as links, and the pairs that are kept apart."""

    linked: Links
    apart_a: NDArray[np.int64]
    apart_b: NDArray[np.int64]

    @classmethod
    def of(cls, bonds: Iterable[Bond]) -> Self:
        """One bond for each pair: of several that are given, the newest; of two of one time, the later one given."""
        standing: dict[tuple[int, int], Bond] = {}
        for bond in bonds:
            before = standing.get(bond.pair)
            if before is None or before.at <= bond.at:
                standing[bond.pair] = bond
        linked = [bond for bond in standing.values() if bond.said == "linked"]
        apart = [bond.pair for bond in standing.values() if bond.said == "apart"]
        ways = np.array([HAND if bond.how == "hand" else LINKAGE for bond in linked], np.uint8)
        pairs = np.array([bond.pair for bond in linked], np.int64).reshape(-1, 2)
        kept = np.array(apart, np.int64).reshape(-1, 2)
        times = np.array([bond.at for bond in linked], np.int64)
        return cls(Links(pairs[:, 0], pairs[:, 1], ways, times), _ints(kept[:, 0]), _ints(kept[:, 1]))
