"""What a source told, with the clock of each event: when the time of its personal data began to run.

Read from the segments as they stand, superseded rows and collects that were taken back among them: their personal
values lie in the vault until their time is over. Only what stands starts a clock.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final, Self

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import ARROW
from numpy.typing import NDArray
from sqlalchemy import select

from cxminute.model.errors import BrokenStore
from cxminute.model.tables import EVENT
from cxminute.store.keyring import Keyring
from cxminute.store.log import EventLog
from cxminute.store.schema import COLLECTS, PERSONAL, SEGMENTS, SIDES, SUPERSEDED
from cxminute.store.segments import REST, connect, escaped, is_path, quoted, reading
from cxminute.store.vault import called_events, is_of_person

Ints = NDArray[np.int64]

PERSON: Final = "person"
"""The space of those identifiers that name persons in every source."""
ORDER: Final = "order_id"
"""The kind of identifier whose events a clock is looked for among."""
_NOT_KINDS: Final = {*EVENT.names, REST, "filename", "file_row_number"}
_ROWS: Final = 50_000
_EVER: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Term:
    """How long a source's personal data is kept.

    keep:   milliseconds once its clock has started; None: for ever
    starts: events that start the clock, by precedence: of an order the last of the first kind that it has; without
            any, each event starts its own
    wait:   milliseconds after an order's first event at which its clock starts, where it has none of them
    apart:  whether its people are numbered apart from those of all other sources
    kinds:  kinds of identifier that are personal beside those of persons: a telephone number
    lawful: names of events that a law orders to keep with their personal values, whatever the term
    lawful_for: milliseconds after such an event for which it does; None: for ever
    """

    source: str
    keep: int | None
    starts: tuple[str, ...] = ()
    wait: int = 0
    apart: bool = True
    kinds: frozenset[str] = frozenset()
    lawful: frozenset[str] = frozenset()
    lawful_for: int | None = None

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces of identifiers that are personal."""
        return (PERSON, *sorted(self.kinds))


