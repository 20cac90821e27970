"""The Spark engine: the same tasks on a cluster whose workers read the log's files themselves.

Two steps. Each worker reads some portions of the log and cuts their rows by bucket; Spark brings all that was cut for a
bucket to one worker, which puts it together as streams in memory, runs the task and sends back what it gives. Rows
travel as Arrow, packed, some thousands in one cell, so that Spark moves them without looking into them.
"""

from __future__ import annotations

import pickle
import re
import sys
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final, TypeVar

import pyarrow as pa

from cxminute.model.errors import CxmError, Unavailable, WrongUse
from cxminute.store.cluster import EXTRA, PATIENCE, session_of
from cxminute.store.protocols import Streams, Subjects
from cxminute.store.scattered import ScatteredLog

T = TypeVar("T")

_CELLS: Final = "bucket int, turn int, failed boolean, payload binary"
_CELL: Final = pa.schema(
    [("bucket", pa.int32()), ("turn", pa.int32()), ("failed", pa.bool_()), ("payload", pa.binary())]
)
"""What travels between workers and back. turn: the portion that the payload is of; failed: it is an exception."""
_READING: Final = -1
"""The bucket of what failed before there were buckets: it comes first."""
_CAUSES: Final = r"ExecutorLostFailure|OutOfMemoryError|No space left on device|cancelled|Connection refused"

Cells = Iterator[pa.RecordBatch]


