"""Loops of numbering texts, compiled: a table of what was met, from a key of kind and text to where it is held.

What is held is one array of bytes: for each identifier its number and its length (4 bytes each), its kind, its text.
An entry of the table is the upper bits of a key and, below them, where that begins; -1 where there is none. So most
lookups touch two places in memory. The key tells apart quickly; whether two texts are the same, their letters say. All
release the GIL.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_INTS = types.Array(types.int64, 1, "C")
_INTS_READ = types.Array(types.int64, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C")
_BYTES_READ = types.Array(types.uint8, 1, "C", readonly=True)
_KEYS = types.Array(types.uint64, 1, "C")
_KEYS_READ = types.Array(types.uint64, 1, "C", readonly=True)

HEAD = 9
"""Bytes before a text: number, length, kind."""

_WHERE = 40
"""Bits of an entry that say where: a terabyte of texts."""


@njit(types.uint64(_BYTES_READ, types.int64, types.int64, types.uint64), cache=True, nogil=True)
def digest(letters: NDArray[np.uint8], first: int, stop: int, seed: np.uint64) -> np.uint64:
    """A number for a text, the same wherever it stands: FNV-1a over its bytes, its bits then mixed."""
    key = np.uint64(0xCBF29CE484222325) ^ seed
    for at in range(first, stop):
        key = (key ^ np.uint64(letters[at])) * np.uint64(0x100000001B3)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(types.void(_KEYS_READ, _INTS_READ, types.int64, _INTS), cache=True, nogil=True)
def refill(keys: NDArray[np.uint64], starts: NDArray[np.int64], size: int, table: NDArray[np.int64]) -> None:
    """Enters what has a number into an empty table, of a power of two of places, less than half of them used."""
    mask = np.uint64(table.size - 1)
    for number in range(size):
        place = np.int64(keys[number] & mask)
        while table[place] >= 0:
            place = np.int64(np.uint64(place + 1) & mask)
        table[place] = np.int64(
            ((keys[number] >> np.uint64(_WHERE + 1)) << np.uint64(_WHERE)) | np.uint64(starts[number])
        )


@njit(types.int64(_BYTES_READ, types.int64), cache=True, nogil=True)
def four(held: NDArray[np.uint8], at: int) -> int:
    """A number of four bytes, the lowest first."""
    low = np.int64(held[at]) | (np.int64(held[at + 1]) << 8)
    return int(low | (np.int64(held[at + 2]) << 16) | (np.int64(held[at + 3]) << 24))


@njit(
    types.int64(
        _BYTES_READ, _INTS_READ, _BYTES_READ, _BYTES_READ, types.int64, types.int64, _INTS, _BYTES, _KEYS, _INTS, _INTS
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def number(  # noqa: PLR0913, PLR0917 -- what comes, and where it is held
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    there: NDArray[np.uint8],
    kinds: NDArray[np.uint8],
    size: int,
    written: int,
    table: NDArray[np.int64],
    held: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    starts: NDArray[np.int64],
    numbers: NDArray[np.int64],
) -> int:
    """Gives every text its number, the next from `size` on where it has none; returns the next after all.

    offsets: where texts begin and end in `letters`; there: which rows have one; numbers: takes the answer
    written: how many bytes are held; starts, keys: take those of new ones, by number
    """
    mask = np.uint64(table.size - 1)
    below = np.int64((1 << _WHERE) - 1)
    for i in range(numbers.size):
        if not there[i]:
            continue
        first, length, kind = offsets[i], offsets[i + 1] - offsets[i], kinds[i]
        key = digest(letters, first, first + length, np.uint64(kind))
        top = np.int64(key >> np.uint64(_WHERE + 1))
        place = np.int64(key & mask)
        while True:
            entry = table[place]
            if entry < 0:
                table[place] = (top << _WHERE) | written
                keys[size], starts[size] = key, written
                for part in range(4):
                    held[written + part] = np.uint8((size >> (8 * part)) & 255)
                    held[written + 4 + part] = np.uint8((length >> (8 * part)) & 255)
                held[written + 8] = kind
                written += HEAD
                for at in range(length):
                    held[written + at] = letters[first + at]
                written += length
                numbers[i] = size
                size += 1
                break
            if entry >> _WHERE == top:
                begin = entry & below
                if held[begin + 8] == kind and four(held, begin + 4) == length:
                    at = 0
                    while at < length and held[begin + HEAD + at] == letters[first + at]:
                        at += 1
                    if at == length:
                        numbers[i] = four(held, begin)
                        break
            place = np.int64(np.uint64(place + 1) & mask)
    return size
