"""Arrivals: stretches of the inbox become part of the log, each once, with its counts, receipts and mark.

All files are durable before the one transaction that makes them count. So a kill at any moment leaves either nothing
but files that nobody names, or all of it, and a mark that says so: the same stretch again changes nothing.

What came through the door is a collect for each source and UTC day on which it came into the log, 'door 2026-11-22'.
It is taken back like any other; its message ids are new again then. A replay of quarantine is a collect of its own.

An event is known when it happened, as one of a file is (docs/adr/0003), also one that came a week late: were it known
from its commit on, every past would differ from today by what was on its way just then, and need an index of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- the ids of our own segments
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select, update

from cxminute.model.errors import BrokenStore, WrongUse
from cxminute.model.tables import REJECT
from cxminute.model.times import DAY, MINUTE
from cxminute.store import failpoints, manifest
from cxminute.store.consents import put_consents
from cxminute.store.log import DOOR, Chunk, EventLog, quarantine_of, through_the_door
from cxminute.store.manifest import add_segment, fresh_names, give_codes, next_segment
from cxminute.store.names import Names
from cxminute.store.quarantine import set_apart, take_up
from cxminute.store.receipts import KEPT_DAYS, LAST_DAY, Change, Keys, Receipts, Run, hashed
from cxminute.store.schema import CHUNKS, COLLECTS, FORGOTTEN, MARKS, MINUTES, REJECTS, SEGMENTS
from cxminute.store.segments import sort_events, write_segment
from cxminute.store.state import batches, writing
from cxminute.store.vault import put_personal

Ints = NDArray[np.int64]

_COUNTS: Final = ("received", "stored", "duplicate", "quarantined")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a stretch of the inbox became, of one source.

    chunk:    ready for the log; an event's id is its messageId; personal values row for row beside the events
    received: for each item its receipt, UTC ms; an item at position p stands at p - first
    first:    position of the first item
    upto:     number in the inbox of the last call that is covered wholly; None for a part of a call, which moves no
              mark, and for a replay of quarantine
    lines:    for each item its text, which quarantine keeps of events whose names are too many; without it, what the
              log would have kept of them
    """

    source: str
    chunk: Chunk
    received: Ints
    first: int
    upto: int | None
    lines: Sequence[str] | None = None

    @property
    def is_replay(self) -> bool:
        """Whether its items lay in quarantine: they were received before."""
        return bool(self.chunk.replayed)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of the items of an arrival."""

    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute (its beginning, UTC ms) of receipt of one source: received = stored + duplicate + quarantined."""

    minute: int
    source: str
    received: int
    stored: int
    duplicate: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class _Judged:
    """An arrival with its events told apart.

    events, personal, keys: of those new to the log
    duplicate: positions of items that came before
    rejects:   all, those with a name too many among them
    """

    events: pa.Table
    personal: pa.Table
    keys: Keys
    duplicate: Ints
    rejects: pa.Table


