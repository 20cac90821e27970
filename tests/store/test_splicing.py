"""Files put together from row groups of others: the same rows, in the same order, and all other bytes as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxminute.model.errors import BrokenStore
from cxminute.store import rewriting
from cxminute.store.log import EventLog
from cxminute.store.segments import connect
from cxminute.store.splicing import footer, splice
from cxminute.store.state import open_state, state_url

ROWS, GROUP = 9_000, 2_048
"""Of a file, and of each of its row groups but the last."""


def write(path: Path, *, seed: int = 0, rows: int = ROWS) -> Path:
    """A file of the form of segments, in several row groups: words, numbers, nulls, times and what is left over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with connect() as duck:
        duck.register(
            "numbers", pa.table({"i": np.arange(rows), "s": ["site"] * rows})
        )  # as segments come: any column may be null
        duck.execute(
            "COPY (SELECT 'm' || i AS id, s AS source, i AS position, (i // 7)::BIGINT AS profile, "  # noqa: S608 -- numbers
            f"epoch_ms(i * 1000 + {seed})::TIMESTAMPTZ AS at, CASE WHEN i % 3 = 0 THEN 'word ' || i % 50 END AS word, "
            "CASE WHEN i % 5 > 0 THEN {'a': i, 'b': [1, i]}::VARIANT END AS rest "
            f"FROM numbers) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP}, "
            "SHREDDING {'rest': 'STRUCT(_ VARCHAR)'})"
        )
    return path


def told(path: Path) -> list[tuple[Any, ...]]:
    """Every row, in order."""
    with duckdb.connect() as duck:
        return duck.execute(
            "SELECT * REPLACE (rest::JSON::VARCHAR AS rest) FROM read_parquet(?)", [str(path)]
        ).fetchall()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of five row groups."""
    return write(tmp_path_factory.mktemp("spliced") / "log" / "site" / "a.parquet")


def test_a_file_of_all_its_groups_is_the_file(file: Path, tmp_path: Path) -> None:
    """What the footer says is kept as it was said, and every reader reads the same."""
    found = footer(file)
    assert found.rows == [GROUP] * 4 + [ROWS - 4 * GROUP]
    splice([(found, range(5))], tmp_path / "whole.parquet")
    assert told(tmp_path / "whole.parquet") == told(file)
    assert pq.read_schema(tmp_path / "whole.parquet") == pq.read_schema(file)
    columns = ["id", "at", "word"]
    assert pq.read_table(tmp_path / "whole.parquet", columns=columns).equals(pq.read_table(file, columns=columns))


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=8))
def test_groups_of_several_files_stand_in_the_order_given(file: Path, chosen: list[tuple[bool, int]]) -> None:
    """Whichever and however often: each brings its rows, its statistics and nothing else."""
    other = file.with_name("b.parquet")
    if not other.exists():
        write(other, seed=1)
    parts = {False: (footer(file), told(file)), True: (footer(other), told(other))}
    into = file.with_name("c.parquet")
    splice([(parts[which][0], [place]) for which, place in chosen], into)
    assert told(into) == [
        row for which, place in chosen for row in parts[which][1][place * GROUP : (place + 1) * GROUP]
    ]
    assert pq.read_metadata(into).num_row_groups == len(chosen)
    with duckdb.connect() as duck:  # found by statistics and by filters of words
        query = "SELECT count(*) FROM read_parquet(?) WHERE profile BETWEEN 100 AND 110 AND word = 'word 27'"
        found = duck.execute(query, [str(into)]).fetchone()
    assert found == (sum(100 <= row[3] <= 110 and row[5] == "word 27" for row in told(into)),)


@pytest.mark.parametrize(
    "gone", [[0], [5, 2_047, 2_048], [8_999], [*range(2_048, 4_096)], [1, 3_000, 5_000, 7_000], [*range(0, 9_000, 2)]]
)
def test_only_groups_that_hold_their_rows_are_written_anew(file: Path, gone: list[int]) -> None:
    """The rows are those without theirs; every group without any stands there to the byte; no part is left behind."""
    log = EventLog(file.parent.parent, open_state(state_url(file.parent.parent.parent)))
    [done] = rewriting.rewrite(log, {f"site/{file.name}": np.array(gone)})
    assert done.file is not None
    made = log.root / done.file
    out = set(gone)
    assert told(made) == [row for place, row in enumerate(told(file)) if place not in out]
    assert (done.first_at, done.last_at) == (told(made)[0][2] * 1000, told(made)[-1][2] * 1000)
    touched = {place // GROUP for place in gone}
    if len(touched) <= 2:
        assert footer(made).schema == footer(file).schema
        whole = made.read_bytes()
        for place in set(range(5)) - touched:
            column = pq.read_metadata(file).row_group(place).column(0)
            begin = column.dictionary_page_offset or column.data_page_offset
            assert file.read_bytes()[begin : begin + column.total_compressed_size] in whole
    assert list(file.parent.glob(".writing-*")) == []
    made.unlink()
    log.state.dispose()


@pytest.mark.parametrize("keep", [0, 7, 100, -1, -9])
def test_a_damaged_file_is_told(file: Path, tmp_path: Path, keep: int) -> None:
    """One that is cut off anywhere is no file to copy from."""
    (tmp_path / "cut.parquet").write_bytes(file.read_bytes()[:keep])
    with pytest.raises(BrokenStore):
        footer(tmp_path / "cut.parquet")
