"""A run of the journey index: the events of some segments, put together by subject, each subject's in order.

A run is three Arrow files that open by memory map: `offsets` (where each subject's events begin), `codes` and `times`;
`subjects` beside them where few numbers of the space occur. Ten bytes an event and four a subject. Properties are not
part of it: a file per path, aligned with the run, is made when it is first asked for, by redoing the permutation.

The order within a subject is (at, source, position, id). Segments arrive sorted by (profile, at, position, id), so most
of it holds as soon as the events are counted into their places; positions and ids are read for ties in doubt alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- the index reads our own segments
from numpy.typing import NDArray

from cxminute.store import kernels
from cxminute.store.arrays import numbers_of, open_array, plain, settle_folder, write_array
from cxminute.store.columns import Columns, FiledColumns
from cxminute.store.facts import VERSION, read_facts, write_facts
from cxminute.store.pieces import Piece, ahead, certain, column_of, in_sequence, read_events, read_subjects, tasks

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Arranged:
    """Events by subject, in order.

    subjects: number of each subject, ascending; None where they are 0, 1, 2, ...
    offsets:  one more than subjects
    rows:     for each event the ordinal of its row over all pieces; may be empty where codes were given
    first:    when the first event happened, those without a subject included; None where there is none
    last:     when the last did
    """

    subjects: Ints | None
    offsets: Ints
    times: Ints
    codes: NDArray[np.uint16]
    rows: Ints
    first: int | None
    last: int | None


def arrange(
    pieces: Sequence[Piece], space: str, codes: Mapping[tuple[str, str], int] | None, *, threads: int
) -> Arranged:
    """The events of pieces (given in sequence), by subject of a space; without codes, which rows they are.

    The subject column is read twice, once to count and once to place, so that beside the result no more than a few row
    groups are in memory.
    """
    column = column_of(space)
    settled = certain(pieces, space)
    counts = np.zeros(1024, np.uint32)
    first: int | None = None
    last: int | None = None
    for groups in ahead(lambda task: read_subjects(task, column), list(tasks(pieces)), threads):
        for subjects in groups:
            top = int(subjects.max(initial=-1))
            if top >= counts.size:
                counts = np.concatenate([counts, np.zeros(max(top + 1, 2 * counts.size) - counts.size, np.uint32)])
            kernels.count(subjects, counts)
    held = np.flatnonzero(counts)
    total = int(counts.sum(dtype=np.int64))
    width = int(held[-1]) + 1 if held.size else 0
    numbers = held if width > 2 * held.size else None
    counts = counts[:width] if numbers is None else counts[held]
    offsets = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    times, out = np.empty(total, np.int64), np.empty(total, np.uint16)
    places = np.empty(total if codes is None or not settled else 0, np.int64)
    cursors = offsets[:-1].copy()
    for groups_read in ahead(lambda task: read_events(task, column, codes), list(tasks(pieces)), threads):
        for chunk in groups_read:
            local = chunk.subjects
            if numbers is not None:
                local = np.where(local < 0, -1, np.searchsorted(numbers, local))
            kernels.scatter(local, chunk.times, chunk.codes, chunk.row, cursors, times, out, places)
            if chunk.first is not None and chunk.last is not None:
                first = chunk.first if first is None else min(first, chunk.first)
                last = chunk.last if last is None else max(last, chunk.last)
    kernels.put_in_order(offsets, times, out, places)
    if not settled:
        _settle_rows(pieces, space, offsets, times, out, places)
    return Arranged(numbers, offsets, times, out, places, first, last)


def settle(
    groups: Ints, sources: Ints, origins: Ints, positions: Callable[[Ints], Ints], ids: Callable[[Ints], pa.Array]
) -> Ints:
    """The order by (group, source, position, id) of tied events.

    groups:    ascending; events of one group share subject and time
    origins:   events of one origin stand in order already among themselves
    positions: of the given events; asked only for those whose group and source mix origins
    ids:       the same, asked only where positions are equal too
    """
    keys: tuple[Ints, ...] = (sources, groups)
    for ask in (positions, lambda asked: np.asarray(pc.rank(plain(ids(asked)), tiebreaker="dense"), np.int64)):
        order = np.lexsort(keys)
        doubtful = order[_mixed([key[order] for key in keys], origins[order])]
        if not doubtful.size:
            return order
        answers = np.zeros(groups.size, np.int64)
        answers[doubtful] = ask(doubtful)
        keys = (answers, *keys)
    return np.lexsort(keys)


def _mixed(keys: Sequence[Ints], origins: Ints) -> NDArray[np.bool_]:
    """For each of the sorted events, whether those equal to it in all keys are of more than one origin."""
    if not origins.size:
        return np.zeros(0, np.bool_)
    fresh = np.ones(origins.size, np.bool_)
    fresh[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    starts = np.flatnonzero(fresh)
    mixed = np.minimum.reduceat(origins, starts) != np.maximum.reduceat(origins, starts)
    return np.repeat(mixed, np.diff(np.append(starts, origins.size)))


def _settle_rows(
    pieces: Sequence[Piece], space: str, offsets: Ints, times: Ints, codes: NDArray[np.uint16], rows: Ints
) -> None:
    """Puts tied events of a new run in order, in place."""
    places, groups = kernels.tied(offsets, times)
    if not places.size:
        return
    starts = np.cumsum([0, *(piece.rows for piece in pieces)])
    names = sorted({piece.source for piece in pieces})
    ranks = np.array([names.index(piece.source) for piece in pieces], np.int64)
    tied_rows = rows[places]
    owner = np.searchsorted(starts, tied_rows, side="right") - 1
    # Only in the space of persons is a segment's own order that of its subjects.
    origins = owner if space == "person" else tied_rows

    def ask(column: str, asked: Ints) -> pa.Array:
        parts, order = [], []
        for ordinal in np.unique(owner[asked]):
            mine = np.flatnonzero(owner[asked] == ordinal)
            values = pq.read_table(pieces[ordinal].path, columns=[column]).column(0)
            parts += values.take(pa.array(tied_rows[asked][mine] - starts[ordinal])).chunks
            order.append(mine)
        back = np.argsort(np.concatenate(order), kind="stable")
        return pa.chunked_array(parts).combine_chunks().take(pa.array(back))

    def positions(asked: Ints) -> Ints:
        return numbers_of(ask("position", asked))

    order = settle(groups, ranks[owner], origins, positions, lambda asked: ask("id", asked))
    codes[places] = codes[places][order]
    rows[places] = tied_rows[order]


@dataclass(frozen=True, slots=True)
class Run:
    """An arranged run, open, and what is known of its events' properties.

    offsets: uint32 or int64
    names:   (source, name) by code, of its sources, as they were when it was made
    keys:    of the pieces it holds
    """

    subjects: Ints | None
    offsets: NDArray[np.uint32] | Ints
    times: Ints
    codes: NDArray[np.uint16]
    first: int | None
    last: int | None
    names: Mapping[int, tuple[str, str]]
    columns: Columns
    keys: tuple[str, ...] = ()

    def places(self, numbers: range) -> tuple[int, int]:
        """From where to where the subjects of a range of numbers stand in `subjects`."""
        if self.subjects is None:
            count = self.offsets.size - 1
            return min(max(numbers.start, 0), count), min(max(numbers.stop, 0), count)
        low, high = np.searchsorted(self.subjects, [numbers.start, numbers.stop])
        return int(low), int(high)

    def number(self, place: int) -> int:
        """The number of the subject at a place."""
        return place if self.subjects is None else int(self.subjects[place])

    def numbers(self, low: int, high: int) -> Ints:
        """The numbers of the subjects at places from low to high."""
        return np.arange(low, high, dtype=np.int64) if self.subjects is None else self.subjects[low:high]


def write_run(
    folder: Path, pieces: Sequence[Piece], space: str, codes: Mapping[tuple[str, str], int], threads: int
) -> str:
    """A run of these pieces as a new folder inside `folder`, there whole or not at all; returns its name."""
    pieces = in_sequence(pieces)
    found = arrange(pieces, space, codes, threads=threads)
    unfinished = folder / f".{uuid4().hex}"
    unfinished.mkdir(parents=True)
    narrow = pa.uint32() if found.times.size < 2**32 else pa.int64()
    arrays = {
        "times": pa.array(found.times),
        "codes": pa.array(found.codes),
        "offsets": pa.array(found.offsets).cast(narrow),
        **({} if found.subjects is None else {"subjects": pa.array(found.subjects)}),
    }
    with ThreadPoolExecutor(2) as pool:  # one file is written while another is flushed
        writing = [pool.submit(write_array, unfinished / f"{name}.arrow", a, name=name) for name, a in arrays.items()]
    for written in writing:
        written.result()
    sources = {piece.source for piece in pieces}
    facts = {
        "version": VERSION,
        "space": space,
        "pieces": [piece.key for piece in pieces],
        "first": found.first,
        "last": found.last,
        "codes": [[*pair, code] for pair, code in codes.items() if pair[0] in sources],
    }
    write_facts(unfinished / "run.json", facts)
    settle_folder(unfinished)
    name = f"run-{uuid4().hex}"
    unfinished.rename(folder / name)
    settle_folder(folder)
    return name


def open_run(folder: Path, pieces: Mapping[str, Piece], threads: int) -> Run:
    """A run by memory map. `pieces` by key; it holds those of the run at least, or properties cannot be read."""
    facts = read_facts(folder / "run.json")
    names = {code: (source, name) for source, name, code in facts["codes"]}
    keys = tuple(facts["pieces"])
    held = [pieces[key] for key in keys if key in pieces]

    def permutation() -> pa.Array:
        return pa.array(arrange(held, facts["space"], None, threads=threads).rows)

    few = folder / "subjects.arrow"
    return Run(
        subjects=numbers_of(open_array(few)) if few.exists() else None,
        offsets=open_array(folder / "offsets.arrow").to_numpy(),
        times=numbers_of(open_array(folder / "times.arrow")),
        codes=open_array(folder / "codes.arrow").to_numpy(),
        first=facts["first"],
        last=facts["last"],
        names=names,
        columns=FiledColumns(folder, held, permutation),
        keys=keys,
    )
