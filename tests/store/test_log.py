"""The event log: repeated, corrected, removed, undone; as known then; the same content whichever way it came."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from cxminute.model.errors import BadData, BrokenStore, UnknownName, WrongUse
from cxminute.model.tables import MOMENT, REJECT
from cxminute.store.log import Chunk, Counts, Declared, EventLog, FileId, collecting
from cxminute.store.state import open_state, state_url
from tests.store.vaults import log_in

Row = tuple[str, int, str]


@pytest.fixture
def log(tmp_path: Path, state: Engine) -> EventLog:
    """A log of its own."""
    return log_in(tmp_path, state)


def chunk(rows: list[Row], first: int = 0) -> Chunk:
    """Events (id, at in ms, colour), each the only event of its row, in the order given."""
    events = pa.table(
        {
            "id": pa.array([f"{row[0]}#0" for row in rows], pa.string()),
            "source": pa.array(["shop"] * len(rows), pa.string()).dictionary_encode(),
            "position": pa.array(range(first, first + len(rows)), pa.int64()),
            "kind": pa.array(["track"] * len(rows), pa.string()).dictionary_encode(),
            "name": pa.array(["Painted"] * len(rows), pa.string()).dictionary_encode(),
            "at": pa.array([row[1] for row in rows], MOMENT),
            "digest": pa.array([hash(row) % 2**63 for row in rows], pa.uint64()),
            "profile": pa.array([row[1] % 3 for row in rows], pa.int64()),
            "properties.colour": pa.array([row[2] for row in rows], pa.string()),
            "properties.size": pa.array([float(row[1]) for row in rows], pa.float64()),
        }
    )
    personal = pa.table({"id": events["id"], "profile": events["profile"]})
    return Chunk(events, personal, REJECT.empty_table(), len(rows))


def collect(log: EventLog, chunks: list[Chunk], known_at: int = 1_000, file: str = "a") -> Counts:
    """One whole collect."""
    told = log.begin("shop", FileId(file, f"{file}{known_at}"), known_at)
    total = Counts()
    for part, piece in enumerate(chunks):
        total += log.append(told, part, piece, {"properties.colour"})
    log.finish(told, known_at)
    return total


def content(log: EventLog, known_at: int | None = None) -> dict[str, str]:
    """Which id shows which colour."""
    shown: dict[str, str] = {}
    for piece in log.pieces({"properties.colour"}, known_at):
        table = pq.read_table(piece.path, columns=["id", "properties.colour:text"])
        for row, (key, colour) in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True)):
            if row not in piece.dropped:
                assert key not in shown, "one event twice"
                shown[key.removesuffix("#0")] = colour
    return shown


def test_the_same_file_twice_adds_nothing(log: EventLog) -> None:
    """Collecting the same rows again leaves the log as it was."""
    rows = [("a", 1, "red"), ("b", 2, "blue")]
    assert collect(log, [chunk(rows)]) == Counts(rows=2, added=2)
    before = log.hashes()
    assert collect(log, [chunk(rows)], 2_000) == Counts(rows=2, repeated=2)
    assert log.hashes() == before


def test_a_changed_row_is_a_correction(log: EventLog) -> None:
    """The new value stands from when it was known; before that, the old one does."""
    collect(log, [chunk([("a", 1, "red"), ("b", 2, "blue")])], 1_000)
    assert collect(log, [chunk([("a", 1, "green"), ("b", 2, "blue")])], 2_000) == Counts(
        rows=2, corrected=1, repeated=1
    )
    assert content(log) == {"a": "green", "b": "blue"}
    assert content(log, 1_999) == {"a": "red", "b": "blue"}
    assert log.corrected_since(1_999)
    assert not log.corrected_since(2_000)


def test_the_last_of_a_key_told_twice_in_one_file_stands(log: EventLog) -> None:
    """A row key that comes again further down replaces what it said before."""
    counts = collect(log, [chunk([("a", 1, "red"), ("a", 1, "red"), ("a", 1, "green")])])
    assert counts == Counts(rows=3, added=1, repeated=1, corrected=1)
    assert content(log) == {"a": "green"}


def test_undoing_a_collect_brings_back_what_it_replaced(log: EventLog) -> None:
    """What a collect added goes, what it corrected stands again; it cannot be undone twice."""
    collect(log, [chunk([("a", 1, "red")])], 1_000)
    collect(log, [chunk([("a", 1, "green"), ("b", 2, "blue")])], 2_000)
    log.undo(2, 3_000)
    assert content(log) == {"a": "red"}
    with pytest.raises(WrongUse):
        log.undo(2, 3_000)
    with pytest.raises(UnknownName):
        log.undo(9, 3_000)


def test_undoing_the_middle_of_three_versions_leaves_exactly_one(log: EventLog) -> None:
    """Whichever collect is undone, an event never stands twice and never vanishes."""
    for known_at, colour in ((1_000, "red"), (2_000, "green"), (3_000, "blue")):
        collect(log, [chunk([("a", 1, colour)])], known_at)
    log.undo(2, 4_000)
    assert content(log) == {"a": "blue"}
    log.undo(3, 5_000)
    assert content(log) == {"a": "red"}


def test_an_event_that_its_row_no_longer_tells_is_removed(log: EventLog) -> None:
    """A row told again without one of its events takes that event out of the log."""
    both = chunk([("a", 1, "red")])
    second = both.events.set_column(0, "id", pa.array(["a#1"]))
    told = Chunk(pa.concat_tables([both.events, second]), both.personal, both.rejects, 1)
    collect(log, [told], 1_000)
    assert collect(log, [chunk([("a", 1, "red")])], 2_000) == Counts(rows=1, repeated=1, removed=1)
    assert content(log) == {"a": "red"}


def test_removal_does_not_depend_on_the_other_rows(log: EventLog) -> None:
    """An event that its row no longer tells goes, whether or not another row of the chunk was known before."""
    first = chunk([("a", 1, "red"), ("b", 2, "blue")])
    collect(log, [first], 1_000)
    told = chunk([("a", 1, "red")])
    other = told.events.set_column(0, "id", pa.array(["a#1"]))
    counts = collect(log, [Chunk(other, told.personal, told.rejects, 1)], 2_000)
    assert (counts.added, counts.removed) == (1, 1)


def test_a_segment_that_was_never_committed_is_nobodys_loss(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between file and commit leaves a file behind; the log opens, and collects the rows again."""
    told = log.begin("shop", FileId("a", "x"), 1_000)
    with monkeypatch.context() as broken:
        broken.setattr(EventLog, "_commit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log.append(told, 0, chunk([("a", 1, "red")]), ())
    assert list(log.root.rglob("*.parquet"))
    log.verify()
    assert log.append(log.begin("shop", FileId("a", "x"), 2_000), 0, chunk([("a", 1, "red")]), ()).added == 1
    log.verify()


def test_a_failed_commit_is_not_taken_for_done(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a chunk could not be committed, the same rows are new to the same process."""
    told = log.begin("shop", FileId("a", "x"), 1_000)
    with monkeypatch.context() as broken:
        broken.setattr(EventLog, "_commit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log.append(told, 0, chunk([("a", 1, "red")]), ())
    again = log.begin("shop", FileId("a", "x"), 2_000)
    assert log.append(again, 0, chunk([("a", 1, "red")]), ()).added == 1


def test_a_value_that_flips_back_and_forth_can_be_read(log: EventLog) -> None:
    """Segments that hold the same to the byte are different segments."""
    for number in range(6):
        collect(log, [chunk([("a", 1, "red" if number % 2 else "blue")])], (number + 1) * 1_000)
    pieces = log.pieces({"properties.colour"})
    assert len({piece.key for piece in pieces}) == len(pieces) == 6
    assert content(log) == {"a": "red"}


def test_the_end_of_the_log_leaves_out_what_was_corrected(log: EventLog) -> None:
    """A wrong date far ahead, once corrected, does not hold the log open."""
    collect(log, [chunk([("a", 1, "red"), ("b", 10**13, "blue")])], 1_000)
    collect(log, [chunk([("a", 1, "red"), ("b", 2, "blue")])], 2_000)
    assert log.bounds() == (1, 2)


def test_more_names_than_the_index_can_hold_are_refused(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that holds an id is told before the log is full of names, and nothing of the chunk is kept."""
    monkeypatch.setattr("cxminute.store.manifest.NAMES_AT_MOST", 0)
    with pytest.raises(BadData, match="names of events"):
        collect(log, [chunk([("a", 1, "red")])])
    assert log.hashes() == []


def test_a_killed_collect_goes_on_where_it_stopped(log: EventLog, state: Engine, tmp_path: Path) -> None:
    """What was committed is not collected again, and the log is the one of a collect that was never killed."""
    parts = [chunk([("a", 1, "red"), ("b", 2, "blue")]), chunk([("c", 3, "red")], 2)]
    told = log.begin("shop", FileId("file", "digest"), 1_000)
    log.append(told, 0, parts[0], {"properties.colour"})
    again = log_in(tmp_path, state)
    resumed = again.begin("shop", FileId("file", "digest"), 5_000)
    assert (resumed.id, resumed.parts, resumed.known_at) == (told.id, 1, 1_000)
    again.append(resumed, 1, parts[1], {"properties.colour"})
    again.finish(resumed, 6_000)
    other = log_in(tmp_path / "other", open_state(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    collect(other, parts)
    assert again.hashes() == other.hashes()


def test_a_path_named_later_is_back_filled_once(log: EventLog) -> None:
    """What no definition named lies in the VARIANT, and is a typed column of a side file once one names it."""
    collect(log, [chunk([("a", 1, "red"), ("b", 2, "blue")])])
    [piece] = log.pieces({"properties.size", "properties.never"})
    [side] = piece.sides
    assert pq.read_table(side).to_pydict() == {"properties.size:number": [1.0, 2.0]}
    assert log.pieces({"properties.size"})[0].sides == (side,)


def test_a_path_declared_later_is_read_as_what_it_is_declared_to_be(log: EventLog) -> None:
    """Text in what was left over becomes the time or number that a mapping now calls it; what cannot, stays text."""
    told = chunk([("a", 1, "red"), ("b", 2, "red"), ("c", 3, "red"), ("d", 4, "red")])
    due = ["2026-01-01T10:00:00+01:00", "2026-07-01T10:00", "soon", None]
    rest = [json.dumps({"properties": {"due": cell, "size": "7"}}) for cell in due]
    events = told.events.drop_columns(["properties.size"]).append_column("rest", pa.array(rest))
    collect(log, [Chunk(events, told.personal, told.rejects, 4)])
    types = {"properties.due": "time", "properties.size": "number"}
    [piece] = log.pieces(set(types), None, {"shop": Declared(types, "Europe/London")})
    columns = {name: column for side in piece.sides for name, column in pq.read_table(side).to_pydict().items()}
    order = pq.read_table(piece.path, columns=["id"])["id"].to_pylist()
    times = dict(zip(order, columns["properties.due:time"], strict=True))
    assert {key: time and time.isoformat() for key, time in times.items()} == {
        "a#0": "2026-01-01T09:00:00+00:00", "b#0": "2026-07-01T09:00:00+00:00", "c#0": None, "d#0": None,
    }  # fmt: skip
    assert dict(zip(order, columns["properties.due:text"], strict=True))["c#0"] == "soon"
    assert columns["properties.size:number"] == [7.0] * 4


def test_outside_readers_see_the_log(log: EventLog) -> None:
    """DuckDB reads the segments that the published manifest names as they stand, the VARIANT included."""
    collect(log, [chunk([("a", 1, "red")])])
    manifest = json.loads((log.root / "manifest.json").read_text())
    [entry] = manifest["segments"]
    assert entry["rows"] == 1
    file = (log.root / entry["file"]).as_posix()
    query = f"SELECT id, \"properties.colour:text\", rest.properties.size::DOUBLE FROM read_parquet('{file}')"  # noqa: S608 -- our own file
    assert duckdb.execute(query).fetchall() == [("a#0", "red", 1.0)]


def test_damage_is_found(log: EventLog) -> None:
    """A segment whose bytes changed, or that is gone, is named."""
    collect(log, [chunk([("a", 1, "red")])])
    log.verify()
    [segment] = (log.root / "shop").glob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    with pytest.raises(BrokenStore, match="damaged"):
        log.verify()
    segment.unlink()
    with pytest.raises(BrokenStore, match="missing"):
        log.verify()


def test_one_collect_at_a_time(tmp_path: Path) -> None:
    """A second collect in the same project is told to wait."""
    with collecting(tmp_path), pytest.raises(BrokenStore, match="Another collect"), collecting(tmp_path):
        pass


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3), st.sampled_from(["red", "blue"])), max_size=6),
        min_size=1,
        max_size=4,
    ),
    st.data(),
)
def test_the_log_shows_the_last_told_version_of_every_event(
    tmp_path_factory: pytest.TempPathFactory, told: list[list[Row]], data: st.DataObject
) -> None:
    """Whatever was collected and undone in whatever order, each event stands once, as last told by what stands."""
    folder = tmp_path_factory.mktemp("log")
    log = log_in(folder, open_state(state_url(folder)))
    for number, rows in enumerate(told, start=1):
        collect(log, [chunk(rows)] if rows else [], number * 1_000, str(number))
    undone = data.draw(st.integers(0, len(told)))
    for number in range(len(told), len(told) - undone, -1):
        log.undo(number, 99_000)
    expected = {row[0]: row[2] for rows in told[: len(told) - undone] for row in rows}
    assert content(log) == expected
