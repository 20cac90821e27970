"""Arrivals: exactly once, whatever is repeated, killed or taken back; the balance adds up; on both databases."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cxminute.model.errors import BrokenStore, WrongUse
from cxminute.model.times import DAY, MINUTE
from cxminute.store.arrivals import Arrival, Arrivals, Became
from cxminute.store.log import Chunk, EventLog
from cxminute.store.state import open_state, state_url
from tests.store.arriving import NOON, PATHS, SECRET, arrival, content
from tests.store.vaults import log_in, personal_of


@pytest.fixture
def arrivals(tmp_path: Path, state: Engine) -> Arrivals:
    """The way into a log of its own."""
    return open_arrivals(tmp_path, state)


def open_arrivals(folder: Path, state: Engine) -> Arrivals:
    """The way into the log of a folder."""
    return Arrivals(log_in(folder, state), folder, SECRET)


def log_of(arrivals: Arrivals) -> EventLog:
    """The log that arrivals go into."""
    return arrivals._log  # noqa: SLF001 -- the other end of what is tested


def commit(arrivals: Arrivals, what: Arrival, at: int = NOON) -> Became:
    """Into the log, from an inbox called 'box'."""
    return arrivals.commit(what, PATHS, at, "box")


def test_an_arrival_is_in_the_log_with_its_counts(arrivals: Arrivals) -> None:
    """New events are stored, repeated ones counted, bad ones set apart; the balance says so for minute and source."""
    became = commit(arrivals, arrival(["a", "b", "a", None]))
    assert became == Became(stored=2, duplicate=1, quarantined=1)
    assert content(log_of(arrivals)) == {"a": 0.0, "b": 1.0}
    [minute] = arrivals.balance()
    assert (minute.minute, minute.source) == (NOON, "web")
    assert (minute.received, minute.stored, minute.duplicate, minute.quarantined) == (4, 2, 1, 1)
    assert log_of(arrivals).rejects()["row"].to_pylist() == ["item 3"]
    assert arrivals.first("web", NOON) == 4
    assert arrivals.first("web", NOON + DAY) == 0
    assert arrivals.marks("box") == {"web": 1}


def test_the_same_arrival_again_changes_nothing(arrivals: Arrivals) -> None:
    """A stretch that the mark covers was committed: what a killed worker does again counts nothing twice."""
    commit(arrivals, arrival(["a", "b", None]))
    before = log_of(arrivals).hashes(), arrivals.balance()
    assert commit(arrivals, arrival(["a", "b", None])) == Became()
    assert (log_of(arrivals).hashes(), arrivals.balance()) == before


def test_marks_of_another_inbox_do_not_count(arrivals: Arrivals) -> None:
    """An inbox that was lost and begun anew numbers its calls from 1: what it holds is taken in."""
    commit(arrivals, arrival(["a"], upto=9))
    arrivals.commit(arrival(["b"], first=1, upto=1), PATHS, NOON, "another")
    assert set(content(log_of(arrivals))) == {"a", "b"}
    assert (arrivals.marks("box"), arrivals.marks("another")) == ({"web": 9}, {"web": 1})


def test_two_sources_may_use_the_same_message_ids(arrivals: Arrivals, state: Engine) -> None:
    """An id is known within its source: another source's event of that id is another event."""
    assert commit(arrivals, arrival(["a"])).stored == 1
    assert commit(arrivals, arrival(["a"], source="shop")).stored == 1
    with state.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM segments")).scalar() == 2


def test_personal_values_are_kept_of_what_is_stored_and_of_nothing_else(arrivals: Arrivals) -> None:
    """A repeated item brings no second copy of what is personal, and the first one's stands."""
    commit(arrivals, arrival(["a", "b", "a", "a"]))
    commit(arrivals, arrival(["b", "c"], first=4, upto=2))
    assert personal_of(log_of(arrivals)) == [
        ("a", {"traits.mail": "0@example.com"}),
        ("b", {"traits.mail": "1@example.com"}),
        ("c", {"traits.mail": "5@example.com"}),
    ]


