"""The kernel of off-path: which passages skipped, repeated or reversed what their journey declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.advance import UNSEEN
from cxminute.journeys.classes import read_only
from cxminute.journeys.plan import FIRSTS, ORIGIN, STEPS, TARGET, Plan

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint16]

SKIPPED: Final = 1
REPEATED: Final = 2
REVERSED: Final = 4


class Order(NamedTuple):
    """What a plan declares of order; sets are bits.

    steps:  for each position its steps; those that match any event say nothing of order and are left out
    before: for each position those that an edge leads from to it
    firsts: [positions that open a passage]
    around: rows of (position, origin, target): an edge leads around the position from origin to target
    """

    steps: Numbers
    before: Numbers
    firsts: Numbers
    around: Numbers

    @classmethod
    def of(cls, plan: Plan) -> Order:
        """Of a plan."""
        edges = plan.moves.edges[:, [ORIGIN, TARGET]].tolist()
        places = len(plan.moves.places)
        before, after = [0] * places, [1 << place for place in range(places)]
        for origin, target in edges:
            before[target] |= 1 << origin
        for origin, target in reversed(edges):  # ascending by origin: what follows a target is known already
            after[origin] |= after[target]
        telling = sum(1 << bit for bit, step in enumerate(plan.steps) if step.kind != "any")
        around = [
            (place, origin, target)
            for origin, target in edges
            for place in range(origin + 1, target)
            if after[origin] >> place & 1 and after[place] >> target & 1
        ]
        return cls(
            steps=read_only(plan.moves.places[:, STEPS] & telling),
            before=read_only(np.array(before, np.int64)),
            firsts=read_only(plan.moves.rule[FIRSTS : FIRSTS + 1]),
            around=read_only(np.array(around, np.int64).reshape(len(around), 3)),
        )


def _skips(order: Order, reached: Numbers) -> bool:
    """Whether a position was not reached that an edge leads around whose both ends were."""
    for row in range(order.around.shape[0]):
        place, origin, target = order.around[row, 0], order.around[row, 1], order.around[row, 2]
        if reached[place] == UNSEEN and reached[origin] != UNSEEN and reached[target] != UNSEEN:
            return True
    return False


def _of_event(order: Order, reached: Numbers, mask: int, time: int) -> int:
    """What an event after the opening one is: REPEATED, REVERSED or 0."""
    again = False
    awaited = False
    for place in range(order.steps.size):
        if order.steps[place] & mask == 0:
            continue
        if reached[place] == time:
            return 0
        again |= UNSEEN < reached[place] < time
        awaited |= (order.firsts[0] >> place) & 1 != 0
        for origin in range(place):
            awaited |= (order.before[place] >> origin) & 1 != 0 and UNSEEN < reached[origin] <= time
    if again:
        return REPEATED
    return 0 if awaited else REVERSED


def _deviations(
    order: Order, offsets: Numbers, times: Numbers, codes: Codes, masks: Numbers, passages: Numbers, reached: Numbers
) -> Numbers:
    """For each passage the sum of SKIPPED, REPEATED and REVERSED.

    offsets, times, codes: of the streams; masks: by code the steps that its events match
    passages: rows of (place of the stream, opened, last millisecond seen)
    reached:  when each passage first reached each position, UNSEEN where it did not
    """
    found = np.zeros(passages.shape[0], np.int64)
    telling = 0
    for place in range(order.steps.size):
        telling |= order.steps[place]
    for row in range(passages.shape[0]):
        stream, opened, closed = passages[row, 0], passages[row, 1], passages[row, 2]
        if skips(order, reached[row]):
            found[row] |= SKIPPED
        low, high = offsets[stream], offsets[stream + 1]
        while low < high:  # the first event after the opening millisecond
            middle = (low + high) // 2
            if times[middle] <= opened:
                low = middle + 1
            else:
                high = middle
        for event in range(low, offsets[stream + 1]):
            if times[event] > closed:
                break
            mask = masks[codes[event]] & telling
            if mask != 0:
                found[row] |= of_event(order, reached[row], mask, times[event])
    return found


_compiled = njit(cache=True, nogil=True)
skips: Final[Callable[[Order, Numbers], bool]] = _compiled(_skips)
of_event: Final[Callable[[Order, Numbers, int, int], int]] = _compiled(_of_event)
deviations: Final[Callable[[Order, Numbers, Numbers, Codes, Numbers, Numbers, Numbers], Numbers]] = _compiled(
    _deviations
)
