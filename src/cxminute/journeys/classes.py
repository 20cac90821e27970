"""What each event of a bucket is to a plan: a class in two bytes, and by class the steps that its events match.

Without conditions the classes are the codes of the index as they lie: nothing is computed per event. A condition looks
at the events of its step's name alone, and those that it is true of move to a class of their own, behind the codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.plan import SEEN, Plan
from cxminute.model.steps import Condition, Step
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint16]
Flags = NDArray[np.bool_]

BLOCK: Final = 4096
"""Events looked through at a time: their places stay in the nearest cache until they are used."""


class Classes(NamedTuple):
    """codes: the class of each event; masks: by class, the steps that its events match, as the plan's bits, and SEEN.

    Both are marked read-only, as a memory map is: so a kernel is compiled for one kind of array, and once.
    """

    codes: Codes
    masks: Numbers


def classify(plan: Plan, streams: Streams) -> Classes:
    """The classes of a bucket's events; bit i of a mask says that plan.steps[i] matches."""
    masks = _masks(plan, streams.alphabet)
    codes: Codes = read_only(streams.codes)
    for bit, step in enumerate(plan.steps):
        if step.where is None or not codes.size:
            continue
        covered = np.array([step.covers(letter) for letter in streams.alphabet], np.bool_)
        if covered.any():
            codes, masks = _split(codes, masks, streams, covered, step.where, bit)
    if plan.sees:  # beside what is ignored, whatever it is besides
        masks[masks & plan.ignored != 0] &= ~SEEN
    return Classes(codes, read_only(masks))


def _masks(plan: Plan, alphabet: Sequence[Step | None]) -> Numbers:
    """By letter, what its events match, conditions aside, and SEEN; steps are sought by name: alphabets are long."""
    named: dict[tuple[str, str], int] = {}
    everywhere = SEEN if plan.sees else 0
    for bit, step in enumerate(plan.steps):
        if step.where is None and step.kind == "any":
            everywhere |= 1 << bit
        elif step.where is None:
            named[step.name, step.kind] = named.get((step.name, step.kind), 0) | 1 << bit
    masks = [
        0 if letter is None else named.get((letter.name, letter.kind), 0) | everywhere * (letter.kind == "event")
        for letter in alphabet
    ]
    return np.array(masks, np.int64)


def _split(
    codes: Codes, masks: Numbers, streams: Streams, covered: Flags, where: Condition, bit: int
) -> tuple[Codes, Numbers]:
    """Classes of their own for the events of the covered letters that the condition is true of."""
    places = places_of(read_only(streams.codes), read_only(covered))
    if not places.size:
        return codes, masks
    held = read_only(streams.holds(where, places))
    split, origins = codes.copy(), np.empty(np.iinfo(np.uint16).max + 1 - masks.size, np.int64)
    fresh = move(split, places, held, masks.size, origins)
    if fresh < 0:  # more classes than two bytes can tell apart: four then
        split, origins = codes.astype(np.uint32), np.empty(places.size, np.int64)
        fresh = move(split, places, held, masks.size, origins)
    return read_only(split), np.concatenate([masks, masks[origins[:fresh]] | np.int64(1 << bit)])


def read_only(numbers: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in one stretch of memory, marked as a memory map is."""
    plain = np.ascontiguousarray(numbers).view()
    plain.flags.writeable = False
    return plain


@njit(cache=True, nogil=True)
def pick(codes: Codes, wanted: Flags, first: int, stop: int, picked: Numbers) -> int:
    """Fills `picked` with the places from first to stop whose class is wanted; returns how many. No branch: fast."""
    count = 0
    for place in range(first, stop):
        picked[count] = place
        count += wanted[codes[place]]
    return count


@njit(cache=True, nogil=True)
def places_of(codes: Codes, wanted: Flags) -> Numbers:
    """All places whose class is wanted, ascending."""
    total = 0
    for code in codes:
        total += wanted[code]
    found = np.empty(total + 1, np.int64)  # `pick` writes one beyond the last
    pick(codes, wanted, 0, codes.size, found)
    return found[:total]


@njit(cache=True, nogil=True)
def move(codes: Codes, places: Numbers, held: Flags, first: int, origins: Numbers) -> int:
    """Moves the events that a condition holds of to classes from `first` on, one for each class that they were in.

    origins: takes, for each new class, the one that it was split from
    returns: how many new classes there are; -1 where `origins` has no room for them
    """
    moved = np.full((first, 2), -1, np.int64)  # by class and by whether it holds: the class after
    for code in range(first):
        moved[code, 0] = code
    fresh = 0
    for i in range(places.size):
        code = codes[places[i]]
        after = moved[code, int(held[i])]
        if after < 0:
            if fresh == origins.size:
                return -1
            origins[fresh] = code
            after = moved[code, 1] = first + fresh
            fresh += 1
        codes[places[i]] = after
    return fresh