@pytest.mark.parametrize(("later", "stored"), [(0, 0), (30, 0), (31, 1)])
def test_a_message_id_is_known_for_thirty_days(arrivals: Arrivals, later: int, stored: int) -> None:
    """An id received thirty days before is a repeat; after that it is new again."""
    commit(arrivals, arrival(["a"], received=NOON))
    then = NOON + later * DAY
    assert commit(arrivals, arrival(["a"], upto=2, received=then), then).stored == stored


def test_a_day_taken_back_is_taken_in_again(arrivals: Arrivals) -> None:
    """Undoing what came through the door forgets its message ids: who sends it again is not told that it is there."""
    log = log_of(arrivals)
    commit(arrivals, arrival(["a", "b", None]))
    commit(arrivals, arrival(["x"], received=NOON + DAY, upto=2), NOON + DAY)
    [first, second] = log.collects()
    assert (first.file, second.file) == ("door 2024-10-04", "door 2024-10-05")
    log.undo(first.id, NOON + DAY)
    assert set(content(log)) == {"x"}
    assert [minute.received for minute in arrivals.balance()] == [1]
    again = arrival(["a", "x", "c"], first=1, upto=3, received=NOON + DAY)
    assert commit(arrivals, again, NOON + DAY) == Became(stored=2, duplicate=1)
    assert set(content(log)) == {"a", "c", "x"}
    assert arrivals.first("web", NOON) == 0


def test_what_is_mended_moves_from_quarantine_to_the_log(arrivals: Arrivals) -> None:
    """A replay leaves what was received as it was, and says in its minute what became of the item after all."""
    log = log_of(arrivals)
    commit(arrivals, arrival([None, "b", None, None]))
    numbers = tuple(log.rejects()["number"].to_pylist())
    later = NOON + DAY
    became = commit(arrivals, arrival(["a", "b", None], upto=None, replayed=numbers), later)
    assert became == Became(stored=1, duplicate=1, quarantined=1)
    [minute] = arrivals.balance()
    assert (minute.received, minute.stored, minute.duplicate, minute.quarantined) == (4, 2, 1, 1)
    assert log.rejects().num_rows == 1
    log.undo(log.collects()[-1].id, later)
    assert log.rejects().num_rows == 3
    [minute] = arrivals.balance()
    assert (minute.received, minute.stored, minute.duplicate, minute.quarantined) == (4, 1, 0, 3)
    commit(arrivals, arrival(["a"], upto=None, replayed=numbers[:1]), later)
    log.undo(log.collects()[0].id, later)
    assert content(log) == {}


def test_a_replay_is_of_one_collect(arrivals: Arrivals) -> None:
    """Rows of two days are replayed apart, so that each can be taken back with its day."""
    commit(arrivals, arrival([None]))
    commit(arrivals, arrival([None], upto=2), NOON + DAY)
    numbers = tuple(log_of(arrivals).rejects()["number"].to_pylist())
    with pytest.raises(WrongUse, match="2 collects"):
        commit(arrivals, arrival(["a", "b"], upto=None, replayed=numbers))


