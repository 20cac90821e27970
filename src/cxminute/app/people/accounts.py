"""Accounts, households and partners: groups of people, who is a member in which role, and what they give and receive.

A group is what a source calls `groupId`; an event that names it is the group's, and its person a member from the first
such event on. An event that names no group is that of the account which its person joined first. A person without an
account is in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.app.people.account_rules import ACCOUNT, Money
from cxminute.app.project import Project
from cxminute.privacy.permits import Permit
from cxminute.store.footers import spread
from cxminute.store.memberships import GROUP, memberships
from cxminute.store.people import People, reaching
from cxminute.store.picked import pick
from cxminute.store.pieces import Piece, tasks

Ints = NDArray[np.int64]
Row = Mapping[str, Any]
PARTNER: Final = "partner"


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a group.

    person:   number; profiles: identifiers of theirs that were seen with the group
    role:     the last that was told; '' where none was
    first_at, last_at: of the events that name both, UTC ms; events: how many
    given, received: money of their events that are the group's
    partners: groups of the kind 'partner' to which they belong too
    """

    person: int
    profiles: tuple[int, ...]
    role: str
    first_at: int
    last_at: int
    events: int
    given: float = 0.0
    received: float = 0.0
    partners: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A group.

    number:   in the space 'group_id'; kind: account, household, partner ..., as events say
    members:  who joined first comes first
    given, received: money of all its events, also of those that no person stands behind
    partners: groups of the kind 'partner' to which members belong too: number -> what these members gave here
    """

    number: int
    kind: str
    members: tuple[Member, ...]
    given: float
    received: float
    partners: Mapping[int, float] = field(default_factory=dict)

    def share(self, part: float) -> float | None:
        """A part of what it gives; None where it gives nothing."""
        return part / self.given if self.given > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Belonging:
    """What events tell of groups, as known at a moment.

    pieces: of sources that the permit covers
    rows:   `store.memberships.MEMBERSHIP`
    whose:  by profile, its person; -1 for nobody
    home:   by profile, the group that its person joined first; -1 for none
    """

    pieces: Sequence[Piece]
    rows: list[Row]
    whose: Ints
    home: Ints
    as_of: int | None

    def person(self, profile: int) -> int:
        """Whose a profile is; -1 for nobody."""
        return int(self.whose[profile]) if 0 <= profile < self.whose.size else profile

    def is_left_out(self, profile: int | None) -> bool:
        """Whether what carries a profile is of somebody who is left out; what carries none is nobody's, and counts."""
        return profile is not None and profile >= 0 and self.person(profile) < 0


def belonging(project: Project, leave: Permit, people: People | None, as_of: int | None = None) -> Belonging:
    """Who belongs where; of groups that were joined at one moment the one of the smallest number comes first.

    people: who is who; None where each profile is a person of its own
    """
    rules = project.settings.accounts
    pieces = project.log.pieces(project.definitions.paths | rules.paths, project.log.past(as_of))
    pieces = [piece for piece in pieces if piece.source in leave.sources]
    rows: list[Row] = memberships(pieces, rules.role, rules.kind, as_of).to_pylist()
    persons = np.empty(0, np.int64) if people is None else people.persons
    size = max(persons.size, 1 + max((row["profile"] for row in rows if row["profile"] is not None), default=-1))
    whose, home = reaching(persons, size), np.full(size, -1, np.int64)
    first: dict[int, tuple[int, int]] = {}
    for row in rows:
        if row["profile"] is not None:
            mine, person = (row["first_at"], row["group"]), int(whose[row["profile"]])
            first[person] = min(first.get(person, mine), mine)
    for person, (_, group) in first.items():
        if person >= 0:
            home[person] = group
    home = np.where(whose >= 0, home[np.maximum(whose, 0)], -1) if size else home
    return Belonging(pieces, rows, whose, home, as_of)


