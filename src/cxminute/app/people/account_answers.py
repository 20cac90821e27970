"""The answers of `cxm accounts`: all of them, or one with its members, and who depends on whom, also as a picture.

Members are people whose data the purpose may use. What others did is in no account: a member without a name would
still be a row of one person, a count of such members one of few, and what they gave what all others leave of the sum.
Whose identifiers are gone, since a term is over or only what a law orders to keep is left of them, is nobody: what
they gave stays the account's, as what no person stands behind.

The overview counts, and shows no figure of fewer people than contracts allow (`app.small.accounts`); one account is a
look at its people, each as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cxminute.app import output
from cxminute.app.answers import Answer, Shown
from cxminute.app.people.accounts import PARTNER, Account, Member
from cxminute.app.people.drawn_graph import Drawn, drawn
from cxminute.app.people.naming import Called
from cxminute.app.small.accounts import hide_accounts
from cxminute.app.small.cells import joined
from cxminute.model.times import from_ms

HANGS: Final = 0.5
"""The share of what an account gives that hangs on one person, or one partner, from which on it is said to."""
_DRAWN: Final = 12  # accounts of a picture: those that give most
_PEOPLE: Final = 40


def overview(
    found: Sequence[Account],
    ids: dict[int, str],
    names: dict[int, Called],
    limit: int,
    *,
    smallest: int = 1,
    picture: bool,
) -> Answer:
    """All accounts, those that give most first; those of which that is not shown come last, by what they are called.

    ids:      what groups are called; names: what identifiers of members are
    limit:    how many rows the table shows
    smallest: the smallest group of people that may be shown; where it is more than 1, the picture has no people
    """
    rows = [_summary(one, ids, names) for one in found]
    small = hide_accounts(smallest, rows, found)
    ordered = sorted(zip(rows, found, strict=True), key=lambda pair: _place(pair[0]))
    columns = ("id", "kind", "members", "given", "received", "hangs on")
    told = [
        (
            row["id"], row["kind"], row["members"], row["given"], row["received"],
            "-" if row["hangs_on"] is None else ", ".join(said for _, said in _hangs(one, ids, names)) or "-",
        )
        for row, one in ordered[:limit]
    ]  # fmt: skip
    left = len(ordered) - limit
    drawing = None
    if picture and smallest > 1:
        drawing = _partnerships([row for row, _ in ordered[:_DRAWN]], ids)
    elif picture:
        drawing = _ecosystem([one for _, one in ordered[:_DRAWN]], ids, names)
    return Answer(
        {"accounts": [row for row, _ in ordered]},
        (Shown("Accounts, those that give most first", columns, told),),
        remark=joined(f"{output.count(left, 'accounts')} more: --limit, or --json." if left > 0 else "", small),
        picture=drawing,
    )


def details(one: Account, ids: dict[int, str], names: dict[int, Called], zone: ZoneInfo, *, picture: bool) -> Answer:
    """One account: its members, what each gives and receives, and on whom it hangs."""
    columns = ("member", "role", "since", "last", "events", "given", "received", "share")
    rows = [
        (
            _member(member, names), member.role or "-", f"{_at(member.first_at, zone):%Y-%m-%d}",
            f"{_at(member.last_at, zone):%Y-%m-%d}", member.events, member.given, member.received,
            output.percent(one.share(member.given)),
        )
        for member in one.members
    ]  # fmt: skip
    document = _summary(one, ids, names)
    document["members"] = [
        {
            "person": member.person, "identifiers": [names[n].document for n in member.profiles if n in names],
            "role": member.role or None, "first_at": _at(member.first_at, zone), "last_at": _at(member.last_at, zone),
            "events": member.events, "given": member.given, "received": member.received,
            "share": one.share(member.given),
        }
        for member in one.members
    ]  # fmt: skip
    hangs = [f"Hangs on {said}." for _, said in _hangs(one, ids, names)]
    told = f"{one.kind} {_id(one.number, ids)}: given {one.given:,.2f}, received {one.received:,.2f}"
    return Answer(
        {"account": document},
        (Shown("Members, who joined first comes first", columns, rows),),
        text="\n".join((told, *hangs)),
        picture=_ecosystem([one], ids, names) if picture else None,
    )


def first_profiles(found: Sequence[Account]) -> set[int]:
    """The identifiers whose names an overview may need: the first of each member."""
    return {member.profiles[0] for one in found for member in one.members}


def _place(row: dict[str, Any]) -> tuple[bool, float, int, int, str]:
    """Where an account stands among the others: by what is shown of it."""
    given, members = row["given"], row["members"]
    if given is None:
        return True, 0.0, 0, 0, str(row["id"])
    return False, -given, -(members or 0), row["number"], ""


def _summary(one: Account, ids: dict[int, str], names: dict[int, Called]) -> dict[str, Any]:
    return {
        "id": _id(one.number, ids),
        "number": one.number,
        "kind": one.kind,
        "members": len(one.members),
        "given": one.given,
        "received": one.received,
        "hangs_on": [fact for fact, _ in _hangs(one, ids, names)],
        "partners": [
            {"id": _id(partner, ids), "given": given, "share": one.share(given)}
            for partner, given in one.partners.items()
        ],
    }


def _hangs(one: Account, ids: dict[int, str], names: dict[int, Called]) -> Iterator[tuple[dict[str, object], str]]:
    """People and partners without whom an account would give less than half: as JSON has it, and in words."""
    for member in one.members:
        share = one.share(member.given)
        if share is not None and share >= HANGS and len(one.members) > 1:
            fact: dict[str, object] = {"person": member.person, "id": None, "share": share}
            yield fact, f"{_member(member, names)} ({output.percent(share)})"
    for partner, given in one.partners.items():
        share = one.share(given)
        if share is not None and share >= HANGS:
            yield (
                {"person": None, "id": _id(partner, ids), "share": share},
                f"partner {_id(partner, ids)} ({output.percent(share)})",
            )


def _ecosystem(found: Sequence[Account], ids: dict[int, str], names: dict[int, Called]) -> str:
    """Accounts on the left, their people beside them, partners on the right; a line says how much hangs on it."""
    clients = [one for one in found if one.kind != PARTNER] or list(found)
    pairs = [(member, one) for one in clients for member in one.members]
    held = sorted(pairs, key=lambda pair: (-pair[0].given, pair[0].person))[:_PEOPLE]
    partners = {partner for member, _ in held for partner in member.partners}
    # Numbers of people and of groups are of two spaces: in the picture, people's are odd.
    labels = {2 * number: _id(number, ids) for number in partners | {one.number for one in clients}}
    labels |= {2 * member.person + 1: _member(member, names) for member, _ in held}
    steps = {2 * partner: 2 for partner in partners} | {2 * one.number: 0 for one in clients}
    steps |= {2 * member.person + 1: 1 for member, _ in held}
    edges = []
    for member, one in held:
        said = " ".join(filter(None, (member.role, output.percent(one.share(member.given)) if one.given > 0 else "")))
        edges.append(Drawn((2 * one.number, 2 * member.person + 1), said, "holds"))
        edges += [Drawn((2 * member.person + 1, 2 * partner), "", "through") for partner in member.partners]
    return drawn(labels, list(dict.fromkeys(edges)), steps)


def _partnerships(rows: Sequence[dict[str, Any]], ids: dict[int, str]) -> str:
    """Accounts on the left and partners on the right, without people; a line says how much comes through."""
    shown = [row for row in rows if row["given"] is not None]
    clients = [row for row in shown if row["kind"] != PARTNER] or shown
    named = {called: number for number, called in ids.items()}
    labels = {row["number"]: row["id"] for row in clients}
    steps = dict.fromkeys(labels, 0)
    edges = []
    for row in clients:
        for fact in row["partners"]:
            if fact["given"] is None:
                continue
            partner = named.get(fact["id"], -1)
            labels[partner] = fact["id"]
            steps.setdefault(partner, 1)
            edges.append(Drawn((row["number"], partner), output.percent(fact["share"]), "through"))
    return drawn(labels, edges, steps)


def _id(number: int, ids: dict[int, str]) -> str:
    return ids.get(number, f"#{number}")


def _member(member: Member, names: dict[int, Called]) -> str:
    first = next((names[number] for number in member.profiles if number in names), None)
    return first.text if first else f"person {member.person}"


def _at(moment: int, zone: ZoneInfo) -> datetime:
    return from_ms(moment).astimezone(zone)
