"""Small groups in the overview of accounts: what is an account's own, and what is of the people behind it.

An account is a customer itself, a firm as a rule, and so is a partner: what they give and receive is their own
figure, as an order is, and is shown. A household is no customer beside its people, nor is any other kind of group
that events name: what it gives and receives is theirs, and is not shown where too few belong to it, or where too few
of them gave, or where some of it is no member's: that may be one person's, who is no member any more. How many
people a group has is a count of people, of whatever kind it is. What it gives through a partner is what those gave who
belong to both, and is not shown where these, or the others, are too few. That it hangs on one person is a figure of
one.

The overview has no more to do with one account than with another: it counts. To ask for one account by its id is to
look at the people in it, each of whom must be one who may be shown (`app.commands.accounts`); there nothing is
hidden. No total of all accounts is told, here or elsewhere: people without an account give, too.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

from cxminute.app.people.account_rules import ACCOUNT
from cxminute.app.people.accounts import PARTNER, Account, Member
from cxminute.app.small.cells import HIDDEN, Row, told
from cxminute.privacy.cells import tells_of_few

CUSTOMERS: Final = frozenset({ACCOUNT, PARTNER})
"""Kinds of groups that are customers themselves."""
MONEY: Final = ("given", "received")
_NEAR: Final = 1e-6


def hide_accounts(smallest: int, rows: Sequence[Row], found: Sequence[Account]) -> str:
    """Hides what is small of accounts; returns the line that says so.

    rows: of each account `members`, `given`, `received`, `hangs_on` and `partners`, as JSON has them
    """
    if smallest <= 1:
        return ""
    return told(sum(_hide(smallest, row, one) for row, one in zip(rows, found, strict=True)), smallest)


def _hide(smallest: int, row: Row, one: Account) -> bool:
    """Whether anything of the account is not shown."""
    gone = {"hangs_on"} if one.members else set()
    if tells_of_few(smallest, len(one.members)):
        gone.add("members")
    if one.kind not in CUSTOMERS:
        gone |= {name for name in MONEY if _is_of_few(smallest, one.members, name) or _has_of_nobody(one, name)}
    through = set() if "given" in gone else _partners(smallest, one)
    for partner, fact in zip(one.partners, row["partners"], strict=True):
        if partner not in through:
            fact.update({"given": None, "share": None, HIDDEN: True})
    row.update(dict.fromkeys(gone))
    if gone or len(through) < len(one.partners):
        row[HIDDEN] = True
    return HIDDEN in row


def _partners(smallest: int, one: Account) -> set[int]:
    """The partners through whom enough people give, as do those who belong to none of them.

    Where somebody belongs to two, the difference of both could be of few, and none is shown.
    """
    of = {partner: [member for member in one.members if partner in member.partners] for partner in one.partners}
    if any(len(member.partners) > 1 for member in one.members):
        return set()
    few = partial(_is_of_few, smallest, name="given")
    shown = {partner for partner, members in of.items() if not few(members)}
    while shown and few([member for member in one.members if shown.isdisjoint(member.partners)]):
        shown.remove(min(shown, key=lambda partner: (len(of[partner]), partner)))
    return shown


def _is_of_few(smallest: int, members: Collection[Member], name: str) -> bool:
    """Whether too few people are these, or too few of them gave or received anything."""
    moved = sum(getattr(member, name) != 0 for member in members)
    return any(tells_of_few(smallest, size) for size in (len(members), moved))


def _has_of_nobody(one: Account, name: str) -> bool:
    """Whether some of what it gave or received is no member's; what adds up in another order may differ by a breath."""
    theirs = math.fsum(getattr(member, name) for member in one.members)
    return not math.isclose(getattr(one, name), theirs, abs_tol=_NEAR)
