"""Pulling from local servers that answer as the APIs do: throttled, failing and interrupted, each order once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxminute.app.fetching import Around
from cxminute.app.project import Project
from cxminute.app.pulling import Pulled, fetching, pull, settings_of
from cxminute.collect.pulls import asking
from cxminute.model.times import HOUR, MINUTE
from tests.app.market_models import MARKETS
from tests.app.markets import Market, Trouble, serving

EVENTS = {"orders": ("Order Completed", "order_id", "properties.total:number")}
EVENTS["tickets"] = ("Ticket Opened", "ticket_id", "properties.priority:text")


class Interrupted(Exception):
    """Somebody pulled the plug."""


class Waits:
    """A clock of a test's own, which waiting moves; it may be interrupted."""

    def __init__(self, market: Market, seed: int = 0, cut: float = 0.0) -> None:
        self.market, self.chance, self.cut, self.at = market, random.Random(seed), cut, 0.0  # noqa: S311 -- not a secret
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Moves the clock."""
        self.slept.append(seconds)
        self.at += seconds
        self.maybe()

    def maybe(self, *_: object) -> None:
        """The plug, by chance."""
        if self.chance.random() < self.cut:
            raise Interrupted

    def passed(self) -> float:
        """Every look at it takes a little."""
        self.at += 0.001
        return self.at

    def around(self) -> Around:
        """As pulling takes it; our own clock runs five minutes ahead of the market's."""
        return Around(lambda: self.market.clock + 5 * MINUTE, self.passed, self.sleep, self.chance.random)


def project_of(root: Path, market: Market, url: str, more: str = "") -> Path:
    """A project with one source, which is pulled from the market."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    (root / "sources" / "market.toml").write_text(market.source(url, more=more), "utf-8")
    return root


def pulled(root: Path, market: Market, waits: Waits | None = None, since: int | None = None) -> Pulled:
    """One pull, as the command does it."""
    waits = waits or Waits(market)
    project = Project(root)
    try:
        source = project.source("market")
        settings = settings_of(project, source)
        with fetching(source, settings, market.environment(), waits.around()) as fetch:
            return pull(project, source, market.stream, fetch, since=since, advance=waits.maybe)
    finally:
        project.close()


def told(root: Path, market: Market) -> list[tuple[str, float]]:
    """Of every order (or ticket) in the log its id, and what it comes to; each as often as it is there."""
    project = Project(root)
    event, kind, path = EVENTS[market.stream]
    found: list[tuple[str, float]] = []
    for piece in project.log.pieces(project.definitions.paths):
        gone = set(piece.dropped.tolist())
        for ordinal, row in enumerate(pq.read_table(piece.path).to_pylist()):
            if ordinal not in gone and row["name"] == event:
                name = project.vault.called(kind, [row[kind]])[row[kind]].rpartition("\x1f")[2]
                found.append((name, float(row[path])))
    assert project.log.rejects().select(["reason", "detail"]).to_pylist() == []
    project.log.verify()
    project.close()
    return found


def check(root: Path, market: Market) -> None:
    """Each order once, as it is now."""
    found = told(root, market)
    assert max(Counter(name for name, _ in found).values()) == 1
    assert dict(found) == market.truth()


@pytest.mark.parametrize("name", MARKETS)
def test_a_pull_brings_every_order_once(name: str, tmp_path: Path) -> None:
    """Page by page all orders come, and a second pull asks only for what changed since the first."""
    market = MARKETS[name](11)
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        first = pulled(root, market)
        assert (first.stopped, first.records) == (None, 11)
        check(root, market)
        for _ in range(3):
            market.change()
        market.sell()
        market.clock += HOUR
        second = pulled(root, market)
        assert second.stopped is None
        check(root, market)
        assert first.mark is not None
        assert second.since == first.mark


@pytest.mark.parametrize("name", MARKETS)
def test_whatever_goes_wrong_each_order_is_there_once(name: str, tmp_path: Path) -> None:
    """Throttled, failing, cut off, interrupted anywhere, its orders changing: in the end each is there once."""
    market = MARKETS[name](11, 2)
    market.busy, market.trouble = 0.15, Trouble(2, 0.2)
    waits = Waits(market, 2, 0.15)
    outcomes: Counter[str] = Counter()
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        for _ in range(6):
            try:
                done = pulled(root, market, waits)
            except Interrupted:
                outcomes["interrupted"] += 1
            else:
                outcomes["stopped" if done.stopped else "finished"] += 1
        market.busy, market.trouble, waits.cut = 0.0, Trouble(), 0.0
        market.clock += HOUR
        assert pulled(root, market, waits).stopped is None
        check(root, market)
    assert outcomes["interrupted"] > 0
    assert outcomes["finished"] > 0


@pytest.mark.parametrize(
    ("name", "event", "every"),
    [
        ("ebay", "Order Shipped", lambda number: number % 2 == 0),
        ("mercadolibre", "Order Shipped", lambda number: number % 5 != 0),
        ("woocommerce", "Order Refunded", lambda number: number % 3 == 0),
        ("amazon-v0", "two pieces", lambda _number: True),
    ],
)
def test_what_stands_apart_comes_with_its_order(
    name: str, event: str, every: Callable[[int], bool], tmp_path: Path
) -> None:
    """Fulfillments, shipments, refunds and items are asked for where the API has them apart, and told together."""
    market = MARKETS[name](11)
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        assert pulled(root, market).stopped is None
    project = Project(root)
    rows = [
        row
        for piece in project.log.pieces(project.definitions.paths)
        for row in pq.read_table(piece.path).to_pylist()
        if row["name"] == event or (event == "two pieces" and row.get("properties.quantity:number") == 2)
    ]
    project.close()
    assert len(rows) == len([number for number in market.orders if every(number)])


@pytest.mark.parametrize("name", ["mercadolibre", "etsy"])
def test_offsets_have_an_end_and_pulls_do_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an API counts offsets so far and no further, the pull counts anew from the last time that it has seen."""
    monkeypatch.setattr(asking, "DEEPEST", 8)
    market = MARKETS[name](23)
    market.deepest = 8
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        assert pulled(root, market).stopped is None
        check(root, market)


