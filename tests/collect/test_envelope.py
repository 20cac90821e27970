"""What the door knows of a body before it answers: taken or refused, counted as the worker will find it."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.calls import limits
from cxminute.collect.calls.envelope import Envelope, Unacceptable, open_envelope
from cxminute.collect.calls.reading import read_calls
from cxminute.model.calls import Call
from tests.collect.sent import RECEIVED, batch, call, read, rejects, track, website, without


def refused(body: bytes, protocol: str = "segment", kind: str = "") -> str:
    """The code with which a body is refused."""
    with pytest.raises(Unacceptable) as fault:
        open_envelope(body, protocol, kind)
    assert "Nothing of it was kept." in str(fault.value)
    return fault.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b" \n", "bad_json"),
        (b"\xef\xbb\xbf", "bad_json"),
        (b"{", "bad_json"),
        (b'{"batch": [{}]', "bad_json"),
        (b'{"batch": [{"a": 1,}]}', "bad_json"),
        (b'{"batch": [{"a": 01}]}', "bad_json"),
        (b'{"batch": [{"a": "\x01"}]}', "bad_json"),
        (b'{"batch": [{"a": nul}]}', "bad_json"),
        (b'{"batch": [{} {}]}', "bad_json"),
        (b'{"batch": [{"a": [1}]]}', "bad_json"),
        (b'{"batch": []}{}', "bad_json"),
        (b"data=%7B%7D", "bad_json"),
        (gzip.compress(b"{}"), "wrong_encoding"),
        (b'{"batch": [{"a": "\xff"}]}', "wrong_encoding"),
        (b"[]", "not_an_object"),
        (b"17", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "no_batch"),
        (b'{"type": "track"}', "no_batch"),
        (b'{"batch": {}}', "no_batch"),
        (b'{"batch": null}', "no_batch"),
        (b'{"batch": [{}], "batch": 5}', "no_batch"),
        (batch(*[{}] * 2_501), "too_many_events"),
        (b"[" * 5_000 + b"]" * 5_000, "not_an_object"),
        (b'{"x":' * 10_001 + b"1" + b"}" * 10_001, "too_deep"),
        (b'{"context": {"x": NaN}, "batch": []}', "not_a_number"),
        (b'{"context": {"x": 1e400}, "batch": []}', "number_too_large"),
        (b'{"context": {"x": "\\ud800"}, "batch": []}', "lone_surrogate"),
        (b'{"context": {"x": "\\u0000"}, "batch": []}', "nul_character"),
        (b'{"context": ' + b"[" * 40 + b"]" * 40 + b', "batch": []}', "too_deep"),
        (batch(context={str(number): 1 for number in range(1_001)}), "too_wide"),
        (batch(context={"x": "x" * (65 << 10)}), "context_too_large"),
        (batch(*[{}] * 2_500, context={"x": "x" * 5_000}), "context_too_large"),
        (batch(writeKey="a", api_key="b"), "two_keys"),
    ],
)
def test_a_body_that_is_no_call_is_refused_with_a_code(body: bytes, code: str) -> None:
    """What cannot be taken at all is told at once, and why."""
    assert refused(body) == code


def test_no_event_is_larger_than_the_limit_by_a_second_list() -> None:
    """A list 'batch' that is spelt with escapes is one to a decoder: it hides no event from the limits."""
    large = json.dumps([track(properties={"x": "y" * limits.LARGEST_EVENT})])
    body = f'{{"batch":[{json.dumps(track())}],"\\u0062atch":{large}}}'.encode()
    with pytest.raises(Unacceptable, match="two lists"):
        open_envelope(body, "segment", "")


@pytest.mark.parametrize(
    ("body", "envelope"),
    [
        (batch(track()), Envelope("segment", "", 1, 0, 0, direct=False)),
        (b"\xef\xbb\xbf \n" + batch(track(), writeKey="k"), Envelope("segment", "k", 1, 0, 0, direct=False)),
        (batch(), Envelope("segment", "", 0, 0, 0, direct=False)),
        (batch(track(), track(), track(messageId="n")), Envelope("segment", "", 3, 0, 1, direct=False)),
        (batch(track(messageId=" m "), track()), Envelope("segment", "", 2, 0, 1, direct=False)),
        (batch(track(messageId="7"), track(messageId=7)), Envelope("segment", "", 2, 0, 1, direct=False)),
        (batch(track(), track(event="")), Envelope("segment", "", 2, 1, 0, direct=False)),
        (batch(track(), None, 5, "x", []), Envelope("segment", "", 5, 4, 0, direct=False)),
        (batch(track(messageId=""), track(messageId=None)), Envelope("segment", "", 2, 0, 0, direct=False)),
        (batch(track(context={"direct": True})), Envelope("segment", "", 1, 0, 0, direct=True)),
        (batch(track(), context={"direct": True}), Envelope("segment", "", 1, 0, 0, direct=True)),
        (batch(track(context={"direct": 1}, direct=True)), Envelope("segment", "", 1, 0, 0, direct=False)),
        (batch({"event": "e", "distinct_id": "d"}, api_key="k"), Envelope("posthog", "k", 1, 0, 0, direct=False)),
        (batch(track(), writeKey=5), Envelope("segment", "", 1, 0, 0, direct=False)),
    ],
)
def test_an_envelope_counts_what_is_in_it(body: bytes, envelope: Envelope) -> None:
    """Items, those at fault, repeated ids, the key, and whether the peer's address is asked for."""
    assert open_envelope(body, "segment", "") == envelope


