"""From a definition to the graph of its plan: an ordered tuple of pure rewrites, each of which says one thing.

A draft goes through all of them in order; `REWRITES` is the compiler. What a rewrite does to real journeys stands in
golden files beside the tests. None changes which passages there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from cxminute.journeys.definition import Arrow, Chain, Group, JourneyDefinition, Part, Pattern, Single, Timing
from cxminute.journeys.syntax.printing import print_step
from cxminute.model.steps import Step


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the graph: one step, or a group of steps in any order.

    label:  the name that tables show it under
    steps:  one; of a group, all
    within: of a group that opens passages, milliseconds from its first mark; None elsewhere, and without a limit
    """

    label: str
    steps: tuple[Step, ...]
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one position to the next.

    timing: counted from the position that it leaves
    direct: `=>`: no event may come between
    """

    origin: int
    target: int
    timing: Timing
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition on its way to a plan.

    pattern:   as it stands after the rewrites so far
    positions: in order of the text
    edges:     by origin, then target; an origin always stands before its target
    firsts:    positions that open a passage; lasts: positions that complete one
    steps:     every different step; the place of each is its bit
    """

    definition: JourneyDefinition
    pattern: Pattern
    positions: tuple[Position, ...] = ()
    edges: tuple[Edge, ...] = ()
    firsts: tuple[int, ...] = ()
    lasts: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()


Rewrite = Callable[[Draft], Draft]


def draft(definition: JourneyDefinition) -> Draft:
    """The definition after all rewrites."""
    found = Draft(definition, definition.pattern)
    for rewrite in REWRITES:
        found = rewrite(found)
    return found


def unroll(before: Draft) -> Draft:
    """`{n}` becomes n steps in a row with the same timing, numbered from the second on."""
    return replace(before, pattern=_chains(before.pattern, _unrolled))


def flatten(before: Draft) -> Draft:
    """Brackets that hold one way become part of the chain around them, an `or` within an `or` part of the outer."""
    return replace(before, pattern=_flat(before.pattern))


def relax(before: Draft) -> Draft:
    """A `within` as long as the window is none, for the window ends first; an `after` of nothing is none."""
    window = before.definition.window

    def relaxed(part: Part) -> Part:
        match part:
            case Single(timing=timing):
                within = None if timing.within is None or timing.within >= window else timing.within
                return replace(part, timing=replace(timing, within=within, after=timing.after or None))
            case Group(within=within):
                return replace(part, within=None if within is None or within >= window else within)
            case Pattern():
                return _chains(part, every)

    def every(chain: Chain) -> Chain:
        return replace(chain, parts=tuple(relaxed(part) for part in chain.parts))

    return replace(before, pattern=_chains(before.pattern, every))


def connect(before: Draft) -> Draft:
    """The pattern becomes a graph: a position for each step or group, an edge to each that may come next."""
    graph = _Graph()
    firsts, lasts = graph.pattern(before.pattern, (), "->")
    edges = tuple(sorted(graph.edges, key=lambda edge: (edge.origin, edge.target)))
    opening = [replace(graph.positions[place], within=graph.marked_within.get(place)) for place in firsts]
    positions = dict(enumerate(graph.positions)) | dict(zip(firsts, opening, strict=True))
    return replace(before, positions=tuple(positions.values()), edges=edges, firsts=firsts, lasts=lasts)


def share(before: Draft) -> Draft:
    """Each different step once, told apart by its text: to Python `x = 1` and `x = true` are equal, to us not."""
    named = [step for position in before.positions for step in position.steps]
    named += [step for edge in before.edges for step in edge.timing.without]
    named += [*before.definition.unless]
    if any(edge.direct for edge in before.edges):
        named += [*before.definition.ignoring]
    return replace(before, steps=tuple({print_step(step): step for step in named}.values()))


REWRITES: Final[tuple[Rewrite, ...]] = (unroll, flatten, relax, connect, share)


