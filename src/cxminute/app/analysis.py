"""Definitions over streams: passages and ledgers of a project, under a permit, as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app import output
from cxminute.app.options import Reading
from cxminute.app.project import Project
from cxminute.app.settings import path_of
from cxminute.balance.promises import Promise
from cxminute.balance.weigh import weigh
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.find import find
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.errors import UnknownName, WrongUse
from cxminute.model.times import day_start, instant, monday_of
from cxminute.privacy.permits import Permit
from cxminute.store.engines.local import LocalEngine
from cxminute.store.protocols import Engine, Streams, Subjects


@dataclass(frozen=True)
class View:
    """A project as a reading command sees it.

    purpose:      what the reading is for; None for what each definition says of itself
    as_of:        read as known then, and closed then, UTC ms; None for now and the last event
    since, until: the span that is shown, UTC ms, until not included; None without a bound
    closes_at:    close the log at this moment, but read what is known by now
    told:         reasons of refusal that were told already
    """

    project: Project
    purpose: str | None
    as_of: int | None
    since: int | None
    until: int | None
    engine: Engine
    closes_at: int | None = None
    told: set[str] = field(default_factory=set)

    @property
    def span(self) -> int | None:
        """How long the span is, milliseconds; None where it has no bound."""
        return None if self.since is None or self.until is None else self.until - self.since

    def leave(self, purpose: str | None = None) -> Permit:
        """The permit for the command's purpose, else the definition's; sources that refuse it are told of, once."""
        found = self.project.permit(self.purpose or purpose)
        for reason in found.refused.values():
            if reason not in self.told:
                self.told.add(reason)
                output.note(f"Left out: {reason}")
        return found

    def path(self, name: str | None) -> str | None:
        """The path that `--by NAME` means; UnknownName where no source carries it."""
        if name is None:
            return None
        path, known = path_of(name), self.project.definitions.paths | {"source", "name"}
        if path not in known:
            raise UnknownName("path", path, known)
        return path

    def _subjects(self, per: str, purpose: str, paths: Sequence[str]) -> Subjects:
        closes_at = self.as_of if self.closes_at is None else self.closes_at
        leave = self.leave(purpose)
        return self.project.subjects(per, leave, known_at=self.as_of, closes_at=closes_at, paths=paths)

    def passages(self, journey: JourneyDefinition, dimensions: Sequence[str] = ()) -> tuple[Plan, pa.Table, int]:
        """A journey's plan, all its passages, and the moment that the log is closed at."""
        plan = compile_plan(journey)
        subjects = self._subjects(journey.per, journey.purpose, dimensions)
        closes_at = subjects.closes_at
        task = partial(find, plan, opens_at=subjects.opens_at, closes_at=closes_at, dimensions=tuple(dimensions))
        return plan, self._run(task, subjects), closes_at

    def up(self, journey: JourneyDefinition, passages: pa.Table) -> pa.Table:
        """The passages whose time was up in the span: one window after they opened, like a promise when it is due."""
        return self._span(passages, pc.add(passages["opened_at"].cast(pa.int64()), journey.window))

    def ledger(self, promise: Promise, dimensions: Sequence[str] = ()) -> tuple[pa.Table, int]:
        """A promise's whole ledger, and the moment that the log is closed at."""
        subjects = self._subjects(promise.per, promise.purpose, dimensions)
        task = partial(weigh, promise, closes_at=subjects.closes_at, dimensions=tuple(dimensions))
        return self._run(task, subjects), subjects.closes_at

    def due(self, ledger: pa.Table) -> pa.Table:
        """What was due in the span; what was never promised (`none`) counts by when it could have been."""
        return self._span(ledger, pc.coalesce(ledger["due_at"], ledger["made_at"]).cast(pa.int64()))

    def _run(self, task: Callable[[Streams], pa.Table], subjects: Subjects) -> pa.Table:
        def merge(tables: Sequence[pa.Table]) -> pa.Table:
            return pa.concat_tables(tables).unify_dictionaries() if tables else task(_NOTHING)

        return self.engine.run(subjects, task, merge)

    def _span(self, table: pa.Table, at: pa.ChunkedArray) -> pa.Table:
        kept = pc.and_(
            pc.greater_equal(at, _FIRST if self.since is None else self.since),
            pc.less(at, _LAST if self.until is None else self.until),
        )
        return table if self.since is None and self.until is None else table.filter(kept)


class _Nothing:
    """No subject at all: what a task gives for it has the right columns and no row."""

    subjects = times = np.empty(0, np.int64)
    offsets = np.zeros(1, np.int64)

    def matches(self, _: object) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """No event, no match."""
        return np.empty(0, np.bool_)

    def column(self, _: str) -> pa.Array:
        """No event, no value."""
        return pa.nulls(0)


_NOTHING: Streams = _Nothing()
_FIRST, _LAST = -(2**63), 2**63 - 1


def view(options: Reading) -> View:
    """The project for the options of a command."""
    project = Project(options.project)
    zone = project.settings.zone
    as_of, since, until = (
        None if text is None else instant(text, zone) for text in (options.as_of, options.since, options.until)
    )
    if options.week is not None:
        if since is not None or until is not None:
            raise WrongUse("--week is short for --since and --until.", allowed="one or the other")
        monday = monday_of(options.week)
        since, until = day_start(monday, zone), day_start(monday + timedelta(days=7), zone)
    if since is not None and until is not None and until <= since:
        raise WrongUse("--until is not after --since: nothing lies between them.")
    return View(project, options.purpose, as_of, since, until, LocalEngine(project.settings.threads or None))
