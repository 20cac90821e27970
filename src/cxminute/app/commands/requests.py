"""Commands of the register of requests: what people ask of their data, who they are, when it is due, how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from cyclopts import App

from cxminute.app import clock, output
from cxminute.app.project import Project
from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.times import from_ms, instant

if TYPE_CHECKING:  # only for its type
    from cxminute.store.requests import Request

app = App(
    name="requests",
    help="What people ask of their data: list, add, check, extend, done, refuse.",
    help_format="plaintext",
)
_NEXT = {
    "access": "cxm export ID --request {n}",
    "portability": "cxm export ID --portable --request {n}",
    "erasure": "cxm forget --request {n}",
    "objection": "cxm consent says what holds now",
    "restriction": "cxm consent says what holds now",
}
"""What answers a request, beside `cxm requests done`."""
_HELD = {"objection": "objected", "restriction": "restricted"}
"""What is a fact of consent as soon as it is asked for."""


@app.default
def requests(*, everything: bool = False, json: bool = False, project: Path = Path()) -> int:
    """List what people ask of their data that is not done yet, by when it is due.

    What a shop or marketplace asks to be removed is removed by the worker, or by cxm retain; all else is for you.

    Parameters
    ----------
    everything
        Also what is done.
    json
        One JSON document instead of a table.
    project
        The project folder, or one inside it.

    Returns
    -------
    int
        0 when all is in time, 1 when something is overdue.

    """
    at = clock.now()
    found = Project(project).requests.list(still_open=not everything)
    late = sum(one.is_overdue(at) for one in found)
    if json:
        output.document({"requests": [_request(one, at) for one in found]})
    elif not found:
        output.say("Nobody has asked for anything." if everything else "No request is open.")
    else:
        columns = ("number", "source", "asks for", "about", "received (UTC)", "due (UTC)", "identity", "proof")
        rows = [
            (
                str(one.id), one.source or "-", one.kind, _about(one), _day(one.received_at), _due(one, at),
                _identity(one), one.proof or "-",
            )
            for one in found
        ]  # fmt: skip
        output.table("Requests", columns, rows)
        if late:
            output.say(f"{output.count(late, 'requests')} should have been answered by now.")
    return 1 if late else 0


@app.command
def add(
    request: str,
    *,
    about: str,
    kind: str | None = None,
    purpose: str | None = None,
    received: str | None = None,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Put down what somebody asks by letter, telephone or mail; it is due a month after it came.

    An objection or a restriction holds at once, before anybody is asked who they are.

    Parameters
    ----------
    request
        access, rectification, erasure, restriction, portability or objection.
    about
        An identifier of whom it is about, as a source wrote it, or an e-mail address.
    kind
        Which kind of identifier that is; without it, any that a person can have.
    purpose
        With an objection: to which purpose; to all of them without it.
    received
        When it came; now, without it.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    from cxminute.store.requests import KINDS  # noqa: PLC0415 -- the state takes a while to import

    asked = [name for name in KINDS if name != "closing"]
    if request not in asked:
        raise UnknownName("kind of request", request, asked)
    if purpose is not None and request != "objection":
        raise WrongUse("--purpose is an option of an objection.", allowed="cxm requests add objection --about ID")
    opened = Project(project)
    if purpose is not None and purpose not in opened.settings.purposes:
        raise UnknownName("purpose", purpose, opened.settings.purposes)
    at = clock.now()
    came = at if received is None else instant(received, opened.settings.zone)
    if came > at:
        raise WrongUse("It cannot have come after now.", allowed="--received with a time that is over")
    who = _whom(opened, about, kind)
    noted = opened.requests.add(request, who, came)
    held = _hold(opened, who, _HELD[request], purpose, at) if request in _HELD else 0
    if json:
        output.document(_request(noted, at))
        return
    output.say(f"Request {noted.id}, {noted.kind}: to be answered until {_day(noted.due_at)} UTC.")
    if held:
        output.say(f"The {noted.kind} holds from now on: cxm consent ID shows it.")
    output.say(f"First make sure who asks: cxm requests check {noted.id} --how TEXT.")


@app.command
def check(number: int, *, how: str, json: bool = False, project: Path = Path()) -> None:
    """Note that whoever asks has proved who they are. Name no document's number and no address: it stays on record.

    Parameters
    ----------
    number
        As the list numbers it.
    how
        How they proved it: "answered a mail to the address on file".
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    found = Project(project).requests.check(number, at, _words("--how", how))
    then = _NEXT.get(found.kind, "cxm requests done {n}").format(n=number)
    _tell(found, at, f"Request {number}: it is known who asks. Next: {then}", json=json)