class Arrivals:
    """The way from the inbox into the log of one project.

    log:    its log; whoever commits holds `collecting`
    folder: `.cxm`; receipts lie below it
    secret: the project's own key for digests
    """

    def __init__(self, log: EventLog, folder: Path, secret: bytes) -> None:
        failpoints.armed()
        self._log, self._secret = log, secret
        self.receipts = Receipts(folder / "receipts")

    def first(self, source: str, at: int) -> int:
        """The position of the next item in the source's collect of that UTC day."""
        c = CHUNKS.c
        with self._log.state.connect() as connection:
            collect = _standing(connection, source, _door(at))
            rows = connection.execute(select(func.sum(c.rows)).where(c.collect == collect)).scalar()
            return int(rows or 0)

    def marks(self, inbox: str) -> dict[str, int]:
        """By source, the number up to which calls of an inbox are in the log."""
        c = MARKS.c
        with self._log.state.connect() as connection:
            return {row.source: row.number for row in connection.execute(select(MARKS).where(c.inbox == inbox))}

    def commit(self, arrival: Arrival, named: Collection[str], at: int, inbox: str) -> Became:
        """Makes an arrival part of the log, whole or not at all; once it is, the same again does nothing.

        Of several items with one messageId the first is stored, in the arrival and over thirty days of receipt.

        named:  the paths that definitions name: they become typed columns
        at:     now, UTC ms; its day is that of the collect
        inbox:  identity of the inbox whose call `upto` is
        raises: BrokenStore where the disk or the database fails: nothing was committed, try again;
                whatever the events themselves are at fault for is raised as it is
        """
        if arrival.upto is not None and self.marks(inbox).get(arrival.source, 0) >= arrival.upto:
            return Became()
        with on_disk():
            became = self._commit(arrival, named, at, inbox)
            self._log.published = False
            failpoints.at("arrivals.committed")
            self._log.publish()
            return became

    def balance(self, since: int | None = None, until: int | None = None, source: str | None = None) -> list[Minute]:
        """By minute of receipt and source, what became of all items; minutes without items are left out.

        since, until: UTC ms, until not included; a minute counts where it begins
        """
        m, c = MINUTES.c, COLLECTS.c
        counts = [func.sum(m[name]) for name in _COUNTS]
        query = select(m.minute, c.source, *counts).join(COLLECTS, c.id == m.collect).where(c.undone_at.is_(None))
        if since is not None:
            query = query.where(m.minute >= since)
        if until is not None:
            query = query.where(m.minute < until)
        if source is not None:
            query = query.where(c.source == source)
        with self._log.state.connect() as connection:
            rows = connection.execute(query.group_by(m.minute, c.source).order_by(m.minute, c.source)).all()
        return [Minute(row[0], row[1], *map(int, row[2:])) for row in rows]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _commit(self, arrival: Arrival, named: Collection[str], at: int, inbox: str) -> Became:
        self._forget(at)
        log = self._log
        with log.state.connect() as connection:
            runs = self.receipts.runs(connection)
            judged = self._judge(connection, arrival, self._unmet(arrival, runs))
            number = next_segment(connection)
        segment = None
        change = Change()
        if judged.events.num_rows:
            ordered = sort_events(log.duck, judged.events)
            segment = write_segment(log.duck, ordered, named, log.root, arrival.source)
            days = _days(judged.events, arrival)
            change = self.receipts.add(runs, judged.keys.on(days), int(days.min()) - KEPT_DAYS)
        failpoints.at("arrivals.committing")
        with writing(log.state).begin() as connection:
            collect = _collect(connection, arrival, at)
            if segment is not None:
                add_segment(connection, number, segment, collect, 0, arrival.source, correction=False)
                _keep(connection, log, arrival.source, judged, collect)
                if arrival.chunk.consents is not None:
                    said = arrival.chunk.consents
                    said = said.filter(pc.is_in(said["id"], judged.events["id"]))
                    put_consents(connection, log.keyring, collect, said, at, arrival.source)
            self.receipts.commit(connection, change)
            set_apart(connection, log.keyring, collect, 0, arrival.source, judged.rejects)
            _count(connection, arrival, judged, collect)
            take_up(connection, arrival.chunk.replayed, collect)
            if arrival.upto is not None:
                _mark(connection, inbox, arrival.source, arrival.upto)
        self.receipts.retire(change, at)
        apart = len(np.unique(_positions(judged.rejects)))
        return Became(judged.events.num_rows, len(judged.duplicate), apart)

    def _unmet(self, arrival: Arrival, runs: Sequence[Run]) -> tuple[NDArray[np.bool_], Keys]:
        """Which events have an id that nobody sent before, in this arrival or in thirty days, and all their keys."""
        events = arrival.chunk.events
        keys = hashed(self._secret, arrival.source, events["id"])
        days = _days(events, arrival)
        order = np.lexsort((_positions(events), keys.low, keys.high))
        high, low = keys.high[order], keys.low[order]
        again = np.zeros(len(keys), np.bool_)
        again[order[1:]] = (high[1:] == high[:-1]) & (low[1:] == low[:-1])
        fresh = ~again
        fresh[fresh] = ~self.receipts.known(runs, keys.take(fresh), days[fresh])
        return fresh, keys

    def _judge(self, connection: Connection, arrival: Arrival, unmet: tuple[NDArray[np.bool_], Keys]) -> _Judged:
        fresh, keys = unmet
        events, rejects = arrival.chunk.events, arrival.chunk.rejects
        duplicate = _positions(events)[~fresh]
        fitting = fresh & _fitting(connection, self._log.names, arrival.source, events, fresh)
        if not (fitting == fresh).all():
            over = events.filter(pa.array(fresh & ~fitting))
            rejects = pa.concat_tables([rejects, _too_many_names(over, arrival)])
        personal, chosen = arrival.chunk.personal, pa.array(fitting)
        if not fitting.all():
            events, personal = events.filter(chosen), personal.filter(chosen)
        return _Judged(events, personal, keys.take(fitting), duplicate, rejects)

    def _forget(self, at: int) -> None:
        """Makes message ids new again that came with collects that were taken back since the last arrival."""
        c = COLLECTS.c
        log = self._log
        with log.state.connect() as connection:
            done = select(FORGOTTEN.c.collect)
            query = select(c.id, c.source).where(c.undone_at.is_not(None), through_the_door(), c.id.not_in(done))
            undone = connection.execute(query).all()
            if not undone:
                return
            runs = self.receipts.runs(connection)
            gone = [self._keys_of(connection, collect, source) for collect, source in undone]
        gathered = Keys(np.concatenate([k.high for k in gone]), np.concatenate([k.low for k in gone]))
        change = self.receipts.without(runs, gathered)
        with writing(log.state).begin() as connection:
            self.receipts.commit(connection, change)
            connection.execute(insert(FORGOTTEN), [{"collect": collect} for collect, _ in undone])
        self.receipts.retire(change, at)

    def _keys_of(self, connection: Connection, collect: int, source: str) -> Keys:
        files = connection.execute(select(SEGMENTS.c.file).where(SEGMENTS.c.collect == collect)).scalars()
        parts = [pq.read_table(self._log.root / file, columns=["id"])["id"] for file in files]
        return hashed(self._secret, source, pa.chunked_array([c for p in parts for c in p.chunks], pa.string()))


