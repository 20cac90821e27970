"""The journey index: what a segment gives, what a permit hides, what an extension keeps, what a broken file says."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxminute.model.errors import BadData, BrokenStore, UnknownName
from cxminute.model.steps import Comparison, Step
from cxminute.model.tables import MOMENT, WORD
from cxminute.store import arrays
from cxminute.store.index import Index, Piece, build, extend, in_memory, open_index
from tests.oracles.index_reference import CODES, Noted, expected, segment, told

EVENTS = [
    Noted(0, "shop", 0, "A", 10, 1, None),
    Noted(1, "shop", 1, "B", 20, 1, 7),
    Noted(2, "shop", 2, "A", 30, 2, 7),
    Noted(3, "desk", 0, "A", 15, 1, None),
    Noted(4, "desk", 1, "C", 40, 3, 9),
]


def _pieces(folder: Path) -> list[Piece]:
    return [
        segment(folder / f"{source}.parquet", [e for e in EVENTS if e.source == source]) for source in ("desk", "shop")
    ]


def _index(folder: Path, space: str = "person", **how: object) -> Index:
    pieces = _pieces(folder)
    build(pieces, space, folder / "index", CODES)
    return open_index(folder / "index", space, pieces, **how)  # type: ignore[arg-type]  # handed on as they are


def _all(index: Index) -> list[str | float | bool | datetime | None]:
    """Values of `properties.p`, all buckets one after the other."""
    return [v for bucket in index.buckets() for v in index.read(bucket).column("properties.p").to_pylist()]


def _runs(folder: Path) -> set[str]:
    return {run.name for run in folder.glob("run-*")}


def test_a_step_matches_its_name_in_every_source(tmp_path: Path) -> None:
    """An event's name means the same step whichever source tells of it; a name never seen matches nothing."""
    index = _index(tmp_path)
    streams = index.read(index.buckets()[0])
    assert streams.subjects.tolist() == [0, 1, 2, 3]
    assert streams.offsets.tolist() == [0, 0, 3, 4, 5]
    assert streams.times.tolist() == [10, 15, 20, 30, 40]
    assert streams.matches(Step("A")).tolist() == [True, True, False, True, False]
    assert not streams.matches(Step("a")).any()
    assert streams.column("name").to_pylist() == ["A", "A", "B", "A", "C"]
    assert streams.column("source").to_pylist() == ["shop", "desk", "shop", "shop", "desk"]


def test_a_step_asks_its_condition(tmp_path: Path) -> None:
    """A step with a condition matches those of its events that meet it, and an event without the value does not."""
    index = _index(tmp_path)
    streams = index.read(index.buckets()[0])
    some = Step("A", Comparison("properties.mark", ">", (1.0,)))
    assert streams.matches(some).tolist() == [False, True, False, True, False]
    assert streams.matches(some) is streams.matches(Step("A", Comparison("properties.mark", ">", (1.0,))))
    worded = Step("A", Comparison("properties.word", "=", ("w2",)))
    assert streams.matches(worded).tolist() == [False, False, False, True, False]
    assert not streams.matches(Step("A", Comparison("properties.never", "=", ("w2",)))).any()
    assert streams.matches(Step("A", Comparison("source", "=", ("desk",)))).tolist() == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_what_a_permit_does_not_cover_matches_nothing(tmp_path: Path) -> None:
    """Events of a source that the permit does not cover stay in the streams, match no step and show no value."""
    index = _index(tmp_path, sources=frozenset({"shop"}))
    streams = index.read(index.buckets()[0])
    assert streams.times.tolist() == [10, 15, 20, 30, 40]
    assert streams.matches(Step("A")).tolist() == [True, False, False, True, False]
    assert not streams.matches(Step("C")).any()
    assert streams.column("properties.mark").to_pylist() == [0.0, None, 1.0, 2.0, None]
    assert streams.column("source").to_pylist() == ["shop", None, "shop", "shop", None]


