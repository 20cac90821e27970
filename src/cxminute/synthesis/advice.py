"""What deserves a decision, and the command that shows the figure: plain words for each kind of news."""

from __future__ import annotations

from datetime import date
from shlex import quote

from cxminute.model.times import week_of
from cxminute.synthesis.contribution import Part
from cxminute.synthesis.weeks import COUNTED, Key

PLURAL = {"promise": "promises", "journey": "journeys"}
NAMED = 2  # values named in an action


def is_good(key: Key, direction: str) -> bool:
    """Whether a change is for the better: fewer late, more of everything else.

    More of a count is called good, too: whether more requests are welcome, the figure cannot know.
    """
    return (direction == "up") != (key.measure == "late")


def command(key: Key, dimension: str, monday: date) -> str:
    """The command that shows the week's figure, split by a dimension where one tells of it."""
    kind, _, name = key.about.partition(" ")
    words = ["cxm", PLURAL.get(kind, kind), quote(name)] if name else ["cxm", PLURAL.get(kind, kind)]
    if dimension:
        words += ["--by", quote(dimension.removeprefix("properties."))]
    return " ".join([*words, "--week", week_of(monday)])


def action(key: Key, direction: str, where: list[Part]) -> str:
    """A plain recommendation: what deserves a decision, given what changed and where.

    where: the leading parts of the dimension that tells most; may be empty
    """
    name = key.about.partition(" ")[2] or key.about
    place = f"{_bare(where[0].dimension)} {_listed([part.value for part in where[:NAMED]])}" if where else ""
    mixed = bool(where) and abs(sum(part.mix for part in where)) > abs(sum(part.rate for part in where))
    if mixed and key.measure != COUNTED:
        return f"Decide about the mix: the weight of {place} changed, the parts themselves hardly did."
    there = f" with {place}" if place else ""
    told = {
        ("late", "up"): f"Decide who looks into {place or repr(name)} and tells those waiting.",
        ("late", "down"): f"Find what went better{there}, and keep it.",
        ("completed", "down"): f"Walk '{name}'{there}, and repair what stops it.",
        ("completed", "up"): f"Find what helped '{name}'{there}, and keep it.",
        (COUNTED, "up"): f"Decide whether hands suffice for more '{name}'{there}.",
        (COUNTED, "down"): f"Check that the source of '{name}' still sends; then ask what ended{there}.",
    }
    return told.get((key.measure, direction), f"Decide whether {key.measure} {direction} in '{name}'{there} is wanted.")


def _bare(dimension: str) -> str:
    """The last word of a path."""
    return dimension.rpartition(".")[2]


def _listed(values: list[str]) -> str:
    """Values in a row of words."""
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " and " + values[-1]
