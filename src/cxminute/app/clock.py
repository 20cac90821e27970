"""The one clock. Everything else takes time as an argument, so that yesterday can be run again."""

from __future__ import annotations

import time


def now() -> int:
    """The moment, UTC milliseconds."""
    return time.time_ns() // 1_000_000