def test_another_kind_of_subject_has_its_own_streams(tmp_path: Path) -> None:
    """By order, an order's events make its stream, and events without an order are left out; the log's span stays."""
    index = _index(tmp_path, "order_id")
    assert told(index) == {7: [1, 2], 9: [4]}
    assert (index.per, index.opens_at, index.closes_at) == ("order_id", 10, 40)
    kindless = open_index_of(tmp_path, "ticket_id")
    assert list(kindless.buckets()) == []
    assert (kindless.opens_at, kindless.closes_at) == (10, 40)


def open_index_of(folder: Path, space: str) -> Index:
    """The index of a space that no segment has a column for."""
    pieces = _pieces(folder)
    build(pieces, space, folder / space, CODES)
    return open_index(folder / space, space, pieces)


def test_an_empty_log_has_no_buckets(tmp_path: Path) -> None:
    """An index of nothing opens, has no bucket, and begins and closes at 0."""
    build([], "person", tmp_path / "index", CODES)
    index = open_index(tmp_path / "index", "person", [])
    assert (list(index.buckets()), index.opens_at, index.closes_at) == ([], 0, 0)
    build([segment(tmp_path / "none.parquet", [])], "person", tmp_path / "index", CODES)


def test_a_whole_run_is_read_as_it_lies(tmp_path: Path) -> None:
    """With one run and an open close, a bucket's times are the mapped file itself, not a copy of it."""
    index = _index(tmp_path)
    bucket = index.buckets()[0]
    assert np.shares_memory(index.read(bucket).times, index.read(bucket).times)
    assert not index.read(bucket).times.flags.writeable


def test_ten_bytes_an_event(tmp_path: Path) -> None:
    """The index takes at most twelve bytes an event where subjects have twenty events or more."""
    events = [Noted(i, "shop", i, "A", i, i % 500, None) for i in range(10_000)]
    build([segment(tmp_path / "a.parquet", events, groups=1000)], "person", tmp_path / "index", CODES)
    size = sum(file.stat().st_size for file in (tmp_path / "index").rglob("*.arrow"))
    assert 10 <= size / len(events) <= 12


def test_buckets_cover_all_and_are_about_equal(tmp_path: Path) -> None:
    """Buckets follow one another without gap or overlap; none is much larger than asked but for one large subject."""
    rows = np.random.default_rng(3).zipf(1.6, 3000) % 400
    events = [Noted(i, "shop", i, "A", i, int(subject), None) for i, subject in enumerate(rows)]
    for cuts in (1, 2):
        pieces = [segment(tmp_path / f"{cuts}-{k}.parquet", events[k::cuts], groups=500) for k in range(cuts)]
        build(pieces[:1], "person", tmp_path / f"{cuts}", CODES)
        extend(pieces, "person", tmp_path / f"{cuts}", CODES)
        index = open_index(tmp_path / f"{cuts}", "person", pieces, bucket=100)
        buckets = index.buckets()
        assert len(buckets) > 5
        assert all(low.stop == high.start for low, high in pairwise(buckets))
        sizes = [index.read(bucket).times.size for bucket in buckets]
        largest = np.bincount(rows).max()
        assert sum(sizes) == len(events)
        assert max(sizes) <= 100 + largest


def _typed(folder: Path, name: str, values: Sequence[object], kind: pa.DataType, word: str, source: str) -> Piece:
    count = len(values)
    table = pa.table(
        {
            "id": [f"{name}{i}" for i in range(count)],
            "source": pa.array([source] * count),
            "position": pa.array(range(count), pa.int64()),
            "name": ["A"] * count,
            "at": pa.array(range(count), pa.int64()).cast(MOMENT),
            "profile": pa.array([0] * count, pa.int64()),
            f"properties.p:{word}": pa.array(values, kind),
        }
    )
    pq.write_table(table, folder / f"{name}.parquet")
    return Piece(folder / f"{name}.parquet", count, source, np.empty(0, np.int64))


