"""Who is who, asked for by number: the derived identity as explaining and bonding read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cxminute.app.people.identity import Identity, identity
from cxminute.app.people.identity import supposed as supposed_identity
from cxminute.app.project import Project
from cxminute.store.bonds import Said
from cxminute.store.identity import Kept
from cxminute.store.people import People, reaching

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Who:
    """Which identifiers are one person."""

    found: Identity

    @cached_property
    def nobody(self) -> Mapping[int, str]:
        """Identifiers that are nobody's, and why."""
        told = self.found.nobody
        return dict(zip(told["number"].to_pylist(), told["why"].to_pylist(), strict=True))

    @cached_property
    def refused(self) -> Mapping[Pair, str]:
        """Pairs whose link does not hold, and why: of a large log many, and only few questions ask for them."""
        told = self.found.refused
        pairs = zip(told["a"].to_pylist(), told["b"].to_pylist(), strict=True)
        return dict(zip(pairs, told["why"].to_pylist(), strict=True))

    def person(self, number: int) -> int:
        """Whose an identifier is: the number of the person."""
        return self.found.person(number)

    def members(self, numbers: Iterable[int]) -> list[int]:
        """Every identifier of the people behind these, ascending."""
        found: set[int] = set()
        for person in {self.person(number) for number in numbers}:
            found.update(self.found.profiles(person).tolist() or [person])
        return sorted(found)

    def differing(self, other: Who) -> list[int]:
        """Identifiers whose person is another there."""
        here, there = self.found.persons, other.found.persons
        size = max(here.size, there.size)
        found: list[int] = np.flatnonzero(reaching(here, size) != reaching(there, size)).tolist()
        return found

    @property
    def map(self) -> People | None:
        """As the index takes it; None where every identifier is a person of its own."""
        return self.found.people()


def who_is(project: Project, as_of: int | None = None, kept: Kept | None = None) -> Who:
    """Who is who, as of a moment (UTC ms) or now; kept: by this map instead of one brought up to the log."""
    return Who(identity(project, as_of, kept))


def supposed(project: Project, said: Sequence[Said], kept: Kept | None = None) -> Who:
    """Who would be who now, if this stood of pairs and nothing else; kept: by the links of this map."""
    return Who(supposed_identity(project, said, kept))
