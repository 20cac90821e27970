"""What people, and linkage that they accepted, say of two identifiers: that they are one person's, or are not.

A bond is said of a pair of numbers of the space 'person', and stands until something else is said of the pair. Nothing
is ever overwritten: what stood at a moment can be read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select

from cxminute.model.errors import WrongUse
from cxminute.store.keyring import DESTROYED, SIZE, Keyring
from cxminute.store.schema import BONDS
from cxminute.store.sealing import seal, unseal
from cxminute.store.state import batches, insert_rows, writing

LINKED: Final = "linked"
APART: Final = "apart"
NOTHING: Final = "nothing"
SAID: Final = (LINKED, APART, NOTHING)
"""linked: one person's; apart: not one person's, whatever events say; nothing: takes back what was said before."""
HOWS: Final = ("hand", "linkage")
"""hand: somebody said so; linkage: a proposal of a linkage model that was accepted."""

_COLUMNS: Final = ("a", "b", "said", "how", "why", "known_at")
_BATCH: Final = 5_000  # numbers of one IN list, which stands twice in a query: SQLite allows 32,766 parameters


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said of a pair.

    a, b:     numbers of the space 'person', a < b
    said:     one of SAID
    how:      one of HOWS
    why:      in the words of whoever said it; of linkage, its model and weight. Read with `history` alone, '' elsewhere
              and where the key of either identifier is gone
    known_at: when it was said, UTC ms
    """

    a: int
    b: int
    said: str
    how: str
    why: str
    known_at: int

    @property
    def pair(self) -> tuple[int, int]:
        """Both numbers, the smaller first."""
        return self.a, self.b


def pair_of(one: int, other: int) -> tuple[int, int]:
    """Two numbers as a bond has them, the smaller first; WrongUse where they are one and the same."""
    if one == other:
        raise WrongUse("Both are one and the same identifier.", allowed="two identifiers", then="Nothing was changed.")
    return min(one, other), max(one, other)


def linking(standing: str) -> tuple[str, ...]:
    """What `link` says of a pair, one after the other, given what stands: each only while the two are not one person.

    An `apart` is taken back first: where that is enough, nothing more is said, and to unlink them says it again.
    """
    return {LINKED: (), APART: (NOTHING, LINKED)}.get(standing, (LINKED,))


def unlinking(standing: str) -> str | None:
    """What `unlink` says of a pair, given what stands; None where it is said already.

    A `linked` is taken back, so that all is as it was before; where there is none, they are held apart.
    """
    return {LINKED: NOTHING, APART: None}.get(standing, APART)


def keys_of_both(keyring: Keyring, pairs: Sequence[tuple[int, int]], *, make: bool = False) -> list[bytes]:
    """A key made of those of both identifiers of each pair; DESTROYED where either is gone.

    make: keys of identifiers that had none yet
    """
    asked = [number for pair in pairs for number in pair]
    keys = (keyring.keys if make else keyring.held)("person", asked)
    return [
        DESTROYED if DESTROYED in (a, b) else blake2b(a, key=b, digest_size=SIZE, person=b"bond").digest()
        for a, b in zip(keys[::2], keys[1::2], strict=True)
    ]


