"""The inbox: what was put is there, in order, until it is dropped; faults are told and pass; on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysqlite3 import dbapi2
from sqlalchemy import make_url

from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store import failpoints
from cxminute.store.inbox import Inbox, open_inbox
from cxminute.store.state import open_state, state_url


@pytest.fixture
def inbox(database: str, tmp_path: Path) -> Iterator[Inbox]:
    """An empty inbox on each database."""
    open_state(database).dispose()
    opened = open_inbox(database, tmp_path)
    yield opened
    opened.close()


def call(word: str, source: str = "web", events: int = 1, at: int = 1_000) -> Call:
    """A call whose body is a word."""
    return Call(source, at, "segment", "track", events, word.encode(), gpc=True, peer="::1")


def words(inbox: Inbox, events: int = 100, after: dict[str, int] | None = None) -> list[str]:
    """The bodies of what is taken."""
    return [held.call.body.decode() for held in inbox.take(events, after or {})]


def test_what_was_put_is_taken_as_it_was_in_order_of_arrival(inbox: Inbox) -> None:
    """Every field of a call comes back; the numbers begin at 1 and rise by one, over sources and commits."""
    first, second, third = call("a"), call("b", "shop", 3, 2_000), call("c")
    inbox.put([first, third])
    inbox.put([second])
    held = inbox.take(100, {})
    assert [(one.number, one.call) for one in held] == [(1, first), (2, third), (3, second)]


def test_an_inbox_is_the_same_one_when_it_is_opened_again(inbox: Inbox, database: str, tmp_path: Path) -> None:
    """Its identity and its calls outlive who opened it; another inbox has another identity."""
    inbox.put([call("a")])
    again = open_inbox(database, tmp_path)
    assert (again.identity, words(again)) == (inbox.identity, ["a"])
    other = open_inbox(state_url(tmp_path / "other"), tmp_path / "other")
    assert other.identity != inbox.identity
    again.close()
    other.close()


def test_a_stretch_has_about_as_many_items_as_asked_for(inbox: Inbox) -> None:
    """At least one call, however large; else calls until the items are enough."""
    inbox.put([call("a", events=50), call("b", events=50), call("c", events=50)])
    inbox.put([call("d", events=1)])
    assert words(inbox, 1) == ["a"]
    assert words(inbox, 51) == ["a", "b"]
    assert words(inbox, 150) == ["a", "b", "c"]
    assert words(inbox, 0) == ["a"]


def test_a_stretch_has_bounded_bytes(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few items large calls have, memory holds no more of them than its bound, and one at least."""
    monkeypatch.setattr("cxminute.store.inbox.MOST_BYTES", 10)
    inbox.put([call("aaaa"), call("bbbb")])
    inbox.put([call("cccc")])
    inbox.put([call("d" * 99)])
    assert words(inbox) == ["aaaa", "bbbb"]
    assert words(inbox, after={"web": 2}) == ["cccc"]
    assert words(inbox, after={"web": 3}) == ["d" * 99]


def test_what_is_in_the_log_is_not_taken_again(inbox: Inbox) -> None:
    """Calls at or below their source's mark are left out, also where the mark lies within calls put together."""
    inbox.put([call("a"), call("b"), call("x", "shop")])
    inbox.put([call("c")])
    held = inbox.take(100, {})
    numbers = {one.call.body: one.number for one in held}
    assert words(inbox, after={"web": numbers[b"a"]}) == ["b", "x", "c"]
    assert words(inbox, after={"web": numbers[b"c"], "shop": numbers[b"x"]}) == []


def test_a_number_is_never_used_again(inbox: Inbox) -> None:
    """After everything was dropped the next call is numbered on: else a mark of before would swallow it."""
    inbox.put([call("a"), call("b")])
    inbox.drop({"web": 2})
    assert inbox.take(100, {}) == []
    inbox.put([call("c")])
    assert [held.number for held in inbox.take(100, {"web": 2})] == [3]


def test_dropping_one_source_leaves_the_others(inbox: Inbox) -> None:
    """A source that is behind keeps its calls, however far another is."""
    inbox.put([call("a"), call("x", "shop")])
    inbox.put([call("b")])
    inbox.drop({"web": 99})
    assert words(inbox) == ["x"]
    assert [(w.source, w.calls) for w in inbox.waiting({})] == [("shop", 1)]