def _chains(pattern: Pattern, change: Callable[[Chain], Chain]) -> Pattern:
    return Pattern(tuple(change(way) for way in pattern.ways))


def _unrolled(chain: Chain) -> Chain:
    parts: list[Part] = []
    arrows: list[Arrow] = []
    for part, arrow in zip(chain.parts, (None, *chain.arrows), strict=True):
        arrows += [arrow] if arrow else []
        match part:
            case Single(times=times) if times > 1:
                parts += _times(part)
                arrows += ["->"] * (times - 1)
            case Pattern():
                parts.append(_chains(part, _unrolled))
            case _:
                parts.append(part)
    return Chain(tuple(parts), tuple(arrows))


def _times(part: Single) -> Iterator[Single]:
    once = replace(part, times=1)
    yield once
    for number in range(2, part.times + 1):
        yield replace(once, label=f"{_shown(part)} {number}")


def _flat(pattern: Pattern) -> Pattern:
    ways: list[Chain] = []
    for way in pattern.ways:
        chain = _spliced(way)
        match chain.parts:
            case (Pattern(ways=inner),):
                ways += inner
            case _:
                ways.append(chain)
    return Pattern(tuple(ways))


def _spliced(chain: Chain) -> Chain:
    parts: list[Part] = []
    arrows: list[Arrow] = []
    for part, arrow in zip(chain.parts, (None, *chain.arrows), strict=True):
        arrows += [arrow] if arrow else []
        inner = _flat(part) if isinstance(part, Pattern) else part
        match inner:
            case Pattern(ways=(Chain() as only,)):
                parts += only.parts
                arrows += only.arrows
            case _:
                parts.append(inner)
    return Chain(tuple(parts), tuple(arrows))


class _Graph:
    """Positions and edges as a walk through the pattern finds them.

    marked_within: of each group, how long its marks may lie apart if it should open passages
    """

    def __init__(self) -> None:
        self.positions: list[Position] = []
        self.edges: list[Edge] = []
        self.marked_within: dict[int, int | None] = {}

    def pattern(self, pattern: Pattern, before: tuple[int, ...], arrow: Arrow) -> tuple[tuple[int, ...], ...]:
        """Where the pattern begins and where it ends; `before`: the positions that its first ones follow."""
        firsts, lasts = zip(*(self._chain(way, before, arrow) for way in pattern.ways), strict=True)
        return tuple(place for some in firsts for place in some), tuple(place for some in lasts for place in some)

    def _chain(self, chain: Chain, before: tuple[int, ...], arrow: Arrow) -> tuple[tuple[int, ...], ...]:
        open_ends = before
        firsts: tuple[int, ...] | None = None
        for part, into in zip(chain.parts, (arrow, *chain.arrows), strict=True):
            begins, ends = self._part(part, open_ends, into)
            firsts = begins if firsts is None else firsts
            optional = isinstance(part, Single) and part.optional
            open_ends = (*open_ends, *ends) if optional else ends
        return firsts or (), open_ends

    def _part(self, part: Part, before: tuple[int, ...], arrow: Arrow) -> tuple[tuple[int, ...], ...]:
        if isinstance(part, Pattern):
            return self.pattern(part, before, arrow)
        place = len(self.positions)
        if isinstance(part, Group):
            timing = Timing(within=part.within)
            self.positions.append(Position(_shown(part), part.steps))
            self.marked_within[place] = part.within
        else:
            timing = part.timing
            self.positions.append(Position(_shown(part), (part.step,)))
        self.edges += [Edge(origin, place, timing, arrow == "=>") for origin in before]
        return (place,), (place,)


def _shown(part: Single | Group) -> str:
    """The label; without one the step's own name."""
    if part.label:
        return part.label
    return _names(part.steps if isinstance(part, Group) else (part.step,))


def _names(steps: Iterable[Step]) -> str:
    return " and ".join(f"journey {step.name}" if step.kind == "ending" else step.name for step in steps)