@app.command
def extend(number: int, *, because: str, json: bool = False, project: Path = Path()) -> None:
    """Give a request two months more; whoever asked must have been told, and why, within the first (GDPR 12(3)).

    Parameters
    ----------
    number
        As the list numbers it.
    because
        Why it takes longer, as they were told.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    found = Project(project).requests.extend(number, at, _words("--because", because))
    _tell(found, at, f"Request {number} is to be answered until {_day(found.due_at)} UTC.", json=json)


@app.command
def done(number: int, *, json: bool = False, project: Path = Path()) -> None:
    """Close a request that you have answered; whom it was about is forgotten here.

    Parameters
    ----------
    number
        As the list numbers it.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    closed = Project(project).requests.done(number, at)
    _tell(closed, at, f"Request {closed.id}{_of(closed)} is done.", json=json)


@app.command
def refuse(number: int, *, because: str, json: bool = False, project: Path = Path()) -> None:
    """Close a request that is not carried out; they must be told why, and where they may complain (GDPR 12(4)).

    Parameters
    ----------
    number
        As the list numbers it.
    because
        Why, as they were told.
    json
        One JSON document instead of text.
    project
        The project folder, or one inside it.

    """
    at = clock.now()
    closed = Project(project).requests.refuse(number, at, _words("--because", because))
    _tell(closed, at, f"Request {closed.id}{_of(closed)} is refused.", json=json)


def _tell(found: Request, at: int, said: str, *, json: bool) -> None:
    if json:
        output.document(_request(found, at))
    else:
        output.say(said)


def _words(option: str, text: str) -> str:
    if not text.strip():
        raise WrongUse(f"{option} says nothing.", allowed="a sentence", then="Nothing was changed.")
    return " ".join(text.split())


def _whom(project: Project, about: str, kind: str | None) -> dict[str, list[str]]:
    """By kind, the identifier that a request is about; of the kind that it looks like where nobody has it."""
    from cxminute.app.people.naming import kinds_asked, numbers_of  # noqa: PLC0415 -- takes a while to import
    from cxminute.privacy.rights import for_the_person  # noqa: PLC0415 -- likewise

    word = normalize("NFC", about.strip())
    if not word:
        raise WrongUse("--about says nothing.", allowed="an identifier", then="Nothing was noted.")
    kinds = kinds_asked(project, kind)
    found = numbers_of(project, for_the_person(project.definitions.contracts.values()), word, kinds)
    known = [name for name, numbers in found.items() if numbers]
    if known:
        return {name: [word] for name in known}
    output.note("Nobody has that identifier here: the request is put down all the same, and is to be answered.")
    return {kinds[0] if kind else "@email" if "@" in word else "user_id": [word]}


def _hold(project: Project, about: dict[str, list[str]], said: str, purpose: str | None, at: int) -> int:
    """An objection or a restriction as a fact of consent, of every identifier that is named; returns of how many."""
    from cxminute.app.people.naming import numbers_of  # noqa: PLC0415 -- takes a while to import
    from cxminute.privacy.rights import for_the_person  # noqa: PLC0415 -- likewise
    from cxminute.store.consents import ALL, Saying  # noqa: PLC0415 -- likewise
    from cxminute.store.vault import is_of_person  # noqa: PLC0415 -- likewise

    leave = for_the_person(project.definitions.contracts.values())
    theirs = {kind: words for kind, words in about.items() if is_of_person(kind)}  # a thing's number is no person's
    named = [numbers_of(project, leave, word, [kind])[kind] for kind, words in theirs.items() for word in words]
    numbers = sorted({number for some in named for number in some})
    sayings = [Saying(number, purpose or ALL, said, "hand", at, why="request") for number in numbers]
    return project.consents.say(sayings, at) if sayings else 0


def _of(one: Request) -> str:
    return f" of source '{one.source}'" if one.source else ""


def _request(one: Request, at: int) -> dict[str, object]:
    return {
        "number": one.id, "source": one.source or None, "kind": one.kind, "about": one.about,
        "received": from_ms(one.received_at), "due": from_ms(one.due_at), "overdue": one.is_overdue(at),
        "checked": _when(one.checked_at), "checked_how": one.checked or None,
        "extended": _when(one.extended_at), "extended_because": one.extended or None,
        "done": _when(one.done_at), "refused_because": one.refused or None, "proof": one.proof or None,
    }  # fmt: skip


def _when(at: int | None) -> object:
    return None if at is None else from_ms(at)


def _about(one: Request) -> str:
    said = "; ".join(f"{kind.removeprefix('@')} {', '.join(values)}" for kind, values in one.about.items() if values)
    return said or ("-" if one.done_at is not None else "all of it")


def _identity(one: Request) -> str:
    if one.checked_at is not None:
        return f"proved {_day(one.checked_at)[:10]}"
    return "by the source" if one.source else "not yet"


def _due(one: Request, at: int) -> str:
    if one.done_at is not None:
        return f"{'refused' if one.refused else 'done'} {_day(one.done_at)}"
    return f"{_day(one.due_at)}{', overdue' if one.is_overdue(at) else ''}"


def _day(at: int) -> str:
    return f"{from_ms(at):%Y-%m-%d %H:%M}"
