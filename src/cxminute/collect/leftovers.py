"""The leftovers of planned events, JSON that no definition names: looked through property by property."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.collect.plan import Expected, Term, Value, outer_paths
from cxminute.collect.terms import (
    FILLED,
    HOLDING,
    SETTLED,
    WHOLE,
    Mask,
    Reading,
    at_once,
    faulty,
    is_there,
    misfit,
    missing,
    not_one_of,
    settled,
    unplanned,
)
from cxminute.collect.values import LARGEST, as_text

JUDGED: Final = ("properties.", "traits.")
"""Where an event's own properties lie; what lies in `context` comes from the sender's library."""

_ROOTS: Final = tuple(root[:-1] for root in JUDGED)
_DECODER: Final = msgspec.json.Decoder()
_encode: Final = msgspec.json.Encoder().encode
Object = dict[str, Any]
_NOWHERE: Final[Object] = {}  # where nothing is put back: a document that waits takes room


class Noting(Protocol):
    """Keeps the faults of rows."""

    def note(self, row: int, text: str, *, unknown: bool = False) -> None:
        """One fault of one row."""


@dataclass(frozen=True, slots=True)
class _Plain:
    """A property whose value is settled by its type alone, nearly: see `terms.at_once`."""

    path: str
    needed: bool
    fits: dict[type, int]
    one_of: frozenset[Value] | None


class Shape:
    """A planned event, arranged for looking through leftovers.

    terms:    by path; inner: what planned paths lie in, beside the roots
    required: each required path, with the columns in which it may lie instead
    roots:    which of JUDGED its terms lie in; others: terms that lie elsewhere
    outside:  whether any term may lie in the leftovers
    plain:    by root and key what most properties are, judged at first sight
    """

    def __init__(self, expected: Expected, columns: Collection[str]) -> None:
        self.expected = expected
        self.terms = expected.terms
        self.inner = {outer for path in expected.terms for outer in outer_paths(path)}
        self.required = tuple(
            (path, tuple(found for found in columns if found == path or found.startswith(f"{path}.")))
            for path in expected.required
        )
        self.roots = tuple(root[:-1] for root in JUDGED if any(path.startswith(root) for path in expected.terms))
        self.others = tuple(term for path, term in expected.terms.items() if not path.startswith(JUDGED))
        self.outside = any(path not in columns for path in expected.terms)
        self.plain: dict[str, dict[str, _Plain]] = {}
        for path, term in expected.terms.items():
            root, _, key = path.partition(".")
            if path not in self.inner:
                listed = frozenset(term.one_of) if term.one_of else None
                found = _Plain(path, path in expected.required, at_once(term.type), listed)
                self.plain.setdefault(root, {})[key] = found


@dataclass(slots=True)  # not frozen: making one would take three times as long, and each event may have some
class _Cell:
    """A value that must be read before it is judged; where it lies, if it is then to be replaced."""

    row: int
    term: Term
    text: str
    holder: Object
    key: str


def look_through(
    documents: list[str | None] | None,
    codes: NDArray[np.int64],
    shapes: Sequence[Shape],
    there: Mapping[str, Mask],
    faults: Noting,
    reading: Reading,
    *,
    unknown: bool,
) -> pa.Array | None:
    """Judges the leftovers of planned events; the leftovers with values as planned, None where none changed.

    codes:   per row the place of its shape, -1 for events that no plan names
    there:   by column, where it holds something
    unknown: whether properties that the plan does not name are faults
    """
    look = _Look(faults, reading, unknown=unknown)
    for row in np.flatnonzero(codes >= 0).tolist():
        shape = shapes[codes[row]]
        said = documents[row] if documents is not None and (unknown or shape.outside) else None
        found = look.event(row, _DECODER.decode(said), shape) if said is not None else ()
        for path, columns in shape.required:
            if path not in found and not (columns and any(there[column][row] for column in columns)):
                faults.note(row, missing(path))
    look.settle()
    if documents is None or not look.changed:
        return None
    for row, document in look.changed.items():
        documents[row] = _encode(document).decode()
    return pa.array(documents, pa.string())


class _Look:
    """One pass over leftovers: texts that are planned as something else wait until all of a type are read at once."""

    def __init__(self, faults: Noting, reading: Reading, *, unknown: bool) -> None:
        self.changed: dict[int, Object] = {}
        self._faults, self._reading, self._unknown = faults, reading, unknown
        self._waiting: dict[str, list[_Cell]] = {}
        self._documents: dict[int, Object] = {}

    def event(self, row: int, document: Object, shape: Shape) -> set[str]:
        """Judges one event's leftovers; the planned paths that it has."""
        there: set[str] = set()
        for root in _ROOTS if self._unknown else shape.roots:
            inner = document.get(root)
            if isinstance(inner, dict):
                self._within(row, document, inner, shape, root, there)
        for term in shape.others:
            self._elsewhere(row, document, term, there)
        return there

    def settle(self) -> None:
        """Reads what waited and puts it where it came from."""
        for kind, cells in self._waiting.items():
            column = pa.array([cell.text for cell in cells], pa.string())
            read = self._reading.column(column, kind)
            bad = faulty(read, np.ones(len(cells), dtype=np.bool_))
            for place in np.flatnonzero(bad).tolist():
                self._faults.note(cells[place].row, misfit(cells[place].term.path, kind))
            if kind == "time":  # JSON has no times: they stay as they are written
                continue
            for cell, wrong, value in zip(cells, bad.tolist(), read.values.to_pylist(), strict=True):
                if not wrong:
                    self._list(cell.row, value, cell.term)
                    cell.holder[cell.key] = value
                    self.changed[cell.row] = self._documents[cell.row]

    def _within(self, row: int, document: Object, inner: Object, shape: Shape, root: str, there: set[str]) -> None:
        """An object that holds properties, key by key; objects with planned paths inside go deeper."""
        plain = shape.plain.get(root, {})
        for key, value in inner.items():
            if value is None:
                continue
            if (known := plain.get(key)) is not None:  # in place and not in a function: this is most of the work
                fits = known.fits.get(type(value))
                if (
                    fits == SETTLED
                    or (fits == FILLED and value and not value.isspace())
                    or (fits == WHOLE and -LARGEST <= value <= LARGEST)
                    or (fits == HOLDING and is_there(value))
                ) and (known.one_of is None or value in known.one_of):
                    if known.needed:
                        there.add(known.path)
                    continue
            path = f"{root}.{key}"
            term = shape.terms.get(path)
            if not is_there(value):
                continue
            if term is not None:
                there.add(path)
                self._weigh(row, document, inner, key, term)
            if path in shape.inner and isinstance(value, dict):
                self._within(row, document, value, shape, path, there)
            elif term is None and self._unknown and not shape.expected.covers(path):
                self._faults.note(row, unplanned(path), unknown=True)

    def _elsewhere(self, row: int, document: Object, term: Term, there: set[str]) -> None:
        *outer, last = term.path.split(".")
        inner: Any = document
        for part in outer:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and is_there(inner.get(last)):
            there.add(term.path)
            self._weigh(row, document, inner, last, term)

    def _weigh(self, row: int, document: Object, holder: Object, key: str, term: Term) -> None:
        fits = settled(holder[key], term.type, self._reading)
        if fits is None:
            cell = _Cell(row, term, as_text(holder[key]), _NOWHERE if term.type == "time" else holder, key)
            self._waiting.setdefault(term.type, []).append(cell)
            if cell.holder is holder:
                self._documents[row] = document
        elif not fits:
            self._faults.note(row, misfit(term.path, term.type))
        else:
            self._list(row, holder[key], term)

    def _list(self, row: int, value: object, term: Term) -> None:
        if term.one_of and value not in term.one_of:
            self._faults.note(row, not_one_of(term.path))
