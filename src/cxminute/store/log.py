"""The event log: which segments make it, what replaced what, and what was known when.

A collect is told in chunks of a fixed number of source rows. Each chunk is committed whole: segments first become
durable files, then one transaction makes them part of the log, with the chunk's counts, quarantine and personal data.
A collect that was killed is taken up after its last committed chunk.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, insert, or_, select, update

from cxminute.model.errors import BrokenStore, UnknownName, WrongUse
from cxminute.store import destroying, failpoints, quarantine
from cxminute.store import segments as files
from cxminute.store.arrays import make_folder, settle_folder
from cxminute.store.consents import drop_consents, put_consents
from cxminute.store.keyring import Keyring
from cxminute.store.known import Known, rounds
from cxminute.store.manifest import LARGE, VERSION, add_segment, give_codes, next_segment
from cxminute.store.names import Names
from cxminute.store.pieces import Piece
from cxminute.store.schema import CHUNKS, COLLECTS, NAMES, PERSONAL, REJECTS, SEGMENTS, SIDES, SUPERSEDED
from cxminute.store.state import batches, writing
from cxminute.store.vault import ERASED, UNREADABLE, drop_personal, put_personal

_PAUSE: Final = 0.01  # seconds between two looks at a lock


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of source rows and their events; counts add."""

    rows: int = 0
    rejected: int = 0
    added: int = 0
    repeated: int = 0
    corrected: int = 0
    removed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))


@dataclass(frozen=True, slots=True)
class Told:
    """One collect, as the log remembers it. Times are UTC ms; `finished_at` is None while unfinished.

    file: what it is called; it begins with UNREADABLE where that cannot be told any more
    """

    id: int
    source: str
    file: str
    known_at: int
    finished_at: int | None
    undone_at: int | None
    counts: Counts
    parts: int


