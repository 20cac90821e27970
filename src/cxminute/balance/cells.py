"""Which whole numbers occur among many, without sorting where they lie close together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def distinct(numbers: Codes) -> tuple[Codes, Codes]:
    """The numbers that occur, ascending, and for each entry the place of its number among them.

    Days, weeks and groups lie close together, so that counting finds them in one pass; numbers that are scattered
    (a due time in the year 9999) are sorted instead.
    """
    if not len(numbers):
        return numbers, numbers
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > 4 * len(numbers) + 1_000_000:
        found, place = np.unique(numbers, return_inverse=True)
        return found, place.astype(np.int64)
    there = np.zeros(high - low + 1, dtype=np.bool_)
    there[numbers - low] = True
    return np.flatnonzero(there) + low, (np.cumsum(there) - 1)[numbers - low]


def crossed(group: Codes, number: Codes) -> tuple[Codes, Codes, Codes]:
    """The pairs (group, number) that occur, in order: their groups, their numbers, and each entry's place."""
    if not len(number):
        return group, number, number
    low = int(number.min())
    width = int(number.max()) - low + 1
    cell, place = distinct(group * width + (number - low))
    return cell // width, cell % width + low, place