def test_what_waits_is_counted_by_source(inbox: Inbox) -> None:
    """Calls, items, bytes and the oldest receipt, without what the marks cover, dropped or not."""
    assert inbox.waiting({}) == []
    inbox.put([call("aa", events=5, at=1_000), call("bbb", events=7, at=2_000), call("x", "shop", 1, 3_000)])
    inbox.put([call("c", at=4_000)])
    numbers = {held.call.body: held.number for held in inbox.take(100, {})}
    shop, web = inbox.waiting({})
    assert (shop.source, shop.calls, shop.events, shop.bytes, shop.oldest) == ("shop", 1, 1, 1, 3_000)
    assert (web.source, web.calls, web.events, web.bytes, web.oldest) == ("web", 3, 13, 6, 1_000)
    marks = {"web": numbers[b"aa"], "shop": numbers[b"x"]}
    [web] = inbox.waiting(marks)
    assert (web.calls, web.events, web.bytes, web.oldest) == (2, 8, 4, 2_000)
    inbox.drop(marks)
    assert inbox.waiting(marks) == [web]
    assert inbox.waiting({"web": numbers[b"c"], "shop": numbers[b"x"]}) == []


def test_putting_nothing_is_nothing(inbox: Inbox) -> None:
    """An empty group makes no commit and no number."""
    inbox.put([])
    inbox.put([call("a")])
    assert inbox.take(9, {})[0].number == 1


