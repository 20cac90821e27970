"""What is held on a person as files that they can read: one JSON document, a CSV file for each table, in a zip."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from cxminute.model.errors import WrongUse
from cxminute.store.arrays import settle_folder

FORMATS: Final = ("json", "csv", "both")
DOCUMENT: Final = "person.json"
_ONLY_OURS: Final = 0o600
_ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, in a cell of text."""


def files_of(document: Mapping[str, Any], form: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file; raises WrongUse for a form that is none of FORMATS."""
    if form not in FORMATS:
        raise WrongUse(f"'{form}' is not a form of an export.", allowed=", ".join(FORMATS))
    if form in ("json", "both"):
        text = json.dumps(document, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
        yield DOCUMENT, f"{text}\n".encode()
    if form in ("csv", "both"):
        for name, rows in document.items():
            if isinstance(rows, list) and name != "notes":
                yield f"{name}.csv", _table(rows)
        yield "values.csv", _table(_values(document["events"]))


def check_target(out: Path, below: Path) -> None:
    """Refuses a place that is taken, or lies where a project keeps its own: nothing personal belongs there.

    below: the project's folder of state
    """
    place = out.absolute().resolve()
    if place.is_relative_to(below.resolve()):
        raise WrongUse(f"{below.name} is the project's own.", allowed="--out with another place")
    if out.suffix == ".zip":
        if out.exists():
            raise WrongUse(f"{out} is there already.", allowed="--out with a new name", then="It was not touched.")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongUse(f"{out} is there already.", allowed="a new or empty folder, or a name that ends in .zip")


def write(out: Path, files: Sequence[tuple[str, bytes]]) -> list[Path]:
    """Writes the files, or one zip of them, so that only whoever runs this can read them; returns what was written."""
    if out.suffix == ".zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name, content)
        out.parent.mkdir(parents=True, exist_ok=True)
        return [_written(out, packed.getvalue())]
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_written(out / name, content) for name, content in files]


def neutral(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: text that begins like one is led by an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_ACTIVE) else cell


def _written(path: Path, content: bytes) -> Path:
    """Made by us and closed to others from its first byte on; refused where it is there."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OURS), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    settle_folder(path.parent)
    return path


def _table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """CSV as RFC 4180 has it, in UTF-8; of an empty table nothing."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in ("values", "personal")))
    text = io.StringIO()
    writer = csv.writer(text)
    if columns:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([neutral(_cell(row.get(column))) for column in columns])
    return text.getvalue().encode()


def _values(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each value of each event: where it lies, and what it is."""
    return [
        {"event": event["id"], "source": event["source"], "path": path, "personal": lies == "personal", "value": value}
        for event in events
        for lies in ("values", "personal")
        for path, value in event[lies].items()
    ]


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain) if value else ""
    return value


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
