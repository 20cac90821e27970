"""The engine that a project's analyses run on, the one place that chooses; and what its tasks give, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from cxminute.app.settings import Settings
from cxminute.journeys.analyses.counted import Counted, merge
from cxminute.model.tables import MOMENT
from cxminute.store.engines.local import LocalEngine
from cxminute.store.engines.spark import SparkEngine
from cxminute.store.index import in_memory
from cxminute.store.protocols import Engine, Streams


def engine_of(settings: Settings) -> Engine:
    """The engine that cxm.toml names. Nothing is started before it runs its first task."""
    return SparkEngine(settings.master) if settings.engine == "spark" else LocalEngine(settings.threads or None)


def nobody() -> Streams:
    """Streams of no subject: what a task gives for them has the right columns and no row."""
    one = {"subject": pa.array([0]), "at": pa.array([0], MOMENT), "name": pa.array([""])}
    return in_memory(pa.table(one), "subject", 0).read(range(0))


def joined(task: Callable[[Streams], pa.Table], tables: Sequence[pa.Table]) -> pa.Table:
    """The tables of all buckets as one; of no bucket, what the task gives for nobody."""
    return pa.concat_tables(tables or [task(nobody())]).unify_dictionaries()


def added(task: Callable[[Streams], Counted], parts: Sequence[Counted]) -> Counted:
    """The counts of all buckets as one; of no bucket, what the task counts for nobody."""
    return merge(parts or [task(nobody())])