def test_who_puts_at_once_loses_nothing_and_numbers_stay_in_order(inbox: Inbox, database: str, tmp_path: Path) -> None:
    """Several writers, a reader that drops what it took: every call is seen once, by rising numbers."""
    opened = [open_inbox(database, tmp_path) for _ in range(3)]

    def write(box: Inbox, name: int) -> None:
        for turn in range(30):
            box.put([call(f"{name}-{turn}-{k}") for k in range(3)])

    threads = [threading.Thread(target=write, args=(box, name)) for name, box in enumerate(opened)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    last = 0
    while len(seen) < 270:
        held = inbox.take(50, {"web": last})
        assert [one.number for one in held] == list(range(last + 1, last + 1 + len(held)))
        seen += [one.call.body.decode() for one in held]
        last += len(held)
        inbox.drop({"web": last})
    for thread in threads:
        thread.join()
    for box in opened:
        box.close()
    assert len(set(seen)) == 270


@pytest.mark.parametrize("point", ["inbox.begun", "inbox.committed"])
def test_a_fault_is_told_and_the_next_put_begins_anew(
    inbox: Inbox, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk does not do what it should, nothing is acknowledged; what comes after goes in."""

    def full(name: str) -> None:
        if name == point:
            raise OSError(28, "no space")

    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "at", full)
        with pytest.raises(BrokenStore):
            inbox.put([call("a")])
        with pytest.raises(BrokenStore):
            inbox.put([call("a", "web"), call("x", "shop")])
    inbox.put([call("b")])
    assert words(inbox)[-1] == "b"
    assert point != "inbox.begun" or words(inbox) == ["b"]


@pytest.mark.outside("postgresql")
def test_a_connection_that_was_cut_is_made_again(postgres_url: str, server: str, tmp_path: Path) -> None:
    """A database that went away and came back is used again, without help."""
    open_state(postgres_url).dispose()
    inbox = open_inbox(postgres_url, tmp_path)
    inbox.put([call("a")])
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(BrokenStore) as told:
        inbox.put([call("secret")])
    assert "secret" not in str(told.value)
    inbox.put([call("b")])
    with pytest.raises(BrokenStore):
        inbox.take(100, {})
    assert words(inbox) == ["a", "b"]
    inbox.close()


@pytest.mark.outside("postgresql")
def test_a_commit_waits_for_the_disk_though_the_database_says_otherwise(
    postgres_url: str, server: str, tmp_path: Path
) -> None:
    """A database whose sessions acknowledge before the disk does is asked to wait."""
    open_state(postgres_url).dispose()
    name = make_url(postgres_url).database
    with psycopg.connect(server, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    inbox = open_inbox(postgres_url, tmp_path)
    with inbox._writer.held() as connection:  # type: ignore[attr-defined]  # noqa: SLF001 -- its own session
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    inbox.close()


def test_commits_of_the_file_are_fully_synced_and_its_log_is_bounded(tmp_path: Path) -> None:
    """The embedded inbox waits for the disk at each commit, and its write-ahead log begins anew when it is large."""
    inbox = open_inbox(state_url(tmp_path), tmp_path)
    with inbox._writer.held() as connection:  # type: ignore[attr-defined]  # noqa: SLF001 -- its own connection
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    inbox.close()


def test_the_write_ahead_log_is_settled_while_calls_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much goes through the inbox, its files stay near the size of what waits, and all of it is there."""
    monkeypatch.setattr("cxminute.store.inbox_sqlite.SETTLE", 1 << 20)
    inbox = open_inbox(state_url(tmp_path), tmp_path)
    last = 0
    for turn in range(120):
        inbox.put([call(f"{turn}-{k}" + "." * 40_000) for k in range(3)])
        held = inbox.take(99, {"web": last})
        assert len(held) == 3
        last = held[-1].number
        inbox.drop({"web": last})
    inbox.close()
    assert sum(file.stat().st_size for file in tmp_path.glob("inbox.sqlite*")) < 8 << 20


def test_an_inbox_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """What this version does not know, it does not touch."""
    open_inbox(state_url(tmp_path), tmp_path).close()
    with dbapi2.connect(str(tmp_path / "inbox.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BrokenStore, match="newer version"):
        open_inbox(state_url(tmp_path), tmp_path)


def test_a_file_that_is_no_inbox_is_named(tmp_path: Path) -> None:
    """A damaged inbox is a clear error."""
    (tmp_path / "inbox.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BrokenStore, match=r"inbox\.sqlite"):
        open_inbox(state_url(tmp_path), tmp_path)


_PUT = """
import sys
from pathlib import Path
from cxminute.model.calls import Call
from cxminute.store.inbox import open_inbox
inbox = open_inbox(sys.argv[1], Path(sys.argv[2]))
for turn in range(1000):
    inbox.put([Call("web", turn, "segment", "", 1, b"%d-%d" % (turn, k)) for k in range(2)])
    print(turn, flush=True)
"""


@pytest.mark.parametrize("point", ["inbox.begun", "inbox.committed"])
def test_what_was_acknowledged_survives_a_kill(database: str, tmp_path: Path, point: str) -> None:
    """Killed around a commit, the inbox has every group that was acknowledged, whole, and one more at most."""
    open_state(database).dispose()
    environment = {**os.environ, "CXM_FAILPOINTS": f"{point}=kill:0.05", "CXM_FAILPOINTS_SEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", _PUT, database, str(tmp_path)], env=environment, capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    told = [int(line) for line in done.stdout.split()]
    inbox = open_inbox(database, tmp_path)
    turns = [int(word.split("-")[0]) for word in words(inbox, 9_999)]
    assert turns[::2] == turns[1::2] == list(range(len(turns) // 2))
    assert len(told) <= len(turns) // 2 <= len(told) + 1
    inbox.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.lists(st.tuples(st.sampled_from(["web", "shop"]), st.integers(1, 5)), min_size=1, max_size=4),
            st.tuples(st.integers(1, 12), st.booleans()),
        ),
        max_size=12,
    )
)
def test_an_inbox_is_a_queue(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[tuple[str, int]] | tuple[int, bool]]
) -> None:
    """Put, taken and dropped in any order, calls come out once each in order, and what waits is counted right."""
    folder = tmp_path_factory.mktemp("inbox")
    inbox = open_inbox(state_url(folder), folder)
    queue: list[tuple[str, int, str]] = []
    marks: dict[str, int] = {}
    serial = 0
    for step in steps:
        if isinstance(step, list):
            group = []
            for source, events in step:
                serial += 1
                group.append(Call(source, serial, "segment", "", events, str(serial).encode()))
            inbox.put(group)
            queue += [(c.source, c.events, c.body.decode()) for c in sorted(group, key=lambda c: _rank(group, c))]
            continue
        events, drops = step
        held = inbox.take(events, marks)
        assert [one.call.body.decode() for one in held] == [word for _, _, word in queue[: len(held)]]
        assert bool(held) == bool(queue)
        for one in held:
            marks[one.call.source] = one.number
        del queue[: len(held)]
        if drops:
            inbox.drop(marks)
        waiting = {w.source: (w.calls, w.events) for w in inbox.waiting(marks)}
        assert waiting == {
            source: (len(some), sum(some))
            for source in ("shop", "web")
            if (some := [events for of, events, _ in queue if of == source])
        }
    inbox.close()


def _rank(group: list[Call], one: Call) -> int:
    """Calls put together are kept by source, the source that came first first."""
    sources = list(dict.fromkeys(c.source for c in group))
    return sources.index(one.source)
