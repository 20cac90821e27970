"""The engine that a project's analyses run on: the one place that chooses."""

from __future__ import annotations

from cxminute.app.settings import Settings
from cxminute.store.engines.local import LocalEngine
from cxminute.store.engines.spark import SparkEngine
from cxminute.store.protocols import Engine


def engine_of(settings: Settings) -> Engine:
    """The engine that cxm.toml names. Nothing is started before it runs its first task."""
    return SparkEngine(settings.master) if settings.engine == "spark" else LocalEngine(settings.threads or None)
