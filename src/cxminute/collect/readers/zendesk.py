"""Zendesk, and desks that export as it does: tickets, their comments and audits, metrics, satisfaction ratings.

A ticket tells most where its parts lie within it, as in the full JSON export: `comments`, `audits`, `metric_set`,
`slas`, `requester`. What several documents tell of is one record each: the first reply of a ticket, a solution by its
minute, a reopening by its audit, a comment by its number; so they can come together or apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cxminute.collect.readers.desk import Ticket, first_reply, minutes_after, of_conversation, of_history, solved
from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Reader, Record, Unfit, known_as, said, without
from cxminute.collect.readers.fields import happened, moment, needed, number, object_at, objects, text
from cxminute.collect.readers.headers import cells, over, row_of, spelt

_CUSTOM: Final = "custom_fields"
_CHOSEN: Final = ("order_id", "topic", "reply_by", "solve_by")
"""What the source's [columns] may find in a custom field of tickets: `order_id = "360012345"`, the field's number."""
_TAKEN: Final = (
    "id", "created_at", "updated_at", "generated_timestamp", "status", "priority", "type", "via", "subject",
    "raw_subject", "description", "requester", "requester_id", "requester_external_id", "group", "slas",
    "comments", "audits", "fields", "url", "due_at", "order_id",
)  # fmt: skip
_MARKS: Final = ("-",)
_SCORES: Final = {"good": 1.0, "bad": 0.0}
_UNANSWERED: Final = ("offered", "unoffered", "")
_PROMISES: Final = {
    "first_reply_time": "reply_by", "total_resolution_time": "solve_by", "resolution_time": "solve_by",
}  # fmt: skip
"""Metric of a service level -> the promise that it is. Times of work and of waiting are no moment anybody promised."""
_COLUMNS: Final = (
    "summation_column", "id", "ticket_id", "created_at", "updated_at", "solved_at", "first_reply_at", "status",
    "priority", "via", "channel", "topic", "ticket_type", "type", "group", "subject", "description", "requester",
    "requester_id", "requester_external_id", "requester_email", "order_id", "first_reply_time_in_minutes", "reply_by",
    "solve_by", "due_date", "due_at", "satisfaction_score", "satisfaction_at", "satisfaction_comment", "language",
)  # fmt: skip


def _ticket(piece: Piece, around: Around) -> Sequence[Record]:
    """A ticket as JSON, with whatever lies within it."""
    number_of = needed(piece, "id")
    chosen = {name: _chosen(piece, around, name) for name in _CHOSEN}
    order = text(piece, "order_id") or chosen["order_id"]
    customer = _customer(piece)
    opened = happened(piece, "created_at", around)
    ticket = Ticket(number_of, opened, known_as(ticket_id=number_of, user_id=customer, order_id=order))
    changed = moment(piece, "updated_at", around)
    about = said(
        status=text(piece, "status"),
        priority=text(piece, "priority"),
        channel=text(piece, "via.channel"),
        topic=chosen["topic"] or text(piece, "type"),
        group=text(piece, "group.name"),
        subject=text(piece, "subject") or text(piece, "raw_subject"),
        comment=text(piece, "description"),
        language=text(piece, "requester.locale"),
        name=text(piece, "requester.name"),
        email=text(piece, "requester.email"),
        phone=text(piece, "requester.phone"),
    )
    fact = Fact("Ticket Opened", opened, about)
    records = [
        Record(ticket.key, ticket.identifiers, [fact], changed_at=changed, rest=without(piece, *_TAKEN)),
        *_promised(ticket, _targets(piece, chosen, around)),
    ]
    talk = of_conversation(ticket, piece, around)
    history = of_history(ticket, objects(piece, "audits"), around)
    counted = _measured(ticket, object_at(piece, "metric_set"), around)
    known = {fact.event for record in (*talk, *history) for fact in record.facts}  # exact, where metrics know a minute
    counted = [record for record in counted if record.facts[0].event not in known]
    return list({record.key: record for record in (*records, *talk, *history, *counted)}.values())


def _customer(piece: Piece) -> str:
    """The customer by your own number where the desk has it, else by the desk's, which is nobody's elsewhere."""
    own = text(piece, "requester.external_id") or text(piece, "requester_external_id")
    theirs = text(piece, "requester_id") or text(piece, "requester.id")
    return own or (f"zendesk:{theirs}" if theirs else "")


def _chosen(piece: Piece, around: Around, name: str) -> str:
    """What stands in the custom field that the source's [columns] names for it."""
    field = around.called.get(name, "")
    if not field:
        return ""
    return next((text(entry, "value") for entry in objects(piece, _CUSTOM) if text(entry, "id") == field), "")


