"""Small groups in answers: which counts are not shown, and all that would tell of them, in tables and documents alike.

An answer is rows of counts and of figures made from them. Whoever knows how the counts hang together (`Cells`) says so;
what is hidden then is nothing in its row, and the row is marked. Where no contract asks for it nothing is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, Final

import pyarrow as pa

from cxminute.app import output
from cxminute.app.analysis import View
from cxminute.app.project import Project
from cxminute.privacy.cells import Sum, suppress

Row = MutableMapping[str, Any]
HIDDEN: Final = "hidden"
"""The key that marks a row in which something is not shown."""
_NEAR: Final = 1e-6
ELSEWHERE: Final = 1e3
"""How much it costs to hide a count that another answer shows: it is hidden only where it is small itself."""


def smallest_of(seen: View, purpose: str | None = None, names: Collection[str] | None = None) -> int:
    """The smallest group that may be shown of what is counted: the largest that a contract behind it allows.

    purpose: that the reading is for, where the command names none
    names:   of the events that are counted; None for all
    """
    project = seen.project
    contracts = project.definitions.contracts
    leave = seen.leave(purpose)
    if all(contracts[name].smallest_group <= 1 for name in leave.sources):
        return 1
    telling = {source for source, name in project.log.codes() if names is None or name in names}
    return max((contracts[name].smallest_group for name in leave.sources & telling), default=1)


def smallest_told(project: Project, sources: Collection[str] | None = None) -> int:
    """The smallest group of people that may be shown, whatever told of them: the largest that a contract allows.

    sources: those that a permit covers; None for all. Of these count those that told of anybody, by an event or by what
             people say of consent
    """
    contracts = project.definitions.contracts
    asked = {name: one.smallest_group for name, one in contracts.items() if sources is None or name in sources}
    if all(size <= 1 for size in asked.values()):
        return 1
    telling = {source for source, _ in project.log.codes()}
    found = max((size for name, size in asked.items() if name in telling), default=1)
    if any(size > found for size in asked.values()):
        saying = set(project.consents.facts(why=False)["source"].unique().to_pylist())
        found = max((size for name, size in asked.items() if name in telling | saying), default=1)
    return found


class Cells:
    """The counts of an answer, what they add up to, and the rows that show them.

    smallest: the smallest group that may be shown
    """

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest
        self._values: list[float] = []
        self._sums: list[Sum] = []
        self._few: set[int] = set()
        self._weights: list[float] = []
        self._rows: dict[int, tuple[Row, dict[str, int]]] = {}

    def count(self, row: Row, column: str, *, same: int | None = None, few: bool = False, weight: float = 1.0) -> int:
        """A count that a row shows; `same`: the place of one that is this very count, shown elsewhere.

        few:     whether too few people stand behind it, however large it is
        weight:  how much is lost where it is not shown
        returns: its place; -1 where the row has none there
        """
        value = row[column]
        if value is None:
            return -1
        shown = self._rows.setdefault(id(row), (row, {}))[1]
        if column not in shown:
            shown[column] = self.known(value) if same is None or same < 0 else same
        place = shown[column]
        self._weights[place] = max(self._weights[place], weight)
        if few:
            self._few.add(place)
        return place

    def known(self, value: float, *, weight: float = 0.0, few: bool = False) -> int:
        """A count that no row shows, and that follows from those that are shown: what went on, what is left.

        weight: more than nought where another answer shows it
        few:    as of `count`
        """
        place = len(self._values)
        self._values.append(float(value))
        self._weights.append(weight)
        if few:
            self._few.add(place)
        return place

    def tells(self, row: Row, name: str, place: int) -> None:
        """A row's figures tell of a count that it does not show itself: a share, of what it is a share."""
        if place >= 0:
            self._rows.setdefault(id(row), (row, {}))[1][name] = place

    def adds(self, total: int, parts: Sequence[int]) -> None:
        """What adds up to what; where these numbers do not, or one is missing, nothing can be known of it."""
        if total < 0 or any(part < 0 for part in parts) or not parts:
            return
        if abs(self._values[total] - sum(self._values[part] for part in parts)) <= _NEAR:
            self._sums.append((total, tuple(parts)))

    def rest(self, total: int, part: int, *, few: bool = False) -> int:
        """What a part leaves of a total: whoever sees both knows it, and a share with what it is of tells both.

        few: as of `count`
        """
        if total < 0 or part < 0 or self._values[total] < self._values[part] - _NEAR:
            return -1
        place = self.known(self._values[total] - self._values[part], few=few)
        self._sums.append((total, (part, place)))
        return place

    def whole(self, parts: Sequence[int], *, weight: float = ELSEWHERE) -> int:
        """The total of all groups, as the answer that is not split shows it; where none does, its weight is nought."""
        there = [part for part in parts if part >= 0]
        place = self.known(sum(self._values[part] for part in there), weight=weight)
        self.adds(place, there)
        return place

    def hide(self, made_of: Mapping[str, Sequence[str]]) -> int:
        """Takes out of the rows what is not shown, marks them; returns how many rows that were.

        made_of: by column of a figure, the counts of its row that it is made of, or would tell of
        """
        if self.smallest <= 1:
            return 0
        hidden = suppress(self._values, self._sums, self.smallest, self._few, self._weights)
        marked = 0
        for row, counts in self._rows.values():
            gone = {column for column, place in counts.items() if hidden[place]}
            figures = [
                figure for figure, of in made_of.items() if row.get(figure) is not None and gone.intersection(of)
            ]
            if not figures and not gone.intersection(row):
                continue
            marked += 1
            row.update(dict.fromkeys((*gone.intersection(row), *figures)))
            row[HIDDEN] = True
        return marked


def told(marked: int, smallest: int) -> str:
    """The line that says how many groups are hidden, and why; '' for none."""
    if not marked:
        return ""
    are, them = ("is", "it") if marked == 1 else ("are", "they")
    return (
        f"{output.count(marked, 'groups')} {are} not shown, or not whole: {them} would tell of fewer than {smallest}, "
        "which a contract does not allow."
    )


def last_of_all(rows: Sequence[Row], key: Callable[[Row], str]) -> list[Row]:
    """The rows with those of hidden counts at the end, by name: their place by size would tell of it."""
    shown = [row for row in rows if HIDDEN not in row]
    return [*shown, *sorted((row for row in rows if HIDDEN in row), key=key)]


def groups_last(rows: Sequence[Row]) -> list[Row]:
    """The same for groups of several rows each: those of which anything is hidden come last, by value."""
    gone = {row["value"] for row in rows if HIDDEN in row}
    shown = [row for row in rows if row["value"] not in gone]
    return [*shown, *sorted((row for row in rows if row["value"] in gone), key=lambda row: str(row["value"]))]


def drawable(table: pa.Table, rows: Sequence[Row]) -> pa.Table:
    """What a picture can be drawn from: the rows of which nothing is hidden, of groups whose size is shown."""
    firsts: dict[object, Row] = {}
    for row in rows:
        firsts.setdefault(row.get("value"), row)
    sized = {value for value, row in firsts.items() if value is None or HIDDEN not in row}
    there = [dict(row) for row in rows if HIDDEN not in row and row.get("value") in sized]
    return table if len(there) == len(table) else pa.Table.from_pylist(there, schema=table.schema)


def joined(*remarks: str) -> str:
    """Remarks beside an answer, a line each."""
    return "\n".join(remark for remark in remarks if remark)
