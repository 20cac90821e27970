"""Small groups in `cxm people`: which counts of who is recognised are of people, and how they hang together.

People, those identified, those of several identifiers, and identifiers by kind are counts of people, or tell of them:
of a kind of which three identifiers are known at most three people have one. They hang together by what an identifier
is: one person's. All of them are everybody's first, the second of those who have several, and what some have beyond
two; those of a kind that is certain are one of everybody who is identified, and what some have beyond one. The most
identifiers of one is a figure of those who have so many, and bounds how many have several where a count is hidden.

Merges and unmerges are written down by the machine, but each is of somebody who was two and is one, or the other way
round: they are hidden where there are few, or where few people stand behind them, and so are links that do not hold.
Identifiers that many share are known with people, and hidden where there are few of them.

Placeholders are shown, however few: `guest` and a row of zeros are words that name nobody, how often they came is not
told, and whoever looks after a site must see them to mend it. So what they leave of a kind is known, and it is that
which must not be small.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cxminute.app.small.cells import HIDDEN, Cells, Row, told
from cxminute.privacy.cells import tells_of_few

NAMELESS: Final = "placeholder"
"""Why an identifier is nobody's that names nobody."""
_TIED: Final = ("people", "several", "count")
"""Counts that the most identifiers of one hang together with."""
_WHOLE: Final = 10.0
"""How much dearer it is to hide how many people there are than how many identifiers of a kind."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Who stands behind the counts.

    kinds:    by kind of identifier, how many are somebody's, and how many people have them
    certain:  kinds that identify
    twice:    people with more than one identifier that is certain; thrice: with more than two of whatever kind
    most:     people with as many identifiers as anybody has
    refused:  by reason, people at the ends of links that do not hold
    merged, parted: people who went on when they were merged, or parted
    """

    kinds: Mapping[str, tuple[int, int]]
    certain: Collection[str]
    twice: int
    thrice: int
    most: int
    refused: Mapping[str, int]
    merged: int
    parted: int


def hide_people(smallest: int, said: Row, behind: Behind) -> str:
    """Hides what is small of the counts of who is who; returns the line that says so.

    said: the document: identifiers, people, identified, several, largest, merges, unmerges, nobody, refused
    """
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    people = cells.count(said, "people", weight=_WHOLE)
    identified, several = cells.count(said, "identified"), cells.count(said, "several")
    cells.rest(people, identified)
    cells.rest(people, several)
    theirs = _kinds(cells, said["identifiers"], said["nobody"], behind.kinds)
    few = tells_of_few(smallest, said["several"])
    second = _beyond(cells, people, list(theirs.values()), few=few)
    _beyond(cells, several, [second], few=tells_of_few(smallest, behind.thrice))
    sure = [place for kind, place in theirs.items() if kind in behind.certain]
    _beyond(cells, identified, sure, few=tells_of_few(smallest, behind.twice))
    merges = cells.count(said, "merges", few=tells_of_few(smallest, behind.merged))
    cells.rest(merges, cells.count(said, "unmerges", few=tells_of_few(smallest, behind.parted)))
    for row in said["refused"]:
        cells.count(row, "count", few=tells_of_few(smallest, behind.refused[row["why"]]))
    marked = cells.hide({})
    gone = any(row[name] is None for row in (said, *said["identifiers"]) for name in _TIED if name in row)
    if gone or tells_of_few(smallest, behind.most) or tells_of_few(smallest, said["people"] - said["several"]):
        marked += HIDDEN not in said
        said.update({"largest": None, HIDDEN: True})
    return told(marked, smallest)


def _kinds(
    cells: Cells, rows: Sequence[Row], nobody: Sequence[Row], kinds: Mapping[str, tuple[int, int]]
) -> dict[str, int]:
    """The identifiers of each kind that are somebody's: what is left without placeholders and what many share."""
    found = {}
    for row in rows:
        many, owners = kinds[row["kind"]]
        shared = [one for one in nobody if one["kind"] == row["kind"] and one["why"] != NAMELESS]
        place = cells.known(many, few=tells_of_few(cells.smallest, owners))
        others = [cells.count(one, "count") for one in shared]
        left = cells.known(many + sum(int(one["count"]) for one in shared), weight=1.0)
        cells.adds(left, [place, *others])
        cells.tells(row, "count", left)
        found[row["kind"]] = place
    return found


def _beyond(cells: Cells, people: int, places: Sequence[int], *, few: bool) -> int:
    """What identifiers there are beyond one of each of these people, as is known from both; few: whether few have any.

    returns: the place; -1 where there is none
    """
    if -1 in places:
        return -1
    every = cells.whole(places, weight=0.0)
    return cells.rest(every, people, few=few)