def accounts(
    project: Project,
    leave: Permit,
    people: People | None,
    as_of: int | None = None,
    shown: NDArray[np.bool_] | None = None,
) -> list[Account]:
    """Every group that sources of the permit tell of, by number, as known at a moment.

    people: who was who then; None where each profile is a person of its own. What people did who are left out (-1) is
            left out, as if it had never been collected: they are no members, and what they gave is in no sum
    shown:  by number of a person, whether they may be a member; None for everybody. What others did is the group's, as
            that of nobody; others are also those who came since it was asked, whose numbers lie beyond its end
    """
    found = belonging(project, leave, people, as_of)
    found = replace(found, rows=[row for row in found.rows if not found.is_left_out(row["profile"])])
    rules = project.settings.accounts
    given, received = _worth(found, rules.given), _worth(found, rules.received)
    kinds = _kinds(found.rows)
    theirs: dict[int, dict[int, list[Row]]] = {row["group"]: {} for row in found.rows}
    for row in found.rows:
        person = -1 if row["profile"] is None else found.person(row["profile"])
        if person >= 0 and (shown is None or (person < shown.size and shown[person])):
            theirs[row["group"]].setdefault(person, []).append(row)
    partners: dict[int, list[int]] = {}
    for group, members in sorted(theirs.items()):
        for person in members if kinds.get(group) == PARTNER else ():
            partners.setdefault(person, []).append(group)
    made = []
    for group, members in sorted(theirs.items()):
        of = [given.get(group, {}), received.get(group, {})]
        held = [
            replace(_member(person, rows), given=of[0].get(person, 0.0), received=of[1].get(person, 0.0))
            for person, rows in members.items()
        ]
        if kinds.get(group) != PARTNER:
            held = [replace(one, partners=tuple(partners.get(one.person, ()))) for one in held]
        held.sort(key=lambda one: (one.first_at, one.person))
        through: dict[int, float] = {}
        for one in held:
            for other in one.partners:
                through[other] = through.get(other, 0.0) + one.given
        gave, got = (float(sum(worth.values())) for worth in of)
        made.append(Account(group, kinds.get(group, ACCOUNT), tuple(held), gave, got, dict(sorted(through.items()))))
    return made


def members_map(project: Project, leave: Permit, people: People | None, as_of: int | None = None) -> People:
    """For streams per account: whose a number of the space 'account' of the index is (`store.pieces.ACCOUNT`).

    people: who is who; None where each profile is a person of its own; -1 for nobody, whose events are left out
    A group is its own account; a profile's is the one that its person joined first; what belongs to none is left out.
    """
    home = belonging(project, leave, people, as_of).home
    pieces = project.log.pieces((), project.log.past(as_of))
    highest = (high for task in tasks(pieces) for name in (GROUP, "profile") for _, high, _ in spread(task, name))
    size = max(1 + max(highest, default=-1), home.size)  # numbers beyond the map's end would be accounts of their own
    mapped = np.full(2 * size, -1, np.int64)
    mapped[0::2] = np.arange(size)
    mapped[1 : 2 * home.size : 2] = home
    return People(mapped)


def _member(person: int, rows: Sequence[Row]) -> Member:
    told = [(row["role_at"], row["role"]) for row in rows if row["role"] is not None]
    return Member(
        person,
        tuple(row["profile"] for row in rows),
        max(told)[1] if told else "",
        min(row["first_at"] for row in rows),
        max(row["last_at"] for row in rows),
        sum(row["events"] for row in rows),
    )


def _kinds(rows: Iterable[Row]) -> dict[int, str]:
    """What each group is: the last that was told."""
    found: dict[int, tuple[int, str]] = {}
    for row in rows:
        if row["kind"] is not None:
            said = (row["kind_at"], row["kind"])
            found[row["group"]] = max(found.get(row["group"], said), said)
    return {group: kind for group, (_, kind) in found.items()}


def _worth(found: Belonging, money: Sequence[Money]) -> dict[int, dict[int, float]]:
    """Money by group and person; -1 stands for events that no person stands behind."""
    worth: dict[int, dict[int, float]] = {}
    for path in dict.fromkeys(one.path for one in money):
        events = pick(found.pieces, {one.event for one in money if one.path == path}, [path], [GROUP, "profile"])
        if found.as_of is not None:
            events = events.filter(pc.less_equal(events["at"].cast(pa.int64()), found.as_of))
        events = events.filter(events[path].is_valid())
        group, profile = (events[name].fill_null(-1).to_numpy() for name in (GROUP, "profile"))
        there = (profile >= 0) & (profile < found.home.size)
        group = np.where(
            group >= 0, group, np.where(there, found.home[np.where(there, profile, 0)] if found.home.size else -1, -1)
        )
        table = pa.table({"group": group, "profile": profile, "worth": events[path]})
        sums = (
            table.filter(pc.greater_equal(table["group"], 0))
            .group_by(["group", "profile"])
            .aggregate([("worth", "sum")])
        )
        for row in sums.to_pylist():
            if found.is_left_out(row["profile"]):
                continue
            person = found.person(row["profile"])
            of = worth.setdefault(row["group"], {})
            of[person] = of.get(person, 0.0) + row["worth_sum"]
    return worth
