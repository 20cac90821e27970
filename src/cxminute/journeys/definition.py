"""What a journey's text says, as data: steps in order with their timing, and all else that its definition names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cxminute.model.steps import Step

Reentry = Literal["once", "after exit", "always"]
REENTRIES: Final[tuple[Reentry, ...]] = ("once", "after exit", "always")
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
    """One step of a chain; its label, where it was given one, is the name that tables show it under."""

    step: Step
    label: str | None = None
    timing: Timing = Timing()

    @property
    def shown(self) -> str:
        """The label, or without one the name of the event."""
        return self.label or self.step.name


@dataclass(frozen=True, slots=True)
class Pattern:
    """Steps one after another, sooner or later (`->`); at least one."""

    parts: tuple[Single, ...]


@dataclass(frozen=True, slots=True)
class JourneyDefinition:
    """A journey as people defined it; `plan.compile_plan` makes it runnable.

    name:    of the journey; in a project, the name of its file
    per:     whose events form a stream: 'person', or a kind of identifier such as 'order_id'
    pattern: which steps count as progress
    window:  milliseconds from opening to completion, inclusive
    unless:  steps that break a passage wherever it stands
    reentry: when another passage of the same subject may open
    purpose: what the events are used for; the contract of their source must allow it
    kpi:     what completing it should move; None where nothing is claimed
    """

    name: str
    per: str
    pattern: Pattern
    window: int
    unless: tuple[Step, ...] = ()
    reentry: Reentry = "after exit"
    purpose: str = PURPOSE
    kpi: str | None = None
