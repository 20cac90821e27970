"""The columns of a ledger as numpy arrays, and counts over them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.balance.cells import Codes, crossed
from cxminute.balance.intervals import Shares, shares
from cxminute.model.errors import UnknownName
from cxminute.model.tables import LEDGER, STATES

KEPT, LATE, OVERDUE, PENDING, VOID, NONE = range(len(STATES))
"""Places in STATES."""


def coded(ledger: pa.Table, column: str) -> tuple[Codes, list[str]]:
    """For each row the place of its value among those that occur in the column, in alphabetical order; -1 where empty.

    raises: UnknownName where the ledger was weighed without this dimension
    """
    if column not in ledger.column_names:
        raise UnknownName("dimension", column, [name for name in ledger.column_names if name not in LEDGER.names])
    known: dict[str, int] = {}
    parts = [np.empty(0, dtype=np.int64)]
    for chunk in ledger[column].chunks:  # each bucket's part has a dictionary of its own
        words = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        places = [-1 if word is None else known.setdefault(word, len(known)) for word in words.dictionary.to_pylist()]
        index = words.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
        parts.append(np.array([*places, -1], dtype=np.int64)[index])
    codes, names = np.concatenate(parts), list(known)
    there = np.bincount(codes + 1, minlength=len(names) + 1)[1:]
    values = sorted(name for name, code in known.items() if there[code])
    order = {value: place for place, value in enumerate(values)}
    return np.array([*(order.get(name, -1) for name in names), -1], dtype=np.int64)[codes], values


def states_of(ledger: pa.Table, column: str = "state") -> Codes:
    """For each row the place of its state in STATES."""
    codes, found = coded(ledger, column)
    return np.asarray(np.array([STATES.index(state) for state in found], dtype=np.int64)[codes])


def moments_of(ledger: pa.Table, column: str) -> NDArray[np.int64]:
    """A column of moments as UTC milliseconds, 0 where empty (only `none` has no due time: look at the state)."""
    filled = ledger[column].cast(pa.int64()).fill_null(0)
    return np.asarray(filled.to_numpy(), dtype=np.int64)


def counted(group: Codes, states: Codes, groups: int) -> NDArray[np.int64]:
    """How many rows of each group (first axis) are in each state (second axis, in the order of STATES)."""
    width = len(STATES)
    return np.bincount(group * width + states, minlength=groups * width).reshape(groups, width)


def judged(states: Codes) -> NDArray[np.bool_]:
    """Which rows count for a share kept: kept, late and overdue."""
    return states <= OVERDUE


def shares_kept(group: Codes, cluster: Codes, states: Codes, groups: int) -> Shares:
    """For each group the share kept of kept, late and overdue, with its interval over clusters.

    cluster: any number that is the same for rows of one cluster (a day, a week)
    """
    rows = judged(states)
    kept = (states[rows] == KEPT).astype(np.float64)
    of_group, _, place = crossed(group[rows], cluster[rows])
    hits, n = np.bincount(place, kept, len(of_group)), np.bincount(place, minlength=len(of_group))
    return shares(hits.astype(np.float64), n.astype(np.float64), of_group, groups)


def settled(states: Codes, due_at: NDArray[np.int64], tolerance: int, as_of: int | None) -> NDArray[np.bool_]:
    """Which rows were due at a time of which all is known: those that broke, or would have if they had not been kept.

    After that time only what was kept early is known, and what is still to come would look better than it will be.
    as_of: the moment that the ledger was weighed at; without it the first due time among the pending bounds it alone
    """
    first_pending = np.min(due_at[states == PENDING], initial=np.iinfo(np.int64).max)
    return np.asarray(due_at < (first_pending if as_of is None else min(first_pending, as_of - tolerance)))
