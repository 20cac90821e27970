"""Other people's typed formats: tables cut by number of rows, clear words for what cannot be read, and no secrets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from pysqlite3 import dbapi2 as sqlite

from cxminute.model.errors import BadData, BadDefinition, UnknownName
from cxminute.store.formats import database, excel, parquet
from cxminute.store.formats.cut import cut

QUERY = "select id, who, total from orders order by id"
ORDERS = [(n, None if n % 4 == 0 else f"c{n}", n / 2) for n in range(25)]


def rows(tables: Iterator[pa.Table]) -> list[tuple[object, ...]]:
    """All rows of all tables."""
    return [tuple(row.values()) for table in tables for row in table.to_pylist()]


def queried(url: str, folder: Path, query: str = QUERY, **environment: str) -> list[pa.Table]:
    """The tables of ten rows that a query gives."""
    return list(database.read(url, query, environment=environment, folder=folder, size=10))


@given(st.lists(st.integers(0, 12), max_size=12), st.integers(1, 7))
def test_batches_are_cut_by_number_of_rows(sizes: list[int], size: int) -> None:
    """However a file groups its rows, tables have the asked number of rows, and all rows, in order."""
    schema = pa.schema([("n", pa.int64())])
    numbers = iter(range(1_000))
    batches = [
        pa.record_batch([pa.array([next(numbers) for _ in range(count)], pa.int64())], schema) for count in sizes
    ]
    tables = list(cut(batches, schema, size))
    assert [n for table in tables for n in table["n"].to_pylist()] == list(range(sum(sizes)))
    assert all(table.num_rows == size for table in tables[:-1])
    assert tables[-1].schema == schema


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Rows come as the file types them, in tables of the asked size."""
    table = pa.table({"id": range(25), "at": [datetime(2015, 1, 1)] * 25})  # noqa: DTZ001 -- as in a file
    pq.write_table(table, tmp_path / "orders.parquet", row_group_size=7)
    tables = list(parquet.read(tmp_path / "orders.parquet", size=10))
    assert [found.num_rows for found in tables] == [10, 10, 5]
    assert pa.concat_tables(tables).equals(table)


