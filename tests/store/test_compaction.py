"""Compaction changes no answer: the same events, volumes and streams, from fewer files; on both databases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from cxminute.model.tables import MOMENT, REJECT
from cxminute.model.times import DAY, HOUR
from cxminute.store.arrivals import Arrival, Arrivals
from cxminute.store.compaction import compact
from cxminute.store.index import extend, open_index
from cxminute.store.log import Chunk, Declared, EventLog, FileId
from cxminute.store.state import open_state, state_url
from tests.store.vaults import log_in

NOON = 20_000 * DAY + DAY // 2
PATHS = {"properties.colour", "properties.size"}
Item = tuple[int, str, object, float | None]
"""Of an event: whose, what, its colour (text, number or none), its size."""


def arrival(items: Sequence[Item], first: int, upto: int, *, naming: bool = True, source: str = "web") -> Arrival:
    """Events; where paths are not named, they are left over, as of a source that does not declare them."""
    columns: dict[str, Any] = {
        "id": pa.array([f"{source}-{upto}-{first + k}" for k in range(len(items))], pa.string()),
        "source": pa.array([source] * len(items), pa.string()).dictionary_encode(),
        "position": pa.array(range(first, first + len(items)), pa.int64()),
        "kind": pa.array(["track"] * len(items), pa.string()).dictionary_encode(),
        "name": pa.array([item[1] for item in items], pa.string()).dictionary_encode(),
        "at": pa.array([NOON - (first + k) * 7 % 50 * 1_000 for k in range(len(items))], MOMENT),
        "digest": pa.array([first + k for k in range(len(items))], pa.uint64()),
        "profile": pa.array([item[0] for item in items], pa.int64()),
    }
    if any(item[0] > 3 for item in items):
        columns["order_id"] = pa.array([item[0] - 3 if item[0] > 3 else None for item in items], pa.int64())
    if naming:
        colours = [item[2] for item in items]
        if any(isinstance(colour, str) for colour in colours):
            columns["properties.colour"] = pa.array([None if c is None else str(c) for c in colours], pa.string())
        elif any(colour is not None for colour in colours):
            columns["properties.colour"] = pa.array(colours, pa.float64())
        if any(item[3] is not None for item in items):
            columns["properties.size"] = pa.array([item[3] for item in items], pa.float64())
        rest: list[Any] = [{"properties": {"other": item[1]}} if item[0] % 2 else None for item in items]
    else:
        rest = [{"properties": {"colour": item[2], "size": item[3], "deep": [{"a": item[0]}]}} for item in items]
    if any(rest):
        columns["rest"] = pa.array([None if said is None else json.dumps(said) for said in rest], pa.string())
    events = pa.table(columns)
    chunk = Chunk(events, events.select(["id", "profile"]), REJECT.empty_table(), len(items))
    return Arrival(source, chunk, np.full(len(items), NOON, np.int64), first, upto)


def arrive(arrivals: Arrivals, stretches: Sequence[Sequence[Item]], at: int = NOON, *, naming: bool = True) -> None:
    """Several stretches, each of its own commit."""
    for items in stretches:
        upto = arrivals.marks("box").get("web", 0) + 1
        told = arrival(items, arrivals.first("web", at), upto, naming=naming)
        arrivals.commit(told, PATHS if naming else (), at, "box")


def events_of(log: EventLog) -> list[str]:
    """Every event with all that it says, wherever it lies; values that are typed are not looked for in the rest."""
    duck = duckdb.connect()
    duck.execute("LOAD icu; SET TimeZone = 'UTC'")
    found = []
    for piece in log.pieces(PATHS):
        file = duck.read_parquet(str(piece.path))
        columns = file.columns
        shown = ", ".join(f'"{column}"::VARCHAR' if column != "rest" else "rest::JSON::VARCHAR" for column in columns)
        for row in file.project(shown).fetchall():
            said = {column: cell for column, cell in zip(columns, row, strict=True) if cell is not None}
            found.append(json.dumps(said, sort_keys=True))
    duck.close()
    return sorted(found)


def streams_of(log: EventLog, folder: Path, per: str, *, fresh: bool) -> list[object]:
    """What an index of the log tells: whole streams and the values of a path; extended, or made anew."""
    declared = {"web": Declared({"properties.colour": None, "properties.size": "number"})}
    pieces = log.pieces(PATHS, declared=declared)
    where = folder / ("fresh" if fresh else "kept") / per
    extend(pieces, per, where, log.codes())
    index = open_index(where, per, pieces)
    told: list[object] = [index.opens_at, index.closes_at]
    for bucket in index.buckets():
        streams = index.read(bucket)
        columns = [streams.column(path).to_pylist() for path in (*sorted(PATHS), "name")]
        events = list(zip(streams.times.tolist(), *columns, strict=True))
        for subject, (start, stop) in zip(streams.subjects.tolist(), pairwise(streams.offsets.tolist()), strict=True):
            if stop > start:  # a run may list a subject that has no event in it
                told.append([subject, *events[start:stop]])
    return told


def answers(log: EventLog, folder: Path, *, fresh: bool = False) -> list[object]:
    """All that is asked of a log."""
    volumes = sorted(json.dumps(row, sort_keys=True) for row in log.volumes({"web"}, None, None, None))
    return [volumes, log.bounds(), [streams_of(log, folder, per, fresh=fresh) for per in ("person", "order_id")]]


@pytest.fixture
def arrivals(tmp_path: Path, state: Engine) -> Arrivals:
    """The way into a log of its own."""
    return Arrivals(log_in(tmp_path, state), tmp_path, b"s" * 32)


def log_of(arrivals: Arrivals) -> EventLog:
    """The log that arrivals go into."""
    return arrivals._log  # noqa: SLF001 -- the other end of what is tested


SOME: list[Item] = [(1, "Painted", "red", 1.0), (5, "Sold", None, None), (2, "Painted", "blue", None)]


def test_small_segments_become_one_and_no_answer_changes(arrivals: Arrivals, tmp_path: Path) -> None:
    """Sixteen segments of about one size are one after it, with the same events, volumes and streams."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 15)
    assert compact(log, NOON) == 0
    arrive(arrivals, [SOME])
    before, events = answers(log, tmp_path), events_of(log)
    assert compact(log, NOON) == 1
    [piece] = log.pieces(PATHS)
    assert piece.rows == 48
    assert events_of(log) == events
    assert answers(log, tmp_path) == before
    assert answers(log, tmp_path, fresh=True) == before
    log.verify()
    assert json.loads((log.root / "manifest.json").read_bytes())["segments"][0]["rows"] == 48
    assert compact(log, NOON) == 0


