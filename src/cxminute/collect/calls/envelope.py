"""What the door must know of a body before it answers: whether it can be taken, whose key it names, what it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from cxminute.collect.calls import cloudevents
from cxminute.collect.calls.essentials import NAMES
from cxminute.collect.calls.judging import CLOUDEVENTS, POSTHOG, SEGMENT, reason_of
from cxminute.collect.calls.limits import LONGEST_ID, LONGEST_MESSAGE_ID, LONGEST_NAME
from cxminute.collect.calls.opening import BROKEN, Opened, Unacceptable, key_in, open_body
from cxminute.collect.calls.scanning import BATCH, LIST, WHOLE

__all__ = ["Envelope", "Unacceptable", "from_cloud_event", "open_envelope"]

_ANY_ZONE: Final = ZoneInfo("UTC")  # whether a time can be read does not depend on it
_SAFE: Final = LONGEST_ID // 3  # characters that in NFC are no more than LONGEST_ID, whatever they are
_RESERVED: Final = (b"\\u001f", b"\\u001F")  # identifiers.APART: JSON has no other way to write it


@dataclass(frozen=True, slots=True)
class Envelope:
    """A body that can be taken.

    protocol:   how it is to be read, by its key and its route
    key:        the write key that stands in it, '' where none does
    events:     its items, good and bad
    rejected:   those that will go to quarantine for their shape
    duplicates: those of the others that say the message id of one before them
    direct:     whether an item asks for the peer's address
    """

    protocol: str
    key: str
    events: int
    rejected: int
    duplicates: int
    direct: bool


class _Item(msgspec.Struct, gc=False):
    type: str | None = None
    event: str | None = None
    userId: str | None = None  # noqa: N815 -- as it is called in the body
    anonymousId: str | None = None  # noqa: N815 -- as above
    groupId: str | None = None  # noqa: N815 -- as above
    messageId: str | None = None  # noqa: N815 -- as above
    timestamp: str | None = None
    originalTimestamp: str | None = None  # noqa: N815 -- as above


class _Single(_Item, gc=False):
    writeKey: str | None = None  # noqa: N815 -- as above
    api_key: str | None = None


class _Batch(msgspec.Struct, gc=False):
    batch: list[_Item | None]
    writeKey: str | None = None  # noqa: N815 -- as above
    api_key: str | None = None


class _Captured(msgspec.Struct, gc=False):
    event: str
    distinct_id: str
    uuid: str | None = None
    timestamp: str | None = None
    messageId: msgspec.UnsetType = msgspec.UNSET  # noqa: N815 -- as above
    originalTimestamp: msgspec.UnsetType = msgspec.UNSET  # noqa: N815 -- as above


class _Captures(msgspec.Struct, gc=False):
    batch: list[_Captured | None]
    writeKey: str | None = None  # noqa: N815 -- as above
    api_key: str | None = None


_SINGLE: Final = msgspec.json.Decoder(_Single)
_BATCH: Final = msgspec.json.Decoder(_Batch)
_CAPTURES: Final = msgspec.json.Decoder(_Captures)
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])
_LIST: Final = msgspec.json.Decoder(list[object])


def open_envelope(body: bytes, protocol: str, kind: str) -> Envelope:
    """Judges a body as the worker will read it.

    body:     inflated
    protocol: "segment", "posthog" or "cloudevents", by the route; a key called `api_key` makes it PostHog's
    kind:     type of a single call by its route ("track"), '' for a batch
    raises:   Unacceptable
    The usual body is decoded once, as far as this asks; only what is unusual is looked through item by item.
    """
    opened = open_body(body, protocol, kind)
    found = None if opened.direct else _usual(opened, protocol, kind)
    return found or _judged(opened, protocol, kind)


def from_cloud_event(headers: Mapping[str, str], body: bytes) -> tuple[bytes, str]:
    """An event in binary mode as the structured JSON that the inbox keeps, and its content type.

    headers: of the request, names in small letters
    raises:  Unacceptable where a required attribute is missing, or the data is no JSON though it is said to be
    """
    for name in ("ce-id", "ce-source", "ce-type"):
        if not headers.get(name, "").strip():
            what = f"The header '{name}' of a CloudEvent is missing."
            raise Unacceptable("no_attribute", what, allowed="ce-specversion, ce-id, ce-source and ce-type")
    if headers.get("ce-specversion") != cloudevents.VERSION:
        raise Unacceptable("bad_version", "This is no CloudEvent of version 1.0.", allowed="ce-specversion: 1.0")
    try:
        return cloudevents.from_binary(headers, body), "application/cloudevents+json"
    except BROKEN:
        raise Unacceptable("bad_json", "The data of the CloudEvent is not JSON.") from None


def _usual(opened: Opened, protocol: str, kind: str) -> Envelope | None:
    """The envelope of a body of which every readable item plainly becomes an event; None where that must be seen."""
    try:
        if protocol == CLOUDEVENTS or opened.mode == LIST or any(mark in opened.clean for mark in _RESERVED):
            return None
        if opened.mode == WHOLE:
            if opened.apart or protocol != SEGMENT:
                return None
            single = _SINGLE.decode(opened.clean)
            ids = _plain([single], kind, 0)
            key = _key_of(single.writeKey, single.api_key)
            usual = True
        elif protocol == POSTHOG:
            captures = _CAPTURES.decode(opened.clean)
            ids = _plain_captures(captures.batch, len(opened.apart))
            key = _key_of(captures.writeKey, captures.api_key)
            usual = captures.writeKey is None
        else:
            batch = _BATCH.decode(opened.clean)
            ids = _plain(batch.batch, "", len(opened.apart))
            key = _key_of(batch.writeKey, batch.api_key)
            usual = batch.api_key is None
    except msgspec.ValidationError:
        return None
    except BROKEN:
        raise _not_json() from None
    if ids is None or not usual:
        return None
    duplicates = len(ids) - len(set(ids))
    return Envelope(protocol, key, opened.events, len(opened.apart), duplicates, direct=False)


def _plain(  # noqa: C901, PLR0911, PLR0912 -- asked for every event before it is answered: calls would double it
    items: Sequence[_Item | None], kind: str, apart: int
) -> list[str] | None:
    """The message ids of items of which each is plainly fit; None where one may not be. Those apart are None."""
    ids = []
    parse = datetime.fromisoformat
    for item in items:
        if item is None:
            apart -= 1
            continue
        said = kind or item.type
        if said == "track":
            name = item.event
            if not name or len(name) > LONGEST_NAME or not name.strip():
                return None
        elif said not in NAMES:
            return None
        user, anonymous, group = item.userId, item.anonymousId, item.groupId
        if (user and len(user) > _SAFE) or (anonymous and len(anonymous) > _SAFE) or (group and len(group) > _SAFE):
            return None
        if not (user and user.strip()) and not (anonymous and anonymous.strip()):
            return None
        time = item.timestamp or item.originalTimestamp
        if time:
            if time[0] not in "12":  # of years 1000 to 2999 none is doubtful
                return None
            try:
                parse(time)
            except ValueError:
                return None
        message = item.messageId
        if message:
            message = message.strip()
            if len(message) > LONGEST_MESSAGE_ID or not message.isascii():
                return None
            if message:
                ids.append(message)
    return None if apart else ids


_DOUBTFUL: Final = ("$create_alias", "$groupidentify")


def _plain_captures(items: Sequence[_Captured | None], apart: int) -> list[str] | None:
    """The same of PostHog's items."""
    made: list[_Item | None] = []
    for item in items:
        if item is None:
            made.append(None)
        elif item.event in _DOUBTFUL:
            return None
        else:
            made.append(
                _Item("track", item.event, None, item.distinct_id, None, item.uuid, item.timestamp, None),
            )
    return _plain(made, "", apart)


