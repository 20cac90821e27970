"""Streams of a source's API into the log, page by page; a cursor says how far, so that any pull goes on from there."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from cxminute.app.collecting import Advance, collect_document, judged, known_of
from cxminute.app.fetching import Around, Fetch, Stale, dated
from cxminute.app.project import Project
from cxminute.collect.pulls import cursor as cursors
from cxminute.collect.pulls.asking import Answer, Page
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
    reasons: dict[str, int] = field(default_factory=dict)
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
    fetch = Fetch(api, settings.way, secrets, settings.secrets, settings.every / 1_000, around or Around())
    try:
        yield fetch
    finally:
        fetch.close()


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
        kept = project.cursors.get(source.name, stream)
        cursor = Cursor() if kept is None else cursors.read(kept[0])
        if kept is not None and fetch.last is None:  # also between one command and the next
            fetch.last = around.passed() - max(0, around.now() - kept[1]) / 1_000
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
        settings, now = settings_of(self.project, self.source), self.fetch.around.now()
        self.cursor = cursors.begun(self.cursor, _first(settings, now), settings.overlap, now, since=since)
        run = self.cursor.run
        if run is not None and not self.done.since:
            self.done.since = run.since
        try:
            _run(self.fetch, self.done.stream, self.cursor, self.take, self.date)
        except Stale:
            run = self.cursor.run
            if run is None or not run.place:
                raise
            self.cursor = cursors.again(self.cursor)  # its place has expired: the same span from its first page
            _run(self.fetch, self.done.stream, self.cursor, self.take, self.date)

    def take(self, page: Page) -> None:
        """A page into the log, then the cursor on: who dies in between takes the page again, which changes nothing."""
        run, now = self.cursor.run, self.fetch.around.now()
        if run is not None and page.place and page.place == run.place:
            raise BadData(f"{self.fetch.api.title} names a page as the one after itself.")
        if page.records:
            name = f"{self.done.stream}, page {1 + (run.pages if run else 0)}"
            got = collect_document(self.project, self.source, name, page.body, now)
            self.done.counts += got.counts
            for reason, number in got.reasons.items():
                self.done.reasons[reason] = self.done.reasons.get(reason, 0) + number
        self.cursor = cursors.onward(self.cursor, page)
        self.project.cursors.put(self.source.name, self.done.stream, cursors.written(self.cursor), now)
        self.done.pages, self.done.records = self.done.pages + 1, self.done.records + page.records
        self.done.mark = self.cursor.mark
        self.advance(page.records, f"page {self.done.pages:,}")

    def date(self, answer: Answer) -> None:
        """By the API's own clock, if that is behind ours, the run began."""
        at = dated(answer)
        if at is not None:
            self.cursor = cursors.dated(self.cursor, at)


def look(project: Project, source: Source, stream: str, fetch: Fetch, *, since: int | None = None) -> Received:
    """What the first page that a pull would take would become; nothing is written."""
    settings, now = settings_of(project, source), fetch.around.now()
    kept = project.cursors.get(source.name, stream)
    cursor = cursors.begun(
        Cursor() if kept is None else cursors.read(kept[0]), _first(settings, now), settings.overlap, now, since=since
    )
    found: list[Page] = []
    try:
        _run(fetch, stream, cursor, lambda page: _only(found, page), lambda _: None)
    except _Enough:
        pass
    except Stale as stale:
        raise _unanswered(fetch, stale) from None
    body, size = io.BytesIO(found[0].body), project.settings.segment_rows
    reader, newest = reader_of(source.format), known_of(project, source)
    rows = next(telling.read(body, reader, source, name=f"{stream}, first page", size=size, newest=newest))
    return judged(project, source, rows, Seen(), secret=b"preview")


def _unanswered(fetch: Fetch, stale: Stale) -> CxmError:
    return Unavailable(
        f"{fetch.api.title} does not take the question (answer {stale.status}).",
        allowed=f"what its documentation says: {fetch.api.page}",
    )


class _Enough(Exception):
    """One page was wanted, and it is there."""


def _only(found: list[Page], page: Page) -> None:
    found.append(page)
    raise _Enough


def _run(
    fetch: Fetch, stream: str, cursor: Cursor, take: Callable[[Page], None], date: Callable[[Answer], None]
) -> None:
    """Asks what the API's own file says, and hands over each page as it comes."""
    run = cursor.run
    flow = fetch.api.streams[stream](fetch.way, run.since if run else 0, run.place if run else "")
    nothing = Answer({}, b"", None)
    with suppress(StopIteration):
        step = next(flow)
        while True:
            if isinstance(step, Page):
                take(step)
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


def _first(settings: Pull, now: int) -> int:
    return now - FIRST if settings.since is None else settings.since
