"""Segments without some of their rows: found by the column that they are sorted by, and only those written anew.

A segment keeps its number, its order and every other row as it was; it gets another name, being named by what it holds.
Superseded collects and those that were taken back are looked through like all others: their rows lie in files, too.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, count, repeat
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import select

from cxminute.model.errors import BrokenStore
from cxminute.model.tables import EVENT
from cxminute.store.clocks import ORDER
from cxminute.store.log import EventLog
from cxminute.store.schema import SEGMENTS
from cxminute.store.segments import FORMAT, REST, connect, escaped, is_path, quoted, reading, settle
from cxminute.store.splicing import Footer, footer, splice
from cxminute.store.vault import is_of_person

Ints = NDArray[np.int64]
Id = tuple[str, str]
"""An event: its source, and its id there."""

_OWN: Final = {*EVENT.names, REST, "profile", "filename", "file_row_number"}
_FILES: Final = (2, 30, 400)
"""Files that one query looks through, first, second, and then each: what is not rare is met in the first."""
_AT_ONCE: Final = 2
_NAMED: Final = "source::VARCHAR AS source, name::VARCHAR AS name"
_numbers = count()


@dataclass(frozen=True, slots=True)
class Mine:
    """What the log holds of some people.

    rows:   by file below the log's folder, the rows that are theirs, ascending
    nameless: (source, id) of those of these events that name nobody: parcels of their orders
    kept:   (source, id) of their events that stay, since a law orders it
    things: by kind, what only their events name: orders, tickets
    names:  (source, name) that only their events have
    first_at, last_at: when the first and the last of these events happened, UTC ms; None without any
    """

    rows: Mapping[str, Ints] = field(default_factory=dict)
    nameless: frozenset[Id] = frozenset()
    kept: frozenset[Id] = frozenset()
    things: Mapping[str, frozenset[int]] = field(default_factory=dict)
    names: frozenset[tuple[str, str]] = frozenset()
    first_at: int | None = None
    last_at: int | None = None

    @property
    def events(self) -> int:
        """How many rows of files they are."""
        return sum(len(rows) for rows in self.rows.values())


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file and what took its place: None where no row was left."""

    old: str
    rows: Ints
    file: str | None
    sha256: str = ""
    size: int = 0
    first_at: int = 0
    last_at: int = 0


def segments(log: EventLog) -> list[str]:
    """Files of every segment that the state names, each once, in order of arrival."""
    with log.state.connect() as connection:
        found = connection.execute(select(SEGMENTS.c.file).order_by(SEGMENTS.c.id)).scalars().all()
    return list(dict.fromkeys(found))


def find(log: EventLog, profiles: Collection[int], by_law: Mapping[str, Collection[str]]) -> Mine:
    """What the log holds of the people who are these profiles, wherever it lies.

    by_law: by source, names of events that stay
    raises: BrokenStore where a segment cannot be read
    """
    files = segments(log)
    if not files or not profiles:
        return Mine()
    own = sorted(set(map(int, profiles)))
    with closing(connect()) as duck, _readable():
        parts = [_part(duck, some, log) for some in _stretches(files)]
        theirs = f"profile IN ({', '.join(map(str, own))})"
        found = pa.concat_tables([_rows(duck, part, theirs) for part in parts], promote_options="default")
        kinds = [name for name in found.column_names if name not in _OWN and not is_of_person(name)]
        stays = _staying(found, by_law)
        going = found.filter(pa.array(~stays))
        lawful = {kind: _named(found.filter(pa.array(stays)), kind) for kind in kinds}  # what an invoice names stays
        things = {kind: _named(going, kind) - lawful[kind] for kind in kinds}
        nameless = found.slice(0, 0)
        # a parcel on its way is its customer's also where its events name no customer
        if orders := things.get(ORDER, set()) - _elsewhere(duck, parts, ORDER, things.get(ORDER, ()), own):
            test = f"profile IS NULL AND {ORDER} IN ({', '.join(map(str, sorted(orders)))})"
            nameless = pa.concat_tables(
                [nameless, *(_rows(duck, part, test) for part in parts if ORDER in part.columns)],
                promote_options="default",
            )
            stays_too = _staying(nameless, by_law)
            nameless = nameless.filter(pa.array(~stays_too))
        for kind in kinds:  # theirs is what no other event names, be it somebody's or nobody's
            things[kind] |= _named(nameless, kind) - lawful[kind]
            things[kind] -= _elsewhere(duck, parts, kind, things[kind], own, nameless)
        gone = pa.concat_tables([going, nameless], promote_options="default")
        rows = _by_file(gone, log)
        names = _only_theirs(duck, parts, gone, rows, log)
    times = gone["at"].to_numpy()
    return Mine(
        rows=rows,
        nameless=_ids(nameless),
        kept=_ids(found.filter(pa.array(stays))),
        things={kind: frozenset(numbers) for kind, numbers in things.items() if numbers},
        names=names,
        first_at=int(times.min()) if len(times) else None,
        last_at=int(times.max()) if len(times) else None,
    )


