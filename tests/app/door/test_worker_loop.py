"""The worker's loop beside everything else: soon, steadily, and with the last good definitions."""

from __future__ import annotations

import json
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from cxminute.app import clock
from cxminute.app.cli import run as cxm
from cxminute.app.collecting import collect_file
from cxminute.app.door import looping
from cxminute.app.door.draining import Drain
from cxminute.app.door.watching import Watch
from cxminute.app.door.worker import stopped_by
from cxminute.app.project import Project
from tests.app.door.opened import within, working
from tests.app.small_shop import SOURCE as ORDERS
from tests.app.small_site import NOON, SOURCE, balance, call, ids, item, make_site

SIGNS = (signal.SIGINT, signal.SIGTERM)


def orders(project: Project, rows: int) -> Path:
    """A file of so many orders, beside a project that has its source from now on."""
    (project.root / "sources" / "orders.toml").write_text(ORDERS, "utf-8")
    file = project.root.parent / "orders.csv"
    lines = (f"p{n},c{n},2026-01-01T10:00:00Z,,,x" for n in range(rows))
    file.write_text("\n".join(["order,customer,ordered,due,delivered,carrier", *lines]) + "\n", "utf-8")
    return file


def _has(project: Project, events: int) -> bool:
    return len(ids(project)) == events


def test_two_projects_are_drained_side_by_side(tmp_path: Path) -> None:
    """What each received is in its own log soon, and in no other; a folder that is none holds up nobody."""
    one, other = make_site(tmp_path / "one"), make_site(tmp_path / "other")
    with working(one.root, tmp_path / "nothing", other.root):
        for start in range(0, 30, 10):
            one.inbox.put([call([item(n) for n in range(start, start + 10)], at=clock.now())])
            other.inbox.put([call([item(start)], at=clock.now())])
        assert within(20, lambda: len(ids(one)) == 30 and len(ids(other)) == 3)
    assert balance(one) == (30, 30, 0, 0)
    assert ids(other) == ["m0", "m10", "m20"]


def test_segments_that_cannot_be_merged_hold_up_no_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every merge fails, what comes in is in the log as soon as ever, stretch after stretch."""

    def failing(*_: object, **__: object) -> int:
        raise TypeError

    monkeypatch.setattr(looping, "compact", failing)
    monkeypatch.setattr(looping, "COMMITS", 1)
    monkeypatch.setattr(looping, "SETTLE", 0.1)
    project = make_site(tmp_path / "site")
    with working(project.root):
        for number in range(6):
            project.inbox.put([call([item(number)], at=clock.now())])
            assert within(5, lambda: _has(project, number + 1))  # noqa: B023 -- asked at once


def test_files_are_collected_while_the_worker_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A collect waits for the worker and the worker for it: both have all in, and nothing of either is lost."""
    project = make_site(tmp_path / "site")
    file = orders(project, 200)
    with working(project.root):
        for turn in range(6):
            project.inbox.put([call([item(n) for n in range(turn * 50, turn * 50 + 50)], at=clock.now())])
            words = ["collect", str(file), "--source", "orders"] if turn % 2 else ["collects", "balance"]
            assert cxm([*words, "--project", str(project.root)]) == 0
            time.sleep(0.2)
        assert within(20, lambda: len(ids(project, "site")) == 300)
    assert len(ids(project, "orders")) == 200
    assert balance(project) == (300, 300, 0, 0)
    project.log.verify()
    assert "nothing added" in capsys.readouterr().out


def test_events_come_in_while_a_long_file_is_collected(tmp_path: Path) -> None:
    """Between the chunks of one collect what the door received goes in; both are whole in the end."""
    project = make_site(tmp_path / "site")
    (project.root / "cxm.toml").write_text('name = "site"\n[log]\nsegment_rows = 20\n', "utf-8")
    file = orders(project, 600)
    project = Project(project.root)
    seen: list[int] = []
    project.inbox.put([call([item(1)], at=clock.now())])
    with working(project.root):

        def look(_: int, __: str) -> None:
            seen.append(len(ids(project, "site")))

        collect_file(Project(project.root), file, project.source("orders"), clock.now(), look)
    assert 1 in seen[:-1], "it was in before the file was"
    assert (len(ids(project, "orders")), len(ids(project, "site"))) == (600, 1)
    project.log.verify()


