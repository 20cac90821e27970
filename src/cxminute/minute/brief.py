"""The brief as data: what every renderer shows, in the same words and the same order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from cxminute.minute.words import days


@dataclass(frozen=True)
class Line:
    """One thing said.

    text:    one or a few sentences; the figure stands in it
    figure:  that figure, as it is written there
    command: the command that shows it
    grade:   of news, how often it was seen: once, pattern or trend; else empty
    """

    text: str
    figure: str
    command: str
    grade: str = ""


@dataclass(frozen=True)
class Standing:
    """How a promise or a journey stands.

    kind, name: 'promise' or 'journey', and its name
    share:      kept of those due, or completed of those ended, in 0..1; None where none was due or ended
    n:          of how many
    target:     the share that was set as target, where one was
    burn:       error budget spent per day against budget per day, where a target was set; above 1 it will not last
    command:    the command that shows it
    """

    kind: str
    name: str
    share: float | None
    n: int
    target: float | None = None
    burn: float | None = None
    command: str = ""

    @property
    def stands_out(self) -> bool:
        """Below its target, or burning its budget faster than it lasts."""
        below = self.target is not None and self.share is not None and self.share < self.target
        return below or (self.burn is not None and self.burn > 1)


@dataclass(frozen=True)
class Detail:
    """A table below the fold: every row as text, every column with its head."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Brief:
    """What one minute of reading says about a week, and the details below it.

    organisation, week, monday: whose brief, which ISO week, and its first day
    headline:  the first thing to know
    items:     what changed against the weeks before, strongest first
    quiet:     said where nothing did, in place of items
    standing:  promises and journeys: those that stand out one by one, then the others in one line
    compared:  a promise on a marketplace beside the own shop, where they differ beyond chance; stands with `standing`
    decisions: what deserves a decision, at most three
    notes:     what else the reader should know of these figures
    details:   tables below the fold
    insights:  model.tables.INSIGHT rows, all of them
    beside:    model.tables.COMPARISON rows, all of them, for the charts
    series:    every whole by week with its band, for the charts: `synthesis.explain.HISTORY`; may be empty
    """

    organisation: str
    week: str
    monday: date
    headline: Line
    items: tuple[Line, ...]
    quiet: Line | None
    standing: tuple[Line, ...]
    decisions: tuple[Line, ...]
    notes: tuple[Line, ...]
    details: tuple[Detail, ...]
    insights: pa.Table
    series: pa.Table
    compared: tuple[Line, ...] = ()
    beside: pa.Table | None = None

    @property
    def title(self) -> str:
        """Whose brief and of which days."""
        return f"{self.organisation}, week {self.week}, {days(self.monday, self.monday + timedelta(days=6))}"

    def sections(self) -> Iterator[tuple[str, tuple[Line, ...]]]:
        """What is read in the minute after title and headline: each section that says something, with its head."""
        changed = (self.quiet,) if self.quiet else self.items
        named = (
            ("What changed", changed),
            ("Standing", (*self.compared, *self.standing)),
            ("To decide", self.decisions),
            ("To know", self.notes),
        )
        return ((title, lines) for title, lines in named if lines)

    def spoken(self) -> str:
        """All that is read before the details, with the marks of heads and items: what the limit of words holds for."""
        said = [f"# {self.title}", f"{self.headline.text} {self.headline.command}"]
        for title, lines in self.sections():
            said.append(f"## {title}")
            said += [f"- {line.text} {line.command}" for line in lines]
        return "\n".join(said)
