"""Golden files: what a reader makes of an outside example, written once, read by a person, and compared ever after.

CXM_WRITE_GOLDENS=1 writes them anew. Outside examples themselves are no part of them: of what is personal they have
the length alone, and of fields that no event says the names.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cxminute.collect.readers.canon import EVENTS, PERSONAL, PROPERTIES
from cxminute.collect.readers.documents import Broken, pieces
from cxminute.collect.readers.facts import Around, Fact, Reader, Record, Unfit
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, UnknownName

FOLDER: Final = Path(__file__).parent / "golden"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def golden(name: str, told: object) -> None:
    """Fails where what is told differs from the file golden/NAME.json; writes it where it is asked to."""
    file = FOLDER / f"{name}.json"
    now = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("CXM_WRITE_GOLDENS") == "1":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(now, encoding="utf-8")
    assert file.is_file(), f"{file.name} is not there: read what CXM_WRITE_GOLDENS=1 writes, and keep it"
    assert now == file.read_text(encoding="utf-8"), f"{file.name} tells another story"


def told_of(document: object, reader: Reader, *, zone: str = "UTC", topic: str = "") -> object:
    """What a reader makes of one document, as a golden file has it: the pieces in their order, or why none was taken.

    document: JSON as it is parsed, or the bytes of a report
    """
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    source = Source("market", reader.name, zone)
    around = Around(source.name, zone, topic=topic)
    try:
        return list(_pieces(body, reader, source, around))
    except (BadData, UnknownName) as fault:
        return {"refused": str(fault).partition(" Allowed:")[0]}


def _pieces(body: bytes, reader: Reader, source: Source, around: Around) -> Iterator[Mapping[str, object]]:
    for found in pieces(io.BytesIO(body), reader, source, "example"):
        if isinstance(found, Broken):
            yield {"quarantine": found.reason, "detail": found.detail}
            continue
        try:
            yield {"form": found.form.name, "records": [_record(r) for r in found.form.told(found.piece, around)]}
        except Unfit as fault:
            yield {"form": found.form.name, "quarantine": fault.reason, "detail": fault.detail}


def _record(record: Record) -> Mapping[str, object]:
    said: dict[str, object] = {"key": record.key, "identifiers": dict(record.identifiers)}
    if record.changed_at is not None:
        what = "changed_at" if record.changed_at >= 0 else "the first telling stands, this one of"
        said[what] = iso(abs(record.changed_at))
    return {**said, "events": [_fact(fact) for fact in record.facts], "also keeps": sorted(record.rest)}


def _fact(fact: Fact) -> Mapping[str, object]:
    assert fact.event in EVENTS
    said: dict[str, object] = {"event": fact.event, "at": iso(fact.at)}
    if fact.part:
        said["part"] = fact.part
    if fact.identifiers:
        said["identifiers"] = dict(fact.identifiers)
    properties = {name: _shown(name, value) for name, value in sorted(fact.properties.items())}
    return {**said, "properties": properties}


def _shown(name: str, value: object) -> object:
    if name in PERSONAL:
        return f"{len(str(value))} characters"
    if name in PROPERTIES and PROPERTIES[name][0] == "time" and isinstance(value, int):
        return iso(value)
    return value


def iso(at: int) -> str:
    """A time in UTC ms as people read it."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def events_of(records: Iterable[Record]) -> list[tuple[str, str, str]]:
    """(key, event, time) of all facts, for a test that names them."""
    return [(record.key, fact.event, iso(fact.at)) for record in records for fact in record.facts]
