"""Generated journeys and streams, small enough that everything meets.

Equal times, repeated first steps, deadlines reached to the millisecond, `unless` events and guards that are steps too.
"""

from __future__ import annotations

from hypothesis import strategies as st

from cxminute.journeys.definition import REENTRIES, JourneyDefinition, Pattern, Single, Timing
from cxminute.model.steps import Both, Comparison, Condition, Either, Negation, Step
from tests.oracles.journeys_reference import Event
from tests.oracles.streams import Happened, ListStreams

NAMES = "ABC"
PATH = "properties.x"

comparisons = st.builds(
    Comparison,
    path=st.just(PATH),
    operator=st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    values=st.tuples(st.sampled_from([0.0, 1.0, "one", True])),
) | st.builds(Comparison, path=st.just(PATH), operator=st.sampled_from(["missing", "present"]))


def _compound(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Both, several) | st.builds(Either, several) | st.builds(Negation, parts)


conditions: st.SearchStrategy[Condition] = st.recursive(comparisons, _compound, max_leaves=4)
plain_steps = st.builds(Step, name=st.sampled_from(NAMES))
steps = plain_steps | plain_steps | plain_steps | st.builds(Step, name=st.sampled_from(NAMES), where=conditions)
durations = st.none() | st.none() | st.integers(0, 8)
timings = st.builds(
    Timing,
    within=durations,
    after=st.none() | st.integers(0, 6),
    without=st.just(()) | st.lists(steps, max_size=2).map(tuple),
).filter(lambda timing: timing.within is None or timing.after is None or timing.after <= timing.within)


@st.composite
def definitions(draw: st.DrawFn) -> JourneyDefinition:
    """A journey of one to four steps with any timing, window, unless and reentry."""
    first = Single(draw(steps))
    rest = draw(st.lists(st.builds(Single, step=steps, timing=timings), max_size=3))
    return JourneyDefinition(
        name="walk",
        per="person",
        pattern=Pattern((first, *rest)),
        window=draw(st.integers(1, 12) | st.integers(10, 60)),
        unless=draw(st.just(()) | st.just(()) | st.lists(steps, max_size=2).map(tuple)),
        reentry=draw(st.sampled_from(REENTRIES)),
    )


@st.composite
def chains(draw: st.DrawFn) -> JourneyDefinition:
    """A, then B, then C, timed in every way: what is rarely drawn above, and all that most people write."""
    timed = st.builds(Timing, within=st.none() | st.integers(4, 12), after=st.none() | st.integers(1, 4))
    parts = [Single(Step("A")), Single(Step("B"), timing=draw(timed)), Single(Step("C"), timing=draw(timed))]
    return JourneyDefinition(
        name="chain",
        per="person",
        pattern=Pattern(tuple(parts[: draw(st.integers(2, 3))])),
        window=draw(st.integers(8, 40)),
        reentry=draw(st.sampled_from(REENTRIES)),
    )


values: st.SearchStrategy[dict[str, float]] = st.just({}) | st.fixed_dictionaries({PATH: st.sampled_from([0.0, 1.0])})
"""Of one type, so that a column of them is not turned into text; the conditions compare with others all the same."""


@st.composite
def walks(draw: st.DrawFn) -> list[Event]:
    """A subject's events in order of time; one after another in 0 to 4 milliseconds."""
    gaps = draw(st.lists(st.integers(0, 4), max_size=16))
    at = 1_000
    events = []
    for gap in gaps:
        at += gap
        events.append(Event(at, draw(st.sampled_from(NAMES)), draw(values)))
    return events


people = st.dictionaries(st.integers(0, 9), walks(), min_size=1, max_size=4)


def streams_of(subjects: dict[int, list[Event]]) -> ListStreams:
    """The walks of some subjects as streams."""
    happened = [
        Happened(subject, event.at, event.name, event.values) for subject, walk in subjects.items() for event in walk
    ]
    return ListStreams(happened, subjects)
