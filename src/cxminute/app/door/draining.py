"""The worker's one step: a stretch of the inbox into the log, each source by itself, and no item in another's way.

A stretch that fails is halved until one item is alone; after its tries that item goes to quarantine as `poison`. What
is no item's fault (a full disk, a database that is away) is tried again later, and nothing leaves the inbox.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cxminute.app.arriving import Texts, arriving, cut, nothing_read, set_apart
from cxminute.app.door.care import Attempt, Attempts, Care
from cxminute.app.door.hooks import kept
from cxminute.app.door.items import items_of
from cxminute.app.hooking import bring_hooks
from cxminute.app.project import Project
from cxminute.app.rights.suppressing import emptied
from cxminute.collect.calls.kept import keyless
from cxminute.collect.calls.reading import ReadCalls, read_calls
from cxminute.collect.source import DOOR, Source
from cxminute.model.calls import HOOK
from cxminute.model.errors import BrokenStore
from cxminute.store.arrivals import Arrival, Became
from cxminute.store.inbox import Held
from cxminute.store.log import Chunk, collecting

EVENTS: Final = 20_000
"""Items of one stretch, over all sources: a second of work at most, and 300 MB less memory than 50,000 take, which are
no quicker."""
PATIENCE: Final = 20.0
"""Seconds that a stretch waits for the log's lock, which a collect of a file lets go after each of its chunks."""
REST: Final = 10.0
"""Seconds from one stretch of a source's webhooks to the next."""
_BUDGET: Final = 1.0  # seconds of attempts at a source in trouble, before the others get their turn
_EVERY: Final = 2**62  # a mark above every call: take leaves the source out


@dataclass(slots=True)
class Drained:
    """What became of a stretch: items taken, and of them stored, duplicate, quarantined.

    poison: of each source, how many items went to quarantine as `poison`, by the kind of error
    held:   sources whose items stay in the inbox for now, and the kind of error that keeps them there
    """

    events: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    poison: dict[str, Counter[str]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)

    def add(self, items: int, became: Became) -> None:
        """So many items more."""
        self.events += items
        self.stored += became.stored
        self.duplicate += became.duplicate
        self.quarantined += became.quarantined


@dataclass(frozen=True, slots=True)
class _Portion:
    """What one attempt takes: calls, or of one call the items from `start` to before `stop`."""

    held: Sequence[Held]
    start: int
    stop: int

    @property
    def items(self) -> int:
        return self.stop - self.start

    @property
    def whole(self) -> bool:
        return self.start == 0 and self.ends_call

    @property
    def ends_call(self) -> bool:
        return self.stop == sum(one.call.events for one in self.held)


