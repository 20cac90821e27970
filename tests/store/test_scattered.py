"""The log as workers read it: the same streams as the index, whoever reads which portion."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from operator import eq, ge, gt, lt, ne
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.steps import Comparison, Condition, Negation
from cxminute.model.tables import WORD
from cxminute.store.footers import even_cuts
from cxminute.store.index import Index, People, Piece, build, extend, open_index
from cxminute.store.protocols import Streams, Subjects
from cxminute.store.scattered import ScatteredLog, scatter_log
from tests.oracles.index_reference import CODES, Noted, expected, logs, segment, segments, told

PATHS = ("properties.mark", "properties.word", "properties.never", "name", "source", "identifiers.person")
MERGED = People(np.array([1, 1], np.int64))
LEFT_OUT = People(np.array([-1, 0, 0], np.int64))


class Workers:
    """What an engine does with a scattered log: every portion by some worker, every bucket by some worker."""

    def __init__(self, log: ScatteredLog) -> None:
        self.log: ScatteredLog = pickle.loads(pickle.dumps(log))  # noqa: S301 -- our own
        self.per, self.opens_at, self.closes_at = log.per, log.opens_at, log.closes_at
        self._packs: dict[int, list[bytes]] = defaultdict(list)
        for portion in reversed(self.log.portions):
            for bucket, pack in self.log.scatter(portion):
                self._packs[bucket].append(pack)

    def buckets(self) -> Sequence[range]:
        """As of `Subjects`."""
        return self.log.buckets()

    def read(self, bucket: range) -> Streams:
        """As of `Subjects`."""
        ordinal = list(self.log.buckets()).index(bucket)
        return self.log.gather(ordinal, self._packs[ordinal])


def _values(subjects: Subjects, path: str) -> pa.ChunkedArray:
    """A path's values, all buckets one after the other."""
    found = [subjects.read(bucket).column(path) for bucket in subjects.buckets()]
    return pa.chunked_array(found).unify_dictionaries().combine_chunks().to_pylist() if found else []


def _local(pieces: Sequence[Piece], per: str, folder: Path, **how: object) -> Index:
    build(pieces, per, folder / per, CODES)
    return open_index(folder / per, per, pieces, **how)  # type: ignore[arg-type]  # handed on as they are


@settings(deadline=None)  # kernels are loaded within the first case
@given(
    logs(),
    st.lists(st.integers(0, 2), min_size=40, max_size=40),
    st.sampled_from(["person", "order_id", "ticket_id"]),
    st.integers(1, 7),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([None, MERGED, LEFT_OUT]),
)
def test_workers_see_the_streams_of_the_index(
    events: list[Noted], cuts: list[int], per: str, bucket: int, closes_at: int | None, merged: People | None
) -> None:
    """A log cut into portions and buckets in any way gives the streams of the index: order, values, types, and span.

    Whoever merges profiles, or leaves some out, does so on both; and behind an order stands the same person.
    """
    people = merged if per == "person" else None
    with TemporaryDirectory() as folder:
        pieces = segments(Path(folder), events, cuts[: len(events)])
        how: dict[str, Any] = {"closes_at": closes_at, "people": people, "behind": merged}
        log = scatter_log(pieces, per, CODES, bucket=bucket, **how)
        ours, local = Workers(log), _local(pieces, per, Path(folder), **how)
        assert (ours.opens_at, ours.closes_at) == (local.opens_at, local.closes_at)
        assert told(ours, known=events) == told(local, known=events) == told(log)
        if people is None and per != "ticket_id":
            assert told(ours) == expected(events, per, closes_at)
        for path in PATHS:
            assert _values(ours, path) == _values(local, path)
        assert all(low.stop == high.start for low, high in pairwise(ours.buckets()))


