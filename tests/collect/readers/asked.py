"""What a reader tells of a document, in short, for the tests of the readers of desks, surveys and reviews."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.documents import Broken, pieces
from cxminute.collect.readers.facts import Around, Record, Unfit
from cxminute.collect.source import Source
from tests.collect.readers.goldens import events_of

SAMPLES: Final = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    """A sample document, such as 'zendesk/tickets.csv'."""
    return (SAMPLES / name).read_bytes()


def asked(
    form: str, document: object, *, zone: str = "UTC", called: Mapping[str, str] | None = None
) -> tuple[list[Record], list[tuple[str, str]]]:
    """(records, (reason, detail) of what went to quarantine) of a document in a reader's format.

    document: bytes as they are, or what becomes JSON
    """
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    source = Source("ours", form, zone, called=called or {})
    around = Around(source.name, zone, called=source.called)
    records: list[Record] = []
    refused: list[tuple[str, str]] = []
    for found in pieces(io.BytesIO(body), reader_of(form), source, "example"):
        if isinstance(found, Broken):
            refused.append((found.reason, found.detail))
            continue
        try:
            records += found.form.told(found.piece, around)
        except Unfit as fault:
            refused.append((fault.reason, fault.detail))
    return records, refused


def story(records: list[Record]) -> list[tuple[str, str]]:
    """(event, time) of all facts in the order of time; those of one moment by name."""
    return sorted(((event, at) for _, event, at in events_of(records)), key=lambda one: (one[1], one[0]))
