"""Laws of the canonical words: every reader tells in them and in no others, and falls over nothing that it is given."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.readers.canon import EVENTS, IDENTIFIERS, PROPERTIES
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.documents import Found, pieces
from cxminute.collect.readers.facts import Around, Form, Piece, Reader, Record, Unfit
from cxminute.collect.readers.telling import implied, read
from cxminute.collect.rejects import REASONS
from cxminute.collect.source import READERS, Source
from cxminute.model.errors import BadData, UnknownName
from tests.collect.readers.asked import SAMPLES

FOLDER = Path(__file__).parent
NAMED = [(name, form) for name in READERS for form in reader_of(name).forms]
OURS = sorted(path for path in SAMPLES.rglob("*") if path.is_file() and path.parent.name in READERS)
READ = [path for path in OURS if path.name != "bewertungen.csv"]  # in German: its source has to name its columns


@pytest.mark.parametrize("name", READERS)
def test_a_reader_is_found_by_the_format_of_its_sources(name: str) -> None:
    """Each format that a source may have is read by the reader of that name, which says what it knows."""
    reader = reader_of(name)
    assert reader.name == name
    assert reader.title
    assert reader.forms


def test_no_reader_stands_beside_the_catalogue() -> None:
    """A name that is no format has no reader."""
    with pytest.raises(KeyError):
        reader_of("vlooi")


@pytest.mark.parametrize("name", READERS)
def test_a_reader_says_that_it_tells_canonical_words(name: str) -> None:
    """Events, properties and identifiers of every form are words that the documentation explains."""
    reader = reader_of(name)
    assert set(reader.tells) <= set(EVENTS)
    assert set().union(*reader.tells.values()) <= set(PROPERTIES)
    assert set(reader.identifiers) <= set(IDENTIFIERS)


@pytest.mark.parametrize(("name", "form"), NAMED, ids=lambda part: part if isinstance(part, str) else part.name)
def test_a_form_can_be_told_from_others(name: str, form: Form) -> None:
    """Every form has fields by which it is known; JSON lies somewhere, and a report is not looked for in JSON."""
    assert form.has, name
    assert not set(form.has) & set(form.lacks)
    assert form.report or form.found


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_what_is_told_of_a_sample_is_what_its_form_says_it_tells(path: Path) -> None:
    """No fact has an event or a canonical property that its form does not announce, nor a value of another type."""
    reader = reader_of(path.parent.name)
    found = _found(path.read_bytes(), reader)
    assert found
    for one in found:
        records, reason = _tried(one.form, one.piece)
        assert reason in {"", *REASONS}
        _of_its_words(records, one.form, reader)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("golden/*/*.json")), ids=lambda path: path.stem)
def test_what_the_goldens_hold_is_what_readers_say_they_tell(path: Path) -> None:
    """The events of a golden file are announced by the form that told them, and so are their canonical properties."""
    name = path.parent.name if path.parent.name in READERS else "amazon"
    tells: dict[str, dict[str, set[str]]] = {}
    for form in reader_of(name).forms:
        for event, names in form.tells.items():
            tells.setdefault(form.name, {}).setdefault(event, set()).update(names)
    for told, event, properties in _golden_facts(json.loads(path.read_text("utf-8"))):
        assert properties & set(PROPERTIES) <= tells[told][event]


def _golden_facts(told: object) -> Iterator[tuple[str, str, set[str]]]:
    for piece in _objects(told):
        for record in piece.get("records") or ():
            for event in record["events"]:
                yield piece["form"], event["event"], set(event["properties"])


def _objects(told: object) -> Iterator[dict]:  # type: ignore[type-arg]  # JSON
    if isinstance(told, list):
        for one in told:
            yield from _objects(one)
    elif isinstance(told, dict):
        yield told


def _found(body: bytes, reader: Reader) -> list[Found]:
    source = Source("ours", reader.name, "UTC")
    return [one for one in pieces(io.BytesIO(body), reader, source, "sample") if isinstance(one, Found)]


def _tried(form: Form, piece: Piece) -> tuple[Sequence[Record], str]:
    """The records of a piece, and why there are none; any other error than Unfit is the test's."""
    try:
        return form.told(piece, Around("ours", "Europe/Brussels")), ""
    except Unfit as fault:
        return (), fault.reason


