"""`python -m benchmarks --list` and `python -m benchmarks NAME [--events N]`.

The last line is `NAME met FIGURE (goal GOAL)` or `NAME short FIGURE (goal GOAL)`; the exit status is 0 or 1 with it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module

BENCHMARKS = {
    "collect": "files into the log, beside DuckDB sorting and ClickHouse loading and sorting the same rows",
    "door": "events acknowledged over HTTP after a sync, and into the log, beside a no-op under the same server",
    "live": "one event at a time and in small batches, beside the same function not compiled",
    "forget": "one person, and a hundred at once, taken out of every segment and table; what is left is checked",
    "funnel": "funnels over the index, beside ClickHouse's windowFunnel on the same rows",
    "curves": "completion curve, retention and lifecycle over the index",
    "flows": "direct successions over the index, beside pm4py and polars",
    "logs": "a process log of XES into the log, beside pm4py reading the same file",
    "linkage": "people without a shared identifier, beside Splink alone with the same settings",
    "linkage_labels": "how right linkage is on labelled records, beside the settings of Splink's tutorial",
    "index": "the journey index from the log, beside ClickHouse loading and DuckDB sorting the same rows",
    "people": "edges between text identifiers into people, beside networkx, scipy and recursion in DuckDB",
    "permits": "who may be part of a use, and why not, beside a dictionary in Python and a join in DuckDB",
    "pattern": "a branching timed pattern with a guard, beside ClickHouse's sequenceMatch on the same rows",
}
"""Each is a module of this package with `EVENTS`, its default size, and `measure(events) -> Outcome`."""


def main() -> int:
    """Runs one benchmark, or lists all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Figures beside the peers'.")
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="which benchmark")
    parser.add_argument("--list", action="store_true", help="name all benchmarks")
    parser.add_argument("--events", type=int, metavar="N", help="events in the log, instead of the default")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what it started is stopped, too
    if asked.list:
        for name, meaning in sorted(BENCHMARKS.items()):
            print(f"{name:12} {import_module(f'benchmarks.{name}').EVENTS:>12,} events  {meaning}")
        return 0
    if asked.name is None:
        parser.error("name a benchmark, or --list")
    if asked.events is not None and asked.events < 1:
        parser.error("--events is a positive number")
    benchmark = import_module(f"benchmarks.{asked.name}")
    outcome = benchmark.measure(asked.events or benchmark.EVENTS)
    print(f"{asked.name} {'met' if outcome.met else 'short'} {outcome.figure} (goal {outcome.goal})", flush=True)
    return 0 if outcome.met else 1


if __name__ == "__main__":
    sys.exit(main())
