"""Compaction: the small segments that came through the door become fewer and larger, and no answer changes.

Events, their order, typed columns and what is left over stay as they are; side files are made again where they are
asked for. What is merged was one collect's, so that a collect is still taken back whole. Segments that an older state
of the log still needs (superseded rows, corrections) are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
from sqlalchemy import Row, delete, exists, insert, select, update

from cxminute.model.errors import BrokenStore, WrongUse
from cxminute.model.times import DAY, HOUR
from cxminute.store import failpoints
from cxminute.store.arrivals import on_disk
from cxminute.store.log import EventLog, through_the_door
from cxminute.store.manifest import LARGE, add_segment, next_segment
from cxminute.store.receipts import KEPT_DAYS, Receipts
from cxminute.store.schema import COLLECTS, RETIRED, SEGMENTS, SIDES, SUPERSEDED
from cxminute.store.segments import REST, Written, merge_segments, paths_left_over
from cxminute.store.state import writing

GRACE: Final = HOUR
"""Milliseconds for which replaced files stay: who opened the log before may still be reading them."""
LINEAGE: Final = 7 * DAY
"""Milliseconds for which is remembered what a merged segment was made of, so that an index need not be made again."""
_FILES: Final = 256  # of one merge

Segment = Row[Any]


def compact(log: EventLog, at: int, *, rows: int = LARGE, fan: int = 16, most: int = 8) -> int:
    """Merges what is small, of the log and of its receipts, and removes files that were replaced an hour ago.

    at:      now, UTC ms
    rows:    segments with so many events are large enough
    fan:     segments of about one size before they are merged; of a day that is over, two
    most:    merges of one call
    returns: how many merges were made; as many as `most` means that there may be more to do
    raises:  BrokenStore where the disk or the database fails: what was merged stays merged;
             what one group is at fault for, once all others are merged: that group is left alone from then on
    Whoever calls holds `collecting`.
    """
    done = 0
    faulty: Exception | None = None
    with on_disk():
        _sweep(log, at)
        for group in _groups(log, at, rows, fan):
            if done >= most:
                break
            try:
                for members in _mergeable(log, group):
                    _merge(log, members, at)
                    done += 1
            except (BrokenStore, OSError, duckdb.IOException):
                raise
            except Exception as fault:  # noqa: BLE001 -- one segment that cannot be merged must not hold up all others
                log.apart.add(frozenset(segment.id for segment in group))
                faulty = fault
        if done or not log.published:
            log.publish()
        done += _settle_receipts(log, at, most - done)
    if faulty is not None:
        raise faulty
    return done


def _groups(log: EventLog, at: int, rows: int, fan: int) -> Iterator[list[Segment]]:
    """Small segments, each group of one collect and in order of arrival."""
    c, s = COLLECTS.c, SEGMENTS.c
    whole = ~exists().where(SUPERSEDED.c.segment == s.id)
    query = (
        select(SEGMENTS, c.finished_at)
        .join(COLLECTS, c.id == s.collect)
        .where(through_the_door(), c.undone_at.is_(None), c.finished_at.is_not(None))  # a replay may have been killed
        .where(~s.correction, s.rows < rows, whole)
        .order_by(s.collect, s.id)
    )
    with log.state.connect() as connection:
        found = connection.execute(query).all()
    collects: dict[int, list[Segment]] = {}
    for segment in found:
        collects.setdefault(segment.collect, []).append(segment)
    for segments in collects.values():
        over = segments[0].finished_at // DAY < at // DAY
        sizes: dict[int, list[Segment]] = {}
        for segment in segments:
            sizes.setdefault(0 if over else _size(segment.rows, fan), []).append(segment)
        for alike in sizes.values():
            group: list[Segment] = []
            for segment in alike:
                group.append(segment)
                if sum(each.rows for each in group) >= rows or len(group) == (_FILES if over else fan):
                    yield group
                    group = []
            if over and len(group) > 1:
                yield group


def _size(rows: int, fan: int) -> int:
    """Segments are of one size within a factor of `fan`."""
    size = 0
    while rows >= fan:
        rows //= fan
        size += 1
    return size


def _mergeable(log: EventLog, group: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Parts of a group that can be merged without loss.

    A path that is a typed column of one segment and left over in another (a definition that names it came between)
    would not be back-filled once both are one: those stay apart.
    """
    if len(group) < 2 or frozenset(s.id for s in group) in log.apart:
        return
    typed = {s.id: {column for column in json.loads(s.columns) if column != REST} for s in group}
    paths = sorted({column.rpartition(":")[0] for columns in typed.values() for column in columns})
    clashing = []
    for segment in group:
        own = {column.rpartition(":")[0] for column in typed[segment.id]}
        missing = [path for path in paths if path not in own]
        if REST in json.loads(segment.columns) and paths_left_over(log.duck, log.root / segment.file, missing):
            clashing.append(segment)
    agreeing = [segment for segment in group if segment not in clashing]
    if clashing:
        log.apart.add(frozenset(s.id for s in group))
        if len(clashing) < len(group):
            yield from _mergeable(log, clashing)
    if len(agreeing) > 1:
        yield agreeing


