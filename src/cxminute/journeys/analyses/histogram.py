"""Durations in bins that add: whole milliseconds below 128, above that 64 to each doubling, so at most 0.8 % off."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

FINE: Final = 6
"""Bits of a duration that a bin keeps after its leading one."""
PLACES: Final = 4_096
"""More than there are bins: a key times this has room for one."""
NO_TIME: Final = PLACES - 1
"""The place of what has no duration; after all others."""


def bins(durations: Numbers) -> Numbers:
    """The place of each duration, ascending with it; a negative one is none."""
    exact = np.maximum(durations, 0)
    # The exponent of a float is the place of the leading bit; 2**53 and more may round up, which is far beyond a life.
    _, exponents = np.frexp(exact.astype(np.float64))
    drop = np.maximum(exponents.astype(np.int64) - FINE - 1, 0)
    place = (drop << FINE) + (exact >> drop)
    return np.where(durations < 0, NO_TIME, np.minimum(place, NO_TIME - 1))


def middle(places: Numbers) -> NDArray[np.float64]:
    """The duration in the middle of each bin, milliseconds."""
    drop = np.maximum((places >> FINE) - 1, 0)
    low = (places - (drop << FINE)) << drop
    found: NDArray[np.float64] = low + ((np.int64(1) << drop) - 1) / 2
    return found