def test_a_day_that_is_over_ends_in_few_segments(arrivals: Arrivals) -> None:
    """What is left of yesterday is merged, however little it is; today waits until it is worth it."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 3)
    arrive(arrivals, [SOME] * 3, NOON + DAY)
    assert compact(log, NOON + DAY) == 1
    assert [piece.rows for piece in log.pieces(PATHS)] == [3, 3, 3, 9]


def test_a_merge_makes_little_of_the_index_anew(arrivals: Arrivals, tmp_path: Path) -> None:
    """What compaction may still merge lies apart in the index: the run of all else is left alone by it."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 3)
    for _ in range(2):
        arrive(arrivals, [SOME] * 9, NOON + DAY)
        compact(log, NOON + DAY)
        streams_of(log, tmp_path, "person", fresh=False)
    folder = tmp_path / "kept" / "person"
    base, *_ = json.loads((folder / "index.json").read_bytes())["runs"]
    assert json.loads((folder / base / "run.json").read_bytes())["pieces"] == [
        piece.key for piece in log.pieces(PATHS) if not piece.passing
    ]
    for _ in range(6):
        arrive(arrivals, [SOME] * 9, NOON + DAY)
        compact(log, NOON + DAY)
        expected = streams_of(log, tmp_path, "person", fresh=True)
        assert streams_of(log, tmp_path, "person", fresh=False) == expected
        same, *others = json.loads((folder / "index.json").read_bytes())["runs"]
        assert same == base
        assert len(others) <= 5


def test_large_segments_are_left_as_they_are(arrivals: Arrivals) -> None:
    """A merge ends where a segment is large enough, and such a segment is not written again."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 16)
    assert compact(log, NOON, rows=9) == 5
    assert sorted(piece.rows for piece in log.pieces(PATHS)) == [3, 9, 9, 9, 9, 9]
    assert compact(log, NOON, rows=9) == 0


def test_replaced_files_stay_for_readers_and_go_after_an_hour(arrivals: Arrivals) -> None:
    """Who opened the log before a merge can still read what it names, for an hour."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 16)
    before = [piece.path for piece in log.pieces(PATHS)]
    compact(log, NOON)
    assert all(path.exists() for path in before)
    compact(log, NOON + HOUR)
    assert all(path.exists() for path in before)
    compact(log, NOON + HOUR + 1)
    assert not any(path.exists() for path in before)
    log.verify()


def test_a_merged_day_is_taken_back_whole(arrivals: Arrivals) -> None:
    """A collect's events lie in segments of that collect alone: undoing it leaves nothing, and forgets its ids."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 16)
    compact(log, NOON)
    [told] = log.collects()
    assert told.counts.added == 48
    log.undo(told.id, NOON)
    assert log.pieces(PATHS) == []
    arrive(arrivals, [SOME])
    assert [piece.rows for piece in log.pieces(PATHS)] == [3]


def test_files_that_were_collected_are_left_alone(arrivals: Arrivals) -> None:
    """Compaction is for what came through the door: a file's segments keep the content that they are known by."""
    log = log_of(arrivals)
    for number in range(20):
        told = log.begin("shop", FileId(f"{number}.csv", f"{number}"), NOON)
        chunk = arrival(SOME, 3 * number, 1, source="shop").chunk
        log.append(told, 0, chunk, PATHS)
        log.finish(told, NOON)
    assert compact(log, NOON + 2 * DAY) == 0


