"""The command that shows accounts, households and partners: their people, what they give, who depends on whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cxminute.app import output
from cxminute.app.answers import give
from cxminute.app.charting import check_chart
from cxminute.app.options import Reading, check_limit, moments
from cxminute.app.people.account_answers import details, first_profiles, overview
from cxminute.app.people.accounts import accounts as all_accounts
from cxminute.app.people.identity import identity
from cxminute.app.people.naming import called
from cxminute.app.project import Project
from cxminute.app.rights.consenting import neck, only_permitted
from cxminute.app.small.cells import smallest_told
from cxminute.model.errors import CxmError, UnknownName, WrongUse
from cxminute.privacy.use import Use
from cxminute.store.memberships import GROUP
from cxminute.store.vault import APART

_READING = Reading()


class UnknownAccount(UnknownName):
    """No group has this id, as far as the permit shows; it names no other's."""

    def __init__(self) -> None:
        CxmError.__init__(
            self,
            "No account has that id, in what may be read for this purpose.",
            allowed="a group's id just as its source wrote it; cxm accounts lists them",
        )


def accounts(
    account: str | None = None, *, limit: int = 20, chart: Path | None = None, options: Reading = _READING
) -> None:
    """Accounts, households and partners: members with their roles, what they give, and who depends on whom.

    Whose data the purpose may not use is in none, nor is what they gave; a list of all shows no figure of too few.

    Parameters
    ----------
    account
        One of them, by the id that its source gave the group; all without it.
    limit
        How many rows the table shows.
    chart
        Also draw accounts, their people and partners: to a file that ends in .svg, .png or .html.
    options
        What every reading command takes.

    """
    check_limit(limit)
    check_chart(chart)
    project = Project(options.project)
    as_of, since, until = moments(options, project.settings.zone)
    if since is not None or until is not None:
        raise WrongUse("Accounts are told of the whole log.", allowed="--as-of")
    leave = project.permit(options.purpose)
    for reason in leave.refused.values():
        output.note(f"Left out: {reason}")
    known = identity(project, as_of)
    people = only_permitted(project, leave.purpose, known.people(), as_of)
    numbers = np.arange(max(known.persons.size, project.consents.profiles()), dtype=np.int64)
    shown = neck(project, as_of, known).permit(Use(leave.purpose, "show"), numbers).allowed
    found = all_accounts(project, leave, people, as_of, shown)
    ids = {
        number: said.rpartition(APART)[2]
        for number, said in project.vault.called(GROUP, [one.number for one in found]).items()
    }
    if account is None:
        names, smallest = called(project, first_profiles(found)), smallest_told(project, leave.sources)
        answer = overview(found, ids, names, limit, smallest=smallest, picture=chart is not None)
        give(answer, json=options.json, chart=chart)
        return
    one = next((group for group in found if ids.get(group.number) == account), None)
    if one is None:
        raise UnknownAccount
    names = called(project, {number for member in one.members for number in member.profiles})
    give(details(one, ids, names, project.settings.zone, picture=chart is not None), json=options.json, chart=chart)
