"""A definition compiled once into a frozen plan: positions, edges between them, and a hash that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.definition import REENTRIES, JourneyDefinition, Pattern, Single
from cxminute.journeys.rewrites import Draft, Edge, Position, draft
from cxminute.journeys.syntax.printing import canonical, print_step
from cxminute.model.errors import BadPattern
from cxminute.model.steps import Step, paths_of

FOREVER: Final = 2**61
"""Milliseconds of an edge without `within`: beyond any time, and far enough from overflow to be added to one."""
MOST: Final = 60
"""Most positions, and most different steps: each is a bit of a signed 64-bit mask."""
SEEN: Final = 1 << 62
"""Bit of an event's mask: `=>` sees the event. Set where the plan has such arrows, and the event is none of `ignoring`
and no ending of a journey."""
GROUP_MOST: Final = 6
"""Most steps of a group."""

# Columns of Moves.places
STEPS: Final = 0
GROUP: Final = 1
WEIGHT: Final = 2
PLACE_COLUMNS: Final = 3
# Columns of Moves.edges
ORIGIN: Final = 0
TARGET: Final = 1
WITHIN: Final = 2
AFTER: Final = 3
GUARD: Final = 4
DIRECT: Final = 5
EDGE_COLUMNS: Final = 6
# Columns of Moves.groups
PLACE: Final = 0
APART: Final = 1
MARKS: Final = 2
GROUP_COLUMNS: Final = MARKS + GROUP_MOST
# Entries of Moves.rule
FIRSTS: Final = 0
LASTS: Final = 1
OPENING: Final = 2
UNLESS: Final = 3
WINDOW: Final = 4
REENTRY: Final = 5
ENDINGS: Final = 6
SEES: Final = 7


class Moves(NamedTuple):
    """The plan as the transition function sees it: small arrays, all int64; sets of steps or positions are bit masks.

    places: a row for each position: STEPS, the bits of its steps in an event's mask; GROUP, which row of `groups` it
            is, -1 for a single step; WEIGHT, how many steps it counts as
    edges:  a row for each edge, ascending by ORIGIN, which is always below its TARGET; WITHIN, milliseconds from the
            last time that its origin was reached, FOREVER without a limit; AFTER, milliseconds from the first time, 0
            without a wait; GUARD, bits of the steps that cut it; DIRECT, 1 for `=>`
    groups: a row for each group: its PLACE; APART, how long its marks may lie apart if it opens passages, FOREVER
            without a limit; from MARKS on the bit of each of its steps, 0 where it has fewer than six
    rule:   FIRSTS and LASTS, positions that open and that complete; OPENING, bits of the steps at the first positions;
            UNLESS, bits of the steps that break a passage; WINDOW, milliseconds from opening to completion; REENTRY,
            place in REENTRIES; ENDINGS, bits of the steps that are endings of journeys; SEES, 1 if there is a `=>`
    """

    places: NDArray[np.int64]
    edges: NDArray[np.int64]
    groups: NDArray[np.int64]
    rule: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A journey ready to run. Two plans are the same where their hashes are.

    definition: what it was compiled from
    hash:       16 hexadecimal digits of the definition's canonical text
    draft:      the graph, in words
    moves:      the arrays that `advance` runs on
    packed:     the same in one array, which costs less to hand over once an event; `unpack` reads it
    ignored:    bits of the steps that `=>` looks through; 0 where there is no `=>`
    """

    definition: JourneyDefinition
    hash: str
    draft: Draft
    moves: Moves
    packed: NDArray[np.int64]
    ignored: int

    def __reduce__(self) -> tuple[Callable[[JourneyDefinition], Plan], tuple[JourneyDefinition]]:
        """Travels as its definition: arrays that were pickled are writable, and kernels would compile anew for them."""
        return compile_plan, (self.definition,)

    @property
    def name(self) -> str:
        """The journey's name."""
        return self.definition.name

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every different step that it listens to; bit i of an event's mask says that steps[i] matches."""
        return self.draft.steps

    @property
    def labels(self) -> tuple[str, ...]:
        """For each position, in order of the text, the name that tables show it under."""
        return tuple(position.label for position in self.draft.positions)

    @property
    def sees(self) -> bool:
        """Whether it has a `=>`: every event of a stream then matters, not only those that match a step."""
        return bool(self.moves.rule[SEES])

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Names of the journeys whose endings it listens to, each once."""
        return tuple(dict.fromkeys(step.name.rpartition(".")[0] for step in self.steps if step.kind == "ending"))

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that a condition of it names beside `source` and `name`: typed columns that the log must have."""
        named = dict.fromkeys(path for step in self.steps for path in paths_of(step.where))
        return tuple(path for path in named if path not in {"source", "name"})

    def mask(self, matches: Callable[[Step], bool], *, ending: bool = False) -> int:
        """The mask of one event, from whether each step matches it; ending: whether it is the ending of a journey."""
        mask = sum(1 << bit for bit, step in enumerate(self.steps) if matches(step))
        return mask | SEEN if self.sees and not ending and not mask & self.ignored else mask


