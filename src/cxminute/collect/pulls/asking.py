"""What is asked of an API, what it answers, and what came of it: values, without network or clock."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from cxminute.collect.readers.facts import Piece
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
        return Ask(self.kind, self.url, self.query, {**self.headers, **more}, self.form, self.lenient)


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


def listed(answer: Answer, path: str, title: str) -> list[Piece]:
    """The objects of the list at a dotted path of an answer ('' for the answer itself).

    raises: BadData where there is no such list: the API answered with something that its documentation does not know
    """
    found = answer.said
    for name in path.split(".") if path else ():
        found = found.get(name) if isinstance(found, Mapping) else None
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
    found = answer.said
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def text_of(piece: object, path: str) -> str:
    """The text at a dotted path; '' where there is none."""
    for name in path.split("."):
        piece = piece.get(name) if isinstance(piece, Mapping) else None
    return str(piece) if isinstance(piece, str | int) and not isinstance(piece, bool) else ""


def newest(pieces: Sequence[Piece], *paths: str) -> int | None:
    """The latest of the times of all pieces, each at the first of the paths that says one, UTC ms.

    Numbers are epoch seconds; a time without an offset is UTC, as all these APIs have it. What cannot be read counts
    for nothing: the reader will say what is wrong with it.
    """
    found = [at for piece in pieces if (at := _at(piece, paths)) is not None]
    return max(found, default=None)


def _at(piece: Piece, paths: Sequence[str]) -> int | None:
    for path in paths:
        if written := text_of(piece, path):
            return moment(written)
    return None


def moment(written: str) -> int | None:
    """A time as an API writes it, UTC ms; None where it is none."""
    try:
        if written.isdecimal():
            return int(written) * 1_000
        found = datetime.fromisoformat(written)
        return to_ms(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
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
    following = next_offset(str(offset), size, len(made), total)
    if not following:
        return ""
    last = made[-1]
    if int(following) >= DEEPEST and last is not None and last > since:
        return f"{last}/0"
    return f"{since}/{following}"


def next_offset(place: str, size: int, here: int, total: int) -> str:
    """Where the page after this one starts, as a place; '' where this was the last.

    here:  records of this page; a short page is not the last where the total says that there is more
    total: of all pages, as this answer says; 0 where it does not
    """
    offset = int(place or 0)
    if not here:
        return ""
    if total:
        return str(offset + here) if offset + here < total else ""
    return str(offset + here) if here >= size else ""
