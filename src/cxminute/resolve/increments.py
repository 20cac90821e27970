"""Loops of growing, compiled: links are entered, components joined, or taken apart. All release the GIL.

Every link i is in the lists of both its ends: `after[2 * i]` is the next in that of its smaller end, `after[2 * i + 1]`
of its larger; an entry e is therefore of link e // 2. `ring` runs through the members of each component. `parent`,
`shut` and codes are those of `kernels`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from cxminute.resolve.kernels import FULL, find, is_crowd, meet

LOOKED = 64
"""Entries looked through for a link that is there already; among more it is entered again, which changes nothing."""

_INTS = types.Array(types.int64, 1, "C")
_INTS_READ = types.Array(types.int64, 1, "C", readonly=True)
_PLACES = types.Array(types.int32, 1, "C")
_PLACES_READ = types.Array(types.int32, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C")
_BYTES_READ = types.Array(types.uint8, 1, "C", readonly=True)
_COUNTS = types.Array(types.uint16, 2, "C")


@njit(types.void(_PLACES_READ, _PLACES), cache=True, nogil=True)
def close_rings(roots: NDArray[np.int32], ring: NDArray[np.int32]) -> None:
    """Puts every identifier into the ring of its component."""
    for x in range(roots.size):
        ring[x] = x
    for x in range(roots.size):
        if roots[x] != x:
            ring[x] = ring[roots[x]]
            ring[roots[x]] = x


@njit(types.void(types.int64, types.int64, types.int64, _PLACES, _PLACES, _PLACES), cache=True, nogil=True)
def put(
    link: int, x: int, y: int, head: NDArray[np.int32], after: NDArray[np.int32], degree: NDArray[np.int32]
) -> None:
    """Puts a link into the lists of both its ends, x < y."""
    after[2 * link] = head[x]
    head[x] = 2 * link
    after[2 * link + 1] = head[y]
    head[y] = 2 * link + 1
    degree[x] += 1
    degree[y] += 1


@njit(types.void(_PLACES_READ, _PLACES_READ, types.int64, _PLACES, _PLACES, _PLACES), cache=True, nogil=True)
def file(
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    size: int,
    head: NDArray[np.int32],
    after: NDArray[np.int32],
    degree: NDArray[np.int32],
) -> None:
    """Puts the first `size` links into the lists of their ends."""
    for i in range(size):
        put(i, a[i], b[i], head, after, degree)


@njit(
    types.int64(
        _INTS_READ, _INTS_READ, _BYTES_READ, _INTS_READ, types.int64, _PLACES, _PLACES, _BYTES, _INTS,
        _PLACES, _PLACES, _PLACES, _BYTES_READ, _BYTES_READ, _PLACES, _INTS,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def enter(  # noqa: PLR0913, PLR0917 -- what is there, and where it is held
    new_a: NDArray[np.int64],
    new_b: NDArray[np.int64],
    new_how: NDArray[np.uint8],
    new_at: NDArray[np.int64],
    size: int,
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    how: NDArray[np.uint8],
    at: NDArray[np.int64],
    head: NDArray[np.int32],
    after: NDArray[np.int32],
    degree: NDArray[np.int32],
    kind: NDArray[np.uint8],
    strong: NDArray[np.uint8],
    known: NDArray[np.int32],
    places: NDArray[np.int64],
) -> int:
    """Enters links after the first `size`; returns how many there are then.

    places: by new link, the place where it now is, or -1 where it was there as early as this
    """
    for i in range(new_a.size):
        x, y = new_a[i], new_b[i]
        short, other = (x, y) if degree[x] <= degree[y] else (y, x)
        entry, looked, told, met = head[short], 0, -1, False
        while entry >= 0 and looked < LOOKED:
            link = entry // 2
            end = b[link] if entry % 2 == 0 else a[link]
            if end == other:
                met = True
                if how[link] == new_how[i]:
                    told = link
                    break
            entry = after[entry]
            looked += 1
        if told >= 0:
            places[i] = -1
            if new_at[i] < at[told]:
                at[told] = new_at[i]
                places[i] = told
            continue
        a[size], b[size], how[size], at[size] = x, y, new_how[i], new_at[i]
        put(size, x, y, head, after, degree)
        if not met:
            meet(x, y, kind, strong, known)
        places[i] = size
        size += 1
    return size


@njit(
    types.int64(
        _INTS_READ, _PLACES_READ, _PLACES_READ, _PLACES_READ, _PLACES_READ, _PLACES_READ, _BYTES_READ, _BYTES_READ,
        _INTS_READ, _PLACES_READ, _BYTES, types.uint8, _PLACES,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def newly_crowded(  # noqa: PLR0913, PLR0917 -- what is there, and where it is held
    places: NDArray[np.int64],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    head: NDArray[np.int32],
    after: NDArray[np.int32],
    degree: NDArray[np.int32],
    kind: NDArray[np.uint8],
    strong: NDArray[np.uint8],
    shared: NDArray[np.int64],
    known: NDArray[np.int32],
    shut: NDArray[np.uint8],
    mark: int,
    found: NDArray[np.int32],
) -> int:
    """Marks those ends of links that are now known with too many of a kind; returns how many, the first of `found`."""
    many = 0
    for i in range(places.size):
        link = places[i]
        for side in range(2):
            x = a[link] if side == 0 else b[link]
            y = b[link] if side == 0 else a[link]
            limit = shared[kind[x]]
            if shut[x] or limit <= 0 or known[x] <= limit or kind[x] == kind[y] or not strong[kind[y]]:
                continue
            others = np.empty(degree[x], np.int32)
            met = 0
            entry = head[x]
            while entry >= 0:
                end = b[entry // 2] if entry % 2 == 0 else a[entry // 2]
                if kind[end] != kind[x] and strong[kind[end]]:
                    others[met] = end
                    met += 1
                entry = after[entry]
            if is_crowd(others[:met], kind, limit):
                shut[x] = mark
                found[many] = x
                many += 1
    return many


@njit(_PLACES(_PLACES_READ, _PLACES_READ), cache=True, nogil=True)
def members_of(roots: NDArray[np.int32], ring: NDArray[np.int32]) -> NDArray[np.int32]:
    """All identifiers of different components, each named by one of its own."""
    members = np.empty(4 * roots.size + 16, np.int32)
    many = 0
    for i in range(roots.size):
        at = roots[i]
        while True:
            if many == members.size:
                wider = np.empty(2 * many, np.int32)
                wider[:many] = members
                members = wider
            members[many] = at
            many += 1
            at = ring[at]
            if at == roots[i]:
                break
    return members[:many].copy()


@njit(
    types.void(_INTS_READ, _BYTES_READ, _PLACES_READ, _PLACES, _PLACES, _COUNTS, _BYTES),
    cache=True,
    nogil=True,
)
def loosen(
    members: NDArray[np.int64],
    kind: NDArray[np.uint8],
    column: NDArray[np.int32],
    parent: NDArray[np.int32],
    ring: NDArray[np.int32],
    counts: NDArray[np.uint16],
    strained: NDArray[np.uint8],
) -> None:
    """Makes each of the members a component of its own."""
    for i in range(members.size):
        x = members[i]
        parent[x] = x
        ring[x] = x
        strained[x] = 0
        for k in range(counts.shape[1]):
            counts[x, k] = 0
        if column[kind[x]] >= 0:
            counts[x, column[kind[x]]] = 1


@njit(
    types.int64(_INTS_READ, _PLACES_READ, _PLACES_READ, _PLACES_READ, _BYTES_READ, _INTS),
    cache=True,
    nogil=True,
)
def links_of(
    members: NDArray[np.int64],
    b: NDArray[np.int32],
    head: NDArray[np.int32],
    after: NDArray[np.int32],
    shut: NDArray[np.uint8],
    places: NDArray[np.int64],
) -> int:
    """Lists the links of members of whole components, each once; returns how many have no end that is shut.

    places: takes those from its beginning on, and those with an end that is shut from its end backwards
    """
    many, last = 0, places.size
    for i in range(members.size):
        entry = head[members[i]]
        while entry >= 0:
            link = entry // 2
            if entry % 2 == 0:
                if shut[members[i]] or shut[b[link]]:
                    last -= 1
                    places[last] = link
                else:
                    places[many] = link
                    many += 1
            entry = after[entry]
    return many


@njit(
    types.int64(
        _INTS_READ, _INTS_READ, _BYTES_READ, _INTS_READ, _PLACES, _PLACES, _COUNTS, _BYTES, _PLACES,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def connect(  # noqa: PLR0913, PLR0917 -- what is there, and where it is held
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    shut: NDArray[np.uint8],
    most: NDArray[np.int64],
    parent: NDArray[np.int32],
    ring: NDArray[np.int32],
    counts: NDArray[np.uint16],
    strained: NDArray[np.uint8],
    touched: NDArray[np.int32],
) -> int:
    """Joins the components of the ends of links; returns how many entries of `touched` now name concerned components.

    most: limits by column of `counts`
    """
    many = 0
    for i in range(a.size):
        if shut[a[i]] or shut[b[i]]:
            continue
        x, y = find(parent, a[i]), find(parent, b[i])
        if x == y:
            if strained[x]:
                touched[many] = x
                many += 1
            continue
        if y < x:
            x, y = y, x
        parent[y] = x
        ring[x], ring[y] = ring[y], ring[x]
        strained[x] |= strained[y]
        for k in range(most.size):
            counts[x, k] = min(FULL, counts[x, k] + counts[y, k])
            if counts[x, k] > most[k]:
                strained[x] = 1
        touched[many] = x
        many += 1
    return many


@njit(_PLACES(_INTS_READ, _PLACES), cache=True, nogil=True)
def roots_of(numbers: NDArray[np.int64], parent: NDArray[np.int32]) -> NDArray[np.int32]:
    """The root of each number."""
    found = np.empty(numbers.size, np.int32)
    for i in range(numbers.size):
        found[i] = find(parent, numbers[i])
    return found
