"""The stated benchmark log: what every figure is measured on.

240 event names; 'Page Viewed' is 60 % of all events and 'Order Completed' 3 %, the rest falls off by rank. Five number
and five text properties. One person for 20 events on average, heavy-tailed: the tenth of people with most events have
about 40 % of them. One year in order of time, except that 2 % of events come up to a day late. The same seed gives
the same rows, chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cxminute.model.tables import MOMENT, WORD
from cxminute.model.times import DAY
from cxminute.store import kernels
from cxminute.store.arrays import numbers_of, open_array, write_array
from cxminute.store.columns import HeldColumns
from cxminute.store.index import Index, Piece
from cxminute.store.runs import Run

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
    return (chunk(first, events, seed) for first in range(0, events, CHUNK))


def chunk(first: int, events: int, seed: int = 1) -> Chunk:
    """The million events (at most) that begin with the one of this ordinal."""
    people = max(events // 20, 1)
    bounds = np.cumsum(SHARES)
    bounds[-1] = 1.0
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
    return Chunk(
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


def arranged(folder: Path, events: int, seed: int = 1, paths: tuple[str, ...] = ("p0",), threads: int = 2) -> Index:
    """The same log as an index of people in files under `folder`, by memory map; made at once where it is there.

    The run's arrays are put together here, by the kernels that build every index, and written in the index's own file
    form: what `build` makes of `segments`, without the Parquet files in between, so that 100 M events take two minutes
    and not twenty. paths: number properties that are kept beside, aligned with the run (not counted as index).
    """
    names = ("times", "codes", "offsets", "bounds", *paths)
    files = {name: folder / f"{name}.arrow" for name in names}
    if not all(file.exists() for file in files.values()):
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in _arrange(events, seed, paths, threads):
            write_array(files[name], values, name=name)
    first, last = open_array(files["bounds"]).to_pylist()
    run = Run(
        subjects=None,
        offsets=open_array(files["offsets"]).to_numpy(),
        times=numbers_of(open_array(files["times"])),
        codes=open_array(files["codes"]).to_numpy(),
        first=first,
        last=last,
        names={code: pair for pair, code in CODES.items()},
        columns=HeldColumns({f"properties.{path}": ("number", open_array(files[path])) for path in paths}),
    )
    return Index("person", [run])


def _arrange(events: int, seed: int, paths: tuple[str, ...], threads: int) -> Iterator[tuple[str, pa.Array]]:
    """The run's arrays by name, one at a time."""
    firsts = range(0, events, CHUNK)
    people, times = np.empty(events, np.int64), np.empty(events, np.int64)
    codes = np.empty(events, np.uint16)
    values = {path: np.empty(events) for path in paths}

    def draw(first: int) -> None:
        drawn = chunk(first, events, seed)
        here = slice(first, first + drawn.times.size)
        people[here], times[here], codes[here] = drawn.people, drawn.times, drawn.names
        for path in paths:
            values[path][here] = drawn.properties[path].to_numpy()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(draw, firsts))
    offsets = np.zeros(max(events // 20, 1) + 1, np.int64)
    np.cumsum(np.bincount(people, minlength=offsets.size - 1), out=offsets[1:])
    own = np.empty(events, np.int64), np.empty(events, np.uint16), np.empty(events, np.int64)
    kernels.scatter(people, times, codes, 0, offsets[:-1].copy(), *own)
    kernels.put_in_order(offsets, *own)
    yield "bounds", pa.array([own[0].min(), own[0].max()])
    yield "times", pa.array(own[0])
    yield "codes", pa.array(own[1])
    yield "offsets", pa.array(offsets).cast(pa.uint32())
    for path in paths:
        yield path, pa.array(values.pop(path)[own[2]])


def _told(letter: str, numbers: NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(letter, pa.array(numbers).cast(pa.string()), "")


def _named(chunk: Chunk) -> pa.Array:
    return pa.DictionaryArray.from_arrays(chunk.names.astype(np.int32), pa.array(NAMES))
