"""Whom a source knows: the profiles that its segments tell of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq  # noqa: TID251 -- one column of our own segments
from numpy.typing import NDArray

from cxminute.store.pieces import Piece


def profiles_of(pieces: Iterable[Piece], source: str) -> NDArray[np.int64]:
    """The numbers of all profiles that a source tells of, ascending, each once.

    pieces: of the log, of any source; rows that were replaced since count too, as who was told of is known
    """
    found = [np.empty(0, np.int64)]
    for piece in pieces:
        if piece.source == source:
            column = pq.read_table(piece.path, columns=["profile"])["profile"]
            found.append(pc.unique(column.drop_null()).to_numpy())
    return np.unique(np.concatenate(found))
