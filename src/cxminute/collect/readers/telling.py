"""Records as rows that `receive` takes: a row for each fact, typed as canon has it, what is left over beside it.

A fact's event id is its record's key, '#' and a number made of its name and part: told again, a record replaces what
changed of it and withdraws what it says no more, and nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from types import MappingProxyType
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from cxminute.collect.readers.canon import EVENTS, PROPERTIES
from cxminute.collect.readers.documents import Broken, Found, again, pieces, shown
from cxminute.collect.readers.facts import Around, Fact, Reader, Record, Unfit
from cxminute.collect.rejects import Rejects, storable
from cxminute.collect.rows import Rows
from cxminute.collect.source import Property, Rule, Source
from cxminute.collect.values import arrow_type
from cxminute.model.errors import BadData, UnknownName
from cxminute.model.tables import MOMENT

Newest = Callable[[Collection[str]], Mapping[str, int]]
"""Of records by key, when the newest telling of them that is known had changed them, UTC ms."""

T = TypeVar("T")


def _nothing(_: Collection[str]) -> Mapping[str, int]:
    return {}


def implied(source: Source, reader: Reader) -> Source:
    """The source with the mapping that its reader's rows have."""
    names = _typed_names(reader)
    properties = tuple(Property(f"properties.{name}", f"properties.{name}", PROPERTIES[name][0]) for name in names)
    carried = tuple(found.path for found in properties)
    rule = Rule("", "at", name_from="event", place_from="place", properties=carried)
    kinds = {kind: (f"identifiers.{kind}",) for kind in reader.identifiers}
    made = source.mapped(key=("record",), identifiers=MappingProxyType(kinds), properties=properties, rules=(rule,))
    return replace(made, hides_key=reader.hides_keys)


def _typed_names(reader: Reader) -> list[str]:
    """Properties that get columns of their own: those with a type that one of its facts may have."""
    return sorted({name for told in reader.tells.values() for name in told if name in PROPERTIES})


def read(
    file: BinaryIO, reader: Reader, source: Source, *, name: str, size: int, topic: str = "", newest: Newest = _nothing
) -> Iterator[Rows]:
    """Chunks of about `size` facts of one document, as rows of the `implied` source.

    topic:  of a webhook, what its sender calls it
    newest: what is known of records already: an older telling of one is left out, and counted as `stale`
    raises: as documents.pieces
    """
    around = Around(source.name, source.zone, source.times, topic, source.called)
    yield from _told(pieces(file, reader, source, name), reader, around, size, newest)


def read_again(rejects: pa.Table, reader: Reader, source: Source, newest: Newest = _nothing) -> Iterator[Rows]:
    """Pieces that lie in quarantine, at their places, as they would be read now.

    rejects: with the columns of model.tables.REJECT
    """
    around = Around(source.name, source.zone, source.times, called=source.called)
    rows = zip(rejects["position"].to_pylist(), rejects["row"].to_pylist(), strict=True)
    found = (again(row, reader, position) for position, row in rows)
    yield from _told(found, reader, around, max(1, rejects.num_rows), newest)


def read_hooks(hooks: Sequence[tuple[str, bytes]], reader: Reader, source: Source, newest: Newest) -> Rows:
    """The documents of several webhooks, in the order in which they came, as one chunk; a hook is a row.

    hooks: of each the sender's topic, and its body
    """
    around = Around(source.name, source.zone, source.times, called=source.called)
    found = [piece for place, hook in enumerate(hooks) for piece in _of_hook(place, *hook, reader, source)]
    rows = next(_told(found, reader, around, max(1, len(found)), newest))
    return replace(rows, covers=len(hooks))


def _of_hook(place: int, topic: str, body: bytes, reader: Reader, source: Source) -> list[Found | Broken]:
    try:
        found = list(pieces(io.BytesIO(body), reader, source, "webhook"))
    except (BadData, UnknownName) as fault:
        text = storable(body.decode("utf-8", "backslashreplace"))
        return [Broken(place, "unknown_document", f"Webhook {topic}: {fault.what}", text)]
    return [
        replace(piece, position=place, rows=0, topic=topic)
        if isinstance(piece, Found)
        else replace(piece, position=place)
        for piece in found
    ]


@dataclass(slots=True)
class _Chunk:
    first: int
    rejects: Rejects
    told: dict[str, list[tuple[int, Record, Fact, str]]] = field(default_factory=dict)
    covers: int = 0
    stale: int = 0
    changed: dict[str, int] = field(default_factory=dict)