def _targets(piece: Piece, chosen: Mapping[str, str], around: Around) -> dict[str, int | None]:
    """When the desk has promised to reply and to solve; a service level says so only while its clock runs."""
    targets: dict[str, int | None] = {"reply_by": None, "solve_by": moment(piece, "due_at", around)}
    for level in objects(piece, "slas.policy_metrics"):
        promise = _PROMISES.get(text(level, "metric"))
        if promise and (due := moment(level, "breach_at", around)) is not None:
            targets[promise] = due
    for promise in targets:
        if (due := moment(chosen, promise, around)) is not None:
            targets[promise] = due
    return targets


def _promised(ticket: Ticket, targets: Mapping[str, int | None]) -> list[Record]:
    """A record for each promise: a later export that no longer says it does not take it back."""
    if ticket.opened is None:
        return []
    given = [
        (name, Fact("Ticket Updated", ticket.opened, {name: due})) for name, due in targets.items() if due is not None
    ]
    return [Record(f"{ticket.key} {name}", ticket.identifiers, [fact]) for name, fact in given]


def _metrics(piece: Piece, around: Around) -> Sequence[Record]:
    number_of = needed(piece, "ticket_id")
    ticket = Ticket(number_of, happened(piece, "created_at", around), {"ticket_id": number_of})
    return _measured(ticket, piece, around)


def _measured(ticket: Ticket, measures: Piece, around: Around) -> list[Record]:
    """First reply and solution as the desk has measured them."""
    records = []
    replied = number(measures, "reply_time_in_minutes.calendar")
    if replied is not None:
        records.append(first_reply(ticket, minutes_after(ticket.opened, replied, "reply_time_in_minutes")))
    at = moment(measures, "solved_at", around)
    return [*records, *([] if at is None else [solved(ticket, at)])]


def _audit(piece: Piece, around: Around) -> Sequence[Record]:
    number_of = needed(piece, "ticket_id")
    return of_history(Ticket(number_of, None, {"ticket_id": number_of}), [piece], around)


def _rating(piece: Piece, around: Around) -> Sequence[Record]:
    identifiers = known_as(ticket_id=needed(piece, "ticket_id"), user_id=_customer(piece))
    changed = moment(piece, "updated_at", around)
    word = text(piece, "score")
    known = ("id", "ticket_id", "requester_id", "score", "comment", "reason", "created_at", "updated_at", "url")
    if spelt(word) in _UNANSWERED:
        return []
    about = said(comment=text(piece, "comment"), reason=text(piece, "reason"))
    at = happened(piece, "created_at", around) if changed is None else changed
    fact = Fact("Survey Answered", at, {**_score(word), **about})
    return [Record(f"rating {needed(piece, 'id')}", identifiers, [fact], changed, without(piece, *known))]


def _score(word: str) -> dict[str, object]:
    score = next((value for name, value in _SCORES.items() if spelt(word).split("_")[0] == name), None)
    if score is None:
        raise Unfit("bad_score", f"A satisfaction rating is none of: {', '.join(_SCORES)}.")
    return {"metric": "CSAT", "score": score, "scale": 1.0, "answer": word}