def test_a_path_keeps_its_type(tmp_path: Path) -> None:
    """A path of one type is given in it: numbers, flags, times, and texts by dictionary; without a value it is null."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    cases: list[tuple[str, list[object], pa.DataType, pa.DataType]] = [
        ("number", [1.5, None], pa.float64(), pa.float64()),
        ("text", ["a", None], pa.string(), WORD),
        ("flag", [True, None], pa.bool_(), pa.bool_()),
        ("time", [moment, None], MOMENT, MOMENT),
    ]
    for word, values, kind, wanted in cases:
        pieces = [
            _typed(tmp_path, word, values, kind, word, "desk"),
            _typed(tmp_path, f"{word}-2", [None], kind, word, "shop"),
        ]
        build(pieces, "person", tmp_path / f"i-{word}", CODES)
        index = open_index(tmp_path / f"i-{word}", "person", pieces)
        assert index.read(index.buckets()[0]).column("properties.p").type == wanted
        assert _all(index) == [values[0], None, None]


def test_a_path_of_several_types_is_text(tmp_path: Path) -> None:
    """Where one source says 12 and another 'twelve', all values are given as text, numbers without needless zeros."""
    moment = datetime(2024, 1, 1, 12, 30, tzinfo=UTC)
    pieces = [
        _typed(tmp_path, "a", [12.0, 0.5], pa.float64(), "number", "desk"),
        _typed(tmp_path, "b", ["twelve", None], pa.string(), "text", "shop"),
        _typed(tmp_path, "c", [True, False], pa.bool_(), "flag", "shop"),
        _typed(tmp_path, "d", [moment, None], MOMENT, "time", "shop"),
    ]
    build(pieces, "person", tmp_path / "index", CODES)
    index = open_index(tmp_path / "index", "person", pieces)
    assert sorted(str(v) for v in _all(index)) == sorted(
        ["12", "0.5", "twelve", "None", "true", "false", "2024-01-01T12:30:00.000Z", "None"]
    )


def test_a_path_named_later_is_read_from_its_side_files(tmp_path: Path) -> None:
    """A path that was back-filled after the index was built is read without building the index again."""
    pieces = _pieces(tmp_path)
    build(pieces, "person", tmp_path / "index", CODES)
    assert set(_all(open_index(tmp_path / "index", "person", pieces))) == {None}
    before = _runs(tmp_path / "index")
    sided = []
    for piece in pieces:
        marks = pq.read_table(piece.path, columns=["properties.mark:number"]).column(0)
        side = piece.path.with_suffix(".side.parquet")
        pq.write_table(pa.table({"properties.p:text": pa.array([f"late {m:.0f}" for m in marks.to_pylist()])}), side)
        sided.append(replace(piece, sides=(side,)))
    extend(sided, "person", tmp_path / "index", CODES)
    assert _runs(tmp_path / "index") == before
    assert _all(open_index(tmp_path / "index", "person", sided)) == ["late 0", "late 3", "late 1", "late 2", "late 4"]


def test_a_property_is_aligned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is brought into the run's order when first asked for, and from then on opened from its file."""
    told(_index(tmp_path))
    written = list((tmp_path / "index").rglob("column-*.arrow"))
    assert len(written) == 1

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("written a second time")

    monkeypatch.setattr(arrays, "write_array", refuse)
    monkeypatch.setattr("cxminute.store.columns.write_array", refuse)
    assert told(open_index(tmp_path / "index", "person", _pieces(tmp_path))) == expected(EVENTS, "person")


def test_new_segments_come_as_a_delta(tmp_path: Path) -> None:
    """A new segment leaves the base as it is; nothing new changes no file; a ninth delta makes all one run again."""
    index = tmp_path / "index"
    base = segment(tmp_path / "base.parquet", [Noted(i, "shop", i, "A", i, i % 3, None) for i in range(100)])
    pieces = [base]
    build(pieces, "person", index, CODES)
    before = _runs(index)
    extend(pieces, "person", index, CODES)
    assert _runs(index) == before
    events = [Noted(i, "shop", i, "A", i, i % 3, None) for i in range(100)]
    for k in range(9):
        events.append(Noted(200 + k, "desk", 0, "B", 50 - k, 1, None))
        pieces.append(segment(tmp_path / f"{k}.parquet", [events[-1]]))
        extend(pieces, "person", index, CODES)
        assert len(_runs(index)) == (k + 2 if k < 8 else 1)
        assert (before < _runs(index)) == (k < 8)
        assert told(open_index(index, "person", pieces)) == expected(events, "person")


