"""What the door writes down: JSON lines on standard error, of what happens to it, never of what is in a request."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import structlog

from cxminute.model.errors import CxmError


def open_log(*, json: bool) -> structlog.typing.FilteringBoundLogger:
    """The door's log: one JSON document a line; for a terminal, one readable line each."""
    shown: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return log


def kind(fault: BaseException) -> str:
    """What is said of an error: its kind; of our own also its place. Its text may show data."""
    name = type(fault).__name__
    return f"{name} {fault.file}" if isinstance(fault, CxmError) and fault.file else name


class Refusals:
    """Refusals are counted, and told of once a minute: a storm of them is a few lines."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger, counted: Counter[tuple[str, str, str]]) -> None:
        self._log, self._counted = log, counted
        self._told: Counter[tuple[str, str, str]] = Counter()

    def tell(self) -> None:
        """One line for each code and source that came up since the last time."""
        now = Counter(self._counted)
        for (code, project, source), count in sorted((now - self._told).items()):
            facts: dict[str, Any] = {"code": code, "project": project, "source": source, "requests": count}
            self._log.warning("refused", **facts)
        self._told = now
