"""Law five and its neighbours: what another engine says of the same events, for whole batches of cases at once."""

from __future__ import annotations

from random import Random

from cxminute.journeys.definition import Arrow, Chain, JourneyDefinition, Pattern, Reentry, Single
from cxminute.journeys.plan import compile_plan
from tests.oracles.journey_answers import found_in, table_of
from tests.oracles.journey_walks import streams_of
from tests.oracles.journeys_reference import Found
from tests.oracles.second_opinion import (
    Case,
    asked,
    cases,
    sayable,
    sequence,
    spoken,
    step_of,
    window_funnel,
)

_AT_LAST = 100


def check_levels(seed: int, count: int) -> set[int]:
    """Without timing and under 'always', the furthest that a subject came is the level of `windowFunnel`.

    returns: the levels that there were
    """
    chance = Random(seed)  # noqa: S311 -- cases, not secrets
    batch = cases(chance, count)
    steps, window = chance.randrange(1, 6), chance.randrange(1, 60)
    arrows: tuple[Arrow, ...] = tuple("->" for _ in range(steps))
    theirs = asked(batch, window_funnel(window, steps))
    for number, case in enumerate(batch):
        parts = tuple(Single(step_of(matcher)) for matcher in case.steps[:steps])
        found = _found(case, Pattern((Chain(parts, arrows[:-1]),)), window, "always")
        for subject in case.subjects:
            level = max((passage.deepest for passage in found.get(subject, [])), default=0)
            assert level == theirs[number, subject], (seed, number, subject)
    return set(theirs.values())


def check_sequences(seed: int, count: int) -> set[int]:
    """A subject completes a pattern if `sequenceMatch` finds one of its ways.

    Under 'after exit' and without timing, it completes it as often as `sequenceCount` counts.
    returns: the answers that there were
    """
    chance = Random(seed)  # noqa: S311 -- cases, not secrets
    batch = cases(chance, count)
    counted = chance.random() < 0.4
    pattern = sayable(chance, counted=counted)
    theirs = asked(batch, sequence(pattern, "sequenceCount" if counted else "sequenceMatch"))
    for number, case in enumerate(batch):
        found = _found(case, spoken(pattern, case.steps), _AT_LAST, "after exit" if counted else "always")
        for subject in case.subjects:
            completed = [passage for passage in found.get(subject, []) if passage.ending == "completed"]
            ours = len(completed) if counted else int(bool(completed))
            assert ours == theirs[number, subject], (seed, number, subject, pattern)
    return set(theirs.values())


def _found(case: Case, pattern: Pattern, window: int, reentry: Reentry) -> dict[int, list[Found]]:
    definition = JourneyDefinition("second", ("person",), pattern, window, reentry=reentry)
    return found_in(table_of(compile_plan(definition), streams_of(case.subjects), _AT_LAST, ()))