def _merge(log: EventLog, members: Sequence[Segment], at: int) -> None:
    source, collect = members[0].source, members[0].collect
    columns = sorted({column for s in members for column in json.loads(s.columns)}, key=lambda c: (c == REST, c))
    written = merge_segments(log.duck, [log.root / s.file for s in members], columns, log.root, source)
    if written.rows != sum(s.rows for s in members):
        raise WrongUse("A merged segment has not as many events as its parts.", then="Nothing was changed.")
    failpoints.at("compaction.written")
    _replace(log, members, written, collect, at)
    failpoints.at("compaction.committed")


def _replace(log: EventLog, members: Sequence[Segment], written: Written, collect: int, at: int) -> None:
    ids = [s.id for s in members]
    failpoints.at("compaction.committing")
    with writing(log.state).begin() as connection:
        number = next_segment(connection)
        add_segment(connection, number, written, collect, members[0].part, members[0].source, correction=False)
        connection.execute(select(SEGMENTS.c.id).where(SEGMENTS.c.id.in_(ids)).with_for_update())  # no more sides
        connection.execute(delete(SIDES).where(SIDES.c.segment.in_(ids)))
        connection.execute(delete(SEGMENTS).where(SEGMENTS.c.id.in_(ids)))
        retired = [
            {"segment": s.id, "file": s.file, "rows": s.rows, "source": s.source, "merged": number, "at": at}
            for s in members
        ]
        connection.execute(insert(RETIRED), [{**row, "swept": False} for row in retired])
    log.published = False


def _sweep(log: EventLog, at: int) -> None:
    """Removes replaced files that nobody can be reading any more, with their side files."""
    r = RETIRED.c
    with log.state.connect() as connection:
        old = connection.execute(select(r.segment, r.file).where(~r.swept, r.at < at - GRACE)).all()
        standing = set(connection.execute(select(SEGMENTS.c.file)).scalars()) if old else set()
    failpoints.at("compaction.sweeping")
    if not old:
        return
    for _, name in old:
        if name not in standing:  # files are named by what they hold: another segment may hold the very same
            file = log.root / name
            for each in (file, *file.parent.glob(f"{file.stem}.*.side")):
                each.unlink(missing_ok=True)
    with writing(log.state).begin() as connection:
        connection.execute(update(RETIRED).where(~r.swept, r.at < at - GRACE).values(swept=True))
        connection.execute(delete(RETIRED).where(r.swept, r.at < at - LINEAGE))


def _settle_receipts(log: EventLog, at: int, most: int) -> int:
    receipts = Receipts(_receipts_of(log))
    done = 0
    while done < most:
        with log.state.connect() as connection:
            runs = receipts.runs(connection)
        newest = max((run.last_day for run in runs), default=0)
        change = receipts.settle(runs, min(newest, at // DAY) - KEPT_DAYS)
        if not change.replaced:
            receipts.sweep(runs, at - GRACE)
            break
        with writing(log.state).begin() as connection:
            receipts.commit(connection, change)
        receipts.retire(change, at)
        done += 1
    return done


def _receipts_of(log: EventLog) -> Path:
    return log.root.parent / "receipts"