def compile_plan(definition: JourneyDefinition) -> Plan:
    """The plan of a definition; BadPattern where it holds more than 60 positions or different steps."""
    places = _places_in(definition.pattern)
    if places > MOST:  # before they are connected: there are far more edges than positions
        raise BadPattern(
            f"Journey '{definition.name}' has {places:,} positions.",
            allowed=f"at most {MOST}; n steps in a row are n positions",
        )
    found = draft(definition)
    if len(found.steps) > MOST:
        raise BadPattern(
            f"Journey '{definition.name}' has {len(found.steps):,} different steps.", allowed=f"at most {MOST}"
        )
    named = blake2b(canonical(definition).encode(), digest_size=8).hexdigest()
    moves = _moves(found)
    sizes = [len(moves.places), len(moves.edges), len(moves.groups)]
    packed = np.concatenate([np.array(sizes, np.int64), *(part.reshape(-1) for part in moves)])
    ignored = _bits_of(definition.ignoring, found.steps) if moves.rule[SEES] else 0
    return Plan(definition, named, found, moves, _frozen(packed), ignored)


@njit(cache=True, nogil=True)
def unpack(packed: NDArray[np.int64]) -> Moves:
    """The moves that were packed, without a copy."""
    places = 3
    edges = places + PLACE_COLUMNS * packed[0]
    groups = edges + EDGE_COLUMNS * packed[1]
    rule = groups + GROUP_COLUMNS * packed[2]
    return Moves(
        packed[places:edges].reshape((packed[0], PLACE_COLUMNS)),
        packed[edges:groups].reshape((packed[1], EDGE_COLUMNS)),
        packed[groups:rule].reshape((packed[2], GROUP_COLUMNS)),
        packed[rule:],
    )


def _places_in(pattern: Pattern) -> int:
    """How many positions the pattern will have."""
    parts = (part for way in pattern.ways for part in way.parts)
    return sum(
        _places_in(part) if isinstance(part, Pattern) else part.times if isinstance(part, Single) else 1
        for part in parts
    )


def _moves(found: Draft) -> Moves:
    grouped = [place for place, position in enumerate(found.positions) if len(position.steps) > 1]
    rows = [
        (_bits_of(position.steps, found.steps), grouped.index(place) if place in grouped else -1, len(position.steps))
        for place, position in enumerate(found.positions)
    ]
    opening = [step for place in found.firsts for step in found.positions[place].steps]
    definition = found.definition
    rule = {
        FIRSTS: sum(1 << place for place in found.firsts),
        LASTS: sum(1 << place for place in found.lasts),
        OPENING: _bits_of(opening, found.steps),
        UNLESS: _bits_of(definition.unless, found.steps),
        WINDOW: definition.window,
        REENTRY: REENTRIES.index(definition.reentry),
        ENDINGS: _bits_of((step for step in found.steps if step.kind == "ending"), found.steps),
        SEES: int(any(edge.direct for edge in found.edges)),
    }
    return Moves(
        places=_rows(rows, PLACE_COLUMNS),
        edges=_rows([_edge(edge, found.steps) for edge in found.edges], EDGE_COLUMNS),
        groups=_rows([_group(place, found.positions[place], found.steps) for place in grouped], GROUP_COLUMNS),
        rule=_frozen(np.array([rule[entry] for entry in range(len(rule))], np.int64)),
    )


def _edge(edge: Edge, steps: Sequence[Step]) -> tuple[int, ...]:
    timing = edge.timing
    within = FOREVER if timing.within is None else timing.within
    return edge.origin, edge.target, within, timing.after or 0, _bits_of(timing.without, steps), int(edge.direct)


def _group(place: int, position: Position, steps: Sequence[Step]) -> tuple[int, ...]:
    marks = [_bits_of((step,), steps) for step in position.steps]
    apart = FOREVER if position.within is None else position.within
    return place, apart, *marks, *[0] * (GROUP_MOST - len(marks))


def _bits_of(some: Iterable[Step], steps: Sequence[Step]) -> int:
    places = {print_step(step): bit for bit, step in enumerate(steps)}
    return sum({1 << places[print_step(step)] for step in some})


def _rows(rows: Sequence[Sequence[int]], width: int) -> NDArray[np.int64]:
    return _frozen(np.array(rows, np.int64).reshape(len(rows), width))


def _frozen(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    numbers.flags.writeable = False
    return numbers