def test_what_left_the_log_leaves_the_index(tmp_path: Path) -> None:
    """A row that was corrected, and a collect that was undone, are gone from the streams after the next extension."""
    pieces = _pieces(tmp_path)
    build(pieces, "person", tmp_path / "index", CODES)
    corrected = [replace(pieces[0], dropped=np.array([1])), pieces[1]]
    with pytest.raises(BrokenStore, match="Extend the index"):
        open_index(tmp_path / "index", "person", corrected)
    extend(corrected, "person", tmp_path / "index", CODES)
    index = open_index(tmp_path / "index", "person", corrected)
    assert told(index) == {1: [0, 3, 1], 2: [2]}
    assert index.closes_at == 30
    extend(pieces[1:], "person", tmp_path / "index", CODES)
    assert told(open_index(tmp_path / "index", "person", pieces[1:])) == {1: [0, 1], 2: [2]}


def test_ties_go_by_position_whoever_they_are_of(tmp_path: Path) -> None:
    """Events of one order at one time come by position in their file, though two people's, or of two collects."""
    events = [
        Noted(0, "shop", 5, "A", 1, 0, 7),
        Noted(1, "shop", 2, "B", 1, 1, 7),
        Noted(2, "shop", 9, "C", 1, 1, 7),
        Noted(3, "shop", 0, "C", 1, 0, 7),
    ]
    pieces = [segment(tmp_path / "first.parquet", events[:3])]
    build(pieces, "order_id", tmp_path / "index", CODES)
    assert told(open_index(tmp_path / "index", "order_id", pieces), known=events) == {7: [1, 0, 2]}
    pieces.append(segment(tmp_path / "second.parquet", events[3:]))
    extend(pieces, "order_id", tmp_path / "index", CODES)
    assert len(_runs(tmp_path / "index")) == 2
    assert told(open_index(tmp_path / "index", "order_id", pieces), known=events) == {7: [3, 1, 0, 2]}


def test_a_failed_build_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    """A name without a code stops the build, and readers still find the index that was there; leavings are swept."""
    pieces = _pieces(tmp_path)
    build(pieces, "person", tmp_path / "index", CODES)
    with pytest.raises(BrokenStore, match=r"source 'desk' in desk.parquet has no code"):
        build(pieces, "person", tmp_path / "index", {})
    assert told(open_index(tmp_path / "index", "person", pieces)) == expected(EVENTS, "person")
    (tmp_path / "index" / ".killed").mkdir()
    (tmp_path / "index" / ".torn").touch()
    build(pieces, "person", tmp_path / "index", CODES)
    assert sorted(p.name[:4] for p in (tmp_path / "index").iterdir()) == ["inde", "run-", "writ"]


def test_who_opened_the_index_before_reads_on(tmp_path: Path) -> None:
    """An index that is open while another command replaces it goes on reading what it opened, properties included."""
    pieces = _pieces(tmp_path)
    build(pieces, "person", tmp_path / "index", CODES)
    early = open_index(tmp_path / "index", "person", pieces)
    build(pieces[:1], "person", tmp_path / "index", CODES)
    assert told(early) == expected(EVENTS, "person")
    assert list((tmp_path / "index").rglob("column-*.arrow")) == []


