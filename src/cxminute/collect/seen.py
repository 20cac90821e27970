"""What was seen of one file, over all its chunks, in about 16 bytes a row: how often a row, and what an id said.

Kept as few sorted runs, merged when one outgrows its elder: a dictionary of Python objects would take ten times the
memory, and a file may have tens of millions of rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]


class Seen:
    """The memory of one file while it is received; begun anew for each file.

    rows: how often a row without a key came, by its hash
    once: how often an identifier came that makes one event of all its rows, by its hash
    said: what an event's id said last, by the hash of the id
    """

    def __init__(self) -> None:
        self.rows = Counts()
        self.once = Counts()
        self.said = Latest()


class _Runs:
    """Sorted runs of (key, value), the largest and eldest first; a newcomer merges with those not larger than it."""

    def __init__(self, merge: Callable[[Words, Words], tuple[Words, Words]]) -> None:
        self._merge = merge
        self._runs: list[tuple[Words, Words]] = []

    def add(self, keys: Words, values: Words) -> None:
        """One more run, its keys ascending and each once."""
        while self._runs and len(self._runs[-1][0]) <= 2 * len(keys):
            elder_keys, elder_values = self._runs.pop()
            keys, values = self._merge(np.concatenate([elder_keys, keys]), np.concatenate([elder_values, values]))
        self._runs.append((keys, values))

    def find(self, keys: Words) -> list[tuple[NDArray[np.bool_], Words]]:
        """For each run from the eldest: which keys it has, and its value for each (anything where it has not)."""
        found = []
        for known, values in self._runs:
            places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            found.append((known[places] == keys, values[places]))
        return found


class Counts:
    """How often each key came."""

    def __init__(self) -> None:
        self._runs = _Runs(_summed)

    def ordinals(self, keys: Words) -> NDArray[np.int64]:
        """For each key, how often the same came before it, in this call and those before."""
        if not len(keys):
            return np.zeros(0, dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        sizes = np.diff(np.append(starts, len(ranked)))
        before = np.zeros(len(starts), dtype=np.int64)
        for has, values in self._runs.find(ranked[starts]):
            before += np.where(has, values.astype(np.int64), 0)
        ordinals = np.empty(len(keys), dtype=np.int64)
        ordinals[order] = np.arange(len(keys)) - np.repeat(starts - before, sizes)
        self._runs.add(ranked[starts], sizes.astype(np.uint64))
        return ordinals


class Latest:
    """What each key said last."""

    def __init__(self) -> None:
        self._runs = _Runs(_last)

    def repeats(self, keys: Words, values: Words) -> NDArray[np.bool_]:
        """For each key in order, whether it only says again what it said last (in this call or those before)."""
        if not len(keys):
            return np.zeros(0, dtype=np.bool_)
        order = np.argsort(keys, kind="stable")
        ranked, said = keys[order], values[order]
        first = np.concatenate([[True], ranked[1:] != ranked[:-1]])
        again = np.concatenate([[False], said[1:] == said[:-1]]) & ~first
        starts = np.flatnonzero(first)
        for has, known in self._runs.find(ranked[starts]):
            again[starts] = np.where(has, known == said[starts], again[starts])
        repeats = np.empty(len(keys), dtype=np.bool_)
        repeats[order] = again
        ends = np.append(starts[1:], len(ranked)) - 1
        self._runs.add(ranked[ends], said[ends])
        return repeats


def _summed(keys: Words, values: Words) -> tuple[Words, Words]:
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(keys[order]) != 0]))
    return keys[order][starts], np.add.reduceat(values[order], starts)


def _last(keys: Words, values: Words) -> tuple[Words, Words]:
    order = np.argsort(keys, kind="stable")  # stable: of equal keys the younger comes last
    ranked = keys[order]
    ends = np.append(np.flatnonzero(np.diff(ranked) != 0), len(ranked) - 1)
    return ranked[ends], values[order][ends]
