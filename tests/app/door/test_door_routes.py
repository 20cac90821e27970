"""Requests to a real server: what is taken, what is refused, and with which answer."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.running import authorization
from cxminute.app import clock
from cxminute.app.door.paths import EVENTS, KINDS
from cxminute.app.project import Project
from cxminute.collect.calls import limits
from tests.app.door.opened import Running, Said, door, held, project
from tests.conftest import ROOT

TRACK = {"userId": "u1", "event": "Order Completed", "messageId": "m1", "properties": {"total": 12.5}}
OURS = ("access-control-allow-origin", "access-control-expose-headers")


@dataclass(frozen=True)
class Shop:
    """A project behind a running door, and a key of its one source."""

    root: Path
    key: str
    running: Running

    def send(self, path: str, body: object, key: str | None = "", **headers: str) -> Said:
        """One request, with the shop's key unless another is given."""
        return self.running.ask(path, body, key=self.key if key == "" else key, **headers)

    def empty(self) -> None:
        """Lets go of what lies in the inbox."""
        inbox = Project(self.root).inbox
        found = inbox.take(1_000_000, {})
        if found:
            inbox.drop({"site": found[-1].number})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One server for the tests of this file."""
    folder = tmp_path_factory.mktemp("door")
    root = project(folder / "shop")
    key = Project(root).keys.add("site", clock.now())
    with door(folder / "log", root) as running:
        yield Shop(root, key, running)


@pytest.fixture
def shop(served: Shop) -> Shop:
    """The same, with nothing in its inbox."""
    served.empty()
    return served


def test_what_is_answered_with_200_lies_in_the_inbox(shop: Shop) -> None:
    """An accepted call is on disk, as it was sent, when its answer comes; the answer counts its items."""
    before = clock.now()
    said = shop.send("/v1/track", TRACK)
    assert (said.status, said.json) == (200, {"success": True, "accepted": 1, "duplicate": 0, "rejected": 0})
    [call] = held(shop.root)
    assert (call.source, call.protocol, call.kind, call.events) == ("site", "segment", "track", 1)
    assert json.loads(call.body) == TRACK
    assert before <= call.received_at <= clock.now()
    assert (call.gpc, call.peer) == (False, "")


@pytest.mark.parametrize("path", [path for path in EVENTS if EVENTS[path].protocol == "segment"])
def test_every_path_takes_its_kind_with_and_without_a_slash(shop: Shop, path: str) -> None:
    """Each of Segment's paths, its letter, and either with a slash at the end, answers 200 itself: no redirect."""
    kind = EVENTS[path].kind
    item = {**TRACK, "groupId": "g", "previousId": "p"}
    said = shop.send(path, item if kind else {"batch": [{**item, "type": "track"}, {**item, "type": "alias"}]})
    assert (said.status, said.json["rejected"]) == (200, 0), said
    [call] = held(shop.root)
    assert (call.kind, call.events) == (kind, 1 if kind else 2)


def test_a_batch_counts_what_is_good_repeated_and_bad(shop: Shop) -> None:
    """Items are counted one by one: those that will be events, those sent twice in it, those for quarantine."""
    good = {**TRACK, "type": "track"}
    said = shop.send("/v1/batch", {"batch": [good, good, {"type": "track", "event": "x"}, {**good, "messageId": "m2"}]})
    assert said.json == {"success": True, "accepted": 2, "duplicate": 1, "rejected": 1}
    assert held(shop.root)[0].events == 4


def test_posthog_is_taken_by_its_paths_and_its_key(shop: Shop) -> None:
    """PostHog's clients send their key in the body, without a header."""
    batch = {"api_key": shop.key, "batch": [{"event": "x", "distinct_id": "d1", "uuid": "u-1"}]}
    assert shop.send("/batch/", batch, None).json == {"success": True, "accepted": 1, "duplicate": 0, "rejected": 0}
    assert held(shop.root)[0].protocol == "posthog"
    single = {"api_key": shop.key, "event": "x", "distinct_id": "d1", "uuid": "u-2"}
    assert shop.send("/capture/", single, None).status == 200


