"""Files that are no document at all, collected by mistake: refused by what they are, and never as an empty report."""

from __future__ import annotations

import gzip
import io

import pytest

from cxminute.collect.compressed import open_compressed
from cxminute.collect.readers.catalogue import reader_of
from cxminute.collect.readers.documents import pieces
from cxminute.collect.source import Source
from cxminute.model.errors import BadData, UnknownName


def read(whole: bytes, form: str) -> list[object]:
    """All that the reader finds."""
    return list(pieces(io.BytesIO(whole), reader_of(form), Source("shop", form, "UTC"), "file"))


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (b"<html><body>Log in</body></html>", "a web page"),
        (b"\r\n<!DOCTYPE html>\n<p>Log in</p>\n", "a web page"),
        (b"PK\x03\x04\x14\x00\x06\x00", "an Excel workbook"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a picture"),
        (b"%PDF-1.7\n", "a PDF"),
    ],
)
@pytest.mark.parametrize("form", ["amazon", "shopify", "survey"])
def test_what_is_no_document_is_told_by_its_kind(whole: bytes, said: str, form: str) -> None:
    """A page of a login, a workbook or a picture says what it is, and what would be taken."""
    with pytest.raises(BadData, match=said) as caught:
        read(whole, form)
    assert caught.value.allowed == "JSON, or a report as text (.csv, .tsv, .txt)"


def test_a_header_alone_has_to_be_a_known_one() -> None:
    """A report of no rows is an empty report only where its header is one; another header is refused, as with rows."""
    assert read(b"response_id,submitted_at,NPS score\n", "survey") == []
    with pytest.raises(UnknownName, match="There is no column"):
        read(b"one,two\n", "survey")


def test_the_nearest_report_is_the_one_whose_columns_are_written_otherwise() -> None:
    """A file with 'csat score' is told the line for CSAT, and not to call it NPS."""
    with pytest.raises(UnknownName, match="'CSAT score'") as caught:
        read(b"id,submitted_at,csat score\n1,2026-10-01T10:00:00Z,5\n", "survey")
    assert caught.value.nearest == "csat score"
    assert '[columns] "CSAT score" = "..."' in str(caught.value.then)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_half_a_compressed_report_is_refused_whole(kept: float) -> None:
    """What breaks off may end within an order: half of it would be taken for a change of the whole."""
    rows = "".join(f"r{n},2026-10-01T10:{n % 60:02}:00Z,{n % 11}\n" for n in range(3_000))
    packed = gzip.compress(f"response_id,submitted_at,NPS score\n{rows}".encode())
    source = Source("shop", "survey", "UTC")
    whole = open_compressed(io.BytesIO(packed), "answers.csv.gz")
    assert len(list(pieces(whole, reader_of("survey"), source, "answers.csv.gz"))) == 3_000
    half = open_compressed(io.BytesIO(packed[: int(len(packed) * kept)]), "answers.csv.gz")
    with pytest.raises(BadData, match="breaks off") as caught:
        list(pieces(half, reader_of("survey"), source, "answers.csv.gz"))
    assert caught.value.then == "Nothing of it was collected: copy the file again."
