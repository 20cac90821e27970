"""The first rows of a file that nobody has described yet, read with what its bytes give away."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

import msgspec
import pyarrow as pa

from cxminute.collect.delimited import sniff
from cxminute.collect.ndjson import of_lines
from cxminute.collect.rows import unique
from cxminute.collect.source import Source
from cxminute.model.errors import BadData

_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows, and the keys of a source file that they gave away (delimiter, encoding)."""

    table: pa.Table
    also: dict[str, str] = field(default_factory=dict)


def sample_of(file: BinaryIO, form: str, *, name: str, size: int = 2_000) -> Sample:
    """The first rows of a csv, tsv or ndjson file.

    file:   plain bytes (compressed.open_compressed), at their start
    raises: BadData for a file without rows
    """
    begin = file.read(_BYTES)
    whole = len(begin) < _BYTES
    if form == "ndjson":
        found = _objects(begin if whole else begin[: begin.rfind(b"\n") + 1], size)
    else:
        found = _cells(begin, form, size, whole=whole)
    if not found.table.num_rows:
        raise BadData("The file has no rows to propose a mapping from.", file=name, allowed="a header and some rows")
    return found


def _objects(begin: bytes, size: int) -> Sample:
    lines = [line for line in begin.splitlines() if line.strip()][:size]
    flat = []
    for line in lines:
        try:
            flat.append(msgspec.json.encode(_flat(msgspec.json.decode(line, type=dict[str, object]))))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue  # collecting sets it apart with its reason; a proposal does without it
    return Sample(of_lines(flat, range(len(flat)), Source("sample", "", "UTC"), first=0).table)


def _flat(row: dict[str, object], path: str = "") -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value and path.count(".") < 8:
            made |= _flat(value, f"{path}{key}.")
        else:
            made[f"{path}{key}"] = value
    return made


def _cells(begin: bytes, form: str, size: int, *, whole: bool) -> Sample:
    encoding = _encoding(begin)
    text = begin.decode(encoding, "replace").removeprefix("\ufeff")
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = "\t" if form == "tsv" else sniff(first)
    rows = [row for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), size + 1) if row]
    if not whole and len(rows) <= size:
        rows = rows[:-1]  # the last was cut where the bytes end
    if not rows:
        return Sample(pa.table({}))
    header, kept = unique(rows[0]), [row for row in rows[1:] if len(row) == len(rows[0])]
    columns = zip(*kept, strict=True) if kept else ([] for _ in header)
    table = pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], names=header)
    also = {} if delimiter == ("\t" if form == "tsv" else ",") else {"delimiter": delimiter}
    return Sample(table, also if encoding == "utf-8" else {**also, "encoding": encoding})


def _encoding(begin: bytes) -> str:
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(begin)  # incremental: the last character may be cut
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