def test_a_key_tells_the_protocol_where_the_route_does_not() -> None:
    """`api_key` means PostHog and `writeKey` Segment, on either route; a single call is what its route says."""
    item = {"event": "e", "distinct_id": "d", "userId": "u", "type": "track"}
    assert open_envelope(batch(item, writeKey="k"), "posthog", "").protocol == "segment"
    assert open_envelope(batch(item, api_key="k"), "segment", "").protocol == "posthog"
    assert open_envelope(batch(item, api_key="k", writeKey="k"), "segment", "").protocol == "segment"
    assert open_envelope(batch(item), "posthog", "").protocol == "posthog"
    single = json.dumps({**item, "api_key": "k"}).encode()
    assert open_envelope(single, "segment", "track") == Envelope("segment", "k", 1, 0, 0, direct=False)
    assert open_envelope(single, "posthog", "") == Envelope("posthog", "k", 1, 0, 0, direct=False)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("null", "not_an_object"),
        (without(track(), "userId"), "no_user_anon_id"),
        (track(userId="", anonymousId=None), "no_user_anon_id"),
        (track(userId=" \n"), "no_user_anon_id"),
        (without(track(), "event"), "no_name"),
        (track(event=" "), "no_name"),
        (track(event=None), "no_name"),
        (track(event={}), "no_name"),
        (track(event=True), "bad_id"),
        (track(event="x" * 257), "name_too_long"),
        (without(track(), "type"), "bad_kind"),
        (track(type="Track"), "bad_kind"),
        (track(type=7), "bad_kind"),
        (track(messageId="m" * 100), "message_id_too_long"),
        (track(messageId={}), "bad_id"),
        (track(userId=[1]), "bad_id"),
        (track(anonymousId=False), "bad_id"),
        (track(groupId={}), "bad_id"),
        (track(userId="bazaar\x1fbuyer-9"), "bad_id"),
        (track(anonymousId="bazaar\x1fbuyer-9"), "bad_id"),
        (track(groupId="bazaar\x1fbuyers"), "bad_id"),
        (track(userId="u" * 513), "id_too_long"),
        (track(timestamp="yesterday"), "bad_time"),
        (track(timestamp="2026-02-30T00:00:00Z"), "bad_time"),
        (track(timestamp=1_795_348_800_000), "bad_time"),
        (track(timestamp="0001-01-01T00:00:00Z"), "bad_time"),
        (track(timestamp="9999-12-31T00:00:00Z"), "bad_time"),
        (track(timestamp="", originalTimestamp="soon"), "bad_time"),
        (track(x="x" * limits.LARGEST_EVENT), "event_too_large"),
        (track(properties={str(number): 0 for number in range(1_001)}), "too_wide"),
        ('{"x": %s}' % ("[" * 32 + "]" * 32), "too_deep"),
        ('{"x": %s}' % ("[" * 5_000 + "]" * 5_000), "too_deep"),
        ('{"x": NaN}', "not_a_number"),
        ('{"x": -Infinity}', "not_a_number"),
        ('{"x": 1e400}', "number_too_large"),
        ('{"x": -%s}' % ("9" * 400), "number_too_large"),
        (f'{{"x": [{"1e300, -1e-320, " * 9}0]}}', "extreme_numbers"),
        ('{"x": "\\u0000"}', "nul_character"),
        ('{"\\ud800": 1}', "lone_surrogate"),
    ],
)
def test_an_item_that_cannot_be_an_event_is_counted_and_set_apart(item: Any, reason: str) -> None:
    """What is malformed inside a sound batch harms nobody but itself; the door's count is the worker's."""
    text = item if isinstance(item, str) else json.dumps(item)
    body = b'{"batch": [%b, %b, %b]}' % (batch(track())[11:-2], text.encode(), batch(track(messageId="n"))[11:-2])
    assert rejects(body) == [reason]
    assert open_envelope(body, "segment", "") == Envelope("segment", "", 3, 1, 0, direct=False)
    rows = read(call(body)).rows
    assert rows.table["messageId"].to_pylist() == ["m", "n"]
    assert rows.rejects["position"].to_pylist() == [1]


