"""A small graph as SVG: named places in columns, from what was asked about outwards, and lines between them.

Drawn by hand, since a chart library draws no graph; the same graph gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

INK, BLUE, AMBER, CALM, GROUND = "#1f2933", "#2b6cb0", "#c05621", "#9aa5b1", "white"
WIDE, TALL, BOX, HIGH, EDGE = 340, 64, 210, 34, 24
_LONGEST: Final = 30
_HALO: Final = f'paint-order="stroke" stroke="{GROUND}" stroke-width="4"'
_LOOKS: Final = {
    "through": f'stroke="{AMBER}" stroke-width="2"',
    "holds": f'stroke="{BLUE}" stroke-width="2"',
    "refused": f'stroke="{AMBER}" stroke-width="1.5" stroke-dasharray="5 4"',
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line between two places.

    look: 'holds'; 'through', by way of somebody; or 'refused', dashed
    """

    pair: tuple[int, int]
    label: str
    look: str


def drawn(
    labels: Mapping[int, str], edges: Sequence[Drawn], steps: Mapping[int, int], faint: frozenset[int] = frozenset()
) -> str:
    """The graph as SVG.

    labels: what each place is called, by its number
    steps:  how many lines each is away from what was asked about; those without stand in a column of their own
    faint:  places that are drawn in grey
    """
    away = max((steps[number] for number in labels if number in steps), default=0) + 1
    columns: dict[int, list[int]] = {}
    for number in sorted(labels):
        columns.setdefault(steps.get(number, away), []).append(number)
    order = {column: place for place, column in enumerate(sorted(columns))}
    rows = max((len(held) for held in columns.values()), default=1)
    at = {
        number: (EDGE + order[column] * WIDE, EDGE + int((row + (rows - len(held)) / 2) * TALL))
        for column, held in columns.items()
        for row, number in enumerate(held)
    }
    width, height = 2 * EDGE + (len(columns) - 1) * WIDE + BOX, 2 * EDGE + (rows - 1) * TALL + HIGH
    lines = [_line(at, edge) for edge in edges]
    places = [_place(*at[number], labels[number], faint=number in faint) for number in sorted(labels)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="{GROUND}"/>\n'
        + "\n".join((*(way for way, _ in lines), *(text for _, text in lines if text), *places))
        + "\n</svg>\n"
    )


def _line(at: Mapping[int, tuple[int, int]], edge: Drawn) -> tuple[str, str]:
    """A line from edge to edge of two boxes, and its label; within a column, a bow to the right of them."""
    (ax, ay), (bx, by) = sorted((at[edge.pair[0]], at[edge.pair[1]]))
    y1, y2 = ay + HIGH // 2, by + HIGH // 2
    if ax == bx:
        x = ax + BOX
        bow = x + 36
        way, mx, my = f"M{x} {y1} C{bow} {y1} {bow} {y2} {x} {y2}", x + 30, (y1 + y2) // 2
    else:
        way, mx, my = f"M{ax + BOX} {y1} L{bx} {y2}", ax + BOX + (bx - ax - BOX) * 2 // 3, y1 + (y2 - y1) * 2 // 3 - 4
    said = escape(edge.label)
    anchor = "start" if ax == bx else "middle"
    shape = f'text-anchor="{anchor}" font-size="10" fill="{INK}" {_HALO}'
    text = f'<text x="{mx}" y="{my}" {shape}>{said}</text>' if said else ""
    return f'<path d="{way}" fill="none" {_LOOKS[edge.look]}/>', text


def _place(x: int, y: int, label: str, *, faint: bool) -> str:
    said = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 3]}..."
    ink = CALM if faint else INK
    return (
        f'<g><title>{escape(label)}</title><rect x="{x}" y="{y}" width="{BOX}" height="{HIGH}" rx="5" fill="{GROUND}" '
        f'stroke="{ink}"/><text x="{x + BOX // 2}" y="{y + HIGH // 2 + 4}" text-anchor="middle" fill="{ink}">'
        f"{escape(said)}</text></g>"
    )
