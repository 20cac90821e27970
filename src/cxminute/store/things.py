"""Which things (orders, tickets, parcels) are of people who are left out: what events tell that name both.

Of each segment the distinct pairs (thing, profile) are read once, and of events of nobody the pairs (thing, thing),
each with the moment of its first event. They lie packed in a folder and can be deleted: they are made again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq  # noqa: TID251 -- columns of our own segments
from numpy.typing import NDArray

from cxminute.model.errors import BrokenStore
from cxminute.store.arrays import moments, numbers_of, open_batch, write_batch
from cxminute.store.footers import foot
from cxminute.store.memberships import GROUP
from cxminute.store.people import People
from cxminute.store.pieces import Piece, ahead, dropped_in, filled, numbers_in

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

PROFILE: Final = "profile"
_NONE: Final = np.zeros(0, np.bool_)
_PAIRS: Final = ("thing", "beside", "at")


class Things:
    """Things of people who are left out, by kind; what is asked is asked of the segments once.

    folder: where pairs are kept; where it is not there, none are
    pieces: the log, of all sources: whose a thing is, is known whoever told it
    people: who is who; -1 for whoever is left out
    as_of:  what happened after it tells nothing, UTC ms; None for no bound

    A group is no such thing: it is of many, and stays; see `store.index`.
    """

    def __init__(self, folder: Path, pieces: Sequence[Piece], people: People, as_of: int | None = None) -> None:
        self._folder, self._people, self._as_of = folder, people, as_of
        self._pieces = pieces
        self._columns: dict[Path, frozenset[str]] = {}
        self._found: dict[tuple[str, str], Flags] = {}

    def left_out(self, kind: str) -> Ints:
        """Things that an event of theirs names, and things of nobody that belong to what is theirs alone."""
        return np.flatnonzero(self._out(kind))

    def theirs(self, kind: str) -> Flags:
        """By number, things that no event of anybody else names: an event of nobody that names one is theirs."""
        return _either(self._alone(kind), self._beside(kind))

    def rows(self, piece: Piece, per: str = "") -> Ints:
        """The rows of a segment that are theirs, ascending: of their profiles, or of nobody about things of theirs.

        per: a kind of thing: rows that name one that is left out count too, whosever they are
        """
        known = self._names(piece)
        marks = {kind: some for kind in sorted(known - {PROFILE}) if (some := self.theirs(kind)).any()}
        whole = self._out(per) if per in known - {PROFILE} else _NONE
        held = known & {PROFILE, *marks, *([per] if whole.any() else [])}
        if not held:
            return np.empty(0, np.int64)
        read = pq.read_table(piece.path, columns=sorted(held))
        columns = {name: numbers_of(read[name].cast(pa.int64()).fill_null(-1).combine_chunks()) for name in held}
        profiles = columns.get(PROFILE, np.full(piece.rows, -1, np.int64))
        out = self._people.left_out(profiles)
        for kind, some in marks.items():
            out |= (profiles < 0) & _of(some, columns[kind])
        if per in columns:
            out |= _of(whole, columns[per])
        return np.flatnonzero(out)

    def _names(self, piece: Piece) -> frozenset[str]:
        """The kinds of thing that events of a segment name, and 'profile' where they name somebody."""
        if piece.path not in self._columns:
            self._columns[piece.path] = foot(piece.path).kinds & filled(piece.path) - {GROUP}
        return self._columns[piece.path]

    def _out(self, kind: str) -> Flags:
        """By number, the things that are left out."""
        return _either(self._named(kind), self._beside(kind))

    def _named(self, kind: str) -> Flags:
        """Things that some event of theirs names."""
        return self._once("named", kind, lambda: self._with(kind, PROFILE, self._people.left_out))

    def _alone(self, kind: str) -> Flags:
        """Of these, those that no event of anybody else names."""

        def found() -> Flags:
            named = self._named(kind)
            return _but(named, self._with(kind, PROFILE, lambda profiles: ~self._people.left_out(profiles), named))

        return self._once("alone", kind, found)

    def _beside(self, kind: str) -> Flags:
        """Things of nobody that stand, in all events that name another thing of some kind, beside one of theirs alone.

        A parcel is its order's; a carrier is of many orders, and stays.
        """

        def found() -> Flags:
            whole = _NONE
            for other in sorted(frozenset().union(*map(self._names, self._pieces)) - {kind, PROFILE}):
                alone = self._alone(other)
                near = self._with(kind, other, partial(_of, alone)) if alone.any() else _NONE
                whole = _either(whole, _but(near, self._with(kind, other, partial(_not_of, alone), near)))
            return _but(whole, self._with(kind, PROFILE, lambda profiles: profiles >= 0, whole))

        return self._once("beside", kind, found)

    def _once(self, what: str, kind: str, find: Callable[[], Flags]) -> Flags:
        if (what, kind) not in self._found:
            self._found[what, kind] = find()
        return self._found[what, kind]

    def _with(self, kind: str, beside: str, wanted: Callable[[Ints], Flags], among: Flags | None = None) -> Flags:
        """Things of a kind, by number, that some event names beside something wanted.

        among: only these are looked at; all without it
        """
        if among is not None and not among.any():
            return among
        both = [piece for piece in self._pieces if {kind, beside} <= self._names(piece)]
        marks = _NONE
        for things, others, at in ahead(lambda piece: pairs(self._folder, piece, kind, beside), both, 2):
            chosen = wanted(others)
            if self._as_of is not None:
                chosen &= at <= self._as_of
            if among is not None:
                chosen &= _of(among, things)
            found = np.zeros(int(things.max(initial=-1)) + 1, np.bool_)
            found[things[chosen]] = True
            marks = _either(marks, found)
        return marks


def _of(marks: Flags, numbers: Ints) -> Flags:
    """Which numbers are marked; nobody's, -1, is not."""
    inside = (numbers >= 0) & (numbers < marks.size)
    found: Flags = np.append(marks, False)[np.where(inside, numbers, marks.size)]
    return found