def test_bad_definitions_change_nothing_until_they_are_good(tmp_path: Path) -> None:
    """While a file is bad the last good definitions hold, and the fault is told once; mended, the new ones count."""
    project = make_site(tmp_path / "site")
    watch, drain = Watch(project), Drain(project)
    file = project.root / "sources" / "site.toml"
    file.write_text(SOURCE.format(name="site").replace('type = "number"', 'type = "nmber"'), "utf-8")
    faults = watch.look()
    assert faults is not None
    assert [(fault.file, fault.nearest) for fault in faults] == [("sources/site.toml", "number")]
    assert watch.look() is None
    project.inbox.put([call([item(1)])])
    assert drain.once(NOON).stored == 1
    file.write_text(SOURCE.format(name="site") + 'personal = ["properties.colour"]\n', "utf-8")
    assert watch.look() == ()
    project.inbox.put([call([item(2, properties={"colour": "canary"})])])
    assert drain.once(NOON).stored == 1
    assert not [piece for piece in project.log.pieces(()) if b"canary" in piece.path.read_bytes()]


def test_a_new_source_counts_without_a_restart(tmp_path: Path) -> None:
    """A source that is defined while the worker runs takes its events in."""
    project = make_site(tmp_path / "site")
    with working(project.root):
        project.inbox.put([call([item(1)], at=clock.now())])
        assert within(20, lambda: ids(project) == ["m1"])
        (project.root / "sources" / "shop.toml").write_text(SOURCE.format(name="shop"), "utf-8")
        time.sleep(0.1)
        project.inbox.put([call([item(2)], source="shop", at=clock.now())])
        assert within(20, lambda: ids(project, "shop") == ["m2"])
    assert project.log.rejects().num_rows == 0


def test_a_worker_that_finds_bad_definitions_waits_for_good_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Started over bad definitions it leaves the inbox alone, says where the fault is, and begins once it is mended."""
    project = make_site(tmp_path / "site")
    project.inbox.put([call([item(1)])])
    file = project.root / "sources" / "site.toml"
    file.write_text("name = ", "utf-8")
    with working(project.root):
        time.sleep(1.5)
        assert ids(project) == []
        file.write_text(SOURCE.format(name="site"), "utf-8")
        assert within(20, lambda: ids(project) == ["m1"])
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line.get("at")) for line in told] == [
        ("waiting for good definitions", "sources/site.toml:1"),
        ("worker ready", None),
    ]


def test_small_segments_become_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many small stretches the worker merges their segments, and the log holds the same events."""
    monkeypatch.setattr(looping, "SETTLE", 0.0)
    monkeypatch.setattr(looping, "POLL", 0.02)
    project = make_site(tmp_path / "site")
    with working(project.root):
        for n in range(20):
            project.inbox.put([call([item(n)], at=clock.now())])
            assert within(20, partial(_has, project, n + 1))
        assert within(20, lambda: len(project.log.pieces(())) < 10)
    assert ids(project) == sorted(f"m{n}" for n in range(20))
    project.log.verify()


def test_a_second_signal_within_the_first_stops_the_worker_once() -> None:
    """SIGTERM that comes while SIGINT is still being answered, as after Ctrl-C on a terminal, waits for nothing."""
    before = {sign: signal.getsignal(sign) for sign in SIGNS}
    said: list[bool] = []

    class Interrupted(threading.Event):
        def set(self) -> None:
            said.append(True)
            if len(said) < 3:
                signal.raise_signal(signal.SIGTERM)
            super().set()

    stop = Interrupted()
    try:
        stopped_by(SIGNS, stop)
        signal.raise_signal(signal.SIGINT)
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
    assert stop.is_set()
    assert len(said) == 1
