"""What every engine keeps: each bucket once, merged in order, the same streams, faults as they were raised."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pytest

from cxminute.balance.promises import Promise
from cxminute.balance.weigh import weigh
from cxminute.journeys.find import find
from cxminute.journeys.language import journey
from cxminute.journeys.plan import compile_plan
from cxminute.model.errors import BadPattern, UnknownName
from cxminute.model.steps import Comparison, Step
from cxminute.model.times import HOUR
from cxminute.store.engines.local import LocalEngine
from cxminute.store.engines.spark import SparkEngine
from cxminute.store.index import Piece, build, open_index
from cxminute.store.protocols import Engine, Streams, Subjects
from cxminute.store.scattered import scatter_log
from tests.conformance import tasks
from tests.oracles.index_reference import CODES, Noted, expected, segments

SPACES = ("person", "order_id")
BUCKETS = (100, 10_000)
"""About five buckets, and one."""


def _events() -> list[Noted]:
    chance = np.random.default_rng(4)
    return [
        Noted(
            mark,
            ("desk", "shop")[chance.integers(2)],
            int(chance.integers(4)),
            "ABC"[chance.integers(3)],
            int(chance.integers(40)) * HOUR // 4,
            None if chance.random() < 0.1 else int(chance.integers(60)),
            None if chance.random() < 0.3 else int(chance.integers(90)) * 7,
            dropped=chance.random() < 0.1,
        )
        for mark in range(600)
    ]


EVENTS = _events()


class Opening(Protocol):
    """How an engine wants the subjects of the log."""

    def __call__(self, per: str, bucket: int) -> Subjects:
        """The subjects of a kind, in buckets of about so many events."""


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    """A log of 600 events in six segments, with ties, corrections, and events of nobody."""
    cuts = np.random.default_rng(5).integers(0, 3, len(EVENTS)).tolist()
    return segments(tmp_path_factory.mktemp("log"), EVENTS, cuts)


@pytest.fixture(params=["local", pytest.param("spark", marks=pytest.mark.outside("java"))])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine there is."""
    return SparkEngine(request.getfixturevalue("cluster")) if request.param == "spark" else LocalEngine(2)


@pytest.fixture
def opened(engine: Engine, pieces: list[Piece], tmp_path: Path) -> Opening:
    """Opens the log as the engine wants it."""

    def open_log(per: str, bucket: int) -> Subjects:
        if isinstance(engine, SparkEngine):
            return scatter_log(pieces, per, CODES, bucket=bucket)
        return _indexed(pieces, per, tmp_path, bucket)

    return open_log


def _indexed(pieces: Sequence[Piece], per: str, folder: Path, bucket: int = 10_000) -> Subjects:
    build(pieces, per, folder / per, CODES)
    return open_index(folder / per, per, pieces, bucket=bucket)


@pytest.mark.parametrize("per", SPACES)
def test_every_subject_is_worked_once_and_in_order(engine: Engine, opened: Opening, per: str) -> None:
    """However the subjects are cut, each is worked once, with its events in order, and the answers come in order."""
    truth = expected(EVENTS, per)
    for bucket in BUCKETS:
        found = engine.run(opened(per, bucket), tasks.marks, tasks.joined)
        assert found == truth
        assert list(found) == sorted(truth)


@pytest.mark.parametrize("per", SPACES)
def test_passages_and_ledgers_are_the_same_rows(
    engine: Engine, opened: Opening, pieces: list[Piece], tmp_path: Path, per: str
) -> None:
    """Passages and ledgers, with conditions and dimensions, have the rows, order and types that one thread gives."""
    alone, many = _indexed(pieces, per, tmp_path / "alone"), opened(per, 100)
    assert len(many.buckets()) > 3
    assert (many.opens_at, many.closes_at) == (alone.opens_at, alone.closes_at)
    close = alone.closes_at
    said = compile_plan(journey("A -> B where (mark > 100) -> C within 5 hours", window="8 hours", per=per))
    words = ("properties.word", "properties.mark", "name", "source")
    promise = Promise(
        name="answer",
        per=per,
        made=Step("A"),
        due=3 * HOUR,
        kept=Step("B", Comparison("properties.word", "=", ("w1",))),
        void=Step("C"),
    )
    for task in (
        partial(find, said, opens_at=alone.opens_at, closes_at=close, dimensions=words),
        partial(weigh, promise, closes_at=close, dimensions=words),
    ):
        truth = task(alone.read(alone.buckets()[0]))
        found = engine.run(many, task, tasks.table)
        assert found.schema == truth.schema
        assert found.to_pylist() == truth.to_pylist()
        assert found.num_rows > 50


def test_counts_of_all_buckets_add(engine: Engine, opened: Opening) -> None:
    """A code means one name of one source in every bucket, so that counts by code add."""
    live = [event for event in EVENTS if not event.dropped and event.profile is not None]
    truth = np.bincount([CODES[event.source, event.name] for event in live], minlength=64).tolist()
    found = engine.run(opened("person", 100), tasks.codes, tasks.added)
    assert found == [*truth, sum(event.name == "A" for event in live)]


def test_a_task_may_be_a_closure(engine: Engine, opened: Opening) -> None:
    """A function that was made on the spot goes wherever the buckets are worked, with what it holds."""
    least = 30

    def later(streams: Streams) -> list[int]:
        return [number for number in tasks.ordinals(streams) if number >= least and number < least + 5]

    found = engine.run(opened("person", 100), later, lambda parts: [number for part in parts for number in part])
    assert found == [30, 31, 32, 33, 34]


def test_no_subject_merges_nothing(engine: Engine, opened: Opening) -> None:
    """Where no event has a subject of the kind, the answer is what merging nothing gives."""
    assert list(opened("ticket_id", 100).buckets()) == []
    assert engine.run(opened("ticket_id", 100), tasks.ordinals, lambda parts: [len(parts)]) == [0]


def test_the_first_fault_is_raised_as_it_was(engine: Engine, opened: Opening) -> None:
    """A task that fails fails the whole: the exception of the first such bucket, with class, message and facts."""
    with pytest.raises(UnknownName) as unknown:
        engine.run(opened("person", 100), partial(tasks.fail, "unknown", 0), tasks.added)
    first = unknown.value
    assert int(first.name.rpartition(".")[2]) < 30
    assert (first.kind, first.file, first.line, first.exit_code) == ("path", "journeys/x.toml", 3, 1)
    assert str(first).startswith(f"journeys/x.toml:3: There is no path '{first.name}'.")
    with pytest.raises(BadPattern, match=r"This is no step\.\n  A -> B\n       \^"):
        engine.run(opened("person", 10_000), partial(tasks.fail, "pattern", 0), tasks.added)
    with pytest.raises(ZeroDivisionError, match=r"bucket up to 59"):
        engine.run(opened("person", 10_000), partial(tasks.fail, "plain", 0), tasks.added)


def test_a_table_of_no_rows_keeps_its_columns(engine: Engine, opened: Opening) -> None:
    """Where nothing is found, the table has its columns and types all the same."""
    said = compile_plan(journey("Never -> Ever", window="1 day"))
    task = partial(find, said, opens_at=0, closes_at=0)
    found: pa.Table = engine.run(opened("person", 100), task, tasks.table)
    assert found.num_rows == 0
    assert found.column("subject").type == pa.int64()
