"""Items in quarantine: whole, without the write key, and read again as they would have been read at first."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.calls.reading import read_kept
from cxminute.collect.rejects import rejected
from cxminute.model.calls import Call
from tests.collect.sent import (
    NOON,
    RECEIVED,
    batch,
    call,
    kept,
    mended,
    read,
    read_again,
    taken,
    told,
    track,
    website,
    without,
)

AROUND = {"sentAt": "2036-01-01T00:00:00Z", "context": {"ip": "1.1.1.1"}, "integrations": {"All": False}}


def events_of(found: Any) -> list[dict[str, Any]]:
    """The events of what was read."""
    received = taken(found)
    assert received.rejects.num_rows == 0, received.rejects.to_pylist()
    return [told(row) for row in received.events.to_pylist()]


@pytest.mark.parametrize("around", [{}, AROUND])
@pytest.mark.parametrize("more", [{}, {"gpc": True}, {"peer": "1.2.3.4"}])
def test_a_mended_item_is_the_event_that_it_would_have_been(around: dict[str, Any], more: dict[str, Any]) -> None:
    """With the time at which it was received, the clock of its batch, and all that stood around it."""
    whole = track(timestamp="2035-12-31T23:59:50Z", context={"direct": True})
    [expected] = events_of(read(call(batch(whole, **around), **more)))
    broken = read(call(batch(without(whole, "userId"), **around), **more))
    assert kept(broken)["reason"].to_pylist() == ["no_user_anon_id"]
    again = read_again(mended(kept(broken), userId="u"))
    assert again.received.tolist() == [RECEIVED]
    assert events_of(again) == [expected]


def test_an_item_of_another_protocol_is_mended_in_its_own_words() -> None:
    """What PostHog's clients send and what is a CloudEvent is kept as it was sent, and read again as such."""
    broken = read(call(batch({"event": "e", "timestamp": "2026-01-01"}, api_key="secret", historical_migration=True)))
    assert "secret" not in str(kept(broken).to_pylist())
    [found] = events_of(read_again(mended(kept(broken), distinct_id="d")))
    assert (found["name"], found["anonymous_id"]) == ("e", "d")
    assert found["at"] == 1_767_225_600_000
    cloud = json.dumps({"specversion": "1.0", "id": "i", "source": "/s", "type": "t"}).encode()
    broken = read(call(cloud, "cloudevents"))
    [found] = events_of(read_again(mended(kept(broken), subject="u")))
    assert (found["id"], found["name"], found["user_id"]) == ("i", "t", "u")


def test_an_item_that_was_given_an_id_keeps_it() -> None:
    """Mended, it is the same event as it would have been, not a new one at each attempt."""
    item = without(track(), "messageId")
    [expected] = events_of(read(call(batch(item))))
    poisoned = read(call(batch(item)))
    assert poisoned.rows.lines is not None
    table = rejected("website", [0], ["poison"], ["ValueError"], list(poisoned.rows.lines))
    assert events_of(read_again(table)) == [expected]


def test_what_a_source_refuses_is_kept_as_what_the_door_refuses() -> None:
    """A declared number that is none: its item is whole, and goes in once the source says that it is text."""
    source = website('[properties]\ntotal = { type = "number" }')
    received = taken(read(call(batch(track(properties={"total": "many"}))), source=source), source)
    assert received.rejects["reason"].to_pylist() == ["bad_number"]
    [found] = events_of(read_again(received.rejects))
    assert found["properties"] == {"total": "many"}


def test_a_write_key_is_not_kept_where_only_an_item_names_it() -> None:
    """Also where the call was opened by its header, and where an item's own properties repeat the key."""
    whole = without(track(writeKey="secret", properties={"api_key": "secret", "colour": "red"}), "userId")
    [row] = kept(read(call(batch(whole))))["row"].to_pylist()
    assert "secret" not in row
    assert json.loads(row)["properties"] == {"api_key": "", "colour": "red"}


