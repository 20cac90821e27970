"""Passages by the value of a dimension, largest group first: how every table with `by` is split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from cxminute.model.errors import UnknownName
from cxminute.model.tables import PASSAGE


def groups(passages: pa.Table, by: str | None) -> Iterator[tuple[str | None, pa.Table]]:
    """Each value (null: the opening event has none) and its passages; all as one group without `by`.

    raises: UnknownName where the passages have no such dimension
    """
    if by is None:
        yield None, passages
        return
    if by not in passages.column_names:
        known = [name for name in passages.column_names if name not in PASSAGE.names]
        raise UnknownName("dimension of these passages", by, known)
    values = passages[by].cast(pa.string()).combine_chunks().dictionary_encode()
    words = [*values.dictionary.to_pylist(), None]
    codes = values.indices.fill_null(len(words) - 1).to_numpy()
    counts = np.bincount(codes, minlength=len(words))
    starts = np.cumsum(counts) - counts
    in_order = passages.unify_dictionaries().take(pa.array(np.argsort(codes, kind="stable")))
    occurring = [code for code in range(len(words)) if counts[code]]
    for code in sorted(occurring, key=lambda code: (-counts[code], words[code] is None, words[code] or "")):
        yield words[code], in_order.slice(int(starts[code]), int(counts[code]))
