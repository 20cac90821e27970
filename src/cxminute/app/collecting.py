"""Files into the log: read in chunks of whole rows, received, resolved, split from what is personal, committed."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app import clock
from cxminute.app.people.recognising import kind_of_column, with_linking
from cxminute.app.plans import enforce
from cxminute.app.project import Project
from cxminute.app.rights.consenting import consents_of
from cxminute.app.rights.suppressing import without_suppressed
from cxminute.collect import delimited, ndjson
from cxminute.collect.compressed import open_compressed
from cxminute.collect.logs.mapping import carrying, read_log
from cxminute.collect.readers import telling
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.telling import Newest
from cxminute.collect.receive import Received, receive
from cxminute.collect.rows import Rows, of_tables
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, WrongUse
from cxminute.model.tables import REJECT
from cxminute.privacy.contracts import Contract
from cxminute.privacy.personal import is_personal, split
from cxminute.resolve.resolve import resolve
from cxminute.store.conditions import evaluate
from cxminute.store.formats import database, excel, ocel, parquet
from cxminute.store.log import Chunk, Counts, FileId, Told, collecting
from cxminute.store.vault import APART, PERSON_KINDS

Advance = Callable[[int, str], None]
WAIT: Final = 30.0
"""Seconds to wait for the log's lock: the worker of the door holds it for about one at a time."""


@dataclass(slots=True)
class Collected:
    """What came of collecting one file.

    told:     the collect, finished
    counts:   over its chunks
    reasons:  how many rows went to quarantine for each reason
    nobody:   ids such as 'guest' that were taken for what they are: nobody
    before:   the very file was collected before, by `told`, and nothing was done
    """

    told: Told
    counts: Counts = field(default_factory=Counts)
    reasons: dict[str, int] = field(default_factory=dict)
    nobody: int = 0
    before: bool = False


@dataclass(frozen=True, slots=True)
class TakenUp:
    """Rows of the quarantine that are taken up again.

    numbers: theirs in the quarantine
    rows:    by position each row as it came: what fails again is kept so, whatever was done to mend it
    """

    numbers: tuple[int, ...]
    rows: Mapping[int, str]

    def as_they_came(self, rejects: pa.Table) -> pa.Table:
        """Rejects with the rows that were kept in the first place."""
        pairs = zip(rejects["position"].to_pylist(), rejects["row"].to_pylist(), strict=True)
        came = pa.array([self.rows.get(position, row) for position, row in pairs], pa.string())
        return rejects.set_column(rejects.column_names.index("row"), rejects.schema.field("row"), came)


def collect_file(project: Project, path: Path | None, source: Source, now: int, advance: Advance) -> Collected:
    """One file (or the rows of the source's query) into the log.

    now:     the collect's known_at, UTC ms
    advance: called after each chunk with its rows and what to say
    returns: for a file that was collected before, just so, that collect, and all its rows as repeated
    raises:  BadData, UnknownName: nothing of this file was collected; what had been committed before stays
    """
    if path is not None and source.format == "sql":
        raise WrongUse(f"Source '{source.name}' reads its rows from a query: it takes no file.")
    if source.at_door:
        raise WrongUse(
            f"The events of source '{source.name}' come through the door: it takes no file.",
            allowed="cxm serve, and a write key of the source: cxm keys add",
        )
    with alone(project):
        file = _identity(project, path, source)
        if (before := project.log.collected(source.name, file)) is not None:
            return Collected(before, _again(before.counts), before=True)
        rows = read(path, source, project.settings.segment_rows, project.root, known_of(project, source))
        return take(project, source, rows, file, now, advance)


def collect_document(project: Project, source: Source, name: str, body: bytes, now: int, topic: str = "") -> Collected:
    """One document of a reader's source, as it was fetched or sent, into the log.

    name:  as `cxm collects` shows it
    topic: of a webhook, what its sender calls it
    The rest as in `collect_file`; the very same document again changes nothing.
    """
    with alone(project):
        file = FileId(name, hashlib.sha256(body).hexdigest(), _mapping(project, source))
        if (before := project.log.collected(source.name, file)) is not None:
            return Collected(before, _again(before.counts), before=True)
        size, newest = project.settings.segment_rows, known_of(project, source)
        reader, opened = reader_of(source.format), io.BytesIO(body)
        rows = telling.read(opened, reader, source, name=name, size=size, topic=topic, newest=newest)
        return take(project, source, rows, file, now, lambda *_: None)


