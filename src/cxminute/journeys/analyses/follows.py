"""Which event directly follows which, and how often: the counts alone, in one pass over the codes.

`flows` tells more of fewer events (times, subjects, positions around an anchor); this is the picture of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from cxminute.journeys.classes import read_only
from cxminute.model.steps import Step
from cxminute.store.protocols import Streams

Numbers = NDArray[np.int64]

DENSE: Final = 1_024
"""Most codes for which every pair has a counter of its own (two tables of 4 MiB at most)."""

FOLLOWS: Final = pa.schema([("from", pa.string()), ("to", pa.string()), ("count", pa.int64())])


@dataclass(frozen=True, slots=True, eq=False)
class Follows:
    """How often each event directly followed each; what adds.

    names:  of the events
    counts: how often, origin by row and target by column, by place in `names`; the last row is the begin of a stream,
            the last column its end. A sparse matrix where the names are more than DENSE
    """

    names: tuple[str, ...]
    counts: Any

    def __add__(self, other: Follows) -> Follows:
        """The counts of both, in any order."""
        if self.names == other.names:
            return Follows(self.names, self.counts + other.counts)
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        return Follows(names, _spread(self, names) + _spread(other, names))


NOTHING: Final = Follows((), np.zeros((1, 1), np.int64))
"""Of no event at all: what added to any counts leaves them as they are."""


def follow(streams: Streams) -> Follows:
    """The direct successions of a bucket: each event of a permitted source and the next such event of its subject.

    Ties follow one another in the order of the stream. Events of sources that are not permitted are looked through.
    """
    names, letters = letters_of(streams)
    codes, offsets = read_only(streams.codes), read_only(streams.offsets)
    wide = len(names) + 1
    if len(letters) > DENSE:
        return Follows(names, _sparse(*_pairs(letters[codes], offsets, len(names)), wide))
    if (letters >= 0).all():  # nothing to look through: codes are counted as they lie
        counts = successions(offsets, codes, len(letters)).reshape(len(letters) + 1, -1)
        if wide == len(letters) + 1:  # each name has one code
            return Follows(names, counts)
        nodes = np.append(letters, wide - 1)
        found = np.zeros((wide, wide), np.int64)
        np.add.at(found, (nodes[:, None], nodes[None, :]), counts)
        return Follows(names, found)
    return Follows(names, seen_successions(offsets, codes, letters, wide).reshape(wide, wide))


def letters_of(streams: Streams, anchor: Step | None = None) -> tuple[tuple[str, ...], Numbers]:
    """The names of events that may be seen, in order of code, and by code the place of its name; -1 if unseen.

    anchor: endings of journeys are seen only where it names them
    """
    said = [_said(letter, anchor) for letter in streams.alphabet]
    places = {name: place for place, name in enumerate(dict.fromkeys(name for name in said if name is not None))}
    return tuple(places), np.array([-1 if name is None else places[name] for name in said], np.int64)


def merged(parts: Sequence[Follows]) -> Follows:
    """All parts as one; what buckets of any size and in any order give."""
    return reduce(add, parts) if parts else NOTHING


def table(found: Follows) -> pa.Table:
    """One row a succession: from (null: the stream begins), to (null: it ends so far), count; most frequent first."""
    origins, targets = found.counts.nonzero()
    counts = np.asarray(found.counts[origins, targets], np.int64).reshape(-1)
    by_name = np.append(np.argsort(np.argsort(np.array(found.names, object))), len(found.names))
    order = np.lexsort((by_name[targets], by_name[origins], -counts))
    words = pa.array([*found.names, None], pa.string())
    columns = [words.take(pa.array(places[order])) for places in (origins, targets)]
    return pa.Table.from_arrays([*columns, pa.array(counts[order])], schema=FOLLOWS)


def _said(letter: Step | None, anchor: Step | None) -> str | None:
    if letter is None:
        return None
    if letter.kind == "event":
        return letter.name
    return f"journey {letter.name}" if anchor is not None and anchor.covers(letter) else None


def _spread(found: Follows, names: tuple[str, ...]) -> Any:
    """Its counts in a matrix by other names, its own among them."""
    places = {name: place for place, name in enumerate(names)}
    nodes = np.array([*(places[name] for name in found.names), len(names)], np.int64)
    origins, targets = found.counts.nonzero()
    counts = np.asarray(found.counts[origins, targets], np.int64).reshape(-1)
    wide = len(names) + 1
    sparse = _sparse(nodes[origins], nodes[targets], counts, wide)
    return sparse if wide > DENSE else sparse.toarray()


def _sparse(origins: Numbers, targets: Numbers, counts: Numbers, wide: int) -> Any:
    from scipy.sparse import csr_array  # noqa: PLC0415 -- few alphabets are so large

    return csr_array((counts, (origins, targets)), shape=(wide, wide))


def _pairs(letters: Numbers, offsets: Numbers, nothing: int) -> tuple[Numbers, Numbers, Numbers]:
    """Origin, target and a count of one for each succession, `nothing` for begin and end; letters of each event."""
    there = np.flatnonzero(letters >= 0)
    owners = np.searchsorted(offsets, there, side="right")
    seen = letters[there]
    first = np.diff(owners, prepend=-1) != 0
    last = np.diff(owners, append=-1) != 0
    origins = np.concatenate([np.where(first, nothing, np.roll(seen, 1)), seen[last]])
    targets = np.concatenate([seen, np.full(int(last.sum()), nothing)])
    return origins, targets, np.ones(len(origins), np.int64)


def _successions(offsets: Numbers, codes: NDArray[np.uint16], many: int) -> Numbers:
    """Counts of direct successions by code, all codes being seen; `many` stands for begin and end.

    offsets: the events of subject i are offsets[i]:offsets[i + 1]; together they are all of `codes`
    returns: count of (origin, target) at origin * (many + 1) + target

    Neighbours are counted without a look at whose they are, in two tables by turns, since one counter added to twice
    in a row waits for itself; what crosses from one subject to the next is taken off again. Unsigned numbers
    spare the look whether an index is negative.
    """
    wide = np.uint64(many + 1)
    even = np.zeros((many + 1) * (many + 1), np.uint32)
    odd = np.zeros((many + 1) * (many + 1), np.uint32)
    one, two = np.uint64(1), np.uint64(2)
    size = np.uint64(codes.size)
    event = one
    while event + one < size:
        before, now, after = np.uint64(codes[event - one]), np.uint64(codes[event]), np.uint64(codes[event + one])
        even[before * wide + now] += np.uint32(1)
        odd[now * wide + after] += np.uint32(1)
        event += two
    if event < size:
        even[np.uint64(codes[event - one]) * wide + np.uint64(codes[event])] += np.uint32(1)
    total = np.empty(even.size, np.int64)
    for pair in range(even.size):
        total[pair] = np.int64(even[pair]) + np.int64(odd[pair])
    nothing = np.uint64(many)
    for subject in range(offsets.size - 1):
        start, stop = offsets[subject], offsets[subject + 1]
        if stop > start:
            if start > 0:
                total[np.uint64(codes[start - 1]) * wide + np.uint64(codes[start])] -= 1
            total[nothing * wide + np.uint64(codes[start])] += 1
            total[np.uint64(codes[stop - 1]) * wide + nothing] += 1
    return total


def _seen_successions(offsets: Numbers, codes: NDArray[np.uint16], letters: Numbers, wide: int) -> Numbers:
    """Counts of direct successions by letter, looking through codes whose letter is -1; wide - 1: begin and end."""
    total = np.zeros(wide * wide, np.int64)
    for subject in range(offsets.size - 1):
        before = wide - 1
        for event in range(offsets[subject], offsets[subject + 1]):
            letter = letters[codes[event]]
            if letter >= 0:
                total[before * wide + letter] += 1
                before = letter
        if before < wide - 1:
            total[before * wide + wide - 1] += 1
    return total


successions: Final[Callable[[Numbers, NDArray[np.uint16], int], Numbers]] = njit(cache=True, nogil=True)(_successions)
seen_successions: Final[Callable[[Numbers, NDArray[np.uint16], Numbers, int], Numbers]] = njit(cache=True, nogil=True)(
    _seen_successions
)
