"""Events of PostHog's clients: anonymous until identified, their own events under the names of the specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.collect.sent import NOON, Item, batch, call, events, rejects, without


def one(event: str, properties: Item | None = None, **more: Any) -> Item:
    """The event that one of PostHog's becomes, without its id and its times."""
    item = {"event": event, "distinct_id": "d", "uuid": "m", "timestamp": NOON, "properties": properties or {}, **more}
    [found] = events(call(batch(item, api_key="phc", sent_at=NOON)))
    return without(found, "id", "at", "originalTimestamp", "sentAt", "receivedAt")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            one("Signed Up", {"plan": "x"}),
            {"kind": "track", "name": "Signed Up", "anonymous_id": "d", "properties": {"plan": "x"}},
        ),
        (
            one("Signed Up", {"$is_identified": True, "$device_id": "dev"}),
            {"kind": "track", "name": "Signed Up", "user_id": "d", "context": {"device": {"id": "dev"}}},
        ),
        (one("Signed Up", {"$user_id": "d"}), {"kind": "track", "name": "Signed Up", "user_id": "d"}),
        (one("Signed Up", {"$user_id": "x"}), {"kind": "track", "name": "Signed Up", "anonymous_id": "d"}),
        (
            one("$identify", {"$set": {"email": "e"}, "$set_once": {"first": 1}, "$anon_distinct_id": "a"}),
            {
                "kind": "identify",
                "name": "Identify",
                "user_id": "d",
                "anonymous_id": "a",
                "traits": {"email": "e", "first": 1},
            },
        ),
        (
            one("$set", **{"$set": {"email": "e"}}),
            {"kind": "identify", "name": "Identify", "anonymous_id": "d", "traits": {"email": "e"}},
        ),
        (
            one("Signed Up", {"$set": {"name": "n"}}),
            {"kind": "track", "name": "Signed Up", "anonymous_id": "d", "context": {"traits": {"name": "n"}}},
        ),
        (
            one("$create_alias", {"alias": "new", "distinct_id": "d"}),
            {"kind": "alias", "name": "Alias", "user_id": "new", "previousId": "d"},
        ),
        (one("$create_alias"), {"kind": "alias", "name": "Alias", "anonymous_id": "d"}),
        (
            one("$groupidentify", {"$group_type": "company", "$group_key": "acme", "$group_set": {"size": 7}}),
            {
                "kind": "group",
                "name": "Group",
                "anonymous_id": "d",
                "group_id": "acme",
                "traits": {"size": 7},
                "properties": {"group_type": "company"},
            },
        ),
        (
            one("$groupidentify", {"$set": {"email": "e"}, "$group_set": {"size": 7}}),
            {
                "kind": "group",
                "name": "Group",
                "anonymous_id": "d",
                "traits": {"size": 7},
                "context": {"traits": {"email": "e"}},
            },
        ),
        (
            one("$groupidentify", {"$group_type": "company", "$group_key": "acme"}, distinct_id="$company_acme"),
            {"kind": "group", "name": "Group", "group_id": "acme", "properties": {"group_type": "company"}},
        ),
        (
            one("$pageview", {"$current_url": "http://x/y", "$pathname": "/y", "title": "t", "$ip": "1.1.1.1"}),
            {
                "kind": "page",
                "name": "Page Viewed",
                "anonymous_id": "d",
                "properties": {"url": "http://x/y", "path": "/y", "title": "t"},
                "context": {"ip": "1.1.1.1"},
            },
        ),
        (
            one("$screen", {"$screen_name": "Home", "$lib": "posthog-ios", "$lib_version": "3"}),
            {
                "kind": "screen",
                "name": "Screen Viewed",
                "anonymous_id": "d",
                "properties": {"name": "Home"},
                "context": {"library": {"name": "posthog-ios", "version": "3"}},
            },
        ),
        (
            one("Bought", {"$groups": {"company": "acme"}}),
            {
                "kind": "track",
                "name": "Bought",
                "anonymous_id": "d",
                "group_id": "acme",
                "properties": {"$groups": {"company": "acme"}},
            },
        ),
        (
            one("Bought", {"token": "phc", "$raw_user_agent": "Mozilla"}),
            {"kind": "track", "name": "Bought", "anonymous_id": "d", "context": {"userAgent": "Mozilla"}},
        ),
    ],
)
def test_an_event_of_posthog_is_one_of_the_specification(said: dict[str, Any], meant: dict[str, Any]) -> None:
    """Each of its own events under the kind it means; ids, traits and addresses where they are known as personal."""
    assert said == meant


def test_its_uuid_is_the_message_id_and_its_key_is_nowhere() -> None:
    """The same uuid is the same event; the project key that browsers put into the properties is dropped."""
    item = {"event": "e", "distinct_id": "d", "uuid": "m", "properties": {"token": "phc_secret", "x": 1}}
    [found] = events(call(json.dumps({**item, "api_key": "phc_secret"}).encode(), "posthog"))
    assert found["id"] == "m"
    assert "phc_secret" not in str(found)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"distinct_id": "d"}, "no_name"),
        ({"event": "e"}, "no_user_anon_id"),
        ({"event": "e", "distinct_id": {}}, "bad_id"),
        ({"event": "$groupidentify", "properties": {"$group_key": {}}}, "no_user_anon_id"),
        ({"event": "e", "distinct_id": "d", "timestamp": "soon"}, "bad_time"),
        ({"event": "e", "distinct_id": "d", "uuid": "m" * 100}, "message_id_too_long"),
    ],
)
def test_what_it_lacks_sets_an_event_apart(item: dict[str, Any], reason: str) -> None:
    """As for any other client: a name and an id of somebody are needed."""
    assert rejects(batch(item, api_key="k")) == [reason]


def test_an_id_beside_the_first_that_is_none_is_no_fault() -> None:
    """A group, a device or an alias that cannot be an id is left where it was sent."""
    found = one("Bought", {"$groups": {"company": {}}, "alias": {}})
    assert "group_id" not in found
    assert found["properties"]["$groups"] == {"company": {}}
    assert (
        events(call(batch({"event": "e", "properties": {"distinct_id": "d"}}, api_key="k")))[0]["anonymous_id"] == "d"
    )
