"""What is asked of an API, what it answers, and what came of it: values, without network or clock."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from cxminute.collect.readers.facts import Piece
from cxminute.collect.readers.fields import inner
from cxminute.model.errors import BadData
from cxminute.model.times import from_ms, to_ms

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    kind:    the operation, by which rates are counted: 'orders'
    url:     whole, without a query
    query:   name and value, in their order
    headers: beside the credentials, which `Api.signed` adds
    form:    fields of a POST; a GET where there are none
    lenient: whether 404 is an answer too (with nothing in it), and no fault
    """

    kind: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: _NONE)
    form: Mapping[str, str] = field(default_factory=lambda: _NONE)
    lenient: bool = False

    def bearing(self, **headers: str) -> Ask:
        """The same with more headers; a name's underscores are dashes."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with status 200 or so.

    headers: names in small letters
    body:    as it came
    said:    the JSON in it; None for a lenient ask's 404
    """

    headers: Mapping[str, str]
    body: bytes
    said: object


@dataclass(frozen=True, slots=True)
class Page:
    """One document for the log.

    body:    as its source's reader knows it
    records: how many orders (or tickets) it holds
    newest:  the latest time at which one of them was changed, UTC ms; None where it holds none
    place:   from where the same run goes on after it; '' where it was the last
    until:   up to when the API says its answers are whole, UTC ms; None where it does not say
    """

    body: bytes
    records: int
    newest: int | None
    place: str
    until: int | None = None


Pulling: TypeAlias = Generator[Ask | Page, Answer, None]
"""A run: yields what to ask, is sent the answer; yields a page, is sent nothing of use once it is in the log."""
Completing: TypeAlias = Generator[Ask, Answer, Piece]
"""Asks for what an API has apart of a piece; ends with the piece that has it within."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where a source's API is and what is asked of it; no secret.

    url:   of the API, without a slash at its end
    size:  records of a page
    names: what else its file says: the seller's number, marketplaces, the API's version
    """

    url: str
    size: int
    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, key: str) -> str:
        """What the file says under a key, several with commas between."""
        return ",".join(self.names.get(key, ()))


Stream: TypeAlias = Callable[[Way, int, str], Pulling]
"""From the way, the time since when changes are wanted (UTC ms) and a place ('' at the start of a run)."""


def _never(_status: int, _headers: Mapping[str, str]) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Api:
    """One API of a source's format.

    title:   as people call it
    page:    where it is documented
    url:     the official endpoint; '' where every shop has its own, which the file then says
    streams: what can be pulled
    secrets: keys of the file that name variables of the environment
    signed:  an ask with the credentials (secrets by key) and the access token ('' without `grant`)
    grant:   the ask for an access token; None where the secrets are all that is needed
    needs:   further keys that the file must say -> what they are
    may:     further keys that it may say -> what they are
    usual:   what those are where the file is silent
    every:   least time between two asks, ms
    size:    records of a page
    most:    records of a page that the API gives at most
    pause:   seconds that an answer (status, headers) asks to wait before the next ask of its kind
    says:    what people should know of it, sentences
    """

    title: str
    page: str
    url: str
    streams: Mapping[str, Stream]
    secrets: Sequence[str]
    signed: Callable[[Ask, Mapping[str, str], str], Ask]
    grant: Callable[[Way, Mapping[str, str]], Ask] | None = None
    needs: Mapping[str, str] = field(default_factory=lambda: _NONE)
    may: Mapping[str, str] = field(default_factory=lambda: _NONE)
    usual: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    every: int = 0
    size: int = 100
    most: int = 100
    pause: Callable[[int, Mapping[str, str]], float] = _never
    says: str = ""


def basic(name: str, word: str) -> str:
    """The Authorization of who has a name and a word for it."""
    return f"Basic {b64encode(f'{name}:{word}'.encode()).decode()}"


