"""What every reading command takes: the project, the span of time, as known when, for which purpose, in which form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter


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
