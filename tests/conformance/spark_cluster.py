"""A real Spark cluster on the loopback address: one master, two workers, as they come with PySpark."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java starts in a third of the time where it need not become fast."""
SMALL = f"""spark.driver.memory 512m
spark.executor.memory 512m
spark.executor.cores 1
spark.driver.extraJavaOptions {QUICK}
spark.executor.extraJavaOptions {QUICK}
"""


@contextmanager
def spark_cluster(folder: Path) -> Iterator[str]:
    """The master's URL, once both workers are with it; all ends with the context.

    folder: takes what the programs say, and what they write
    """
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "bin" / "spark-class"
    (folder / "spark-defaults.conf").write_text(SMALL, "utf-8")
    # tasks of the tests lie in the tests' own modules, which workers find only here
    own = {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": QUICK, "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:

        def start(name: str, kind: str, *options: str) -> Path:
            log = stack.enter_context((folder / f"{name}.log").open("w"))
            process = stack.enter_context(
                subprocess.Popen(
                    [program, f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1", "--webui-port", "0", *options],
                    stdout=log,
                    stderr=log,
                    env=os.environ | own,
                )
            )
            stack.callback(process.terminate)
            return folder / f"{name}.log"

        url = _said(start("master", "master.Master", "--port", "0"), r"Starting Spark master at (spark://\S+)")
        resources = ("--cores", "1", "--memory", "1g")
        workers = [
            start(name, "worker.Worker", *resources, "--work-dir", str(folder / name), url) for name in ("one", "two")
        ]
        for log in workers:
            _said(log, r"(Successfully registered)")
        yield url


def _said(log: Path, pattern: str) -> str:
    """What a program says, when it has said it."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if found := re.search(pattern, log.read_text("utf-8")):
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(log.read_text("utf-8"))
