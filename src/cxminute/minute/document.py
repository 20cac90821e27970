"""The brief as one JSON document with stable keys.

- `version`: 1; it grows when a key changes its meaning or goes. Keys may be added without it
- `organisation`, `week` (ISO), `monday` (ISO date), `words` (before the details)
- `headline`, `quiet` (or null): each `{text, figure, command, grade}`
- `items`, `standing`, `compared`, `decisions`, `notes`: lists of the same
- `insights`: every row of the table 'insight' with its columns as keys; dates as ISO text
- `series`: every whole by week: `{about, measure, monday, value, expected, low, high, n, news}`
- `details`: the tables below the fold as text: `{title, columns, rows}`
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from cxminute.minute.brief import Brief
from cxminute.minute.tell import words

VERSION: Final = 1


def document(brief: Brief) -> str:
    """The brief as JSON text; the module's docstring names the keys. What is no number is null."""
    lines = {name: [asdict(line) for line in getattr(brief, name)] for name in LISTS}
    said = {
        "version": VERSION,
        "organisation": brief.organisation,
        "week": brief.week,
        "monday": brief.monday,
        "words": words(brief),
        "headline": asdict(brief.headline),
        "quiet": asdict(brief.quiet) if brief.quiet else None,
        **lines,
        "insights": brief.insights.to_pylist(),
        "series": brief.series.to_pylist(),
        "details": [asdict(detail) for detail in brief.details],
    }
    return json.dumps(_plain(said), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


LISTS: Final = ("items", "standing", "compared", "decisions", "notes")


def _plain(said: Any) -> Any:
    """Dates as ISO text, what is no number as null."""
    if isinstance(said, dict):
        return {key: _plain(value) for key, value in said.items()}
    if isinstance(said, list | tuple):
        return [_plain(value) for value in said]
    if isinstance(said, date):
        return said.isoformat()
    return None if isinstance(said, float) and not math.isfinite(said) else said
