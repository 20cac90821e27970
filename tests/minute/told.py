"""Insights and standings for tests of the brief, in as many and as hostile forms as needed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from cxminute.model.tables import INSIGHT

HOSTILE: Final = (
    "<script>alert('x')</script> [bold]`rm`[/bold] **x** | # [a](http://evil.example) &amp; \x1b[31m\u202e\n- y"
)
"""What a value from data may hold: tags, entities, markup of rich and Markdown, escape codes, a turn of reading."""

WEEK, MONDAY = "2015-W07", date(2015, 2, 9)


def part(dimension: str, value: str, share: float, **more: float) -> dict[str, Any]:
    """One contribution."""
    figures = {"mix": 0.01 * share, "rate": 0.3 * share, "n": 100.0, "hits": 60.0, **more}
    return {"dimension": dimension, "value": value, "share": share, **figures}


def insight(about: str = "promise delivery", measure: str = "late", **more: Any) -> dict[str, Any]:
    """One row of INSIGHT; what is not given is a delivery that slipped."""
    direction = more.get("direction", "up")
    counted = measure == "volume"
    figures = {"value": 1224.0, "expected": 1925.5, "low": 1394.0, "high": 2658.0} if counted else {}
    return {
        "id": f"{about}|{measure}|{direction}",
        "week": WEEK,
        "about": about,
        "measure": measure,
        "direction": direction,
        "good": False,
        "value": 0.637,
        "expected": 0.341,
        "low": 0.196,
        "high": 0.503,
        "strength": 7.3,
        "n": 914.0,
        "since": date(2015, 2, 1),
        "where": [
            part("properties.carrier", "Swift", 0.71),
            part("properties.carrier", "Slow", 0.12),
            part("properties.country", "NL", 0.44),
        ],
        "seen": 1,
        "grade": "once",
        "action": "Decide who looks into carrier Swift and tells those waiting.",
        "command": "cxm promises delivery --by carrier --week 2015-W07",
        **figures,
        **more,
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    """Rows as the INSIGHT table."""
    return pa.Table.from_pylist(list(rows), schema=INSIGHT)


def weekly(about: str = "promise delivery", measure: str = "late", *, weeks: int = 10) -> pa.Table:
    """A series by week with its band, the first three without one; a table as `synthesis.explain.history` gives."""
    rows = [
        {
            "about": about,
            "measure": measure,
            "monday": MONDAY - timedelta(weeks=weeks - 1 - place),
            "value": 0.34 + 0.01 * (place % 3),
            "expected": None if place < 3 else 0.34,
            "low": None if place < 3 else 0.2,
            "high": None if place < 3 else 0.5,
            "n": 900.0,
            "news": False,
        }
        for place in range(weeks)
    ]
    return pa.Table.from_pylist(rows)
