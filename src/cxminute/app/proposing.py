"""A first mapping for a file that nobody has described: what `cxm init --from` writes, to be mended by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cxminute.collect.compressed import open_compressed, plain_name
from cxminute.collect.propose import propose
from cxminute.collect.sample import sample_of
from cxminute.model.errors import BadData, WrongUse
from cxminute.store.formats import excel, parquet

FORMATS: Final = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson",
    ".json": "ndjson", ".parquet": "parquet", ".xlsx": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
}  # fmt: skip
"""The format of a file by the end of its name, without .gz and .zst."""

_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Proposed:
    """A source's name, and the text of its file."""

    name: str
    text: str


def propose_source(path: Path, name: str | None = None, zone: str = "UTC") -> Proposed:
    """The mapping that the first rows of a file suggest, with its reasons as comments.

    raises: BadData for a file that is not there or cannot be read; WrongUse for an ending that names no format
    """
    if not path.is_file():
        raise BadData("There is no such file.", file=str(path), then="Nothing was made.")
    plain = plain_name(path.name)
    form = FORMATS.get(Path(plain).suffix.lower())
    if form is None:
        raise WrongUse(f"The name '{path.name}' does not say which format it has.", allowed=", ".join(FORMATS))
    called = name or re.sub(r"[^a-z0-9]+", "-", Path(plain).stem.lower()).strip("-") or "source"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", called):
        raise WrongUse(f"'{called}' cannot name a source.", allowed="small letters, digits and dashes")
    if form in ("parquet", "excel"):
        reader = parquet.read if form == "parquet" else excel.read
        table = next(iter(reader(path, size=_ROWS)), None)
        if table is None or not table.num_rows:
            raise BadData("The file has no rows to propose a mapping from.", file=path.name)
        return Proposed(called, propose(table, called, form, zone))
    with path.open("rb") as file:
        sample = sample_of(open_compressed(file, path.name), form, name=path.name, size=_ROWS)
    return Proposed(called, propose(sample.table, called, form, zone, also=sample.also))
