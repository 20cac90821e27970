"""Items as they become events: ids, names, traits, contexts; what they say beside stays with them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.calls import Call
from tests.collect.sent import (
    NOON,
    RECEIVED,
    batch,
    call,
    events,
    plain,
    read,
    taken,
    track,
    website,
    without,
)


def one(item: dict[str, Any], **around: Any) -> dict[str, Any]:
    """The event that an item of a batch becomes."""
    [found] = events(call(batch(item, **around)))
    return found


def test_a_track_call_becomes_an_event_under_its_own_id() -> None:
    """The message id is the event's id, the event's name its name; times stay as they were sent."""
    found = one(track(properties={"total": 5}, version=2, sentAt=NOON))
    assert found == {
        "id": "m",
        "kind": "track",
        "name": "Order Completed",
        "at": RECEIVED,
        "user_id": "u",
        "properties": {"total": 5},
        "version": 2,
        "originalTimestamp": NOON,
        "sentAt": NOON,
        "receivedAt": NOON,
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("identify", "Identify"),
        ("page", "Page Viewed"),
        ("screen", "Screen Viewed"),
        ("group", "Group"),
        ("alias", "Alias"),
    ],
)
def test_other_calls_have_names_of_their_own(kind: str, name: str) -> None:
    """An identify call is the event Identify, a page call Page Viewed; in a batch by `type`, alone by its route."""
    item = without(track(type=kind), "event")
    assert plain([one(item)], "kind", "name") == [{"kind": kind, "name": name}]
    alone = json.dumps({**without(item, "type"), "writeKey": "secret"}).encode()
    [found] = events(call(alone, kind=kind))
    assert (found["kind"], found["name"]) == (kind, name)
    assert "secret" not in str(found)


def test_name_and_category_of_a_page_become_properties() -> None:
    """Where the properties have none of their own; what cannot move stays where it is."""
    page = without(track(type="page", name="Index", category="Home"), "event")
    assert one(page)["properties"] == {"name": "Index", "category": "Home"}
    own = one({**page, "properties": {"name": "Other"}})
    assert own["properties"] == {"name": "Other", "category": "Home"}
    assert one({**page, "properties": "text"})["category"] == "Home"
    assert one({**page, "properties": "text"})["properties"] == "text"


def test_an_id_is_text_without_blanks_in_one_form() -> None:
    """Numbers become text, blanks around ids go, and what looks alike is one id: é as one letter or as two."""
    found = one(track(userId=17, anonymousId=" a\n", groupId=7.0, messageId=" x "))
    assert plain([found], "user_id", "anonymous_id", "group_id", "id") == [
        {"user_id": "17", "anonymous_id": "a", "group_id": "7", "id": "x"}
    ]
    composed, taken_apart = one(track(userId="\u00e9")), one(track(userId="e\u0301"))
    assert composed["user_id"] == taken_apart["user_id"] == "\u00e9"
    assert one(track(userId=12345678901234567890))["user_id"] == "12345678901234567890"
    assert one(track(context={"groupId": "acme"}))["group_id"] == "acme"


NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("nobody", ["guest", "NULL", "undefined", "None", "NaN", "anonymous", "'null'", "0", NIL])
def test_what_programs_write_for_want_of_a_person_is_nobody(nobody: str) -> None:
    """'guest' is no person, or it would be the busiest of all; the visitor's own id stays."""
    found = one(track(userId=nobody, anonymousId="a"))
    assert "user_id" not in found
    assert found["anonymous_id"] == "a"


def test_what_the_batch_says_goes_into_each_item_and_the_item_wins() -> None:
    """Context and integrations of the batch are merged key by key, at every depth."""
    around = {
        "context": {"ip": "1.1.1.1", "app": {"name": "shop", "build": 1}},
        "integrations": {"All": False, "X": True},
    }
    first = track(context={"app": {"build": 2}}, integrations={"All": True})
    [one_found, other] = events(call(batch(first, track(messageId="n"), **around)))
    assert one_found["context"] == {"ip": "1.1.1.1", "app": {"name": "shop", "build": 2}}
    assert one_found["integrations"] == {"All": True, "X": True}
    assert other["context"] == around["context"]
    assert one(track(context="text"), **around)["context"] == "text"


def test_traits_are_read_where_either_kind_of_client_puts_them() -> None:
    """At the top of an identify call or in its context; the former win. In other calls they stay in the context."""
    item = without(track(type="identify"), "event")
    there = {"traits": {"email": "a@example.com", "plan": "old"}, "library": {"name": "x"}}
    found = one({**item, "context": there, "traits": {"plan": "new"}})
    assert found["traits"] == {"email": "a@example.com", "plan": "new"}
    assert found["context"] == {"library": {"name": "x"}}
    assert "context" not in one({**item, "context": {"traits": {"plan": "new"}}})
    assert one(track(context=there))["context"] == there


