"""`forget`: people taken out of a log of 100 M events: one with 500 events in a tenth of its segments, then a hundred.

The log is drawn as all benchmarks draw it, in a hundred segments of the log's own form, with its people in the vault.
One person has 500 events beside, over every tenth segment; a hundred others have as many, each over a tenth of their
own. Timed is what `cxm forget` does: who it is, every row in every place, segments written anew, keys, bytes, and the
look that nothing is left. That nothing else was touched is checked by content: other segments are the same to the byte,
and those that were written anew hold the rows that they should, by count and by the sum of their digests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.log import NAMES, SOURCE, chunks
from benchmarks.outcome import Outcome, show
from cxminute.app.people.identity import identity
from cxminute.app.project import Project
from cxminute.app.rights.forgetting import Forgotten, Person, forget, who_is
from cxminute.model.tables import MOMENT, WORD
from cxminute.store.log import EventLog, FileId
from cxminute.store.manifest import add_segment, give_codes
from cxminute.store.segments import sort_events, write_segment
from cxminute.store.state import writing
from cxminute.store.vault import put_personal

EVENTS: Final = 100_000_000
ONE: Final = 30.0
HUNDRED: Final = 300.0
_SEGMENTS: Final = 100
_MANY: Final = 100
_EACH: Final = 500
_PATHS: Final = tuple(f"properties.p{place}" for place in range(10))
_AT: Final = 1_780_000_000_000
_TOML: Final = f"""name = "{SOURCE}"
format = "parquet"
[identifiers]
user_id = "user_id"
[[events]]
name = "Seen"
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""

Ints = NDArray[np.int64]


