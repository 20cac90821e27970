"""NDJSON as it comes: nested objects by dotted paths, and every bad line with its own reason."""

from __future__ import annotations

import json

import pytest

from cxminute.model.errors import BadData, UnknownName
from tests.collect.sources import json_rows, reasons, received, source_of

TRACK = """
name   = "site"
format = "ndjson"
key    = ["messageId"]
[identifiers]
user_id = "userId"
[properties]
total = "properties.total"
[[events]]
name = { from = "event" }
kind = { from = "type" }
at   = "timestamp"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
GOOD = {"messageId": "m", "userId": "u", "event": "Order Completed", "timestamp": "2015-01-01T00:00:00Z"}
START = b'{"messageId": "m", "timestamp": "2015-01-01", "x": '


def line(**values: object) -> bytes:
    """One good line, changed."""
    return json.dumps({**GOOD, **values}).encode() + b"\n"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "bad_json"),
        (START + b"NaN}", "bad_json"),
        (b"[1, 2]", "not_an_object"),
        (START + b"1e400}", "number_too_large"),
        (START + b"1" * 400 + b"}", "number_too_large"),
        (START + b'"\\ud800 x"}', "lone_surrogate"),
        (START + b'"\xff"}', "wrong_encoding"),
        (START + b'"a\\u0000"}', "nul_character"),
        (START + b'{"a":' * 40 + b"1" + b"}" * 41, "too_deep"),
        (START + b"[" * 5_000 + b"]" * 5_000 + b"}", "too_deep"),
    ],
)
def test_a_bad_line_is_set_apart_with_its_reason(bad: bytes, reason: str) -> None:
    """A poison line harms nobody but itself: it has its own reason, and its neighbours go in."""
    [rows] = json_rows(line() + bad + b"\n" + line(messageId="n"), source_of(TRACK))
    assert rows.table["messageId"].to_pylist() == ["m", "n"]
    assert reasons(rows.rejects) == [(1, reason)]
    assert rows.rejects["detail"][0].as_py().startswith("Line 2: ")


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    r"""Text that merely speaks of \u0000 is text."""
    [rows] = json_rows(line(note="\\u0000"), source_of(TRACK))
    assert rows.table.num_rows == 1


def test_nested_objects_are_found_by_their_path_and_the_rest_goes_on() -> None:
    """A path reaches into objects; what the mapping does not name is kept as the rest."""
    nested = {"total": 12.5, "items": [1, {"sku": "a"}]}
    [rows] = json_rows(line(properties=nested, type="track", context={"ip": "1.2.3.4"}), source_of(TRACK))
    [event] = received(rows, source_of(TRACK)).events.to_pylist()
    assert event["properties.total"] == 12.5
    assert event["name"] == "Order Completed"
    assert json.loads(event["rest"]) == {"properties": {"items": [1, {"sku": "a"}]}, "context": {"ip": "1.2.3.4"}}


def test_values_of_unlike_types_become_text() -> None:
    """Where one line says 12 and another "12", both say the text 12, and so do their ids."""
    data = line(userId=17850.0) + line(userId="17850", messageId="n") + line(userId=17850, messageId="o")
    [rows] = json_rows(data, source_of(TRACK))
    assert received(rows, source_of(TRACK)).events["identifiers.user_id"].to_pylist() == ["17850"] * 3


def test_a_kind_without_value_is_track() -> None:
    """An event whose kind is not said is a track event; an unknown kind is set apart."""
    [rows] = json_rows(line() + line(type="pge", messageId="n"), source_of(TRACK))
    found = received(rows, source_of(TRACK))
    assert found.events["kind"].to_pylist() == ["track"]
    assert reasons(found.rejects) == [(1, "bad_kind")]


def test_a_key_that_no_line_has_is_a_wrong_name() -> None:
    """A misspelt key or time stops the collect and names the nearest path of the lines."""
    with pytest.raises(UnknownName, match="Did you mean 'messageId'"):
        json_rows(line(), source_of(TRACK.replace('"messageId"', '"mesageId"')))
    with pytest.raises(UnknownName, match="Did you mean 'timestamp'"):
        json_rows(line(), source_of(TRACK.replace('at   = "timestamp"', 'at   = "timestmp"')))


def test_blank_lines_are_no_rows_and_an_empty_file_says_so() -> None:
    """Places are counted over lines that hold something."""
    [rows] = json_rows(b"\n" + line() + b"\n\n" + line(messageId="n"), source_of(TRACK))
    assert rows.positions.tolist() == [0, 1]
    with pytest.raises(BadData, match="empty"):
        json_rows(b"\n", source_of(TRACK))


def test_chunks_are_cut_by_number_of_lines() -> None:
    """Bad lines count too, so that a file is cut in the same places whatever becomes of its lines."""
    chunks = json_rows(b"".join(line(messageId=str(n)) if n % 3 else b"{\n" for n in range(10)), source_of(TRACK), 4)
    assert [chunk.count for chunk in chunks] == [4, 4, 2]
    assert [chunk.first for chunk in chunks] == [0, 4, 8]