def test_the_address_of_the_peer_is_kept_only_where_it_was_asked_for() -> None:
    """`context.direct` asks for it, and an address that the client sent itself stays."""
    asking, own = track(context={"direct": True}), track(context={"direct": True, "ip": "9.9.9.9"}, messageId="n")
    body = batch(asking, own, track(messageId="o"))
    found = events(call(body, peer="1.2.3.4"))
    assert [event.get("context", {}).get("ip") for event in found] == ["1.2.3.4", "9.9.9.9", None]


def test_a_browser_that_says_no_is_heard_on_each_event() -> None:
    """Sec-GPC is recorded as `context.gpc`, whether the item has a context or not."""
    items = [track(), track(context={"locale": "en"}, messageId="n"), track(context=7, messageId="o")]
    found = events(call(batch(*items), gpc=True))
    assert [event["context"] for event in found] == [
        {"gpc": True},
        {"locale": "en", "gpc": True},
        {"said": 7, "gpc": True},
    ]


def test_nothing_that_an_item_says_is_lost() -> None:
    """Unknown keys, empty lists, null and false inside of properties stay; what is empty at the top goes."""
    item = track(
        properties={"a": None, "b": [], "c": {}, "d": False}, extra=[1, {"x": None}], channel="server", traits={}
    )
    found = one({**item, "integrations": {}, "anonymousId": None})
    assert found["properties"] == item["properties"]
    assert found["extra"] == [1, {"x": None}]
    assert found["channel"] == "server"
    assert not {"traits", "integrations", "anonymousId"} & set(found)


def test_a_key_said_twice_counts_as_said_last() -> None:
    """Of duplicate keys the last wins, everywhere in an item."""
    text = b'{"batch":[{"type":"track","event":"A","event":"B","userId":"u","properties":{"x":1,"x":2}}]}'
    [found] = events(call(text))
    assert (found["name"], found["properties"]) == ("B", {"x": 2})


def test_an_item_without_an_id_gets_one_that_no_other_has() -> None:
    """The same when the same call is read again, with whatever others; another in another call or at another place."""
    item = without(track(), "messageId")
    sent = call(batch(item, item))
    ids = read(sent).rows.table["messageId"].to_pylist()
    assert len(set(ids)) == 2
    other = call(batch(item, item), received_at=RECEIVED + 1)
    again = read(call(batch(track())), sent, other, first=70).rows.table["messageId"].to_pylist()
    assert again[1:3] == ids
    assert len(set(again)) == 5


def test_declared_properties_are_read_by_their_type() -> None:
    """Numbers that come as text are read as numbers where they can be; what cannot be sets its item apart."""
    source = website('[properties]\ntotal = { type = "number" }\npaid = { type = "flag" }\ncode = { type = "text" }\n'
                     'due = { type = "time" }')  # fmt: skip
    items = [
        track(messageId=str(place), properties=properties)
        for place, properties in enumerate(
            [
                {"total": 5, "paid": True, "code": 7, "due": "2026-12-24"},
                {"total": "5.5", "paid": "yes", "code": "007", "due": "2026-12-24T10:00:00+01:00"},
                {"total": None, "code": {"x": 1}, "more": 1},
                {"total": "many"},
                {"total": 2**53 + 1},
                {"total": True},
                {"paid": 2},
                {"due": 20261224},
            ]
        )
    ]
    received = taken(read(call(batch(*items)), source=source), source)
    assert received.events["properties.total"].to_pylist() == [5.0, 5.5, None]
    assert received.events["properties.paid"].to_pylist() == [True, True, None]
    assert received.events["properties.code"].to_pylist() == ["7", "007", '{"x":1}']
    assert [row["reason"] for row in received.rejects.to_pylist()] == [
        "bad_number", "number_too_large", "bad_number", "bad_flag", "bad_time",
    ]  # fmt: skip
    assert received.counts["events"] + received.counts["rejects"] == received.counts["rows"] == 8
    assert all('"_door":{"protocol":"segment"' in row["row"] for row in received.rejects.to_pylist())


