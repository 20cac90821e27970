"""Definitions over streams: passages and ledgers of a project, under a permit, as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxminute.app import output
from cxminute.app.options import Reading
from cxminute.app.project import Project
from cxminute.balance.promises import Promise
from cxminute.balance.weigh import weigh
from cxminute.journeys.definition import JourneyDefinition
from cxminute.journeys.find import find
from cxminute.journeys.plan import Plan, compile_plan
from cxminute.model.times import instant
from cxminute.privacy.permits import Permit
from cxminute.store.engines.local import LocalEngine
from cxminute.store.protocols import Engine, Streams


@dataclass(frozen=True, slots=True)
class View:
    """A project as a reading command sees it.

    leave:        the permit of its purpose
    as_of:        the moment that the log is closed at, UTC ms; None for the last event in it
    since, until: the span that is shown, UTC ms, until not included; None without a bound
    """

    project: Project
    leave: Permit
    as_of: int | None
    since: int | None
    until: int | None
    engine: Engine

    def passages(self, journey: JourneyDefinition, dimensions: Sequence[str] = ()) -> tuple[Plan, pa.Table, int]:
        """A journey's plan, its passages that opened in the span, and the moment that the log is closed at."""
        plan = compile_plan(journey)
        subjects = self.project.subjects(journey.per, self.leave, self.as_of, dimensions)
        closes_at = subjects.closes_at
        task = partial(find, plan, opens_at=subjects.opens_at, closes_at=closes_at, dimensions=tuple(dimensions))
        return plan, self._span(self._run(subjects_task=task, per=subjects), "opened_at"), closes_at

    def ledger(self, promise: Promise, dimensions: Sequence[str] = ()) -> tuple[pa.Table, int]:
        """A promise's ledger, of what was due in the span, and the moment that the log is closed at.

        With a span, what was never promised (`none`) is counted by when it could have been.
        """
        subjects = self.project.subjects(promise.per, self.leave, self.as_of, dimensions)
        task = partial(weigh, promise, closes_at=subjects.closes_at, dimensions=tuple(dimensions))
        ledger = self._run(subjects_task=task, per=subjects)
        counted = pc.coalesce(ledger["due_at"], ledger["made_at"])
        return self._span(ledger, "due_at", counted), subjects.closes_at

    def _run(self, *, subjects_task: Callable[[Streams], pa.Table], per: object) -> pa.Table:
        def merge(tables: Sequence[pa.Table]) -> pa.Table:
            if not tables:
                return subjects_task(_NOTHING)
            return pa.concat_tables(tables).unify_dictionaries()

        return self.engine.run(per, subjects_task, merge)  # type: ignore[arg-type]  # what `subjects` gave

    def _span(self, table: pa.Table, column: str, values: pa.ChunkedArray | None = None) -> pa.Table:
        at = (table[column] if values is None else values).cast(pa.int64())
        if self.since is not None:
            kept = pc.greater_equal(at, self.since)
            table, at = table.filter(kept), at.filter(kept)
        if self.until is not None:
            table = table.filter(pc.less(at, self.until))
        return table


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


def view(options: Reading, *, tell: bool = True) -> View:
    """The project under a permit, for the options of a command; sources that refuse the purpose are told of."""
    project = Project(options.project)
    leave = project.permit(options.purpose)
    if tell:
        for reason in leave.refused.values():
            output.note(f"Left out: {reason}")
    zone = project.settings.zone
    as_of, since, until = (
        None if text is None else instant(text, zone) for text in (options.as_of, options.since, options.until)
    )
    return View(project, leave, as_of, since, until, LocalEngine(project.settings.threads or None))
