"""Zendesk: the incremental export of tickets, by cursor, each with its metrics within."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cxminute.collect.pulls.asking import Api, Ask, Page, Pulling, Way, basic, listed, newest, text_of
from cxminute.collect.readers.facts import Piece
from cxminute.model.times import SECOND


def tickets(way: Way, since: int, place: str) -> Pulling:
    """Every ticket changed since then; place: the cursor after a page."""
    url = f"{way.url}/api/v2/incremental/tickets/cursor.json"
    while True:
        start = ("cursor", place) if place else ("start_time", str(since // SECOND))
        answer = yield Ask("tickets", url, (start, ("per_page", str(way.size)), ("include", "metric_sets")))
        found = listed(answer, "tickets", "Zendesk")
        ended = not isinstance(answer.said, Mapping) or answer.said.get("end_of_stream") is not False
        place = "" if ended else text_of(answer.said, "after_cursor")
        body = msgspec.json.encode({"tickets": _with_metrics(answer.said, found)})
        yield Page(body, len(found), newest(found, "updated_at"), place)
        if not place:
            return


def _with_metrics(said: object, tickets: Sequence[Piece]) -> list[Piece]:
    """Each ticket with the metrics that stand beside it."""
    beside = said.get("metric_sets") if isinstance(said, Mapping) else None
    sets = [one for one in beside if isinstance(one, Mapping)] if isinstance(beside, list) else []
    by_ticket = {text_of(one, "ticket_id"): one for one in sets}
    return [
        {**ticket, "metric_set": by_ticket[number]} if (number := text_of(ticket, "id")) in by_ticket else ticket
        for ticket in tickets
    ]


def _signed(ask: Ask, secrets: Mapping[str, str], _token: str) -> Ask:
    return ask.bearing(Authorization=basic(f"{secrets['email']}/token", secrets["token"]))


API: Final = Api(
    title="Zendesk",
    page="https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/",
    url="",
    streams={"tickets": tickets},
    secrets=("email", "token"),
    signed=_signed,
    every=6 * SECOND,
    size=500,
    most=1_000,
    says="Changes of the last minute are not given; ten pages a minute are.",
)
