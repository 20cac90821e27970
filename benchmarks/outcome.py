"""What a benchmark answers, and how a table of figures is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """A figure beside its goal.

    met:    whether the goal was reached
    figure: as printed, with its unit
    goal:   as printed, with its unit
    """

    met: bool
    figure: str
    goal: str


def show(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows under a header, the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), flush=True)