def _told(found: Iterable[Found | Broken], reader: Reader, around: Around, size: int, newest: Newest) -> Iterator[Rows]:
    first, changed = 0, dict[str, int]()  # over all chunks: what is known learns of a document only when it is in
    for batch in _batches(found, size):
        chunk = _Chunk(first, Rejects(around.source))
        read = [_records(piece, around, chunk) for piece in batch]
        keys = {record.key for _, records, _ in read for record in records if record.changed_at is not None}
        known = dict(newest(keys))
        known |= {key: max(at, known.get(key, at)) for key in keys if (at := changed.get(key)) is not None}
        for position, records, text in read:
            for record in records:
                _take(record, position, text, known, chunk)
        first += chunk.covers
        changed |= chunk.changed
        yield _rows(chunk, reader)


def _batches(found: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`; one empty list where there is nothing at all: an empty page is a document, too."""
    waiting, some = iter(found), False
    while batch := list(islice(waiting, size)):
        some = True
        yield batch
    if not some:
        yield []


def _records(piece: Found | Broken, around: Around, chunk: _Chunk) -> tuple[int, list[Record], str]:
    """The records of a piece, with its place and what quarantine would keep of it."""
    if isinstance(piece, Broken):
        chunk.covers += piece.position >= 0
        chunk.rejects.add(piece.position, piece.reason, piece.detail, piece.text)
        return piece.position, [], ""
    chunk.covers += piece.rows
    text = shown(piece.piece)
    around = replace(around, topic=piece.topic) if piece.topic else around
    try:
        records = [record for record in piece.form.told(piece.piece, around) if record.facts]
        for record in records:
            for fact in record.facts:
                if fact.event not in EVENTS:
                    raise KeyError(fact.event)
    except Unfit as fault:
        chunk.rejects.add(piece.position, fault.reason, f"{piece.form.name}: {fault.detail}", text)
        return piece.position, [], ""
    return piece.position, records, text


def _take(record: Record, position: int, text: str, known: Mapping[str, int], chunk: _Chunk) -> None:
    if record.changed_at is not None:
        newest = max(known.get(record.key, record.changed_at), chunk.changed.get(record.key, record.changed_at))
        if newest > record.changed_at:
            chunk.stale += 1
            return
        chunk.changed[record.key] = record.changed_at
    chunk.stale += chunk.told.pop(record.key, None) is not None  # told again: what it says no more goes with the rest
    chunk.told[record.key] = [(position, record, fact, text) for fact in record.facts]


def _rows(chunk: _Chunk, reader: Reader) -> Rows:
    told = [fact for facts in chunk.told.values() for fact in facts]
    columns: dict[str, pa.Array] = {
        "record": pa.array([record.key for _, record, _, _ in told], pa.string()),
        "place": pa.array([_place(fact) for _, _, fact, _ in told], pa.string()),
        "event": pa.array([fact.event for _, _, fact, _ in told], pa.string()),
        "at": pa.array([fact.at for _, _, fact, _ in told], pa.int64()).cast(MOMENT),
    }
    for kind in reader.identifiers:
        cells = [fact.identifiers.get(kind) or record.identifiers.get(kind) or None for _, record, fact, _ in told]
        columns[f"identifiers.{kind}"] = pa.array(cells, pa.string())
    names = _typed_names(reader)
    for name in names:
        kind = PROPERTIES[name][0]
        values = [_typed(fact.properties.get(name), kind) for _, _, fact, _ in told]
        array = pa.array(values, pa.int64()).cast(MOMENT) if kind == "time" else pa.array(values, arrow_type(kind))
        columns[f"properties.{name}"] = array
    rest = pa.array([_rest(record, fact, names) for _, record, fact, _ in told], pa.string())
    return Rows(
        pa.table(columns),
        chunk.first,
        chunk.rejects.table(),
        np.array([position for position, *_ in told], dtype=np.int64),
        tuple(text for *_, text in told),
        rest,
        covers=chunk.covers,
        stale=chunk.stale,
        changed=chunk.changed,
    )


def _place(fact: Fact) -> str:
    """A number that is the fact's own within its record, and always the same."""
    said = f"{fact.event}\x1f{fact.part}".encode()
    return str(int.from_bytes(blake2b(said, digest_size=6).digest()))


def _typed(value: object, kind: str) -> Any:
    if value is None:
        return None
    if kind == "number":
        return float(value)  # type: ignore[arg-type]  # a reader tells numbers as numbers
    if kind == "text":
        return value if isinstance(value, str) else str(value)
    return value


_encode: Final = msgspec.json.Encoder().encode


def _rest(record: Record, fact: Fact, typed: Collection[str]) -> str | None:
    over = {name: value for name, value in fact.properties.items() if name not in typed and value is not None}
    if fact is record.facts[0]:
        rest = dict(record.rest)
        hidden = {name: rest.pop(name) for name in over if name in rest}  # a field of the name that a fact gives it
        over = {**rest, **over, **({"as_it_came": hidden} if hidden else {})}
    return _encode({"properties": over}).decode() if over else None
