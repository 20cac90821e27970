"""What a journey's text says, as data: steps in order with their timing, and all else that its definition names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cxminute.model.steps import Step

Reentry = Literal["once", "after exit", "always"]
REENTRIES: Final[tuple[Reentry, ...]] = ("once", "after exit", "always")
OnChange = Literal["finish", "migrate", "stop"]
ON_CHANGE: Final[tuple[OnChange, ...]] = ("finish", "migrate", "stop")
Arrow = Literal["->", "=>"]
PURPOSE: Final = "service-optimisation"
"""The purpose of a definition that names none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When the arrow into a step lets an event through; durations in milliseconds, inclusive.

    within:  at most this long after the origin was last reached; None: any time
    after:   at least this long after the origin was first reached; None: at once
    without: events that cut the arrow when they come between
    """

    within: int | None = None
    after: int | None = None
    without: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Single:
    """One step of a chain; its label, where it was given one, is the name that tables show it under.

    optional: `?`: the chain also goes on without it
    times:    `{n}`: that many positions in a row with the same step and timing; 1 without it
    """

    step: Step
    label: str | None = None
    timing: Timing = Timing()
    optional: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class Group:
    """Two to six steps in any order: one position, reached when all have been seen.

    within: milliseconds; of the first group of a pattern from its first mark, else from the position before
    """

    steps: tuple[Step, ...]
    label: str | None = None
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts one after another, with the arrow before each but the first: `->` sooner or later, `=>` directly."""

    parts: tuple[Part, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way or several (`or`); in brackets it is a part of a chain."""

    ways: tuple[Chain, ...]


Part = Single | Group | Pattern


def steps_in(pattern: Pattern) -> Iterator[Step]:
    """Every step of the pattern in order of the text, each part's guards after it."""
    for way in pattern.ways:
        for part in way.parts:
            match part:
                case Single():
                    yield part.step
                    yield from part.timing.without
                case Group():
                    yield from part.steps
                case Pattern():
                    yield from steps_in(part)


@dataclass(frozen=True, slots=True)
class JourneyDefinition:
    """A journey as people defined it; `plan.compile_plan` makes it runnable.

    name:    of the journey; in a project, the name of its file
    per:     whose events form a stream: 'person', or a kind of identifier such as 'order_id'; further keys are
             properties that are held constant
    pattern: which steps count as progress
    window:  milliseconds from opening to completion, inclusive
    unless:  steps that break a passage wherever it stands
    reentry: when another passage of the same subject may open
    purpose: what the events are used for; the contract of their source must allow it
    kpi:     what completing it should move; None where nothing is claimed
    ignoring: steps that `=>` looks through
    on_change: what becomes of passages that are open, live, when the definition changes
    """

    name: str
    per: tuple[str, ...]
    pattern: Pattern
    window: int
    unless: tuple[Step, ...] = ()
    reentry: Reentry = "after exit"
    purpose: str = PURPOSE
    kpi: str | None = None
    ignoring: tuple[Step, ...] = ()
    on_change: OnChange = "finish"

    @property
    def space(self) -> str:
        """The kind of subject that the streams are read by: the first of the keys."""
        return self.per[0]

    @property
    def held(self) -> tuple[str, ...]:
        """Paths whose value is held constant within a stream: the keys after the first."""
        return tuple(key if "." in key or key in {"source", "name"} else f"properties.{key}" for key in self.per[1:])
