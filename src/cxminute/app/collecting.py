"""Files into the log: read in chunks of whole rows, received, resolved, split from what is personal, committed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.project import Project
from cxminute.collect import delimited, ndjson
from cxminute.collect.compressed import open_compressed
from cxminute.collect.receive import Received, receive
from cxminute.collect.replay import rows_of
from cxminute.collect.rows import Rows, of_tables
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, WrongUse
from cxminute.model.tables import REJECT
from cxminute.privacy.contracts import Contract
from cxminute.privacy.personal import is_personal, split
from cxminute.resolve.resolve import resolve
from cxminute.store.conditions import evaluate
from cxminute.store.formats import database, excel, parquet
from cxminute.store.log import Chunk, Counts, Told, collecting
from cxminute.store.vault import PERSON_KINDS

Advance = Callable[[int, str], None]


@dataclass(slots=True)
class Collected:
    """What came of collecting one file.

    told:     the collect, finished
    counts:   over its chunks
    reasons:  how many rows went to quarantine for each reason
    nobody:   ids such as 'guest' that were taken for what they are: nobody
    """

    told: Told
    counts: Counts = field(default_factory=Counts)
    reasons: dict[str, int] = field(default_factory=dict)
    nobody: int = 0


def collect_file(project: Project, path: Path | None, source: Source, now: int, advance: Advance) -> Collected:
    """One file (or the rows of the source's query) into the log.

    now:     the collect's known_at, UTC ms
    advance: called after each chunk with its rows and what to say
    raises:  BadData, UnknownName: nothing of this file was collected; what had been committed before stays
    """
    file, digest = _identity(path, source)
    with collecting(project.folder):
        rows = read(path, source, project.settings.segment_rows, project.root)
        return _take(project, source, rows, (file, digest), now, advance)


def replay(project: Project, source: Source, now: int, reason: str | None = None) -> Collected:
    """What lies in quarantine of a source, once more under the mapping as it is now; what still fails goes back."""
    with collecting(project.folder):
        held = project.log.rejects(source.name, reason)
        replayable = held.filter(pa.array([position >= 0 for position in held["position"].to_pylist()], pa.bool_()))
        rows = rows_of(replayable.select(REJECT.names).cast(REJECT), source)
        numbers = tuple(replayable["number"].to_pylist())
        return _take(project, source, iter([rows]), ("quarantine", ""), now, lambda *_: None, numbers)


def preview(project: Project, path: Path | None, source: Source, rows: int = 1_000) -> Received:
    """What the first rows of a file would become; nothing is written."""
    first = next(read(path, source, rows, project.root), None)
    if first is None:
        raise BadData("There are no rows.", file=str(path) if path else None)
    contract = project.definitions.contracts[source.name]
    return receive(
        first, source, secret=b"preview", evaluate=evaluate, seen=Seen(), personal_columns=_personal(source, contract)
    )


def read(path: Path | None, source: Source, size: int, folder: Path) -> Iterator[Rows]:
    """Chunks of `size` rows of a file in the source's format; `folder` is what a query's files are relative to."""
    if source.format == "sql":
        return of_tables(_queried(source, folder, size), source, file=f"query of {source.name}")
    if path is None:
        raise WrongUse(f"Source '{source.name}' reads {source.format} files: name one.")
    if not path.is_file():
        raise BadData("There is no such file.", file=str(path), then="Nothing of it was collected.")
    if source.format == "parquet":
        return of_tables(parquet.read(path, size=size), source, file=path.name)
    if source.format == "excel":
        return of_tables(excel.read(path, sheet=source.sheet, size=size), source, file=path.name)
    return _plain(path, source, size)


def _queried(source: Source, folder: Path, size: int) -> Iterator[pa.Table]:
    return database.read(source.url, source.query, environment=os.environ, folder=folder, size=size)


def _plain(path: Path, source: Source, size: int) -> Iterator[Rows]:
    reader = ndjson.read if source.format == "ndjson" else delimited.read
    with path.open("rb") as file:
        opened: BinaryIO = open_compressed(file, path.name)
        yield from reader(opened, source, name=path.name, size=size)


def _take(
    project: Project,
    source: Source,
    chunks: Iterator[Rows],
    identity: tuple[str, str],
    now: int,
    advance: Advance,
    replayed: tuple[int, ...] = (),
) -> Collected:
    contract = project.definitions.contracts[source.name]
    personal, named, log = _personal(source, contract), project.definitions.paths, project.log
    first = next(chunks, None)  # a file that cannot be read at all is told before a collect begins
    told = log.begin(source.name, *identity, now)
    done = Collected(told, told.counts)
    seen = Seen()
    writing: list[tuple[Future[Counts], Received]] = []  # at most one: a chunk is received while the last is written

    def settle() -> None:
        for future, received in writing:
            done.counts += future.result()
            done.nobody += received.counts.get("nobody", 0)
            for reason in received.rejects["reason"].to_pylist():
                done.reasons[reason] = done.reasons.get(reason, 0) + 1
            said = f"{done.counts.rejected:,} in quarantine" if done.counts.rejected else ""
            advance(received.counts["rows"], said)
        writing.clear()

    with ThreadPoolExecutor(1, thread_name_prefix="cxm-log") as writer:
        for part, rows in enumerate(_with(first, chunks)):
            received = receive(
                rows, source, secret=project.secret, evaluate=evaluate, seen=seen, personal_columns=personal
            )
            if part < told.parts:  # committed before a kill: it only reminds `seen`
                advance(rows.count, "")
                continue
            chunk = prepare(project, received, contract, replayed if part == 0 else ())
            settle()
            writing.append((writer.submit(log.append, told, part, chunk, named), received))
        settle()
    done.told = log.finish(told, now)
    return done


def prepare(project: Project, received: Received, contract: Contract, replayed: tuple[int, ...] = ()) -> Chunk:
    """Events as the log takes them: identifiers as numbers, whose they are, without what is personal."""
    events = received.events
    for name in [name for name in events.column_names if name.startswith("identifiers.")]:
        kind = name.removeprefix("identifiers.")
        values = events[name]
        if not contract.link:  # a marketplace's buyers and orders are numbered apart: they are nobody else's
            prefix = pa.scalar(f"{contract.source}\x1f")
            values = pc.binary_join_element_wise(prefix, values, "")
        numbers = project.vault.intern(kind, values)
        events = events.set_column(events.column_names.index(name), kind, numbers)
    kept, personal = split(resolve(events), contract)
    rows, repeated = received.counts["rows"], received.counts["repeated"]
    return Chunk(kept, personal, received.rejects.cast(REJECT), rows, repeated, replayed)


def _with(first: Rows | None, rest: Iterator[Rows]) -> Iterator[Rows]:
    if first is not None:
        yield first
    yield from rest


def _personal(source: Source, contract: Contract) -> frozenset[str]:
    """Columns of the file that may not stand in the clear in an event's id: persons' ids, and all that is personal."""
    persons = {f"identifiers.{kind}" for kind in PERSON_KINDS}
    return source.personal_columns(lambda path: path in persons or is_personal(path, contract))


def _identity(path: Path | None, source: Source) -> tuple[str, str]:
    """Name and SHA-256 of a file: the same file killed half-way is taken up again."""
    if path is None or source.format == "sql":
        return "query", ""
    if not path.is_file():
        raise BadData("There is no such file.", file=str(path), then="Nothing of it was collected.")
    with path.open("rb") as file:
        return path.name, hashlib.file_digest(file, "sha256").hexdigest()
