"""The log that figures are measured on is one log, however it came to be an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.log import CODES, arranged, segments
from cxminute.store.index import build, open_index


def test_the_quick_index_is_the_one_that_segments_make(tmp_path: Path) -> None:
    """Arrays put together at once are those of the index built from the log's segments, a property included."""
    (tmp_path / "log").mkdir()
    pieces = segments(tmp_path / "log", 30_000)
    build(pieces, "person", tmp_path / "index", CODES)
    slow, quick = open_index(tmp_path / "index", "person", pieces), arranged(tmp_path / "quick", 30_000)
    assert (slow.opens_at, slow.closes_at) == (quick.opens_at, quick.closes_at)
    one, other = (index.read(range(2**62)) for index in (slow, quick))
    for name in ("subjects", "offsets", "times", "codes"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.column("properties.p0").equals(other.column("properties.p0"))
    again = arranged(tmp_path / "quick", 30_000).read(range(2**62))
    assert np.array_equal(again.times, other.times)