class Bonds:
    """What is said of pairs of identifiers, in the state.

    What somebody gave as a reason lies sealed under the keys of both identifiers, so that it goes with either. Linkage
    names a model and a weight, and nobody: its reasons lie open, and there may be a great many.
    """

    def __init__(self, state: Engine, keyring: Keyring) -> None:
        self._state, self._keyring = state, keyring

    def say(self, pairs: Iterable[tuple[int, int]], said: str, *, how: str, why: str, known_at: int) -> list[Said]:
        """Says the same of each pair, from `known_at` (UTC ms) on; returns what was written, in the order given.

        raises: WrongUse for a word that is none of SAID or HOWS, or a pair of one and the same
        """
        if said not in SAID or how not in HOWS:
            raise WrongUse(f"'{said}' by '{how}' cannot be said of a pair.", allowed=", ".join((*SAID, *HOWS)))
        found = [Said(*pair_of(*pair), said, how, why, known_at) for pair in pairs]
        with writing(self._state).begin() as connection:
            insert_rows(connection, BONDS, (*_COLUMNS, "sealed"), self._sealed(found, how, why))
        return found

    def standing(self, known_at: int | None = None) -> list[Said]:
        """The newest that is said of each pair, as known at a moment (now: None), by pair; `nothing` is left out."""
        newest: dict[tuple[int, int], Said] = {}
        for one in self._read() if known_at is None else self._read(BONDS.c.known_at <= known_at):
            newest[one.pair] = one
        return [one for _, one in sorted(newest.items()) if one.said != NOTHING]

    def of(self, pair: tuple[int, int], known_at: int | None = None) -> str:
        """What stands of one pair, in either order, as known at a moment; `nothing` where nothing was ever said."""
        a, b = pair_of(*pair)
        bounds = (BONDS.c.a == a, BONDS.c.b == b, *(() if known_at is None else (BONDS.c.known_at <= known_at,)))
        said = self._read(*bounds)
        return said[-1].said if said else NOTHING

    def history(self, numbers: Collection[int], known_at: int | None = None) -> list[Said]:
        """Everything that was ever said of pairs in which one of the numbers is, oldest first."""
        wanted = sorted({int(number) for number in numbers})
        then = () if known_at is None else (BONDS.c.known_at <= known_at,)
        if len(wanted) > _BATCH:  # as many as that are nearly all: one pass over a table that people wrote
            among = frozenset(wanted)
            return [one for one in self._read(*then, words=True) if one.a in among or one.b in among]
        if not wanted:
            return []
        return self._read(or_(BONDS.c.a.in_(wanted), BONDS.c.b.in_(wanted)), *then, words=True)

    def taken_back(self, after: int) -> list[Said]:
        """What was said of pairs since `version` said so, and says `nothing` now; the newest of each pair, by pair."""
        newest = {one.pair: one for one in self._read(BONDS.c.id > after)}
        return [one for _, one in sorted(newest.items()) if one.said == NOTHING]

    def version(self) -> int:
        """Grows with everything that is said; 0 before."""
        with self._state.connect() as connection:
            return connection.execute(select(func.max(BONDS.c.id))).scalar() or 0

    def drop(self, numbers: Collection[int]) -> int:
        """Removes everything that was said of these numbers, for whoever forgets them; returns how many rows."""
        wanted, gone = sorted({int(number) for number in numbers}), 0
        with writing(self._state).begin() as connection:
            for some in batches(wanted, _BATCH):
                query = delete(BONDS).where(or_(BONDS.c.a.in_(some), BONDS.c.b.in_(some)))
                gone += connection.execute(query).rowcount
        return gone

    def _sealed(self, found: Sequence[Said], how: str, why: str) -> list[tuple[Any, ...]]:
        """Rows as the table has them."""
        if how == "linkage" or not why:
            return [(*(getattr(one, column) for column in _COLUMNS), None) for one in found]
        keys = keys_of_both(self._keyring, [one.pair for one in found], make=True)
        sealed = seal(keys, [why] * len(found))
        rows = [replace(one, why="") for one in found]
        return [(*(getattr(one, column) for column in _COLUMNS), body) for one, body in zip(rows, sealed, strict=True)]

    def _read(self, *where: ColumnElement[bool], words: bool = False) -> list[Said]:
        """words: also why somebody said so."""
        c = BONDS.c
        query = select(*(c[column] for column in _COLUMNS), c.sealed).where(*where).order_by(c.id)
        with self._state.connect() as connection:
            rows = connection.execute(query).all()
        found = [Said(*row[:-1]) for row in rows]
        closed = [place for place, row in enumerate(rows) if row.sealed is not None] if words else []
        keys = keys_of_both(self._keyring, [found[place].pair for place in closed])
        for place, why in zip(closed, unseal(keys, [rows[place].sealed for place in closed]), strict=True):
            found[place] = replace(found[place], why=why or "")
        return found
