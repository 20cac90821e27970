"""The local engine: threads over memory-mapped buckets. Kernels release the GIL, so threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from typing import TypeVar

from cxminute.store.protocols import Streams, Subjects

T = TypeVar("T")


class LocalEngine:
    """Runs tasks on this machine's processors: on the thread that asks, and on others that stay for the next time.

    threads: how many buckets at once; by default one per processor that this process may use
    """

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or _processors()
        self._others: ThreadPoolExecutor | None = None

    def run(self, subjects: Subjects, task: Callable[[Streams], T], merge: Callable[[Sequence[T]], T]) -> T:
        """`merge` of what the task gives for each bucket, in the order of the buckets; of nothing where there is none.

        The first bucket (in order) whose task raises decides: its exception is raised, buckets not yet begun are left.
        """
        buckets = subjects.buckets()
        found: dict[int, T] = {}
        failed: dict[int, BaseException] = {}
        following = count()

        def work() -> None:
            while not failed and (number := next(following)) < len(buckets):
                try:
                    found[number] = task(subjects.read(buckets[number]))
                except BaseException as fault:  # noqa: BLE001 -- told to whoever asked, on their own thread
                    failed[number] = fault

        others = [self._pool().submit(work) for _ in range(min(self._threads, len(buckets)) - 1)]
        work()
        wait([other for other in others if not other.cancel()])  # who has not begun by now has nothing left to do
        if failed:  # buckets begin in order, so that one before the failed is never left out
            raise failed[min(failed)]
        return merge([found[number] for number in range(len(buckets))])

    def _pool(self) -> ThreadPoolExecutor:
        """The other threads: starting some for each question would cost a small one as much as its answer."""
        if self._others is None:
            self._others = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="cxm-engine")
        return self._others


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
