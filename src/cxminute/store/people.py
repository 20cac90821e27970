"""Which profiles are one person, as whoever reads streams takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.store.arrays import numbers_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class People:
    """Which person each profile belongs to.

    persons: number of the person by number of the profile, -1 for one that is left out; profiles beyond its end are
             persons of their own number
    """

    persons: Ints

    @property
    def leaves_out(self) -> bool:
        """Whether somebody is left out."""
        return bool((self.persons < 0).any())

    def left_out(self, profiles: Ints) -> NDArray[np.bool_]:
        """Which profiles are of somebody who is left out; nobody, -1, is not."""
        found: NDArray[np.bool_] = (profiles >= 0) & (self.owners(profiles) < 0)
        return found

    def owners(self, profiles: Ints) -> Ints:
        """The person of each profile; -1, which is nobody, stays."""
        inside = (profiles >= 0) & (profiles < self.persons.size)
        if inside.all():
            found: Ints = self.persons[profiles]
            return found
        owners = profiles.copy()
        owners[inside] = self.persons[profiles[inside]]
        return owners

    def owners_of(self, profiles: pa.Array) -> pa.Array:
        """The same of an int64 array, where null is nobody."""
        owners = self.owners(numbers_of(profiles.fill_null(-1) if profiles.null_count else profiles))
        return pa.array(owners, mask=owners < 0)


def reaching(persons: Ints, size: int) -> Ints:
    """A map of its own for the numbers below a size: those beyond the end of the given one are their own persons."""
    found = np.arange(size, dtype=np.int64)
    known = persons[:size]
    found[: known.size] = known
    return found