def _judged(opened: Opened, protocol: str, kind: str) -> Envelope:
    """The envelope of any body, by the judgement of each item."""
    key = ""
    try:
        if opened.mode == LIST:
            items: list[object] = _LIST.decode(opened.clean)
            outer: dict[str, object] = {}
        elif opened.mode == WHOLE and opened.apart:
            items, outer, key = [None], {}, key_in(opened)
        else:
            outer = _OBJECT.decode(opened.clean)
            found = outer.get("batch")
            items = [outer] if opened.mode == WHOLE else list(found) if isinstance(found, list) else []
    except BROKEN:
        raise _not_json() from None
    if len(items) != opened.events:
        raise _not_json()
    if protocol != CLOUDEVENTS and outer:
        key = _key_of(outer.get("writeKey"), outer.get("api_key"))
    if opened.mode == BATCH:
        protocol = _protocol_of(protocol, outer)
    reasons = [
        (opened.apart[place], "") if place in opened.apart else reason_of(item, protocol, kind, _ANY_ZONE)
        for place, item in enumerate(items)
    ]
    ids = [message for reason, message in reasons if not reason and message]
    rejected = sum(1 for reason, _ in reasons if reason)
    direct = opened.direct and _asks(items, outer, protocol)
    return Envelope(protocol, key, opened.events, rejected, len(ids) - len(set(ids)), direct)


def _protocol_of(protocol: str, outer: Mapping[str, object]) -> str:
    """How a batch is to be read: by the name under which its key stands, else by its route."""
    by_write_key, by_api_key = (isinstance(outer.get(name), str) for name in ("writeKey", "api_key"))
    if by_write_key == by_api_key:
        return protocol
    return SEGMENT if by_write_key else POSTHOG


def _key_of(write_key: object, api_key: object) -> str:
    keys = {key for key in (write_key, api_key) if isinstance(key, str) and key}
    if len(keys) > 1:
        raise Unacceptable("two_keys", "writeKey and api_key differ.", allowed="one key")
    return keys.pop() if keys else ""


def _asks(items: Sequence[object], outer: Mapping[str, object], protocol: str) -> bool:
    """Whether a context asks the door to fill in the peer's address."""
    contexts = [outer.get("context"), *(item.get("context") for item in items if isinstance(item, dict))]
    return protocol == SEGMENT and any(isinstance(found, dict) and found.get("direct") is True for found in contexts)


def _not_json() -> Unacceptable:
    return Unacceptable("bad_json", "The body is not JSON.", allowed="one JSON object")
