"""The balance of the door: received = stored + duplicate + quarantined + waiting, per minute of receipt and source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from cxminute.app.project import Project
from cxminute.model.times import HOUR, MINUTE, from_ms


@dataclass(slots=True)
class Line:
    """One line of the balance.

    minute: its beginning, UTC ms; None for what waits in the inbox, and for the total
    """

    minute: int | None
    source: str
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    waiting: int = 0
    every: bool = True

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """Received, stored, duplicate, quarantined, waiting."""
        return self.received, self.stored, self.duplicate, self.quarantined, self.waiting

    @property
    def adds_up(self) -> bool:
        """Whether nothing is missing; of a total, also in none of its lines."""
        return self.every and self.received == self.stored + self.duplicate + self.quarantined + self.waiting

    def add(self, other: Line) -> None:
        """Counts another line in."""
        self.received += other.received
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.quarantined += other.quarantined
        self.waiting += other.waiting
        self.every = self.every and other.adds_up

    def moment(self, zone: ZoneInfo) -> str:
        """The minute as people read it."""
        return "in the inbox" if self.minute is None else f"{from_ms(self.minute).astimezone(zone):%Y-%m-%d %H:%M}"

    def document(self, zone: ZoneInfo) -> dict[str, Any]:
        """The line as JSON has it."""
        names = ("received", "stored", "duplicate", "quarantined", "waiting")
        minute = None if self.minute is None else from_ms(self.minute).astimezone(zone)
        counts = dict(zip(names, self.counts, strict=True))
        return {"minute": minute, "source": self.source or None, **counts, "adds_up": self.adds_up}


def balanced(project: Project, since: int | None, until: int | None, source: str | None) -> tuple[list[Line], Line]:
    """The lines of a span of receipt, oldest first, those of the inbox last; and their total.

    since: UTC ms; None for the last hour in which anything was received. What waits is of the whole inbox
    """
    marks = project.arrivals.marks(project.inbox.identity)  # before the inbox: what moves meanwhile is waiting still
    waiting = project.inbox.waiting(marks)
    found = project.arrivals.balance(since, until, source)
    if since is None and found:
        begins = max(minute.minute for minute in found) + MINUTE - HOUR
        found = [minute for minute in found if minute.minute >= begins]
    lines = [Line(m.minute, m.source, m.received, m.stored, m.duplicate, m.quarantined) for m in found]
    lines.sort(key=lambda line: (line.minute, line.source))
    lines += [
        Line(None, one.source, received=one.events, waiting=one.events)
        for one in waiting
        if source in (None, one.source)
    ]
    total = Line(None, "")
    for line in lines:
        total.add(line)
    return lines, total
