"""Documents from bytes into pieces: JSON as an API gives it, a line each or all in one, and delimited reports."""

from __future__ import annotations

import codecs
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

import msgspec

from cxminute.collect import delimited
from cxminute.collect.compressed import damage_of
from cxminute.collect.ndjson import decoded
from cxminute.collect.readers.facts import Form, Piece, Reader
from cxminute.collect.rejects import Rejects, storable
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, UnknownName

LARGEST: Final = 1 << 30
"""Bytes of one document, inflated: it is read whole, and its objects take five times as much."""
_ROWS: Final = 50_000
_WRAPPER: Final = 3
"""Fields of an object around the one that a document is about: itself, and what a page has beside it."""
_FOREIGN: Final = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"<": "a web page, such as that of a login, or XML",
}
"""What is taken for a report by mistake, by its first bytes."""
_BOM: Final = codecs.BOM_UTF8
_BLANK: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Found:
    """A piece and the form that it has.

    position: of it, or of its first row, in the document, from 0
    rows:     how many rows of a report it has
    topic:    of a webhook, what its sender calls it
    """

    form: Form
    piece: Piece
    position: int
    rows: int = 1
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """What could not become a piece. position: as in Found; -1 where the document itself is at fault."""

    position: int
    reason: str
    detail: str
    text: str


def pieces(file: BinaryIO, reader: Reader, source: Source, name: str) -> Iterator[Found | Broken]:
    """The pieces of one document, in its order.

    file:   plain bytes (compressed.open_compressed), at their start
    name:   the document as people know it, for messages
    raises: BadData where nothing of it can be read, or no form of the reader fits; UnknownName where a report lacks a
            column that every report of its kind has
    """
    whole = file.read(LARGEST + 1)
    if len(whole) > LARGEST:
        raise BadData("The document is larger than 1 GiB.", file=name, allowed="smaller parts of it")
    if damage_of(file):  # half an order would correct the whole one
        raise BadData(
            "The compressed file breaks off, or is damaged.",
            file=name,
            then="Nothing of it was collected: copy the file again.",
        )
    plain = whole.removeprefix(_BOM)
    start = plain.lstrip(_BLANK)[:1]
    if not start:
        raise BadData("The document is empty.", file=name, then="Nothing was collected.")
    if start in (b"{", b"["):
        return _of_json(plain, reader, name)
    return _of_report(whole, reader, source, name)


def again(row: str, reader: Reader, position: int) -> Found | Broken:
    """A piece that lay in quarantine, as it would be found now."""
    return _judged(row.encode(), reader.forms, position)


def shown(piece: Piece) -> str:
    """A piece as quarantine keeps it: JSON."""
    return msgspec.json.encode(piece).decode()


# -- JSON --------------------------------------------------------------------------------------------------------------


def _of_json(whole: bytes, reader: Reader, name: str) -> Iterator[Found | Broken]:
    try:
        document = _parsed(whole)
    except ValueError as fault:
        lines = [line for line in whole.splitlines() if line.strip(_BLANK)]
        try:
            if len(lines) < 2 or not isinstance(_parsed(lines[0]), dict):
                raise ValueError  # noqa: TRY301 -- as a first line that is no JSON
        except ValueError:
            raise BadData(
                f"The document is not JSON ({fault}).",
                file=name,
                allowed="one whole JSON document, or one object a line",
                then="Nothing of it was collected: get it again.",
            ) from None
        yield from (_judged(line, reader.forms, place) for place, line in enumerate(lines))
        return
    if isinstance(document, dict) and (form := _form_of(document, reader.forms)) is not None and "" in form.found:
        yield _judged(whole, reader.forms, 0)
        return
    for path in dict.fromkeys(path for form in reader.forms if not form.report for path in form.found if path):
        items = _at(document, path)
        forms = [form for form in reader.forms if path in form.found]
        if items is None or (not path.endswith("[]") and not _is_wrapped(document, items[0], forms)):
            continue
        for place, item in enumerate(items):
            yield _judged(_written(item), forms, place)
        return
    known = "; ".join(f"{form.name} ({', '.join(form.has)})" for form in reader.forms)
    raise BadData(
        f"This is none of the documents that the reader '{reader.name}' knows.",
        file=name,
        allowed=known,
        then="Nothing of it was collected.",
    )


def _is_wrapped(document: object, item: object, forms: Sequence[Form]) -> bool:
    """Whether an object is what the document is about, and not a part of it: an order's customer is no customer."""
    wrapped = isinstance(document, dict) and len(document) <= _WRAPPER and isinstance(item, dict)
    return wrapped and _form_of(cast("Piece", item), forms) is not None


def _parsed(whole: bytes) -> Any:
    try:
        return msgspec.json.decode(whole)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = whole.decode("utf-8", "backslashreplace")
        try:
            return json.loads(text)  # reads lone surrogates, which then are one piece's fault and not the document's
        except RecursionError:
            raise ValueError("objects lie too deep within one another") from None


def _written(item: object) -> bytes:
    """A piece as text again, such that what no JSON may hold (NaN, half a surrogate pair) is found in it."""
    try:
        said = msgspec.json.encode(item)
        return json.dumps(item).encode() if b"null" in said and _is_endless(item) else said
    except (UnicodeEncodeError, ValueError, RecursionError):
        return json.dumps(item).encode("utf-8")