def measure(events: int) -> Outcome:
    """Builds the log, forgets one, then a hundred; each is checked before its time counts."""
    with tempfile.TemporaryDirectory(prefix="cxm-benchmark-") as name:
        project = _project(Path(name))
        people = max(events // 20, 1)
        began = perf_counter()
        _fill(project, events, people)
        identity(project)
        size = sum(path.stat().st_size for path in project.log.root.rglob("*.parquet")) / 2**30
        print(
            f"{events:,} events of {people:,} people in {len(project.log.hashes())} segments, {size:.1f} GiB; "
            f"made in {perf_counter() - began:,.0f} s",
            flush=True,
        )
        one, took = _timed(project, [people])
        many, longer = _timed(project, list(range(people + 1, people + 1 + _MANY)))
    rows = [_row("one person", one, took, ONE), _row(f"{_MANY} at once", many, longer, HUNDRED)]
    show(("", "seconds", "goal", "events", "segments written anew"), rows)
    met = took < ONE and longer < HUNDRED
    return Outcome(met, f"{took:.1f} s, {_MANY} at once {longer:.1f} s", f"{ONE:.0f} s, {HUNDRED:.0f} s")


def _row(what: str, done: Forgotten, took: float, goal: float) -> tuple[str, ...]:
    touched, every = done.segments
    return what, f"{took:.1f}", f"{goal:.0f}", f"{done.found['events']:,}", f"{touched} of {every}"


def _timed(project: Project, numbers: list[int]) -> tuple[Forgotten, float]:
    before = _contents(project, numbers)
    began = perf_counter()
    known = identity(project)
    people: list[Person] = [who_is(project, f"u{number}", known=known) for number in numbers]
    done = forget(project, people, _AT)
    took = perf_counter() - began
    _check(done, numbers, before, _contents(project, numbers))
    return done, took


def _check(done: Forgotten, numbers: list[int], before: _Contents, after: _Contents) -> None:
    """Raises where anything is left of them, anything else is gone, or a segment without them was touched."""
    theirs = {segment for segment, (_, _, mine, _) in before.items() if mine}
    if not done.is_done or done.found["events"] != _EACH * len(numbers) or done.segments[0] != len(theirs):
        raise RuntimeError(f"forgotten otherwise than planted: {done}")
    for segment, (sha256, rows, mine, digests) in before.items():
        now = after[segment]
        if segment not in theirs and now != (sha256, rows, 0, digests):
            raise RuntimeError("a segment without them was touched")
        if now[1:] != (rows - mine, 0, digests):
            raise RuntimeError("a segment does not hold the rows that it should")


_Contents = dict[int, tuple[str, int, int, int]]
"""By segment: SHA-256, rows, rows of some people, and the sum of all others' digests."""


def _contents(project: Project, numbers: list[int]) -> _Contents:
    found: _Contents = {}
    project.log.verify()
    among = ", ".join(map(str, numbers))
    with project.log.state.connect() as connection, duckdb.connect() as duck:
        for number, file, sha256 in connection.exec_driver_sql("SELECT id, file, sha256 FROM segments").fetchall():
            query = (
                f"SELECT count(*), count(*) FILTER (profile IN ({among})), "
                f"sum(digest::HUGEINT) FILTER (profile NOT IN ({among})) FROM read_parquet(?)"
            )
            [(rows, mine, digests)] = duck.execute(query, [str(project.log.root / file)]).fetchall()
            found[number] = (sha256, rows, mine, digests)
    return found


def _project(root: Path) -> Project:
    (root / "sources").mkdir()
    (root / "cxm.toml").write_text('name = "benchmark"\n', "utf-8")
    (root / "sources" / f"{SOURCE}.toml").write_text(_TOML, "utf-8")
    return Project(root)


def _fill(project: Project, events: int, people: int) -> None:
    """The log, and all its people in the vault; whoever is to be forgotten also has personal values."""
    log = project.log
    for start in range(0, people + 1 + _MANY, 1_000_000):
        words = [f"u{number}" for number in range(start, min(start + 1_000_000, people + 1 + _MANY))]
        project.vault.intern("user_id", pa.chunked_array([words], pa.string()))
    told = log.begin(SOURCE, FileId("drawn", "drawn"), _AT)
    with writing(log.state).begin() as connection:
        give_codes(connection, log.names, SOURCE, NAMES)
    for number, (table, special) in enumerate(_tables(events, people), start=1):
        _write(log, told.id, number, table, special)
    log.finish(told, _AT)


def _write(log: EventLog, collect: int, number: int, table: pa.Table, special: NDArray[np.bool_]) -> None:
    written = write_segment(log.duck, sort_events(log.duck, table), _PATHS, log.root, SOURCE)
    theirs = table.filter(pa.array(special))
    said = pc.binary_join_element_wise("name of ", theirs["profile"].cast(pa.string()), "")
    personal = theirs.select(["id", "profile"]).append_column("properties.name", said)
    with writing(log.state).begin() as connection:
        add_segment(connection, number, written, collect, number, SOURCE, correction=False)
        put_personal(connection, log.keyring, SOURCE, collect, number, personal)


def _tables(events: int, people: int) -> Iterator[tuple[pa.Table, NDArray[np.bool_]]]:
    """The events a segment at a time, and which of them are of those who are to be forgotten."""
    size = max(events // _SEGMENTS, 1)
    draw = np.random.default_rng(6)
    places = [draw.choice(_SEGMENTS, _SEGMENTS // 10, replace=False) for _ in range(_MANY)]
    planted = [np.arange(0, _SEGMENTS, 10), *places]
    number = 0
    for chunk in chunks(events):
        for start in range(0, chunk.times.size, size):
            here = slice(start, min(start + size, chunk.times.size))
            whose = chunk.people[here].copy()
            special = np.zeros(whose.size, np.bool_)
            mine = [people + place for place, segments in enumerate(planted) if number in segments]
            each = _EACH // (_SEGMENTS // 10)
            rows = draw.choice(whose.size, each * len(mine), replace=False)
            whose[rows], special[rows] = np.repeat(mine, each), True
            ordinals = np.arange(chunk.first + start, chunk.first + start + whose.size)
            yield _table(ordinals, whose, chunk.names[here], chunk.times[here], {
                f"properties.{name}": values.slice(start, whose.size) for name, values in chunk.properties.items()
            }), special  # fmt: skip
            number += 1


def _table(ordinals: Ints, whose: Ints, names: Ints, times: Ints, properties: dict[str, pa.Array]) -> pa.Table:
    count = whose.size
    words = {"source": SOURCE, "kind": "track"}
    codes = np.zeros(count, np.int32)
    said = {name: pa.DictionaryArray.from_arrays(codes, pa.array([word])).cast(WORD) for name, word in words.items()}
    return pa.table(
        {
            "id": pc.binary_join_element_wise("m", pa.array(ordinals).cast(pa.string()), "#0", ""),
            "source": said["source"],
            "position": pa.array(ordinals),
            "kind": said["kind"],
            "name": pa.DictionaryArray.from_arrays(names.astype(np.int32), pa.array(NAMES)),
            "at": pa.array(times).cast(MOMENT),
            "digest": pa.array(ordinals.astype(np.uint64) * np.uint64(2_654_435_761)),
            "profile": pa.array(whose),
            "user_id": pa.array(whose),
            "anonymous_id": pa.nulls(count, pa.int64()),
            **{
                name: values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
                for name, values in properties.items()
            },
        }
    )