def completed(found: Sequence[Piece], more: Callable[[Piece], Completing]) -> Generator[Ask, Answer, list[Piece]]:
    """The pieces of a page, each with what the API has apart, asked for piece by piece."""
    complete = list(found)
    for number, piece in enumerate(found):
        complete[number] = yield from more(piece)
    return complete


def listed(answer: Answer, path: str, title: str) -> list[Piece]:
    """The objects of the list at a dotted path of an answer ('' for the answer itself).

    raises: BadData where there is no such list: the API answered with something that its documentation does not know
    """
    found = _within(answer.said, path) if path else answer.said
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        where = f"a list of objects under '{path}'" if path else "a list of objects"
        raise BadData(
            f"{title} answered with something else than its documentation says.",
            allowed=where,
            then="Nothing of this page was collected; the next pull asks for it again.",
        )
    return found


def count_of(answer: Answer, path: str) -> int:
    """The whole number at a dotted path of an answer; 0 where there is none."""
    found = _within(answer.said, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def text_of(piece: object, path: str) -> str:
    """The text at a dotted path; '' where there is none."""
    found = _within(piece, path)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _within(said: object, path: str) -> object:
    return inner(said, path) if isinstance(said, Mapping) else None


def newest(pieces: Sequence[Piece], *paths: str) -> int | None:
    """The latest of the times of all pieces, UTC ms; None where none says one."""
    found = [at for piece in pieces if (at := when(piece, *paths)) is not None]
    return max(found, default=None)


def when(piece: object, *paths: str) -> int | None:
    """The time at the first of the paths that says something, UTC ms; None where none does.

    Numbers are epoch seconds; a time without an offset is UTC, as all these APIs have it. What cannot be read counts
    for nothing: the reader will say what is wrong with it.
    """
    written = next(filter(None, (text_of(piece, path) for path in paths)), "")
    try:
        if written.isdecimal():
            return int(written) * 1_000
        found = datetime.fromisoformat(written)
        return to_ms(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def stamped(headers: Mapping[str, str], name: str) -> int | None:
    """The time in a header, as HTTP writes it, UTC ms; None where there is none."""
    try:
        found: datetime = parsedate_to_datetime(headers.get(name, ""))
        return to_ms(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, TypeError):
        return None


def iso(at: int) -> str:
    """UTC ms as APIs read it: 2026-11-22T11:47:03.120Z."""
    return f"{from_ms(at):%Y-%m-%dT%H:%M:%S}.{at % 1_000:03d}Z"


def whole(at: int) -> str:
    """The same in whole seconds, downwards."""
    return f"{from_ms(at):%Y-%m-%dT%H:%M:%S}Z"


DEEPEST: Final = 5_000
"""Records after which offsets begin anew: APIs that count them refuse to count on for ever, some from 10,000 on."""


def spot(place: str) -> tuple[int, int]:
    """From when on records were made (UTC ms; 0 for any time) and the offset among those, of a place."""
    made, _, offset = place.rpartition("/")
    return int(made or 0), int(offset or 0)


def next_spot(place: str, size: int, made: Sequence[int | None], total: int) -> str:
    """The place after a page of records that stand by when they were made; '' where it was the last.

    Beyond DEEPEST records offsets begin anew, from the time at which the last of the page was made: records of that
    time are told twice, and none is left out.

    made:  of each record of this page, when, UTC ms
    total: of all pages, as this answer says
    """
    since, offset = spot(place)
    following = next_offset(offset, size, len(made), total)
    if not following:
        return ""
    last = made[-1]
    if following >= DEEPEST and last is not None and last > since:
        return f"{last}/0"
    return f"{since}/{following}"


def next_offset(offset: int, size: int, here: int, total: int) -> int:
    """Where the page after this one starts; 0 where this was the last.

    here:  records of this page; a short page is not the last where the total says that there is more
    total: of all pages, as this answer says; 0 where it does not
    """
    following = offset + here
    more = following < total if total else here >= size
    return following if here and more else 0