def test_a_path_is_of_one_type_for_every_kind_of_subject(tmp_path: Path) -> None:
    """A path that is text in one source is text for orders too, though that source tells of none.

    It does not matter whether the values stand beside the segments, nor which of them came after the index was made.
    """
    one, other = (tmp_path / f"{name}.parquet" for name in ("desk", "shop"))
    pieces = [
        segment(one, [Noted(0, "desk", 0, "A", 1, 1, None), Noted(1, "desk", 1, "B", 2, 1, None)]),
        segment(other, [Noted(2, "shop", 0, "A", 1, 1, 7), Noted(3, "shop", 1, "B", 2, 1, 7, dropped=True)]),
    ]
    sides = (tmp_path / "desk.side", tmp_path / "shop.side")
    pq.write_table(pa.table({"properties.late:text": ["soon", None]}), sides[0])
    pq.write_table(pa.table({"properties.late:number": [4.0, 5.5], "properties.late:flag": [None, True]}), sides[1])
    pieces = [replace(piece, sides=(side,)) for piece, side in zip(pieces, sides, strict=True)]
    for first in (pieces, pieces[1:], pieces[:1]):
        build(first, "order_id", tmp_path / "index", CODES)
        extend(pieces, "order_id", tmp_path / "index", CODES)
        local = open_index(tmp_path / "index", "order_id", pieces)
        assert _values(local, "properties.late") == ["4"]
    log = scatter_log(pieces, "order_id", CODES)
    assert _values(log, "properties.late") == _values(Workers(log), "properties.late") == ["4"]
    assert _values(scatter_log(pieces, "person", CODES), "properties.late") == ["soon", "4", None]
    assert log.read(range(7, 8)).column("properties.late").type == WORD


MIXED = (4.0, "9", True, None, 12.0, "x", False, 0.0)
"""What one path held, event by event: one client sends a number, another a text."""
ASKED = (
    Comparison("properties.late", ">", (3,)),
    Comparison("properties.late", "!=", (4,)),
    Comparison("properties.late", "in", (12, "9", True)),
    Comparison("properties.late", "=", ("4",)),
    Comparison("properties.late", ">=", ("9",)),
    Comparison("properties.late", "=", (False,)),
    Comparison("properties.late", "present"),
    Negation(Comparison("properties.late", "<", (5,))),
)


def _true(condition: Condition, value: Any) -> bool:
    """The condition, said of one value."""
    if isinstance(condition, Negation):
        return not _true(condition.part, value)
    assert isinstance(condition, Comparison)
    if condition.operator == "present":
        return value is not None
    sign = {">": gt, ">=": ge, "<": lt, "=": eq, "!=": ne, "in": eq}[condition.operator]
    return any(
        (type(value) is type(literal) or {type(value), type(literal)} == {int, float}) and sign(value, literal)
        for literal in condition.values
    )


def test_one_text_among_numbers_takes_no_number_away(tmp_path: Path) -> None:
    """Where one client sends a number as text, conditions on numbers still hold for all others; as in any engine."""
    noted = [Noted(mark, "desk", mark, "A", 1, 1, None) for mark in range(len(MIXED))]
    ids = sorted(range(len(MIXED)), key=lambda mark: (mark, noted[mark].id))
    kinds = {"number": float, "text": str, "flag": bool}
    side = tmp_path / "desk.side"
    columns = {
        f"properties.late:{kind}": pa.array([MIXED[m] if type(MIXED[m]) is type_ else None for m in ids])
        for kind, type_ in kinds.items()
    }
    pq.write_table(pa.table(columns), side)
    pieces = [replace(segment(tmp_path / "desk.parquet", noted), sides=(side,))]
    log = scatter_log(pieces, "person", CODES)
    for subjects in (_local(pieces, "person", tmp_path), log, Workers(log)):
        (bucket,) = subjects.buckets()
        streams = subjects.read(bucket)
        for condition in ASKED:
            for places in (np.arange(len(MIXED)), np.array([1])):  # all are looked at in a row, or few are gathered
                held = streams.holds(condition, places)
                assert held.tolist() == [_true(condition, MIXED[place]) for place in places], condition


def test_only_what_is_asked_for_travels(tmp_path: Path) -> None:
    """With the paths named, no other is read; a path that is not among them has no values."""
    log = scatter_log([segment(tmp_path / "a.parquet", [Noted(1, "shop", 0, "A", 1, 1, 7)])], "person", CODES, paths=())
    assert _values(log, "properties.mark") == [None]
    assert _values(log, "identifiers.order_id") == [7]
    assert _values(scatter_log(log_pieces(log), "person", CODES), "properties.mark") == [1.0]


def log_pieces(log: ScatteredLog) -> list[Piece]:
    """The pieces that a log was described from."""
    return [portion.piece for portion in log.portions]


def test_subjects_are_cut_evenly() -> None:
    """Ranges of row groups that overlap are cut where about equally many rows lie, within the numbers there are."""
    cuts = even_cuts([(0, 99, 1000), (50, 149, 1000), (1000, 1000, 500)], 5)
    assert cuts == [50, 75, 100, 1000]
    assert even_cuts([(7, 7, 100)], 4) == []
    assert even_cuts([(0, 1, 100)], 9) == [1]