def test_cloudevents_come_structured_binary_and_as_a_batch(shop: Shop) -> None:
    """All three forms of CloudEvents over HTTP are one event each, with the key in the header."""
    event = {"specversion": "1.0", "id": "c1", "source": "/shop", "type": "cxm.track.Paid", "subject": "u1", "data": {}}
    structured = shop.send("/v1/events", event, content_type="application/cloudevents+json")
    several = shop.send(
        "/v1/events/", [event, {**event, "id": "c2"}], content_type="application/cloudevents-batch+json"
    )
    binary = shop.send(
        "/v1/events", {"total": 5}, content_type="application/json", ce_specversion="1.0", ce_id="c3",
        ce_source="/shop", ce_type="cxm.track.Paid", ce_subject="u1",
    )  # fmt: skip
    assert [said.json["accepted"] for said in (structured, several, binary)] == [1, 2, 1]
    kept = held(shop.root)
    assert [call.protocol for call in kept] == ["cloudevents"] * 3
    assert json.loads(kept[2].body)["data"] == {"total": 5}


def test_the_key_may_stand_in_header_or_body(shop: Shop) -> None:
    """Basic with an empty password, Bearer, writeKey and api_key all say who sends; header and body may both."""
    assert shop.send("/v1/track", TRACK, None, authorization=authorization(shop.key)).status == 200
    assert shop.send("/v1/track", TRACK, None, authorization=f"bearer {shop.key}").status == 200
    assert shop.send("/v1/track", {**TRACK, "writeKey": shop.key}, None).status == 200
    assert shop.send("/v1/track", {**TRACK, "writeKey": shop.key}).status == 200
    assert len(held(shop.root)) == 4


def test_without_a_good_key_nothing_is_taken(shop: Shop) -> None:
    """No key, an unknown one, one with a password, two that differ: 401 with a code, and nothing in the inbox."""
    wrong = "cxm_" + "x" * 43
    refused = [
        shop.send("/v1/track", TRACK, None),
        shop.send("/v1/track", TRACK, wrong),
        shop.send("/v1/track", {**TRACK, "writeKey": wrong}, None),
        shop.send("/v1/track", TRACK, None, authorization="Basic not-base64"),
        shop.send("/v1/track", TRACK, None, authorization=f"Digest {shop.key}"),
        shop.send("/v1/track", TRACK, f"{shop.key}:password"),
    ]
    assert {(said.status, said.json["code"]) for said in refused} == {(401, "unknown_key")}
    keyless = [str(said.json["message"]).startswith("No write key in the request") for said in refused]
    assert keyless == [True, False, False, True, True, True], "a key in the wrong place is told from a wrong key"
    assert shop.send("/v1/track", {**TRACK, "writeKey": wrong}).json["code"] == "keys_disagree"
    assert shop.send("/v1/track", {**TRACK, "writeKey": wrong, "api_key": shop.key}).json["code"] == "two_keys"
    assert all(said.json["success"] is False and said.json["message"] for said in refused)
    assert not any(wrong.encode() in said.body for said in refused)
    assert held(shop.root) == []


@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("identity", bytes),
    ],
)
def test_bodies_are_judged_by_their_bytes(shop: Shop, encoding: str, squeeze: object) -> None:
    """Gzip is known by its first bytes even where a client types it as a form; the inbox keeps plain JSON."""
    assert callable(squeeze)
    body = squeeze(json.dumps(TRACK).encode())
    headers = {"content_encoding": encoding} if encoding else {}
    said = shop.send("/v1/track", body, content_type="application/x-www-form-urlencoded", **headers)
    assert said.status == 200
    assert json.loads(held(shop.root)[0].body) == TRACK


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_encodings_that_are_not_read_are_415(shop: Shop, encoding: str) -> None:
    """What could not be inflated within bounds is refused by its name."""
    said = shop.send("/v1/track", b"\x00", content_encoding=encoding)
    assert (said.status, said.json["code"]) == (415, "unsupported_encoding")


