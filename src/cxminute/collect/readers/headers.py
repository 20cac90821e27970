"""Columns under one spelling: 'Created at', 'created_at' and 'CREATED-AT' are one; what else a row has goes along."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from cxminute.collect.readers.facts import Piece, Unfit

_BETWEEN: Final = re.compile(r"[\W_]+")


def spelt(name: str) -> str:
    """A column's name in small letters, with underscores between its words."""
    return _BETWEEN.sub("_", name.casefold()).strip("_")


def row_of(piece: Piece) -> Piece:
    """The one row of a piece of a report without a key."""
    rows = piece.get("rows")
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], Mapping):
        raise Unfit("bad_shape", "The piece is not one row of a report.")
    return rows[0]


def cells(row: Piece, *, empty: Collection[str] = ()) -> dict[str, object]:
    """A row's cells by the spelling of their columns; of two columns that are spelt alike, the first that is filled.

    empty: what stands in a cell that holds nothing, such as '-'
    """
    found: dict[str, object] = {}
    for name, value in row.items():
        said = None if isinstance(value, str) and value.strip() in empty else value
        if found.get(spelt(name)) in (None, ""):
            found[spelt(name)] = said
    return found


def over(row: Piece, *known: str, empty: Collection[str] = ()) -> dict[str, object]:
    """The filled cells of the columns that are not known, under the names that they have."""
    taken = frozenset(known)
    return {
        name: value
        for name, value in row.items()
        if spelt(name) not in taken and value not in (None, "") and str(value).strip() not in empty
    }