def test_two_that_extend_at_once_wait_for_one_another(tmp_path: Path) -> None:
    """Commands that bring the index up to the log at the same time all succeed, and leave one whole index."""
    pieces = _pieces(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        wanted = [pieces[:1], pieces, pieces[1:], pieces] * 3
        for done in [pool.submit(extend, some, "person", tmp_path / "index", CODES) for some in wanted]:
            done.result()
    extend(pieces, "person", tmp_path / "index", CODES)
    assert told(open_index(tmp_path / "index", "person", pieces)) == expected(EVENTS, "person")


def test_a_damaged_store_is_said_to_be(tmp_path: Path) -> None:
    """A torn file, a newer version, a segment of other length, an index of another space: each is told."""
    pieces = _pieces(tmp_path)
    folder = tmp_path / "index"
    build(pieces, "person", folder, CODES)
    with pytest.raises(BrokenStore, match="is of 'person', not of 'order_id'"):
        open_index(folder, "order_id", pieces)
    with pytest.raises(BrokenStore, match="has 2 rows where the log says 3"):
        build([replace(pieces[0], rows=3)], "person", folder, CODES)
    times = next(folder.rglob("times.arrow"))
    times.write_bytes(times.read_bytes()[:50])
    with pytest.raises(BrokenStore, match=r"times.arrow cannot be opened"):
        open_index(folder, "person", pieces)
    (folder / "index.json").write_text('{"version": 99}')
    with pytest.raises(BrokenStore, match=r"newer version \(99\)"):
        open_index(folder, "person", pieces)
    (folder / "index.json").write_text("{")
    with pytest.raises(BrokenStore, match=r"index.json cannot be read"):
        open_index(folder, "person", pieces)


def test_a_table_of_any_make_is_read(tmp_path: Path) -> None:
    """Times of any unit, whole numbers, plain or dictionary texts and times as properties are read from a table."""
    table = pa.table(
        {
            "subject": pa.array([5, -3, None, 5], pa.int32()),
            "at": pa.array([2, 1, 0, 1], pa.timestamp("s")),
            "name": pa.array(["B", "A", "A", "A"]).dictionary_encode(),
            "properties.n": pa.array([3, 2, 1, None], pa.int64()),
            "properties.p": pa.array(["x", None, "z", "x"]),
            "properties.t": pa.array([0, 1, 2, 3], pa.timestamp("us")),
        }
    )
    index = in_memory(table, "person")
    streams = index.read(index.buckets()[0])
    assert (index.per, index.opens_at, index.closes_at) == ("person", 0, 2000)
    assert streams.subjects.tolist() == [-3, 5]
    assert streams.times.tolist() == [1000, 1000, 2000]
    assert streams.column("properties.n").to_pylist() == [2.0, None, 3.0]
    assert streams.column("properties.p").to_pylist() == [None, "x", "x"]
    assert streams.column("properties.t").type == MOMENT
    assert streams.column("properties.none").null_count == 3
    assert streams.matches(Step("A", Comparison("properties.n", "=", (2.0,)))).tolist() == [True, False, False]
    assert told(in_memory(table.slice(0, 0), "person"), "properties.n") == {}
    assert tmp_path.exists()


def test_ties_of_a_bare_table_stay_in_its_order() -> None:
    """Without source, position and id, events of one subject at one time stay as the table has them."""
    table = pa.table({"subject": [1] * 5, "at": [3, 3, 1, 3, 1], "name": ["A", "B", "C", "D", "E"]})
    index = in_memory(table, "person")
    assert index.read(index.buckets()[0]).column("name").to_pylist() == ["C", "E", "A", "B", "D"]


def test_a_table_without_a_needed_column_is_refused() -> None:
    """A table that calls the name otherwise is refused, with what it has."""
    with pytest.raises(UnknownName, match=r"no column 'name'. Did you mean 'names'"):
        in_memory(pa.table({"subject": [1], "at": [1], "names": ["A"]}), "person")


def test_a_table_has_no_more_names_than_codes() -> None:
    """65,536 different names are told apart; one more is refused rather than taken for another."""
    names = [f"n{number}" for number in range(1 << 16)]
    table = pa.table({"subject": [1] * len(names), "at": range(len(names)), "name": names})
    index = in_memory(table, "person")
    assert index.read(index.buckets()[0]).column("name").to_pylist() == names
    more = pa.table({"subject": [1] * 2, "at": [1, 2], "name": ["n0", "n0"], "source": ["other", "shop"]})
    both = pa.concat_tables([table.append_column("source", pa.array(["shop"] * len(names))), more])
    with pytest.raises(BadData, match=r"65,537 different pairs.* up to 65,536"):
        in_memory(both, "person")
