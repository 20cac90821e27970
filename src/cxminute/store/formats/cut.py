"""Streams of record batches cut into tables of exactly the asked number of rows, wherever the batches end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def cut(batches: Iterable[pa.RecordBatch], schema: pa.Schema, size: int) -> Iterator[pa.Table]:
    """Tables of `size` rows, the last one fewer; where there are none, one that shows the columns."""
    held: list[pa.RecordBatch] = []
    count, given = 0, False
    for batch in batches:
        start = 0
        while count + batch.num_rows - start >= size:
            held.append(batch.slice(start, size - count))
            start += size - count
            yield pa.Table.from_batches(held, schema)
            held, count, given = [], 0, True
        held.append(batch.slice(start))
        count += batch.num_rows - start
    if count or not given:
        yield pa.Table.from_batches(held, schema)


def typed(rows: Iterable[tuple[object, ...]], names: list[str]) -> pa.Table:
    """A table of Python values: each column typed by its values, text where they are unlike."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return pa.Table.from_arrays([_column(column) for column in columns], names=names)


def _column(values: list[object]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
