"""Generated journeys and streams, small enough that everything meets.

Four names, times a few milliseconds apart, durations of the same size: equal times, repeated first steps, deadlines
met to the millisecond, and events that are step, guard and `unless` at once come by themselves. A choice is drawn from
a table where it can be: few draws make quick examples, and small ones when a law fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product

from hypothesis import strategies as st

from cxminute.journeys.definition import (
    REENTRIES,
    Arrow,
    Chain,
    Group,
    JourneyDefinition,
    Part,
    Pattern,
    Single,
    Timing,
)
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step
from tests.oracles.journeys_reference import Child, Event
from tests.oracles.streams import Happened, ListStreams

NAMES = "ABC"
NOISE = "D"
"""A name that `any` and `=>` see, and that few steps name."""
PATH = "properties.x"
TEXT = "properties.y"
REFUSED = "desk"
"""A source that the permit does not cover: its events are in the streams, and nothing sees them."""
BEGINS = 1_000
MOST = 16
"""Positions of a generated pattern."""

_CONDITIONS: tuple[Condition, ...] = (
    Comparison(PATH, "=", (1.0,)),
    Comparison(PATH, "!=", (1.0,)),
    Comparison(PATH, "<", (1.0,)),
    Comparison(PATH, ">=", (0.0,)),
    Comparison(PATH, "in", (0.0, "one", True)),
    Comparison(PATH, "=", ("one",)),
    Comparison(PATH, "!=", (True,)),
    Comparison(PATH, "missing"),
    Comparison(PATH, "present"),
    Comparison(TEXT, "=", ("one",)),
    Comparison(TEXT, "!=", (1.0,)),
    Both((Comparison(PATH, "present"), Comparison(TEXT, "missing"))),
    Either((Comparison(PATH, "=", (0.0,)), Comparison(TEXT, ">", ("one",)))),
    Negation(Comparison(PATH, ">", (0.0,))),
)
ENDINGS = tuple(Step(name, kind="ending") for name in ("other.completed", "other.broken"))
_PLAIN = tuple(Step(name) for name in NAMES)
_RARE = (Step(NOISE), *ENDINGS, Step("any", kind="any"))
_CONDITIONAL = tuple(Step(name, where) for name, where in product(NAMES, _CONDITIONS))
_ANY_WHERE = tuple(Step("any", where, "any") for where in _CONDITIONS[:2])

plain_steps = st.sampled_from(_PLAIN)
conditions = st.sampled_from(_CONDITIONS)
steps = st.sampled_from((*_PLAIN * 40, *_RARE * 6, *_CONDITIONAL, *_ANY_WHERE * 2))
_guards: st.SearchStrategy[tuple[Step, ...]] = st.sampled_from(
    ((), (), (), *((step,) for step in (*_PLAIN, *_PLAIN, *_RARE[:3])), (Step("B"), Step("D")), (_CONDITIONAL[0],))
)
_spans: st.SearchStrategy[tuple[int | None, int | None]] = st.sampled_from(
    (
        *[(None, None)] * 12,
        *((within, None) for within in (0, 1, 2, 3, 3, 4, 4, 5, 6, 8, 12, 20)),
        *((None, after) for after in (0, 1, 2, 3, 4)),
        *((within, after) for within in (3, 5, 9) for after in (1, 2, 3, 5)),
    )
)
_times = st.sampled_from((1, 1, 1, 1, 1, 1, 2, 3))
_arrows: st.SearchStrategy[Arrow] = st.sampled_from(("->", "->", "=>"))
shares = st.integers(0, 9)


@cache
@st.composite
def _singles(draw: st.DrawFn, *, is_first: bool) -> Single:
    step, times = draw(steps), draw(_times)
    if is_first:
        return Single(step, times=times)
    within, after = draw(_spans)
    optional = times == 1 and draw(shares) >= 7
    return Single(step, timing=Timing(within, after, draw(_guards)), times=times, optional=optional)


@cache
@st.composite
def _groups(draw: st.DrawFn) -> Group:
    """Two or three steps, one of them now and then twice."""
    return Group(
        tuple(draw(st.lists(steps, min_size=2, max_size=3))), within=draw(st.sampled_from((None, 0, 2, 4, 7, 15)))
    )


@cache
@st.composite
def _parts(draw: st.DrawFn, *, is_first: bool, is_last: bool, depth: int) -> Part:
    share = draw(shares)
    if share >= 8:
        return draw(_groups())
    if share >= 6 and depth:
        return draw(patterns(is_first=is_first, is_last=is_last, depth=depth - 1))
    single = draw(_singles(is_first=is_first))
    return _needed(single) if is_last and single.optional else single


def _needed(single: Single) -> Single:
    return Single(single.step, single.label, single.timing, times=single.times)


@cache
@st.composite
def _chains(draw: st.DrawFn, *, is_first: bool, is_last: bool, depth: int) -> Chain:
    """One to three parts; one of them at least is not optional."""
    count = draw(st.integers(1, 3))
    parts = [
        draw(_parts(is_first=is_first and place == 0, is_last=is_last and place == count - 1, depth=depth))
        for place in range(count)
    ]
    if all(isinstance(part, Single) and part.optional for part in parts):
        parts = [_needed(part) if isinstance(part, Single) else part for part in parts]
    arrows = [
        draw(_arrows) if isinstance(one, Single) and isinstance(other, Single) else "->"
        for one, other in pairwise(parts)
    ]
    return Chain(tuple(parts), tuple(arrows))


@cache
@st.composite
def patterns(draw: st.DrawFn, *, is_first: bool = True, is_last: bool = True, depth: int = 2) -> Pattern:
    """One way, at times two; what stands first is not optional and not timed, what stands last is not optional."""
    ways = draw(st.sampled_from((1, 1, 2)))
    return Pattern(tuple(draw(_chains(is_first=is_first, is_last=is_last, depth=depth)) for _ in range(ways)))


@cache
@st.composite
def definitions(draw: st.DrawFn) -> JourneyDefinition:
    """A journey of any shape, with any timing, window, unless, ignoring and reentry."""
    pattern = draw(_patterns_of_size())
    ignoring: tuple[Step, ...] = ()
    if has_direct(pattern):
        ignoring = draw(st.sampled_from(((), (Step("D"),), (Step("A"),), (Step("C"), _CONDITIONAL[3]))))
    return JourneyDefinition(
        name="walk",
        per=("person",),
        pattern=pattern,
        window=draw(st.sampled_from((20, 4, 9, 14, 20, 30, 30, 60, 60))),
        unless=draw(st.sampled_from(((), (), (), (Step("D"),), ENDINGS[1:], (_CONDITIONAL[0],), (Step("B"),)))),
        reentry=draw(st.sampled_from(REENTRIES)),
        ignoring=ignoring,
    )


@cache
def _patterns_of_size() -> st.SearchStrategy[Pattern]:
    return patterns().filter(lambda pattern: _positions(pattern) <= MOST)


def _positions(pattern: Pattern) -> int:
    parts = [part for way in pattern.ways for part in way.parts]
    nested = sum(_positions(part) for part in parts if isinstance(part, Pattern))
    return nested + sum(
        part.times if isinstance(part, Single) else 1 for part in parts if not isinstance(part, Pattern)
    )


def has_direct(pattern: Pattern) -> bool:
    """Whether a `=>` stands anywhere in it."""
    return any(
        "=>" in way.arrows or any(isinstance(part, Pattern) and has_direct(part) for part in way.parts)
        for way in pattern.ways
    )


@cache
@st.composite
def chains(draw: st.DrawFn) -> JourneyDefinition:
    """A, then B, then C, timed in every way: what is rarely drawn above, and all that most people write."""
    parts: list[Single] = [Single(Step("A"))]
    for name in NAMES[1 : draw(st.integers(2, 3))]:
        within, after = draw(_spans)
        parts.append(Single(Step(name), timing=Timing(within, after)))
    arrows: tuple[Arrow, ...] = tuple("->" for _ in parts)
    return JourneyDefinition(
        name="chain",
        per=("person",),
        pattern=Pattern((Chain(tuple(parts), arrows[1:]),)),
        window=draw(st.integers(8, 40)),
        reentry=draw(st.sampled_from(REENTRIES)),
    )


@cache
@st.composite
def tight(draw: st.DrawFn) -> JourneyDefinition:
    """Three steps, the last of them soon: what the second was reached by, and when last, decides.

    Another way keeps the passage alive when the first runs out: groups are cleared, cut edges healed.
    """
    names = (*_PLAIN * 3, *ENDINGS, _RARE[3])
    first, second, third = draw(st.sampled_from(names)), draw(st.sampled_from(names)), draw(st.sampled_from(names))
    guard = draw(st.sampled_from(((), (), (second,), (second,), (third,), (first, second))))
    soon = draw(st.sampled_from((1, 2, 3, 4)))
    arrow: Arrow = draw(st.sampled_from(("->", "=>", "=>", "=>")))
    middle: Part = Single(second, timing=Timing(draw(st.sampled_from((None, None, 6))), None, guard))
    if draw(shares) >= 6:
        middle, arrow = Group((second, draw(steps)), within=draw(st.sampled_from((None, 2, 3, 4)))), "->"
    last = Single(third, timing=Timing(soon, None, draw(st.sampled_from(((), (), (second,), (first,))))))
    ways = [Chain((Single(first), middle, last), (arrow, "->"))]
    if arrow == "->" and draw(shares) >= 5:
        before: tuple[Part, ...] = (Single(first), Single(draw(plain_steps)), middle, last)
        ways = [Chain(before, ("->", "->", "->"))]
    if draw(shares) >= 4:
        ways.append(Chain((Single(first), Single(Step(NOISE), times=2)), ("->",)))
    return JourneyDefinition(
        name="tight",
        per=("person",),
        pattern=Pattern(tuple(ways)),
        window=draw(st.sampled_from((60, 20))),
        reentry=draw(st.sampled_from(REENTRIES)),
        ignoring=draw(st.sampled_from(((), (second,), (second, third), (Step(NOISE),)))) if arrow == "=>" else (),
    )


Happening = tuple[int, Step | str, Mapping[str, float | str], str]
_VALUES: tuple[Mapping[str, float | str], ...] = ({}, {PATH: 1.0}, {PATH: 0.0}, {TEXT: "one"}, {PATH: 1.0, TEXT: "two"})
"""A path holds one type, so that a column of it is not turned into text; the conditions compare with others too."""
_GAPS = (1, 0, 1, 2, 3)
_FREE = tuple(
    (gap, Step(name), values, "shop")
    for gap, name, values in product(_GAPS, (*NAMES, *NAMES, NOISE), (*_VALUES, {}, {}))
) + tuple(
    (gap, step, {PATH: 1.0}, source)
    for gap, (step, source), _ in product(
        (1, 0, 4), ((ENDINGS[0], "shop"), (ENDINGS[1], "shop"), (Step("B"), REFUSED)), range(5)
    )
)
_NEXT, _AGAIN = "next", "again"
_TOLD = tuple(
    (gap, told, values, "shop")
    for gap, told, values in product(_GAPS, (_NEXT, _NEXT, _NEXT, _AGAIN, _AGAIN), (*_VALUES, {}, {}))
)
"""Events that are the next step of the journey that is followed, or once more what the last such was."""
free = st.sampled_from(_FREE)
"""Gap, what happened, properties and source of an event."""
_guided = st.sampled_from((*_FREE, *_TOLD))
_told = st.sampled_from(_TOLD)
_LENGTHS = ((5, 10), (0, 3), (5, 10), (10, 18))


@cache
def _stretches(happening: st.SearchStrategy[Happening]) -> st.SearchStrategy[list[Happening]]:
    """Short and long stretches; made once, since a strategy that is made anew is looked through anew."""
    return st.one_of([st.lists(happening, min_size=low, max_size=high) for low, high in _LENGTHS])


@st.composite
def walks(draw: st.DrawFn, script: Sequence[Step] = (), *, only: bool = False) -> list[Event]:
    """A subject's events in order of time; one after another in 0 to 4 milliseconds.

    script: steps that about half of the events follow, from the first again after the last
    only:   whether all events do
    """
    drawn = _told if only else _guided if script else free
    at, events, told = BEGINS, list[Event](), 0
    for gap, named, values, source in draw(_stretches(drawn)):
        at += gap
        told += named == _NEXT
        step = named if isinstance(named, Step) else script[max(told - 1, 0) % len(script)]
        if step.kind == "any":
            step = Step(NOISE)
        events.append(Event(at, step.name, values, step.kind, _child(step, at), source=source))
    return events


def _child(step: Step, at: int) -> Child | None:
    """A passage of one moment, for an ending."""
    journey, _, ending = step.name.rpartition(".")
    return Child(journey, ending, 0, at, at) if step.kind == "ending" else None


people = st.dictionaries(st.integers(0, 9), walks(), min_size=1, max_size=3)
closings = st.sampled_from((BEGINS + 60, BEGINS + 60, *range(BEGINS - 5, BEGINS + 60)))


@dataclass(frozen=True)
class Meeting:
    """A journey, the walks of some subjects by their number, and when the log is closed."""

    definition: JourneyDefinition
    subjects: Mapping[int, Sequence[Event]]
    closes_at: int


@cache
def _any_definition() -> st.SearchStrategy[JourneyDefinition]:
    return st.one_of(definitions(), definitions(), tight(), chains(), definitions())


@cache
@st.composite
def meetings(draw: st.DrawFn, subjects: int = 3) -> Meeting:
    """A journey with walks that follow it now and then, in one of its ways, and otherwise wander."""
    definition = draw(_any_definition())
    script = tuple(_script(definition.pattern, draw(shares)))
    numbers = draw(st.sampled_from(((1,), (0, 7), (3, 4, 8))))[:subjects]
    only = definition.name == "tight" and draw(shares) >= 3
    return Meeting(definition, {number: draw(walks(script, only=only)) for number in numbers}, draw(closings))


def _script(pattern: Pattern, choice: int) -> Iterator[Step]:
    """The steps of one way in order of the text."""
    for part in pattern.ways[choice % len(pattern.ways)].parts:
        match part:
            case Single():
                yield from (part.step,) * part.times
            case Group():
                yield from reversed(part.steps) if choice % 3 else part.steps
            case Pattern():
                yield from _script(part, choice // 2)


def seen(walk: Sequence[Event]) -> list[Event]:
    """The events that the permit covers."""
    return [event for event in walk if event.source != REFUSED]


def streams_of(subjects: Mapping[int, Sequence[Event]]) -> ListStreams:
    """The walks of some subjects as streams, under a permit without the refused source."""
    happened = [
        Happened(subject, event.at, event.name, event.values, event.source, event.kind)
        for subject, walk in subjects.items()
        for event in walk
    ]
    return ListStreams(happened, subjects, frozenset({REFUSED}))
