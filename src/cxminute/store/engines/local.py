"""The local engine: threads over memory-mapped buckets. Kernels release the GIL, so threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from cxminute.store.protocols import Streams, Subjects

T = TypeVar("T")


class LocalEngine:
    """Runs tasks on this machine's processors.

    threads: how many buckets at once; by default one per processor that this process may use
    """

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or _processors()

    def run(self, subjects: Subjects, task: Callable[[Streams], T], merge: Callable[[Sequence[T]], T]) -> T:
        """`merge` of what the task gives for each bucket, in the order of the buckets; of nothing where there is none.

        The first bucket (in order) whose task raises decides: its exception is raised, buckets not yet begun are left.
        """
        buckets = subjects.buckets()
        failed = Event()

        def one(bucket: range) -> T:
            if failed.is_set():  # buckets begin in order, so that one before the failed is never left out
                raise CancelledError
            try:
                return task(subjects.read(bucket))
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(min(self._threads, max(len(buckets), 1)), thread_name_prefix="cxm-engine") as pool:
            return merge(list(pool.map(one, buckets)))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
