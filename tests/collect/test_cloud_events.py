"""CloudEvents 1.0: structured, in batches, and in binary mode, as events of the specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cxminute.collect.calls.envelope import Unacceptable, from_cloud_event, open_envelope
from tests.collect.sent import NOON, RECEIVED, call, events, rejects

CLOUD = {
    "specversion": "1.0",
    "id": "i",
    "source": "/shop/web",
    "type": "com.example.paid",
    "subject": "u",
    "time": NOON,
}
HEADERS = {f"ce-{key}": value for key, value in CLOUD.items()}


def one(**more: Any) -> dict[str, Any]:
    """The event that a structured CloudEvent becomes."""
    [found] = events(call(json.dumps(CLOUD | more).encode(), "cloudevents"))
    return found


def test_a_cloud_event_is_an_event() -> None:
    """Its id is the message id, its subject the person, its type the name, its data the properties."""
    found = one(data={"total": 5}, dataschema="http://schema", traceid="t")
    assert (found["id"], found["name"], found["kind"], found["user_id"]) == ("i", "com.example.paid", "track", "u")
    assert found["at"] == RECEIVED
    assert found["properties"] == {"total": 5}
    more = {"specversion": "1.0", "source": "/shop/web", "dataschema": "http://schema", "traceid": "t"}
    assert found["context"] == {"cloudevents": more}


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        ("cxm.track.Order Completed", "track", "Order Completed"),
        ("cxm.identify", "identify", "Identify"),
        ("cxm.page.Home", "page", "Page Viewed"),
        ("cxm.track", "track", "cxm.track"),
        ("cxm.other.thing", "track", "cxm.other.thing"),
    ],
)
def test_a_type_of_ours_says_kind_and_name(said: str, kind: str, name: str) -> None:
    """`cxm.KIND.NAME`; any other type is the name of a track call, whole."""
    found = one(type=said)
    assert (found["kind"], found["name"]) == (kind, name)


def test_attributes_of_an_extension_say_whose_it_is() -> None:
    """`userid` goes before the subject; `anonymousid` and `groupid` beside it. Data of identify calls are traits."""
    found = one(userid="v", anonymousid="a", groupid="g", type="cxm.identify", data={"plan": "x"})
    assert (found["user_id"], found["anonymous_id"], found["group_id"]) == ("v", "a", "g")
    assert found["traits"] == {"plan": "x", "subject": "u"}
    assert one(userid="v")["context"]["traits"] == {"subject": "u"}
    assert one(data=[1, 2])["properties"] == {"data": [1, 2]}


def test_a_batch_is_a_list() -> None:
    """Each of its events stands for itself, and what is no CloudEvent of this version is set apart."""
    several = [CLOUD, {**CLOUD, "specversion": "0.3"}, {**CLOUD, "subject": None}, {**CLOUD, "type": ""}, 5]
    body = json.dumps(several).encode()
    assert rejects(body, protocol="cloudevents") == ["bad_version", "no_user_anon_id", "no_name", "not_an_object"]
    assert open_envelope(b"[]", "cloudevents", "").events == 0


def binary(body: bytes, **headers: str) -> dict[str, Any]:
    """The event of a call in binary mode."""
    made, kind = from_cloud_event(HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}, body)
    assert kind == "application/cloudevents+json"
    [found] = events(call(made, "cloudevents"))
    return found


def test_binary_mode_is_the_same_event() -> None:
    """Attributes in headers, the data in the body: JSON as JSON, other text as text, bytes as base64."""
    assert binary(b'{"total": 5}', content_type="application/json")["properties"] == {"total": 5}
    assert binary(b'{"total": 5}')["properties"] == {"total": 5}
    assert binary(b"plain", content_type="text/plain; charset=utf-8")["properties"] == {"data": "plain"}
    assert binary(b"\xff", content_type="image/png")["context"]["cloudevents"]["data_base64"] == "/w=="
    assert binary(b"", ce_subject="Z%C3%BCrich")["user_id"] == "Z\u00fcrich"
    assert binary(b"", ce_traceid="t")["context"]["cloudevents"]["traceid"] == "t"


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"ce-id": ""}, b"{}", "no_attribute"),
        ({"ce-source": " "}, b"{}", "no_attribute"),
        ({"ce-type": ""}, b"{}", "no_attribute"),
        ({"ce-specversion": "0.3"}, b"{}", "bad_version"),
        ({"content-type": "application/json"}, b"{", "bad_json"),
        ({"content-type": "application/json"}, b'"\xff"', "wrong_encoding"),
    ],
)
def test_binary_mode_without_what_it_needs_is_refused(headers: dict[str, str], body: bytes, code: str) -> None:
    """Whether in its headers or in its data."""
    with pytest.raises(Unacceptable) as fault:
        open_envelope(from_cloud_event(HEADERS | headers, body)[0], "cloudevents", "")
    assert fault.value.code == code
