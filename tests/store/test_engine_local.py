"""The local engine: every bucket once, merged in order, faults in the open."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from cxminute.store.engines.local import LocalEngine
from cxminute.store.index import Index, in_memory
from cxminute.store.protocols import Streams


def _subjects(count: int, bucket: int = 3) -> Index:
    subjects = np.arange(count) // 2
    table = pa.table({"subject": subjects, "at": np.arange(count), "name": pa.array(["A"] * count, pa.string())})
    return in_memory(table, "person", bucket=bucket)


def _numbers(streams: Streams) -> list[int]:
    return [int(number) for number in streams.subjects]


def _joined(parts: Sequence[list[int]]) -> list[int]:
    return [number for part in parts for number in part]


def _sum(parts: Sequence[int]) -> int:
    return sum(parts)


@pytest.mark.parametrize("threads", [1, 2, 7, None])
def test_results_come_in_the_order_of_the_buckets(threads: int | None) -> None:
    """However many threads work, every subject is worked once and the results are merged in the subjects' order."""
    subjects = _subjects(60)
    assert len(subjects.buckets()) > 7
    assert LocalEngine(threads).run(subjects, _numbers, _joined) == list(range(30))


def test_no_bucket_merges_nothing() -> None:
    """Where there are no subjects, the answer is what merging nothing gives."""
    assert LocalEngine().run(_subjects(0), _numbers, lambda parts: [len(parts)]) == [0]


def test_two_buckets_are_worked_at_once() -> None:
    """Two threads work on two buckets at the same time: each waits until the other has begun."""
    both = threading.Barrier(2, timeout=10)

    def meet(streams: Streams) -> int:
        both.wait()
        return len(streams.times)

    assert LocalEngine(2).run(_subjects(4, bucket=2), meet, _sum) == 4


def test_a_fault_in_a_task_is_raised() -> None:
    """A task that fails on one bucket fails the whole, with its own exception, and buckets after it are left."""
    worked: list[int] = []

    def fail(streams: Streams) -> int:
        worked.append(int(streams.subjects[0]))
        if len(worked) == 2:
            raise ZeroDivisionError("second bucket")
        return 1

    subjects = _subjects(200)
    with pytest.raises(ZeroDivisionError, match="second bucket"):
        LocalEngine(1).run(subjects, fail, _sum)
    assert worked == [subjects.buckets()[0].start, subjects.buckets()[1].start]