@contextmanager
def on_disk() -> Iterator[None]:
    """A disk that is full or broken is not the events' fault: the same may be tried again."""
    try:
        yield
    except (OSError, duckdb.IOException) as fault:
        raise BrokenStore(
            f"The log cannot be written: {fault}.", then="What was committed stays; the rest waits in the inbox."
        ) from fault


def _door(at: int) -> str:
    return f"{DOOR}{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def _standing(connection: Connection, source: str, file: str) -> int | None:
    """The collect of a source that stands under a name of ours, where there is one."""
    c = COLLECTS.c
    query = select(c.id).where(c.source == source, c.file == file, c.digest == "", c.undone_at.is_(None))
    found: int | None = connection.execute(query.order_by(c.id.desc()).limit(1)).scalar()
    return found


def _collect(connection: Connection, arrival: Arrival, at: int) -> int:
    """The collect that an arrival belongs to, begun where there is none, and finished for now."""
    c = COLLECTS.c
    file = _origin(connection, arrival.chunk.replayed) if arrival.is_replay else _door(at)
    found = _standing(connection, arrival.source, file)
    if found is not None:
        connection.execute(update(COLLECTS).where(c.id == found).values(finished_at=at))
        return found
    row = {"source": arrival.source, "file": file, "digest": "", "mapping": "", "known_at": at, "finished_at": at}
    made: int = connection.execute(insert(COLLECTS).values(**row).returning(c.id)).scalar_one()
    return made


def _origin(connection: Connection, replayed: Sequence[int]) -> str:
    """What a replay is called: by the collect whose quarantine it takes up."""
    c = REJECTS.c
    found: set[int] = set()
    for some in batches(replayed):
        found.update(connection.execute(select(c.collect).where(c.id.in_(some)).distinct()).scalars())
    if len(found) != 1:
        raise WrongUse(
            f"A replay takes up the quarantine of {len(found)} collects.", allowed="one", then="Nothing was changed."
        )
    return quarantine_of(found.pop())


def _keep(connection: Connection, log: EventLog, source: str, judged: _Judged, collect: int) -> None:
    """Gives codes to the names of the events, and keeps their personal values."""
    give_codes(connection, log.names, source, pc.unique(judged.events["name"].cast(pa.string())).to_pylist())
    if len(judged.personal.column_names) > 2:
        put_personal(connection, log.keyring, source, collect, 0, judged.personal)


