"""What a reader makes of a piece of a document: records, and the facts that each tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

Piece = Mapping[str, object]
"""One thing of a document as it came: an order as JSON has it; of a report {"rows": [row, ...]} for the rows of one
key, each a mapping of column to text, or of a report without a key {"rows": [row]}."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Unfit(Exception):
    """A piece that cannot be told of: it goes to quarantine whole.

    reason: one of collect.rejects.REASONS
    detail: what is wrong and what is allowed; names fields, never quotes a person's data
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Fact:
    """One event.

    event:      of canon.EVENTS
    at:         when it happened, UTC ms
    properties: by the names of canon.PROPERTIES, absent where the source does not say; others, lists and objects too,
                go along untyped. Times are UTC ms
    part:       which of several of its name in its record, such as a parcel's number; '' where there is one at most
    identifiers: kind (canon.IDENTIFIERS) -> value, beside the record's own
    """

    event: str
    at: int
    properties: Mapping[str, object]
    part: str = ""
    identifiers: Mapping[str, str] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Record:
    """A thing of the source, and all that is known of it: told again without a fact, that fact is withdrawn.

    key:         names it within the source, with its kind before it: 'order 902-1845936', 'refund 509562969'; the same
                 in whatever document it stands. What documents tell of apart (a refund, a parcel) is a record apart
    identifiers: kind -> value, of all its facts
    facts:       at least one
    changed_at:  when the source last changed it, UTC ms: an older telling never replaces a newer; None if it is silent
    rest:        fields that no fact says, as they came; they go along with the first fact as `properties.FIELD`
    """

    key: str
    identifiers: Mapping[str, str]
    facts: Sequence[Fact]
    changed_at: int | None = None
    rest: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Around:
    """What is known beside the piece.

    source: its name
    zone:   IANA zone of times without an offset
    times:  formats of times that the source's file allows beside ISO 8601
    topic:  of a webhook: what the sender calls it ('orders/updated'); else ''
    called: the source's [columns], for what a reader has to look for in JSON (a desk's custom fields)
    """

    source: str
    zone: str
    times: tuple[str, ...] = ()
    topic: str = ""
    called: Mapping[str, str] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of document that a reader knows.

    name:  as people call it: 'order', 'all-orders report'
    told:  a piece's records; raises Unfit
    tells: event -> the properties (canon.PROPERTIES) that it may carry: what is not here, the source cannot tell
    found: JSON: where pieces lie: 'orders[]', 'order', 'payload.Orders[]'; '' is the document, '[]' its items
    has:   fields (JSON) or columns (report) by which a piece is known: all must be there
    lacks: fields or columns of which none may be there, to tell two forms apart
    key:   report: columns whose values make one piece of several rows; () where each row is a piece
    report: whether it is a delimited file with a header, not JSON
    says:  what the source cannot tell and people would look for, a sentence for the documentation
    """

    name: str
    told: Callable[[Piece, Around], Sequence[Record]]
    tells: Mapping[str, Sequence[str]]
    found: Sequence[str] = ("",)
    has: Sequence[str] = ()
    lacks: Sequence[str] = ()
    key: Sequence[str] = ()
    report: bool = False
    says: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """All kinds of document of one origin.

    name:        the `format` of its sources
    title:       as people call the origin
    forms:       in the order in which they are tried
    identifiers: kinds (canon.IDENTIFIERS) that its facts carry
    page:        where the origin documents them
    hides_keys:  whether a record's key may hold what names a person: then events' ids have a keyed hash of it
    """

    name: str
    title: str
    forms: Sequence[Form]
    identifiers: Sequence[str]
    page: str
    hides_keys: bool = False

    @property
    def tells(self) -> Mapping[str, frozenset[str]]:
        """Event -> every property that some form of it may carry."""
        told: dict[str, frozenset[str]] = {}
        for form in self.forms:
            for event, names in form.tells.items():
                told[event] = told.get(event, frozenset()) | frozenset(names)
        return told


def without(fields: Piece, *named: str) -> dict[str, object]:
    """The fields that are not named and hold something: what a record gives along as its rest."""
    return {key: value for key, value in fields.items() if key not in named and value not in (None, "", [], {})}


def said(**properties: object) -> dict[str, object]:
    """Properties without those that hold nothing."""
    return {name: value for name, value in properties.items() if value not in (None, "", [], {})}


def known_as(**identifiers: str) -> dict[str, str]:
    """Identifiers without those that are empty."""
    return {kind: value for kind, value in identifiers.items() if value}


def no_more(records: Iterable[Record]) -> tuple[Record, ...]:
    """Records without those that tell of nothing."""
    return tuple(record for record in records if record.facts)


def silent(_piece: Piece, _around: Around) -> Sequence[Record]:
    """Of a document that says nothing of what a customer did or met with."""
    return ()
