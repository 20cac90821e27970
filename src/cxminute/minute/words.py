"""How figures, days and names are written, and how words are counted."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Final

LIMIT: Final = 230
"""Words that are read in one minute, at the pace of careful reading of figures."""

NAME: Final = 40  # characters of a name from data in a sentence; details give more
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def count(text: str) -> int:
    """Words of a text as it stands on the page: all that lies between blanks, a lone sign included."""
    return len(text.split())


def plain(text: str, most: int | None = None) -> str:
    """Text from data, safe to set in a line: no control signs, no line ends, no signs that turn the reading around.

    most: cut to so many characters, the last of them an ellipsis
    """
    shown = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or _harmless(sign))
    shown = " ".join(shown.split())
    return shown if most is None or len(shown) <= most else shown[: most - 1].rstrip() + "…"


def _harmless(sign: str) -> bool:
    """Not a control, format (bidirectional, zero width), surrogate or private sign."""
    return unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def percent(share: float) -> str:
    """A share as people read it: whole percents, tenths near the ends, where they matter."""
    figure = 100 * share
    return f"{figure:.0f}%" if 10 <= figure <= 90 or figure in {0, 100} else f"{figure:.1f}%"


def number(figure: float) -> str:
    """A count with its thousands apart."""
    return f"{figure:,.0f}"


def between(low: str, high: str) -> str:
    """Two bounds; a unit that both carry is said once."""
    return f"{low.removesuffix('%')} to {high}"


def day(when: date) -> str:
    """A day without its year: '9 February', in every locale."""
    return f"{when.day} {MONTHS[when.month - 1]}"


def days(first: date, last: date) -> str:
    """A run of days with the year: '9 to 15 February 2015'."""
    start = f"{first.day}" if first.month == last.month else day(first)
    return f"{start} to {day(last)} {last.year}"