def _count(connection: Connection, arrival: Arrival, judged: _Judged, collect: int) -> None:
    """Adds to the collect's counts, and to those of each minute of receipt."""
    apart = np.unique(_positions(judged.rejects))
    counts = {
        "rows": arrival.chunk.rows,
        "rejected": len(apart),
        "added": judged.events.num_rows,
        "repeated": len(judged.duplicate),
        "corrected": 0,
        "removed": 0,
    }
    c = CHUNKS.c
    more = {name: c[name] + count for name, count in counts.items()}
    if not connection.execute(update(CHUNKS).where(c.collect == collect, c.part == 0).values(**more)).rowcount:
        connection.execute(insert(CHUNKS).values(collect=collect, part=0, **counts))
    minutes = arrival.received // MINUTE * MINUTE
    every, place = np.unique(minutes, return_inverse=True)
    replay = arrival.is_replay

    def by_minute(positions: Ints) -> Ints:
        return np.bincount(place[positions - arrival.first], minlength=len(every))

    all_of_it = np.bincount(place, minlength=len(every))
    columns = (
        np.zeros(len(every), np.int64) if replay else all_of_it,
        by_minute(_positions(judged.events)),
        by_minute(judged.duplicate),
        by_minute(apart) - (all_of_it if replay else 0),
    )
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    adding = ", ".join(f"{name} = minutes.{name} + excluded.{name}" for name in _COUNTS)
    query = (
        f"INSERT INTO minutes (collect, minute, {', '.join(_COUNTS)}) VALUES ({', '.join([mark] * 6)}) "  # noqa: S608 -- our own names
        f"ON CONFLICT (collect, minute) DO UPDATE SET {adding}"
    )
    rows = [(collect, *row) for row in zip(every.tolist(), *(column.tolist() for column in columns), strict=True)]
    if rows:
        connection.exec_driver_sql(query, rows)


def _mark(connection: Connection, inbox: str, source: str, number: int) -> None:
    c = MARKS.c
    this = (c.inbox == inbox, c.source == source)
    if not connection.execute(update(MARKS).where(*this).values(number=number)).rowcount:
        connection.execute(insert(MARKS).values(inbox=inbox, source=source, number=number))


def _fitting(
    connection: Connection, book: Names, source: str, events: pa.Table, fresh: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which events have a name that has a code or may be given one: those of the names that came first."""
    names = events["name"].cast(pa.string()).combine_chunks().dictionary_encode()
    said = names.dictionary.to_pylist()
    unknown, taken = fresh_names(connection, source, book.called(source, said))
    room = max(0, manifest.NAMES_AT_MOST - taken)
    if len(unknown) <= room:
        return np.ones(events.num_rows, np.bool_)
    codes = names.indices.to_numpy()
    new = set(unknown.values())
    order = [said[code] for code in dict.fromkeys(codes[fresh].tolist()) if said[code] in new]
    over = new - set(order[:room])
    fitting: NDArray[np.bool_] = np.array([word not in over for word in said], np.bool_)[codes]
    return fitting


def _too_many_names(over: pa.Table, arrival: Arrival) -> pa.Table:
    positions = _positions(over)
    if arrival.lines is not None:
        rows = [arrival.lines[place] for place in (positions - arrival.first).tolist()]
    else:
        rows = [json.dumps(row, ensure_ascii=False, default=str) for row in over.to_pylist()]
    detail = (
        f"The log holds {manifest.NAMES_AT_MOST:,} names of events, and this one is new. "
        "A name that holds an id or a page belongs into a property."
    )
    columns = {
        "source": pa.array([arrival.source] * len(rows), pa.string()),
        "position": pa.array(positions, pa.int64()),
        "reason": pa.array(["too_many_names"] * len(rows), pa.string()),
        "detail": pa.array([detail] * len(rows), pa.string()),
        "row": pa.array(rows, pa.string()),
    }
    return pa.table(columns).cast(REJECT)


def _positions(table: pa.Table) -> Ints:
    return np.asarray(table["position"].to_numpy(), np.int64)


def _days(events: pa.Table, arrival: Arrival) -> Ints:
    """The UTC day of each event's receipt, as receipts keep it: days since 1970."""
    received = arrival.received[_positions(events) - arrival.first]
    return (received // DAY).clip(0, LAST_DAY)
