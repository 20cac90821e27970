"""What a link or an unlink changes: passages, promises and counts of the people concerned, before and after.

Nobody else's passages can change, so that only the streams of these people are read. What is not counted per person
(an order's promise, say) does not depend on who is who and is not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.app.analysis import View
from cxminute.app.people.accounts import belonging
from cxminute.app.streams import open_subjects
from cxminute.journeys.language import PERSON
from cxminute.model.errors import Refused
from cxminute.store.engines.local import LocalEngine
from cxminute.store.people import People
from cxminute.store.pieces import ACCOUNT
from cxminute.store.protocols import Streams, Subjects

Ints = NDArray[np.int64]

_BY: Final = ("opened_at", "made_at")
_SAID: Final = ("ending", "state")


class Only:
    """Some of all subjects."""

    def __init__(self, whole: Subjects, numbers: Collection[int]) -> None:
        self._whole, self._numbers = whole, sorted(set(numbers))

    @property
    def per(self) -> str:
        """As of the whole."""
        return self._whole.per

    @property
    def opens_at(self) -> int:
        """As of the whole log."""
        return self._whole.opens_at

    @property
    def closes_at(self) -> int:
        """As of the whole log."""
        return self._whole.closes_at

    def buckets(self) -> Sequence[range]:
        """One a subject."""
        return [range(number, number + 1) for number in self._numbers]

    def read(self, bucket: range) -> Streams:
        """The stream of one subject, as it is among all."""
        return self._whole.read(bucket)


@dataclass(frozen=True)
class Near(View):
    """A project seen by some of its people alone, who are who a map says.

    people:  None where each profile is a person of its own
    persons: whose streams are read; identifiers: whose accounts' streams are
    indexes: all subjects of a kind, for a purpose and paths, so that many definitions open the index once
    homes:   by purpose, the account that each profile belongs to
    """

    people: People | None = None
    persons: tuple[int, ...] = ()
    identifiers: tuple[int, ...] = ()
    indexes: dict[tuple[str, str, frozenset[str]], Subjects] = field(default_factory=dict)
    homes: dict[str, Ints] = field(default_factory=dict)

    def subjects(self, per: str, purpose: str | None = None, paths: Sequence[str] = ()) -> Subjects:
        """As of `View`; of people and accounts only these and theirs."""
        leave = self.leave(purpose)
        asked = (per, leave.purpose, frozenset(paths))
        if asked not in self.indexes:
            self.indexes[asked] = open_subjects(self.project, per, leave, paths=paths, people=self.people, fixed=True)
        whole = self.indexes[asked]
        if per == PERSON:
            return Only(whole, self.persons)
        if per != ACCOUNT or ACCOUNT in self.project.definitions.kinds:
            return whole
        if leave.purpose not in self.homes:
            self.homes[leave.purpose] = belonging(self.project, leave, self.people).home
        home = self.homes[leave.purpose]
        return Only(whole, {int(home[one]) for one in self.identifiers if one < home.size} - {-1})


@dataclass(frozen=True, slots=True)
class Changed:
    """What one journey or promise says of the people concerned, before and after.

    about:  'journey checkout', 'promise delivery'
    before: how many of each ending or state; all: the total
    rows:   passages or promises that appear, vanish or change: `what`, `at` (when opened or made, UTC ms), `before` and
            `after` (ending or state; None where there is none)
    """

    about: str
    before: Counter[str]
    after: Counter[str]
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Who is who, before or after.

    people:  None where each profile is a person of its own
    persons: those concerned
    """

    people: People | None
    persons: tuple[int, ...]


def compared(seen: View, identifiers: Collection[int], before: Side, after: Side) -> list[Changed]:
    """Every journey and promise that counts people or accounts, under two maps; without those that neither finds in.

    identifiers: of the people concerned, under either map
    Definitions whose purpose no source allows are left out.
    """
    views = [
        Near(
            seen.project, seen.purpose, None, None, None, LocalEngine(1), told=seen.told,
            people=side.people, persons=side.persons, identifiers=tuple(identifiers),
        )
        for side in (before, after)
    ]  # fmt: skip
    definitions, counted = seen.project.definitions, {PERSON, ACCOUNT} - seen.project.definitions.kinds
    journeys = [journey for journey in definitions.journeys.values() if journey.space in counted]
    promises = [promise for promise in definitions.promises.values() if promise.per in counted]
    found = [_of(f"journey {one.name}", [_told(view, "passages", one) for view in views]) for one in journeys]
    found += [_of(f"promise {one.name}", [_told(view, "ledger", one) for view in views]) for one in promises]
    return [one for one in found if one.before or one.after]


def _told(view: Near, what: str, definition: Any) -> list[dict[str, Any]]:
    """The rows of passages or of a ledger, without whose they are: the same row may be another person's now."""
    try:
        table: pa.Table = view.passages(definition)[1] if what == "passages" else view.ledger(definition)[0]
    except Refused:
        return []
    kept = [name for name in table.column_names if name not in ("subject", "plan", "left_truncated", "children")]
    rows: list[dict[str, Any]] = table.select(kept).to_pylist()
    return rows


def _of(about: str, sides: Sequence[list[dict[str, Any]]]) -> Changed:
    counts = [Counter(str(row[_key(row, _SAID)]) for row in rows) for rows in sides]
    gone, come = (_without(sides[0], sides[1]), _without(sides[1], sides[0]))
    rows = []
    for row in gone:
        at, said = row[_key(row, _BY)], row[_key(row, _SAID)]
        other = next((one for one in come if one[_key(one, _BY)] == at), None)
        if other is None:
            rows.append({"what": "vanishes", "at": at, "before": said, "after": None})
        else:
            come.remove(other)
            rows.append({"what": "changes", "at": at, "before": said, "after": other[_key(other, _SAID)]})
    rows += [
        {"what": "appears", "at": row[_key(row, _BY)], "before": None, "after": row[_key(row, _SAID)]} for row in come
    ]
    rows.sort(key=lambda row: (row["at"], row["what"]))
    return Changed(about, counts[0], counts[1], tuple(rows))


def _without(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the others lack, each as often as it is lacking."""
    left = Counter(map(repr, others))
    found = []
    for row in rows:
        said = repr(row)
        if left[said]:
            left[said] -= 1
        else:
            found.append(row)
    return found


def _key(row: dict[str, Any], names: Sequence[str]) -> str:
    return next(name for name in names if name in row)