def test_no_bomb_goes_off(shop: Shop) -> None:
    """Gzip that inflates beyond the limit is 413, gzip within gzip 400, and so is what breaks off or goes on."""
    began = time.monotonic()
    bomb = gzip.compress(b" " * (64 << 20))
    once = gzip.compress(json.dumps(TRACK).encode())
    found = {
        "bomb": shop.send("/v1/batch", bomb),
        "nested": shop.send("/v1/batch", gzip.compress(gzip.compress(json.dumps({"batch": []}).encode()))),
        "cut": shop.send("/v1/track", once[:-9]),
        "twice": shop.send("/v1/track", once + once),
        "junk": shop.send("/v1/track", b"\x1f\x8b" + b"\x00" * 50),
    }
    assert {name: said.status for name, said in found.items()} == {
        "bomb": 413, "nested": 400, "cut": 400, "twice": 400, "junk": 400,
    }  # fmt: skip
    assert time.monotonic() - began < 10
    assert held(shop.root) == []


def _padded(size: int) -> bytes:
    start = json.dumps({"batch": [{**TRACK, "type": "track"}]}).encode()
    return start[:-1] + b" " * (size - len(start)) + b"}"


def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not(shop: Shop) -> None:
    """5 MiB is the limit, plain, inflated or in chunks; what is above hears 413, though it came without a length."""
    assert shop.send("/v1/batch", _padded(limits.LARGEST_BODY)).status == 200
    assert shop.send("/v1/batch", gzip.compress(_padded(limits.LARGEST_BODY))).status == 200
    above = _padded(limits.LARGEST_BODY + 1)
    assert shop.send("/v1/batch", above).json["code"] == "body_too_large"
    assert shop.send("/v1/batch", gzip.compress(above)).json["code"] == "body_too_large"
    with socket.create_connection(shop.running.place, 20) as line:
        line.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        line.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(above), above))
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert len(held(shop.root)) == 2