def test_what_is_no_parquet_is_said(tmp_path: Path) -> None:
    """A text file, an empty one and a cut-off one are told by name."""
    pq.write_table(pa.table({"id": range(1_000)}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for content in (b"id,who\n1,a\n", b"", whole[: len(whole) // 2]):
        (tmp_path / "orders.parquet").write_bytes(content)
        with pytest.raises(BadData, match=r"orders.parquet: This cannot be read as Parquet"):
            list(parquet.read(tmp_path / "orders.parquet", size=10))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A workbook with two sheets, typed cells, a blank row and an unlike cell."""
    path = tmp_path / "orders.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as workbook:
        workbook.add_worksheet("About").write(0, 0, "Orders of 2015")
        sheet = workbook.add_worksheet("Orders")
        sheet.write_row(1, 0, ["id", "at", "paid", "total"])
        sheet.write_row(2, 0, [17850, datetime(2015, 1, 1, 8, 30), True, 2.5])  # noqa: DTZ001 -- cells have no zone
        sheet.write_row(4, 0, ["A7", datetime(2015, 1, 2), False, ""])  # noqa: DTZ001 -- as above
        workbook.add_worksheet("Empty")
    return path


def test_a_sheet_is_read_with_its_types(book: Path) -> None:
    """Times are times, flags flags, numbers numbers; unlike cells of one column are text; blank rows are none."""
    [table] = excel.read(book, sheet="Orders", size=10)
    assert table.to_pylist() == [
        {"id": "17850", "at": datetime(2015, 1, 1, 8, 30), "paid": True, "total": 2.5},  # noqa: DTZ001 -- as above
        {"id": "A7", "at": datetime(2015, 1, 2), "paid": False, "total": None},  # noqa: DTZ001 -- as above
    ]
    assert [found.num_rows for found in excel.read(book, sheet="Orders", size=1)] == [1, 1]


def test_a_missing_sheet_is_told_with_the_nearest(book: Path) -> None:
    """A misspelt sheet, an empty one and a file that is no workbook each have their words."""
    with pytest.raises(UnknownName, match=r"no sheet 'Order'. Did you mean 'Orders'"):
        list(excel.read(book, sheet="Order", size=10))
    with pytest.raises(BadData, match="'Empty' is empty"):
        list(excel.read(book, sheet="Empty", size=10))
    book.write_bytes(b"id,who\n")
    with pytest.raises(BadData, match="cannot be read as Excel"):
        list(excel.read(book, size=10))


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    """A folder with the same orders in a DuckDB and a SQLite file."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as duck:
        duck.execute("create table orders(id integer, who text, total double)")
        duck.executemany("insert into orders values (?, ?, ?)", ORDERS)
    lite = sqlite.connect(str(tmp_path / "shop.sqlite"))
    lite.execute("create table orders(id integer, who text, total double)")
    lite.executemany("insert into orders values (?, ?, ?)", ORDERS)
    lite.commit()
    lite.close()
    return tmp_path


@pytest.mark.parametrize("url", ["duckdb:shop.duckdb", "sqlite:shop.sqlite", "env:SHOP"])
def test_a_query_gives_the_same_rows_from_any_database(url: str, shops: Path) -> None:
    """Rows come in tables of the asked size, from either kind of file, named outright or by the environment."""
    tables = queried(url, shops, SHOP="duckdb:shop.duckdb")
    assert [table.num_rows for table in tables] == [10, 10, 5]
    assert rows(iter(tables)) == ORDERS
    [none] = queried(url, shops, QUERY.replace("order by", "where id < 0 order by"), SHOP="sqlite:shop.sqlite")
    assert (none.num_rows, none.column_names) == (0, ["id", "who", "total"])


@pytest.mark.parametrize("url", ["duckdb:shop.duckdb", "sqlite:shop.sqlite"])
@pytest.mark.parametrize("query", ["delete from orders", "drop table orders", "select nothing from orders", "selct 1"])
def test_a_query_only_reads(url: str, query: str, shops: Path) -> None:
    """A statement that would change the database, or that it does not understand, is refused and changes nothing."""
    with pytest.raises(BadData, match=r"DuckDB|SQLite"):
        queried(url, shops, query)
    assert rows(iter(queried(url, shops))) == ORDERS


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("who::integer", "ConversionException"),
        ("strptime(who, '%d')", "InvalidInputException"),
        ("error(who)", "InvalidInputException"),
        ("who::date", "ConversionException"),
        ("(2147483000 + length(who) * 1000)::integer", "ConversionException"),
        ("whom", 'column "whom" not found'),
        ("upperr(who)", "upperr does not exist"),
        ("who,, who", "syntax error"),
    ],
)
def test_a_failing_query_quotes_no_cell(asked: str, said: str, tmp_path: Path) -> None:
    """What a row makes fail is told by its kind alone; what is wrong with the query itself is told in full."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as duck:
        duck.execute("create table orders(who text)")
        duck.execute("insert into orders values ('jane@example.com')")
    with pytest.raises(BadData, match=said) as told:
        queried("duckdb:shop.duckdb", tmp_path, f"select {asked} from orders")  # noqa: S608 -- of the table above
    assert "jane" not in str(told.value)
    assert "2147" not in str(told.value)


def test_a_text_that_is_not_utf8_is_not_quoted(tmp_path: Path) -> None:
    """SQLite quotes the cell that it cannot decode; the message does not."""
    lite = sqlite.connect(str(tmp_path / "shop.sqlite"))
    lite.execute("create table orders(who text)")
    lite.execute("insert into orders values (cast(x'6a616e65ff' as text))")
    lite.commit()
    lite.close()
    with pytest.raises(BadData, match="not UTF-8") as told:
        queried("sqlite:shop.sqlite", tmp_path, "select who from orders")
    assert "jane" not in str(told.value)


def test_a_query_sees_no_other_file(shops: Path) -> None:
    """A query of a source is no way to read the machine's files."""
    (shops / "secret.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BadData, match="DuckDB"):
        queried(
            "duckdb:shop.duckdb", shops, "select * from read_csv('FILE')".replace("FILE", str(shops / "secret.csv"))
        )


def test_urls_that_cannot_be_read_are_told_without_what_they_hold(tmp_path: Path) -> None:
    """Unknown kinds, absent files and unset variables are named; what a variable holds never is."""
    with pytest.raises(BadDefinition, match="duckdb:FILE"):
        queried("mysql://ada:hunter2@host/shop", tmp_path)
    with pytest.raises(BadData, match="SHOP is not set"):
        queried("env:SHOP", tmp_path)
    with pytest.raises(BadData, match="the file that env:SHOP names") as told:
        queried("env:SHOP", tmp_path, SHOP="duckdb:hunter2.duckdb")
    assert "hunter2" not in str(told.value)
    with pytest.raises(BadData, match="does not answer") as told:
        queried("env:SHOP", tmp_path, SHOP="postgresql://ada:hunter2@127.0.0.1:1/shop?connect_timeout=2")
    assert "hunter2" not in str(told.value)
    assert "ada" not in str(told.value)


@pytest.mark.outside("postgresql")
def test_a_server_is_read_and_never_written(server: str, tmp_path: Path) -> None:
    """PostgreSQL gives the same rows; a statement that would write is refused; an error names its code."""
    with psycopg.connect(server) as connection:
        connection.execute("create table orders(id integer, who text, total double precision)")
        connection.cursor().executemany("insert into orders values (%s, %s, %s)", ORDERS)
    tables = queried("env:SHOP", tmp_path, SHOP=server)
    assert [table.num_rows for table in tables] == [10, 10, 5]
    assert rows(iter(tables)) == ORDERS
    with pytest.raises(BadData, match="SQLSTATE 42703"):
        queried(server, tmp_path, "select whom from orders")
    with pytest.raises(BadData, match="SQLSTATE"):
        queried(server, tmp_path, "delete from orders returning id")
    assert rows(iter(queried(server, tmp_path))) == ORDERS
