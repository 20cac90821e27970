"""Other people's Excel files (xlsx, xls, xlsb, ods), one sheet as tables of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from cxminute.model.errors import BadData, UnknownName
from cxminute.store.formats.cut import typed


def read(path: Path, *, sheet: str = "", size: int) -> Iterator[pa.Table]:
    """Tables of exactly `size` rows, the last one fewer; the first row that is not blank names the columns.

    sheet:  its name; without one the first. Blank rows are none. Cells keep their types: number, text, flag, time
    raises: BadData where the file cannot be read or the sheet is empty; UnknownName for a sheet that is not there
    """
    try:
        book = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as fault:
        raise BadData(
            f"This cannot be read as Excel: {fault}.", file=str(path), allowed="xlsx, xls, xlsb, ods"
        ) from fault
    if sheet and sheet not in book.sheet_names:
        raise UnknownName("sheet", sheet, book.sheet_names, file=str(path))
    try:
        page = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
        filled = (row for row in page.iter_rows() if any(cell != "" for cell in row))
        header = next(filled, None)
    except CalamineError as fault:
        raise BadData(f"Its sheet cannot be read: {fault}.", file=str(path)) from fault
    if header is None:
        raise BadData(f"Sheet '{page.name}' is empty.", file=str(path), allowed="a row of column names, and rows")
    names = [str(cell) for cell in header]
    given = False
    while rows := [tuple(_cell(cell) for cell in row) for row in islice(filled, size)]:
        yield typed(rows, names)
        given = True
    if not given:
        yield typed([], names)


def _cell(cell: object) -> object:
    """None for an empty cell; a bare date as its midnight, since Excel itself knows no other dates."""
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, time())
    return None if cell == "" else cell
