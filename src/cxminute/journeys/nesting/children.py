"""Child passages rolled up: which endings of other journeys a parent's passages had, how long they took, what came."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.model.tables import ENDINGS

CHILDREN: Final = pa.schema(
    [
        ("journey", pa.string()),
        ("ending", pa.string()),
        ("passages", pa.int64()),
        ("children", pa.int64()),
        ("median_ms", pa.float64()),
        ("p90_ms", pa.float64()),
        *((ending, pa.int64()) for ending in ENDINGS),
    ]
)
"""Which child journey and ending; how many passages of the parent it moved; how many child passages these were, and how
long they took, median and p90 of milliseconds; how those passages of the parent ended."""


def roll_up(passages: pa.Table) -> pa.Table:
    """One row a child journey and ending, by name and then as ENDINGS has them; last the passages without a child.

    passages: of the parent, PASSAGE
    returns:  CHILDREN; in the last row journey, ending and times are null, and children is 0
    """
    lists = passages["children"].combine_chunks()
    parents = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    told = lists.flatten()
    ended = pc.index_in(passages["ending"].cast(pa.string()), pa.array(ENDINGS)).to_numpy().astype(np.int64)
    names, endings = (told.field(name).to_numpy(zero_copy_only=False) for name in ("journey", "ending"))
    opened, closed = (told.field(name).cast(pa.int64()).to_numpy() for name in ("opened_at", "closed_at"))
    rows = []
    for name in sorted(set(names.tolist())):
        for ending in ENDINGS:
            chosen = (names == name) & (endings == ending)
            if chosen.any():
                took = np.quantile(closed[chosen] - opened[chosen], [0.5, 0.9])
                facts = {"journey": name, "ending": ending, "children": int(chosen.sum())}
                facts |= dict(zip(("median_ms", "p90_ms"), took.tolist(), strict=True))
                rows.append({**facts, **_parents(ended, np.unique(parents[chosen]))})
    childless = np.setdiff1d(np.arange(len(passages)), parents)
    rows.append({"children": 0, **_parents(ended, childless)})
    return pa.Table.from_pylist(rows, schema=CHILDREN)


def _parents(ended: NDArray[np.int64], chosen: NDArray[np.int64]) -> dict[str, int]:
    """How many of the parent's passages these are, and how they ended."""
    counts = np.bincount(ended[chosen], minlength=len(ENDINGS)).tolist()
    return {"passages": len(chosen), **dict(zip(ENDINGS, counts, strict=True))}
