"""The register of requests: what people ask for through a marketplace or a shop, when it is due, when it was done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, Row, insert, select, update

from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.times import DAY
from cxminute.store.schema import REQUESTS
from cxminute.store.state import writing

KINDS: Final = ("access", "erasure", "closing")
"""What can be asked: to see one's data, to have it removed, and that of a whole shop or account."""
ANSWERED_IN: Final = 28 * DAY
"""Milliseconds until a request is due: a month, and the shortest has 28 days (GDPR 12(3))."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Times are UTC ms; `about` is empty once it is done.

    message: the sender's number of it
    about:   by kind of identifier, whom or what it is about
    proof:   file below .cxm/proofs that says what was done; '' where nothing had to be
    """

    id: int
    source: str
    kind: str
    message: str
    about: Mapping[str, Sequence[str]]
    received_at: int
    due_at: int
    done_at: int | None
    proof: str


class Requests:
    """The requests of one project."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def note(
        self, source: str, kind: str, message: str, about: Mapping[str, Sequence[str]], received_at: int
    ) -> Request:
        """Puts a request on record, due ANSWERED_IN after it came; the same message again is the one that is there.

        raises: UnknownName for a kind that is none
        """
        if kind not in KINDS:
            raise UnknownName("kind of request", kind, KINDS)
        c = REQUESTS.c
        same = (c.source == source, c.kind == kind, c.message == message)
        with writing(self._state).begin() as connection:
            found = connection.execute(select(REQUESTS).where(*same)).first()
            if found is None:
                row = {
                    "source": source, "kind": kind, "message": message,
                    "about": json.dumps({name: [*values] for name, values in about.items()}),
                    "received_at": received_at, "due_at": received_at + ANSWERED_IN,
                }  # fmt: skip
                connection.execute(insert(REQUESTS).values(**row))
                found = connection.execute(select(REQUESTS).where(*same)).one()
            return _request(found)

    def list(self, *, still_open: bool = False) -> tuple[Request, ...]:
        """All of them, or those that are open; by when they are due."""
        query = select(REQUESTS).order_by(REQUESTS.c.due_at, REQUESTS.c.id)
        if still_open:
            query = query.where(REQUESTS.c.done_at.is_(None))
        with self._state.connect() as connection:
            return tuple(_request(row) for row in connection.execute(query))

    def forget(self, number: int) -> None:
        """Lets go of whom a request was about; it stays open until it is done."""
        with writing(self._state).begin() as connection:
            connection.execute(update(REQUESTS).where(REQUESTS.c.id == number).values(about="{}"))

    def done(self, number: int, at: int, proof: str = "") -> Request:
        """Closes a request: whom it was about is forgotten here, too.

        raises: UnknownName where there is none with that number; WrongUse where it is closed
        """
        c = REQUESTS.c
        with writing(self._state).begin() as connection:
            found = connection.execute(select(REQUESTS).where(c.id == number)).first()
            if found is None:
                raise UnknownName("request", str(number), map(str, connection.execute(select(c.id)).scalars()))
            if found.done_at is not None:
                raise WrongUse(f"Request {number} is done already.", then="Nothing was changed.")
            connection.execute(update(REQUESTS).where(c.id == number).values(done_at=at, proof=proof, about="{}"))
            return _request(connection.execute(select(REQUESTS).where(c.id == number)).one())


def _request(row: Row[tuple[object, ...]]) -> Request:
    return Request(
        row.id, row.source, row.kind, row.message, json.loads(row.about), row.received_at, row.due_at, row.done_at,
        row.proof or "",
    )  # fmt: skip