def test_the_write_key_is_not_kept() -> None:
    """It stands in the body of a single call, and sometimes in an item; no reject has it, readable or not."""
    for item in (without(track(), "userId"), track(x="\ud800")):
        single = json.dumps({**item, "writeKey": "cxm_secret", "properties": {"said": "cxm_secret"}}).encode()
        [row] = kept(read(call(single, kind="track")))["row"].to_pylist()
        assert "cxm_secret" not in row
    [row] = kept(read(call(batch({"writeKey": "cxm_secret"}, writeKey="cxm_secret"))))["row"].to_pylist()
    assert "cxm_secret" not in row


HOPELESS = [
    '{"a": "\\ud800"}', '{"a": NaN}', '{"a": 1e400}', '{"a": "\\u0000"}', "null", "[1]", '"text"', "7", "{}",
    '{"a": %s}' % ("[" * 40 + "]" * 40), '{"a": "%s"}' % ("x" * 70_000),
    '{"a": %s}' % ("[" * 5_000 + "]" * 5_000), '{"_door": 1, "b": {"_door": 2}}',
]  # fmt: skip


def test_what_nobody_mends_stays_as_it_is() -> None:
    """Read again, each is set apart once more, for the same reason, with the same text and time."""
    body = b'{"batch": [%b]}' % ", ".join(HOPELESS).encode()
    first = kept(read(call(body)))
    assert first.num_rows == len(HOPELESS)
    again = read_again(first)
    columns = ["reason", "detail", "row"]
    assert kept(again).select(columns).to_pylist() == first.select(columns).to_pylist()
    assert set(again.received.tolist()) == {RECEIVED}


def test_what_another_room_kept_is_left_alone() -> None:
    """Rows that say nothing of how they came stay rejects, word for word."""
    rows = [
        "",
        "{",
        "[]",
        "{}",
        '{"_door": 5}',
        '{"_door": {}}',
        '{"_door": {"receivedAt": "x", "protocol": "segment"}}',
    ]
    table = rejected("website", list(range(len(rows))), ["poison"] * len(rows), ["d"] * len(rows), rows)
    again = read_kept(table, website(), 100)
    assert kept(again)["row"].to_pylist() == rows
    assert kept(again)["position"].to_pylist() == list(range(100, 100 + len(rows)))
    assert again.received.tolist() == [0] * len(rows)


texts = st.text(max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("type", "event", "messageId", "timestamp", "properties", "context", "sentAt", "writeKey", "_door", "_item")


@settings(deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"anonymousId": st.just([])}, optional=dict.fromkeys(FIELDS, values)), max_size=3),
    st.sampled_from(["segment", "posthog", "cloudevents"]),
)
def test_any_reject_can_be_read_again(items: list[dict[str, Any]], protocol: str) -> None:
    """Whatever an item says: in quarantine it stays one item, whole, which can be read again without a fault."""
    body = json.dumps(items if protocol == "cloudevents" else {"batch": items}).encode()
    first = read(call(body, protocol))
    assert first.rows.rejects.num_rows == len(items)
    again = read_again(kept(first))
    assert kept(again)["row"].to_pylist() == kept(first)["row"].to_pylist()
    assert set(again.received.tolist()) <= {RECEIVED}


def test_lines_can_be_cut_into_stretches() -> None:
    """What rejects would keep is made when it is asked for, for one item or for a stretch of them."""
    items = [track(messageId=str(place)) for place in range(5)]
    lines = read(Call("website", RECEIVED, "segment", "", 5, batch(*items, sentAt=NOON))).rows.lines
    assert lines is not None
    assert [json.loads(line)["messageId"] for line in lines[1:4]] == ["1", "2", "3"]
    assert lines[-1] == list(lines)[4] == lines[3:][1]
    assert isinstance(pa.array(lines[1:2]), pa.Array)