@dataclass(frozen=True, slots=True)
class Declared:
    """What a source says of its paths: their types (None: as they come), and the zone of times without an offset."""

    types: Mapping[str, str | None] = field(default_factory=dict)
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FileId:
    """What is collected, so that the very same is known again.

    name:    of the file, or 'query', or 'quarantine'
    digest:  SHA-256 of the file; '' where there is none
    mapping: SHA-256 of the source's definition and of how the file is cut
    """

    name: str
    digest: str = ""
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk of source rows became, ready for the log.

    events:   EVENT columns, interned numbers, `profile`, and open property paths
    personal: `id`, `profile` and a column per personal path
    rejects:  REJECT rows
    rows:     source rows, good and bad
    repeated: events that were left out because the file itself had told them just so before
    replayed: ids of quarantine rows that this chunk took up again
    consents: what events said of it: `id` of the event, `profile`, `purpose`, `said`, `how`, `at`; None for nothing
    nobody:   how many events carried a value such as test@test.com that stands for nobody, by kind
    """

    events: pa.Table
    personal: pa.Table
    rejects: pa.Table
    rows: int
    repeated: int = 0
    replayed: tuple[int, ...] = ()
    consents: pa.Table | None = None
    nobody: Mapping[str, int] = field(default_factory=dict)


class EventLog:
    """The log of one project: its folder `.cxm/log` and its rows in the state."""

    def __init__(self, root: Path, state: Engine) -> None:
        self.root = root
        self.state = state
        self.keyring = Keyring(root.parent / "keys")
        """Keys of identifiers, and of what is kept beside the log: `.cxm/keys`."""
        self.names = Names(root, self.keyring)
        """What names of events and files say."""
        self.duck = files.connect()
        self._known: tuple[str, Known] | None = None
        self._version: tuple[int, ...] = ()
        self._sought: frozenset[str] = frozenset()
        """Names, as the state calls them, that no segment has: they are searched for once."""
        self.published = False
        """Whether the manifest is known to be the state's: a kill may have come between the two."""
        self.apart: set[frozenset[int]] = set()
        """Segments that compaction found not to be mergeable, so that it looks at them once."""

    # -- collecting ------------------------------------------------------------------------------------------------

    def begin(self, source: str, file: FileId, known_at: int) -> Told:
        """Opens a collect, or takes up the one that was killed over the same file, told and cut in the same way.

        `parts` chunks of what is returned are in already.
        """
        c = COLLECTS.c
        with writing(self.state).begin() as connection:
            stands = (c.source == source, c.finished_at.is_(None), c.undone_at.is_(None))
            if not file.digest:  # a query's rows cannot be taken up: what was committed stays, a new collect begins
                connection.execute(update(COLLECTS).where(*stands, c.digest == "").values(finished_at=known_at))
            same = (c.digest == file.digest, c.mapping == file.mapping, c.digest != "")
            unfinished = connection.execute(select(c.id).where(*stands, *same)).scalar()
            if unfinished is None:
                [name] = self.names.files([file.name]) if file.digest else [file.name]
                row = {"source": source, "file": name, "digest": file.digest, "mapping": file.mapping}
                query = insert(COLLECTS).values(**row, known_at=known_at).returning(c.id)
                unfinished = connection.execute(query).scalar_one()
            told = _told(connection, unfinished, self.names)
        if self._known is None or self._known[0] != source or self._version != self._state_of_log():
            known = Known(self.duck)
            for segment, dropped in self._standing(None, source):
                known.load(segment.id, self.root / segment.file, dropped)
            self._known, self._version = (source, known), self._state_of_log()
        for stray in (self.root / source).glob(".writing-*"):
            stray.unlink()  # left by a collect that was killed
        self.publish()
        return told

    def collected(self, source: str, file: FileId) -> Told | None:
        """The collect that took in this very file, told and cut in the same way, and that holds whole; or None.

        It holds no longer where a collect of the source was taken back after it: that may have told the same rows.
        """
        c = COLLECTS.c
        with self.state.connect() as connection:
            undone = select(func.max(c.undone_at)).where(c.source == source).scalar_subquery()
            query = select(c.id).where(
                c.source == source, c.digest == file.digest, c.mapping == file.mapping, c.digest != "",
                c.undone_at.is_(None), c.finished_at.is_not(None), (undone.is_(None)) | (c.known_at > undone),
            )  # fmt: skip
            found = connection.execute(query.order_by(c.id)).scalar()
            return None if found is None else _told(connection, found, self.names)

    def append(self, told: Told, part: int, chunk: Chunk, named: Collection[str]) -> Counts:
        """Makes one chunk part of the log, whole. `named` are the paths that definitions name."""
        if self._known is None or self._known[0] != told.source:
            raise WrongUse("A chunk came for a collect that was not begun.")
        known = self._known[1]
        self._known = None  # what it learns here holds only once it is committed
        rejected = len(set(chunk.rejects["position"].to_pylist()))
        events, retold = known.without_retold(chunk.events)
        counts = Counts(rows=chunk.rows, rejected=rejected, repeated=chunk.repeated + retold)
        with self.state.connect() as connection:
            following = next_segment(connection)
        written: list[tuple[int, files.Written, bool]] = []
        superseded: list[tuple[int, int]] = []
        kept: list[pa.Table] = []
        for turn in rounds(events):
            verdict = known.judge(turn)
            superseded += verdict.superseded
            known.drop(verdict.superseded)
            for mask, correction in ((verdict.added, False), (verdict.corrected, True)):
                if not mask.any():
                    continue
                fresh = turn if mask.all() else turn.filter(pa.array(mask))
                ordered = files.sort_events(self.duck, fresh)
                segment = files.write_segment(self.duck, ordered, named, self.root, told.source)
                written.append((following, segment, correction))
                known.learn(following, ordered)
                kept.append(ordered.select(["id", "name"]))
                following += 1
            added, corrected = int(verdict.added.sum()), int(verdict.corrected.sum())
            repeated = turn.num_rows - added - corrected
            counts += Counts(added=added, repeated=repeated, corrected=corrected, removed=verdict.removed)
        with writing(self.state).begin() as connection:
            self._commit(connection, told, part, chunk, counts, written, superseded, kept)
        self._known, self._version = (told.source, known), self._state_of_log()
        self.publish()
        return counts

    def finish(self, told: Told, at: int) -> Told:
        """Closes a collect; what an earlier collect of the same file set apart, this one has told again."""
        c = COLLECTS.c
        with writing(self.state).begin() as connection:
            connection.execute(update(COLLECTS).where(c.id == told.id).values(finished_at=at))
            digest = select(c.digest).where(c.id == told.id).scalar_subquery()
            earlier = select(c.id).where(c.source == told.source, c.digest == digest, c.digest != "", c.id < told.id)
            again = (REJECTS.c.collect.in_(earlier), REJECTS.c.replayed_by.is_(None))
            connection.execute(update(REJECTS).where(*again).values(replayed_by=told.id))
            told = _told(connection, told.id, self.names)
        self.publish()
        return told

    def undo(self, collect: int, at: int) -> Told:
        """Takes a collect back, and what was replayed of its quarantine: what it added goes, what it replaced stands.

        Its personal values and its rows in quarantine are destroyed; numbers that it gave to identifiers stay. Rows
        that another collect told too go with the one that told them first: collect that file again.
        """
        with writing(self.state).begin() as connection:
            known = [str(number) for number in connection.execute(select(COLLECTS.c.id)).scalars()]
            if str(collect) not in known:
                raise UnknownName("collect", str(collect), known)
            told = _told(connection, collect, self.names)
            if told.undone_at is not None:
                raise WrongUse(f"Collect {collect} was taken back already.", then="Nothing was changed.")
            c = COLLECTS.c
            waiting = [collect]
            while waiting:
                number = waiting.pop()
                replays = select(c.id).where(c.file == quarantine_of(number), c.undone_at.is_(None))
                waiting += connection.execute(replays).scalars().all()
                connection.execute(update(COLLECTS).where(c.id == number).values(undone_at=at))
                connection.execute(update(REJECTS).where(REJECTS.c.replayed_by == number).values(replayed_by=None))
                quarantine.let_go(connection, REJECTS.c.collect == number)
                drop_personal(connection, PERSONAL.c.collect == number)
                drop_consents(connection, number)
            told = _told(connection, collect, self.names)
        failpoints.at("keys.noted")
        destroying.carry_out(self.state, self.keyring)
        self.publish()
        return told

    def collects(self) -> list[Told]:
        """Every collect, oldest first."""
        with self.state.connect() as connection:
            ids = list(connection.execute(select(COLLECTS.c.id).order_by(COLLECTS.c.id)).scalars())
            return [_told(connection, number, self.names) for number in ids]

    # -- quarantine ------------------------------------------------------------------------------------------------

    def rejects(self, source: str | None = None, reason: str | None = None) -> pa.Table:
        """What lies in quarantine, not yet replayed: `number`, `collect` and the REJECT columns."""
        return quarantine.waiting(self.state, self.keyring, source, reason)

    # -- reading ---------------------------------------------------------------------------------------------------

    def pieces(
        self,
        paths: Collection[str],
        known_at: int | None = None,
        declared: Mapping[str, Declared] = MappingProxyType({}),
    ) -> list[Piece]:
        """The log as it stood at `known_at` (now: None): each segment with the rows to leave out and its side files.

        Paths that were named after a segment was written are back-filled here, once, as the types that their source
        declares them to be.
        """
        while True:
            self._backfill(paths, declared)
            standing = list(self._standing(known_at))
            with self.state.connect() as connection:
                rows = connection.execute(select(SIDES.c.segment, SIDES.c.path, SIDES.c.file)).all()
            done = {(row.segment, row.path) for row in rows}
            if not any(self._lacking(segment, paths, done) for segment, _ in standing):
                break  # else segments were merged meanwhile: the new one has no side files yet
        sides: dict[int, list[Path]] = {}
        for row in rows:
            if row.file is not None and row.path in paths:
                sides.setdefault(row.segment, []).append(self.root / row.file)
        passing = self._passing([segment for segment, _ in standing])
        return [
            Piece(
                self.root / s.file, s.rows, s.source, dropped, tuple(sorted(sides.get(s.id, []))), s.id, s.id in passing
            )
            for s, dropped in standing
        ]

    def corrected_since(self, known_at: int) -> bool:
        """Whether anything was corrected, or taken out, after that moment: then the past looked otherwise than now."""
        c = COLLECTS.c
        with self.state.connect() as connection:
            corrected = select(SUPERSEDED.c.collect).join(COLLECTS, c.id == SUPERSEDED.c.collect)
            found = connection.execute(corrected.where(c.known_at > known_at, c.undone_at.is_(None)).limit(1)).first()
        return found is not None

    def past(self, known_at: int | None) -> int | None:
        """The moment to read the log at, to see it as it was known then; None where it looks the same today."""
        return known_at if known_at is not None and self.corrected_since(known_at) else None

    def bounds(self, as_of: int | None = None) -> tuple[int, int]:
        """When the first and the last event happened (until `as_of`), UTC ms; (0, 0) for a log without events."""
        ends = []
        for segment, dropped in self._standing(None):
            if not len(dropped):
                ends.append((segment.first_at, segment.last_at))
            elif len(dropped) < segment.rows:
                ends.append(files.bounds(self.duck, self.root / segment.file, dropped))
        if not ends:
            return 0, 0
        last = max(last for _, last in ends)
        return min(first for first, _ in ends), last if as_of is None else min(last, as_of)

    def codes(self) -> dict[tuple[str, str], int]:
        """The code of each (source, name) in the journey index."""
        c = NAMES.c
        with self.state.connect() as connection:
            rows = connection.execute(select(c.code, c.source, c.name)).all()
        said = self.names.said()
        called = [row for row in rows if not row.name.startswith(ERASED)]
        lost = {row.name: row.source for row in called if row.name not in said}
        if lost.keys() - self._sought:
            self._search(set(lost.values()))
            said = self.names.said()
            self._sought = frozenset(lost.keys() - said.keys())
        codes = {(row.source, row.name): row.code for row in rows if row.name.startswith(ERASED)}
        return codes | {(row.source, said.get(row.name, f"{UNREADABLE}{row.code}")): row.code for row in called}

    def volumes(
        self,
        sources: Collection[str],
        since: int | None,
        until: int | None,
        as_of: int | None,
        pieces: Sequence[Piece] | None = None,
    ) -> list[dict[str, Any]]:
        """Of each (source, name): events, first_at and last_at (UTC ms), the kinds of subject and typed paths it has.

        sources:      only these: what a permit covers
        since, until: only events in this span, UTC ms, until not included
        pieces:       only these, without the rows that they leave out; None for the log as it was known as of then
        """
        counted = self.pieces((), self.past(as_of)) if pieces is None else pieces
        totals: dict[tuple[str, str], dict[str, Any]] = {}
        for piece in counted:
            if piece.source not in sources:
                continue
            for row in files.volumes(self.duck, piece.path, piece.dropped, since, until, as_of):
                total = totals.setdefault((piece.source, row["name"]), {"source": piece.source, **row})
                if total["per"] is not row["per"]:
                    total["events"] += row["events"]
                    total["first_at"] = min(total["first_at"], row["first_at"])
                    total["last_at"] = max(total["last_at"], row["last_at"])
                    total["per"] = sorted({*total["per"], *row["per"]})
                    total["paths"] = sorted({*total["paths"], *row["paths"]})
        return list(totals.values())

    def hashes(self) -> list[str]:
        """The SHA-256 of every segment that stands, sorted: equal for equal logs, however they were collected."""
        return sorted(segment.sha256 for segment, _ in self._standing(None))

    def verify(self) -> None:
        """Refuses the log when a segment is missing, its bytes have changed, or its state was lost."""
        self.check_state()
        for segment, _ in self._standing(None):
            files.check_segment(self.root / segment.file, segment.sha256)

    def check_state(self) -> None:
        """Refuses a log whose segments no state knows: the state was lost, and an empty answer would be a lie."""
        with self.state.connect() as connection:
            known = connection.execute(select(SEGMENTS.c.id).limit(1)).first() is not None
        manifest = self.root / "manifest.json"  # not the files: one that a kill left uncommitted is nobody's loss
        if not known and manifest.exists() and json.loads(manifest.read_bytes())["segments"]:
            raise BrokenStore(
                "The log holds segments that no state knows: the state was lost.",
                file=str(self.root),
                then="Restore .cxm/state.sqlite from a backup; or remove .cxm and collect everything again.",
            )

    def publish(self) -> None:
        """Writes the manifest for outside readers: `manifest.json`, replaced whole."""
        entries = [
            {
                "file": s.file, "sha256": s.sha256, "rows": s.rows, "bytes": s.bytes, "source": s.source,
                "first_at": s.first_at, "last_at": s.last_at, "version": s.version,
                "columns": json.loads(s.columns), "superseded": dropped.tolist(),
            }
            for s, dropped in self._standing(None)
        ]  # fmt: skip
        make_folder(self.root)
        temporary = self.root / f".manifest-{os.getpid()}"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "segments": entries}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.root / "manifest.json")
        settle_folder(self.root)
        self.published = True
        failpoints.at("log.published")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _search(self, sources: Collection[str]) -> None:
        """Learns what names of sources say from their segments, also of collects that were taken back."""
        s, found = SEGMENTS.c, {}
        with self.state.connect() as connection:
            rows = connection.execute(select(s.source, s.file).where(s.source.in_(sources)).distinct()).all()
        for source in sorted(sources):
            there = sorted(self.root / row.file for row in rows if row.source == source)
            found.update(self.names.called(source, files.names(self.duck, [path for path in there if path.exists()])))
        self.names.learn(found)

    def _standing(
        self, known_at: int | None, source: str | None = None
    ) -> Iterator[tuple[Row[Any], NDArray[np.int64]]]:
        """The segments that stood at `known_at`, in order of arrival, each with its superseded rows, sorted."""
        c = COLLECTS.c
        stands = c.undone_at.is_(None)
        query = select(SEGMENTS).join(COLLECTS, c.id == SEGMENTS.c.collect).where(stands).order_by(SEGMENTS.c.id)
        gone = select(SUPERSEDED.c.segment, SUPERSEDED.c.row).join(COLLECTS, c.id == SUPERSEDED.c.collect).where(stands)
        if known_at is not None:
            query = query.where((c.known_at <= known_at) | ~SEGMENTS.c.correction)
            gone = gone.where(c.known_at <= known_at)
        if source is not None:
            query = query.where(SEGMENTS.c.source == source)
        with self.state.connect() as connection:
            dropped: dict[int, set[int]] = {}
            for row in connection.execute(gone):
                dropped.setdefault(row.segment, set()).add(row.row)
            standing = connection.execute(query).all()
        for segment in standing:
            yield segment, np.array(sorted(dropped.get(segment.id, ())), np.int64)

    def _passing(self, standing: Sequence[Row[Any]]) -> set[int]:
        """Segments that compaction is likely to merge: small ones of a source's last day, or of one not yet merged."""
        c = COLLECTS.c
        with self.state.connect() as connection:
            rows = connection.execute(select(c.source, c.id).where(through_the_door()).order_by(c.id)).all()
        doors, newest = {row.id for row in rows}, {row.source: row.id for row in rows}
        small = [s for s in standing if s.rows < LARGE and s.collect in doors]
        many = Counter(s.collect for s in small)
        return {s.id for s in small if many[s.collect] > 1 or s.collect == newest[s.source]}

    def _state_of_log(self) -> tuple[int, ...]:
        """What changes whenever the log does: what is known of a source holds as long as it stays."""
        with self.state.connect() as connection:
            told = select(func.max(SEGMENTS.c.id), func.sum(SEGMENTS.c.rows))  # fewer rows where people are forgotten
            last, rows = connection.execute(told).one()
            undone = connection.execute(select(func.count(COLLECTS.c.undone_at))).scalar_one()
            superseded = connection.execute(select(func.count()).select_from(SUPERSEDED)).scalar_one()
        return last or 0, undone, superseded, int(rows or 0)

    def _backfill(self, paths: Collection[str], declared: Mapping[str, Declared]) -> None:
        with self.state.connect() as connection:
            done = {(row.segment, row.path) for row in connection.execute(select(SIDES.c.segment, SIDES.c.path))}
        missing = [(s, path) for s, _ in self._standing(None) for path in self._lacking(s, paths, done)]
        for segment, path in missing:
            as_told = declared.get(segment.source, Declared())
            side = files.write_side(self.duck, self.root / segment.file, path, as_told.types.get(path), as_told.zone)
            file = None if side is None else f"{segment.source}/{side}"
            with writing(self.state).begin() as connection:
                self._bind(connection, segment, path, file)

    def _bind(self, connection: Connection, segment: Row[Any], path: str, file: str | None) -> None:
        """Notes a side file, unless its segment was written anew or its file was swept meanwhile: who asks, asks again.

        Sides are joined by row: one of the rows that a segment had before would give others what was not theirs.
        """
        s = SEGMENTS.c
        held = connection.execute(select(s.id).where(s.file == segment.file).with_for_update()).scalars().all()
        side = None if file is None else self.root / file
        if not held and side is not None:
            side.unlink(missing_ok=True)
        elif segment.id in held and (side is None or side.exists()) and not self._is_bound(connection, segment, path):
            connection.execute(insert(SIDES).values(segment=segment.id, path=path, file=file))

    @staticmethod
    def _is_bound(connection: Connection, segment: Row[Any], path: str) -> bool:
        """Whether another reader was quicker."""
        these = (SIDES.c.segment == segment.id, SIDES.c.path == path)
        return connection.execute(select(SIDES.c.path).where(*these)).first() is not None

    @staticmethod
    def _lacking(segment: Row[Any], paths: Collection[str], done: Collection[tuple[int, str]]) -> list[str]:
        """The paths that a segment may hold among what is left over, and that are not back-filled."""
        columns = json.loads(segment.columns)
        if files.REST not in columns:
            return []  # nothing was left over: what the segment has of a path is a column of its own
        typed = {column.rpartition(":")[0] for column in columns}
        return [path for path in sorted(paths) if path not in typed and (segment.id, path) not in done]

    def _commit(
        self, connection: Connection, told: Told, part: int, chunk: Chunk, counts: Counts,
        written: list[tuple[int, files.Written, bool]], superseded: list[tuple[int, int]], kept: list[pa.Table],
    ) -> None:  # fmt: skip
        if _told(connection, told.id, self.names).undone_at is not None:
            raise WrongUse(f"Collect {told.id} was taken back while it ran.", then="Nothing more of it was collected.")
        for number, segment, correction in written:
            add_segment(connection, number, segment, told.id, part, told.source, correction=correction)
        gone = [{"segment": segment, "row": row, "collect": told.id} for segment, row in dict.fromkeys(superseded)]
        for some in batches(gone):
            connection.execute(insert(SUPERSEDED), some)
        if kept:
            names = pc.unique(pa.concat_tables(kept)["name"].cast(pa.string())).to_pylist()
            give_codes(connection, self.names, told.source, names)
            ids = pa.concat_tables(kept)["id"]
            personal = chunk.personal
            if len(personal.column_names) > 2:
                theirs = personal.filter(pc.is_in(personal["id"], ids))
                put_personal(connection, self.keyring, told.source, told.id, part, theirs)
            if chunk.consents is not None:
                said = chunk.consents.filter(pc.is_in(chunk.consents["id"], ids))
                put_consents(connection, self.keyring, told.id, said, told.known_at, told.source)
        quarantine.set_apart(connection, self.keyring, told.id, part, told.source, chunk.rejects)
        quarantine.take_up(connection, chunk.replayed, told.id)
        totals = {f.name: getattr(counts, f.name) for f in fields(Counts)}
        connection.execute(insert(CHUNKS).values(collect=told.id, part=part, **totals))


