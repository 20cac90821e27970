"""What happens on a ticket of a desk: replies, messages, solutions and reopenings, out of comments and audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cxminute.collect.readers.facts import Around, Fact, Piece, Record, Unfit, said
from cxminute.collect.readers.fields import flag, happened, inner, needed, objects, text
from cxminute.collect.zones import FIRST, LAST

DONE: Final = ("solved", "closed")
"""Statuses of a ticket that the desk holds done."""
_MINUTE: Final = 60_000
_LONGEST: Final = 60 * 24 * 366 * 100.0
"""Minutes that a ticket may wait: a hundred years."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket, as its parts need it.

    opened:      UTC ms; None where the document does not say
    identifiers: kind -> value, of everything that happens on it
    """

    number: str
    opened: int | None
    identifiers: Mapping[str, str]

    @property
    def key(self) -> str:
        """Of its own record."""
        return f"ticket {self.number}"

    @property
    def reply_key(self) -> str:
        """Of the record of its first reply."""
        return f"{self.key} first reply"


def minutes_after(opened: int | None, minutes: float, name: str) -> int:
    """A time so many minutes after a ticket was opened, UTC ms."""
    if opened is None or not 0 <= minutes <= _LONGEST or opened + minutes * _MINUTE >= LAST:
        raise Unfit("bad_number", f"'{name}' is no number of minutes that a ticket can wait.")
    return opened + round(minutes * _MINUTE)


def first_reply(ticket: Ticket, at: int, **about: object) -> Record:
    """The first reply to a ticket; raises Unfit where it lies before the ticket."""
    _not_before(ticket, at, "The first reply")
    return Record(ticket.reply_key, ticket.identifiers, [Fact("Ticket Replied", at, said(first=True, **about))])


def solved(ticket: Ticket, at: int, status: str = "") -> Record:
    """A solution of a ticket, named by its minute: reports know no more of it; raises Unfit as `first_reply`."""
    _not_before(ticket, at, "The solution")
    minute = datetime.fromtimestamp(at // _MINUTE * 60, UTC).strftime("%Y-%m-%d %H:%M")
    return Record(f"{ticket.key} solved {minute}", ticket.identifiers, [Fact("Ticket Solved", at, said(status=status))])


def of_conversation(ticket: Ticket, piece: Piece, around: Around) -> list[Record]:
    """Records of a ticket's public comments, in their order: of `comments`, else of those in its `audits`.

    The first is what opened the ticket: told by it where the customer wrote it, a message of ours where the desk did.
    """
    requester = text(piece, "requester_id") or text(piece, "requester.id")
    if not requester:
        return []
    copied = {str(one) for name in ("email_cc_ids", "collaborator_ids") for one in _list(piece, name)}
    ours = copied - {text(piece, "assignee_id")} | {requester}
    records: list[Record] = []
    replied = False
    for place, (comment, at) in enumerate(_comments(piece, around)):
        about = said(channel=text(comment, "via.channel"), comment=_body(comment))
        key = f"comment {needed(comment, 'id')}"
        _not_before(ticket, at, "A comment")
        if text(comment, "author_id") in ours:
            if place:
                records.append(Record(key, ticket.identifiers, [Fact("Message Received", at, about)]))
        elif not place:
            records.append(Record(key, ticket.identifiers, [Fact("Message Sent", at, about)]))
        elif not replied:
            replied = True
            records.append(first_reply(ticket, at, **about))
        else:
            records.append(Record(key, ticket.identifiers, [Fact("Ticket Replied", at, {"first": False, **about})]))
    return records


def of_history(ticket: Ticket, audits: Sequence[Piece], around: Around) -> list[Record]:
    """Records of the changes of status that audits tell of: solved, and open again."""
    records: list[Record] = []
    for audit in audits:
        at = happened(audit, "created_at", around)
        for change in objects(audit, "events"):
            if text(change, "field_name") != "status":
                continue
            before, after = _status(change, "previous_value"), _status(change, "value")
            if after in DONE and before not in DONE:
                records.append(solved(ticket, at, after))
            elif before in DONE and after and after not in DONE:
                _not_before(ticket, at, "The reopening")
                fact = Fact("Ticket Reopened", at, {"status": after})
                records.append(Record(f"audit {needed(audit, 'id')}", ticket.identifiers, [fact]))
    return records


def _comments(piece: Piece, around: Around) -> list[tuple[Piece, int]]:
    """Public comments and when they were written, the oldest first."""
    found = [(comment, happened(comment, "created_at", around)) for comment in objects(piece, "comments")]
    if not found:
        for audit in objects(piece, "audits"):
            at = happened(audit, "created_at", around)
            said_in = [event for event in objects(audit, "events") if text(event, "type") == "Comment"]
            found += [({"author_id": audit.get("author_id"), **event}, at) for event in said_in]
    public = [(comment, at) for comment, at in found if flag(comment, "public") is not False]
    return sorted(public, key=lambda one: one[1])


def _body(comment: Piece) -> str:
    return text(comment, "plain_body") or text(comment, "body")


def _status(change: Piece, name: str) -> str:
    """A status; '' where the field holds something else, as changes of other kinds of field do."""
    found = inner(change, name)
    return found if isinstance(found, str) else ""


def _list(piece: Piece, name: str) -> list[object]:
    found = piece.get(name)
    return found if isinstance(found, list) else []


def _not_before(ticket: Ticket, at: int, what: str) -> None:
    if not FIRST <= at < LAST:
        raise Unfit("bad_time", f"{what} is on no day of the calendar.")
    if ticket.opened is not None and at < ticket.opened // _MINUTE * _MINUTE:
        raise Unfit("ends_before_it_begins", f"{what} lies before the ticket was opened.")
