"""The register of requests: what people ask of their data, when it is due, who they proved to be, when it was done.

Whom a request is about lies sealed under a key of its own (sealing.py), which is destroyed with the words once the
request is closed: the register then says that somebody asked, and nobody can say who.
"""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.times import day_start, from_ms
from cxminute.store import destroying
from cxminute.store.destroying import REQUEST_KEYS
from cxminute.store.keyring import Keyring
from cxminute.store.schema import REQUESTS
from cxminute.store.sealing import seal, unseal
from cxminute.store.state import writing

KINDS: Final = ("access", "rectification", "erasure", "restriction", "portability", "objection", "closing")
"""What can be asked: GDPR articles 15 to 18, 20 and 21; and that all of a shop or account be removed."""
REMOVING: Final = ("erasure", "closing")
"""Those that ask for data to be removed."""
MONTHS: Final = 1
"""Within how many months a request is answered (GDPR 12(3))."""
LONGER: Final = 3
"""Within how many, where whoever asked is told of it within the first."""
_BY_HAND: Final = "by hand "
_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Times are UTC ms; `about` is empty once it is closed.

    source:      that sent it on; '' where it was put down by hand
    message:     the sender's number of it
    about:       by kind of identifier, whom or what it is about
    checked_at:  when whoever asked proved who they are, and how; None, '' where they have not
    extended_at: when they were told that it takes two months more, and why
    refused:     why it was refused; '' where it was not
    proof:       file below .cxm/proofs that says what was done; '' where nothing had to be
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
    checked_at: int | None = None
    checked: str = ""
    extended_at: int | None = None
    extended: str = ""
    refused: str = ""

    @property
    def is_proven(self) -> bool:
        """Whether it is known who asks: checked here, or by the shop or marketplace that sent it on."""
        return bool(self.source) or self.checked_at is not None

    def is_overdue(self, at: int) -> bool:
        """Whether it should have been answered by now."""
        return self.done_at is None and at > self.due_at


def due(received_at: int, months: int, zone: ZoneInfo) -> int:
    """The last millisecond in which a request can be answered in time: the end of the same day of a later month.

    Where that month has no such day it is its last: received on 31 January, due on 28 February. A day that is a holiday
    or lies at a weekend is not moved on, so that nobody is told too late a day.
    zone:   in which the day of receipt is told
    source: Regulation (EEC, Euratom) 1182/71, article 3(2)(c)
    """
    day = from_ms(received_at).astimezone(zone).date()
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    last = date(year, month, min(day.day, monthrange(year, month)[1]))
    return day_start(last + timedelta(days=1), zone) - 1