class Drain:
    """Brings what waits in a project's inbox into its log; one at a time, which the log's lock sees to.

    Its definitions are the project's: whoever runs it may put newer ones there between two stretches.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._inbox, self._arrivals = project.inbox, project.arrivals
        self._marks = self._arrivals.marks(self._inbox.identity)
        self._attempts = Attempts(project.folder / "door" / "attempts.json", self._inbox.identity)
        self._died = self._attempts.died()
        self._cares: dict[str, Care] = {}
        self._hooked: dict[str, float] = {}
        if self._marks:
            self._inbox.drop(self._marks)  # in the log already: left by a worker that was killed before it dropped them

    def once(self, at: int, events: int = EVENTS) -> Drained:
        """One stretch of the inbox into the log, all sources; Drained() where nothing waits.

        at:     the moment, UTC ms: the log knows the events from here on
        events: about how many items at most
        raises: BrokenStore where the store let nothing through, or another collect holds the log; nothing is lost
        """
        done = Drained()
        if not self._inbox.take(1, self._marks):
            return done
        broken: BrokenStore | None = None
        with collecting(self.project.folder, wait=PATIENCE):
            self._marks = self._arrivals.marks(self._inbox.identity)
            apart = dict.fromkeys([*self._cares, *self._resting()], _EVERY)
            for source, held in _by_source(self._inbox.take(events, self._marks | apart)).items():
                try:
                    self._stretch(source, held, at, done)
                except (BrokenStore, OSError) as fault:
                    broken = _told(fault)
                    done.held[source] = type(fault).__name__
            for source in list(self._cares):
                if source in done.held:
                    continue
                try:
                    self._carefully(source, at, done)
                except (BrokenStore, OSError) as fault:
                    broken = _told(fault)
                    done.held[source] = type(fault).__name__
        if broken is not None and not done.events:
            raise broken
        return done

    def _resting(self) -> list[str]:
        """Sources whose webhooks came into the log just now: the next wait a little, so that segments stay few."""
        due = time.monotonic() - REST
        self._hooked = {source: at for source, at in self._hooked.items() if at > due}
        return list(self._hooked)

    def _stretch(self, source: str, held: list[Held], at: int, done: Drained) -> None:
        """All that was taken of a source at once; where that fails, the source is cared for."""
        died = self._died.pop(source, None)
        if died is not None and died.number == held[0].number:
            self._cares[source] = died.care(self._arrivals.first(source, died.at))
            return
        portion = _Portion(held, 0, sum(one.call.events for one in held))
        fault = self._attempt(source, portion, at, done, 0)
        if fault:
            self._cares[source] = Care(portion.items)
            self._cares[source].failed(portion.items, fault)

    def _carefully(self, source: str, at: int, done: Drained) -> None:
        """As many attempts at a source in trouble as there is time for, and until something of it went in."""
        care, ends, before = self._cares[source], time.monotonic() + _BUDGET, done.events
        others = {waiting.source: _EVERY for waiting in self._inbox.waiting(self._marks) if waiting.source != source}
        while time.monotonic() < ends or done.events == before:
            taken = self._inbox.take(care.limit, self._marks | others)
            held = [one for one in taken if one.call.source == source]
            if not held:
                if not taken:  # else another source began to send just now
                    del self._cares[source]
                return
            portion = _portion(held, care)
            poison = care.kind if care.is_over else ""
            fault = self._attempt(source, portion, at, done, care.tries, poison)
            if fault and poison:  # not even quarantine takes it: no fault of the item's
                done.held[source] = fault
                return
            if fault:
                care.failed(portion.items, fault)
                continue
            if poison:
                done.poison.setdefault(source, Counter())[poison] += portion.items
            care.done = 0 if portion.ends_call else portion.stop
            care.passed(portion.items)
            if care.limit >= EVENTS and not care.done:
                del self._cares[source]
                return

    def _attempt(self, source: str, portion: _Portion, at: int, done: Drained, tries: float, poison: str = "") -> str:
        """One attempt; returns the kind of error, '' where all went in. With `poison` all of it goes to quarantine."""
        first = self._arrivals.first(source, at)
        self._attempts.begin(source, Attempt(portion.held[0].number, portion.start, portion.items, tries, first, at))
        try:
            self._bring(source, portion, first, at, done, poison)
        except Exception as fault:  # whatever an event can make go wrong: it must not stop the others
            self._note(source, portion, portion.start, first, at)
            if self._arrivals.first(source, at) == first + portion.items:  # it went wrong after the commit
                self._note(source, portion, portion.stop, first + portion.items, at)
                self._marks = self._arrivals.marks(self._inbox.identity)
                done.events += portion.items
                return ""
            if isinstance(fault, BrokenStore | OSError):
                raise
            return type(fault).__name__
        self._note(source, portion, portion.stop, first + portion.items, at)
        return ""

    def _note(self, source: str, portion: _Portion, done: int, first: int, at: int) -> None:
        """Nothing is tried now. Of a call that is in by half it is noted how much of it: no mark says so."""
        if done and not (done == portion.stop and portion.ends_call):
            self._attempts.begin(source, Attempt(portion.held[0].number, 0, done, 0, first - done, at))
        else:
            self._attempts.end(source)

    def _bring(self, source: str, portion: _Portion, first: int, at: int, done: Drained, poison: str) -> None:
        found = self.project.definitions.sources.get(source)
        if found is not None and found.hooks is not None and not poison:
            self._hooks(found, portion, at, done)
            return
        if poison:
            read = self._unread(source, portion, first)
            detail = f"It could not be taken in ({poison}); nothing else was held up."
            chunk = set_apart(source, read.rows, "poison", detail)
        elif _hooked(portion):
            read = _documents(portion, first)
            detail = f"No source '{source}' takes webhooks."
            chunk = set_apart(source, read.rows, "unknown_source", detail)
        elif found is None or not found.at_door:
            read = _read(portion, Source(source, DOOR, self.project.settings.zone.key), first)
            detail = f"No source '{source}' of format {DOOR} is defined."
            chunk = set_apart(source, read.rows, "unknown_source", detail)
        else:
            named = found.naming(self.project.definitions.paths)
            read = _read(portion, named, first)
            chunk = arriving(self.project, named, read.rows)
        self._commit(source, portion, chunk, read, first, at, done)

    def _hooks(self, source: Source, portion: _Portion, at: int, done: Drained) -> None:
        """Webhooks into the log: what they tell corrects what was told before, so the same again changes nothing."""
        upto = portion.held[-1].number
        done.add(portion.items, bring_hooks(self.project, source, [one.call for one in portion.held], at))
        self._inbox.drop({source.name: upto})
        self._hooked[source.name] = time.monotonic()

    def _commit(
        self, source: str, portion: _Portion, chunk: Chunk, read: ReadCalls, first: int, at: int, done: Drained
    ) -> None:
        upto = portion.held[-1].number if portion.ends_call else None  # of a call that is in by half the rest waits
        chunk = replace(chunk, rejects=emptied(self.project, source, chunk.rejects))  # those of no source, too
        arrival = Arrival(source, chunk, read.received, first, upto, Texts(read))
        became = self._arrivals.commit(arrival, self.project.definitions.paths, at, self._inbox.identity)
        done.add(portion.items, became)
        if upto is not None:
            self._marks = {**self._marks, source: upto}
            self._inbox.drop({source: upto})

    def _unread(self, source: str, portion: _Portion, first: int) -> ReadCalls:
        """What is to go to quarantine, in the form that a replay reads where it can be read at all, else as it came."""
        found = self.project.definitions.sources.get(source)
        try:
            if _hooked(portion):
                return _documents(portion, first)
            return _read(portion, found or Source(source, DOOR, self.project.settings.zone.key), first)
        except Exception:  # noqa: BLE001 -- that it cannot be read is why it goes there
            call = portion.held[0].call
            texts = [text for _, text in items_of(call)][portion.start : portion.stop]
            body = keyless(call.body).decode("utf-8", "backslashreplace")
            texts = texts or [body, *[""] * (portion.items - 1)]
            return nothing_read(first, texts, [call.received_at] * portion.items)


def _hooked(portion: _Portion) -> bool:
    """Whether all of it are webhooks."""
    return all(one.call.protocol == HOOK for one in portion.held)


def _documents(portion: _Portion, first: int) -> ReadCalls:
    """Webhooks as a replay of quarantine reads them: the documents that were sent, one for each."""
    calls = [one.call for one in portion.held]
    return nothing_read(first, [kept(call.body).document for call in calls], [call.received_at for call in calls])


def _read(portion: _Portion, source: Source, first: int) -> ReadCalls:
    if portion.whole:
        return read_calls([one.call for one in portion.held], source, first)
    call = portion.held[0].call
    try:
        return cut(read_calls([call], source, first - portion.start), portion.start, portion.stop)
    except Exception:
        parts = [part for part, _ in items_of(call)][portion.start : portion.stop]
        if not parts:
            raise
        return read_calls(parts, source, first)  # another item of the call is at fault: these may be fine


def _portion(held: list[Held], care: Care) -> _Portion:
    """As many whole calls as the care allows, or where the first alone is too large, items of that one."""
    first, done = held[0].call.events, care.begun(held[0].number)
    if done or first > care.limit:
        return _Portion(held[:1], done, min(first, done + care.limit))
    kept, items = 0, 0
    while kept < len(held) and items + held[kept].call.events <= care.limit:
        items += held[kept].call.events
        kept += 1
    return _Portion(held[:kept], 0, items)


def _by_source(held: list[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(one.call.source, []).append(one)
    return found


def _told(fault: BrokenStore | OSError) -> BrokenStore:
    if isinstance(fault, BrokenStore):
        return fault
    return BrokenStore(f"The disk refuses ({fault.strerror or type(fault).__name__}).", then="It is tried again.")