def told_before(log: EventLog, source: str, names: Collection[str], before: int) -> frozenset[str]:
    """Ids of a source's events of some names that somebody has a profile in, and that happened before a moment.

    before: UTC ms
    """
    with log.state.connect() as connection:
        query = select(SEGMENTS.c.file).where(SEGMENTS.c.source == source, SEGMENTS.c.first_at < before)
        files = sorted(set(connection.execute(query).scalars()))
    if not files or not names:
        return frozenset()
    words = ", ".join(sorted(f"'{escaped(name)}'" for name in names))
    with closing(connect()) as duck, _readable():
        test = f'name IN ({words}) AND profile IS NOT NULL AND epoch_ms("at") < {int(before)}'
        tables = [_rows(duck, _part(duck, some, log), test)["id"].to_pylist() for some in _stretches(files)]
    return frozenset(one for some in tables for one in some)


def rewrite(log: EventLog, rows: Mapping[str, Ints]) -> list[Rewritten]:
    """Writes each of these files anew without these rows: durable, under its new name, and known to nobody yet.

    raises: BrokenStore where a file cannot be read, or what was written does not have the rows that it should
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="cxm-rewrite") as pool, _readable():
        return list(pool.map(lambda file: _without(log.root, file, rows[file]), sorted(rows)))


# -- inside ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """Some segments as DuckDB reads them: SQL of the files, and the columns that any of them has."""

    files: str
    columns: frozenset[str]


def _stretches(files: Sequence[str]) -> Iterator[Sequence[str]]:
    sizes = chain(_FILES, repeat(_FILES[-1]))
    start = 0
    while start < len(files):
        size = next(sizes)
        yield files[start : start + size]
        start += size


def _part(duck: duckdb.DuckDBPyConnection, files: Sequence[str], log: EventLog) -> _Part:
    said = reading(log.root / file for file in files)
    described = duck.execute(f"DESCRIBE SELECT * FROM {said}").fetchall()  # noqa: S608 -- our own files
    return _Part(said, frozenset(column for column, *_ in described if not is_path(column)))


def _rows(duck: duckdb.DuckDBPyConnection, part: _Part, test: str) -> pa.Table:
    kinds = "".join(f", {quoted(column)}" for column in sorted(part.columns - _OWN))
    shown = f'filename, file_row_number, id, {_NAMED}, epoch_ms("at") AS "at"{kinds}'
    return duck.sql(f"SELECT {shown} FROM {part.files} WHERE {test}").to_arrow_table()  # noqa: S608 -- quoted names


def _staying(found: pa.Table, by_law: Mapping[str, Collection[str]]) -> NDArray[np.bool_]:
    pairs = zip(found["source"].to_pylist(), found["name"].to_pylist(), strict=True)
    return np.fromiter((name in by_law.get(source, ()) for source, name in pairs), np.bool_, found.num_rows)


def _ids(events: pa.Table) -> frozenset[Id]:
    return frozenset(zip(events["source"].to_pylist(), events["id"].to_pylist(), strict=True))


def _named(events: pa.Table, kind: str) -> set[int]:
    return set(events[kind].drop_null().to_pylist()) if kind in events.column_names else set()


def _elsewhere(
    duck: duckdb.DuckDBPyConnection, parts: Sequence[_Part], kind: str, asked: Collection[int], own: Sequence[int],
    beside: pa.Table | None = None,
) -> set[int]:  # fmt: skip
    """Which of these things other people's events name, or, with `beside`, any event but those and people's own."""
    if not asked:
        return set()
    among = ", ".join(map(str, sorted(asked)))
    ours = ", ".join(map(str, own))
    test = f"{quoted(kind)} IN ({among}) AND profile IS NOT NULL AND profile NOT IN ({ours})"
    if beside is not None:
        duck.register("beside", beside.select(["filename", "file_row_number"]))
        test = (
            f"{quoted(kind)} IN ({among}) AND (profile IS NULL OR profile NOT IN ({ours})) AND NOT EXISTS "
            "(FROM beside b WHERE b.filename = e.filename AND b.file_row_number = e.file_row_number)"
        )
    found: set[int] = set()
    for part in parts:
        if kind in part.columns:
            query = f"SELECT DISTINCT {quoted(kind)} AS number FROM {part.files} e WHERE {test}"  # noqa: S608 -- quoted
            found.update(duck.sql(query).to_arrow_table()["number"].to_pylist())
    return found


def _by_file(gone: pa.Table, log: EventLog) -> dict[str, Ints]:
    files = gone["filename"].combine_chunks().dictionary_encode()
    codes, rows = np.asarray(files.indices), gone["file_row_number"].to_numpy()
    begin = f"{log.root}{os.sep}"
    said = [name.removeprefix(begin) for name in files.dictionary.to_pylist()]
    return {name: np.unique(rows[codes == code]).astype(np.int64) for code, name in enumerate(said)}


def _only_theirs(
    duck: duckdb.DuckDBPyConnection, parts: Sequence[_Part], gone: pa.Table, rows: Mapping[str, Ints], log: EventLog
) -> frozenset[tuple[str, str]]:
    """Names that no other event of the source has: looked for in the same files first, where most others stand."""
    left = set(zip(gone["source"].to_pylist(), gone["name"].to_pylist(), strict=True))
    if not left:
        return frozenset()
    duck.register("mine", _places(rows, log))
    for part in parts:
        words = ", ".join(sorted({f"'{escaped(name)}'" for _, name in left}))
        query = (
            f"SELECT DISTINCT {_NAMED} FROM {part.files} e WHERE name IN ({words}) AND "  # noqa: S608 -- escaped
            "NOT EXISTS (FROM mine m WHERE m.filename = e.filename AND m.file_row_number = e.file_row_number)"
        )
        left -= set(duck.execute(query).fetchall())
        if not left:
            break
    return frozenset(left)


def _places(rows: Mapping[str, Ints], log: EventLog) -> pa.Table:
    files = [said for file, some in rows.items() for said in [str(log.root / file)] * len(some)]
    places = np.concatenate([*rows.values(), np.empty(0, np.int64)])
    return pa.table({"filename": pa.array(files, pa.string()), "file_row_number": pa.array(places, pa.int64())})


def _without(root: Path, file: str, rows: Ints) -> Rewritten:
    path = root / file
    told = footer(path)
    before = sum(told.rows)
    if before == len(rows):
        return Rewritten(file, rows, None)
    temporary = _temporary(path)
    with closing(connect()) as duck:
        if not _spliced(duck, told, rows, temporary):
            _copied(duck, path, rows, temporary)
        ends = 'count(*), min(epoch_ms("at")), max(epoch_ms("at"))'
        [(left, first, last)] = duck.execute(f"SELECT {ends} FROM read_parquet('{escaped(temporary)}')").fetchall()  # noqa: S608 -- our own file
    if left != before - len(rows):
        temporary.unlink()
        raise BrokenStore(
            f"The segment {path.name} has {left:,} rows without {len(rows):,} of {before:,}.",
            then="Nothing was changed: cxm doctor.",
        )
    digest = settle(temporary, path.parent / "{}.parquet")
    final = path.parent / f"{digest[:24]}.parquet"
    return Rewritten(file, rows, f"{path.parent.name}/{final.name}", digest, final.stat().st_size, first, last)


def _temporary(path: Path) -> Path:
    """A name beside a file that nobody else writes to; one that a kill leaves is nobody's, and goes with `sweep`."""
    return path.parent / f".writing-{os.getpid()}-{next(_numbers)}"


