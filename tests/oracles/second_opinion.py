"""Patterns that ClickHouse can say too, and what it answers: `windowFunnel`, `sequenceMatch` and `sequenceCount`.

A batch of cases is one query: the cases share one pattern of four steps by number, and each has its own events for
them. Times are distinct within a subject and an event matches one step at most: there both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from random import Random

import pyarrow as pa

from cxminute.journeys.definition import Arrow, Chain, Group, Part, Pattern, Single, Timing
from cxminute.model.steps import Comparison, Step
from tests.oracles.journey_walks import PATH
from tests.oracles.journeys_reference import Event

Walk = list[Event]
_MATCHERS = ("A", "B", "C", "D", "E:0", "E:1")
"""Disjoint: four names, and a fifth by one of two values of its property."""


@dataclass(frozen=True)
class Case:
    """Which event each numbered step is, and the walks of some subjects by their number."""

    steps: tuple[str, ...]
    subjects: dict[int, Walk]


def cases(chance: Random, count: int) -> list[Case]:
    """Cases with up to three subjects, and up to fourteen events each."""
    return [
        Case(
            tuple(chance.sample(_MATCHERS, 5)),
            {subject: _walk(chance) for subject in range(chance.choice((1, 1, 2, 3)))},
        )
        for _ in range(count)
    ]


def _walk(chance: Random) -> Walk:
    times = sorted(chance.sample(range(60), chance.randrange(3, 15)))
    return [Event(at, chance.choice("ABCDE"), {PATH: float(chance.randrange(2))}) for at in times]


def step_of(matcher: str) -> Step:
    """The step that a matcher says."""
    name, _, value = matcher.partition(":")
    return Step(name, Comparison(PATH, "=", (float(value),)) if value else None)


def asked(cases: Sequence[Case], expression: str) -> dict[tuple[int, int], int]:
    """The expression's answer by case and subject; in it, `is1` to `is5` say whether an event is the numbered step."""
    import chdb  # noqa: PLC0415 -- an optional engine, loaded by those who ask it

    rows = [
        (number, subject, event.at, event.name, event.values[PATH], *case.steps)
        for number, case in enumerate(cases)
        for subject, walk in case.subjects.items()
        for event in walk
    ]
    names = ("number", "subject", "at", "name", "x", *(f"step{step}" for step in range(1, 6)))
    kinds = (pa.uint32(), pa.uint32(), pa.uint64(), pa.string(), pa.float64(), *[pa.string()] * 5)
    columns = zip(names, zip(*rows, strict=True), kinds, strict=True)
    events = pa.table({name: pa.array(values, kind) for name, values, kind in columns})
    flags = ", ".join(
        f"(name = step{step} or concat(name, ':', toString(toInt32(x))) = step{step}) as is{step}"
        for step in range(1, 6)
    )
    query = (
        f"select number, subject, {expression} from (select number, subject, at, {flags} from Python(events)) "  # noqa: S608 -- no outside text
        "group by number, subject"
    )
    assert events.num_rows
    found = {}
    answer = chdb.query(query, "CSV")  # type: ignore[no-untyped-call]  # chdb ships no types for it
    for line in str(answer).split():
        number, subject, level = (int(word) for word in line.split(","))
        found[number, subject] = level
    return found


def window_funnel(window: int, steps: int) -> str:
    """The level of the first so many steps within a window."""
    said = ", ".join(f"is{step}" for step in range(1, steps + 1))
    return f"windowFunnel({window})(at, {said})"


def sequence(pattern: Pattern, function: str) -> str:
    """`sequenceMatch` of any way of a pattern of numbered steps, or `sequenceCount` of its only one."""
    said = ("".join(way[1:]) for way in _ways(pattern))  # nothing stands before the first step
    calls = [f"{function}('{way}')(at, is1, is2, is3, is4, 1)" for way in said]
    return " or ".join(calls) if len(calls) > 1 else calls[0]


def sayable(chance: Random, *, counted: bool) -> Pattern:
    """A pattern that `sequenceMatch` can say: steps are named by their number.

    A step is timed by `within` or by `after`, not both, since theirs count from other events, and not after `=>`. What
    a group takes in it forgets when it is reached, which no sequence can say: what follows one is `->` without
    `within`. counted: one way without timing.
    """
    ways = 1 if counted else chance.choice((1, 1, 2))
    return Pattern(tuple(_chain(chance, counted=counted) for _ in range(ways)))


def _chain(chance: Random, *, counted: bool) -> Chain:
    count = chance.randrange(1 if not counted else 2, 5)
    parts: list[Part] = []
    arrows: list[Arrow] = []
    after_group = False
    for place in range(count):
        if not counted and chance.random() < 0.2:
            parts.append(Group(tuple(Step(chance.choice("1234")) for _ in range(chance.choice((2, 2, 3))))))
            arrow: Arrow = "->"
            after_group = True
        else:
            arrow = "=>" if place and not after_group and chance.random() < 0.3 else "->"
            within, after = (None, None)
            if place and arrow == "->" and not counted:
                within = chance.choice((None, None, 2, 5, 9, 15)) if not after_group else None
                after = chance.choice((None, None, 2, 5, 9)) if within is None else None
            optional = not counted and 0 < place < count - 1 and not after_group and chance.random() < 0.3
            times = 2 if not optional and chance.random() < 0.15 else 1
            timing = Timing(within, after)
            parts.append(Single(Step(chance.choice("1234")), timing=timing, optional=optional, times=times))
            after_group = after_group and optional
        arrows.append(arrow)
    return Chain(tuple(parts), tuple(arrows[1:]))


def _ways(pattern: Pattern, arrow: Arrow = "->") -> Iterator[list[str]]:
    """Every straight way through the pattern, as pieces of a sequence: gap and step, in turns."""
    for chain in pattern.ways:
        choices = [
            list(_pieces(part, before)) for part, before in zip(chain.parts, (arrow, *chain.arrows), strict=True)
        ]
        for way in product(*choices):
            yield [piece for part in way for piece in part]


def _pieces(part: Part, arrow: Arrow) -> Iterator[list[str]]:
    """What a part may add to a way: gap and step, in turns."""
    match part:
        case Group(steps=steps):
            for order in sorted(set(permutations(step.name for step in steps))):
                yield [piece for name in order for piece in (".*", f"(?{name})")]
        case Single(step=step, timing=timing):
            gap = ".*"
            if timing.within is not None:
                gap = f"(?t<={timing.within})"
            elif timing.after is not None:
                gap = f"(?t>={timing.after})"
            first = "" if arrow == "=>" else gap
            yield [first, f"(?{step.name})", *[gap, f"(?{step.name})"] * (part.times - 1)]
            if part.optional:
                yield []
        case Pattern():
            yield from _ways(part, arrow)


def spoken(pattern: Pattern, steps: Sequence[str]) -> Pattern:
    """The pattern with each numbered step as the event that it is in a case."""
    return Pattern(tuple(Chain(tuple(_spoken(part, steps) for part in way.parts), way.arrows) for way in pattern.ways))


def _spoken(part: Part, steps: Sequence[str]) -> Part:
    match part:
        case Single(step=step):
            told = step_of(steps[int(step.name) - 1])
            return Single(told, part.label, part.timing, part.optional, part.times)
        case Group():
            return Group(tuple(step_of(steps[int(step.name) - 1]) for step in part.steps))
        case Pattern():
            return spoken(part, steps)
