"""A mapping is proposed from a file nobody described: it parses, collects that file, and guesses the obvious."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest

from cxminute.collect.propose import propose
from cxminute.collect.receive import Received
from cxminute.collect.sample import sample_of
from cxminute.collect.source import Source
from cxminute.model.errors import BadData
from tests.collect.sources import csv_rows, json_rows, received, source_of

SHOP = """Order No;Customer ID;Contact;Shipping Address;Placed at;Deliver by;Shipped at;Sum;Channel
{lines}"""
LINES = [
    f"{1000 + n};c{n % 7};p{n}@example.com;{n} Long Lane;{n % 28 + 1}.05.2015 10:00;{n % 28 + 1}.06.2015 10:00;"
    f"{n % 28 + 1}.05.2015 18:00;{n * 1.5};{('web', 'phone')[n % 2]}"
    for n in range(60)
]


def collected(text: str, data: bytes, zone: str) -> tuple[Source, Received]:
    """The proposed source, and its own file received under it."""
    source = source_of(text, zone)
    [rows] = json_rows(data, source) if source.format == "ndjson" else csv_rows(data, source)
    return source, received(rows, source)


def proposed(data: bytes, form: str, zone: str = "Europe/Berlin") -> str:
    """The proposal for a file's bytes."""
    sample = sample_of(io.BytesIO(data), form, name="file")
    return propose(sample.table, "shop", form, zone, also=sample.also)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_shop_export_is_understood(encoding: str) -> None:
    """Delimiter, encoding, times, key, people, orders and what is personal are found, and no row is set apart."""
    data = SHOP.format(lines="\n".join(LINES)).replace("Lane", "Straße").encode(encoding)
    source, found = collected(proposed(data, "csv"), data, "Europe/Berlin")
    assert (source.delimiter, source.encoding) == (";", encoding)
    assert source.times == ("%d.%m.%Y %H:%M",)
    assert source.key == ("Order No",)
    assert source.identifiers == {"order_id": ("Order No",), "user_id": ("Customer ID",), "email": ("Contact",)}
    assert [(rule.name, rule.at) for rule in source.rules] == [("Placed", "Placed at"), ("Shipped", "Shipped at")]
    assert source.paths["properties.deliver_by"] == "time"
    assert source.paths["properties.sum"] == "number"
    assert '"properties.shipping_address"' in proposed(data, "csv")
    assert found.counts == {"rows": 60, "events": 120, "rejects": 0, "repeated": 0, "nobody": 0}


def test_a_file_without_key_or_people_is_still_proposed() -> None:
    """Where nothing looks like an id, rows are told by their cells, and the proposal says so."""
    data = b"day,visits\n2015-01-01,5\n2015-01-02,7\n"
    source, found = collected(proposed(data, "csv"), data, "UTC")
    assert (source.key, dict(source.identifiers)) == ((), {})
    assert found.counts["events"] == 2


def test_segment_like_lines_are_proposed_by_path() -> None:
    """Event names, kinds and nested properties of track calls are found where they lie; their send time is no event."""
    calls = [
        {
            "messageId": f"m{n}",
            "type": "page" if n % 5 == 0 else "track",
            "userId": f"u{n % 3}",
            "timestamp": "2015-01-01T00:00:00Z",
            "sentAt": "2015-01-01T00:00:01Z",
            "properties": {"total": n},
            "context": {"ip": "1.2.3.4"},
            **({} if n % 5 == 0 else {"event": "Order Completed"}),
        }
        for n in range(20)
    ]
    data = b"".join(json.dumps(call).encode() + b"\n" for call in calls)
    source, found = collected(proposed(data, "ndjson"), data, "UTC")
    assert source.key == ("messageId",)
    assert {"properties.total", "context.ip"} <= set(source.paths)
    assert '"context.ip"' in proposed(data, "ndjson").split("personal")[1]
    assert (found.counts["events"], found.counts["rejects"]) == (20, 0)
    assert set(found.events["name"].to_pylist()) == {"Order Completed", "page"}


def test_day_and_month_are_read_as_the_zone_is_used_to() -> None:
    """03/04/2015 is in April in London and in March in New York, and the proposal asks to check it."""
    data = b"id,at\n1,03/04/2015\n2,05/06/2015\n"
    assert '"%d/%m/%Y"' in proposed(data, "csv", "Europe/London")
    assert '"%m/%d/%Y"' in proposed(data, "csv", "America/New_York")
    assert "check day against month" in proposed(data, "csv")


def test_awkward_column_names_are_quoted() -> None:
    """Quotes, spaces and signs in a header end up in a file that parses, two alike told apart."""
    data = b'at,"a ""b""",A B,a-b,\xc3\xa4\n2015-01-01,x,y,z,w\n2015-01-02,x,y,z,w\n'
    source, found = collected(proposed(data, "csv"), data, "UTC")
    assert len(source.properties) == 4
    assert found.counts["rejects"] == 0


def test_a_file_without_times_cannot_be_proposed() -> None:
    """Without a time there is no event: the error names the columns that were seen."""
    with pytest.raises(BadData, match="seen: id, name"):
        propose(pa.table({"id": ["1"], "name": ["x"]}), "shop", "csv", "UTC")
    with pytest.raises(BadData, match="no rows"):
        proposed(b"id,at\n", "csv")


def test_columns_that_differ_only_in_case_are_proposed_apart() -> None:
    """Objects of NDJSON keep their keys: two that are one name to a database get two names."""
    lines = [{"at": f"2015-01-{n + 1:02d}", "traits": {"Plan": f"a{n % 2}", "plan": f"b{n % 3}"}} for n in range(20)]
    data = "\n".join(map(json.dumps, lines)).encode()
    source, found = collected(proposed(data, "ndjson"), data, "UTC")
    assert {"traits.Plan", "traits.plan_2"} <= source.paths.keys()
    assert found.events["traits.plan_2"].to_pylist() == [line["traits"]["plan"] for line in lines]  # type: ignore[index]  # built above


def test_a_column_named_for_the_thing_itself_can_be_the_key() -> None:
    """`ticket`, different in every row, names the row as `ticket_id` does: a row told again is a correction."""
    data = b"ticket,opened\n" + b"".join(b"t%d,2015-01-%02d\n" % (day, day) for day in range(1, 29))
    source, _ = collected(proposed(data, "csv"), data, "UTC")
    assert source.key == ("ticket",)
    assert "ticket_id" in source.identifiers
