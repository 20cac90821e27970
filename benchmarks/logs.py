"""`logs`: a process log in XES into the log, beside pm4py reading the same file.

The file is drawn with the measures of the loan applications of BPI Challenge 2012: 13,087 traces, about 20 events each,
36 activities, times with an offset, three attributes of a trace and six of an event. Ours runs as a user runs it, from
the command to the synced log: the whole file is read, checked, numbered, told apart from what is known, and written.
pm4py reads it into a frame, as `pm4py.read_xes` does, and by its fastest reader; nothing of that is kept.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from benchmarks.outcome import Outcome, show
from cxminute.app.project import Project

EVENTS: Final = 262_200
GOAL: Final = 20.0
EACH: Final = 20.035  # events of a trace
_SOURCE: Final = """name = "loans"
format = "xes"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<string key="concept:name" value="loans"/>
"""
_BEGIN: Final = datetime(2011, 10, 1, tzinfo=UTC)
_OFFSET: Final = timezone(timedelta(hours=2))


def measure(events: int) -> Outcome:
    """Both read the same file; that all its events came is checked first."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as name:
        folder = Path(name)
        path = folder / "loans.xes"
        traces = write(path, events)
        size = path.stat().st_size / 2**20
        print(f"{events:,} events in {traces:,} traces, {size:,.0f} MiB of XES in the page cache", flush=True)
        ours, peak = _ours(folder, path, events)
        theirs = _pm4py(path, events, {})
        fastest = _pm4py(path, events, {"variant": "chunk_regex"})
    rows = [("cxm collect", ours), ("pm4py.read_xes", theirs), ("pm4py, chunk_regex", fastest)]
    show(("", "seconds", "events/s"), [(what, f"{took:.1f}", f"{events / took:,.0f}") for what, took in rows])
    print(f"peak memory of the collect {peak:.2f} GiB")
    return Outcome(ours < GOAL, f"{ours:.1f} s (pm4py {theirs:.1f} s)", f"{GOAL:.0f} s")


def write(path: Path, events: int, seed: int = 2012) -> int:
    """Draws a log; returns how many traces it has."""
    draw = np.random.default_rng(seed)
    traces = max(1, round(events / EACH))
    sizes = np.bincount(draw.integers(0, traces, events), minlength=traces).tolist()
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        for case, size in enumerate(sizes):
            at = _BEGIN + timedelta(minutes=case * 18, milliseconds=int(draw.integers(0, 1_000)))
            amount = int(draw.integers(1, 100)) * 500
            file.write(
                f'<trace>\n<date key="REG_DATE" value="{_said(at)}"/>\n'
                f'<string key="concept:name" value="{173_688 + case}"/>\n<int key="AMOUNT_REQ" value="{amount}"/>\n'
            )
            gaps = np.cumsum(draw.exponential(3_600_000, size)).astype(np.int64).tolist()
            names = draw.integers(0, 36, size).tolist()
            for gap, activity in zip(gaps, names, strict=True):
                file.write(
                    f'<event>\n<string key="org:resource" value="{10_000 + activity * 7 + case % 60}"/>\n'
                    f'<string key="lifecycle:transition" value="{("SCHEDULE", "START", "COMPLETE")[activity % 3]}"/>\n'
                    f'<string key="concept:name" value="A_Activity number {activity}"/>\n'
                    f'<date key="time:timestamp" value="{_said(at + timedelta(milliseconds=gap))}"/>\n'
                    f'<string key="org:group" value="desk {activity % 5}"/>\n'
                    f'<float key="cost:total" value="{gap % 997 / 4}"/>\n</event>\n'
                )
            file.write("</trace>\n")
        file.write("</log>\n")
    return traces


def _said(at: datetime) -> str:
    return at.astimezone(_OFFSET).isoformat(timespec="milliseconds")


def _ours(folder: Path, path: Path, events: int) -> tuple[float, float]:
    """Seconds of the command, and GiB that it took at most."""
    project = folder / "project"
    (project / "sources").mkdir(parents=True)
    (project / "cxm.toml").write_text('name = "benchmark"\n', "utf-8")
    (project / "sources" / "loans.toml").write_text(_SOURCE, "utf-8")
    code = "import resource, sys; from cxminute.app.cli import run; code = run(sys.argv[1:]); "
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    command = [sys.executable, "-c", code, "collect", str(path), "--project", str(project)]
    began = perf_counter()
    ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- ourselves
    took = perf_counter() - began
    added = sum(told.counts.rows - told.counts.rejected for told in Project(project).log.collects())
    if added != events:
        raise RuntimeError(f"{added:,} of {events:,} events came into the log")
    return took, int(ran.stderr.split()[-1]) / 2**20


def _pm4py(path: Path, events: int, options: dict[str, Any]) -> float:
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        pm4py: Any = import_module("pm4py")
        began = perf_counter()
        frame = pm4py.read_xes(str(path), show_progress_bar=False, **options)
        took = perf_counter() - began
    if len(frame) != events:
        raise RuntimeError(f"pm4py read {len(frame):,} of {events:,} events")
    return took
