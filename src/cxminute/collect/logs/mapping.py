"""What the events of a process log are called by: the mapping that its sources have, and the way to their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from cxminute.collect.compressed import open_compressed
from cxminute.collect.logs import ocel, xes
from cxminute.collect.logs.told import again, rows_of
from cxminute.collect.rows import Rows
from cxminute.collect.source import Rule, Source

_KIND: Final = "identifiers."


def log_source(source: Source) -> Source:
    """The source with the mapping that the rows of its log have; kinds of identifier come with the rows (`carrying`).

    An event's id is a hash of what tells it from others, so that nothing of a log stands in ids: of XES its case, name,
    time and own attributes, and its ordinal among those that say the same; of OCEL its id. A changed attribute of a
    trace, or a changed event of OCEL, is so a correction.
    """
    kinds = {"case_id": (f"{_KIND}case_id",)} if source.format == "xes" else {}
    rule = Rule("", "at", name_from="event", kind_from="kind")
    key = ("record", "ordinal") if source.format == "xes" else ("record",)
    return source.mapped(key=key, identifiers=MappingProxyType(kinds), properties=(), rules=(rule,))


def carrying(source: Source, rows: Rows) -> Source:
    """The source with the kinds of identifier that these rows have: one for each type of object of their log."""
    named = [name for name in rows.table.column_names if name.startswith(_KIND)]
    kinds = {name.removeprefix(_KIND): (name,) for name in named}
    found = MappingProxyType({**kinds, **source.identifiers})
    return source.mapped(key=source.key, identifiers=found, properties=source.properties, rules=source.rules)


def read_log(path: Path, source: Source, size: int, document: Mapping[str, Any] | None = None) -> Iterator[Rows]:
    """Chunks of about `size` events of a process log; the event that describes the log itself goes with the last.

    document: of OCEL in a database, what it holds, as OCEL's JSON has it
    raises:   BadData where it is no such log, or not whole (of XES, what came before the break goes in)
    """
    if document is not None:
        yield from ocel.rows(document, source, name=path.name, size=size)
        return
    with path.open("rb") as file:
        opened = open_compressed(file, path.name)
        if source.format == "xes":
            yield from xes.read(opened, source, name=path.name, size=size)
        else:
            yield from ocel.read(opened, source, name=path.name, size=size)


def log_again(rejects: pa.Table, source: Source) -> Rows:
    """Events in quarantine, at their places, as they would be read now. rejects: as collect.replay has them."""
    told = again(rejects["row"].to_pylist(), rejects["position"].to_pylist())
    return rows_of(told, source, 0, rejects.num_rows)