def exactly(size: int) -> dict[str, Any]:
    """A sound item of so many bytes."""
    item = track(x="")
    return {**item, "x": "x" * (size - len(json.dumps(item)))}


def test_a_limit_itself_is_allowed() -> None:
    """At each published limit an item is taken; one beyond it is not."""
    within = [
        exactly(limits.LARGEST_EVENT),
        track(properties={str(number): 0 for number in range(limits.MOST_KEYS - 6)}),
        track(messageId="m" * limits.LONGEST_MESSAGE_ID),
        track(userId="u" * limits.LONGEST_ID),
        track(event="e" * limits.LONGEST_NAME),
    ]
    assert rejects(*(batch(item) for item in within)) == []
    assert rejects(batch(exactly(limits.LARGEST_EVENT + 1))) == ["event_too_large"]
    wide = track(properties={str(number): 0 for number in range(limits.MOST_KEYS - 5)})
    assert rejects(batch(wide)) == ["too_wide"]
    deep = '{"type":"track","event":"e","userId":"u","x":%s}'
    within_depth = deep % ("[" * 31 + "]" * 31)
    assert rejects(b'{"batch": [%b]}' % within_depth.encode()) == []
    assert rejects(b'{"batch": [%b]}' % (deep % ("[" * 32 + "]" * 32)).encode()) == ["too_deep"]
    assert open_envelope(batch(*[track()] * limits.MOST_EVENTS), "segment", "").events == limits.MOST_EVENTS
    assert rejects(b'{"batch": [%b]}' % (deep % "1.7976931348623157e308").encode()) == []
    assert rejects(b'{"batch": [%b]}' % (deep % ("9" * 308)).encode()) == []
    assert rejects(b'{"batch": [%b]}' % (deep % "1.8e308").encode()) == ["number_too_large"]
    assert rejects(batch(track(x=[1e308, 5e-324] * 8, y=0.0), track(x=[1e308] * 16))) == []


texts = st.text(max_size=4) | st.sampled_from(["u", "", " ", "guest", "2026-11-22", "é", "\0", "x" * 600, "track"])
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "type", "event", "userId", "anonymousId", "groupId", "messageId", "timestamp", "originalTimestamp", "sentAt",
    "context", "properties", "traits", "integrations", "name", "distinct_id", "uuid", "id", "specversion", "subject",
    "time", "data", "writeKey", "api_key", "$set",
]  # fmt: skip
SOUND = {
    "type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]),
    "event": st.sampled_from(["Order Completed", "$pageview", "$identify", "$create_alias", "$groupidentify", "$set"]),
    "userId": st.sampled_from(["u", "guest", 7, "é"]),
    "distinct_id": st.sampled_from(["d", "$company_acme"]),
    "specversion": st.just("1.0"),
    "messageId": st.sampled_from(["m", "n", " m", 7]),
    "uuid": st.sampled_from(["m", "n"]),
    "properties": st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("$set", "alias", "$groups", "$group_key", "$anon_distinct_id", "$lib"), anything)
    ),
}
nearly_sound = st.lists(st.tuples(st.sampled_from(FIELDS), anything), max_size=2).map(
    lambda odd: {**track(distinct_id="d", id="i", subject="u", specversion="1.0"), **dict(odd)}
)
items = (
    nearly_sound
    | st.fixed_dictionaries({}, optional={key: SOUND.get(key, anything) | anything for key in FIELDS})
    | anything
)
PROTOCOLS = st.sampled_from(
    [("segment", ""), ("segment", "track"), ("segment", "page"), ("posthog", ""), ("cloudevents", "")]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(items, max_size=4), st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, anything)), PROTOCOLS)
