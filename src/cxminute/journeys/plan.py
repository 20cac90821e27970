"""A definition compiled once into a frozen plan: positions, edges between them, and a hash that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxminute.journeys.definition import REENTRIES, JourneyDefinition
from cxminute.journeys.printing import canonical, print_step
from cxminute.model.errors import BadPattern
from cxminute.model.steps import Step, paths_of

FOREVER: Final = 2**61
"""Milliseconds of an edge without `within`: beyond any time, and far enough from overflow to be added to one."""
MOST: Final = 60
"""Most positions, and most different steps: each is a bit of a signed 64-bit mask."""


class Moves(NamedTuple):
    """The plan as the transition function sees it: small arrays, all int64; sets of steps or positions are bit masks.

    steps:   for each position, the bit of its step in an event's mask
    origin:  for each edge, the position that it leaves; ascending, and always below its target
    target:  for each edge, the position that it enters
    within:  for each edge, milliseconds from the last time its origin was reached, FOREVER without a limit
    after:   for each edge, milliseconds from the first time its origin was reached, 0 without a wait
    guard:   for each edge, the bits of the steps that cut it
    firsts:  positions that open a passage
    lasts:   positions that complete one
    opening: bits of the steps at the first positions
    unless:  bits of the steps that break a passage
    window:  milliseconds from opening to completion
    reentry: place in REENTRIES
    """

    steps: NDArray[np.int64]
    origin: NDArray[np.int64]
    target: NDArray[np.int64]
    within: NDArray[np.int64]
    after: NDArray[np.int64]
    guard: NDArray[np.int64]
    firsts: int
    lasts: int
    opening: int
    unless: int
    window: int
    reentry: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A journey ready to run. Two plans are the same where their hashes are.

    definition: what it was compiled from
    hash:       16 hexadecimal digits of the definition's canonical text
    steps:      every different step that it listens to; bit i of an event's mask says that steps[i] matches
    labels:     for each step of the pattern, the name that tables show it under
    moves:      the arrays that `advance` runs on
    """

    definition: JourneyDefinition
    hash: str
    steps: tuple[Step, ...]
    labels: tuple[str, ...]
    moves: Moves

    @property
    def name(self) -> str:
        """The journey's name."""
        return self.definition.name

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that a condition of it names beside `source` and `name`: typed columns that the log must have."""
        named = dict.fromkeys(path for step in self.steps for path in paths_of(step.where))
        return tuple(path for path in named if path not in {"source", "name"})

    def mask(self, matches: Callable[[Step], bool]) -> int:
        """The mask of one event, from whether each step matches it."""
        return sum(1 << bit for bit, step in enumerate(self.steps) if matches(step))


def compile_plan(definition: JourneyDefinition) -> Plan:
    """The plan of a definition; BadPattern where it holds more than 60 positions or different steps."""
    parts = definition.pattern.parts
    timings = [part.timing for part in parts[1:]]
    steps = _different(
        [part.step for part in parts],
        (step for timing in timings for step in timing.without),
        definition.unless,
    )
    if max(len(parts), len(steps)) > MOST:
        raise BadPattern(
            f"Journey '{definition.name}' has {len(parts)} positions and {len(steps)} different steps.",
            allowed=f"at most {MOST} of either",
        )
    bits = {print_step(step): 1 << bit for bit, step in enumerate(steps)}
    moves = Moves(
        steps=_array(_mask([part.step], bits) for part in parts),
        origin=_array(range(len(timings))),
        target=_array(range(1, len(parts))),
        within=_array(FOREVER if timing.within is None else timing.within for timing in timings),
        after=_array(timing.after or 0 for timing in timings),
        guard=_array(_mask(timing.without, bits) for timing in timings),
        firsts=1,
        lasts=1 << (len(parts) - 1),
        opening=_mask([parts[0].step], bits),
        unless=_mask(definition.unless, bits),
        window=definition.window,
        reentry=REENTRIES.index(definition.reentry),
    )
    named = blake2b(canonical(definition).encode(), digest_size=8).hexdigest()
    return Plan(definition, named, steps, tuple(part.shown for part in parts), moves)


def _different(*steps: Iterable[Step]) -> tuple[Step, ...]:
    """Each step once, told apart by its text: to Python `x = 1` and `x = true` are equal, to the language not."""
    return tuple({print_step(step): step for some in steps for step in some}.values())


def _mask(steps: Iterable[Step], bits: dict[str, int]) -> int:
    return sum({bits[print_step(step)] for step in steps})


def _array(numbers: Iterable[int]) -> NDArray[np.int64]:
    found = np.fromiter(numbers, dtype=np.int64)
    found.flags.writeable = False
    return found