KILLED = """
import os, sys
from cxminute.app.cli import run
from cxminute.app.commands import pulling
from cxminute.store import state

for _ in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        os.dup2(2, 1)
        os._exit(run(["pull", "--project", sys.argv[2]]))
    print(child, flush=True)
    print("code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""One process that has everything imported, and children of it that are `cxm pull`, one after the other."""


class Killer:
    """Kills who asks: a while of chance after a question of chance, be it before, within or after what comes of it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 -- a moment, not a secret
        self.child, self.left, self.fired = 0, 0, 0

    def found(self, child: int) -> None:
        """The next one."""
        self.child, self.left = child, self.chance.randint(1, 5) if self.fired else 2

    def before(self) -> None:
        """At each question."""
        self.left -= 1
        if self.child and self.left == 0:
            longest = self.chance.choice([0.02, 0.15]) if self.fired else 0.0  # the first is sure to hit
            self.fired += 1
            threading.Timer(self.chance.uniform(0, longest), self.kill, [self.child]).start()

    def kill(self, child: int) -> None:
        """If it is still there."""
        if child == self.child:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("name", MARKETS)
def test_killed_at_any_moment_each_order_is_there_once(name: str, tmp_path: Path) -> None:
    """A pull that is killed again and again, at moments of chance, leaves what the next one finishes."""
    market = MARKETS[name](11, 5)
    market.busy, market.trouble = 0.1, Trouble(5, 0.03)
    killer = Killer(7)
    codes: list[int] = []
    market.before = killer.before
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        assert Project(root).log.collects() == []
        command = [sys.executable, "-c", KILLED, "6", str(root)]
        environment = {**os.environ, **market.environment()}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            for line in process.stdout:
                word, _, code = line.strip().partition(" ")
                if word == "code":
                    codes.append(int(code))
                killer.found(0 if word == "code" else int(word))
        assert len(codes) == 6
        assert -9 in codes
        market.busy, market.trouble, market.before = 0.0, Trouble(), lambda: None
        market.clock += HOUR
        assert pulled(root, market).stopped is None
        check(root, market)
