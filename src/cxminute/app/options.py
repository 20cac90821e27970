"""What every reading command takes: the project, the span of time, as known when, for which purpose, in which form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from cxminute.model.errors import WrongUse
from cxminute.model.times import day_start, instant, monday_of


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


def moments(options: Reading, zone: ZoneInfo) -> tuple[int | None, int | None, int | None]:
    """What --as-of, --since and --until (or --week for both) say, UTC ms; None for what is not said."""
    as_of, since, until = (
        None if text is None else instant(text, zone) for text in (options.as_of, options.since, options.until)
    )
    if options.week is not None:
        if since is not None or until is not None:
            raise WrongUse("--week is short for --since and --until.", allowed="one or the other")
        monday = monday_of(options.week)
        since, until = day_start(monday, zone), day_start(monday + timedelta(days=7), zone)
    if since is not None and until is not None and until <= since:
        raise WrongUse("--until is not after --since: nothing lies between them.")
    return as_of, since, until


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


@Parameter(name="*")
@dataclass(frozen=True)
class Inferring:
    """Options of a proposed tracking plan.

    Parameters
    ----------
    infer
        Instead, propose a tracking plan from what a source has sent: names and types, no values.
    source
        With --infer: of which source; not needed where there is one.
    values
        With --infer: also list the values of texts that have few and are not personal.
    write
        With --infer: write the plan to plans/SOURCE.toml instead of showing it.
    force
        With --write: replace the plan that is there.

    """

    infer: bool = False
    source: str | None = None
    values: bool = False
    write: bool = False
    force: bool = False


def check_limit(limit: int) -> None:
    """Refuses a table of no rows: WrongUse, before anything is computed."""
    if limit < 1:
        raise WrongUse(f"A table of {limit} rows shows nothing.", allowed="--limit 1 or more")