class SparkEngine:
    """Runs tasks on a Spark cluster.

    master:   its URL: spark://HOST:PORT, or what else Spark takes for one
    patience: seconds that the master has to answer, and to give a first executor

    Spark starts with the first task and stays until the process ends, since a process has one at most. Its own settings
    (memory, cores) are read from where it reads them always: spark-defaults.conf in SPARK_CONF_DIR.
    """

    def __init__(self, master: str, *, patience: float = PATIENCE) -> None:
        self._master, self._patience = master, patience

    def run(self, subjects: Subjects, task: Callable[[Streams], T], merge: Callable[[Sequence[T]], T]) -> T:
        """`merge` of what the task gives for each bucket, in the order of the buckets; of nothing where there is none.

        subjects: a ScatteredLog, since no worker sees what lies in this process's memory
        task:     goes to the workers: whatever can be pickled, closures too; `merge` stays here
        raises:   the exception of the first bucket (in order) whose task raises, as the worker raised it; Unavailable
                  where PySpark, Java, the master or its workers are missing or give no answer
        """
        if not isinstance(subjects, ScatteredLog):
            raise WrongUse("The Spark engine reads a log, and no table in memory.", allowed="the local engine")
        buckets, portions = len(subjects.buckets()), len(subjects.portions)
        if not buckets:
            return merge([])
        work = _Work(_pickled(subjects), _pickled(task), version("cxminute"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pandas newer than Spark knows, which no row passes through
            cells = self._cells(work, portions, buckets)
        rows = cells.sort_by([("bucket", "ascending"), ("turn", "ascending")])
        failed = rows.filter(rows["failed"])
        if failed.num_rows:
            raise pickle.loads(failed["payload"][0].as_py())  # noqa: S301 -- our own worker's
        return merge([pickle.loads(payload.as_buffer()) for payload in rows["payload"]])  # noqa: S301 -- the same

    def _cells(self, work: _Work, portions: int, buckets: int) -> pa.Table:
        session = session_of(self._master, self._patience)
        try:
            return (
                session.range(0, portions, 1, min(portions, 4 * session.sparkContext.defaultParallelism))
                .mapInArrow(work.scatter(), _CELLS)
                .repartitionById(buckets, "bucket")
                .mapInArrow(work.gather(), _CELLS)
                .toArrow()
            )
        except Exception as fault:  # noqa: BLE001 -- Spark's own are of a dozen classes
            raise explained(fault) from None  # what Spark quotes may hold pieces of data


class _Work:
    """What workers do: functions over cells, made so that they say clearly when a worker is of another version.

    Log and task travel apart, and each worker opens what it needs once: a log knows the person of every profile, and a
    task may hold the endings of a whole journey.
    """

    def __init__(self, log: bytes, task: bytes, release: str) -> None:
        self._log, self._task, self._release = log, task, release

    def scatter(self) -> Callable[[Cells], Cells]:
        """From numbers of portions to their rows by bucket; and an empty cell for every bucket, so that each is run."""
        packed, release = self._log, self._release

        def scattered(numbers: Cells) -> Cells:
            log: ScatteredLog | None = None
            for turn in (number for batch in numbers for number in batch.column(0).to_pylist()):
                try:
                    log = log or _opened(packed, release)
                    if turn == 0:
                        yield _cells([(bucket, _READING, False, b"") for bucket in range(len(log.buckets()))])
                    for bucket, rows in log.scatter(log.portions[turn]):
                        yield _cells([(bucket, turn, False, rows)])
                except Exception as fault:  # noqa: BLE001 -- it is raised where the answer is awaited
                    yield _cells([(0, turn, True, _told(fault))])

        return scattered

    def gather(self) -> Callable[[Cells], Cells]:
        """From the rows of buckets to what the task gives for each."""
        packed, tasked, release = self._log, self._task, self._release

        def gathered(cells: Cells) -> Cells:
            found: dict[int, list[pa.Buffer]] = defaultdict(list)
            for batch in cells:
                for bucket, turn, failed, payload in zip(*batch.columns, strict=True):
                    if failed.as_py():
                        yield _cells([(_READING, turn.as_py(), True, payload.as_py())])
                    else:
                        found[bucket.as_py()] += [payload.as_buffer()] if turn.as_py() != _READING else []
            log: ScatteredLog | None = None
            task: Callable[[Streams], object] | None = None
            for bucket in sorted(found):
                try:
                    log = log or _opened(packed, release)
                    task = task or _opened(tasked, release)
                    yield _cells([(bucket, 0, False, _pickled(task(log.gather(bucket, found.pop(bucket)))))])
                except Exception as fault:  # noqa: BLE001 -- it is raised where the answer is awaited
                    yield _cells([(bucket, 0, True, _told(fault))])

        return gathered


def _opened(packed: bytes, release: str) -> Any:
    """The log or the task, on a worker."""
    here = version("cxminute")
    if here != release:
        raise Unavailable(
            f"A worker has cxminute {here}, and the one who asks has {release}.", allowed="one version everywhere"
        )
    try:
        return pickle.loads(packed)  # noqa: S301 -- from who asks
    except ModuleNotFoundError as fault:
        raise _missing(str(fault.name)) from fault


def _cells(rows: Iterable[tuple[int, int, bool, bytes]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(column, kind) for column, kind in zip(columns, _CELL.types, strict=True)], schema=_CELL
    )


def _pickled(thing: object) -> bytes:
    """The thing as bytes; functions that have no name elsewhere go along whole."""
    try:
        from pyspark import cloudpickle  # noqa: PLC0415 -- an extra, and heavy
    except ImportError as fault:
        raise Unavailable("The Spark engine needs PySpark, which is not installed.", allowed=EXTRA) from fault
    try:
        packed: bytes = cloudpickle.dumps(thing)  # type: ignore[no-untyped-call]  # as it ships
    except Exception as fault:
        raise WrongUse(
            f"What goes between here and the workers cannot be pickled ({type(fault).__name__}).",
            allowed="tasks and answers that hold no open file, lock or connection",
        ) from fault
    return packed


def _told(fault: Exception) -> bytes:
    """An exception as bytes, with the places in the code that it came through, and no value."""
    fault.add_note("On a worker:\n" + "".join(traceback.format_tb(fault.__traceback__)))
    try:
        packed = _pickled(fault)
        same = type(pickle.loads(packed)) is type(fault)  # noqa: S301 -- just pickled here
    except Exception:  # noqa: BLE001 -- whatever its class does when it is made again
        same = False
    return packed if same else _pickled(CxmError(f"A task failed on a worker ({type(fault).__name__})."))


def explained(fault: Exception) -> Unavailable:
    """What a fault of Spark means, without what it quotes."""
    said = str(fault)
    if found := re.search(r"No module named '([\w.]+)'", said):
        return _missing(found[1])
    if "PYTHON_VERSION_MISMATCH" in said or "different version" in said:
        mine = f"{sys.version_info.major}.{sys.version_info.minor}"
        return Unavailable(
            f"The workers' Python is not {mine}, as the one is that asks.", allowed="PYSPARK_PYTHON names one that is"
        )
    if "Cannot run program" in said:
        return Unavailable("A worker has no Python where it looks for it.", allowed="PYSPARK_PYTHON names one")
    cause = re.search(_CAUSES, said)
    return Unavailable(
        f"Spark gave up ({cause[0] if cause else type(fault).__name__}).", then="Its workers' logs say more."
    )


def _missing(module: str) -> Unavailable:
    return Unavailable(
        f"The workers' Python has no module '{module}'.",
        allowed=f"{EXTRA} on every worker, for the Python that PYSPARK_PYTHON names",
    )
