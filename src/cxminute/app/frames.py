"""Any Arrow-capable table of events as an index of its subjects, with no project and no files."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.errors import BadData, UnknownName, WrongUse, nearest
from cxminute.model.tables import MOMENT
from cxminute.model.times import to_ms
from cxminute.store.arranging import ranked
from cxminute.store.index import Index, in_memory

PROPERTIES: Final = "properties."
FIRST: Final = to_ms(datetime(1, 1, 1, tzinfo=UTC))
LAST: Final = to_ms(datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))
"""The times that there are, UTC milliseconds: within them no deadline overflows."""


@dataclass(frozen=True)
class Frame:
    """The events of a table by subject.

    index: their streams; a subject is a number, ascending with the keys
    keys:  the values of each key column by that number
    """

    index: Index
    keys: dict[str, pa.Array]

    def warn_of_strangers(self, names: Collection[str]) -> None:
        """Warns of each name that no event has, with the nearest that one has: nothing is found of it."""
        buckets = self.index.buckets()
        alphabet = self.index.read(buckets[0]).alphabet if buckets else ()
        known = {letter.name for letter in alphabet if letter is not None}
        for name in sorted(set(names) - known) if known else ():
            near = nearest(name, known)
            warnings.warn(f"No event is named '{name}'." + (f" Did you mean '{near}'?" if near else ""), stacklevel=3)


def framed(
    events: Any,
    per: str | Sequence[str],
    as_of: datetime | int | None,
    *,
    by: str | None = None,
    paths: Collection[str] = (),
) -> Frame:
    """A table's events by subject; those without subject, name or time are left out with a warning that counts them.

    events:  any table that Arrow can read, with a column per key of `per`, `event` (text) and `at`
    as_of:   close the log at this moment (aware, or UTC milliseconds); at the last event without it
    by:      a further column that must be there
    paths:   that conditions name; where there is no such column, a warning tells the nearest, and nothing is true of it
    raises:  UnknownName for a missing column, BadData for one of a wrong type, WrongUse without a key
    """
    keys = keys_of(per)
    table = _table(events)
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise BadData(f"The table has more than one column '{twice[0]}'.", allowed="columns of different names")
    for column in (*keys, "event", "at", *([] if by is None else [by])):
        if column not in table.column_names:
            raise UnknownName("column", column, table.column_names)
    table = _whole(table, keys)
    numbers, words = _subjects(table, keys)
    told = {"subject": pa.array(numbers), "at": table["at"], "name": table["event"]}
    asked = {path.removeprefix(PROPERTIES) for path in paths if path.startswith(PROPERTIES)}
    for name in sorted(asked - set(table.column_names)):
        near = nearest(name, table.column_names)
        warnings.warn(f"There is no column '{name}'." + (f" Did you mean '{near}'?" if near else ""), stacklevel=3)
    # Only what is asked for is put in order of subject: a wide table costs no more than a narrow one.
    told |= {PROPERTIES + name: table[name] for name in table.column_names if name in asked or name == by}
    for name in sorted(asked | {by or ""}):
        if name in table.column_names and pa.types.is_nested(table[name].type):
            raise BadData(f"Column '{name}' is {table[name].type}.", allowed="text, numbers, times or flags")
    closes_at = _close(as_of)
    return Frame(in_memory(pa.table(told), "subject", closes_at), words)


def keys_of(per: object) -> tuple[str, ...]:
    """The columns that together are a subject: one or more names, each once."""
    keys = (per,) if isinstance(per, str) else tuple(per) if isinstance(per, Sequence) else ()
    if not keys or len(set(keys)) < len(keys) or not all(isinstance(key, str) for key in keys):
        raise WrongUse(f"{per!r} is no subject.", allowed='per = "person", or the names of columns, each once')
    return keys


def _table(events: Any) -> pa.Table:
    """Any Arrow-capable table as a pyarrow table, its texts as plain text whatever kind of text they were."""
    try:
        table = events if isinstance(events, pa.Table) else pa.table(events)
    except (TypeError, ValueError, pa.ArrowInvalid) as fault:
        allowed = "a table of pandas, polars, DuckDB or pyarrow, or a dict of columns"
        raise BadData(f"A {type(events).__name__} is no table.", allowed=allowed) from fault
    for place, column in enumerate(table.schema):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or kind != column.type:
            table = table.set_column(place, column.name, _plain(table.column(place)))
    return table


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text of any kind, and what a dictionary holds, as plain values."""
    chunks = [
        chunk.dictionary.cast(pa.string()).take(chunk.indices)
        if pa.types.is_dictionary(chunk.type)
        else chunk.cast(pa.string())
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.string())