def test_what_the_door_counts_is_what_the_worker_finds(
    some: list[Any], around: dict[str, Any], how: tuple[str, str]
) -> None:
    """Whatever is sent: the items that the door counted are read, and those that it counted as bad are set apart."""
    if how[0] == "cloudevents":
        body = json.dumps(some).encode()
    elif how[1]:
        body = json.dumps({**around, **(some[0] if some and isinstance(some[0], dict) else {})}).encode()
    else:
        body = json.dumps({**around, "batch": some}).encode()
    agree(body, *how)


def agree(body: bytes, protocol: str, kind: str) -> None:
    """Holds the law for one body."""
    try:
        envelope = open_envelope(body, protocol, kind)
    except Unacceptable as fault:
        assert fault.code  # noqa: PT017 -- any refusal is as good as any envelope
        return
    sent = Call("website", RECEIVED, envelope.protocol, kind, envelope.events, body)
    found = read(sent)
    assert found.rows.rejects.num_rows == envelope.rejected
    ids = found.rows.table["messageId"].to_pylist()
    assert len(ids) - len(set(ids)) == envelope.duplicates
    assert found.rows.lines is not None
    assert [isinstance(line, str) for line in found.rows.lines] == [True] * len(ids)


junk = st.binary(max_size=80) | st.text(alphabet='{}[]",:\\u0da1eN -batch', max_size=80).map(str.encode)
broken = st.tuples(st.lists(items, max_size=2), st.integers(0, 200), st.binary(max_size=3)).map(
    lambda drawn: json.dumps({"batch": drawn[0]}).encode()[: drawn[1]] + drawn[2] + json.dumps(drawn[0]).encode()
)


@settings(deadline=None, max_examples=150)
@given(junk | broken, PROTOCOLS)
def test_any_bytes_are_an_envelope_or_a_refusal(body: bytes, how: tuple[str, str]) -> None:
    """No bytes whatever break the door, or are read by the worker in another way than they were counted."""
    agree(body, *how)


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"]}",
        batch(track(properties={str(number): number for number in range(10_001)})),
        b'{"batch":[{"x":' + b"9" * 400_000 + b"}]}",
        b'{"batch":[' + b"[" * 500_000 + b"]" * 500_000 + b"]}",
        b'{"batch":[' + b'"\\ud800",' * 2_000 + b"1]}",
        batch(*[track(x="\\" * 1_000)] * 2_000),
        b'{"batch":[' + b",".join([b"{}"] * 1_000_000) + b"]}",
        b'{"batch":[{"x":"' + b"\\u0000" * 500_000 + b'"}]}',
        batch(*[track(properties={str(number): 1e308 for number in range(900)})] * 80),
        batch(*[track(x=[1e300] * 16)] * 2_000),
        b'{"batch":[' + b",".join([b'{"x":[' + b"1e300," * 9_000 + b"0]}"] * 80) + b"]}",
        b'{"batch":[' + b",".join([b'{"x":[' + b"1e23," * 9_000 + b"0]}"] * 80) + b"]}",
    ],
    ids=[
        "deep",
        "wide",
        "long number",
        "brackets",
        "surrogates",
        "backslashes",
        "too many",
        "nul",
        "large numbers",
        "some extreme numbers",
        "many extreme numbers",
        "hard numbers",
    ],
)
def test_the_time_for_a_body_is_bounded(body: bytes) -> None:
    """Whatever a body of at most 5 MiB holds, judging it takes no time to speak of: once decoded it is done."""
    open_envelope(batch(track()), "segment", "")
    began = time.process_time()
    agree(body, "segment", "")
    assert time.process_time() - began < 4, "seconds of this process, in which the worker reads it, too"


def test_what_another_version_of_the_door_let_in_is_set_apart() -> None:
    """A call that cannot be read at all is one reject, and holds up nobody."""
    found = read_calls(
        [Call("website", RECEIVED, "segment", "", 1, body) for body in (b"{", b"\xff", b"[]", batch(track()))],
        website(),
        5,
    )
    assert found.rows.rejects["reason"].to_pylist() == ["bad_json", "wrong_encoding", "not_an_object"]
    assert found.rows.rejects["position"].to_pylist() == [5, 6, 7]
    assert found.rows.positions.tolist() == [8]