def _row(piece: Piece, around: Around) -> Sequence[Record]:
    """A ticket as a row of the CSV export."""
    row = row_of(piece)
    found = cells(row, empty=_MARKS)
    number_of = text(found, "id") or needed(found, "ticket_id")
    opened = happened(found, "created_at", around)
    identifiers = known_as(ticket_id=number_of, user_id=_customer(found), order_id=text(found, "order_id"))
    ticket = Ticket(number_of, opened, identifiers)
    about = said(
        status=text(found, "status"),
        priority=text(found, "priority"),
        channel=text(found, "channel") or text(found, "via"),
        topic=text(found, "topic") or text(found, "ticket_type") or text(found, "type"),
        group=text(found, "group"),
        language=text(found, "language"),
        subject=text(found, "subject"),
        comment=text(found, "description"),
        name=text(found, "requester"),
        email=text(found, "requester_email"),
    )
    targets = {
        "reply_by": moment(found, "reply_by", around),
        "solve_by": next((m for name in _DUE if (m := moment(found, name, around)) is not None), None),
    }
    changed = moment(found, "updated_at", around)
    rest = over(row, *_COLUMNS, empty=_MARKS)
    records = [Record(ticket.key, identifiers, [Fact("Ticket Opened", opened, about)], changed, rest)]
    replied = moment(found, "first_reply_at", around)
    waited = number(found, "first_reply_time_in_minutes")
    if replied is None and waited is not None:
        replied = minutes_after(opened, waited, "first_reply_time_in_minutes")
    records += [] if replied is None else [first_reply(ticket, replied)]
    done = moment(found, "solved_at", around)
    records += [] if done is None else [solved(ticket, done)]
    return [*records, *_promised(ticket, targets), *_rated(ticket, found, around)]


_DUE: Final = ("solve_by", "due_date", "due_at")


def _rated(ticket: Ticket, found: Piece, around: Around) -> list[Record]:
    """The rating of a row, where a column says when it was given."""
    at, word = moment(found, "satisfaction_at", around), text(found, "satisfaction_score")
    if at is None or spelt(word) in (*_UNANSWERED, "not_offered"):
        return []
    about = said(comment=text(found, "satisfaction_comment"))
    return [
        Record(f"{ticket.key} rating", ticket.identifiers, [Fact("Survey Answered", at, {**_score(word), **about})])
    ]


_OPENED: Final = ("status", "priority", "channel", "topic", "group", "language")
_PROMISED: Final = {"Ticket Updated": ("reply_by", "solve_by")}
_SURVEY: Final = {"Survey Answered": ("metric", "score", "scale", "reason")}
_HISTORY: Final = {"Ticket Solved": ("status",), "Ticket Reopened": ("status",)}
_REPLIES: Final = {"Ticket Replied": ("first", "channel")}
_HEADERS: Final = (("Id", "Created at"), ("ID", "Created at"), ("id", "created_at"), ("Ticket ID", "Created at"))

READER: Final = Reader(
    "zendesk",
    "Zendesk",
    (
        Form(
            "ticket",
            _ticket,
            {
                "Ticket Opened": _OPENED,
                **_PROMISED,
                **_REPLIES,
                **_HISTORY,
                "Message Received": ("channel",),
                "Message Sent": ("channel",),
            },
            found=("", "tickets[]", "ticket", "results[]"),
            has=("id", "created_at", "status"),
            lacks=("ticket_id",),
            says="A service level is told while its clock runs and not afterwards: collect tickets while they are "
            "open. A rating within a ticket has no time: collect the satisfaction ratings. Whoever writes and is not "
            "the requester, nor in copy, is taken for the desk.",
        ),
        Form(
            "ticket metrics",
            _metrics,
            {**_REPLIES, "Ticket Solved": ("status",)},
            found=("", "ticket_metrics[]", "ticket_metric"),
            has=("ticket_id", "reply_time_in_minutes"),
            says="Metrics count reopenings and do not say when they were; the first reply is known to the minute.",
        ),
        Form(
            "audit",
            _audit,
            _HISTORY,
            found=("", "audits[]", "audit"),
            has=("ticket_id", "events", "author_id"),
            says="An audit by itself does not say who of its authors is the customer: messages and replies are told "
            "where audits or comments lie within their ticket.",
        ),
        Form(
            "satisfaction rating",
            _rating,
            _SURVEY,
            found=("", "satisfaction_ratings[]", "satisfaction_rating"),
            has=("ticket_id", "score"),
        ),
        *(
            Form(
                "ticket report",
                _row,
                {"Ticket Opened": _OPENED, **_PROMISED, **_REPLIES, "Ticket Solved": ("status",), **_SURVEY},
                has=has,
                report=True,
                says="A report has the first reply and the last solution, to the minute and by the account's clock "
                "(`zone`); no later messages, no reopenings, and no time of a rating unless a column `satisfaction_at` "
                "says it.",
            )
            for has in _HEADERS
        ),
    ),
    ("ticket_id", "user_id", "order_id"),
    "https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/",
)