class Clocks:
    """Everything that a source told, in a DuckDB of its own: `happened` (each row), with the clock of each.

    `law` is the moment until which a law orders to keep what stands of it, null where none does; the clock of such a
    row starts so late that its time is not over before.
    """

    def __init__(self, log: EventLog, term: Term) -> None:
        self._term, self._duck = term, connect()
        self._told = False
        self._kinds = self._open(log)

    def __enter__(self) -> Self:
        """As a context it lets go of its memory."""
        return self

    def __exit__(self, *_: object) -> None:
        """Lets go."""
        self._duck.close()

    def people(self, kinds: Collection[str] = ()) -> dict[str, tuple[Ints, Ints]]:
        """By space (persons, and these kinds): the number of each, and the last clock of the events that name it."""
        columns = {PERSON: [kind for kind in sorted(self._kinds) if kind == "profile" or is_of_person(kind)]}
        columns |= {kind: [kind] for kind in kinds if kind in self._kinds}
        found = {}
        for space, named in columns.items():
            if not named:
                continue
            each = " UNION ALL ".join(f"SELECT {quoted(kind)} AS number, clock FROM happened" for kind in named)  # noqa: S608 -- quoted
            query = f"SELECT number, max(clock) AS clock FROM ({each}) WHERE number IS NOT NULL GROUP BY number"  # noqa: S608 -- quoted
            table = self._ask(query)
            found[space] = _ints(table["number"]), _ints(table["clock"])
        return found

    def personal(self, log: EventLog, before: int) -> tuple[int, ...]:
        """Rows of the vault whose clock started by a moment; of an event that no segment has, its collect did."""
        clocks = "SELECT id, max(clock) AS clock FROM happened WHERE id IN (SELECT event FROM personal) GROUP BY id"
        query = (
            f"SELECT p.row FROM personal p LEFT JOIN ({clocks}) h ON h.id = p.event "  # noqa: S608 -- numbers alone
            f"WHERE coalesce(h.clock, p.known_at) <= {int(before)} ORDER BY p.row"
        )
        return self._of_vault(log, query)

    def of(
        self, log: EventLog, numbers: Mapping[str, Sequence[int]], people: Collection[int], at: int
    ) -> tuple[tuple[int, ...], dict[str, set[int]]]:
        """Rows of the vault of events that name one of these, or their orders, and what else is personal in those.

        What a law orders to keep beyond `at`, UTC ms, is left out, and what that names.
        """
        columns = {kind: found for kind, found in numbers.items() if found and kind in self._kinds}
        if people and "profile" in self._kinds:
            columns["profile"] = sorted(people)
        tests = [f"{quoted(kind)} IN ({', '.join(map(str, map(int, found)))})" for kind, found in columns.items()]
        if not tests:
            return (), {}
        if ORDER in self._kinds:  # a parcel of the customer's order may name no customer
            tests.append(f"{ORDER} IN (SELECT {ORDER} FROM happened WHERE {' OR '.join(tests)})")  # noqa: S608 -- numbers and quoted names
        among = f"FROM happened WHERE {' OR '.join(tests)}"
        query = f"SELECT row FROM personal WHERE event IN (SELECT id {among}) AND event NOT IN ({_by_law(at)})"  # noqa: S608 -- numbers and quoted names
        rows = self._of_vault(log, f"{query} ORDER BY row")
        kept = self.kept_names(at)
        named = {}
        for kind in self._term.kinds & self._kinds:
            found = self._ask(f"SELECT DISTINCT {quoted(kind)} AS number {among}")["number"].drop_null()
            named[kind] = set(found.to_pylist()) - kept[kind]
        return rows, named

    def kept(self, log: EventLog, at: int) -> tuple[int, ...]:
        """Rows of the vault that a law orders to keep beyond a moment."""
        if not self._term.lawful:  # none: the vault need not be read
            return ()
        return self._of_vault(log, f"SELECT row FROM personal WHERE event IN ({_by_law(at)}) ORDER BY row")  # noqa: S608 -- a number

    def kept_names(self, at: int) -> dict[str, set[int]]:
        """By kind of identifier that is personal, the numbers that stand in what a law orders to keep."""
        return {
            kind: set(
                self._ask(f"SELECT DISTINCT {quoted(kind)} AS number FROM happened WHERE law > {int(at)}")["number"]  # noqa: S608 -- quoted
                .drop_null()
                .to_pylist()
            )
            for kind in self._term.kinds & self._kinds
        }

    def older(self, before: int) -> int:
        """How many events that stand happened before a moment."""
        found = self._ask(f"SELECT count(*) AS n FROM happened WHERE live AND moment < {int(before)}")  # noqa: S608 -- a number
        return int(found["n"][0].as_py())

    def _of_vault(self, log: EventLog, query: str) -> tuple[int, ...]:
        kept = _vault(log, self._term.source)
        if not kept.num_rows:
            return ()
        self._duck.register("vault", kept)
        self._tell(log.keyring)
        return tuple(self._ask(query)["row"].to_pylist())

    def _tell(self, keyring: Keyring) -> None:
        """Makes `personal`, once: the vault with the id of each event, null where no segment has it.

        The vault holds keyed digests: those of all ids that the source told are made, in a second or two for a million.
        """
        if self._told:
            return
        source = self._term.source
        keyring.secret()  # where it is lost, that is said, and not by DuckDB

        def called(ids: pa.ChunkedArray) -> pa.Array:
            return pa.array(called_events(keyring, source, ids.to_pylist()), pa.string())

        self._duck.create_function("called", called, ["VARCHAR"], "VARCHAR", type=ARROW)
        self._run(
            "CREATE TEMP TABLE calls AS SELECT id, called(id) AS event "
            "FROM (SELECT DISTINCT id FROM happened WHERE id IS NOT NULL)"
        )
        self._run(
            "CREATE TEMP VIEW personal AS SELECT vault.row, calls.id AS event, vault.known_at "
            "FROM vault LEFT JOIN calls USING (event)"
        )
        self._told = True

    def _open(self, log: EventLog) -> set[str]:
        files, undone, dropped = _segments(log, self._term.source)
        if not files:
            empty = pa.table({"id": pa.array([], pa.string()), "moment": pa.array([], pa.int64())})
            live = pa.array([], pa.bool_())
            empty = empty.append_column("clock", empty["moment"]).append_column("law", empty["moment"])
            self._duck.register("happened", empty.append_column("live", live))
            return set()
        whole = reading(files)
        named = {column for column, *_ in self._run(f"DESCRIBE SELECT * FROM {whole}").fetchall()}  # noqa: S608 -- our own files
        kinds = {name for name in named - _NOT_KINDS if not is_path(name)}
        self._duck.register("undone", pa.table({"file": pa.array(undone, pa.string())}))
        gone = {"file": pa.array([file for file, _ in dropped], pa.string())}
        self._duck.register("dropped", pa.table({**gone, "row": pa.array([row for _, row in dropped], pa.int64())}))
        shown = ", ".join(quoted(kind) for kind in sorted(kinds))
        self._run(
            f'CREATE VIEW came AS SELECT id, name, epoch_ms("at") AS moment, {shown}, '  # noqa: S608 -- our own names
            "filename NOT IN (SELECT file FROM undone) AND NOT EXISTS "
            "(FROM dropped d WHERE d.file = filename AND d.row = file_row_number) AS live "
            f"FROM {whole}"
        )
        if not self._term.starts or ORDER not in kinds:
            clock = f"{self._later('moment')} AS clock, {self._law} AS law"
            self._run(f"CREATE VIEW happened AS SELECT *, {clock} FROM came")  # noqa: S608 -- escaped
            return kinds
        starts = ", ".join(f"max(moment) FILTER (name = '{escaped(name)}')" for name in self._term.starts)
        self._run(
            f"CREATE TABLE orders AS SELECT {ORDER}, coalesce({starts}, min(moment) + {int(self._term.wait)}) AS clock "  # noqa: S608 -- escaped
            f"FROM came WHERE live AND {ORDER} IS NOT NULL GROUP BY {ORDER}"
        )
        clock = f"{self._later('coalesce(orders.clock, came.moment)')} AS clock, {self._law} AS law"
        self._run(f"CREATE VIEW happened AS SELECT came.*, {clock} FROM came LEFT JOIN orders USING ({ORDER})")  # noqa: S608 -- escaped
        return kinds

    @property
    def _law(self) -> str:
        """SQL: until when a law orders to keep a row, null where none does."""
        if not self._term.lawful:
            return "NULL::BIGINT"
        names = ", ".join(f"'{escaped(name)}'" for name in sorted(self._term.lawful))
        until = _EVER if self._term.lawful_for is None else f"came.moment + {int(self._term.lawful_for)}"
        return f"CASE WHEN came.live AND came.name IN ({names}) THEN {until} END"

    def _later(self, clock: str) -> str:
        """SQL: a clock, moved so far that the source's term is not over before that of the law."""
        if self._term.keep is None or not self._term.lawful:
            return clock
        return f"greatest({clock}, {self._law} - {int(self._term.keep)})"

    def _run(self, query: str) -> duckdb.DuckDBPyConnection:
        with self._readable():
            return self._duck.execute(query)

    def _ask(self, query: str) -> pa.Table:
        with self._readable():
            return self._duck.sql(query).to_arrow_table()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except duckdb.IOException as fault:
            raise BrokenStore(
                f"A segment of source '{self._term.source}' cannot be read.", then="Nothing was removed: cxm doctor."
            ) from fault


