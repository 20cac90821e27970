"""What was set apart comes back whole: under a mended mapping it becomes what it would have been at once."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect.rejects import REASONS, UNREAD, Rejects
from cxminute.collect.replay import rows_of
from cxminute.collect.rows import of_table
from tests.collect.sources import ORDERS, csv_rows, json_rows, reasons, received, source_of

TYPED = ORDERS.replace('"csv"', '"parquet"').replace('key    = ["id"]', "")


def mended(text: str) -> str:
    """The mapping with the format of times that it lacked."""
    lines = text.replace("[identifiers]", "", 1)
    return lines.replace('key    = ["id"]', 'key    = ["id"]\ntimes  = ["%d.%m.%Y"]\n[identifiers]')


def test_rows_come_back_at_their_places_under_a_mended_mapping() -> None:
    """The German dates of a file, unread at first, become the events that a right mapping would have made of them."""
    data = b"id,who,at,total\n1,a,2015-12-24,1\n2,b,24.12.2015,2\n3,c,25.12.2015,x\n"
    [chunk] = csv_rows(data, source_of())
    first = received(chunk, source_of())
    assert reasons(first.rejects) == [(1, "bad_time"), (2, "bad_number")]
    again = received(rows_of(first.rejects, source_of(mended(ORDERS))), source_of(mended(ORDERS)))
    assert reasons(again.rejects) == [(2, "bad_number")]
    at_once = received(chunk, source_of(mended(ORDERS))).events.to_pylist()
    assert again.events.to_pylist() == [event for event in at_once if event["position"] == 1]


def test_typed_rows_keep_their_ids_through_quarantine() -> None:
    """A row of a typed file has, replayed, the id that the file would have given it: cells read back as they were."""
    table = pa.table(
        {
            "who": pa.array([17850.0, 17850.0, None]),
            "at": pa.array([datetime(2015, 1, 1, 8, 30)] * 3, pa.timestamp("ns")),  # noqa: DTZ001 -- as in a file
            "total": pa.array([2.55, 2.55, float("inf")]),
            "count": pa.array([6, 6, -1], pa.int32()),
            "paid": pa.array([True, True, None]),
        }
    )
    right = source_of(TYPED.replace('{ from = "total", type = "number" }', '{ from = "total", type = "text" }'))
    wrong = source_of(TYPED.replace('"total", type = "number"', '"who", type = "time"'))
    rejects = received(of_table(table), wrong).rejects
    assert reasons(rejects) == [(0, "bad_time"), (1, "bad_time")]
    replayed = received(rows_of(rejects, right), right).events
    at_once = received(of_table(table), right).events
    assert replayed["id"].to_pylist() == at_once["id"].to_pylist()[:2]
    assert replayed["digest"].to_pylist() == at_once["digest"].to_pylist()[:2]


def test_json_lines_come_back_nested_with_their_rest() -> None:
    """An ndjson reject is its raw line: objects, and what no mapping named, are there again."""
    text = ORDERS.replace('"csv"', '"ndjson"')
    line = {"id": "1", "who": "a", "at": "24.12.2015", "total": 1, "more": {"than": ["was", "asked"]}}
    [rows] = json_rows(json.dumps(line).encode(), source_of(text))
    rejects = received(rows, source_of(text)).rejects
    assert reasons(rejects) == [(0, "bad_time")]
    found = received(rows_of(rejects, source_of(mended(text))), source_of(mended(text)))
    assert json.loads(found.events["rest"][0].as_py()) == {"more": {"than": ["was", "asked"]}}


def test_raw_lines_stay_set_apart() -> None:
    """A line that was no row is none under any mapping: it stays, with its reason, until its file is mended."""
    [chunk] = csv_rows(b"id,who,at,total\n1,a\n", source_of())
    again = received(rows_of(chunk.rejects, source_of()), source_of())
    assert again.rejects.equals(chunk.rejects)
    assert again.events.num_rows == 0


def test_a_row_with_nul_stays_what_it_was() -> None:
    """A row of a csv file that holds NUL is a whole row, and is refused again for the same reason."""
    [chunk] = csv_rows(b"id,who,at,total\n1,a\0,2015-01-01,1\n", source_of())
    assert json.loads(chunk.rejects["row"][0].as_py()) == {"id": "1", "who": "a\0", "at": "2015-01-01", "total": "1"}
    assert reasons(received(rows_of(chunk.rejects, source_of()), source_of()).rejects) == [(0, "nul_character")]


def test_every_reason_says_what_it_means_and_what_to_do() -> None:
    """Reasons are a closed list; one outside it is an error of ours."""
    assert all(reason.meaning and reason.remedy for reason in REASONS.values())
    assert set(REASONS) >= UNREAD
    with pytest.raises(KeyError):
        Rejects("orders").add(0, "bad_luck", "", "")


@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
def test_any_cells_survive_quarantine(cells: list[str]) -> None:
    """Whatever stood in a row stands in its reject, and in the row that comes back; only NUL never comes back."""
    sound = [cell.encode("utf-8", "replace").decode() for cell in cells]
    size = len(sound)
    table = pa.table({"id": [str(n) for n in range(size)], "who": sound, "at": ["never"] * size, "total": ["1"] * size})
    rejects = received(of_table(table), source_of()).rejects
    back = rows_of(rejects, source_of())
    assert back.table["who"].to_pylist() == [cell for cell in sound if "\0" not in cell]
    assert back.count == size