def _whole(table: pa.Table, per: tuple[str, ...]) -> pa.Table:
    """The events that have a subject and a time; the others are counted in a warning."""
    named = table["event"].type
    if not (pa.types.is_string(named) or pa.types.is_null(named)):
        raise BadData(f"Column 'event' is {named}.", allowed="text")
    at = table["at"].type
    if not (pa.types.is_timestamp(at) or pa.types.is_integer(at) or pa.types.is_null(at)):
        raise BadData(f"Column 'at' is {at}.", allowed="timestamps, or integer UTC milliseconds")
    table = table.set_column(table.column_names.index("at"), "at", _moments(table["at"]))
    kept = np.ones(table.num_rows, np.bool_)
    for column in ("event", "at", *per):
        if not table[column].null_count:
            continue
        there = table[column].is_valid().to_numpy()
        said = f"Left out, for want of '{column}': {int((~there).sum()):,} of {table.num_rows:,} events."
        warnings.warn(said, stacklevel=4)
        kept &= there
    return table if kept.all() else table.filter(pa.array(kept))


def _close(as_of: object) -> int | None:
    """The moment that the log is closed at, UTC milliseconds; None for its last event."""
    if as_of is None:
        return None
    if isinstance(as_of, datetime) and as_of.tzinfo is not None:
        return to_ms(as_of)
    if isinstance(as_of, int) and not isinstance(as_of, bool) and FIRST <= as_of <= LAST:
        return as_of
    said = "a time without a zone" if isinstance(as_of, datetime) else f"{as_of!r}"
    raise WrongUse(f"as_of is {said}.", allowed="an aware datetime, or UTC milliseconds of the years 1 to 9999")


def _moments(at: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_null(at.type):
        return at.cast(MOMENT)
    if pa.types.is_integer(at.type):
        bounds = pc.min_max(at).as_py()
        if bounds["min"] is not None and not FIRST <= bounds["min"] <= bounds["max"] <= LAST:
            far = bounds["min"] if bounds["min"] < FIRST else bounds["max"]
            raise BadData(f"Column 'at' has {far}.", allowed="UTC milliseconds of the years 1 to 9999")
        return at.cast(pa.int64()).cast(MOMENT)
    zoned = at if at.type.tz else at.cast(pa.timestamp(at.type.unit, tz="UTC"))
    return pc.cast(zoned, MOMENT, safe=False)


def _subjects(table: pa.Table, per: tuple[str, ...]) -> tuple[NDArray[np.int64], dict[str, pa.Array]]:
    """A number per event, ascending with the subjects' keys, and each key's values by that number."""
    numbers = np.zeros(table.num_rows, np.int64)
    held: list[tuple[pa.Array, NDArray[np.int64]]] = []
    for name in per:
        values, ranks = _ranked(table[name])
        held.append((values, ranks))
        # Dense after every key: the product of two counts of at most as many values as rows stays far from overflow.
        _, numbers = ranked(numbers * max(len(values), 1) + ranks)
    _, first = np.unique(numbers, return_index=True)
    keys = {name: values.take(pa.array(ranks[first])) for name, (values, ranks) in zip(per, held, strict=True)}
    return numbers, keys


def _ranked(column: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """The different values, ascending, and each event's place among them."""
    if pa.types.is_null(column.type):
        return pa.nulls(0), np.zeros(0, np.int64)
    if pa.types.is_nested(column.type):
        raise BadData(f"A key of type {column.type} is no subject.", allowed="text, numbers, times or flags")
    if pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type):
        different, places = ranked(column.cast(pa.int64()).to_numpy())
        return pa.array(different).cast(column.type), places
    coded = pa.chunked_array([column.combine_chunks()]).dictionary_encode().combine_chunks()
    order = pc.sort_indices(coded.dictionary)
    ranks = np.empty(len(order), np.int64)
    ranks[order.to_numpy()] = np.arange(len(order))
    return coded.dictionary.take(order), ranks[coded.indices.to_numpy()]
