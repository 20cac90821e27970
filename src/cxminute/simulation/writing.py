"""The simulated tables as files, each in its source's own way; the same tables give the same bytes.

site.ndjson.gz   nested Segment-like events, times in UTC
bazaar.csv       ISO 8601 with offset; the latest delivery is the last second of a day
desk.csv         times of the shop's wall clock, to the minute, without an offset, separated by semicolons
truth.json       the written truth
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.simulation.ground import days_of
from cxminute.simulation.shop import Simulated

FILES: Final = {"site": "site.ndjson.gz", "bazaar": "bazaar.csv", "desk": "desk.csv", "truth": "truth.json"}
"""The file of each source, and of the truth."""


def write(simulated: Simulated, folder: Path) -> dict[str, Path]:
    """Writes the files into a folder, made where it is missing, and says where each source's file is."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / file for name, file in FILES.items()}
    site = "".join(f"{line}\n" for line in site_lines(simulated.tables["site"]))
    paths["site"].write_bytes(gzip.compress(site.encode(), compresslevel=4, mtime=0))
    paths["bazaar"].write_bytes(_bazaar(simulated.tables["bazaar"]))
    paths["desk"].write_bytes(_desk(simulated))
    paths["truth"].write_text(truth_text(simulated), encoding="utf-8")
    return paths


def site_lines(table: pa.Table) -> Iterator[str]:
    """Each event as one line of JSON: `properties.` and `context.` nested, what is empty left out."""
    top = [name for name in table.column_names if "." not in name]
    lines = _members(table, top)
    properties = _members(table, [name for name in table.column_names if name.startswith("properties.")])
    contexts = _members(table, [name for name in table.column_names if name.startswith("context.")])
    for line, inner, context in zip(lines, properties, contexts, strict=True):
        yield f'{{"type":"track",{line},"properties":{{{inner}}},"context":{{{context}}}}}'


def truth_text(simulated: Simulated) -> str:
    """The written truth as JSON."""
    document = {
        "seed": simulated.seed,
        "starts": simulated.starts.isoformat(),
        "weeks": simulated.weeks,
        "quiet_weeks": simulated.quiet_weeks,
        "scale": simulated.scale,
        "truths": [asdict(truth) for truth in simulated.truths],
    }
    return json.dumps(document, indent=2, default=str) + "\n"


def _members(table: pa.Table, names: list[str]) -> list[str]:
    """For each row the members of a JSON object, of the columns that are not empty."""
    columns = [_member(name.rpartition(".")[2], table[name].combine_chunks()) for name in names]
    return [",".join(filter(None, row)) for row in zip(*columns, strict=True)]


def _member(name: str, column: pa.Array) -> list[str]:
    """A column's `"name":value` texts; '' where it is empty. Each value is encoded once."""
    if pa.types.is_timestamp(column.type):
        absent = column.is_null().to_numpy(zero_copy_only=False).tolist()
        return ["" if gone else f'"{name}":"{text}Z"' for gone, text in zip(absent, _iso(column, "ms"), strict=True)]
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    members = [*(f'"{name}":{json.dumps(value)}' for value in encoded.dictionary.to_pylist()), ""]
    places = encoded.indices.fill_null(len(members) - 1).to_numpy(zero_copy_only=False)
    return [members[place] for place in places.tolist()]


def _bazaar(table: pa.Table) -> bytes:
    columns = [
        [text and f"{text}Z" for text in _said(table[name], "s")]
        if pa.types.is_timestamp(table.schema.field(name).type)
        else _plain(table[name])
        for name in table.column_names
    ]
    return _csv(table.column_names, zip(*columns, strict=True), ",")


def _desk(simulated: Simulated) -> bytes:
    table = simulated.tables["desk"]
    days = days_of(simulated.starts, len(simulated.weeks))

    def wall(column: pa.ChunkedArray) -> list[str]:
        utc = column.combine_chunks().cast(pa.int64()).fill_null(0).to_numpy()
        shift = days.shift_ms[np.clip(days.of(utc), 0, None)]
        moved = pa.array(utc + shift, pa.timestamp("ms"), mask=column.is_null().to_numpy())
        return [text.replace("T", " ") for text in _said(pa.chunked_array([moved]), "m")]

    columns = [
        wall(table[name]) if pa.types.is_timestamp(table.schema.field(name).type) else _plain(table[name])
        for name in table.column_names
    ]
    return _csv(table.column_names, zip(*columns, strict=True), ";")


def _csv(header: Iterable[str], rows: Iterable[Iterable[str]], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _plain(column: pa.ChunkedArray) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _said(column: pa.ChunkedArray, unit: Literal["s", "m"]) -> list[str]:
    """Instants as ISO 8601 to a unit of time, without an offset; '' where empty."""
    array = column.combine_chunks()
    absent = array.is_null().to_numpy(zero_copy_only=False).tolist()
    return ["" if gone else text for gone, text in zip(absent, _iso(array, unit), strict=True)]


def _iso(array: pa.Array, unit: Literal["ms", "s", "m"]) -> list[str]:
    moments: NDArray[np.datetime64] = array.cast(pa.int64()).fill_null(0).to_numpy().astype("datetime64[ms]")
    return list(map(str, np.datetime_as_string(moments, unit=unit).tolist()))
