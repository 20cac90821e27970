"""What a file said before is remembered exactly, over any number of chunks."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect.seen import Counts, Latest

CHUNKS = st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=12), max_size=12)


@given(CHUNKS)
def test_ordinals_count_as_a_plain_counter_does(chunks: list[list[tuple[int, int]]]) -> None:
    """Among identical rows each has its number, wherever the chunks are cut."""
    seen, plain = Counts(), Counter[int]()
    for chunk in chunks:
        expected = []
        for key, _ in chunk:
            expected.append(plain[key])
            plain[key] += 1
        assert seen.ordinals(np.array([key for key, _ in chunk], dtype=np.uint64)).tolist() == expected


@given(CHUNKS)
def test_repeats_are_told_from_corrections_as_a_plain_dictionary_does(chunks: list[list[tuple[int, int]]]) -> None:
    """An id that says again what it said last is repeated; one that says something else is not, even if said before."""
    seen, plain = Latest(), dict[int, int]()
    for chunk in chunks:
        expected = []
        for key, said in chunk:
            expected.append(plain.get(key) == said)
            plain[key] = said
        keys, said_now = np.array(chunk, dtype=np.uint64).reshape(-1, 2).T
        assert seen.repeats(keys.copy(), said_now.copy()).tolist() == expected
