"""Spark's session, of which a process has one at most: started quietly, kept, and stopped with the process."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket  # noqa: TID251 -- asks whether the master is there before Spark waits a minute for it
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from cxminute.model.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

EXTRA: Final = 'pip install "cxminute[spark]"'
PATIENCE: Final = 60.0

_NAME: Final = "cxminute"
_SETTINGS: Final = {
    "spark.app.name": _NAME,
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",  # answers go on to Python as they come
    "spark.sql.adaptive.enabled": "false",  # a bucket is a partition already
    "spark.sql.execution.arrow.maxRecordsPerBatch": "64",  # a cell may hold some MB, a batch 2 GB at most
}
_HERE: Final = r"local(\[.*\])?|spark://(127\.|localhost[:,]|\[::1\]).*"
"""Masters of this machine alone."""


def session_of(master: str, patience: float) -> SparkSession:
    """The process's session with a master; Spark is started where there is none.

    raises: Unavailable where PySpark or Java is missing, or the master or its workers give no answer in `patience`
            seconds; WrongUse where the process has a session of its own with another master
    """
    try:
        from pyspark import SparkContext  # noqa: PLC0415 -- an extra, and heavy
        from pyspark.sql import SparkSession  # noqa: PLC0415 -- the same
    except ImportError as fault:
        raise Unavailable("The Spark engine needs PySpark, which is not installed.", allowed=EXTRA) from fault
    context = SparkContext._active_spark_context  # noqa: SLF001 -- getOrCreate would make one
    if context is not None and not _ended(context):
        if context.master == master:
            return SparkSession(context)
        if context.appName != _NAME:
            what = f"This process has a Spark session of its own, with {context.master}."
            raise WrongUse(what, allowed="its master in cxm.toml, or another process")
    _reach(master, patience)
    if context is not None:
        with suppress(Exception):  # of a master that is gone
            context.stop()
    context = _start(master)
    _await_executor(context, master, patience)
    return SparkSession(context)


def stop() -> None:
    """Stops the process's session, if it is ours."""
    from pyspark import SparkContext  # noqa: PLC0415 -- an extra, and heavy

    context = SparkContext._active_spark_context  # noqa: SLF001 -- getOrCreate would make one
    if context is not None and context.appName == _NAME:
        with suppress(Exception):  # of a master that is gone
            context.stop()


def _ended(context: SparkContext) -> bool:
    """Whether Spark has stopped by itself: its master went away, or its Java process."""
    try:
        return bool(context._jsc.sc().isStopped())  # noqa: SLF001 -- Python is not told otherwise
    except Exception:  # noqa: BLE001 -- of a Java process that is gone
        return True


def _start(master: str) -> SparkContext:
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415 -- an extra, and heavy
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415 -- the same

    conf = SparkConf(loadDefaults=False).setMaster(master).setAll(list(_SETTINGS.items()))
    if re.fullmatch(_HERE, master):
        conf.set("spark.driver.host", "127.0.0.1").set("spark.driver.bindAddress", "127.0.0.1")
    first = SparkContext._gateway is None  # noqa: SLF001 -- a process has one Java beside it, whatever its masters
    if first and not _java():
        raise Unavailable("Spark needs Java, which is not installed.", allowed="Java 17 or newer, or JAVA_HOME")
    try:
        if first:
            with tempfile.TemporaryFile() as told:  # what Java says while it starts is nothing for the one who asked
                gateway = launch_gateway(conf, {"stdout": told, "stderr": told})  # type: ignore[no-untyped-call]  # as it ships
            context = SparkContext(conf=conf, gateway=gateway)
            atexit.register(_part, gateway)
        else:
            context = SparkContext(conf=conf)
    except Exception as fault:
        what = f"Spark does not start with the master {master} ({type(fault).__name__})."
        raise Unavailable(what, allowed="Java 17 or newer, and a master of Spark 4") from fault
    own = context.getConf().get("spark.pyspark.python")
    context.pythonExec = os.environ.get("PYSPARK_PYTHON") or own or sys.executable
    return context


def _part(gateway: object) -> None:
    """Leaves the master, and ends Java; without it the master would keep the executors for a while."""
    stop()
    with suppress(Exception):  # it may have gone before
        gateway.shutdown()  # type: ignore[attr-defined]  # py4j ships no types
        gateway.proc.stdin.close()  # type: ignore[attr-defined]  # as above
        gateway.proc.wait(10)  # type: ignore[attr-defined]  # as above


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return os.path.isfile(os.path.join(home, "bin", "java")) if home else shutil.which("java") is not None  # noqa: PTH113, PTH118 -- as Spark's own script looks


def _reach(master: str, patience: float) -> None:
    """Refuses a master at which nobody listens; of several, one is enough."""
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), min(patience, 10.0)):
            return
    raise Unavailable(f"Nobody listens at {master}.", allowed="the URL that Spark's master shows when it starts")


def _await_executor(context: SparkContext, master: str, patience: float) -> None:
    """Refuses a master that gives no executor: Spark itself would wait for ever."""
    grows = context.getConf().get("spark.dynamicAllocation.enabled", "false") == "true"
    if not master.startswith("spark://") or grows:
        return
    tracker = context._jsc.sc().statusTracker()  # noqa: SLF001 -- what Python's own tracker leaves out
    if not _within(patience, lambda: len(tracker.getExecutorInfos()) > 1):  # the driver counts as one
        context.stop()
        raise Unavailable(
            f"The master {master} gave no worker within {patience:g} seconds.",
            allowed="workers with free cores, and memory for spark.executor.memory",
        )


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