def test_more_events_than_the_limit_are_413(shop: Shop) -> None:
    """2,500 events are taken at once, one more is refused as a whole, with a code that says so."""
    items = [{**TRACK, "type": "track", "messageId": f"m{number}"} for number in range(limits.MOST_EVENTS + 1)]
    assert shop.send("/v1/batch", {"batch": items[1:]}).json["accepted"] == limits.MOST_EVENTS
    said = shop.send("/v1/batch", {"batch": items})
    assert (said.status, said.json["code"]) == (413, "too_many_events")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"batch": 5}', b'{"batch": [}', b"a=b&c=d"])
def test_what_is_no_json_is_400_for_good(shop: Shop, body: bytes) -> None:
    """A body that can never be read is refused so that clients do not send it again."""
    said = shop.send("/v1/batch", body)
    assert (said.status, said.json["success"]) == (400, False)
    assert "retry-after" not in said.headers


def test_other_methods_are_405_and_other_paths_404(shop: Shop) -> None:
    """A path that does not do this says what it does; what is not there is not there: both as JSON, for any origin."""
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD"):
        said = shop.running.ask("/v1/track", method=method)
        assert (said.status, said.headers["allow"]) == (405, "POST, OPTIONS")
    assert shop.running.ask("/health", method="POST").headers["allow"] == "GET, HEAD, OPTIONS"
    nowhere = [shop.running.get(path) for path in ("/", "/v1", "/v1/track/x", "/v2/track", "/v1//track")]
    assert {(said.status, said.json["code"]) for said in nowhere} == {(404, "not_found")}
    assert all(name in said.headers for said in nowhere for name in OURS)


def test_a_browser_may_ask_first(shop: Shop) -> None:
    """The preflight is 200 and allows what clients send with; every answer can be read by any page."""
    said = shop.running.ask(
        "/v1/t", method="OPTIONS", origin="https://shop.example", access_control_request_method="POST",
        access_control_request_headers="authorization,content-type,x-retry-count",
    )  # fmt: skip
    assert (said.status, said.body) == (200, b"")
    assert said.headers["access-control-allow-origin"] == "*"
    assert "POST" in said.headers["access-control-allow-methods"]
    allowed = said.headers["access-control-allow-headers"]
    assert {"authorization", "content-type", "x-retry-count"} <= set(allowed.split(", "))
    assert all(name in shop.send("/v1/t", TRACK, "x" * 20).headers for name in OURS)


def test_the_browser_client_gets_its_settings(shop: Shop) -> None:
    """analytics-next hears where to send: to this host, under this key, and nowhere else."""
    said = shop.running.get(f"/v1/projects/{shop.key}/settings")
    host, port = shop.running.place
    segment = {"apiKey": shop.key, "apiHost": f"{host}:{port}/v1", "protocol": "http"}
    assert said.json["integrations"] == {"Segment.io": segment}
    assert said.json["metrics"] == {"sampleRate": 0}
    assert shop.running.get("/v1/projects/nobody/settings").status == 401


def test_the_wish_not_to_be_sold_is_kept_with_the_call(shop: Shop) -> None:
    """Sec-GPC: 1 is recorded; only 1 counts."""
    for value in ("1", "0", "true"):
        shop.send("/v1/track", TRACK, sec_gpc=value)
    assert [call.gpc for call in held(shop.root)] == [True, False, False]


def test_the_peer_is_kept_only_where_a_call_asks_for_it(shop: Shop) -> None:
    """context.direct asks the server to fill in the address; a forwarded one is not believed by itself."""
    shop.send("/v1/track", TRACK, x_forwarded_for="203.0.113.9")
    shop.send("/v1/track", {**TRACK, "context": {"direct": True}}, x_forwarded_for="203.0.113.9")
    assert [call.peer for call in held(shop.root)] == ["", "127.0.0.1"]


def test_the_pages_of_operation_answer(shop: Shop) -> None:
    """Alive, ready, figures and description are there to be read, with and without a slash."""
    assert shop.running.get("/health").json == {"status": "alive"}
    assert shop.running.get("/ready/").json == {"ready": True, "stopping": False, "projects": {"shop": None}}
    assert shop.running.get("/openapi.json").json["openapi"] == "3.1.0"
    assert shop.running.ask("/health", method="HEAD").status == 200


def test_figures_name_sources_and_no_more(shop: Shop) -> None:
    """The metrics count calls, items, transactions and what waits, by names that people chose; no key, no person."""
    shop.send("/v1/track", {**TRACK, "userId": "canary-person"})
    shop.send("/v1/track", TRACK, "stranger")
    text = shop.running.get("/metrics").body.decode()
    for line in (
        'cxm_door_calls_total{route="track",status="200"}',
        'cxm_door_items_total{outcome="accepted",project="shop",source="site"}',
        'cxm_commit_seconds_count{project="shop"}',
        'cxm_inbox_events{project="shop",source="site"} 1.0',
        'cxm_door_refusals_total{code="unknown_key",project="-",source="-"}',
        'cxm_state_unread{project="shop"} 0.0',
    ):
        assert line in text, line
    assert "canary-person" not in text
    assert shop.key[:12] not in text


def test_nothing_of_a_request_is_written_down(shop: Shop) -> None:
    """The log tells of the server; no key, no person and no body is in it."""
    shop.send("/v1/track", {**TRACK, "userId": "canary-person"})
    shop.send("/v1/track", b'{"userId": "canary-person"')
    written = shop.running.log.read_text("utf-8")
    assert "listening" in written
    assert "canary-person" not in written
    assert shop.key[4:] not in written


def test_kinds_are_those_of_segment() -> None:
    """Every type of Segment's calls has a path of its own, and so has its first letter."""
    assert {f"/v1/{kind}" for kind in KINDS} | {f"/v1/{kind[0]}" for kind in KINDS} <= set(EVENTS)


def test_every_figure_is_documented(shop: Shop) -> None:
    """The reference names each metric that there is, and none that there is not."""
    shop.send("/v1/track", TRACK)
    exposed = set(re.findall(r"^# HELP (\w+)", shop.running.get("/metrics").body.decode(), re.MULTILINE))
    text = (ROOT / "docs" / "reference" / "operations.md").read_text("utf-8")
    documented = set(re.findall(r"`(cxm_\w+)`", text))
    assert documented == exposed
