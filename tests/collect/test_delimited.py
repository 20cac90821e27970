"""CSV files as they come: broken lines are set apart with their line number, and everything else goes in."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.collect import delimited
from cxminute.collect.compressed import open_compressed
from cxminute.collect.delimited import LONGEST_LINE
from cxminute.collect.rows import Rows
from cxminute.model.errors import BadData, UnknownName
from tests.collect.sources import ORDERS, csv_rows, reasons, source_of

HEADER = b"id,who,at,total\n"


def only(data: bytes, text: str = ORDERS) -> Rows:
    """The one chunk of a file."""
    [rows] = csv_rows(data, source_of(text))
    return rows


def test_a_ragged_row_is_set_apart_whole_and_the_rest_goes_in() -> None:
    """A row with a cell too many or too few goes to quarantine with its raw line and line number."""
    rows = only(HEADER + b"1,a,2015-01-01,1\n2,b\n3,c,2015-01-01,1,x\n4,d,2015-01-01,2\n")
    assert rows.table["id"].to_pylist() == ["1", "4"]
    assert rows.positions.tolist() == [0, 3]
    assert reasons(rows.rejects) == [(1, "ragged_row"), (2, "ragged_row")]
    assert rows.rejects["row"].to_pylist() == ["2,b", "3,c,2015-01-01,1,x"]
    assert rows.rejects["detail"][0].as_py() == "Line 3: 2 cells where the header has 4."


def test_an_unclosed_quote_takes_its_own_line_alone() -> None:
    """A quote that is never closed spoils one row, not the hundreds that follow it."""
    good = b"".join(b"%d,x,2015-01-01,1\n" % number for number in range(900))
    rows = only(HEADER + b'a,"b,2015-01-01,1\n' + good)
    assert rows.table.num_rows == 900
    assert reasons(rows.rejects) == [(0, "bad_quotes")]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    """RFC 4180: what stands in quotes is one cell."""
    rows = only(HEADER + b'1,"a, ""b""\r\nc",2015-01-01,1\r\n')
    assert rows.table["who"].to_pylist() == ['a, "b"\r\nc']


def test_wrong_bytes_are_named_and_an_encoding_is_suggested() -> None:
    """A cell that is not UTF-8 sets its row apart, names line and byte, and says which encoding would read it."""
    rows = only(HEADER + b"1,a,2015-01-01,1\n2,J\xf6rg,2015-01-01,1\n")
    assert rows.table["id"].to_pylist() == ["1"]
    assert reasons(rows.rejects) == [(1, "wrong_encoding")]
    detail = rows.rejects["detail"][0].as_py()
    assert "Line 3: column 'who' is not utf-8" in detail
    assert "byte 2 of the cell is 0xf6" in detail
    assert 'encoding = "cp1252"' in detail
    assert "J" not in detail.replace("JSON", "")


def test_declared_encodings_are_read() -> None:
    """cp1252 and UTF-16 files are read when the source says so, and UTF-16 without it is told."""
    for encoding in ("cp1252", "utf-16"):
        data = (HEADER.decode() + "1,Jörg,2015-01-01,1\n").encode(encoding)
        text = ORDERS.replace('"csv"', f'"csv"\nencoding = "{encoding}"')
        assert only(data, text).table["who"].to_pylist() == ["Jörg"]
    with pytest.raises(BadData, match="UTF-16"):
        only((HEADER.decode() + "1,a,b,c\n").encode("utf-16"))


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    """Files from spreadsheets begin with a mark; the first column keeps its name."""
    assert only(b"\xef\xbb\xbf" + HEADER + b"1,a,2015-01-01,1\n").table.column_names[0] == "id"


def test_a_row_with_nul_is_set_apart() -> None:
    """No database keeps NUL: such a row goes to quarantine, shown with its escape."""
    rows = only(HEADER + b"1,a\0b,2015-01-01,1\n2,b,2015-01-01,1\n")
    assert rows.table["id"].to_pylist() == ["2"]
    assert reasons(rows.rejects) == [(0, "nul_character")]
    assert "\0" not in rows.rejects["row"][0].as_py()


def test_an_endless_line_is_set_apart() -> None:
    """A line longer than a row may be does not fill the memory, and what follows goes in."""
    rows = only(HEADER + b"1," + b"x" * (2 * LONGEST_LINE) + b"\n2,b,2015-01-01,1\n")
    assert rows.table["id"].to_pylist() == ["2"]
    assert reasons(rows.rejects) == [(0, "line_too_long")]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_says_so(data: bytes) -> None:
    """A file without even a header is an error with the file's name, not a collect of nothing."""
    with pytest.raises(BadData, match=r"orders.csv: The file is empty"):
        only(data)