def _of_its_words(records: Sequence[Record], form: Form, reader: Reader) -> None:
    """Records of a form: their words and types are those that they may have."""
    keys = set()
    for record in records:
        assert record.key
        assert record.key not in keys
        keys.add(record.key)
        for fact in record.facts:
            assert fact.event in form.tells
            assert isinstance(fact.at, int)
            assert set(fact.identifiers) | set(record.identifiers) <= set(reader.identifiers)
            for name in set(fact.properties) & set(PROPERTIES):
                assert name in form.tells[fact.event]
                assert _has_type(fact.properties[name], PROPERTIES[name][0]), (form.name, fact.event, name)


def _has_type(value: object, kind: str) -> bool:
    if kind in {"number", "time"}:
        return not isinstance(value, bool) and isinstance(value, int if kind == "time" else int | float)
    return value is None or isinstance(value, bool if kind == "flag" else str)


# -- whatever it is given ----------------------------------------------------------------------------------------------

TIMES = (
    "2026-03-02T09:00:00Z",
    "2026-03-02 09:00",
    "0001-01-01T00:00:00+05:00",
    "9999-12-31T23:59:59-11:00",
    "31/02/2026",
)
NUMBERS = ("1", "-1", "1e300", "0.5", "NaN", 0, 7, -3, 10**17, 2.5, 1e300)
WORDS = ("", " ", "-", "EUR", "USD", "shipped", "solved", "cancelled", "NPS", "good", "true", "\U0001f600", "x" * 300)
PLAIN = st.sampled_from((*TIMES, *NUMBERS, *WORDS, None, True, False))


def _fields() -> tuple[str, ...]:
    """Every name of a field that the samples have, so that what is drawn looks like a document."""
    names = set()
    for path in OURS:
        if path.suffix == ".json":
            names |= set(_names(json.loads(path.read_text("utf-8"))))
    for name in READERS:
        for form in reader_of(name).forms:
            names |= set(form.has)
    return tuple(sorted(names))


def _names(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for name, inner in document.items():
            yield name
            yield from _names(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _names(inner)


NAMES = st.sampled_from(_fields()) | st.text(max_size=6)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)


def _bent(document: object, data: st.DataObject) -> object:
    """A document in which some values are others."""
    if data.draw(st.integers(0, 11)) == 0:
        return data.draw(VALUES)
    if isinstance(document, dict):
        return {name: _bent(inner, data) for name, inner in document.items() if data.draw(st.integers(0, 19))}
    if isinstance(document, list):
        return [_bent(inner, data) for inner in document]
    return document


def _told(form: Form, piece: Piece, reader: Reader) -> None:
    records, reason = _tried(form, piece)
    assert reason in {"", *REASONS}
    for record in records:
        for fact in record.facts:
            assert fact.event in form.tells
            assert set(fact.properties) & set(PROPERTIES) <= set(form.tells[fact.event])
            assert set(fact.identifiers) | set(record.identifiers) <= set(reader.identifiers)


@pytest.mark.parametrize(("name", "form"), NAMED, ids=lambda part: part if isinstance(part, str) else part.name)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_reader_falls_over_no_object(name: str, form: Form, data: st.DataObject) -> None:
    """Whatever object a form is given, it tells records in its words or says why it cannot; never anything else."""
    reader = reader_of(name)
    drawn = data.draw(st.dictionaries(NAMES, VALUES, max_size=5))
    whole = {**{field: data.draw(VALUES) for field in form.has}, **drawn}
    _told(form, whole, reader)
    rows = data.draw(st.lists(st.dictionaries(NAMES, PLAIN, max_size=3), max_size=2))
    _told(form, {"rows": [{**{field: data.draw(PLAIN) for field in form.has}, **row} for row in rows]}, reader)
    _told(form, drawn, reader)


@pytest.mark.parametrize("path", [path for path in OURS if path.suffix == ".json"], ids=lambda path: path.stem)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_bent_document_is_told_or_set_apart(path: Path, data: st.DataObject) -> None:
    """A document of which anything is otherwise still becomes rows, rejects, or one message; and so does its table."""
    reader = reader_of(path.parent.name)
    body = json.dumps(_bent(json.loads(path.read_text("utf-8")), data)).encode()
    source = implied(Source("ours", reader.name, "Europe/Brussels"), reader)
    try:
        rows = list(read(io.BytesIO(body), reader, source, name="bent", size=100))
    except (BadData, UnknownName):
        return
    for chunk in rows:
        assert chunk.table.num_rows == len(chunk.lines or ())
        assert set(chunk.rejects["reason"].to_pylist()) <= set(REASONS)
