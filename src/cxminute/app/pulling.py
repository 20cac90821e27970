"""Streams of a source's API into the log, page by page; a cursor says how far, so that any pull goes on from there."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field

from cxminute.app.collecting import Advance, collect_document, judged, known_of
from cxminute.app.fetching import Around, Fetch, Stale
from cxminute.app.project import Project
from cxminute.collect.pulls import cursor as cursors
from cxminute.collect.pulls.asking import Answer, Page, stamped
from cxminute.collect.pulls.catalogue import api_of
from cxminute.collect.pulls.cursor import Cursor
from cxminute.collect.pulls.settings import FIRST, Pull
from cxminute.collect.readers import telling
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.receive import Received
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, BrokenStore, CxmError, Unavailable, WrongUse
from cxminute.store.log import Counts, collecting

PULLED_BY = "Write [pull] into the file of a source that has an API: its url, and env:NAME for each secret."


@dataclass(slots=True)
class Pulled:
    """What came of pulling one stream.

    since:   what was changed from here on was asked for, UTC ms
    resumed: whether it first went on with a run that was interrupted
    pages:   that are in the log now
    records: orders, tickets: as often as they were told
    mark:    everything changed before it is in the log, UTC ms; None before the first run has ended
    asked:   questions to the API, each try counted
    waited:  seconds between them
    stopped: why it ended before its last page
    """

    stream: str
    since: int
    resumed: bool
    pages: int = 0
    records: int = 0
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    mark: int | None = None
    asked: int = 0
    waited: float = 0.0
    stopped: CxmError | None = None


def settings_of(project: Project, source: Source) -> Pull:
    """What the source's file says of pulling; WrongUse where it says nothing."""
    found = project.definitions.pulls.get(source.name)
    if found is None:
        raise WrongUse(
            f"Source '{source.name}' is not pulled: its file has no [pull].",
            allowed=", ".join(project.definitions.pulls) or "a source with [pull]: none has it yet",
            then=PULLED_BY,
        )
    return found


@contextmanager
def fetching(
    source: Source, settings: Pull, environment: Mapping[str, str], around: Around | None = None
) -> Iterator[Fetch]:
    """Questions to the source's API, with the secrets that the environment has.

    raises: WrongUse where it lacks one; which, and where its name stands, is said, and no value
    """
    lacking = {key: name for key, name in settings.secrets.items() if not environment.get(name)}
    if lacking:
        key, name = next(iter(lacking.items()))
        raise WrongUse(
            f"The environment has no {name}, where the file of source '{source.name}' says that '{key}' is.",
            allowed=f"{', '.join(sorted(set(lacking.values())))} in the environment of the command",
            then="Nothing was asked for.",
        )
    api = api_of(source.format, settings.api)
    secrets = {key: environment[name].strip() for key, name in settings.secrets.items()}
    for key, value in secrets.items():
        if not (value.isascii() and value.isprintable()):  # it would break the header, and the error would show it
            raise WrongUse(
                f"What {settings.secrets[key]} of the environment holds can be no secret of {api.title}.",
                allowed="letters, digits and signs of ASCII in one line",
                then="Nothing was asked for.",
            )
    every = settings.every / 1_000
    with closing(Fetch(api, settings.way, secrets, settings.secrets, every, around or Around())) as fetch:
        yield fetch


def pull(
    project: Project,
    source: Source,
    stream: str,
    fetch: Fetch,
    *,
    since: int | None = None,
    advance: Advance = lambda *_: None,
) -> Pulled:
    """One stream, from where it was left to its end.

    since:   begin here instead, UTC ms; where that is after the mark, the mark stays, since what lies between is open
    advance: called after each page with its records and what to say
    returns: what came of it; where it ended early, `stopped` says why, and all pages so far are in the log
    raises:  BrokenStore where the stream is being pulled already
    """
    around = fetch.around
    with alone(project, source):
        cursor, moved = _kept(project, source, stream)
        if moved is not None and fetch.last is None:  # also between one command and the next
            fetch.last = around.passed() - max(0, around.now() - moved) / 1_000
        resumed = since is None and cursor.run is not None and cursor.run.place != ""
        done = Pulled(stream, 0, resumed, mark=cursor.mark)
        before, waited = fetch.tried, fetch.waited
        steps = _Steps(project, source, fetch, done, cursor, advance)
        try:
            steps.run(since)
            if resumed:  # it ended where it began: what was changed since then is another run's
                steps.run(None)
        except Stale as stale:
            done.stopped = _unanswered(fetch, stale)
        except CxmError as fault:
            done.stopped = fault
        if done.stopped is not None:
            pages = f"{done.pages:,} page{'' if done.pages == 1 else 's'}"
            done.stopped.then = f"In the log of this pull: {pages}; the next cxm pull goes on from there."
        done.asked, done.waited = fetch.tried - before, fetch.waited - waited
        return done


