"""The journey index: the log's events by subject and time, in files that open by memory map.

An index is a folder of runs for one space ('person', or a kind of identifier such as 'order_id'): a base run, and delta
runs for segments that came later. `build` and `extend` make it hold the segments of the log, `open_index` reads it.
Whether a segment lies in the base or in a delta changes no stream; nor does the order in which segments came.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.errors import BadData, BrokenStore, UnknownName
from cxminute.store import kernels
from cxminute.store.arranging import by_subject, ranked
from cxminute.store.arrays import distinct, kind_of, moments, numbers_of, typed, worded
from cxminute.store.columns import HeldColumns
from cxminute.store.facts import VERSION, alone, read_facts, write_facts
from cxminute.store.people import People
from cxminute.store.pieces import Piece
from cxminute.store.runs import Run, open_run, write_run
from cxminute.store.streams import Bucket, Names, Part, Share, cut, merged

__all__ = ["Index", "People", "Piece", "build", "extend", "in_memory", "open_index"]

Ints = NDArray[np.int64]

SMALL, LARGE = 1 << 20, 1 << 21
"""Events of a bucket: enough that handing it to a thread costs nothing beside, few enough that what a task makes of
them (tens of megabytes) fits beside the others. Between the two a tenth of all, so that each processor has some."""
DELTAS = 8
"""Most delta runs beside the base before all is put into one run again."""
PASSING = 4
"""Most runs of passing pieces before they are put into one; the base is left alone by that."""


def build(
    pieces: Sequence[Piece], space: str, folder: Path, codes: Mapping[tuple[str, str], int], threads: int = 2
) -> None:
    """Makes the index of a space anew, as one run; what was there is replaced in one step.

    space:  'person' (subjects are the profiles), or the kind of identifier whose column holds the subjects;
            rows without one are left out, and a segment without the column gives none
    codes:  number from 0 to 65,535 of each (source, event name); it may grow, never change
    threads: that decode segments, beside the one that places their events
    raises: BrokenStore where a name has no code or a segment is not as the log says; the index is then as it was
    """
    with alone(folder):
        _publish(folder, space, [write_run(folder, pieces, space, codes, threads)])


def extend(
    pieces: Sequence[Piece], space: str, folder: Path, codes: Mapping[tuple[str, str], int], threads: int = 2
) -> None:
    """Makes the index hold exactly these pieces, all of the log: new ones go into a delta run.

    A run is made again where one of its pieces left the log or lost rows. All runs become one where deltas are more
    than eight or hold more than half of the base. Nothing is done where nothing changed. Pieces that are passing lie in
    runs of their own, so that what takes their place makes little to be made again.
    """
    with alone(folder):
        before = _runs(folder, space) if (folder / "index.json").exists() else []
        runs = _kept(before, pieces, folder, codes)
        held = {key for name in runs for key in read_facts(folder / name / "run.json")["pieces"]}
        fresh = [piece for piece in pieces if piece.key not in held]
        staying = [piece for piece in fresh if not piece.passing]
        passing = [piece for piece in fresh if piece.passing]
        if not runs or staying:
            runs = [*runs, write_run(folder, staying, space, codes, threads)]
        if passing:
            runs = [*runs, write_run(folder, passing, space, codes, threads)]
        if runs != before:
            _publish(folder, space, runs)


def let_go(folder: Path, pieces: Sequence[Piece], codes: Mapping[tuple[str, str], int]) -> int:
    """Removes runs that hold anything but these pieces, or a name that no code has; returns how many.

    What was removed of the log stands in no index then; `extend` makes again what is missing.
    """
    if not (folder / "index.json").exists():
        return 0
    with alone(folder):
        space = read_facts(folder / "index.json")["space"]
        before = _runs(folder, space)
        standing = {piece.key for piece in pieces}
        facts = {name: read_facts(folder / name / "run.json") for name in before}
        kept = [
            name
            for name in before
            if set(facts[name]["pieces"]) <= standing
            and all(codes.get((source, word)) == code for source, word, code in facts[name]["codes"])
        ]
        if kept:
            _publish(folder, space, kept)
            return len(before) - len(kept)
        (folder / "index.json").unlink()
        for found in folder.iterdir():
            if found.is_dir():
                shutil.rmtree(found)
        return len(before)


def _kept(
    runs: Sequence[str], pieces: Sequence[Piece], folder: Path, codes: Mapping[tuple[str, str], int]
) -> list[str]:
    """Those of the runs that an extension keeps; none where all is to become one run."""
    by_key = {piece.key: piece for piece in pieces}
    facts = {name: read_facts(folder / name / "run.json") for name in runs}
    kept = [
        name
        for name in runs
        if set(facts[name]["pieces"]) <= by_key.keys()
        and all(codes.get((source, word)) == code for source, word, code in facts[name]["codes"])
    ]
    held = {key for name in kept for key in facts[name]["pieces"]}
    fresh = [piece for key, piece in by_key.items() if key not in held]
    if not fresh and kept == list(runs):
        return kept
    passing = [name for name in kept if any(by_key[key].passing for key in facts[name]["pieces"])]
    staying = [name for name in kept if name not in passing]
    if not staying:
        return []
    rows = [sum(by_key[key].rows for key in facts[name]["pieces"]) for name in staying]
    more = [piece.rows for piece in fresh if not piece.passing]
    if len(staying) + bool(more) > DELTAS + 1 or sum(rows[1:]) + sum(more) > rows[0] / 2:
        return []
    return staying if len(passing) >= PASSING else kept


def open_index(  # noqa: PLR0913 -- what there is, for whom it is read, and who is who
    folder: Path,
    space: str,
    pieces: Sequence[Piece],
    *,
    sources: frozenset[str] | None = None,
    closes_at: int | None = None,
    people: People | None = None,
    behind: People | None = None,
    shared: bool = False,
    threads: int = 2,
    bucket: int | None = None,
) -> Index:
    """The subjects of a space, by memory map.

    pieces:    all of the log, as given to `build` or `extend`, with the side files that there are now
    sources:   that the permit covers; None for all
    closes_at: UTC milliseconds, inclusive; None for the last event that happened
    people:    which of the space's numbers are one subject: of persons, which profiles; None while each is its own
    behind:    which profiles are one person, for who stands behind an event of another subject; of persons it is people
    shared:    whether subjects are of many people, as accounts are: events of those whom `behind` leaves out (-1) are
               not in their streams
    bucket:    about how many events a bucket has; None: by how many there are
    raises:    BrokenStore where the index was made of other pieces: `extend` it first
    """
    by_key = {piece.key: piece for piece in pieces}
    runs = [open_run(folder / name, by_key, threads) for name in _runs(folder, space)]
    held = [key for run in runs for key in run.keys]
    if sorted(held) != sorted(by_key):
        raise BrokenStore(
            f"The index of '{space}' is of {len(held)} segments, and not of the {len(by_key)} that make the log now.",
            then="Extend the index first.",
        )
    return Index(
        space, runs, sources=sources, closes_at=closes_at, people=people, behind=behind, shared=shared, bucket=bucket
    )


def in_memory(
    events: pa.Table,
    per: str,
    closes_at: int | None = None,
    sources: frozenset[str] | None = None,
    *,
    bucket: int | None = None,
) -> Index:
    """The subjects of a table: the same streams, without a file.

    events: `subject` (integer; null for none), `at` (timestamp, or integer UTC milliseconds), `name`; optionally
            `source`, `position`, `id`; every other column is a path. Without source all are of one unnamed source;
            events that tie and have no position or id stay in the table's order
    raises: UnknownName where a column is missing; BadData where there are more than 65,536 pairs of source and name
    """
    for column in ("subject", "at", "name"):
        if column not in events.column_names:
            raise UnknownName("column", column, events.column_names)
    count = events.num_rows
    flat = {name: _flat(events.column(name)) for name in events.column_names}
    times = numbers_of(moments(flat["at"]))
    names = worded(flat["name"])
    sourced = worded(flat["source"]) if "source" in flat else worded(pa.array([""] * min(count, 1)))
    spoken = names.dictionary.to_pylist()
    pairs = numbers_of(names.indices)
    if "source" in flat:
        pairs = numbers_of(sourced.indices) * max(len(spoken), 1) + pairs
    used, coded = ranked(pairs)
    most = np.iinfo(np.uint16).max + 1  # a code of two bytes stands for each
    if used.size > most:
        what = f"The table has {used.size:,} different pairs of source and event name."
        raise BadData(what, allowed=f"up to {most:,}; what varies from event to event is a property")
    told = sourced.dictionary.to_pylist()
    meaning = {code: (told[pair // len(spoken)], spoken[pair % len(spoken)]) for code, pair in enumerate(used.tolist())}
    codes = coded.astype(np.uint16)
    given = flat["subject"].cast(pa.int64())
    own = {"subject", "at", "name", "source", "position", "id"}
    found = by_subject(
        numbers_of(given.fill_null(0)),
        given.is_valid().to_numpy(zero_copy_only=False),
        times,
        codes,
        ranks=Names.of(meaning).ranks(),
        positions=(lambda asked: numbers_of(flat["position"])[asked]) if "position" in flat else None,
        ids=(lambda asked: flat["id"].take(pa.array(asked))) if "id" in flat else None,
        keep_rows=not flat.keys() <= own,
    )
    taken = pa.array(found.rows)
    columns = {
        path: (kind_of(values), typed(values, kind_of(values)).take(taken))
        for path, values in flat.items()
        if path not in own and not pa.types.is_null(values.type)
    }
    run = Run(
        subjects=found.subjects,
        offsets=found.offsets,
        times=found.times,
        codes=found.codes,
        first=int(times.min()) if count else None,
        last=int(times.max()) if count else None,
        names=meaning,
        columns=HeldColumns(columns),
    )
    return Index(per, [run], sources=sources, closes_at=closes_at, bucket=bucket)


class Index:
    """Subjects over one or more open runs: a base and its deltas, with the profiles of one person as one stream."""

    def __init__(
        self,
        per: str,
        runs: Sequence[Run],
        *,
        sources: frozenset[str] | None = None,
        closes_at: int | None = None,
        people: People | None = None,
        behind: People | None = None,
        shared: bool = False,
        bucket: int | None = None,
    ) -> None:
        self.per = per
        self._all = tuple(runs)  # a path's type is that of the whole log, whatever a run has of these subjects
        self._runs = [run for run in runs if run.times.size] or list(runs[:1])
        self._last = max((run.last for run in runs if run.last is not None), default=0)
        self.opens_at = min((run.first for run in runs if run.first is not None), default=0)
        self.closes_at = self._last if closes_at is None else closes_at
        self._names = _names(runs, sources)
        self._bucket = bucket
        self._people = people
        self._behind = people if per == "person" else behind
        self._without = behind if shared and behind is not None and behind.leaves_out else None
        self._persons, self._profiles = self._owned()
        self._kinds: dict[str, frozenset[str]] = {}

    def buckets(self) -> Sequence[range]:
        """Ranges of subjects, of about equally many events; a subject is never split."""
        if self._alone and self._runs:
            run = self._runs[0]
            ends, numbered = run.offsets[1:], run.number
        else:
            numbers, counts = self._counts()
            ends, numbered = np.cumsum(counts), lambda place: int(numbers[place])
        if not ends.size:
            return []
        total = int(ends[-1])
        size = min(max(total // 10, SMALL), LARGE) if self._bucket is None else self._bucket
        many = max(1, -(-total // size))
        # In the type of the offsets, or all of them would be turned into another and copied.
        wanted = (np.arange(1, many, dtype=np.int64) * total // many).astype(ends.dtype)
        splits = np.unique(np.searchsorted(ends, wanted, side="left") + 1).tolist()
        inner = [numbered(place) for place in splits if place < ends.size]
        bounds = [numbered(0), *inner, numbered(ends.size - 1) + 1]
        return [range(low, high) for low, high in pairwise(bounds)]

    def read(self, bucket: range) -> Bucket:
        """The streams of one bucket: as they lie where one run holds all, else gathered and merged."""
        if self._alone:
            run = self._runs[0]
            low, high = run.places(bucket)
            numbers = run.numbers(low, high)
            bounds = run.offsets[low : high + 1].astype(np.int64)
            start, stop = int(bounds[0]), int(bounds[-1])
            offsets, chosen = bounds - start, slice(start, stop)
            times, codes = run.times[chosen], run.codes[chosen]
            parts, order = [Part(run, chosen, self._behind)], None
        else:
            shares = [self._share(run, bucket) for run in self._runs]
            numbers = distinct(np.concatenate([share.owners for share in shares]))
            offsets, times, codes, order = merged(shares, numbers, self._names)
            parts = [share.part for share in shares]
        if self._last > self.closes_at or self._without is not None:
            stay = times <= self.closes_at
            if self._without is not None:
                permitted = np.concatenate([part.permitted(self._without) for part in parts])
                stay &= permitted if order is None else permitted[order]
            offsets, kept = cut(offsets, stay)
            times, codes, order = times[kept], codes[kept], kept if order is None else order[kept]
        return Bucket(numbers, offsets, times, codes, parts=parts, order=order, names=self._names, kinds=self._kinds_of)

    @property
    def _alone(self) -> bool:
        return len(self._runs) == 1 and self._people is None

    def _kinds_of(self, path: str) -> frozenset[str]:
        if path not in self._kinds:
            self._kinds[path] = frozenset().union(*(run.columns.kinds(path) for run in self._all))
        return self._kinds[path]

    def _owned(self) -> tuple[Ints, Ints]:
        """Person and profile, for every profile that a run knows, by person; empty where each is its own."""
        if self._people is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        known = [run.numbers(0, run.offsets.size - 1) for run in self._runs]
        profiles = known[0] if len(known) == 1 else distinct(np.concatenate(known))
        persons = self._people.owners(profiles)
        order = np.argsort(persons, kind="stable")
        order = order[persons[order] >= 0]  # those who are nobody are left out
        return persons[order], profiles[order]

    def _counts(self) -> tuple[Ints, Ints]:
        """Every subject, and how many events it has over all runs."""
        shares = [self._share(run, range(-(2**63), 2**63 - 1)) for run in self._runs]
        if not shares:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        owners = np.concatenate([share.owners for share in shares])
        numbers, local = np.unique(owners, return_inverse=True)
        counts = np.zeros(numbers.size, np.int64)
        np.add.at(counts, local, np.concatenate([share.counts for share in shares]))
        return numbers, counts

    def _share(self, run: Run, bucket: range) -> Share:
        """What a run gives to a bucket."""
        if self._people is None:
            low, high = run.places(bucket)
            bounds = run.offsets[low : high + 1].astype(np.int64)
            return Share(
                Part(run, slice(int(bounds[0]), int(bounds[-1])), self._behind), run.numbers(low, high), np.diff(bounds)
            )
        low, high = np.searchsorted(self._persons, [bucket.start, bucket.stop])
        owners, profiles = self._persons[low:high], self._profiles[low:high]
        known = run.numbers(0, run.offsets.size - 1)
        places = np.searchsorted(known, profiles)
        here = places < known.size
        here[here] = known[places[here]] == profiles[here]
        places, owners = places[here], owners[here]
        starts = run.offsets[places].astype(np.int64)
        counts = run.offsets[places + 1].astype(np.int64) - starts
        return Share(Part(run, kernels.spread(starts, counts), self._behind), owners, counts)


def _flat(values: pa.ChunkedArray) -> pa.Array:
    """One array of a table's column."""
    if pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
    found = values.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def _names(runs: Sequence[Run], sources: frozenset[str] | None) -> Names:
    """The meaning of all codes; two runs never give one code two meanings, as codes only grow."""
    return Names.of({code: pair for run in runs for code, pair in run.names.items()}, sources)


def _runs(folder: Path, space: str) -> list[str]:
    """Names of the runs that make the index, the base first."""
    facts = read_facts(folder / "index.json")
    if facts["space"] != space:
        raise BrokenStore(f"The index in {folder.name} is of '{facts['space']}', not of '{space}'.")
    return list(facts["runs"])


def _publish(folder: Path, space: str, runs: Sequence[str]) -> None:
    """Makes these the runs of the index in one step, then sweeps away what no index names."""
    write_facts(folder / "index.json", {"version": VERSION, "space": space, "runs": list(runs)})
    for found in folder.iterdir():
        if found.is_dir() and found.name not in runs:
            shutil.rmtree(found)
        elif found.name.startswith("."):  # of a writer that was killed
            found.unlink()
