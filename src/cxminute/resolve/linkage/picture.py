"""A waterfall as a picture: SVG, one panel for each pair; fields, levels and weights, and no value of anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from cxminute.resolve.linkage.explaining import Step

_LINE: Final = 22
_LABEL: Final = 290
_WIDE: Final = 360
_HEAD: Final = 30
_UP: Final = "#2c7a4b"
_DOWN: Final = "#b3402e"
_START: Final = "#7a7a7a"


def picture(pairs: Sequence[tuple[str, Sequence[Step]]]) -> str:
    """SVG of waterfalls, one below the other: each bar begins where the one before it ended.

    pairs: a title and the steps of each
    """
    parts: list[str] = []
    top = 10
    for title, steps in pairs:
        parts += _panel(title, steps, top)
        top += _HEAD + _LINE * (len(steps) + 1)
    if not pairs:
        parts, top = [_words(10, 24, "Nothing is proposed.", bold=True)], 40
    width = _LABEL + _WIDE + 80
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" viewBox="0 0 {width} {top}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{top}" fill="white"/>{"".join(parts)}</svg>'
    )


def _panel(title: str, steps: Sequence[Step], top: int) -> list[str]:
    ends = [0.0, *(step.after for step in steps)]
    low, high = min(ends), max(ends)
    scale = _WIDE / ((high - low) or 1.0)

    def x(weight: float) -> float:
        return _LABEL + (weight - low) * scale

    parts = [_words(10, top + 14, title, bold=True)]
    line = top + _HEAD + _LINE * len(steps)
    parts.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{top + _HEAD - 6}" y2="{line}" stroke="#bbb"/>')
    before = 0.0
    for place, step in enumerate(steps):
        y = top + _HEAD + place * _LINE
        left, right = sorted((x(before), x(step.after)))
        colour = _START if place == 0 else _UP if step.adds >= 0 else _DOWN
        parts.append(
            f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 1):.1f}" height="{_LINE - 8}" fill="{colour}"/>'
        )
        parts.append(_words(10, y + 11, f"{step.field}  {step.said}"))
        parts.append(_words(right + 4, y + 11, f"{step.adds:+.2f}"))
        before = step.after
    return parts


def _words(x: float, y: float, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="#222"{weight}>{escape(text)}</text>'
