"""News in sentences: each with its figure, its range, since when, where, and how often it was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Final

from cxminute.minute.brief import Line, Standing
from cxminute.minute.words import NAME, between, day, number, percent, plain

COUNTED: Final = "volume"
PLACES: Final = 3  # dimensions named in a sentence
VALUES: Final = 2  # values of each
SMALL: Final = 0.1  # of the change, below which a place is not named
MOST: Final = 0.6  # of the change, from which on one value is place enough
COPIES: Final = 3  # news of the same origin named in a sentence


def figure(row: dict[str, Any], name: str = "value") -> str:
    """One of a row's figures as it is read: a share in percent, or a count."""
    return number(row[name]) if row["measure"] == COUNTED else percent(row[name])


def subject(row: dict[str, Any]) -> str:
    """What a row speaks of: the name of its promise or journey, and the part, where it speaks of a part."""
    name = plain(row["about"], NAME)
    name = name[:1].upper() + name[1:]
    return f"{name}, {place_of(row['where'][0])} alone" if is_part(row) else name


def place_of(part: dict[str, Any]) -> str:
    """A part by the last word of its path and its value."""
    return f"{_bare(part['dimension'])} {plain(part['value'], NAME)}"


def is_part(row: dict[str, Any]) -> bool:
    """Whether a row speaks of a part of its series: then its id says which."""
    return bool(row["id"] != f"{row['about']}|{row['measure']}|{row['direction']}")


def short(row: dict[str, Any]) -> str:
    """A row in half a sentence: 'Promise delivery: 24% broken, 8.1% expected'."""
    return f"{subject(row)}: {figure(row)} {_state(row)}, {figure(row, 'expected')} expected"


def line(row: dict[str, Any], copies: Sequence[dict[str, Any]] = ()) -> Line:
    """A row as what the brief says of it.

    copies: weaker news of the same origin: named with it, and not counted as seen once more
    """
    said = f"{_fact(row)}, {between(figure(row, 'low'), figure(row, 'high'))} expected, since {day(row['since'])}"
    places = list(_places(row))
    said += f"; {'; '.join(places)}." if places else "."
    if copies:
        named = [f"{_lower(subject(copy))} {figure(copy)} {_state(copy)}" for copy in copies[:COPIES]]
        said += f" With it: {', '.join(named)}."
    return Line(f"{said} {seen(row['seen'])}", figure(row), plain(row["command"]), row["grade"])


def seen(times: int) -> str:
    """How often it was seen, in words: 'trend' is never said below three."""
    if times >= 3:
        return f"A trend: seen {times} times."
    return "A pattern: seen twice." if times == 2 else "Seen once."


def decision(row: dict[str, Any]) -> Line:
    """What deserves a decision, with the figure that asks for it."""
    said = plain(row["action"]).removesuffix(".")
    return Line(f"{said} ({figure(row)} {_state(row)}).", figure(row), plain(row["command"]))


def standing_line(standing: Standing) -> Line:
    """One promise or journey that stands out."""
    kept = "kept" if standing.kind == "promise" else "completed"
    share = "none due" if standing.share is None else f"{percent(standing.share)} {kept}"
    said = f"{plain(standing.name, NAME)}: {share} of {number(standing.n)}"
    if standing.target is not None:
        said += f", target {percent(standing.target)}"
    if standing.burn is not None and standing.burn > 1:
        said += f", budget burning {standing.burn:.1f} times too fast"
    return Line(f"{said}.", share, shown(standing))


def calm_line(standings: list[Standing], week: str) -> Line:
    """Those that do not stand out, in one sentence."""
    figures = [percent(standing.share) for standing in standings if standing.share is not None]
    named = [
        f"{plain(standing.name, NAME)} {percent(standing.share)}"
        for standing in standings
        if standing.share is not None
    ]
    kinds = {standing.kind for standing in standings}
    shows = f"{kinds.pop()}s" if len(kinds) == 1 else "minute"
    return Line(f"Others, none below a target: {', '.join(named)}.", figures[0], f"cxm {shows} --week {week}")


def shown(standing: Standing) -> str:
    """The command that shows how a promise or journey stands."""
    return plain(standing.command or f"cxm {standing.kind}s {standing.name}")


def _fact(row: dict[str, Any]) -> str:
    """The figure as a fact; where more than half was broken, that most was."""
    if row["measure"] == COUNTED:
        return f"{subject(row)}: {figure(row)} {_state(row)}"
    if row["measure"] == "late" and row["value"] > 0.5:
        return f"{subject(row)}: most promises due were broken, {figure(row)} of {number(row['n'])}"
    return f"{subject(row)}: {figure(row)} of {number(row['n'])} {_state(row)}"


def _state(row: dict[str, Any]) -> str:
    """What the figure of a row says has happened to them."""
    if row["measure"] == COUNTED:
        return {"promise": "made", "journey": "opened"}.get(row["about"].partition(" ")[0], "counted")
    return {"late": "broken"}.get(row["measure"]) or plain(row["measure"], NAME)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _places(row: dict[str, Any]) -> Iterator[str]:
    """The leading values of each dimension, with how much of the change each holds."""
    if is_part(row):
        return
    split = groupby(row["where"], lambda part: str(part["dimension"]))
    for place, (dimension, parts) in enumerate(islice(split, PLACES)):
        named = [part for part in islice(parts, VALUES) if part["share"] >= SMALL]
        if named:
            held = named[:1] if named[0]["share"] >= MOST else named
            yield ", ".join(_held(part, _bare(dimension) if part is held[0] else "") for part in held)
        if place == 0 and named and named[0]["share"] >= MOST:
            return


def _held(part: dict[str, Any], dimension: str) -> str:
    """How much of the change comes from a value; over all of it, where others pull the other way, is all of it."""
    mixed = " by mix" if abs(part["mix"]) > abs(part["rate"]) else ""
    source = f"from {dimension} " if dimension else ""
    return f"{100 * min(part['share'], 1.0):.0f}% {source}{plain(part['value'], NAME)}{mixed}"


def _bare(dimension: str) -> str:
    return plain(dimension.rpartition(".")[2], NAME)
