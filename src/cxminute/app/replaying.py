"""What lies in quarantine, once more: under the mapping as it is now, and mended where that is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app.collecting import WAIT, TakenUp, alone, judged, known_of, prepare, recognise, take
from cxminute.app.project import Project
from cxminute.app.rights.suppressing import REFUSED
from cxminute.collect.calls.reading import read_kept
from cxminute.collect.logs.mapping import log_again
from cxminute.collect.mending import Filling, check_found, mended
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.telling import read_again
from cxminute.collect.receive import Received
from cxminute.collect.replay import rows_of
from cxminute.collect.rows import Rows
from cxminute.collect.seen import Seen
from cxminute.collect.source import DOOR, LOGS, READERS, Source
from cxminute.model.errors import WrongUse
from cxminute.model.tables import REJECT
from cxminute.store.arrivals import Arrival
from cxminute.store.log import FileId, collecting, quarantine_of

_NESTED: Final = ("ndjson", DOOR, *READERS, *LOGS)
_STRETCH: Final = 20_000  # items of the door's at a time


@dataclass(slots=True)
class Replayed:
    """What came of rows that were taken up again.

    rows:     taken up
    added:    events that are new to the log
    repeated: events that the log had already; of the door's, message ids that were received before
    rejected: rows that stay in quarantine
    reasons:  of those, how many for each reason
    """

    rows: int = 0
    added: int = 0
    repeated: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def replay(
    project: Project,
    source: Source,
    now: int,
    *,
    reason: str | None = None,
    number: int | None = None,
    fillings: Sequence[Filling] = (),
) -> Replayed:
    """What lies in quarantine of a source, once more under the mapping as it is now; what still fails goes back.

    reason, number: only those set apart for this reason; only this one
    fillings:       how rows are mended first; what fails all the same is kept as it came
    raises:         WrongUse where nothing such lies there, or no row has anything at a filling's path
    """
    with collecting(project.folder, wait=WAIT) if source.at_door else alone(project):
        held = waiting(project, source, reason, number)
        _check(held, source, fillings)
        bring = _of_door if source.at_door else _of_files
        done = bring(project, source, held, fillings, now)
    recognise(project)
    return done


def trial(project: Project, source: Source, held: pa.Table, fillings: Sequence[Filling]) -> Received:
    """What would come of rows in quarantine, as `waiting` gives them; nothing is written, nor numbered."""
    _check(held, source, fillings)
    rejects = _mended(held, source, fillings)
    if source.at_door:
        return judged(project, source, read_kept(rejects, _naming(project, source)).rows, None)
    return judged(project, source, _again(project, rejects, source), Seen())


def waiting(project: Project, source: Source, reason: str | None = None, number: int | None = None) -> pa.Table:
    """Rows in quarantine that can be taken up again: `number`, `collect` and the REJECT columns."""
    held = project.log.rejects(source.name, reason)
    held = held.filter(pc.and_(pc.greater_equal(held["position"], 0), pc.is_valid(held["row"])))
    held = held.filter(pc.not_equal(held["reason"], REFUSED))  # nothing of it is kept
    if number is not None:
        held = held.filter(pc.equal(held["number"], number))
    if not held.num_rows:
        what = f"No row of source '{source.name}'" + (f" with number {number}" if number is not None else "")
        raise WrongUse(f"{what} lies in quarantine{f' for {reason}' if reason else ''}.", then="Nothing was changed.")
    return held


def _of_files(project: Project, source: Source, held: pa.Table, fillings: Sequence[Filling], now: int) -> Replayed:
    """Collect by collect, since rows without a key are told apart within their file."""
    done = Replayed()
    for collect in pc.unique(held["collect"]).to_pylist():
        part = held.filter(pc.equal(held["collect"], collect))
        rows = _again(project, _mended(part, source, fillings), source)
        came = dict(zip(part["position"].to_pylist(), part["row"].to_pylist(), strict=True))
        taken_up = TakenUp(tuple(part["number"].to_pylist()), came)
        file = FileId(quarantine_of(collect))
        found = take(project, source, iter([rows]), file, now, lambda *_: None, taken_up)
        done.rows += found.counts.rows
        done.added += found.counts.added + found.counts.corrected
        done.repeated += found.counts.repeated
        done.rejected += found.counts.rejected
        done.reasons.update(found.reasons)
    return done


def _again(project: Project, rejects: pa.Table, source: Source) -> Rows:
    if source.has_reader:
        return next(read_again(rejects, reader_of(source.format), source, known_of(project, source)))
    return log_again(rejects, source) if source.is_log else rows_of(rejects, source)


def _of_door(project: Project, source: Source, held: pa.Table, fillings: Sequence[Filling], now: int) -> Replayed:
    """As the worker brings calls: what was received before is a duplicate still. Collect by collect, in stretches."""
    done = Replayed()
    for collect in pc.unique(held["collect"]).to_pylist():
        part = held.filter(pc.equal(held["collect"], collect))
        for start in range(0, part.num_rows, _STRETCH):
            _bring(project, source, part.slice(start, _STRETCH), fillings, now, done)
    return done


def _bring(
    project: Project, source: Source, held: pa.Table, fillings: Sequence[Filling], now: int, done: Replayed
) -> None:
    places = pa.array(np.arange(held.num_rows), pa.int64())
    part = held.set_column(held.column_names.index("position"), "position", places)
    came = dict(enumerate(held["row"].to_pylist()))
    taken_up = TakenUp(tuple(held["number"].to_pylist()), came)
    read = read_kept(_mended(part, source, fillings), _naming(project, source))
    received = judged(project, source, read.rows, None)
    received = replace(received, rejects=taken_up.as_they_came(received.rejects))
    chunk = prepare(project, received, project.definitions.contracts[source.name], taken_up.numbers)
    arrival = Arrival(source.name, chunk, read.received, 0, None, list(came.values()))
    became = project.arrivals.commit(arrival, project.definitions.paths, now, project.inbox.identity)
    done.rows += held.num_rows
    done.added += became.stored
    done.repeated += became.duplicate
    done.rejected += became.quarantined
    done.reasons.update(received.rejects["reason"].to_pylist())


def _check(held: pa.Table, source: Source, fillings: Sequence[Filling]) -> None:
    if fillings:
        check_found(held["row"].to_pylist(), fillings, nested=source.format in _NESTED)


def _mended(held: pa.Table, source: Source, fillings: Sequence[Filling]) -> pa.Table:
    rejects = held.select(REJECT.names).cast(REJECT)
    if not fillings:
        return rejects
    nested = source.format in _NESTED
    rows = [mended(row, fillings, nested=nested) for row in rejects["row"].to_pylist()]
    return rejects.set_column(rejects.column_names.index("row"), REJECT.field("row"), pa.array(rows, pa.string()))


def _naming(project: Project, source: Source) -> Source:
    return source.naming(project.definitions.paths)