def _copied(duck: duckdb.DuckDBPyConnection, path: Path, rows: Ints, into: Path, *, widened: bool = False) -> None:
    """Writes a file without some rows.

    widened: with a schema in which each column may be null, as a segment has it that was first written. A writer that
             knows of no null in a column says so in the schema; of rows that come from elsewhere it knows nothing.
    """
    gone = ", ".join(map(str, rows.tolist())) or "-1"
    read = f"FROM read_parquet('{escaped(path)}', file_row_number = true)"
    query = f"SELECT * EXCLUDE (file_row_number) {read} WHERE file_row_number NOT IN ({gone})"
    if widened:
        described = duck.execute(f"DESCRIBE SELECT * FROM read_parquet('{escaped(path)}')").fetchall()  # noqa: S608 -- our own file
        nulls = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind, *_ in described)
        duck.register("nothing", pa.table({"nothing": pa.array([], pa.int64())}))
        query = f"{query} UNION ALL SELECT {nulls} FROM nothing"  # noqa: S608 -- quoted names
    duck.execute(f"COPY ({query}) TO '{escaped(into)}' {FORMAT}")


def _spliced(duck: duckdb.DuckDBPyConnection, told: Footer, rows: Ints, into: Path) -> bool:
    """Writes a file without some rows by writing only those row groups anew that hold them; False where it cannot.

    That is where most hold some, or where what is written anew would not have the schema of the rest.
    """
    ends = np.cumsum(told.rows)
    touched = np.unique(np.searchsorted(ends, rows, side="right"))
    if 2 * len(touched) > len(ends):
        return False
    parts: list[tuple[Footer, Sequence[int]]] = []
    begun: list[Path] = []
    try:
        for place in range(len(ends)):
            if place not in touched:
                parts.append((told, [place]))
                continue
            first = int(ends[place]) - told.rows[place]
            mine = rows[(rows >= first) & (rows < ends[place])] - first
            if len(mine) == told.rows[place]:
                continue
            alone, anew = _temporary(told.path), _temporary(told.path)
            begun += [alone, anew]
            splice([(told, [place])], alone)
            for widened in (True, False):
                _copied(duck, alone, mine, anew, widened=widened)
                written = footer(anew)
                if written.schema == told.schema:
                    break
            else:
                return False
            parts.append((written, range(len(written.rows))))
        splice(parts, into)
    finally:
        for path in begun:
            path.unlink(missing_ok=True)
    return True


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (duckdb.IOException, OSError) as fault:
        raise BrokenStore(
            "A segment of the log cannot be read or written anew.",
            then="Nothing was changed: see that the disk has room, then cxm doctor.",
        ) from fault
