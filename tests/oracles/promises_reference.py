"""What becomes of promises, told a second time: slowly, in plain Python, from the words of the specification.

Nothing here is shared with the kernel: promises are objects in a list, and every question is asked of the whole list.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """One event of a subject: when, and what it is (any of made, kept, void, amended); the due it says, and by whom."""

    at: int
    is_a: AbstractSet[str]
    due: int | None = None
    by: str | None = None


@dataclass
class Made:
    """A promise, from the moment when it was made."""

    made_at: int
    first_due_at: int | None
    due_at: int | None
    promised: int | None
    """The due time that stands as first promised: the customer may move it while it is whole."""
    moved_by: str | None = None
    outcome_at: int | None = None
    void: bool = False

    @property
    def open(self) -> bool:
        """Whether it is a promise at all, and neither fulfilled nor taken back."""
        return self.first_due_at is not None and self.outcome_at is None and not self.void

    def state(self, due: int | None, tolerance: int, closes_at: int) -> str:
        """By this due time."""
        if due is None:
            return "none"
        if self.void:
            return "void"
        if self.outcome_at is None:
            return "overdue" if due + tolerance < closes_at else "pending"
        return "kept" if self.outcome_at <= due + tolerance else "late"


def oldest_open(promises: list[Made]) -> Made | None:
    """The promise that was made first among those still open."""
    return next((promise for promise in promises if promise.open), None)


def follow(events: Iterable[Told], *, tolerance: int, closes_at: int) -> list[Made]:
    """All promises of one subject, its events being in order."""
    promises: list[Made] = []
    for event in events:
        if event.at > closes_at:
            break
        promise = oldest_open(promises)
        if promise is not None:
            serve(promise, event, tolerance)
        if "made" in event.is_a:
            promises.append(Made(event.at, event.due, event.due, event.due))
    return promises


def serve(promise: Made, event: Told, tolerance: int) -> None:
    """What one event does to one open promise: it keeps it, or takes it back, or moves it."""
    if "kept" in event.is_a:
        promise.outcome_at = event.at
    elif "void" in event.is_a:
        promise.void = True
    elif "amended" in event.is_a and event.due is not None:
        broken = promise.promised is not None and event.at > promise.promised + tolerance
        if event.by == "customer" and not broken:
            promise.promised = event.due
        promise.due_at = event.due
        promise.moved_by = event.by if event.by in {"us", "partner", "customer"} else "us"