class Requests:
    """The requests of one project.

    keys: under which it is sealed whom they are about
    zone: in which their days are told
    """

    def __init__(self, state: Engine, keys: Keyring, zone: ZoneInfo = _UTC) -> None:
        self._state, self._keys, self._zone = state, keys, zone

    def note(
        self, source: str, kind: str, message: str, about: Mapping[str, Sequence[str]], received_at: int
    ) -> Request:
        """Puts a request on record, due a month after it came; the same message again is the one that is there.

        raises: UnknownName for a kind that is none
        """
        _check(kind)
        c = REQUESTS.c
        with writing(self._state).begin() as connection:
            same = (c.source == source, c.kind == kind, c.message == message)
            found = connection.execute(select(REQUESTS).where(*same)).first()
            if found is None:
                found = self._put(connection, source, kind, message, about, received_at)
        return self._requests([found])[0]

    def add(self, kind: str, about: Mapping[str, Sequence[str]], received_at: int) -> Request:
        """Puts down a request that came by letter, telephone or mail: each is one of its own.

        raises: UnknownName for a kind that is none
        """
        _check(kind)
        with writing(self._state).begin() as connection:
            last = connection.execute(select(func.max(REQUESTS.c.id))).scalar() or 0
            found = self._put(connection, "", kind, f"{_BY_HAND}{last + 1}", about, received_at)
        return self._requests([found])[0]

    def list(self, *, still_open: bool = False) -> tuple[Request, ...]:
        """All of them, or those that are open; by when they are due."""
        query = select(REQUESTS).order_by(REQUESTS.c.due_at, REQUESTS.c.id)
        if still_open:
            query = query.where(REQUESTS.c.done_at.is_(None))
        with self._state.connect() as connection:
            rows = connection.execute(query).all()
        return self._requests(rows)

    def get(self, number: int) -> Request:
        """One of them; raises UnknownName where there is none with that number."""
        with self._state.connect() as connection:
            found = self._found(connection, number)
        return self._requests([found])[0]

    def check(self, number: int, at: int, how: str) -> Request:
        """Notes that whoever asks has proved who they are, and how.

        raises: UnknownName where there is none with that number; WrongUse where it is closed
        """
        return self._change(number, {"checked_at": at}, {"checked": how})

    def extend(self, number: int, at: int, because: str) -> Request:
        """Gives a request two months more; whoever asked was told of it, and why.

        raises: as `check`; WrongUse also where it was extended before, or its first month is over
        """
        found = self.get(number)
        if found.extended_at is not None:
            raise WrongUse(f"Request {number} was extended before.", then="Nothing was changed.")
        if found.is_overdue(at):
            raise WrongUse(
                f"The first month of request {number} is over: it can be extended no more.",
                allowed="extending within the month in which it came",
                then="Nothing was changed.",
            )
        longer = due(found.received_at, LONGER, self._zone)
        return self._change(number, {"extended_at": at, "due_at": longer}, {"extended": because})

    def refuse(self, number: int, at: int, because: str) -> Request:
        """Closes a request that is not carried out, with the reason; whom it was about is forgotten here.

        raises: as `check`
        """
        return self._close(number, at, "", {"refused": because})

    def forget(self, number: int) -> None:
        """Lets go of whom a request was about; it stays open until it is done."""
        with writing(self._state).begin() as connection:
            connection.execute(update(REQUESTS).where(REQUESTS.c.id == number).values(about="", sealed=None))
            destroying.note(connection, REQUEST_KEYS, [number])
        destroying.carry_out(self._state, self._keys)

    def done(self, number: int, at: int, proof: str = "") -> Request:
        """Closes a request: whom it was about is forgotten here, too.

        raises: as `check`
        """
        return self._close(number, at, proof, {})

    def _put(
        self, connection: Connection, source: str, kind: str, message: str, about: Mapping[str, Sequence[str]], at: int
    ) -> Row[Any]:
        row = {
            "source": source, "kind": kind, "message": message, "about": "", "received_at": at,
            "due_at": due(at, MONTHS, self._zone),
        }  # fmt: skip
        c = REQUESTS.c
        number: int = connection.execute(insert(REQUESTS).values(**row).returning(c.id)).scalar_one()
        said = json.dumps({name: [*values] for name, values in about.items()})
        [sealed] = seal(self._keys.fresh(REQUEST_KEYS, [number]), [said])
        return connection.execute(update(REQUESTS).where(c.id == number).values(sealed=sealed).returning(*c)).one()

    def _found(self, connection: Connection, number: int) -> Row[Any]:
        c = REQUESTS.c
        found = connection.execute(select(REQUESTS).where(c.id == number)).first()
        if found is None:
            raise UnknownName("request", str(number), map(str, connection.execute(select(c.id)).scalars()))
        return found

    def _change(self, number: int, facts: Mapping[str, object], words: Mapping[str, str]) -> Request:
        with writing(self._state).begin() as connection:
            found = self._found(connection, number)
            if found.done_at is not None:
                raise WrongUse(f"Request {number} is done already.", then="Nothing was changed.")
            said = json.dumps({**json.loads(found.said or "{}"), **words}, ensure_ascii=False)
            change = update(REQUESTS).where(REQUESTS.c.id == number).values(**facts, said=said)
            connection.execute(change)
            if "done_at" in facts:
                destroying.note(connection, REQUEST_KEYS, [number])
            changed = self._found(connection, number)
        return self._requests([changed])[0]

    def _close(self, number: int, at: int, proof: str, words: Mapping[str, str]) -> Request:
        closed = self._change(number, {"done_at": at, "proof": proof, "about": "", "sealed": None}, words)
        destroying.carry_out(self._state, self._keys)
        return closed

    def _requests(self, rows: Sequence[Row[Any]]) -> tuple[Request, ...]:
        sealed = [row for row in rows if row.sealed is not None]
        opened = unseal(self._keys.held(REQUEST_KEYS, [row.id for row in sealed]), [row.sealed for row in sealed])
        about = {row.id: text for row, text in zip(sealed, opened, strict=True)}
        return tuple(_request(row, about.get(row.id) or row.about or "{}") for row in rows)


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise UnknownName("kind of request", kind, KINDS)


def _request(row: Row[Any], about: str) -> Request:
    words = json.loads(row.said or "{}")
    return Request(
        row.id, row.source, row.kind, row.message, json.loads(about), row.received_at, row.due_at, row.done_at,
        row.proof or "", row.checked_at, words.get("checked", ""), row.extended_at, words.get("extended", ""),
        words.get("refused", ""),
    )  # fmt: skip