DOOR: Final = "door "
"""Begins what stands in place of a file for a collect of what came through the door; a day follows."""


def through_the_door() -> ColumnElement[bool]:
    """SQL: whether a collect is of what came through the door, or of its quarantine replayed."""
    c = COLLECTS.c
    return and_(c.digest == "", or_(c.file.startswith(DOOR), c.file.startswith(quarantine_of(0)[:-1])))


def quarantine_of(collect: int) -> str:
    """What a replay of one collect's quarantine is called in place of a file."""
    return f"quarantine of {collect}"


@contextmanager
def collecting(folder: Path, wait: float = 0) -> Iterator[None]:
    """Holds the project's lock for writing the log; it falls with the process that holds it.

    wait:   seconds to wait for whoever holds it; who waits comes before who asks later
    raises: BrokenStore where it is still held then
    """
    make_folder(folder)
    until = time.monotonic() + wait
    with (folder / "collecting.lock").open("w") as lock:
        # who has the turn is next: else a worker that asks again at once would always be quicker than who waits
        with (folder / "collecting.turn").open("w") as turn:
            _lock(turn, until)
            _lock(lock, until)
        yield


def _lock(file: TextIO, until: float) -> None:
    import fcntl  # noqa: PLC0415 -- absent on Windows, where only this lock is missing

    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            if time.monotonic() >= until:
                raise BrokenStore(
                    "Another collect is running in this project.", then="Try again when it is done."
                ) from fault
            time.sleep(_PAUSE)
        else:
            return


def _told(connection: Connection, collect: int, names: Names) -> Told:
    row = connection.execute(select(COLLECTS).where(COLLECTS.c.id == collect)).one()
    chunks = connection.execute(select(CHUNKS).where(CHUNKS.c.collect == collect)).all()
    counts = Counts(*(sum(getattr(chunk, f.name) for chunk in chunks) for f in fields(Counts)))
    lost = f"{UNREADABLE}{row.id}" if row.digest else row.file  # without a digest it is ours, in place of a file
    file = names.opened([row.file]).get(row.file, lost)
    return Told(row.id, row.source, file, row.known_at, row.finished_at, row.undone_at, counts, len(chunks))