def known_of(project: Project, source: Source) -> Newest:
    """When the newest telling that is known of a source's records had changed them."""
    return partial(project.versions.newest, source.name)


def alone(project: Project) -> AbstractContextManager[None]:
    """Only one collect of files, replay of them, or undo at a time; what the door received goes in between chunks."""
    return collecting(project.folder / "collects", wait=WAIT)


@contextmanager
def quiet(project: Project, wait: float = WAIT) -> Iterator[None]:
    """While no file is collected and nothing comes in: what has a number is in a segment then, or is nobody's.

    wait:   seconds to wait for whoever writes the log
    raises: BrokenStore where somebody writes it for longer
    """
    with collecting(project.folder / "collects", wait=wait), collecting(project.folder, wait=wait):
        yield


def undo(project: Project, collect: int) -> Told:
    """Takes one collect back, while no other runs."""
    with quiet(project):
        told = project.log.undo(collect, clock.now())
        project.versions.forget(collect)
    recognise(project)
    return told


def _again(counts: Counts) -> Counts:
    """What a file says when it is told again, just so: all that it said is repeated."""
    return Counts(rows=counts.rows, repeated=counts.added + counts.repeated + counts.corrected)


def preview(project: Project, path: Path | None, source: Source, rows: int = 1_000) -> Received:
    """What the first rows of a file would become; nothing is written."""
    first = next(read(path, source, rows, project.root), None)
    if first is None:
        raise BadData("There are no rows.", file=str(path) if path else None)
    return judged(project, source, first, Seen(), secret=b"preview")


def read(path: Path | None, source: Source, size: int, folder: Path, newest: Newest = lambda _: {}) -> Iterator[Rows]:
    """Chunks of `size` rows of a file in the source's format; `folder` is what a query's files are relative to.

    newest: of a reader's records, when the newest known telling had changed them
    """
    if source.format == "sql":
        return of_tables(_queried(source, folder, size), source, file=f"query of {source.name}")
    if path is None:
        raise WrongUse(f"Source '{source.name}' reads {source.format} files: name one.")
    if source.has_reader:
        return _of_reader(path, source, size, newest)
    if source.is_log:
        in_database = source.format == "ocel" and ocel.is_database(path)
        return read_log(path, source, size, ocel.read(path) if in_database else None)
    if source.format == "parquet":
        return of_tables(parquet.read(path, size=size), source, file=path.name)
    if source.format == "excel":
        return of_tables(excel.read(path, sheet=source.sheet, size=size), source, file=path.name)
    return _plain(path, source, size)


def _queried(source: Source, folder: Path, size: int) -> Iterator[pa.Table]:
    return database.read(source.url, source.query, environment=os.environ, folder=folder, size=size)


def _of_reader(path: Path, source: Source, size: int, newest: Newest) -> Iterator[Rows]:
    with path.open("rb") as file:
        opened = open_compressed(file, path.name)
        yield from telling.read(opened, reader_of(source.format), source, name=path.name, size=size, newest=newest)


def _plain(path: Path, source: Source, size: int) -> Iterator[Rows]:
    reader = ndjson.read if source.format == "ndjson" else delimited.read
    with path.open("rb") as file:
        opened: BinaryIO = open_compressed(file, path.name)
        yield from reader(opened, source, name=path.name, size=size)


def take(
    project: Project,
    source: Source,
    chunks: Iterator[Rows],
    file: FileId,
    now: int,
    advance: Advance,
    taken_up: TakenUp | None = None,
) -> Collected:
    """Rows into the log, chunk by chunk, as one collect; whoever calls is `alone`.

    The log's lock is held for a chunk, and let go before the next: what waits for it goes in between.
    """
    contract = project.definitions.contracts[source.name]
    named, log = project.definitions.paths, project.log
    first = next(chunks, None)  # a file that cannot be read at all is told before a collect begins
    _ = project.secret  # made before anything is in the log; refused where it was lost since
    with ExitStack() as turn:
        turn.enter_context(collecting(project.folder, wait=WAIT))
        told = log.begin(source.name, file, now)
        done = Collected(told, told.counts)
        seen = Seen()
        changed: dict[str, int] = {}
        writing: list[
            tuple[Future[Counts], Received, Chunk]
        ] = []  # at most one: a chunk is received while the last is written

        def settle() -> None:
            for future, received, chunk in writing:
                done.counts += future.result()
                done.nobody += received.counts.get("nobody", 0) + sum(chunk.nobody.values())
                for reason in received.rejects["reason"].to_pylist():
                    done.reasons[reason] = done.reasons.get(reason, 0) + 1
                said = f"{done.counts.rejected:,} in quarantine" if done.counts.rejected else ""
                advance(received.counts["rows"], said)
            writing.clear()

        with ThreadPoolExecutor(1, thread_name_prefix="cxm-log") as writer:
            for part, rows in enumerate(_with(first, chunks)):
                received = judged(project, source, rows, seen)
                if taken_up is not None:
                    received = replace(received, rejects=taken_up.as_they_came(received.rejects))
                changed.update(rows.changed)
                if part < told.parts:  # committed before a kill: it only reminds `seen`
                    advance(rows.count, "")
                    continue
                chunk = prepare(project, received, contract, taken_up.numbers if taken_up and part == 0 else ())
                settle()
                turn.close()
                turn.enter_context(collecting(project.folder, wait=WAIT))
                writing.append((writer.submit(log.append, told, part, chunk, named), received, chunk))
            settle()
            project.versions.learn(source.name, changed, told.id)
            done.told = log.finish(told, clock.now())
        return done