def _not_of(marks: Flags, numbers: Ints) -> Flags:
    """Which numbers are not."""
    return ~_of(marks, numbers)


def _either(one: Flags, other: Flags) -> Flags:
    """What is marked in one or the other."""
    large, small = (one, other) if one.size >= other.size else (other, one)
    found = large.copy()
    found[: small.size] |= small
    return found


def _but(one: Flags, other: Flags) -> Flags:
    """What is marked in one and not in the other."""
    found = one.copy()
    both = min(one.size, other.size)
    found[:both] &= ~other[:both]
    return found


def pairs(folder: Path, piece: Piece, kind: str, beside: str) -> tuple[Ints, Ints, Ints]:
    """Things of a kind with what events of a segment name beside them, and when the first of these happened, UTC ms.

    beside: 'profile', or another kind of thing: then of events of nobody alone
    """
    file = folder / kind / beside / f"{piece.key}.arrow"
    if file.exists():
        with suppress(BrokenStore):  # swept away just now: it is read again
            return _columns(open_batch(file))
    found = read_pairs(piece, kind, beside)
    with suppress(FileNotFoundError):  # the folder was: somebody is being forgotten; or somebody else swept
        for part in (file.parent.parent, file.parent):
            part.mkdir(exist_ok=True)
        write_batch(file, found, packed=True)
    return _columns(found)


def read_pairs(piece: Piece, kind: str, beside: str) -> pa.RecordBatch:
    """The same, from the segment itself."""
    file = pq.ParquetFile(piece.path)
    names = [name for name in dict.fromkeys((kind, beside, PROFILE, "at")) if name in file.schema_arrow.names]
    none = np.empty(0, np.int64)
    parts = [(none, none, none)]
    begins = 0
    for group in range(file.metadata.num_row_groups):
        for batch in file.read_row_group(group, columns=names, use_threads=False).to_batches():
            things, others, profiles = (numbers_in(batch, name) for name in (kind, beside, PROFILE))
            chosen = (things >= 0) & (others >= 0)
            if beside != PROFILE:
                chosen &= profiles < 0
            chosen[dropped_in(piece, begins, batch.num_rows)] = False
            times = numbers_of(moments(batch.column("at")))
            parts.append(_distinct(things[chosen], others[chosen], times[chosen]))
            begins += batch.num_rows
    whole = _distinct(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return pa.record_batch([pa.array(column) for column in whole], names=list(_PAIRS))


def sweep(folder: Path, keys: Collection[str]) -> None:
    """Removes pairs of segments that are none of these, and what writers left that were killed."""
    for file in folder.glob("*/*/*"):
        if file.suffix != ".arrow" or file.stem not in keys:
            file.unlink(missing_ok=True)


def _distinct(things: Ints, others: Ints, at: Ints) -> tuple[Ints, Ints, Ints]:
    """Each pair once, in order, with its first moment."""
    order = np.lexsort((at, others, things))
    things, others, at = things[order], others[order], at[order]
    fresh = np.ones(things.size, np.bool_)
    fresh[1:] = (things[1:] != things[:-1]) | (others[1:] != others[:-1])
    return things[fresh], others[fresh], at[fresh]


def _columns(batch: pa.RecordBatch) -> tuple[Ints, Ints, Ints]:
    things, others, at = (numbers_of(batch.column(name)) for name in _PAIRS)
    return things, others, at
