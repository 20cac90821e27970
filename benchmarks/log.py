"""The stated benchmark log: what every figure is measured on.

240 event names; 'Page Viewed' is 60 % of all events and 'Order Completed' 3 %, the rest falls off by rank. Five number
and five text properties. One person for 20 events on average, heavy-tailed: the tenth of people with most events have
about 40 % of them. One year in order of time, except that 2 % of events come up to a day late. The same seed gives
the same rows, chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cxminute.model.tables import MOMENT, WORD
from cxminute.model.times import DAY
from cxminute.store.index import Piece

SOURCE = "benchmark"
CHUNK = 1_000_000
BEGIN = 1_704_067_200_000  # 2024-01-01T00:00:00Z
YEAR = 365 * DAY
NAMES = ("Page Viewed", "Order Completed", *(f"Event {i:03d}" for i in range(238)))
CODES = {(SOURCE, name): code for code, name in enumerate(NAMES)}
_OTHERS = 1 / np.arange(2.0, 240.0)
SHARES = np.concatenate([[0.60, 0.03], 0.37 * _OTHERS / _OTHERS.sum()])
WORDS = tuple(np.array([f"{word} {i}" for i in range(count)]) for word, count in
              (("channel", 5), ("country", 30), ("category", 200), ("carrier", 12), ("campaign", 1000)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive events as they come.

    first:  ordinal of the first one
    people: number of the person, from 0
    names:  ordinal in NAMES
    times:  UTC milliseconds
    """

    first: int
    people: NDArray[np.int64]
    names: NDArray[np.int64]
    times: NDArray[np.int64]
    properties: dict[str, pa.Array]


def chunks(events: int, seed: int = 1) -> Iterator[Chunk]:
    """The log, a million events at a time."""
    people = max(events // 20, 1)
    bounds = np.cumsum(SHARES)
    bounds[-1] = 1.0
    for first in range(0, events, CHUNK):
        count = min(CHUNK, events - first)
        random = np.random.default_rng([seed, first])
        # Density falls with the number: u ** 2.5 is a power law. The stride scatters the busy over all numbers.
        ranks = (people * random.random(count) ** 2.5).astype(np.int64)
        steady = BEGIN + (np.arange(first, first + count) * (YEAR / events)).astype(np.int64)
        late = (random.random(count) < 0.02) * random.integers(0, DAY, count)
        numbers = {f"p{i}": pa.array(np.round(random.gamma(2.0, 10.0 * (i + 1), count), 2)) for i in range(5)}
        texts = {
            f"p{i + 5}": pa.DictionaryArray.from_arrays(
                random.integers(0, words.size, count).astype(np.int32), pa.array(words)
            )
            for i, words in enumerate(WORDS)
        }
        yield Chunk(
            first=first,
            people=ranks * _stride(people) % people,
            names=np.searchsorted(bounds, random.random(count), side="right").astype(np.int64),
            times=np.maximum(steady - late, BEGIN),
            properties={**numbers, **texts},
        )


def _stride(people: int) -> int:
    """A number near the golden section of `people` without a factor in common with it."""
    stride = max(int(people * 0.618), 1)
    while np.gcd(stride, people) != 1:
        stride += 1
    return stride


def source_files(folder: Path, events: int, seed: int = 1) -> list[Path]:
    """The log as Parquet files to be collected: message_id, user_id, event, at, p0 ... p9; a million rows each."""
    paths: list[Path] = []
    for chunk in chunks(events, seed):
        rows = np.arange(chunk.first, chunk.first + chunk.times.size)
        table = pa.table(
            {
                "message_id": _told("m", rows),
                "user_id": _told("u", chunk.people),
                "event": _named(chunk),
                "at": pa.array(chunk.times).cast(MOMENT),
                **chunk.properties,
            }
        )
        paths.append(folder / f"source-{len(paths):05d}.parquet")
        pq.write_table(table, paths[-1], compression="zstd")
    return paths


def segments(folder: Path, events: int, seed: int = 1) -> list[Piece]:
    """The log as segments of a million rows each, in the form of the event log, all that it has but the VARIANT."""
    pieces: list[Piece] = []
    for chunk in chunks(events, seed):
        count = chunk.times.size
        order = np.lexsort((np.arange(count), chunk.times, chunk.people))
        people = pa.array(chunk.people)
        table = pa.table(
            {
                "id": pc.binary_join_element_wise(_told("m", np.arange(chunk.first, chunk.first + count)), "0", "#"),
                "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([SOURCE])).cast(WORD),
                "position": pa.array(np.arange(chunk.first, chunk.first + count)),
                "kind": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array(["track"])).cast(WORD),
                "name": _named(chunk),
                "at": pa.array(chunk.times).cast(MOMENT),
                "digest": pa.array(np.random.default_rng(chunk.first).integers(0, 2**63, count).astype(np.uint64)),
                "profile": people,
                "user_id": people,
                "anonymous_id": pa.nulls(count, pa.int64()),
                **{
                    f"properties.{name}:{'text' if pa.types.is_dictionary(values.type) else 'number'}": values
                    for name, values in chunk.properties.items()
                },
            }
        ).take(pa.array(order))
        path = folder / f"segment-{len(pieces):05d}.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=122_880)
        pieces.append(Piece(path, count, SOURCE, np.empty(0, np.int64)))
    return pieces


def _told(letter: str, numbers: NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(letter, pa.array(numbers).cast(pa.string()), "")


def _named(chunk: Chunk) -> pa.Array:
    return pa.DictionaryArray.from_arrays(chunk.names.astype(np.int32), pa.array(NAMES))
