"""The journey index in plain Python: events as records, a segment file from them, and the streams by sorting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from cxminute.model.tables import MOMENT, WORD
from cxminute.store.index import Piece
from cxminute.store.protocols import Streams, Subjects


@dataclass(frozen=True)
class Noted:
    """An event; `mark` is a property that no other event has."""

    mark: int
    source: str
    position: int
    name: str
    at: int
    profile: int | None
    order: int | None
    dropped: bool = False

    @property
    def id(self) -> str:
        """An id that sorts otherwise than the mark."""
        return f"{self.mark * 7919 % 1009:04d}-{self.mark}"

    def subject(self, per: str) -> int | None:
        """Whose stream it is in."""
        return self.profile if per == "person" else self.order


SOURCES = ("desk", "shop")
NAMES = ("A", "B", "C")
CODES = {(source, name): 5 + i * 7 + j for i, source in enumerate(SOURCES) for j, name in enumerate(NAMES)}


@st.composite
def logs(draw: st.DrawFn, most: int = 40) -> list[Noted]:
    """Events with many equal times and positions, some without a subject, some dropped, few and far subjects."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(SOURCES),
                st.integers(0, 3),
                st.sampled_from(NAMES),
                st.integers(0, 2),
                st.none() | st.sampled_from([0, 1, 40]),
                st.sampled_from([None, 0, 900]),
                st.booleans(),
            ),
            max_size=most,
        )
    )
    return [
        Noted(mark, source, position, name, at, profile, order, dropped=dropped and mark % 3 == 0)
        for mark, (source, position, name, at, profile, order, dropped) in enumerate(rows)
    ]


def segment(path: Path, events: Iterable[Noted], *, groups: int = 4) -> Piece:
    """One segment of events of one source, in the log's form, with row groups of a few rows."""
    rows = sorted(events, key=lambda e: (e.profile is None, e.profile or 0, e.at, e.position, e.id))
    table = pa.table(
        {
            "id": pa.array([e.id for e in rows], pa.string()),
            "source": pa.array([e.source for e in rows], pa.string()).cast(WORD),
            "position": pa.array([e.position for e in rows], pa.int64()),
            "name": pa.array([e.name for e in rows], pa.string()),
            "at": pa.array([e.at for e in rows], pa.int64()).cast(MOMENT),
            "profile": pa.array([e.profile for e in rows], pa.int64()),
            "order_id": pa.array([e.order for e in rows], pa.int64()),
            "properties.mark:number": pa.array([float(e.mark) for e in rows], pa.float64()),
            "properties.word:text": pa.array([f"w{e.mark % 3}" if e.mark % 4 else None for e in rows], pa.string()),
        }
    )
    pq.write_table(table, path, row_group_size=groups)
    dropped = np.array([i for i, e in enumerate(rows) if e.dropped], np.int64)
    return Piece(path, len(rows), rows[0].source if rows else SOURCES[0], dropped)


def segments(folder: Path, events: Sequence[Noted], cuts: Sequence[int]) -> list[Piece]:
    """The events as segments: of each source apart, cut where `cuts` (one number an event) differ."""
    kinds = sorted({(cut, event.source) for cut, event in zip(cuts, events, strict=True)})
    return [
        segment(
            folder / f"{cut}-{source}.parquet",
            [e for c, e in zip(cuts, events, strict=True) if (c, e.source) == (cut, source)],
        )
        for cut, source in kinds
    ]


def expected(events: Iterable[Noted], per: str, closes_at: int | None = None) -> dict[int, list[int]]:
    """Marks of each subject's events, by sorting; subjects without events left out."""
    streams: dict[int, list[Noted]] = {}
    for event in events:
        subject = event.subject(per)
        if subject is not None and not event.dropped and (closes_at is None or event.at <= closes_at):
            streams.setdefault(subject, []).append(event)
    return {
        subject: [e.mark for e in sorted(found, key=lambda e: (e.at, e.source, e.position, e.id))]
        for subject, found in sorted(streams.items())
    }


def told(subjects: Subjects, path: str = "properties.mark", known: Sequence[Noted] = ()) -> dict[int, list[int]]:
    """The same marks, as read bucket by bucket; where events are known by mark, their names and times are looked at."""
    found: dict[int, list[int]] = {}
    for bucket in subjects.buckets():
        streams = subjects.read(bucket)
        marks = streams.column(path).to_pylist()
        assert len(marks) == len(streams.times)
        if known:
            events = [known[int(mark)] for mark in marks]
            assert streams.column("name").to_pylist() == [event.name for event in events]
            assert streams.column("source").to_pylist() == [event.source for event in events]
            assert streams.times.tolist() == [event.at for event in events]
        for number, own in zip(streams.subjects.tolist(), _slices(streams), strict=True):
            assert number in bucket
            if marks[own]:
                assert number not in found
                found[number] = [int(mark) for mark in marks[own]]
    return found


def _slices(streams: Streams) -> list[slice]:
    bounds = streams.offsets.tolist()
    return [slice(a, b) for a, b in pairwise(bounds)]