def _is_endless(item: object) -> bool:
    """Whether NaN or Infinity lies in it: what writes JSON makes null of them, and an amount would be lost."""
    if isinstance(item, float):
        return not math.isfinite(item)
    inside = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return any(map(_is_endless, inside))


def _at(document: object, path: str) -> Sequence[object] | None:
    """The items at a path ('payload.Orders[]', 'order', '[]'); None where the document has no such place."""
    found = document
    steps = path.removesuffix("[]").split(".") if path != "[]" else []
    for step in steps:
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    if path.endswith("[]"):
        return found if isinstance(found, list) else None
    return [found] if isinstance(found, Mapping) else None


def _judged(line: bytes, forms: Sequence[Form], place: int) -> Found | Broken:
    reason, found = decoded(line)
    text = storable(line.decode("utf-8", "backslashreplace"))
    if reason:
        return Broken(place, reason, "The piece cannot be read.", text)
    form = _form_of(found, forms)
    if form is None:
        known = ", ".join(form.name for form in forms)
        return Broken(place, "unknown_document", f"It has the fields of none of: {known}.", text)
    return Found(form, found, place)


def _form_of(piece: Piece, forms: Sequence[Form]) -> Form | None:
    if set(piece) == {"rows"} and isinstance(piece["rows"], list):  # of a report, out of quarantine
        rows = [row for row in piece["rows"] if isinstance(row, Mapping)]
        return _form_of_columns(list(rows[0]), forms) if rows else None
    for form in forms:
        if not form.report and all(name in piece for name in form.has) and not any(n in piece for n in form.lacks):
            return form
    return None


# -- reports -----------------------------------------------------------------------------------------------------------


def _of_report(whole: bytes, reader: Reader, source: Source, name: str) -> Iterator[Found | Broken]:
    if foreign := next((said for begin, said in _FOREIGN.items() if whole.lstrip(_BLANK).startswith(begin)), ""):
        allowed = "JSON, or a report as text (.csv, .tsv, .txt)"
        raise BadData(f"This is {foreign}.", file=name, allowed=allowed, then="Nothing was collected.")
    encoding = source.encoding if source.encoding != "utf-8" else _encoding(whole)
    begin = whole[: 1 << 16].decode(encoding, "replace").removeprefix("\ufeff")
    first = next((line for line in begin.splitlines() if line.strip()), "")
    as_csv = Source(source.name, "csv", source.zone, encoding, delimiter=source.delimiter or delimited.sniff(first))
    rejects = Rejects(source.name)
    groups: dict[tuple[str, ...], tuple[int, list[dict[str, str]]]] = {}
    form: Form | None = None
    for rows in delimited.read(io.BytesIO(whole), as_csv, name=name, size=_ROWS):
        table = rows.table.rename_columns([_called(column, source) for column in rows.table.column_names])
        form = form or _report_of(table.column_names, reader, name)
        for reject in rows.rejects.to_pylist():
            rejects.add(reject["position"], reject["reason"], reject["detail"], reject["row"])
        for position, row in zip(rows.positions.tolist(), table.to_pylist(), strict=True):
            key = tuple((row.get(column) or "").strip() for column in form.key)
            if not form.key or not all(key):  # a row without its key is a piece by itself, which the form refuses
                key = ("", str(position))
            groups.setdefault(key, (position, []))[1].append(row)
    if form is None:  # no row at all, but a header, which has to be one that is known
        _report_of([_called(cell.strip(' "'), source) for cell in first.split(as_csv.delimiter)], reader, name)
    else:
        found = form
        yield from (Found(found, {"rows": rows}, position, len(rows)) for position, rows in groups.values())
    yield from (Broken(*row) for row in zip(*(rejects.table()[c].to_pylist() for c in _KEPT), strict=True))


_KEPT: Final = ("position", "reason", "detail", "row")


def _called(column: str, source: Source) -> str:
    """A column by the reader's name for it, where the source's file says that it is called otherwise."""
    return next((ours for ours, theirs in source.called.items() if theirs == column), column)


def _report_of(header: Sequence[str], reader: Reader, name: str) -> Form:
    reports = [form for form in reader.forms if form.report]
    if (form := _form_of_columns(header, reports)) is not None:
        return form
    if not reports:
        raise BadData(f"The reader '{reader.name}' takes JSON.", file=name, then="Nothing was collected.")
    plain = {_bare(column) for column in header}
    near = max(reports, key=lambda form: sum(_bare(column) in plain for column in form.has) / len(form.has))
    lacking = [column for column in near.has if column not in header]
    if not lacking:
        lacking = [column for column in near.lacks if column in header]
    raise UnknownName(
        "column",
        lacking[0],
        header,
        file=name,
        line=1,
        then=f"Nothing was collected: a {near.name} has it. If it has another name here, say so: "
        f'[columns] "{lacking[0]}" = "..." in the source.',
    )


def _bare(column: str) -> str:
    """A name without what people write differently: 'CSAT score' and 'csat_score' are alike."""
    return "".join(letter for letter in column.casefold() if letter.isalnum())


def _form_of_columns(header: Sequence[str], forms: Sequence[Form]) -> Form | None:
    for form in forms:
        known = form.report and all(column in header for column in form.has)
        if known and not any(column in header for column in form.lacks):
            return form
    return None


def _encoding(whole: bytes) -> str:
    if whole.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
