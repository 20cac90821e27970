"""One Arrow array in one file that opens by memory map, and arrays brought to the few types that streams speak of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import ipc  # noqa: TID251 -- the index's own files: this is where they are written and opened

from cxminute.model.errors import BrokenStore
from cxminute.model.tables import MOMENT, WORD


def write_array(path: Path, values: pa.Array, *, name: str) -> None:
    """The array as an Arrow IPC file, safe on disk when this returns; the file is there whole or not at all."""
    write_batch(path, pa.record_batch([values], names=[name]))


def write_batch(path: Path, batch: pa.RecordBatch, *, packed: bool = False) -> None:
    """Columns as one Arrow IPC file, as `write_array` writes one; packed ones take less room, and are not mapped."""
    unfinished = path.with_name(f".{uuid4().hex}")
    options = ipc.IpcWriteOptions(compression="lz4" if packed else None)
    with unfinished.open("wb") as file:
        with ipc.new_file(file, batch.schema, options=options) as writer:
            writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_whole(path: Path, body: bytes) -> None:
    """Bytes as a file, safe on disk when this returns; the file is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    with unfinished.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    settle_folder(path.parent)


def open_array(path: Path) -> pa.Array:
    """The array of a file, by memory map: nothing is read before it is used."""
    return open_batch(path).column(0)


def open_batch(path: Path) -> pa.RecordBatch:
    """The columns of a file, in the same way."""
    try:
        return ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    except (OSError, pa.ArrowInvalid) as fault:
        raise BrokenStore(
            f"The index file {path.name} cannot be opened: {fault}.",
            then="Delete the index folder: it is made again from the log.",
        ) from fault


def settle_folder(folder: Path) -> None:
    """Makes renames and new names in a folder safe on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Makes a folder, and those that it lies in, safe on disk where they are new."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        settle_folder(folder.parent)


def moments(values: pa.Array) -> pa.Array:
    """Times as int64 UTC milliseconds, whatever unit they came in; a time without a zone is UTC."""
    kind = values.type
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("ms"))
    elif pa.types.is_timestamp(kind) and kind.unit != "ms":
        values = values.cast(pa.timestamp("ms", tz=kind.tz), safe=False)
    return values.cast(pa.int64())


def worded(values: pa.Array) -> pa.DictionaryArray:
    """Texts as dictionary<int32, string>."""
    if values.type == WORD:
        return values
    return values.cast(WORD) if pa.types.is_dictionary(values.type) else values.cast(pa.string()).dictionary_encode()


def plain(values: pa.Array) -> pa.Array:
    """Texts as string, without a dictionary."""
    return values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values


def numbers_of(values: pa.Array) -> NDArray[np.int64]:
    """An integer array without nulls, in numpy; not copied where it need not be."""
    return np.asarray(values.to_numpy(zero_copy_only=False), np.int64)


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers in order, each once: sorted, as numpy's `unique` hashes, which takes many times as long on millions."""
    values = np.sort(values)
    fresh = np.ones(values.size, np.bool_)
    fresh[1:] = values[1:] != values[:-1]
    found: NDArray[np.int64] = values[fresh]
    return found


def joined(parts: Sequence[pa.Array]) -> pa.Array:
    """Arrays of one type one after the other, their dictionaries made one."""
    if len(parts) == 1:
        return parts[0]
    whole = pa.chunked_array(parts)
    if pa.types.is_dictionary(whole.type):
        whole = whole.unify_dictionaries()
    found = whole.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


KINDS = {"number": pa.float64(), "text": WORD, "flag": pa.bool_(), "time": MOMENT}
"""The types a path may have, by the word that a segment's column name ends in."""


def kind_of(values: pa.Array) -> str:
    """Which of the kinds an array's type is nearest to."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_time(kind):
        return "time"
    return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) else "text"


def typed(values: pa.Array, kind: str) -> pa.Array:
    """Values as one of the kinds: as their own, or as text.

    As text, whole numbers have no decimal point, flags are true and false, and times ISO 8601 in UTC with milliseconds.
    """
    have = kind_of(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), KINDS[kind])
    if kind == "time":
        return moments(values).cast(MOMENT)
    if kind != "text":
        return values.cast(KINDS[kind])
    if have == "number":
        encoded = values.cast(pa.float64()).dictionary_encode()
        said = [f"{x:.0f}" if float(x).is_integer() else repr(x) for x in encoded.dictionary.to_pylist()]
        return _reworded(encoded.indices, said)
    if have == "time":
        values = pc.strftime(moments(values).cast(MOMENT), format="%Y-%m-%dT%H:%M:%SZ")
    return worded(values)


def _reworded(indices: pa.Array, said: list[str]) -> pa.Array:
    """Said words by index; two numbers never say the same, so that the dictionary stays one of distinct words."""
    return pa.DictionaryArray.from_arrays(indices.cast(pa.int32()), pa.array(said, pa.string()))
