"""Figures as people read them in tables: shares, intervals, lengths of time, moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cxminute.app import output

Row = Mapping[str, object]


def number(value: object) -> float | None:
    """The number; None where it is none, or nan."""
    return float(value) if isinstance(value, int | float) and value == value else None  # noqa: PLR0124 -- NaN


def share(value: object) -> str:
    """A share in per cent; a dash where there is none."""
    return output.percent(number(value))


def between(row: Row, low: str = "low", high: str = "high") -> str:
    """An interval of shares."""
    lower, upper = number(row[low]), number(row[high])
    return "-" if lower is None or upper is None else f"{100 * lower:.1f} - {100 * upper:.1f} %"


def took(value: object) -> str:
    """A length of time from milliseconds; a dash where there is none."""
    found = number(value)
    return "-" if found is None else output.lasting(found)


def dicts(rows: object) -> Iterable[dict[str, object]]:
    """The rows of a document; none where there is no list."""
    return rows if isinstance(rows, list) else ()


def last(moments: Iterable[object]) -> str:
    """The latest of the moments at which a log was closed, as text for a title."""
    known = [moment for moment in moments if isinstance(moment, datetime)]
    if not known:
        return "now: nothing is defined"
    return f"{max(known):%Y-%m-%d %H:%M:%S}" if max(known).timestamp() else "now: the log is empty"


def day(moment: object) -> str:
    """A moment's day."""
    return f"{moment:%Y-%m-%d}" if isinstance(moment, datetime) else "-"


def listed(words: object) -> str:
    """Words one after another."""
    return ", ".join(words) if isinstance(words, list) else ""


def picked(rows: Iterable[Row], keys: Sequence[str]) -> list[tuple[object, ...]]:
    """These values of each row, shown by what their names say: `..._ms` a length of time, `share` in per cent."""
    return [tuple(_shown(key, row[key]) for key in keys) for row in rows]


def most(rows: Iterable[Row], limit: int, remark: str = "") -> tuple[list[Row], str]:
    """The rows of the first so many values of a split, in their order, and a remark on how many values are left."""
    found = list(rows)
    values = dict.fromkeys(row.get("value") for row in found)
    left = len(values) - limit
    if left <= 0:
        return found, remark
    kept = set(list(values)[:limit])
    return [
        row for row in found if row.get("value") in kept
    ], f"{output.count(left, 'values')} more: --limit, or --json."


def _shown(key: str, value: object) -> object:
    if key.endswith("_ms"):
        return took(value)
    return share(value) if key.endswith("share") or key in _SHARES else value


_SHARES = frozenset({"stickiness", "completed_by_then"})
