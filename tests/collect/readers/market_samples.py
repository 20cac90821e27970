"""Documents of marketplaces, made up field by field after their official pages, and what readers make of them."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cxminute.collect.readers.canon import EVENTS, PERSONAL, PROPERTIES
from cxminute.collect.readers.documents import Found, pieces
from cxminute.collect.readers.facts import Around, Fact, Reader, Record, Unfit
from cxminute.collect.readers.telling import implied, read
from cxminute.collect.receive import Received, receive
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.store.conditions import evaluate
from tests.collect.readers.asked import SAMPLES
from tests.collect.readers.asked import sample as bytes_of
from tests.collect.readers.goldens import events_of

Document = dict[str, Any]


def names(market: str) -> list[str]:
    """The samples of a market."""
    return sorted(path.stem for path in (SAMPLES / market).glob("*.json"))


def sample(market: str, name: str) -> Document:
    """A sample, to be changed at will."""
    found: Document = json.loads(bytes_of(f"{market}/{name}.json"))
    return found


def changed(document: Document, path: str, value: object) -> Document:
    """A copy with another value at a dotted path; numbers are places of lists; a missing name is added."""
    whole = copy.deepcopy(document)
    found: Any = whole
    *way, last = path.split(".")
    for step in way:
        found = found[int(step)] if isinstance(found, list) else found[step]
    found[int(last) if isinstance(found, list) else last] = value
    return whole


def told(document: object, reader: Reader, zone: str = "UTC") -> list[Record]:
    """The records of all pieces of a document; what cannot be told fails the test."""
    around = Around("market", zone)
    records: list[Record] = []
    for found in pieces(
        io.BytesIO(json.dumps(document).encode()), reader, Source("market", reader.name, zone), "document"
    ):
        assert isinstance(found, Found), found
        records += found.form.told(found.piece, around)
    return records


def refused(document: Document, reader: Reader) -> str:
    """The reason for which a document's piece is set apart; it fails the test if none is."""
    try:
        told(document, reader)
    except Unfit as fault:
        return fault.reason
    raise AssertionError("The document was taken.")


def fact(records: Collection[Record], event: str, part: str | None = None) -> Fact:
    """The one fact of a name, and of a part where one is named."""
    found = [f for r in records for f in r.facts if f.event == event and part in (None, f.part)]
    assert len(found) == 1, [(f.event, f.part) for f in found]
    return found[0]


def happenings(records: Iterable[Record]) -> list[tuple[str, str]]:
    """(event, time) of all facts, as people read them."""
    return [(event, at) for _, event, at in events_of(records)]


def received(document: Document | bytes, reader: Reader, newest: Mapping[str, int] | None = None) -> Received:
    """What collecting makes of a document, up to the log; newest: when records that are known were last changed."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    source = implied(Source("market", reader.name, "UTC"), reader)
    found = list(
        read(io.BytesIO(body), reader, source, name="document", size=100, newest=lambda _: newest or {}),
    )
    assert len(found) == 1
    return receive(
        found[0], source, secret=b"of these tests", evaluate=evaluate, seen=Seen(), personal_columns=frozenset()
    )


def keeps_to_its_word(reader: Reader, market: str) -> None:
    """Fails where a fact of a sample carries what its reader does not say that it tells."""
    for name in names(market):
        for record in _all(sample(market, name), reader):
            assert set(record.identifiers) <= set(reader.identifiers)
            for told_of in record.facts:
                assert told_of.event in EVENTS
                assert set(told_of.identifiers) <= set(reader.identifiers)
                typed = {name for name in told_of.properties if name in PROPERTIES}
                assert typed <= reader.tells[told_of.event], (record.key, told_of.event, typed)
                others = set(told_of.properties) - typed
                assert others <= {"products", "lines", "moment", *PERSONAL}, others


def hides_people(reader: Reader, market: str, *words: str) -> None:
    """Fails where a sample's words about a person stand elsewhere than under the names that contracts hide.

    words: each stands in some sample, and is told under such a name
    """
    hidden, opened = [], []
    for name in names(market):
        for record in _all(sample(market, name), reader):
            for properties in (record.rest, *(told_of.properties for told_of in record.facts)):
                hidden += [value for key, value in properties.items() if key in PERSONAL]
                opened += [{key: value} for key, value in properties.items() if key not in PERSONAL]
    for word in words:
        assert word in json.dumps(hidden, ensure_ascii=False), word
        assert word not in json.dumps(opened, ensure_ascii=False), word


def _all(document: Document, reader: Reader) -> list[Record]:
    try:
        return told(document, reader)
    except Unfit:
        return []
