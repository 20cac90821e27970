"""Keyed hashes of rows and events: the same for the same content, in any type of file, and telling nobody what it was.

A cell is hashed as `values.written` gives it, so that 17850 of a CSV and 17850.0 of a Parquet file are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.values import written


def lines_of(columns: Mapping[str, pa.Array]) -> pa.Array:
    """One text a row that only rows of the same cells share: 'column=cell', in order of the columns, NUL between them.

    Empty cells are left out, so that a column in which a whole chunk holds nothing changes no hash. No cell holds NUL,
    except in columns that no mapping names; there it is written as its escape.
    """
    cells = [
        pc.binary_join_element_wise(name, pc.replace_substring(written(columns[name]), "\0", "\\0"), "=")
        for name in sorted(columns)
    ]
    return pc.binary_join_element_wise(*cells, "\0", null_handling="skip")


def digests(lines: pa.Array, secret: bytes, *, size: int) -> NDArray[np.void]:
    """The keyed hash of each text, `size` bytes each."""
    start = blake2b(digest_size=size, key=blake2b(secret).digest())
    copy = start.copy
    made = bytearray()
    for line in pc.cast(lines, pa.binary()).to_pylist():
        hashed = copy()
        hashed.update(line)
        made += hashed.digest()
    return np.frombuffer(bytes(made), dtype=f"V{size}")


def hexadecimal(hashes: NDArray[np.void]) -> pa.Array:
    """The hashes as text, for ids."""
    size = hashes.dtype.itemsize * 2
    text = hashes.tobytes().hex()
    return pa.array([text[start : start + size] for start in range(0, len(text), size)], pa.string())