def test_an_event_with_a_name_too_many_is_set_apart_and_stops_nobody(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When names run out, events with a new one go to quarantine, whole; those with a known one go on."""
    commit(arrivals, arrival(["a"], name="Known"))
    monkeypatch.setattr("cxminute.store.manifest.NAMES_AT_MOST", 1)
    both = arrival(["b", "c", "a"], first=1, upto=2, name="Known")
    words = pa.array(["Known", "New", "Known"]).dictionary_encode()
    events = both.chunk.events.set_column(4, "name", words)
    chunk = Chunk(events, both.chunk.personal, both.chunk.rejects, 3)
    lines = ['{"b": 1}', '{"c": 1}', '{"a": 1}']
    became = commit(arrivals, Arrival("web", chunk, both.received, 1, 2, lines))
    assert became == Became(stored=1, duplicate=1, quarantined=1)
    held = log_of(arrivals).rejects()
    assert (held["reason"].to_pylist(), held["row"].to_pylist()) == (["too_many_names"], ['{"c": 1}'])
    assert held["position"].to_pylist() == [2]
    monkeypatch.undo()
    numbers = tuple(held["number"].to_pylist())
    assert commit(arrivals, arrival(["c"], upto=None, name="New", replayed=numbers)).stored == 1


def test_the_balance_can_be_asked_for_a_span_and_a_source(arrivals: Arrivals) -> None:
    """Minutes begin at their first millisecond; the end of a span is not in it."""
    times = [NOON, NOON + MINUTE - 1, NOON + MINUTE]
    commit(arrivals, arrival(["a", "b", "c"], received=times))
    commit(arrivals, arrival(["a"], source="shop"))
    told = [(m.minute - NOON, m.source, m.received) for m in arrivals.balance()]
    assert told == [(0, "shop", 1), (0, "web", 2), (MINUTE, "web", 1)]
    assert [m.received for m in arrivals.balance(NOON, NOON + MINUTE, "web")] == [2]
    assert arrivals.balance(NOON + 1, NOON + MINUTE) == []


def test_a_full_disk_commits_nothing_and_can_be_tried_again(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be written is the disk's fault: nothing counts, and the same goes in when there is space."""

    def full(name: str) -> None:
        raise OSError(28, name)

    with monkeypatch.context() as broken:
        broken.setattr("cxminute.store.segments.failpoints.at", full)
        with pytest.raises(BrokenStore, match="cannot be written"):
            commit(arrivals, arrival(["a"]))
    assert (arrivals.marks("box"), arrivals.balance(), content(log_of(arrivals))) == ({}, [], {})
    assert commit(arrivals, arrival(["a"])).stored == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 45),
            st.sampled_from(["web", "shop"]),
            st.lists(st.one_of(st.none(), st.sampled_from("abcdefgh")), min_size=1, max_size=9),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_log_holds_what_a_plain_memory_would_let_in(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[int, str, list[str | None]]]
) -> None:
    """In any order, with any repeats, over borders of days and past thirty of them: each id once, as a set says it."""
    folder = tmp_path_factory.mktemp("arrivals")
    state = open_state(state_url(folder))
    memory: dict[tuple[str, str], int] = {}
    stored = duplicate = apart = 0
    for number, (day, source, ids) in enumerate(sorted(sent, key=lambda some: some[0]), start=1):
        arrivals = open_arrivals(folder, state)  # begun anew each time: nothing lives in memory alone
        at = NOON + day * DAY
        arrivals.receipts.folder.mkdir(exist_ok=True)
        expected = Became()
        for word in ids:
            if word is None:
                expected = Became(expected.stored, expected.duplicate, expected.quarantined + 1)
            elif memory.get((source, word), -99) >= day - 30:
                expected = Became(expected.stored, expected.duplicate + 1, expected.quarantined)
            else:
                memory[source, word] = day
                expected = Became(expected.stored + 1, expected.duplicate, expected.quarantined)
        told = arrival(ids, arrivals.first(source, at), number, received=at, source=source)
        assert commit(arrivals, told, at) == expected
        stored, duplicate = stored + expected.stored, duplicate + expected.duplicate
        apart += expected.quarantined
    balance = open_arrivals(folder, state).balance()
    assert sum(m.stored for m in balance) == stored
    assert sum(m.duplicate for m in balance) == duplicate
    assert all(m.received == m.stored + m.duplicate + m.quarantined for m in balance)
    assert sum(piece.rows for piece in open_arrivals(folder, state)._log.pieces(())) == stored  # noqa: SLF001 -- its log
    state.dispose()