def test_a_path_that_was_named_between_two_segments_loses_no_value(arrivals: Arrivals, tmp_path: Path) -> None:
    """Where one segment has a path typed and another has it left over, they stay apart, and both are read."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 8, naming=False)
    arrive(arrivals, [SOME] * 8)
    before = answers(log, tmp_path)
    assert compact(log, NOON) == 2
    assert [piece.rows for piece in log.pieces(PATHS)] == [24, 24]
    assert answers(log, tmp_path) == before
    assert answers(log, tmp_path, fresh=True) == before
    assert compact(log, NOON + DAY) == 0
    assert compact(log, NOON + DAY) == 0


def test_a_reader_that_names_a_path_meanwhile_fails_no_merge(arrivals: Arrivals, database: str) -> None:
    """What a reader notes of a segment comes before the merge, or after it, when the segment is gone: never between."""
    log, state, read = log_of(arrivals), open_state(database), list[int]()
    arrive(arrivals, [SOME] * 16, naming=False)
    reader = Thread(target=lambda: read.extend(p.rows for p in EventLog(log.root, state).pieces(PATHS)))

    def meanwhile(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("DELETE FROM sides") and not read:
            reader.start()
            reader.join(0.7)  # time enough to note a path, where nothing holds it up

    event.listen(log.state, "after_cursor_execute", meanwhile)
    assert compact(log, NOON) == 1
    reader.join(30)
    state.dispose()
    assert read == [48]


def test_a_collect_of_files_after_a_merge_still_knows_the_events(arrivals: Arrivals) -> None:
    """What a merge made of a source's events is what a later collect of that source is compared with."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 16)
    compact(log, NOON)
    told = log.begin("web", FileId("export.csv", "x"), NOON)
    counts = log.append(told, 0, arrival(SOME, 0, 1).chunk, PATHS)
    assert (counts.added, counts.repeated) == (0, 3)


def test_receipts_are_merged_and_forgotten_in_time(arrivals: Arrivals, state: Engine) -> None:
    """Runs of receipts become few; those of which every day is past go, and so do their files after an hour."""
    log = log_of(arrivals)
    arrive(arrivals, [SOME] * 9)
    with state.connect() as connection:
        assert (connection.execute(text("SELECT sum(rows) FROM receipts")).scalar() or 0) == 27
        assert (connection.execute(text("SELECT count(*) FROM receipts")).scalar() or 0) <= 3
    late = NOON + 40 * DAY
    told = arrival(SOME, 0, 99)
    told = Arrival("web", told.chunk, np.full(3, late, np.int64), 0, 99)
    arrivals.commit(told, PATHS, late, "box")
    compact(log, late, most=99)
    with state.connect() as connection:
        assert connection.execute(text("SELECT sum(rows) FROM receipts")).scalar() == 3
    compact(log, late + HOUR + 1, most=99)
    assert len(list(arrivals.receipts.folder.glob("*"))) == 1


colours = st.one_of(st.none(), st.sampled_from(["red", "blue", "7"]), st.sampled_from([1.0, 2.5]))
items = st.tuples(
    st.integers(0, 6), st.sampled_from(["Painted", "Sold"]), colours, st.one_of(st.none(), st.sampled_from([1.0, 2.0]))
)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a smaller example takes minutes to find, and tells no more
)
@given(
    st.lists(st.tuples(st.lists(items, min_size=1, max_size=3), st.booleans(), st.booleans()), min_size=1, max_size=6)
)
def test_compaction_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory, stretches: list[tuple[list[Item], bool, bool]]
) -> None:
    """Whatever came, named or left over, merged now or later or never: every answer is the same."""
    logs = []
    for name in ("merged", "plain"):
        folder = tmp_path_factory.mktemp(name)
        state = open_state(state_url(folder))
        arrivals = Arrivals(log_in(folder, state), folder, b"s" * 32)
        log = log_of(arrivals)
        for some, naming, merging in stretches:
            arrive(arrivals, [some], naming=naming)
            if merging and name == "merged":
                streams_of(log, folder, "person", fresh=False)  # an index that holds what is merged then
                compact(log, NOON, fan=2)
        logs.append((log, folder, state))
    (merged, folder, first), (plain, other, second) = logs
    expected = answers(plain, other)
    assert answers(merged, folder) == expected
    while compact(merged, NOON + DAY, fan=2):
        merged.verify()
    assert answers(merged, folder) == expected
    first.dispose()
    second.dispose()
