"""Events that make the worker's own code fail: they alone are set apart, and come in once the fault is mended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.running import Door, add_key
from tests.faults.telling import balance, item, quarantine, stored, until

BROKEN = """import sys
if "cxminute.app.door.worker" in sys.orig_argv:
    import cxminute.app.door.draining as draining
    import cxminute.store.arrivals as arrivals
    arriving, write = draining.arriving, arrivals.write_segment
    def raising(project, source, rows, *more):
        if any("m-unreadable" in line for line in rows.lines or ()):
            raise ZeroDivisionError("canary-in-a-text")
        return arriving(project, source, rows, *more)
    def failing(duck, events, *more):
        if "m-unwritable" in events["id"].to_pylist():
            raise RuntimeError("canary-in-a-text")
        return write(duck, events, *more)
    draining.arriving, arrivals.write_segment = raising, failing
"""
"""Code that fails, always, over one event, and over one row of a segment; it is loaded into the worker alone."""
POISON = ("m-unreadable", "m-unwritable")


def test_one_event_that_always_fails_stops_nobody_else(opening: Callable[..., Door], tmp_path: Path) -> None:
    """Two events at which the worker's code fails are set apart; a hundred beside them, and another source, are not."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BROKEN, "utf-8")
    door = opening(PYTHONPATH=str(tmp_path / "broken"))
    root = door.roots[0]
    source = (root / "sources" / "website.toml").read_text("utf-8").replace('"website"', '"shop"')
    (root / "sources" / "shop.toml").write_text(source, "utf-8")
    other = add_key(root, "shop")
    items = [item(number) for number in range(120)]
    for place, name in zip((27, 91), POISON, strict=True):
        items[place] = item(0, messageId=name)
    good = sorted({of["messageId"] for of in items} - set(POISON))
    for start in range(0, 120, 40):
        assert door.post(items[start : start + 40]).told["accepted"] == 40
    began = perf_counter()
    assert until(lambda: door.post([item(f"shop-{perf_counter()}")], key=other).status == 200, 10)
    assert until(lambda: [name for name in stored(root) if name.startswith("m-shop")], 10)
    assert until(lambda: len(stored(root)) >= len(good) + 1, 30)
    print(f"all good events were in after {perf_counter() - began:.1f} s")  # noqa: T201 -- a figure for whom it concerns
    assert door.drained()
    apart = quarantine(root)
    assert [of["reason"] for of in apart] == ["poison", "poison"]
    assert {json.loads(of["row"])["messageId"] for of in apart} == set(POISON)
    there = [name for name in stored(root) if not name.startswith("m-shop")]
    assert there == good
    assert "canary-in-a-text" not in door.tail(10**6) + str([of["detail"] for of in apart])
    assert balance(root) == {"received": 120, "stored": 118, "duplicate": 0, "quarantined": 2}
    door.stop()
    words = [
        sys.executable,
        "-m",
        "cxminute.app.cli",
        "quarantine",
        "replay",
        "--source",
        "website",
        "--project",
        str(root),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [name for name in stored(root) if not name.startswith("m-shop")] == sorted({*good, *POISON})
    assert not quarantine(root)
