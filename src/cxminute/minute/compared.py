"""A marketplace beside the own shop in a sentence, and in the tables below the fold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from cxminute.minute.brief import Detail, Line
from cxminute.minute.sentences import place_of
from cxminute.minute.words import NAME, day, number, percent, plain

WEEK: Final = 7
MOST: Final = 12
"""Parts of a difference that a table has room for."""
_COMPARED: Final = ("what", "on", "broken", "of", "beside", "broken", "of", "points", "range", "days")
_PARTS: Final = ("part", "of the difference", "by mix", "by rate", "broken", "of", "beside broken", "of")


def compared_line(row: dict[str, Any], week: str) -> Line:
    """How much of a promise each side kept, and what the difference comes from.

    row: of model.tables.COMPARISON
    """
    name = plain(row["about"].partition(" ")[2] or row["about"], NAME)
    figure = percent(1 - row["value"])
    said = f"{name}: {figure} kept on {plain(row['market'], NAME)}, {percent(1 - row['own_value'])} on {_own(row)}"
    span = f"--week {week}"
    if _days(row) > WEEK:
        said += f" in {_days(row) // WEEK} weeks"
        span = f"--since {row['first']} --until {row['last'] + timedelta(days=1)}"
    return Line(f"{said}; {_why(row)}.", figure, f"cxm promises {name} --by source {span}")


def side_by_side(rows: Sequence[dict[str, Any]]) -> list[Detail]:
    """All comparisons in one table, and where each difference comes from."""
    if not rows:
        return []
    found = [Detail("Marketplaces beside the own shop", _COMPARED, tuple(_compared(row) for row in rows))]
    for row in rows:
        if row["where"]:
            title = f"Where {plain(row['market'], NAME)} differs from {_own(row)}: {plain(row['about'], NAME)}"
            parts = tuple(_part(part) for part in row["where"][:MOST])
            found.append(Detail(title, _PARTS, parts))
    return found


def _why(row: dict[str, Any]) -> str:
    """The leading part of the difference: that there is more of it, or that it does worse there."""
    if not row["where"]:
        return "no one part explains the gap"
    part = row["where"][0]
    there = place_of(part)
    held = f"{100 * min(part['share'], 1.0):.0f}% of the gap from"
    if abs(part["mix"]) > abs(part["rate"]):
        weights = percent(part["n"] / row["n"]), percent(part["own_n"] / row["own_n"])
        return f"{held} the mix: {there} has {weights[0]} there, {weights[1]} on {_own(row)}"
    kept = _kept(part, "hits", "n"), _kept(part, "own_hits", "own_n")
    return f"{held} {there}: {kept[0]} kept there, {kept[1]} on {_own(row)}"


def _kept(part: dict[str, Any], hits: str, n: str) -> str:
    return percent(1 - part[hits] / part[n]) if part[n] else "none"


def _own(row: dict[str, Any]) -> str:
    return plain(row["own"], NAME)


def _days(row: dict[str, Any]) -> int:
    return int((row["last"] - row["first"]).days) + 1


def _compared(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(row["about"]),
        plain(row["market"]),
        percent(row["value"]),
        number(row["n"]),
        _own(row),
        percent(row["own_value"]),
        number(row["own_n"]),
        _points(row["difference"]),
        f"{_points(row['low'])} to {_points(row['high'])}",
        f"{day(row['first'])} to {day(row['last'])}",
    )


def _part(part: dict[str, Any]) -> tuple[str, ...]:
    name = f"{plain(part['dimension'].rpartition('.')[2])} {plain(part['value'], NAME)}"
    moved = (f"{100 * part['share']:.0f}%", _points(part["mix"]), _points(part["rate"]))
    counts = (part["hits"], part["n"], part["own_hits"], part["own_n"])
    return (name, *moved, *(number(count) for count in counts))


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"
