"""Things of people who are left out, against a slow reference that looks at one event after the other."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.store.people import People
from cxminute.store.pieces import Piece
from cxminute.store.things import Things, sweep
from tests.store.thing_reads import noted_reads

KINDS = ("order_id", "parcel_id")
OUT = (1, 2)
"""Profiles of people who are left out, among 0 to 4."""
numbers = st.none() | st.integers(0, 4)


class Row(NamedTuple):
    """An event: whose it is, and what it names."""

    profile: int | None
    order_id: int | None
    parcel_id: int | None
    at: int


rows = st.lists(st.builds(Row, numbers, numbers, numbers, st.integers(0, 9)), max_size=6)


def piece_of(folder: Path, number: int, events: Sequence[Row], dropped: Sequence[int] = ()) -> Piece:
    """A segment, as far as it is read here."""
    columns = {name: pa.array([row[place] for row in events], pa.int64()) for place, name in enumerate(Row._fields)}
    columns["at"] = columns["at"].cast(pa.timestamp("ms", "UTC"))
    file = folder / f"{number}.parquet"
    pq.write_table(pa.table(columns), file, row_group_size=3)
    return Piece(file, len(events), "site", np.array(dropped, np.int64), number=number)


def found(folder: Path, pieces: Sequence[Piece], as_of: int | None = None) -> Things:
    """Whose things are, where OUT are left out."""
    persons = np.arange(5)
    persons[list(OUT)] = -1
    (folder / "kept").mkdir(exist_ok=True)
    return Things(folder / "kept", pieces, People(persons), as_of)


class Reference:
    """The same, said again: whatever is asked looks at all events."""

    def __init__(self, events: Sequence[Row]) -> None:
        self.events = events

    def whose(self, kind: str, thing: int) -> set[int]:
        """The profiles of events that name a thing."""
        return {row.profile for row in self.events if getattr(row, kind) == thing and row.profile is not None}

    def alone(self, kind: str, thing: int) -> bool:
        """Whether somebody's events name it, all of them of people who are left out."""
        return bool(whose := self.whose(kind, thing)) and whose <= set(OUT)

    def beside(self, kind: str, thing: int) -> bool:
        """Whether it is nobody's, and all that it stands beside are theirs alone."""
        (other,) = set(KINDS) - {kind}
        near = {getattr(row, other) for row in self.events if getattr(row, kind) == thing} - {None}
        return not self.whose(kind, thing) and bool(near) and all(self.alone(other, one) for one in near)

    def left_out(self, kind: str) -> list[int]:
        """What goes from answers per thing."""
        return [n for n in range(5) if self.whose(kind, n) & set(OUT) or self.beside(kind, n)]

    def theirs(self, kind: str, thing: int | None) -> bool:
        """Whether an event of nobody that names it is theirs."""
        return thing is not None and (self.alone(kind, thing) or self.beside(kind, thing))

    def is_out(self, row: Row) -> bool:
        """Whether an event is theirs."""
        if row.profile is not None:
            return row.profile in OUT
        return any(self.theirs(kind, getattr(row, kind)) for kind in KINDS)


@settings(deadline=None)
@given(st.lists(rows, max_size=3), st.none() | st.integers(0, 9), st.data())
def test_things_are_theirs_whose_events_name_them(
    segments: list[list[Row]], as_of: int | None, data: st.DataObject
) -> None:
    """A thing goes that an event of theirs names, and one of nobody's that stands beside what is theirs alone."""
    gone = [data.draw(st.sets(st.integers(0, len(rows) - 1))) if rows else set() for rows in segments]
    standing = [row for part, out in zip(segments, gone, strict=True) for n, row in enumerate(part) if n not in out]
    reference = Reference([row for row in standing if as_of is None or row.at <= as_of])
    with TemporaryDirectory() as name:
        folder = Path(name)
        pieces = [
            piece_of(folder, n, part, sorted(out)) for n, (part, out) in enumerate(zip(segments, gone, strict=True))
        ]
        for _ in range(2):  # read from segments, then from what was kept of them
            things = found(folder, pieces, as_of)
            for kind in KINDS:
                assert things.left_out(kind).tolist() == reference.left_out(kind)
            for piece, part, out in zip(pieces, segments, gone, strict=True):
                rows_out = [n for n in things.rows(piece).tolist() if n not in out]
                assert rows_out == [n for n, row in enumerate(part) if n not in out and reference.is_out(row)]


def test_a_segment_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a segment tells is kept; another is read when it comes, and what is kept of one that went goes with it."""
    read = noted_reads(monkeypatch)
    first = piece_of(tmp_path, 1, [Row(1, 3, None, 0), Row(0, 4, None, 0)])
    second = piece_of(tmp_path, 2, [Row(2, 4, None, 0)])
    assert found(tmp_path, [first]).left_out("order_id").tolist() == [3]
    assert read == ["1 order_id profile"]
    assert found(tmp_path, [first, second]).left_out("order_id").tolist() == [3, 4]
    assert read == ["1 order_id profile", "2 order_id profile"]
    sweep(tmp_path / "kept", {second.key})
    assert [file.stem for file in (tmp_path / "kept").glob("*/*/*")] == [second.key]
    assert found(tmp_path, [second]).left_out("order_id").tolist() == [4]
    assert len(read) == 2


def test_what_is_being_forgotten_is_not_made_again(tmp_path: Path) -> None:
    """Whoever still reads while the folder of pairs is removed answers the same, and does not bring it back."""
    things = found(tmp_path, [piece_of(tmp_path, 1, [Row(1, 3, None, 0), Row(0, 4, None, 0)])])
    shutil.rmtree(tmp_path / "kept")
    assert things.left_out("order_id").tolist() == [3]
    assert not (tmp_path / "kept").exists()


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """No unfinished file stays beside the pairs that are wanted."""
    piece = piece_of(tmp_path, 1, [Row(1, 3, None, 0)])
    found(tmp_path, [piece]).left_out("order_id")
    [kept] = (tmp_path / "kept").glob("*/*/*")
    kept.with_name(".5eed").write_bytes(b"half")
    sweep(tmp_path / "kept", {piece.key})
    assert list((tmp_path / "kept").glob("*/*/*")) == [kept]
