"""How commands answer: tables for people on a terminal, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

from cxminute.model.times import UNITS

if TYPE_CHECKING:  # rich takes a while to import; commands that answer with JSON do without it
    from rich.console import Console


class Advance(Protocol):
    """Tells a progress bar how many more rows are done, and what to say beside it."""

    def __call__(self, rows: int, said: str = "") -> None:
        """Moves the bar."""


_HARMLESS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""Control characters, which a terminal would obey: what comes from data may hold any."""


def say(text: str) -> None:
    """One line for people; control characters in it are shown, not sent."""
    sys.stdout.write(f"{text.translate(_HARMLESS)}\n")


def note(text: str) -> None:
    """A remark beside the answer, on standard error, so that it never spoils a document in a pipe."""
    sys.stderr.write(f"{text.translate(_HARMLESS)}\n")


def document(content: object) -> None:
    """One JSON document: times as ISO 8601 in UTC, absent figures as null."""
    json.dump(content, sys.stdout, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
    sys.stdout.write("\n")


def clean(content: object) -> object:
    """The same content with NaN as None, all through: JSON knows no NaN."""
    if isinstance(content, float) and content != content:  # noqa: PLR0124 -- NaN is the number that is not itself
        return None
    if isinstance(content, dict):
        return {key: clean(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [clean(value) for value in content]
    return content


def console() -> Console:
    """Where tables for people go: coloured on a terminal, plain and wide enough in a pipe."""
    from rich.console import Console  # noqa: PLC0415 -- see above

    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people; numbers stand right. Text from the data is shown as it is, never read as markup."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 -- see above
    from rich.table import Table  # noqa: PLC0415 -- see above
    from rich.text import Text  # noqa: PLC0415 -- see above

    shown = Table(title=Text(title, style="bold"), box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for ordinal, column in enumerate(columns):
        right = bool(rows) and all(
            isinstance(row[ordinal], int | float | None) or _numeric(row[ordinal]) for row in rows
        )
        shown.add_column(Text(column), justify="right" if right else "left")
    for row in rows:
        shown.add_row(*(Text(_said(cell).translate(_HARMLESS)) for cell in row))
    console().print(shown)


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Advance]:
    """A progress bar with the rate, on standard error and only on a terminal; silent in a pipe."""
    if not sys.stderr.isatty():
        yield lambda rows, said="": None  # noqa: ARG005 -- the bar's own signature
        return
    from rich.console import Console  # noqa: PLC0415 -- see above
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 -- see above

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, said="", rate="")

        def advance(rows: int, said: str = "") -> None:
            bar.update(task, advance=rows, said=said)
            shown = bar.tasks[0]
            bar.update(task, rate=f"{shown.completed / max(shown.elapsed or 0.0, 0.001):,.0f}/s")

        yield advance


def percent(share: float | None, digits: int = 1) -> str:
    """A share as people read it; a dash where there is none."""
    return "-" if share is None or share != share else f"{100 * share:.{digits}f} %"  # noqa: PLR0124 -- NaN


def count(number: int, things: str) -> str:
    """A number of things, named in their plural: '1 row', '2,000 rows'."""
    return f"{number:,} {things.removesuffix('s') if number == 1 else things}"


def lasting(milliseconds: float) -> str:
    """A length of time as people read it, in the largest unit that it fills: '19.1 days', '45.0 seconds'."""
    unit = next((unit for unit in reversed(UNITS) if milliseconds >= UNITS[unit] and unit != "week"), "second")
    return f"{milliseconds / UNITS[unit]:.1f} {unit}s"


def _numeric(cell: object) -> bool:
    return isinstance(cell, str) and cell.replace(",", "").rstrip(" %").lstrip("-").replace(".", "").isdigit()


def _said(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return str(cell)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset | set | tuple):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
