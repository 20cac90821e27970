"""CSV and TSV from bytes: rows of texts, cut into chunks; a line that cannot be read is set apart and the rest goes in.

Quoting is RFC 4180's: a cell in double quotes may hold delimiters, line ends, and quotes doubled. Lines end in LF, CRLF
or CR. Blank lines are no rows. A cell has at most 131,072 characters, the csv module's own limit: an unclosed quote
swallows no more, and what it swallowed is read again. All cells are text; what they mean is the mapping's to say.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import compress
from typing import BinaryIO, Final, TextIO

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.collect.compressed import damage_of, nothing_in
from cxminute.collect.rejects import Rejects
from cxminute.collect.rows import Rows, unique
from cxminute.collect.source import Source
from cxminute.collect.values import holds_nul
from cxminute.model.errors import BadData

LONGEST_LINE: Final = 1 << 20
"""Characters of a line, above which it is `line_too_long`."""
_BLOCK: Final = 2_000
DELIMITERS: Final = (",", ";", "\t", "|")


def read(file: BinaryIO, source: Source, *, name: str, size: int) -> Iterator[Rows]:
    """Chunks of exactly `size` rows (the last one fewer), rows that could not be read counted too.

    file:   plain bytes (compressed.open_compressed), at their start
    name:   the file as people know it, for messages
    raises: BadData for a file that is empty or whose header cannot be read; UnknownName for a missing column
    """
    buffered = io.BufferedReader(file)  # type: ignore[type-var]  # any file that can be read will do
    encoding = _encoding(buffered.peek(4)[:4], source, name)
    marked = "utf-8-sig" if encoding == "utf-8" else encoding
    text = io.TextIOWrapper(buffered, marked, errors="surrogateescape", newline="")
    try:
        yield from _chunks(_Reader(file, text, encoding, source, name), source, name, size)
    finally:
        text.detach()
        buffered.detach()  # the file is its opener's to close


def _chunks(reader: _Reader, source: Source, name: str, size: int) -> Iterator[Rows]:
    source.check_columns(reader.header, file=name, line=reader.header_line)
    first, count = 0, size
    while count == size:
        table, positions, rejects = reader.chunk(first, size)
        count = table.num_rows + len(rejects)
        if count < size:
            reader.close(rejects)
        if table.num_rows or len(rejects):
            yield Rows(table, first, rejects.table(), positions)
        first += count


def sniff(line: str) -> str:
    """The likeliest delimiter of a header line: the one that makes the most columns, a comma where none does."""
    return max(DELIMITERS, key=lambda delimiter: len(_cells(line, delimiter)))


class _TooLong(Exception):
    """A line is longer than a row may be; its beginning is at hand."""


class _Reader:
    """The state of reading one file: where we are, and the lines of the row at hand (needed whole, should it fail)."""

    def __init__(self, file: BinaryIO, text: TextIO, encoding: str, source: Source, name: str) -> None:
        self._file, self._text, self.encoding, self._source, self._name = file, text, encoding, source, name
        self._source_lines = iter(partial(text.readline, LONGEST_LINE), "")
        self._again: deque[str] = deque()
        self.held: list[str] = []
        self.line = 0
        self._broken = ""
        self._delimiter = source.delimiter or ("\t" if source.format == "tsv" else ",")
        self.header_line = 1
        self.header = self._header()
        self._rows = self._parse()

    def chunk(self, first: int, size: int) -> tuple[pa.Table, NDArray[np.int64], Rejects]:
        """Up to `size` rows: those read and their positions, and the rejects."""
        rejects = Rejects(self._source.name)
        tables: list[pa.Table] = [pa.table({name: pa.array([], pa.string()) for name in self.header})]
        places: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        position = first
        while position < first + size:
            rows, lines, reason, detail = self._block(min(_BLOCK, first + size - position))
            if rows:
                positions = list(range(position, position + len(rows)))
                table, kept = self._table(rows, positions, lines, rejects)
                tables.append(table)
                places.append(kept)
                position += len(rows)
            if reason:
                self._refuse(rejects, position, reason, detail)
                position += 1
            elif not rows:
                break
        return pa.concat_tables(tables).combine_chunks(), np.concatenate(places), rejects

    def _block(self, limit: int) -> tuple[list[list[str]], list[int], str, str]:
        """The next rows and the lines they begin in, up to the first that is none, and why it is none; '' at the end.

        Blocks are small: the garbage collector looks at every row that is alive, again and again.
        """
        rows: list[list[str]] = []
        lines: list[int] = []
        held, width = self.held, len(self.header)
        try:
            for row in self._rows:
                if len(row) == width:
                    rows.append(row)
                    lines.append(self.line - len(held) + 1)
                    held.clear()
                    if len(rows) == limit:
                        break
                elif row:
                    return rows, lines, "ragged_row", f"{len(row)} cells where the header has {width}."
                else:
                    held.clear()
        except csv.Error as fault:
            return rows, lines, "bad_quotes", f"{fault}."
        except _TooLong:
            return rows, lines, "line_too_long", f"at most {LONGEST_LINE} characters a line."
        except UnicodeError as fault:
            raise BadData(
                f"The file is not {self.encoding} from here on.",
                file=self._name,
                line=self.line + 1,
                allowed=f"encoding of source '{self._source.name}' as the file has it",
            ) from fault
        return rows, lines, "", ""

    def close(self, rejects: Rejects) -> None:
        """At the end: where the file broke off, one reject for the file, with the line that broke."""
        if reason := damage_of(self._file):
            detail = f"{self._name} ends after line {self.line}; the rows before it went in."
            rejects.add(-1, reason, detail, self._shown(self._broken))

    def _table(
        self, rows: list[list[str]], positions: list[int], lines: list[int], rejects: Rejects
    ) -> tuple[pa.Table, NDArray[np.int64]]:
        """The rows as a table of texts; rows with undecodable bytes or NUL move to the rejects first."""
        try:
            columns = self._columns(rows)
        except UnicodeEncodeError:
            columns = []
        if not columns or any(holds_nul(column) for column in columns):
            kept = [self._sound(*row, rejects) for row in zip(rows, positions, lines, strict=True)]
            rows, positions = list(compress(rows, kept)), list(compress(positions, kept))
            columns = self._columns(rows)
        return pa.Table.from_arrays(columns, names=list(self.header)), np.array(positions, dtype=np.int64)

    def _columns(self, rows: list[list[str]]) -> list[pa.Array]:
        cells = zip(*rows, strict=True) if rows else ([] for _ in self.header)
        return [pa.array(column, pa.string()) for column in cells]

    def _sound(self, row: list[str], position: int, line: int, rejects: Rejects) -> bool:
        for column, cell in zip(self.header, row, strict=True):
            if "\0" in cell:
                whole = {name: self._shown(value) for name, value in zip(self.header, row, strict=True)}
                detail = f"Line {line}: column '{column}' holds NUL."
                rejects.add(position, "nul_character", detail, msgspec.json.encode(whole).decode())
                return False
            try:
                cell.encode("utf-8")
            except UnicodeEncodeError:
                detail = f"Line {line}: column '{column}' is not {self.encoding}: {self._undecoded(cell)}"
                rejects.add(position, "wrong_encoding", detail, self._written(row))
                return False
        return True

    def _undecoded(self, cell: str) -> str:
        raw = cell.encode(self.encoding, "surrogateescape")
        try:
            raw.decode(self.encoding)
        except UnicodeDecodeError as fault:
            return f"byte {fault.start + 1} of the cell is 0x{raw[fault.start]:02x}.{self._suggested(raw)}"
        return "a half of a UTF-16 pair stands alone."

    def _suggested(self, raw: bytes) -> str:
        for encoding in ("utf-8", "cp1252"):
            if encoding != codecs.lookup(self.encoding).name:
                try:
                    raw.decode(encoding)
                except UnicodeDecodeError:
                    continue
                return f" It can be read as {encoding}: encoding = \"{encoding}\" in source '{self._source.name}'."
        return ""

    def _written(self, row: list[str]) -> str:
        made = io.StringIO()
        csv.writer(made, delimiter=self._delimiter, lineterminator="").writerow(row)
        return self._shown(made.getvalue())

    def _shown(self, text: str) -> str:
        return text.encode(self.encoding, "surrogateescape").decode(self.encoding, "backslashreplace")

    def _refuse(self, rejects: Rejects, position: int, reason: str, detail: str) -> None:
        """Sets the first line of the row at hand apart, and gives those after it another chance.

        A row over several lines that is at fault is mostly one unclosed quote that swallowed good rows.
        """
        begins = self.line - len(self.held) + 1
        first, *others = self.held or [""]
        self._again.extendleft(reversed(others))
        self.line -= len(others)
        rejects.add(position, reason, f"Line {begins}: {detail}", self._shown(first.rstrip("\r\n")))
        self.held.clear()
        self._rows = self._parse()

    def _parse(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), delimiter=self._delimiter, strict=True)

    def _lines(self) -> Iterator[str]:
        """Lines for the parser, each held until its row is done. What is left of a last line cut off is no row."""
        held, again, fetch = self.held, self._again, partial(next, self._source_lines, "")
        while True:
            fresh = not again
            line = fetch() if fresh else again.popleft()
            if not line:
                return
            if line[-1] not in "\r\n":
                if len(line) < LONGEST_LINE and damage_of(self._file):
                    self._broken = line
                    return
                if len(line) >= LONGEST_LINE:
                    self.line += 1
                    held.append(line)
                    if fresh:
                        self._skip_line()
                    raise _TooLong
            self.line += 1
            held.append(line)
            yield line

    def _skip_line(self) -> None:
        for piece in self._source_lines:
            if piece.endswith(("\n", "\r")) or len(piece) < LONGEST_LINE:
                return

    def _header(self) -> tuple[str, ...]:
        try:
            row: list[str] = []
            parser = self._parse()
            while not row or not any(row):
                row = next(parser)
        except StopIteration:
            raise nothing_in(self._file, self._name, "a header line") from None
        except (csv.Error, _TooLong, UnicodeError) as fault:
            raise BadData(f"The header cannot be read: {fault}.", file=self._name, line=1) from fault
        self.header_line = self.line
        line = "".join(self.held)
        self.held.clear()
        self._check_header(row, line)
        return tuple(unique(row))

    def _check_header(self, row: list[str], line: str) -> None:
        names = [name.strip() for name in row]
        twice = sorted({name for name in names if names.count(name) > 1 and name in self._source.columns})
        if twice:
            raise BadData(
                f"The header has column '{twice[0]}' twice, and the mapping names it.",
                file=self._name,
                line=self.header_line,
                allowed="each mapped column once",
            )
        if not line.replace("\0", "").isascii():
            try:
                line.encode("utf-8")
            except UnicodeEncodeError as fault:
                detail = self._undecoded(line)
                raise BadData(
                    f"The header is not {self.encoding}: {detail}", file=self._name, line=self.header_line
                ) from fault
        other = sniff(line)
        if (
            len(row) == 1
            and other != self._delimiter
            and len(_cells(line, other)) > 1
            and names[0] not in self._source.columns
        ):
            raise BadData(
                f"The header is one column by {self._delimiter!r}; by {other!r} it is {len(_cells(line, other))}.",
                file=self._name,
                line=self.header_line,
                allowed=f"delimiter = {other!r} in source '{self._source.name}'",
            )


def _encoding(begin: bytes, source: Source, name: str) -> str:
    """The source's encoding, after a look at the file's mark: UTF-8's is skipped, UTF-16's must be declared."""
    encoding = codecs.lookup(source.encoding).name
    marked = begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked and not encoding.startswith(("utf-16", "utf-32")):
        raise BadData(
            f"The file is UTF-16, and source '{source.name}' reads it as {encoding}.",
            file=name,
            line=1,
            allowed='encoding = "utf-16"',
            then="Nothing of this file was collected.",
        )
    return encoding


def _cells(line: str, delimiter: str) -> list[str]:
    return next(iter(csv.reader([line], delimiter=delimiter)), [])
