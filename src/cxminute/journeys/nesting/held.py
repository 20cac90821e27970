"""Subjects of several keys: a subject's stream split by the values of properties that are held constant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.journeys.nesting.chosen import Chosen
from cxminute.journeys.plan import Plan
from cxminute.store.protocols import Streams

Ints = NDArray[np.int64]


class Held(Chosen):
    """Streams with one stream for each subject and value of the held keys, by subject and then by value.

    streams: of the subjects; an event without a value of every key is in none of the split streams
    paths:   the keys
    owners:  for each split stream, the place of its subject in `streams`
    """

    def __init__(self, streams: Streams, paths: Sequence[str]) -> None:
        ranks = [_ranks(streams.column(path)) for path in paths]
        of = np.repeat(np.arange(len(streams.subjects), dtype=np.int64), np.diff(streams.offsets))
        kept = np.flatnonzero(np.logical_and.reduce([rank >= 0 for rank in ranks]))
        key = of[kept]
        for rank in ranks:
            key = _paired(key, rank[kept])
        order = np.argsort(key, kind="stable")  # the events of one stream stay in their order
        places = kept[order]
        fresh = np.diff(key[order], prepend=-1) != 0
        starts = np.flatnonzero(fresh)
        self.owners: Ints = of[places[starts]]
        subjects = np.asarray(streams.subjects, np.int64)[self.owners]
        super().__init__(streams, places, subjects, np.append(starts, len(order)).astype(np.int64))


def unheld(plan: Plan, streams: Streams) -> int:
    """How many events that a step of the plan names lack a value of a held key, and so are in no stream."""
    paths = plan.definition.held
    if not paths:
        return 0
    named = np.logical_or.reduce([streams.matches(step) for step in plan.steps])
    valued = np.logical_and.reduce([streams.column(path).is_valid().to_numpy(zero_copy_only=False) for path in paths])
    return int(np.count_nonzero(named & ~valued))


def _paired(first: Ints, second: Ints) -> Ints:
    """Two keys as one that orders by the first and then by the second; both from 0."""
    if not len(first):
        return first
    if int(first.max()) + 1 > np.iinfo(np.int64).max // (int(second.max()) + 1):
        first = np.unique(first, return_inverse=True)[1]
    return first * (int(second.max()) + 1) + second


def _ranks(values: pa.Array) -> Ints:
    """For each value its place among the different ones, in their order; -1 where there is none."""
    if pa.types.is_null(values.type):
        return np.full(len(values), -1, np.int64)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    if not len(coded.dictionary):
        return np.full(len(values), -1, np.int64)
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    codes = coded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(codes >= 0, rank[np.maximum(codes, 0)], -1)
