"""The worker's loop: one thread a project, which drains the inbox for as long as the server runs.

Small stretches go in once a second, so that an event is seen within two seconds and segments do not become too many;
large ones back to back. Between them small segments are merged and changed definitions are read. Nothing ends the loop
but being stopped: what cannot be done now is told once, and tried again, less and less often.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

from cxminute.app import clock
from cxminute.app.door.draining import EVENTS, PATIENCE, Drain, Drained
from cxminute.app.door.logs import kind, open_log
from cxminute.app.door.watching import Watch, fingerprint
from cxminute.app.people.identity import Recognising
from cxminute.app.project import Project
from cxminute.app.rights.retaining import retain
from cxminute.model.errors import BadDefinition, CxmError
from cxminute.model.times import DAY, MINUTE, SECOND
from cxminute.store.compaction import compact
from cxminute.store.log import collecting

POLL: Final = 0.25
"""Seconds between two looks into an inbox that was empty."""
SETTLE: Final = 1.0
"""Seconds from one small stretch to the next: at most one commit a second and source."""
LARGE: Final = EVENTS // 5
"""Items from which on a stretch is large: the next follows at once."""
COMMITS: Final = 16
"""Stretches after which small segments are merged, busy or not."""
IDLE: Final = 60.0
"""Seconds after which they are merged, and what they replaced is swept, though nothing came."""
_MERGES: Final = 2  # at a time: each holds the log for a second at most, while events wait
_HEARD: Final = 0.5  # seconds after which the main thread hears a signal at the latest: in a join without end, of two
# signals at once (a terminal's, then the server's) now and then neither is heard
RECOGNISE: Final = MINUTE
"""Milliseconds between two looks at who turned out to be whom, at least; who asks meanwhile looks for themselves."""
SHARE: Final = 20
"""Of the time one such look takes, how much there is until the next: people in plenty hold up no events."""
ASK: Final = 5 * SECOND
"""Milliseconds between two looks at what people ask to be removed."""
RETRY: Final = 15 * MINUTE
"""Milliseconds until personal data that could not be removed is tried again."""
LONGEST: Final = 15.0
"""Seconds between two tries, at most, of what cannot be done."""


def run(roots: Sequence[Path], stop: threading.Event, log: FilteringBoundLogger | None = None) -> None:
    """Drains the inboxes of projects until stopped; returns when the stretches that were begun are in.

    log: JSON lines on standard error without it
    """
    told = log or open_log(json=True)
    threads = [threading.Thread(target=_Worker(root, stop, told).run, name=f"worker-{root.name}") for root in roots]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_HEARD)


class _Worker:
    """The loop of one project; errors of one round are told, and end the round alone."""

    def __init__(self, root: Path, stop: threading.Event, log: FilteringBoundLogger) -> None:
        self._root, self._stop, self._log = root, stop, log.bind(project=root.name)
        self._drain: Drain | None = None
        self._watch: Watch | None = None
        self._told = ""
        self._failures = 0
        self._commits = 0
        self._merged_at = 0
        self._retain_at = self._ask_at = self._retry_at = 0
        self._recognise_at = clock.now() + RECOGNISE
        self._recognising: Recognising | None = None

    def run(self) -> None:
        """Rounds until stopped."""
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                pause = self._round()
                self._fine()
            except Exception as fault:  # noqa: BLE001 -- one round's error must not end the worker, nor another project's
                pause = self._failed(fault)
        if self._drain is not None:
            self._drain.project.close()

    def _round(self) -> float:
        """One round; returns after how many seconds the next is due."""
        drain = self._opened()
        if drain is None:
            return POLL * 4
        self._look()
        done = drain.once(clock.now())
        self._tell(done)
        if done.events:
            self._commits += 1
            gc.collect()
        now = clock.now()
        due = self._commits >= COMMITS or now - self._merged_at >= IDLE * 1_000
        if due:
            self._merge(drain.project, now)
        if done.events >= LARGE:
            return 0
        self._retain(drain.project, now)
        self._recognise(drain.project, clock.now())
        return SETTLE if done.events or done.held else POLL

    def _merge(self, project: Project, now: int) -> None:
        """Merges small segments; what fails there is told and tried again later, and holds up no events."""
        self._merged_at, self._commits = now, 0
        try:
            with collecting(project.folder, wait=PATIENCE):
                merges = compact(project.log, now, most=_MERGES)
        except Exception as fault:  # noqa: BLE001 -- a segment that cannot be merged must not keep events waiting
            self._say("merging failed, tried again", f"merging {kind(fault)}", kind=kind(fault))
            return
        if merges >= _MERGES:  # there may be more to merge: after the next stretch
            self._commits = COMMITS

    def _recognise(self, project: Project, now: int) -> None:
        """Writes down who turned out to be whom; what fails is told and tried again later."""
        if now < self._recognise_at:
            return
        try:
            if self._recognising is None or self._recognising.project is not project:
                self._recognising = Recognising(project, remembers=True)
            self._recognising.now()
        except Exception as fault:  # noqa: BLE001 -- who is who can be worked out at any time: no event waits for it
            self._say("recognising failed, tried again", f"recognising {kind(fault)}", kind=kind(fault))
        done = clock.now()
        self._recognise_at = done + max(RECOGNISE, SHARE * (done - now))

    def _retain(self, project: Project, now: int) -> None:
        """Removes personal data whose term is over, once a day and when people asked; what fails is tried again."""
        if now < min(self._retain_at, self._ask_at):
            return
        self._ask_at = now + ASK
        asked = any(one.kind != "access" for one in project.requests.list(still_open=True))
        if now < self._retain_at and not (asked and now >= self._retry_at):
            return
        self._retry_at = self._retain_at = now + RETRY
        try:
            done = retain(project, now, look=False, wait=PATIENCE)
        except Exception as fault:  # noqa: BLE001 -- what cannot be removed now must not keep events waiting
            self._say("removing failed, tried again", f"removing {kind(fault)}", kind=kind(fault))
            return
        if done.is_done:
            self._retain_at = now + DAY
            if not asked or any(one.proof for one in done.sources):  # else it is of a source that no file defines
                self._retry_at = now
        for one in done.sources:
            if one.proof:
                self._log.info("personal data removed", source=one.source, clause=one.clause, **one.found.document())

    def _opened(self) -> Drain | None:
        """The project, once its definitions are good; until then what it received stays in the inbox."""
        if self._drain is None:
            try:
                project = Project(self._root)
            except BadDefinition as fault:
                self._say("waiting for good definitions", str(fingerprint(self._root)), at=_place(fault))
                return None
            self._watch = Watch(project)
            self._drain = Drain(project)
            self._log.info("worker ready")
        return self._drain

    def _look(self) -> None:
        faults = self._watch.look() if self._watch else None
        if faults is None:
            return
        for fault in faults:
            self._log.error("bad definition, the last good ones hold", at=_place(fault))
        if not faults:
            self._log.info("definitions read again")

    def _tell(self, done: Drained) -> None:
        for source, said in done.poison.items():
            self._log.error("poison", source=source, items=sum(said.values()), kinds=dict(said))
        if done.held:
            self._say("held in the inbox", str(sorted(done.held.items())), sources=done.held)

    def _failed(self, fault: Exception) -> float:
        """Tells of an error, once until it is another; returns the seconds until the next try."""
        said = kind(fault)
        what = {"what": fault.what} if isinstance(fault, CxmError) else {}
        self._say("round failed, tried again", f"{said} {what}", kind=said, **what)
        self._failures += 1
        return min(LONGEST, POLL * (1 << min(self._failures, 10)))

    def _fine(self) -> None:
        if self._failures:
            self._log.info("round went well again", failures=self._failures)
            self._failures, self._told = 0, ""

    def _say(self, event: str, told: str, **facts: object) -> None:
        if told != self._told:
            self._log.warning(event, **facts)
            self._told = told


def _place(fault: BadDefinition) -> str:
    return f"{fault.file or 'cxm.toml'}:{fault.line or 1}"
