"""Loops of stitching, compiled: union-find, degrees, and the choice among links that compete. All release the GIL.

Numbers of identifiers are places in arrays: int64 as they come, int32 inside. `parent` is a forest in which a root is
the smallest number of its tree, so that the root is the person's number. `shut` marks identifiers none of whose links
hold. Codes are those of `stitch`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

EVIDENCE, SAME, JUDGED = range(3)
"""What a link says: that events name both, that both are the same, or that somebody judged that both are one person."""

HELD = 0
APART = 1
LIMIT = 2
"""Why a link does not hold: it does, it would join two that are apart, it would break the limit of kind `r - LIMIT`."""

FULL = 65_535
"""Where counts of a kind stop counting."""

_INTS_READ = types.Array(types.int64, 1, "C", readonly=True)
_PLACES = types.Array(types.int32, 1, "C")
_PLACES_READ = types.Array(types.int32, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C")
_BYTES_READ = types.Array(types.uint8, 1, "C", readonly=True)
_COUNTS = types.Array(types.uint16, 2, "C")


@njit(types.int64(_PLACES, types.int64), cache=True, nogil=True)
def find(parent: NDArray[np.int32], x: int) -> int:
    """The root of x; the way there is halved."""
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@njit(types.void(_INTS_READ, _INTS_READ, _BYTES_READ, _PLACES), cache=True, nogil=True)
def join(a: NDArray[np.int64], b: NDArray[np.int64], shut: NDArray[np.uint8], parent: NDArray[np.int32]) -> None:
    """Joins the ends of every link, but of those with an end that is shut."""
    for i in range(a.size):
        if shut[a[i]] or shut[b[i]]:
            continue
        x, y = find(parent, a[i]), find(parent, b[i])
        if x < y:
            parent[y] = x
        elif y < x:
            parent[x] = y


@njit(types.void(_PLACES), cache=True, nogil=True)
def flatten(parent: NDArray[np.int32]) -> None:
    """Makes every entry a root; a root is smaller than all that it stands for, so one pass does."""
    for x in range(parent.size):
        parent[x] = parent[parent[x]]


@njit(types.void(types.int64, types.int64, _BYTES_READ, _BYTES_READ, _PLACES), cache=True, nogil=True)
def meet(x: int, y: int, kind: NDArray[np.uint8], strong: NDArray[np.uint8], known: NDArray[np.int32]) -> None:
    """Adds to `known` of each that it is linked with the other, where that is a strong one of another kind."""
    if kind[x] != kind[y]:
        if strong[kind[y]]:
            known[x] += 1
        if strong[kind[x]]:
            known[y] += 1


@njit(types.void(_INTS_READ, _INTS_READ, _BYTES_READ, _BYTES_READ, _PLACES), cache=True, nogil=True)
def acquaint(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    kind: NDArray[np.uint8],
    strong: NDArray[np.uint8],
    known: NDArray[np.int32],
) -> None:
    """Adds to `known` with how many strong ones of other kinds each is linked; a pair told twice counts twice."""
    for i in range(a.size):
        meet(a[i], b[i], kind, strong, known)


@njit(types.boolean(_PLACES, _BYTES_READ, types.int64), cache=True, nogil=True)
def is_crowd(others: NDArray[np.int32], kind: NDArray[np.uint8], limit: int) -> bool:
    """Whether more than `limit` different ones of one kind are among the others; sorts them."""
    others.sort()
    tally = np.zeros(256, np.int64)
    for i in range(others.size):
        if i > 0 and others[i] == others[i - 1]:
            continue
        of = kind[others[i]]
        tally[of] += 1
        if tally[of] > limit:
            return True
    return False


@njit(
    types.void(_INTS_READ, _INTS_READ, _BYTES_READ, _BYTES_READ, _INTS_READ, _PLACES_READ, _BYTES, types.uint8),
    cache=True,
    nogil=True,
)
def mark_crowded(  # noqa: C901 -- two passes over links, which share all they look up
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    kind: NDArray[np.uint8],
    strong: NDArray[np.uint8],
    shared: NDArray[np.int64],
    known: NDArray[np.int32],
    shut: NDArray[np.uint8],
    mark: int,
) -> None:
    """Marks in `shut` those known with too many of one other kind; only where `known` allows it are links looked at."""
    slot = np.full(kind.size, -1, np.int32)
    found, total = 0, 0
    for x in range(kind.size):
        limit = shared[kind[x]]
        if limit > 0 and known[x] > limit and shut[x] == 0:
            slot[x] = found
            found += 1
            total += known[x]
    if found == 0:
        return
    starts = np.zeros(found + 1, np.int64)
    whose = np.empty(found, np.int32)
    for x in range(kind.size):
        if slot[x] >= 0:
            starts[slot[x] + 1] = known[x]
            whose[slot[x]] = x
    for i in range(found):
        starts[i + 1] += starts[i]
    cursors = starts[:found].copy()
    others = np.empty(total, np.int32)
    for i in range(a.size):
        x, y = a[i], b[i]
        if kind[x] == kind[y]:
            continue
        if slot[x] >= 0 and strong[kind[y]]:
            others[cursors[slot[x]]] = y
            cursors[slot[x]] += 1
        if slot[y] >= 0 and strong[kind[x]]:
            others[cursors[slot[y]]] = x
            cursors[slot[y]] += 1
    for i in range(found):
        if is_crowd(others[starts[i] : starts[i + 1]], kind, shared[kind[whose[i]]]):
            shut[whose[i]] = mark


@njit(types.void(_PLACES_READ, _BYTES_READ, _PLACES_READ, _COUNTS), cache=True, nogil=True)
def tally(
    roots: NDArray[np.int32], kind: NDArray[np.uint8], column: NDArray[np.int32], counts: NDArray[np.uint16]
) -> None:
    """Counts by root its identifiers of each kind that is limited; column: that of a kind in `counts`, or -1."""
    for x in range(roots.size):
        at = column[kind[x]]
        if at >= 0 and counts[roots[x], at] < FULL:
            counts[roots[x], at] += 1


@njit(types.void(_INTS_READ, _INTS_READ, _BYTES_READ, _PLACES_READ, _BYTES_READ, _BYTES), cache=True, nogil=True)
def select(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    shut: NDArray[np.uint8],
    roots: NDArray[np.int32],
    strained: NDArray[np.uint8],
    chosen: NDArray[np.uint8],
) -> None:
    """Marks the links that compete: those of strained components, with no end that is shut."""
    for i in range(a.size):
        chosen[i] = strained[roots[a[i]]] and not (shut[a[i]] or shut[b[i]])


@njit(
    types.void(
        _INTS_READ, _PLACES_READ, _PLACES_READ, _BYTES_READ, _BYTES_READ, _BYTES_READ, _PLACES_READ, _INTS_READ,
        _PLACES_READ, _PLACES_READ, _PLACES, _BYTES,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def choose(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 -- one pass over links; parted, each part would need all of this
    order: NDArray[np.int64],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    says: NDArray[np.uint8],
    kind: NDArray[np.uint8],
    strong: NDArray[np.uint8],
    column: NDArray[np.int32],
    most: NDArray[np.int64],
    apart_a: NDArray[np.int32],
    apart_b: NDArray[np.int32],
    parent: NDArray[np.int32],
    reasons: NDArray[np.uint8],
) -> None:
    """Takes links in order and joins their ends where that breaks no limit and puts no pair together that is apart.

    order:   places of links, those that say SAME before all others
    says:    by link, SAME: bound by no limit, and what is joined so counts once for each kind; JUDGED: bound by limits;
             EVIDENCE: and where one end is of a kind that is not strong, not both persons may have a strong kind
    most:    by kind; 0 without a limit
    parent:  a tree for each on entry; the persons on return
    reasons: by link, on return
    """
    width = 1
    for k in range(column.size):
        width = max(width, column[k] + 1)
    limits, code, certain = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.bool_)
    for k in range(column.size):
        if column[k] >= 0:
            limits[column[k]] = most[k]
            code[column[k]] = k
            certain[column[k]] = strong[k] > 0
    counts = np.zeros((parent.size, width), np.int32)
    for x in range(parent.size):
        if column[kind[x]] >= 0:
            counts[x, column[kind[x]]] = 1
    # Every apart pair is in the lists of both its ends; lists are put together with their trees.
    first = np.full(parent.size, -1, np.int32)
    last = np.full(parent.size, -1, np.int32)
    length = np.zeros(parent.size, np.int32)
    after = np.full(2 * apart_a.size, -1, np.int32)
    for i in range(apart_a.size):
        for side in range(2):
            x, entry = (apart_a[i], 2 * i) if side == 0 else (apart_b[i], 2 * i + 1)
            if first[x] < 0:
                first[x] = entry
            else:
                after[last[x]] = entry
            last[x] = entry
            length[x] += 1
    for at in range(order.size):
        i = order[at]
        x, y = find(parent, a[i]), find(parent, b[i])
        if x == y:
            continue
        if y < x:
            x, y = y, x
        if length[x] > 0 and length[y] > 0:
            short, other = (x, y) if length[x] <= length[y] else (y, x)
            entry = first[short]
            while entry >= 0:
                partner = apart_b[entry // 2] if entry % 2 == 0 else apart_a[entry // 2]
                if find(parent, partner) == other:
                    reasons[i] = APART
                    break
                entry = after[entry]
            if reasons[i] == APART:
                continue
        if says[i] == SAME:
            for k in range(width):
                counts[x, k] = max(counts[x, k], counts[y, k])
        else:
            weak = says[i] == EVIDENCE and (strong[kind[a[i]]] == 0 or strong[kind[b[i]]] == 0)
            for k in range(width):
                over = limits[k] > 0 and counts[x, k] + counts[y, k] > limits[k]
                if over or (weak and certain[k] and counts[x, k] > 0 and counts[y, k] > 0):
                    reasons[i] = LIMIT + code[k]
                    break
            if reasons[i] != HELD:
                continue
            for k in range(width):
                counts[x, k] += counts[y, k]
        parent[y] = x
        if first[x] < 0:
            first[x], last[x] = first[y], last[y]
        elif first[y] >= 0:
            after[last[x]] = first[y]
            last[x] = last[y]
        length[x] += length[y]
    flatten(parent)
