"""Sources and files in a few lines, for the tests of this room."""

from __future__ import annotations

import io

import pyarrow as pa

from cxminute.collect import delimited, ndjson
from cxminute.collect.receive import Received, receive
from cxminute.collect.rows import Rows, of_table
from cxminute.collect.seen import Seen
from cxminute.collect.source import Source, parse_source
from cxminute.journeys.language import parse_condition
from cxminute.model.definitions import Document
from cxminute.model.steps import Condition
from cxminute.store.conditions import evaluate

SECRET = b"a secret of these tests"

ORDERS = """
name   = "orders"
format = "csv"
key    = ["id"]
[identifiers]
user_id = "who"
[properties]
total = { from = "total", type = "number" }
[[events]]
name = "Order Completed"
at   = "at"
[contract]
origin   = "first-party"
purposes = ["service-optimisation"]
"""


def condition(text: str) -> Condition:
    """A condition over columns."""
    return parse_condition(text, bare="")


def document_of(text: str) -> Document:
    """A source file as it is read."""
    return Document("sources/test.toml", text)


def source_of(text: str = ORDERS, zone: str = "UTC") -> Source:
    """The source that a text defines; its faults fail the test."""
    doc = document_of(text)
    source = parse_source(doc, zone=zone, parse_condition=condition)
    assert source is not None, "\n".join(map(str, doc.faults))
    return source


def csv_rows(data: bytes, source: Source, size: int = 1_000) -> list[Rows]:
    """Chunks of a csv file."""
    return list(delimited.read(io.BytesIO(data), source, name="orders.csv", size=size))


def json_rows(data: bytes, source: Source, size: int = 1_000) -> list[Rows]:
    """Chunks of an ndjson file."""
    return list(ndjson.read(io.BytesIO(data), source, name="orders.ndjson", size=size))


def received(rows: Rows, source: Source, seen: Seen | None = None, personal: frozenset[str] = frozenset()) -> Received:
    """A chunk received, with the project's evaluator."""
    return receive(rows, source, secret=SECRET, evaluate=evaluate, seen=seen or Seen(), personal_columns=personal)


def from_columns(source: Source, **columns: pa.Array | list[object]) -> Received:
    """Columns of one file received."""
    return received(of_table(pa.table(columns)), source)


def reasons(rejects: pa.Table) -> list[tuple[int, str]]:
    """(position, reason) of rejects."""
    return [(row["position"], row["reason"]) for row in rejects.to_pylist()]
