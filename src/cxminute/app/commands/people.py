"""`cxm people`: how well people are recognised."""

from __future__ import annotations

from pathlib import Path


def people(*, project: Path = Path(), json: bool = False) -> None:
    """How many people there are, by which identifiers they are recognised, and what links nobody; of few, nothing.

    Parameters
    ----------
    project
        The project folder, or one inside it.
    json
        One JSON document instead of tables.

    """
    from cxminute.app.answers import give  # noqa: PLC0415 -- heavy, as what follows
    from cxminute.app.people.counted import recognised_people  # noqa: PLC0415 -- opens the state
    from cxminute.app.project import Project  # noqa: PLC0415 -- likewise

    give(recognised_people(Project(project)), json=json)
