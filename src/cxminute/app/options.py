"""What every reading command takes: the project, the span of time, as known when, for which purpose, in which form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cxminute.model.errors import WrongUse


@Parameter(name="*")
@dataclass(frozen=True)
class Reading:
    """Options of reading commands.

    Parameters
    ----------
    project
        The project folder, or one inside it.
    since
        Only from this time on: ISO 8601, in the project's zone.
    until
        Only before this time.
    week
        Only this ISO week, such as 2015-W07: short for --since and --until.
    as_of
        Close the log at this time, and read it as it was known then.
    purpose
        What the reading is for; the contracts of the sources must allow it.
    json
        One JSON document instead of tables.

    """

    project: Path = Path()
    since: str | None = None
    until: str | None = None
    week: str | None = None
    as_of: str | None = None
    purpose: str | None = None
    json: bool = False


@Parameter(name="*")
@dataclass(frozen=True)
class Asking:
    """Options of questions about all that subjects did.

    Parameters
    ----------
    per
        Whose events: person, or a kind of identifier such as order_id.
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.

    """

    per: str | None = None
    chart: Path | None = None


@Parameter(name="*")
@dataclass(frozen=True)
class Flowing:
    """Options of flows.

    Parameters
    ----------
    anchor
        The event that positions are counted from: a name, a whole step, or a label of the journey.
    direction
        forwards, what follows it; backwards, what leads to it; or both.
    depth
        How many events away from it.
    occurrence
        every one, or of each subject the first or the last.
    only
        Names of events that are looked at; all without it.
    ignoring
        Names of events that are looked through.
    within
        A longer gap ends a flow: such as "30 minutes".
    limit
        How many rows the tables show: of each depth 20 without it, and of --by 200 values.

    """

    anchor: str | None = None
    direction: str = "forwards"
    depth: int = 1
    occurrence: str = "every"
    only: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    ignoring: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    within: str | None = None
    limit: int | None = None

    @property
    def rows(self) -> int:
        """How many rows of each depth."""
        return 20 if self.limit is None else self.limit

    @property
    def values(self) -> int:
        """How many values of a property that an answer is split by."""
        return 200 if self.limit is None else self.limit


def check_limit(limit: int) -> None:
    """Refuses a table of no rows: WrongUse, before anything is computed."""
    if limit < 1:
        raise WrongUse(f"A table of {limit} rows shows nothing.", allowed="--limit 1 or more")