def test_a_path_that_definitions_name_becomes_a_column_without_being_declared() -> None:
    """As a column it has one type; objects, lists and numbers beyond 2^53 stay in the leftovers, as they came."""
    source = website().naming(["properties.total", "properties.Total", "properties.code", "context.page.path", "name"])
    assert source.paths == {"properties.Total": None, "properties.code": None, "context.page.path": None}
    assert website('[properties]\nTOTAL = "properties.total"').naming(["properties.total"]).paths == {
        "properties.TOTAL": None
    }
    source = website().naming(["properties.total", "properties.code", "context.page.path"])
    items = [
        track(properties={"total": 1, "code": "a"}, context={"page": {"path": "/", "url": "u"}}),
        track(properties={"total": 2.5, "code": ["a"]}, messageId="n"),
        track(properties={"total": 2**60, "code": None, "x": 1}, context={"page": {"path": "/x"}}, messageId="o"),
    ]
    received = taken(read(call(batch(*items)), source=source), source)
    assert received.events["properties.total"].to_pylist() == [1.0, 2.5, None]
    assert received.events["properties.code"].to_pylist() == ["a", None, None]
    assert received.events["context.page.path"].to_pylist() == ["/", None, "/x"]
    rest = [json.loads(text) for text in received.events["rest"].to_pylist()]
    assert [found.get("properties") for found in rest] == [
        None, {"code": ["a"]}, {"total": 2**60, "code": None, "x": 1},
    ]  # fmt: skip
    assert [found.get("context") for found in rest] == [{"page": {"url": "u"}}, None, None]


def test_values_of_several_types_stay_where_each_keeps_its_own() -> None:
    """A path that is now a number and now a text is no column of the stretch: nothing is cast, and nothing lost."""
    source = website().naming(["properties.x.y", "properties.z"])
    items = [
        track(properties={"x": {"y": 1}, "z": 1}),
        track(properties={"x": {"y": "1"}}, messageId="n"),
        track(properties={"z": 2}, messageId="o"),
    ]
    received = taken(read(call(batch(*items)), source=source), source)
    assert "properties.x.y" not in received.events.column_names
    assert received.events["properties.z"].to_pylist() == [1.0, None, 2.0]
    rest = [json.loads(text).get("properties") for text in received.events["rest"].to_pylist()]
    assert rest == [{"x": {"y": 1}}, {"x": {"y": "1"}}, None]


def test_further_identifiers_are_declared_by_their_path() -> None:
    """An order's number is an identifier where the source says so; numbers and texts that say the same are one."""
    source = website('[identifiers]\norder_id = "properties.order.id"\nseat = ["properties.row", "properties.seat"]')
    items = [
        track(properties={"order": {"id": 7}, "row": "a", "seat": 1}),
        track(properties={"order": {"id": " 7"}, "row": "a"}, messageId="n"),
    ]
    received = taken(read(call(batch(*items)), source=source), source)
    assert received.events["identifiers.order_id"].to_pylist() == ["7", "7"]
    assert received.events["identifiers.seat"].to_pylist() == ["a|1", None]


values = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.just(2**60), st.floats(0, 2), st.text(max_size=2))
properties = st.dictionaries(st.sampled_from(["a", "b", "c"]), values | st.lists(values, max_size=2), max_size=3)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(properties, max_size=3), max_size=4), st.randoms())
def test_an_event_is_the_same_whatever_it_is_read_with(batches: list[list[dict[str, Any]]], chance: Any) -> None:
    """Calls read together, one by one, or in another order give the same events: no neighbour changes a value."""
    source = website('[properties]\na = { type = "number" }').naming(["properties.b"])
    calls = []
    for place, several in enumerate(batches):
        items = [track(messageId=f"{place}.{at}", properties=found) for at, found in enumerate(several)]
        calls.append(call(batch(*items), received_at=RECEIVED + place))
    alone = [said for sent in calls for said in content([sent], source)]
    assert sorted(content(calls, source)) == sorted(alone)
    chance.shuffle(calls)
    assert sorted(content(calls, source)) == sorted(alone)


def content(calls: list[Call], source: Any) -> list[str]:
    """What events and rejects say, each as one text: a value counts where it stands, be it column or leftover."""
    received = taken(read(*calls, source=source), source)
    said = []
    for row in received.events.to_pylist():
        rest = json.loads(row.pop("rest"), parse_int=float)  # as a column gives them
        inner = rest.setdefault("properties", {})
        inner |= {
            path.removeprefix("properties."): value
            for path, value in row.items()
            if path.startswith("properties.") and value is not None
        }
        named = {key: row[key] for key in ("id", "kind", "name", "identifiers.user_id")}
        said.append(json.dumps([named, str(row["at"]), rest], sort_keys=True))
    told = [f"{row['reason']} {row['detail']} {row['row']}" for row in received.rejects.to_pylist()]
    return said + told
