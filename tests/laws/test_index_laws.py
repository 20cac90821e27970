"""Laws of the journey index: however the events came, the streams are those that plain sorting gives."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxminute.store import kernels
from cxminute.store.index import People, build, extend, in_memory, open_index
from tests.oracles.index_reference import CODES, Noted, expected, logs, segments, told

SPACES = ("person", "order_id")
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cut_logs(draw: st.DrawFn) -> tuple[list[Noted], list[int]]:
    """A log, and for each event the number of the collect that it came with."""
    events = draw(logs())
    return events, draw(st.lists(st.integers(0, 3), min_size=len(events), max_size=len(events)))


@few
@given(cut_logs(), st.sampled_from(SPACES), st.integers(1, 20))
def test_streams_are_those_of_sorting(log: tuple[list[Noted], list[int]], space: str, bucket: int) -> None:
    """Each subject's events come in order of time, source, position and id, in however many segments they arrived."""
    events, cuts = log
    with tempfile.TemporaryDirectory() as folder:
        pieces = segments(Path(folder), events, cuts)
        build(pieces, space, Path(folder) / "index", CODES)
        index = open_index(Path(folder) / "index", space, pieces, bucket=bucket)
        assert told(index, known=events) == expected(events, space)
        kept = [e.at for e in events if not e.dropped]
        assert (index.opens_at, index.closes_at) == (min(kept, default=0), max(kept, default=0))


@few
@given(cut_logs(), st.sampled_from(SPACES), st.integers(1, 20), st.permutations(range(4)))
def test_base_and_deltas_are_one_index(
    log: tuple[list[Noted], list[int]], space: str, bucket: int, arrival: list[int]
) -> None:
    """A log that grew collect by collect has the streams of one that came at once, in whatever order it grew."""
    events, cuts = log
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "index"
        pieces = segments(Path(folder), events, cuts)
        came = [piece for cut in arrival for piece in pieces if piece.path.name.startswith(f"{cut}-")]
        for count in range(len(came) + 1):
            extend(came[:count], space, where, CODES)
        assert told(open_index(where, space, pieces, bucket=bucket), known=events) == expected(events, space)


@few
@given(cut_logs(), st.integers(1, 20), st.lists(st.integers(0, 5), max_size=5))
def test_profiles_of_one_person_are_one_stream(
    log: tuple[list[Noted], list[int]], bucket: int, persons: list[int]
) -> None:
    """Profiles that belong to one person read as one stream in order; a profile not mapped is its own person."""
    events, cuts = log
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "index"
        pieces = segments(Path(folder), events, cuts)
        build(pieces[:2], "person", where, CODES)
        extend(pieces, "person", where, CODES)
        people = People(np.array(persons, np.int64))
        index = open_index(where, "person", pieces, bucket=bucket, people=people)
        merged = [
            Noted(e.mark, e.source, e.position, e.name, e.at, _person(e.profile, persons), e.order, dropped=e.dropped)
            for e in events
        ]
        assert told(index, known=events) == expected(merged, "person")


def _person(profile: int | None, persons: list[int]) -> int | None:
    return profile if profile is None or profile >= len(persons) else persons[profile]


@few
@given(cut_logs(), st.sampled_from(SPACES), st.integers(-1, 5))
def test_nothing_is_seen_after_the_close(log: tuple[list[Noted], list[int]], space: str, closes_at: int) -> None:
    """A log closed at a moment shows what happened at that millisecond, and nothing after it."""
    events, cuts = log
    with tempfile.TemporaryDirectory() as folder:
        pieces = segments(Path(folder), events, cuts)
        for many in (1, len(pieces)):
            where = Path(folder) / f"index-{many}"
            build(pieces[:many], space, where, CODES)
            extend(pieces, space, where, CODES)
            index = open_index(where, space, pieces, closes_at=closes_at, bucket=5)
            assert index.closes_at == closes_at
            assert told(index, known=events) == expected(events, space, closes_at)


@few
@given(logs(), st.sampled_from(SPACES), st.none() | st.integers(-1, 5), st.integers(1, 20))
def test_a_table_in_memory_has_the_same_streams(
    events: list[Noted], space: str, closes_at: int | None, bucket: int
) -> None:
    """A table read in memory gives the streams that the same events give from the log."""
    kept = [e for e in events if not e.dropped]
    table = pa.table(
        {
            "subject": pa.array([e.subject(space) for e in kept], pa.int64()),
            "at": pa.array([e.at for e in kept], pa.int64()),
            "name": pa.array([e.name for e in kept], pa.string()),
            "source": pa.array([e.source for e in kept], pa.string()),
            "position": pa.array([e.position for e in kept], pa.int64()),
            "id": pa.array([e.id for e in kept], pa.string()),
            "properties.mark": pa.array([e.mark for e in kept], pa.int64()),
        }
    )
    assert told(in_memory(table, space, closes_at, bucket=bucket), known=events) == expected(events, space, closes_at)


@few
@given(st.lists(st.integers(0, 150), max_size=6), st.integers(0, 2**32))
@pytest.mark.parametrize("compiled", [True, False])
def test_kernels_agree_with_sorting(compiled: bool, sizes: list[int], seed: int) -> None:  # noqa: FBT001 -- a parameter of the test
    """Counting, placing and mending give what a stable sort gives, compiled or not."""
    random = np.random.default_rng(seed)
    subjects = random.permutation(np.repeat(np.arange(len(sizes), dtype=np.int64), sizes))
    at = random.integers(0, 10, subjects.size)
    steps: list[Any] = [kernels.count, kernels.scatter, kernels.put_in_order, kernels.tied]
    count, scatter, put_in_order, tied = steps if compiled else [step.py_func for step in steps]
    counts = np.zeros(len(sizes), np.uint32)
    count(subjects, counts)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    out, codes, rows = np.empty(at.size, np.int64), np.empty(at.size, np.uint16), np.empty(at.size, np.int64)
    scatter(subjects, at, at.astype(np.uint16), 0, offsets[:-1].copy(), out, codes, rows)
    put_in_order(offsets, out, codes, rows)
    order = np.lexsort((np.arange(at.size), at, subjects))
    assert out.tolist() == at[order].tolist() == codes.tolist()
    assert rows.tolist() == (order.tolist() if rows.size else [])
    places, groups = tied(offsets, out)
    keys = list(zip(subjects[order].tolist(), out.tolist(), strict=True))
    often = Counter(keys)
    assert places.tolist() == [i for i, key in enumerate(keys) if often[key] > 1]
    assert len(set(groups.tolist())) == sum(times > 1 for times in often.values())