def _by_law(at: int) -> str:
    """SQL: ids of events that a law orders to keep beyond a moment."""
    return f"SELECT id FROM happened WHERE law > {int(at)}"  # noqa: S608 -- a number


def older(log: EventLog, source: str, before: int) -> int:
    """How many events of a source that stand happened before a moment, UTC ms."""
    with Clocks(log, Term(source, None)) as told:
        return told.older(before)


def columns_of(log: EventLog, source: str) -> set[str]:
    """The paths that a source's segments, and the files beside them, have as columns of their own."""
    s = SEGMENTS.c
    with log.state.connect() as connection:
        told = connection.execute(select(s.columns).where(s.source == source)).scalars().all()
        sides = select(SIDES.c.path).join(SEGMENTS, s.id == SIDES.c.segment)
        beside = connection.execute(sides.where(s.source == source, SIDES.c.file.is_not(None))).scalars().all()
    typed = {column.rpartition(":")[0] for columns in told for column in json.loads(columns) if column != REST}
    return typed | set(beside)


def leftovers(log: EventLog, source: str) -> Iterator[str]:
    """What a source's segments hold beside typed columns: the JSON of each event that has any."""
    files, _, _ = _segments(log, source)
    with closing(connect()) as duck:
        for file in files:
            query = f"SELECT rest::JSON::VARCHAR FROM read_parquet('{escaped(file)}') WHERE rest IS NOT NULL"  # noqa: S608 -- escaped
            found = duck.execute(query)
            while rows := found.fetchmany(_ROWS):
                yield from (said for (said,) in rows)


# -- inside ------------------------------------------------------------------------------------------------------------


def _segments(log: EventLog, source: str) -> tuple[list[str], list[str], list[tuple[str, int]]]:
    """Files of all segments of a source; of those, what was taken back; and (file, row) of what was replaced."""
    s, c = SEGMENTS.c, COLLECTS.c
    with log.state.connect() as connection:
        found = connection.execute(
            select(s.file, c.undone_at).join(COLLECTS, c.id == s.collect).where(s.source == source).order_by(s.id)
        ).all()
        gone = connection.execute(
            select(s.file, SUPERSEDED.c.row)
            .join(SEGMENTS, s.id == SUPERSEDED.c.segment)
            .join(COLLECTS, c.id == SUPERSEDED.c.collect)
            .where(s.source == source, c.undone_at.is_(None))
        ).all()
    files = list(dict.fromkeys(str(log.root / row.file) for row in found))
    undone = [str(log.root / row.file) for row in found if row.undone_at is not None]
    standing = {str(log.root / row.file) for row in found if row.undone_at is None}
    return files, [file for file in undone if file not in standing], [(str(log.root / file), row) for file, row in gone]


def _vault(log: EventLog, source: str) -> pa.Table:
    """Each row of the vault of a source: its number, what it calls its event, and when its collect began."""
    c = COLLECTS.c
    query = select(PERSONAL.c.id, PERSONAL.c.event, c.known_at).join(COLLECTS, c.id == PERSONAL.c.collect)
    schema = pa.schema([("row", pa.int64()), ("event", pa.string()), ("known_at", pa.int64())])
    parts = [schema.empty_table()]
    with log.state.connect() as connection:
        for rows in connection.execute(query.where(c.source == source).execution_options(yield_per=_ROWS)).partitions():
            columns = zip(zip(*rows, strict=True), schema.types, strict=True)
            parts.append(pa.Table.from_arrays([pa.array(column, kind) for column, kind in columns], schema=schema))
    return pa.concat_tables(parts)


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), np.int64)
