"""How far a stream is pulled: everything changed up to a mark is in the log, and within a run every page so far.

A run asks for what was changed since the mark, less an overlap, because APIs show a change a little after its time.
The mark moves only when a run has seen its last page, and never beyond the time at which the run began, by the API's
own clock: what is changed while the run goes on may stand on a page that it has left behind, and is the next run's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from cxminute.collect.pulls.asking import Page


@dataclass(frozen=True, slots=True)
class Run:
    """A run in progress.

    since:   what was changed from here on is asked for, UTC ms
    started: when it began, by the API's clock; changes after it are the next run's
    newest:  the latest change that it has seen
    place:   the page to ask for next; '' for the first
    pages:   that are in the log
    size:    records of a page: some APIs count pages, so that a place means nothing to pages of another size
    """

    since: int
    started: int
    newest: int | None = None
    place: str = ""
    pages: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Of one stream.

    mark: everything that was changed before it is in the log, UTC ms; None before the first run has ended
    run:  the one in progress, if any
    """

    mark: int | None = None
    run: Run | None = None


def begun(cursor: Cursor, first: int, overlap: int, now: int, *, since: int | None = None, size: int = 0) -> Cursor:
    """The cursor with a run in progress: the one that was interrupted, or a new one.

    first:   where a stream begins that was never pulled, UTC ms
    overlap: ms before the mark that are asked for again
    since:   begin a new run here instead; the mark stays
    size:    records of a page; where the run was interrupted at another size it starts at its first page
    """
    if since is not None:
        return replace(cursor, run=Run(max(0, since), now, size=size))
    if cursor.run is not None:
        return cursor if cursor.run.size == size else replace(cursor, run=replace(cursor.run, place="", size=size))
    start = first if cursor.mark is None else cursor.mark - overlap
    return replace(cursor, run=Run(max(0, start), now, size=size))


def dated(cursor: Cursor, at: int) -> Cursor:
    """The same, its run having begun no later than the API's clock said with the first answer."""
    run = cursor.run
    return cursor if run is None else replace(cursor, run=replace(run, started=min(run.started, at)))


def again(cursor: Cursor) -> Cursor:
    """The same run from its first page: its place means nothing any more."""
    run = cursor.run
    return cursor if run is None else replace(cursor, run=replace(run, place=""))


def onward(cursor: Cursor, page: Page) -> Cursor:
    """Once a page is in the log; after the last the run is over and the mark moves on."""
    run = cursor.run
    if run is None:
        return cursor
    seen = [at for at in (run.newest, page.newest) if at is not None]
    started = run.started if page.until is None else min(run.started, page.until)
    run = replace(run, started=started, newest=max(seen, default=None), place=page.place, pages=run.pages + 1)
    if page.place:
        return replace(cursor, run=run)
    reached = min(run.newest if run.newest is not None else run.since, run.started)
    if cursor.mark is None:
        return Cursor(reached)
    if run.since > cursor.mark:  # begun by hand, further on: what lies between was not asked for
        return Cursor(cursor.mark)
    return Cursor(max(cursor.mark, reached))


def written(cursor: Cursor) -> str:
    """As it is kept: JSON."""
    return msgspec.json.encode(cursor).decode()


def read(text: str) -> Cursor:
    """Out of what was kept."""
    return msgspec.json.decode(text, type=Cursor)
