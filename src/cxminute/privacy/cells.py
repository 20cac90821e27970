"""Small cells: which counts of a table are not shown, so that no group smaller than allowed is, nor can be worked out.

A count is hidden where it is small: more than nobody, and fewer than `smallest`. What is hidden could still be found by
subtraction: from a total and the other parts, from the whole and its complement, from a share and what it is of. So
more is hidden, as little as will do, until there is a table that agrees with everything that is shown and in which
every hidden count is as large as may be shown. That table is the proof: whoever knows only what is shown, the sums and
that no count is negative cannot tell that any hidden count is small, let alone which.

The table is one of whole numbers where sums run over groups, and over parts of groups, in two ways; where they run in
more ways its numbers may be broken. Nobody is no group: a count of nought is shown. Of counts of the same people in two
overlapping spans of time each table is protected by itself; their differences are not. Nor is anything kept from who
knows more than the table: who is in it, or how complements are chosen.

source: complementary cell suppression by linear programming (Fischetti and Salazar-Gonzalez, 2001), in the form in
        which the deviations of one feasible table say what to hide
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sum = tuple[int, Sequence[int]]
"""The place of a total, and the places of its parts."""
_NEAR = 1e-6
_SECONDS = 60.0
"""How long it is looked for what to hide: a table of a million counts is beyond it."""


def tells_of_few(smallest: int, n: float, share: float | None = None) -> bool:
    """Whether a figure is of too few, more than nobody; a share also where there are too few on either side of it."""
    hits = 0 if share is None else round(share * n)
    sizes = (n,) if share is None else (n, hits, n - hits)
    return smallest > 1 and any(0 < size < smallest for size in sizes)


def suppress(
    counts: ArrayLike,
    sums: Sequence[Sum],
    smallest: ArrayLike,
    few: Collection[int] = (),
    weights: ArrayLike = 1.0,
) -> NDArray[np.bool_]:
    """Which counts are hidden.

    counts:   every count that is shown, and every one that can be worked out (a complement), none negative
    sums:     which of them add up to which
    smallest: fewer than this are not shown: one number, or one for each count; 1 hides nothing
    few:      places of counts that are of too few people although they are large enough: twenty orders of one customer
    weights:  how much it costs to hide each: 0 for what nobody shows and only follows from the others
    returns:  True for each count that is not shown
    raises:   ValueError where counts do not add up as the sums say
    """
    values = np.asarray(counts, np.float64).ravel()
    need = np.broadcast_to(np.asarray(smallest, np.float64), values.shape)
    hidden = (values > 0) & (values < need)
    reach = need.copy()
    for place in few:
        if values[place] > 0:
            hidden[place] = True
            reach[place] = max(reach[place], values[place] + need[place])  # else it is what the others leave of it
    for total, parts in sums:
        if abs(values[total] - values[list(parts)].sum()) > _NEAR:
            raise ValueError("Counts do not add up to their total.")
    if not hidden.any():
        return hidden
    sums = _touched(hidden, values, sums)
    dear = np.broadcast_to(np.asarray(weights, np.float64), values.shape)
    return hidden if not sums else hidden | _complements(values, reach, hidden, dear, sums)


def _touched(hidden: NDArray[np.bool_], values: NDArray[np.float64], sums: Sequence[Sum]) -> list[Sum]:
    """The sums that hang together with anything hidden: no other can tell of it."""
    by_place: dict[int, list[int]] = {}
    for number, (total, parts) in enumerate(sums):
        for place in (total, *parts):
            if values[place] > 0:  # nought is shown, and ties nothing
                by_place.setdefault(place, []).append(number)
    waiting = np.flatnonzero(hidden).tolist()
    seen, found = set(waiting), set[int]()
    while waiting:
        for number in by_place.get(waiting.pop(), ()):
            if number in found:
                continue
            found.add(number)
            total, parts = sums[number]
            fresh = {place for place in (total, *parts) if values[place] > 0} - seen
            seen |= fresh
            waiting += fresh
    return [sums[number] for number in sorted(found)]


def _complements(
    values: NDArray[np.float64],
    reach: NDArray[np.float64],
    hidden: NDArray[np.bool_],
    dear: NDArray[np.float64],
    sums: Sequence[Sum],
) -> NDArray[np.bool_]:
    """What else is hidden: where the nearest table in which every hidden count is large enough differs from ours.

    Unknown are the counts that are more than nought, as what they are plus what they gain less what they lose; to gain
    or lose costs nothing where a count is hidden already, and else the more the larger the count is.
    """
    from scipy.optimize import linprog  # noqa: PLC0415 -- most projects hide nothing
    from scipy.sparse import coo_array  # noqa: PLC0415 -- likewise

    known = sorted({place for total, parts in sums for place in (total, *parts) if values[place] > 0})
    column = {place: ordinal for ordinal, place in enumerate(known)}
    rows, columns, signs = [], [], []
    for number, (total, parts) in enumerate(sums):
        for place, sign in ((total, 1.0), *((part, -1.0) for part in parts)):
            if values[place] > 0:
                rows.append(number)
                columns.append(column[place])
                signs.append(sign)
    wide, places = len(known), np.array(known)
    ties = coo_array((signs, (rows, columns)), shape=(len(sums), wide))
    # hiding one more count costs one, at the least; of two that would do, the smaller goes
    cost = np.where(hidden[places], 0.0, dear[places] * (1.0 + np.log1p(values[places])))
    gains = np.where(hidden[places], np.maximum(reach[places] - values[places], 0), 0.0)
    losses = np.where(hidden[places], np.inf, values[places] - np.minimum(reach[places], values[places]))
    losses = np.where(hidden[places], np.maximum(values[places] - reach[places], 0), losses)
    bounds = np.column_stack([np.concatenate([gains, np.zeros(wide)]), np.concatenate([np.full(wide, np.inf), losses])])
    prices = np.concatenate([cost, cost])
    nothing, within = np.zeros(len(sums)), {"time_limit": _SECONDS}
    found = linprog(prices, A_eq=_beside(ties), b_eq=nothing, bounds=bounds, method="highs-ds", options=within)
    everything = np.zeros(len(values), np.bool_)
    if found.status != 0:  # too large to be looked through: then all that hangs together with it is hidden
        everything[places] = True
        return everything
    moved = np.abs(found.x[:wide] - found.x[wide:]) > _NEAR
    everything[places[moved]] = True
    return everything


def _beside(ties: object) -> object:
    """The sums of what is gained, and with the other sign of what is lost."""
    from scipy.sparse import hstack  # noqa: PLC0415 -- as above

    return hstack([ties, -ties], format="csc")  # type: ignore[operator]  # a sparse matrix, which scipy does not type
