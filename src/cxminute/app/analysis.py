"""Definitions over streams: passages and ledgers of a project, under a permit, as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app import output
from cxminute.app.engines import added, engine_of, joined
from cxminute.app.options import Reading, moments
from cxminute.app.project import Project
from cxminute.app.settings import path_of
from cxminute.balance.promises import Promise
from cxminute.balance.weigh import weigh
from cxminute.journeys.analyses.counted import Count, Counted
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.nesting.held import unheld
from cxminute.journeys.nesting.nest import Nest, by_person, count_nested, endings_for, find_nested, nest
from cxminute.journeys.plan import Plan
from cxminute.model.errors import UnknownName
from cxminute.privacy.permits import Permit
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

    def subjects(self, per: str, purpose: str | None = None, paths: Sequence[str] = ()) -> Subjects:
        """All subjects of a kind, under the command's permit or that of a purpose, closed as the command says."""
        closes_at = self.as_of if self.closes_at is None else self.closes_at
        leave = self.leave(purpose)
        return self.project.subjects(per, leave, known_at=self.as_of, closes_at=closes_at, paths=paths)

    def nest(self, journey: JourneyDefinition) -> Nest:
        """A journey's plan, with those of the journeys that it waits for."""
        return nest(journey, self.project.definitions.journeys)

    def passages(self, journey: JourneyDefinition, dimensions: Sequence[str] = ()) -> tuple[Plan, pa.Table, int]:
        """A journey's plan, all its passages, and the moment that the log is closed at.

        Journeys that it waits for are looked for with it, under its own purpose: it is what their events are used for.
        """
        nested = self.nest(journey)
        subjects = self.subjects(journey.space, journey.purpose, dimensions)
        self._tell_unheld(nested.plan, subjects)
        return nested.plan, self.run(self.finding(nested, subjects, dimensions), subjects), subjects.closes_at

    def counted(
        self, journey: JourneyDefinition, by: str | None = None, counting: Count = "passages"
    ) -> tuple[Plan, Counted, int]:
        """A journey's plan, its passages whose time was up in the span, counted, and the moment that the log closes.

        The same passages as of `passages` and `up`, without a row for each: what a large log is told from.
        """
        nested, paths = self.nest(journey), [] if by is None else [by]
        subjects = self.subjects(journey.space, journey.purpose, paths)
        self._tell_unheld(nested.plan, subjects)
        first = _FIRST if self.since is None else self.since - journey.window
        last = _LAST if self.until is None else self.until - 1 - journey.window
        task = partial(
            count_nested,
            nested,
            closes_at=subjects.closes_at,
            by=by,
            counting=counting,
            opened=None if self.since is None and self.until is None else (first, last),
            abroad=self._abroad(nested, subjects.closes_at, paths),
        )
        return nested.plan, self.engine.run(subjects, task, partial(added, task)), subjects.closes_at

    def finding(
        self, nested: Nest, subjects: Subjects, dimensions: Sequence[str] = ()
    ) -> Callable[[Streams], pa.Table]:
        """The task that finds a journey's passages in streams."""
        return partial(
            find_nested,
            nested,
            opens_at=subjects.opens_at,
            closes_at=subjects.closes_at,
            dimensions=tuple(dimensions),
            abroad=self._abroad(nested, subjects.closes_at, dimensions),
        )

    def _abroad(self, nested: Nest, closes_at: int, dimensions: Sequence[str]) -> dict[str, pa.Table]:
        """The endings of other kinds of subject that a journey of persons waits for, each found in a run of its own."""
        found = {}
        for child in nested.abroad:
            others = self.subjects(child.space, nested.plan.definition.purpose, dimensions)
            task = partial(endings_for, nested, child, closes_at=closes_at, dimensions=tuple(dimensions))
            found[child.plan.name] = self.engine.run(others, task, by_person)
        return found

    def up(self, journey: JourneyDefinition, passages: pa.Table) -> pa.Table:
        """The passages whose time was up in the span: one window after they opened, like a promise when it is due."""
        return self._span(passages, pc.add(passages["opened_at"].cast(pa.int64()), journey.window))

    def opened(self, passages: pa.Table) -> pa.Table:
        """The passages that opened in the span, be their time up or not: for what takes the open ones into account."""
        return self._span(passages, passages["opened_at"].cast(pa.int64()))

    def ledger(self, promise: Promise, dimensions: Sequence[str] = ()) -> tuple[pa.Table, int]:
        """A promise's whole ledger, and the moment that the log is closed at."""
        subjects = self.subjects(promise.per, promise.purpose, dimensions)
        task = partial(weigh, promise, closes_at=subjects.closes_at, dimensions=tuple(dimensions))
        return self.run(task, subjects), subjects.closes_at

    def due(self, ledger: pa.Table) -> pa.Table:
        """What was due in the span; what was never promised (`none`) counts by when it could have been."""
        return self._span(ledger, pc.coalesce(ledger["due_at"], ledger["made_at"]).cast(pa.int64()))

    def run(self, task: Callable[[Streams], pa.Table], subjects: Subjects) -> pa.Table:
        """What a task gives for all buckets as one table; with its columns where there is no bucket."""
        return self.engine.run(subjects, task, partial(joined, task))

    def _tell_unheld(self, plan: Plan, subjects: Subjects) -> None:
        """Tells once how many events of a journey's steps have no value of the keys that it holds constant."""
        if not plan.definition.held:
            return
        lacking = self.engine.run(subjects, partial(unheld, plan), _total)
        keys = " and ".join(plan.definition.per[1:])
        said = f"Left out of '{plan.name}': {lacking:,} events of its steps that have no {keys}."
        if lacking and said not in self.told:
            self.told.add(said)
            output.note(said)

    def _span(self, table: pa.Table, at: pa.ChunkedArray) -> pa.Table:
        kept = pc.and_(
            pc.greater_equal(at, _FIRST if self.since is None else self.since),
            pc.less(at, _LAST if self.until is None else self.until),
        )
        return table if self.since is None and self.until is None else table.filter(kept)


def _total(counts: Sequence[int]) -> int:
    return sum(counts)


_FIRST, _LAST = -(2**63), 2**63 - 1


def view(options: Reading) -> View:
    """The project for the options of a command."""
    project = Project(options.project)
    as_of, since, until = moments(options, project.settings.zone)
    return View(project, options.purpose, as_of, since, until, engine_of(project.settings))