def test_a_header_without_rows_is_a_file_without_rows() -> None:
    """Nothing happened that day: no rows, no rejects, no error."""
    assert csv_rows(HEADER, source_of()) == []


def test_a_mapped_column_twice_in_the_header_is_refused() -> None:
    """Which of two columns of one name is meant cannot be guessed; twice an unmapped name is told apart."""
    with pytest.raises(BadData, match="'total' twice"):
        only(b"id,who,at,total,total\n1,a,2015-01-01,1,2\n")
    rows = only(b"id,who,at,total,x,x\n1,a,2015-01-01,1,2,3\n")
    assert rows.table.column_names[-2:] == ["x", "x (2)"]


def test_another_delimiter_is_told() -> None:
    """A file with semicolons under a source with commas names the delimiter to set."""
    with pytest.raises(BadData, match="delimiter = ';'"):
        only(b"id;who;at;total\n1;a;2015-01-01;1\n")


def test_a_missing_column_is_told_before_anything_is_collected() -> None:
    """A column that the mapping needs and the header lacks stops the collect, with the nearest name."""
    with pytest.raises(UnknownName, match="Did you mean 'totl'"):
        only(b"id,who,at,totl\n1,a,2015-01-01,1\n")


def test_what_a_truncated_gzip_held_goes_in() -> None:
    """Of a file cut off while copied, whole rows go in, and the rest is one reject for the file."""
    lines = [b"%d,%d,2015-01-01,1\n" % (number, number * 7919 % 10_007) for number in range(20_000)]
    packed = gzip.compress(HEADER + b"".join(lines))
    file = open_compressed(io.BytesIO(packed[: len(packed) // 2]), "orders.csv.gz")
    chunks = list(delimited.read(file, source_of(), name="orders.csv.gz", size=1_000))
    count = sum(chunk.table.num_rows for chunk in chunks)
    assert 5_000 < count < 15_000
    assert chunks[0].table["id"].to_pylist() == [str(number) for number in range(1_000)]
    assert [reasons(chunk.rejects) for chunk in chunks if len(chunk.rejects)] == [[(-1, "file_truncated")]]
    broken = chunks[-1].rejects["row"][0].as_py().encode()
    assert lines[count].startswith(broken)
    assert broken != lines[count]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=30), st.integers(1, 7))
def test_chunks_are_whole_rows_of_the_file_wherever_it_is_cut(cells: list[tuple[str, ...]], size: int) -> None:
    """Whatever a file holds, every chunk but the last has the asked number of rows, and nothing is lost between."""
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "who", "at", "total"])
    writer.writerows(cells)
    chunks = csv_rows(made.getvalue().encode(), source_of(), size)
    assert [tuple(row.values()) for chunk in chunks for row in chunk.table.to_pylist()] == cells
    assert all(chunk.count == size for chunk in chunks[:-1])
    assert [position for chunk in chunks for position in chunk.positions] == list(range(len(cells)))


@given(st.binary(max_size=200), st.integers(1, 5))
def test_any_bytes_are_read_or_set_apart(data: bytes, size: int) -> None:
    """No file, however broken, stops its collect half-way; every row has one place, read or set apart."""
    chunks = csv_rows(HEADER + data, source_of(), size)
    places = [place for chunk in chunks for place in (*chunk.positions, *chunk.rejects["position"].to_pylist())]
    assert sorted(places) == list(range(len(places)))
    assert all(chunk.count == size for chunk in chunks[:-1])
