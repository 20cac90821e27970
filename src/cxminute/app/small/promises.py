"""Small groups in answers about promises: how states, weeks and groups hang together."""

from __future__ import annotations

from typing import Any, Final

from cxminute.app.analysis import View
from cxminute.app.small.cells import Cells, Row, groups_last, smallest_of, told
from cxminute.balance.promises import Promise
from cxminute.model.tables import STATES

_JUDGED: Final = ("kept", "late", "overdue")
_MADE: Final = ("kept", "late", "overdue", "pending", "void")
_OF_SHARES: Final = dict.fromkeys(
    ("share_kept", "low", "high", "share_first_kept", "clusters"), ("made", "due_by_now", *_MADE)
)
_OF_BUDGET: Final = dict.fromkeys(("budget", "left", "burn", "alerts"), ("due", "spent"))


def smallest_behind(seen: View, promise: Promise) -> int:
    """The smallest group that may be shown of a promise's ledger: by the contracts of the sources that tell of it."""
    return smallest_of(seen, promise.purpose, {step.name for step in promise.steps})


def hide_promise(smallest: int, document: dict[str, Any]) -> str:
    """Hides what is small of one promise's answer, its groups and its weeks; returns the line that says so."""
    if smallest <= 1:
        return ""
    cells = Cells(smallest)
    whole = _states(cells, document)
    for rows in (document.get("groups", ()), document["weeks"]):
        parts = [_states(cells, row) for row in rows]
        for name in ("made", *STATES):
            cells.adds(whole[name], [part[name] for part in parts if name in part])
    if document["budget"] is not None:
        cells.rest(cells.count(document["budget"], "due"), cells.count(document["budget"], "spent"))
    said = told(cells.hide({**_OF_SHARES, **_OF_BUDGET}), smallest)
    if "groups" in document:
        document["groups"] = groups_last(document["groups"])
    return said


def _states(cells: Cells, row: Row) -> dict[str, int]:
    """The counts of a row; those of which the share is told are known without the others, too."""
    weight = 10.0 if "weeks" in row else 1.0  # what most people look at goes last
    found = {name: cells.count(row, name, weight=weight) for name in ("made", *STATES) if name in row}
    cells.adds(found["made"], [found[name] for name in _MADE])
    if all(place >= 0 for place in found.values()):
        due = cells.known(sum(int(row[name]) for name in _JUDGED))
        cells.adds(due, [found[name] for name in _JUDGED])
        cells.tells(row, "due_by_now", due)
        cells.rest(due, found["kept"])
    return found