def recognise(project: Project) -> None:
    """Brings who is who up to the log, and writes down who turned out to be whom, where events name people twice.

    Commands that write to the log end with it, once, after all files and pages; where one was killed before, whoever
    reads next does it first.
    """
    from cxminute.app.people.identity import Recognising  # noqa: PLC0415 -- it takes a while, and a preview needs none of it

    Recognising(project).now()


def judged(project: Project, source: Source, rows: Rows, seen: Seen | None, *, secret: bytes | None = None) -> Received:
    """Rows as events and rejects, by the mapping of their source and then by its tracking plan.

    seen:   of their file; None for what came through the door, where the log says what repeats
    secret: the project's own where none is given
    """
    if source.is_log:
        source = carrying(source, rows)
    received = receive(
        rows,
        source,
        secret=project.secret if secret is None else secret,
        evaluate=evaluate,
        seen=seen,
        personal_columns=_personal(source, project.definitions.contracts[source.name]),
    )
    return enforce(project.definitions, source.name, received, rows)


def prepare(project: Project, received: Received, contract: Contract, replayed: tuple[int, ...] = ()) -> Chunk:
    """Events as the log takes them: identifiers as numbers, whose they are, without what is personal.

    People who were forgotten are refused before anything of theirs is numbered.
    """
    kept, personal = split(received.events, contract)
    kept, nobody = with_linking(project, kept, personal, contract)
    kept, personal, rejects = without_suppressed(project, kept, personal, received.rejects, contract)
    for name in [name for name in kept.column_names if name.startswith("identifiers.")]:
        column = name.removeprefix("identifiers.")
        numbers = project.vault.intern(kind_of_column(column), spelled(kept[name], contract))
        kept = kept.set_column(kept.column_names.index(name), column, numbers)
    kept = resolve(kept, project.settings.kinds)
    personal = personal.append_column("profile", kept["profile"])
    consents = consents_of(project, kept, personal, contract)
    rows, repeated = received.counts["rows"], received.counts["repeated"]
    return Chunk(kept, personal, rejects.cast(REJECT), rows, repeated, replayed, consents, nobody)


def spelled(values: pa.ChunkedArray, contract: Contract) -> pa.ChunkedArray:
    """Identifiers as they are numbered: those of a source that may not be linked apart, being nobody else's."""
    if contract.link:
        return values
    return pc.binary_join_element_wise(pa.scalar(f"{contract.source}{APART}"), values, "")


def _with(first: Rows | None, rest: Iterator[Rows]) -> Iterator[Rows]:
    if first is not None:
        yield first
    yield from rest


def _personal(source: Source, contract: Contract) -> frozenset[str]:
    """Columns of the file that may not stand in the clear in an event's id: persons' ids, and all that is personal."""
    persons = {f"identifiers.{kind}" for kind in PERSON_KINDS}
    return source.personal_columns(lambda path: path in persons or is_personal(path, contract))


def _identity(project: Project, path: Path | None, source: Source) -> FileId:
    """By what a file is known again: its bytes, the mapping that tells it, and how it is cut."""
    if path is None:
        return FileId("query")
    if not path.is_file():
        what = "This is a folder: name files." if path.is_dir() else "There is no such file."
        raise BadData(what, file=str(path), then="Nothing of it was collected.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileId(path.name, digest, _mapping(project, source))


def _mapping(project: Project, source: Source) -> str:
    said = f"{project.definitions.digests[source.name]} {project.settings.segment_rows}"
    return hashlib.sha256(said.encode()).hexdigest()