@dataclass(slots=True)
class _Steps:
    """A stream on its way: takes pages, moves the cursor."""

    project: Project
    source: Source
    fetch: Fetch
    done: Pulled
    cursor: Cursor
    advance: Advance

    def run(self, since: int | None) -> None:
        """One run to its end: the one in progress, or a new one."""
        self.cursor = _begun(self.project, self.source, self.cursor, self.fetch.around.now(), since)
        run = self.cursor.run
        if run is not None and not self.done.since:
            self.done.since = run.since
        try:
            self.through()
        except Stale:
            run = self.cursor.run
            if run is None or not run.place:
                raise
            self.cursor = cursors.again(self.cursor)  # its place has expired: the same span from its first page
            self.through()

    def through(self) -> None:
        """Page by page from where the cursor is."""
        for page in _pages(self.fetch, self.done.stream, self.cursor, self.date):
            self.take(page)

    def take(self, page: Page) -> None:
        """A page into the log, then the cursor on: who dies in between takes the page again, which changes nothing."""
        run, now = self.cursor.run, self.fetch.around.now()
        if run is not None and page.place and page.place == run.place:
            raise BadData(f"{self.fetch.api.title} names a page as the one after itself.")
        if page.records:
            name = f"{self.done.stream}, page {1 + (run.pages if run else 0)}"
            got = collect_document(self.project, self.source, name, page.body, now)
            self.done.counts += got.counts
            self.done.reasons.update(got.reasons)
        self.cursor = cursors.onward(self.cursor, page)
        self.project.cursors.put(self.source.name, self.done.stream, cursors.written(self.cursor), now)
        self.done.pages, self.done.records = self.done.pages + 1, self.done.records + page.records
        self.done.mark = self.cursor.mark
        self.advance(page.records, f"page {self.done.pages:,}")

    def date(self, answer: Answer) -> None:
        """By the API's own clock, if that is behind ours, the run began."""
        at = stamped(answer.headers, "date")
        if at is not None:
            self.cursor = cursors.dated(self.cursor, at)


def look(project: Project, source: Source, stream: str, fetch: Fetch, *, since: int | None = None) -> Received:
    """What the first page that a pull would take would become; nothing is written."""
    cursor = _begun(project, source, _kept(project, source, stream)[0], fetch.around.now(), since)
    try:
        page = next(_pages(fetch, stream, cursor, lambda _: None))
    except Stale as stale:
        raise _unanswered(fetch, stale) from None
    body, size = io.BytesIO(page.body), project.settings.segment_rows
    reader, newest = reader_of(source.format), known_of(project, source)
    rows = next(telling.read(body, reader, source, name=f"{stream}, first page", size=size, newest=newest))
    return judged(project, source, rows, Seen(), secret=b"preview")


def _unanswered(fetch: Fetch, stale: Stale) -> CxmError:
    return Unavailable(
        f"{fetch.api.title} does not take the question (answer {stale.status}).",
        allowed=f"what its documentation says: {fetch.api.page}",
    )


def _pages(fetch: Fetch, stream: str, cursor: Cursor, date: Callable[[Answer], None]) -> Iterator[Page]:
    """Asks what the API's own file says; each page as it comes, and nothing further until the next one is wanted.

    date: called with each answer
    """
    run = cursor.run
    flow = fetch.api.streams[stream](fetch.way, run.since if run else 0, run.place if run else "")
    nothing = Answer({}, b"", None)
    with suppress(StopIteration):
        step = next(flow)
        while True:
            if isinstance(step, Page):
                yield step
                answer = nothing
            else:
                answer = fetch.ask(step)
                date(answer)
            step = flow.send(answer)


@contextmanager
def alone(project: Project, source: Source) -> Iterator[None]:
    """Only one pull of a source at a time."""
    with ExitStack() as turn:
        try:
            turn.enter_context(collecting(project.folder / "pulls" / source.name))
        except BrokenStore:
            raise BrokenStore(
                f"Source '{source.name}' is being pulled already.", then="Try again when that is done."
            ) from None
        yield


def _kept(project: Project, source: Source, stream: str) -> tuple[Cursor, int | None]:
    """A stream's cursor, and when it was moved last, UTC ms; None where it was never pulled."""
    kept = project.cursors.get(source.name, stream)
    return (Cursor(), None) if kept is None else (cursors.read(kept[0]), kept[1])


def _begun(project: Project, source: Source, cursor: Cursor, now: int, since: int | None) -> Cursor:
    """The cursor with a run in progress, as the source's file has it."""
    settings = settings_of(project, source)
    first = now - FIRST if settings.since is None else settings.since
    return cursors.begun(cursor, first, settings.overlap, now, since=since, size=settings.way.size)
