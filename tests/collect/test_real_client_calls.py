"""The recorded calls of seven real clients: each is taken, and becomes the events that its program meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cxminute.model.times import from_ms
from tests.collect.sent import call, events

RECEIVED = 1_795_304_540_000
"""2026-11-21T23:42:20Z, some seconds after all of them."""

PYTHON = {"library": {"name": "analytics-python", "version": "2.4.0"}}
RUDDER = {"library": {"name": "analytics-python", "version": "2.1.9"}}
NODE = {"library": {"name": "@segment/analytics-node", "version": "3.1.0"}}
ORDER = {"kind": "track", "name": "Order Completed", "user_id": "u1", "properties": {"order_id": "o1"}}
NEWS = "http://127.0.0.1:18765/shop?utm_source=news"
PAGE = {"path": "/shop", "referrer": "", "search": "?utm_source=news", "title": "", "url": NEWS}
BROWSER = {
    "page": PAGE,
    "userAgent": "Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/24.1.3",
    "locale": "en-US",
    "library": {"name": "analytics.js", "version": "next-1.84.3"},
    "campaign": {"source": "news"},
    "timezone": "UTC",
}
LOADED = {"_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []}}
VISITOR = {"anonymous_id": "1b583727-295e-4e4b-9337-3a90ce611470", "integrations": {"Segment.io": True}} | LOADED
RUNTIME = {"_metadata": {"nodeVersion": "v20.20.2", "jsRuntime": "node"}}

# of each recorded call, in order: the events with all that they say, and how many seconds before it was sent they were
MEANT: list[list[tuple[dict[str, Any], float]]] = [
    [  # segment-analytics-python
        ({"id": "cbb80b62-cb21-4e09-b794-baa1f777bada", "kind": "identify", "name": "Identify", "user_id": "u1",
          "traits": {"email": "a@example.com"}, "context": PYTHON}, 0.5),
        ({"id": "ee9ec191-7915-4ce2-a15c-0b2527138189", "kind": "track", "name": "Order Completed", "user_id": "u1",
          "properties": {"order_id": "o1", "revenue": 12.5}, "context": {"ip": "1.2.3.4", **PYTHON}}, 0.5),
        ({"id": "4d421db5-d703-4e25-8e40-f8d25c8cf06e", "kind": "page", "name": "Page Viewed", "user_id": "u1",
          "properties": {"url": "http://x", "name": "Index", "category": "Home"}, "context": PYTHON}, 0.5),
        ({"id": "c609ee5d-15ca-40b6-8df5-adf01ec9a80b", "kind": "group", "name": "Group", "user_id": "u1",
          "group_id": "g1", "traits": {"name": "G"}, "context": PYTHON}, 0.5),
        ({"id": "fa900fb2-3c65-4362-8a20-1d4799a40d9d", "kind": "alias", "name": "Alias", "user_id": "u1",
          "previousId": "anon1", "context": PYTHON}, 0.5),
        ({"id": "bdb2b9e7-462f-40c7-a1b3-f73b322cdce6", "kind": "screen", "name": "Screen Viewed", "user_id": "u1",
          "properties": {"name": "Main", "category": "S1"}, "context": PYTHON}, 0.5),
    ],
    [  # rudder-sdk-python
        ({"id": "ad215204-5510-46b6-8029-623acd110f1f", "kind": "identify", "name": "Identify", "user_id": "u1",
          "traits": {"email": "a@example.com"}, "context": RUDDER, "channel": "server",
          "integrations": {"All": True}}, 0.5),
        ({"id": "8f550075-3c78-4288-8752-19d9890e3c73", **ORDER, "context": RUDDER, "channel": "server",
          "integrations": {"All": True}}, 0.499),
    ],
    [  # posthog-python
        ({"id": "b0744ef7-e695-42a2-9269-68ad7477f06a", "kind": "track", "name": "Order Completed",
          "anonymous_id": "u1", "context": {"library": {"name": "posthog-python", "version": "7.91.1"}},
          "properties": {"order_id": "o1", "$python_runtime": "CPython", "$python_version": "3.11.7", "$os": "Linux",
                         "$os_version": "12", "$os_distro": "Debian GNU/Linux", "$geoip_disable": True,
                         "$is_server": True}}, 0),
    ],
    [  # @segment/analytics-node
        ({"id": "node-next-1795304531368-07abd047-c871-4167-9c81-406c499ab756", "kind": "identify",
          "name": "Identify", "user_id": "u1", "traits": {"email": "a@example.com"}, "context": NODE} | RUNTIME, 0.014),
        ({"id": "node-next-1795304531369-d047c871-8167-4c81-806c-499ab756f47e", **ORDER, "context": NODE} | RUNTIME,
         0.013),
    ],
    [  # @rudderstack/rudder-sdk-node
        ({"id": "5b87f101-9c24-4153-9451-59bad3c7874f", **ORDER, "channel": "server",
          "context": {"library": {"name": "analytics-node", "version": "3.0.13"}},
          "_metadata": {"nodeVersion": "20.20.2"}}, 0),
    ],
    [  # posthog-node
        ({"id": "01a2007d-2662-7f9f-9841-daaccc6b8a1b", "kind": "track", "name": "Order Completed",
          "anonymous_id": "u1", "context": {"library": {"name": "posthog-node", "version": "5.70.0"}},
          "properties": {"order_id": "o1", "$is_server": True, "$geoip_disable": True}}, 0.001),
    ],
    [  # @segment/analytics-next
        ({"id": "ajs-next-1795304534895-9f1b5837-2729-4eae-8b53-373a90ce6114", "kind": "page", "name": "Page Viewed",
          "properties": PAGE, "context": BROWSER, **VISITOR}, 0.032),
    ],
    [
        ({"id": "ajs-next-1795304534945-3727295e-ae4b-4337-ba90-ce611470e16f", "kind": "identify", "name": "Identify",
          "user_id": "u1", "traits": {"email": "a@example.com"}, "context": BROWSER, **VISITOR}, 0.007),
    ],
    [
        ({"id": "ajs-next-1795304534962-295eae4b-5337-4a90-8e61-1470e16f2877", **ORDER, "context": BROWSER, **VISITOR},
         0.002),
    ],
]  # fmt: skip
KINDS = {"p": "page", "i": "identify", "t": "track"}


@pytest.mark.outside("shared")
@pytest.mark.parametrize("place", range(len(MEANT)))
def test_a_real_clients_call_becomes_the_events_that_were_meant(shared: Path, place: int) -> None:
    """All that they say arrives, under the client's own ids, at the moment the client means by the server's clock."""
    lines = (shared / "segment_client_requests.jsonl").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) == len(MEANT)
    sent = json.loads([line for line in lines if line.strip()][place])
    route = sent["path"].removeprefix("/v1/")
    protocol = "posthog" if sent["path"] == "/batch/" else "segment"
    one = call(json.dumps(sent["body"]).encode(), protocol, KINDS.get(route, ""), received_at=RECEIVED)
    found = events(one)
    times = [{key: event.pop(key) for key in ("originalTimestamp", "sentAt", "receivedAt")} for event in found]
    moments = [event.pop("at") for event in found]
    assert found == [event for event, _ in MEANT[place]]
    assert moments == [RECEIVED - round(before * 1_000) for _, before in MEANT[place]]
    assert {time["receivedAt"] for time in times} == {f"{from_ms(RECEIVED):%FT%T}.000Z"}
    assert all(time["originalTimestamp"][:17] == time["sentAt"][:17] == "2026-11-21T23:42:" for time in times)
