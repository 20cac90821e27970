"""What is derived of who is who, kept beside the index: the evidence of segments, and the people that it made.

A folder holds `identity.json` and what it names: the evidence of all segments in a few files, and one folder with the
map from identifier to person and what led to it. All open by memory map. Evidence of each segment lies beside them,
packed, so that one that leaves the log or loses rows makes none of the others be read again. All of it can be deleted:
it is made again from the log.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq  # noqa: TID251 -- footers of our own segments
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from cxminute.model.errors import BrokenStore
from cxminute.store.arrays import make_folder, open_batch, settle_folder, write_batch
from cxminute.store.evidence import Evidence, evidence_of, nothing, read_piece, united
from cxminute.store.facts import read_facts, write_facts
from cxminute.store.footers import spread
from cxminute.store.pieces import Piece, Task, ahead, filled
from cxminute.store.schema import RETIRED
from cxminute.store.state import batches
from cxminute.store.vault import is_of_person

Ints = NDArray[np.int64]

VERSION: Final = 2
DELTAS: Final = 8
"""Most files of evidence beside the first before all is put into one again."""
PASTS: Final = 8
"""How many answers as of the past are kept."""

_FACTS: Final = "identity.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """By what it is known whether the map is that of the log as it stands.

    number:   of the map: grows with each that is made
    merged:   whether anybody has more than one identifier
    rules:    digest of what decides beside links: kinds, and sources that nobody may link
    bonds:    of the newest that people said; removals: how often identifiers were erased
    numbers:  how many identifiers the log had; before: how many when merges were last written down
    pieces:   key of each segment -> its number
    evidence: names of files; people: name of the folder; columns: what the codes of identifiers' kinds mean
    """

    number: int
    merged: bool
    rules: str
    bonds: int
    removals: int
    numbers: int
    before: int
    pieces: Mapping[str, int]
    evidence: tuple[str, ...]
    people: str
    columns: tuple[str, ...]

    @property
    def decided(self) -> tuple[str, int, int]:
        """What decides beside links."""
        return self.rules, self.bonds, self.removals


@dataclass(frozen=True, slots=True)
class Numbered:
    """Identifiers by number, from 0.

    column:  code of the column that its kind has in the log: its place in `columns`
    stable:  as of `Vault.people`
    apart:   whether one source alone knows it
    """

    columns: tuple[str, ...]
    column: NDArray[np.uint8]
    stable: NDArray[np.uint64]
    apart: NDArray[np.bool_]

    def extended(self, people: pa.Table) -> Numbered:
        """With more identifiers, as `Vault.people` tells of them."""
        words = [str(word) for word in people["kind"].unify_dictionaries().chunk(0).dictionary.to_pylist()]
        columns = (*self.columns, *(word for word in words if word not in self.columns))
        codes = np.array([columns.index(word) for word in words] or [0], np.uint8)
        numbers = people["number"].to_numpy()
        size = int(numbers.max(initial=self.column.size - 1)) + 1
        grown = size - self.column.size
        column = np.concatenate([self.column, np.full(grown, 255, np.uint8)])
        stable = np.concatenate([self.stable, np.arange(self.column.size, size).astype(np.uint64)])
        apart = np.concatenate([self.apart, np.zeros(grown, np.bool_)])
        column[numbers] = codes[people["kind"].combine_chunks().indices.to_numpy()]
        stable[numbers] = people["stable"].to_numpy()
        apart[numbers] = np.asarray(people["apart"].to_numpy() != "", np.bool_)
        return Numbered(columns, column, stable, apart)

    @staticmethod
    def none() -> Numbered:
        """No identifiers."""
        return Numbered((), np.empty(0, np.uint8), np.empty(0, np.uint64), np.empty(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Map:
    """Who is who.

    persons: by identifier its person; one beyond the end is a person of its own
    nobody:  number, and why (text): identifiers that are nobody's
    refused: a, b, how, at, and why (text): links that do not hold
    """

    persons: Ints
    nobody: pa.RecordBatch
    refused: pa.RecordBatch

    @property
    def merged(self) -> bool:
        """Whether anybody has more than one identifier."""
        return bool((self.persons != np.arange(self.persons.size)).any())


@dataclass(frozen=True)
class Kept:
    """The map that lies in a folder, open."""

    folder: Path
    facts: Facts

    @cached_property
    def map(self) -> Map:
        """Who is who."""
        place = self.folder / self.facts.people
        persons = open_batch(place / "persons.arrow").column(0).to_numpy()
        return Map(persons, open_batch(place / "nobody.arrow"), open_batch(place / "refused.arrow"))

    @cached_property
    def numbered(self) -> Numbered:
        """The identifiers that it was made of."""
        found = open_batch(self.folder / self.facts.people / "identifiers.arrow")
        column, stable = (found.column(name).to_numpy() for name in ("column", "stable"))
        return Numbered(self.facts.columns, column, stable, found.column("apart").to_numpy(zero_copy_only=False))

    @cached_property
    def evidence(self) -> Evidence:
        """All links; put together when they are asked for."""
        return united([nothing(), *self.parts])

    @cached_property
    def parts(self) -> tuple[Evidence, ...]:
        """The same, file by file."""
        return tuple(evidence_of(open_batch(self.folder / name)) for name in self.facts.evidence)

    def open(self) -> Kept:
        """Opens every file, so that none can be swept away before it is asked for; returns itself."""
        _ = self.map, self.numbered, self.parts
        return self


def open_kept(folder: Path) -> Kept | None:
    """What lies in a folder, every file of it open; None where there is nothing yet, or what an older version left.

    raises: BrokenStore where a file cannot be opened that the folder names
    """
    while (facts := _facts(folder)) is not None:
        try:
            return Kept(folder, facts).open()
        except BrokenStore as fault:
            if _facts(folder) == facts:  # else another map took its place just now
                raise BrokenStore(
                    f"What is kept of who is who cannot be opened: {fault.what}",
                    then="Delete the folder 'identity' beside the log: it is made again from the log.",
                ) from fault
    return None


def _facts(folder: Path) -> Facts | None:
    if not (folder / _FACTS).exists():
        return None
    said = read_facts(folder / _FACTS, VERSION)
    if said.pop("version") != VERSION:
        return None
    return Facts(**{**said, **{name: tuple(said[name]) for name in ("evidence", "columns")}})


def keep(folder: Path, facts: Facts, made: Map, numbered: Numbered) -> Kept:
    """Puts a new map in the place of what was there, in one step; whoever calls holds `alone`.

    facts: `people` and `columns` are filled in here
    """
    make_folder(folder)
    unfinished = folder / f".{uuid4().hex}"
    unfinished.mkdir()
    write_batch(unfinished / "persons.arrow", pa.record_batch([pa.array(made.persons)], names=["person"]))
    write_batch(unfinished / "nobody.arrow", made.nobody)
    write_batch(unfinished / "refused.arrow", made.refused)
    columns = [pa.array(numbered.column), pa.array(numbered.stable), pa.array(numbered.apart)]
    batch = pa.record_batch(columns, names=["column", "stable", "apart"])
    write_batch(unfinished / "identifiers.arrow", batch)
    settle_folder(unfinished)
    name = f"people-{uuid4().hex}"
    unfinished.rename(folder / name)
    return settle(folder, facts, people=name, columns=numbered.columns)


def settle(folder: Path, facts: Facts, **changes: Any) -> Kept:
    """Makes these the facts of the folder, in one step, and sweeps away what they do not name."""
    said = replace(facts, **changes)
    write_facts(folder / _FACTS, {"version": VERSION, **asdict(said)})
    for found in folder.iterdir():
        if found.name.startswith(("people-", ".")) and found.is_dir() and found.name != said.people:
            shutil.rmtree(found, ignore_errors=True)
        elif found.name.startswith(("evidence-", ".")) and found.is_file() and found.name not in said.evidence:
            found.unlink(missing_ok=True)
    for found in (folder / "pieces").glob("*.arrow"):
        if found.stem not in said.pieces:
            found.unlink(missing_ok=True)
    return Kept(folder, said).open()


def read_evidence(folder: Path, pieces: Sequence[Piece], *, threads: int = 2) -> list[Evidence]:
    """The evidence of each of these pieces that has any; what is read from a segment is kept beside the map."""
    make_folder(folder / "pieces")

    def told(piece: Piece) -> Evidence:
        file = folder / "pieces" / f"{piece.key}.arrow"
        if file.exists():
            with suppress(BrokenStore):  # swept away just now: it is read again
                return evidence_of(open_batch(file))
        found = read_piece(piece)
        if len(found):
            write_batch(file, found.batch(), packed=True)
        return found

    return [found for found in ahead(told, pieces, threads) if len(found)]


def added(folder: Path, names: Sequence[str], fresh: Sequence[Evidence]) -> tuple[str, ...]:
    """The files of evidence with more of it: one more file, or all in one where they would become too many or large."""
    if not fresh:
        return tuple(names)
    parts = [evidence_of(open_batch(folder / name)) for name in names]
    more = united(list(fresh))
    if len(parts) > DELTAS or 2 * (sum(map(len, parts[1:])) + len(more)) > sum(map(len, parts[:1])):
        more, names = united([*parts, more]), ()
    name = f"evidence-{uuid4().hex}.arrow"
    write_batch(folder / name, more.batch())
    return (*names, name)


def replaced(state: Engine, numbers: Sequence[int]) -> dict[int, int]:
    """Of segments that are no longer in the log, those whose events lie in another now: which."""
    found: dict[int, int] = {}
    c = RETIRED.c
    with state.connect() as connection:
        for part in batches(numbers):
            some = [int(number) for number in part]
            rows = connection.execute(select(c.segment, c.merged).where(c.segment.in_(some)))
            found |= {row.segment: row.merged for row in rows}
    return found


def numbers(pieces: Iterable[Piece]) -> int:
    """How many identifiers of people pieces have: 1 + the greatest number that their footers tell.

    What was numbered and is in no event yet does not count: nobody knew of it.
    """
    found = -1
    for piece in pieces:
        task = Task(piece, tuple(range(pq.read_metadata(piece.path).num_row_groups)), 0, 0)
        for column in filled(piece.path):
            if column == "profile" or is_of_person(column):
                found = max([found, *(greatest for _, greatest, _ in spread(task, column))])
    return found + 1


def noted(folder: Path) -> tuple[int, Ints]:
    """The number of the map whose merges were last written down, and its persons; (0, nobody) before the first."""
    file = folder / "noted.arrow"
    if not file.exists():
        return 0, np.empty(0, np.int64)
    batch = open_batch(file)
    return int((batch.schema.metadata or {})[b"number"]), batch.column(0).to_numpy()


class Marks(NamedTuple):
    """How far tables of the state had grown when merges were last written down.

    merges: id of the newest merge; bonds: of the newest that people said
    """

    merges: int
    bonds: int


def marks(folder: Path) -> Marks:
    """As of the last `note`; zeros before the first."""
    file = folder / "noted.arrow"
    said = (open_batch(file).schema.metadata or {}) if file.exists() else {}
    return Marks(int(said.get(b"merges", 0)), int(said.get(b"bonds", 0)))


def note(folder: Path, number: int, persons: Ints, marked: Marks | None = None) -> None:
    """Remembers that the merges of a map are written down.

    marked: how far the state had grown by then; None for no further than before
    """
    said = marks(folder) if marked is None else marked
    metadata = {"number": str(number), "merges": str(said.merges), "bonds": str(said.bonds)}
    schema = pa.schema([("person", pa.int64())], metadata=metadata)
    write_batch(folder / "noted.arrow", pa.RecordBatch.from_arrays([pa.array(persons)], schema=schema))


def sweep(folder: Path, kept: Path) -> None:
    """Removes answers as of the past but the youngest few: they are made again when they are asked for."""
    others = sorted(folder.glob("*"), key=lambda other: other.stat().st_mtime_ns, reverse=True)
    for other in [other for other in others if other != kept][PASTS:]:
        shutil.rmtree(other, ignore_errors=True)
