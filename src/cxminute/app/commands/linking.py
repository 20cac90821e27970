"""Commands by which people say who is who: `cxm link` and `cxm unlink`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cxminute.app import clock, output
from cxminute.app.analysis import View
from cxminute.app.engines import engine_of
from cxminute.app.people.bonding import Asked, bond
from cxminute.app.people.bonding_answer import document, lines
from cxminute.app.project import Project

HERE = Path()


def link(
    identifiers: Annotated[tuple[str, str], Parameter(negative="")],
    *,
    because: str = "",
    kind_a: str | None = None,
    kind_b: str | None = None,
    dry_run: bool = False,
    purpose: str | None = None,
    json: bool = False,
    project: Path = HERE,
) -> None:
    """Say that two identifiers are one person's; tell what that changes. `cxm unlink` takes it back.

    Parameters
    ----------
    identifiers
        Two of them, as their sources wrote them; or #17, the number of one that is shown shortened.
    because
        How you know. It is kept as the evidence, and needed where both have identified themselves.
    kind_a, kind_b
        Which kind the first and the second is: user_id, anonymous_id, email ...
    dry_run
        Only tell what would change.
    purpose
        What it is for; the contracts of the sources must allow it.
    json
        One JSON document instead of lines.
    project
        The project folder, or one inside it.

    """
    asked = Asked("link", identifiers, (kind_a, kind_b), because)
    _say(asked, Project(project), purpose, dry_run=dry_run, json=json)


def unlink(
    identifiers: Annotated[tuple[str, str], Parameter(negative="")],
    *,
    because: str = "",
    kind_a: str | None = None,
    kind_b: str | None = None,
    dry_run: bool = False,
    purpose: str | None = None,
    json: bool = False,
    project: Path = HERE,
) -> None:
    """Take back that two identifiers are one person's; or hold them apart, whatever events say. Tell what that changes.

    Parameters
    ----------
    identifiers
        Two of them, as their sources wrote them; or #17, the number of one that is shown shortened.
    because
        How you know. It is kept as the evidence, and needed to hold two apart.
    kind_a, kind_b
        Which kind the first and the second is: user_id, anonymous_id, email ...
    dry_run
        Only tell what would change.
    purpose
        What it is for; the contracts of the sources must allow it.
    json
        One JSON document instead of lines.
    project
        The project folder, or one inside it.

    """
    asked = Asked("unlink", identifiers, (kind_a, kind_b), because)
    _say(asked, Project(project), purpose, dry_run=dry_run, json=json)


def _say(asked: Asked, project: Project, purpose: str | None, *, dry_run: bool, json: bool) -> None:
    leave = project.permit(purpose)
    for reason in leave.refused.values():
        output.note(f"Left out: {reason}")
    seen = View(project, purpose, None, None, None, engine_of(project.settings), told=set(leave.refused.values()))
    found = bond(seen, leave, asked, clock.now(), dry_run=dry_run)
    zone = project.settings.zone
    if json:
        output.document(output.clean(document(found, zone)))
        return
    for line in lines(found, zone):
        output.say(line)
