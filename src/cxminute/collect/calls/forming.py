"""The one form of an item that a source's mapping reads: what stands around it merged in, its parts at their places."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from cxminute.collect.calls.essentials import Essentials, Object, identifier, is_usable
from cxminute.collect.calls.judging import POSTHOG
from cxminute.collect.calls.kept import Around
from cxminute.collect.calls.moment import corrected, sent_moment, told

_OBJECT: Final = msgspec.json.Decoder(dict[str, object])
_SPENT: Final = ("messageId", "type", "userId", "anonymousId", "groupId", "receivedAt", "writeKey", "api_key")
_TITLED: Final = ("page", "screen")


def formed(item: Object, found: Essentials, around: Around, zone: ZoneInfo) -> int:
    """Brings an item into the form that goes on as columns and leftovers, in place; returns when it happened, UTC ms.

    item:  of the Segment specification (a translated one of another protocol); its own, for it is changed
    found: what it was judged by
    What the batch says in `context` and `integrations` is merged in, the item wins. Identifiers, type and times leave
    the item: they are columns. As they were sent, times stay in `originalTimestamp`, `sentAt` and `receivedAt`.
    """
    times = item.pop("originalTimestamp", None), item.pop("timestamp", None)
    sent = item.pop("sentAt", None) or (item.pop("sent_at", None) if around.protocol == POSTHOG else None)
    for key in _SPENT:
        item.pop(key, None)
    if found.kind == "track":
        item.pop("event", None)
    if around.integrations or "integrations" in item:
        _surround(item, "integrations", around.integrations)
    if around.context or around.gpc or "context" in item:
        _put_in_context(item, found, around)
    if found.kind in _TITLED:
        _title(item)
    for key in ("properties", "traits"):
        if key in item and not item[key]:
            del item[key]
    moment = _tell_times(item, times, sent or around.sent, around, zone)
    return corrected(found.original, moment, around.received)


def _tell_times(item: Object, times: tuple[object, object], sent: object, around: Around, zone: ZoneInfo) -> int | None:
    """Puts the times as they were sent to the leftovers; returns when it was sent, where that corrects anything."""
    called, supplied = times
    if called or supplied:
        item["originalTimestamp"] = called or supplied
    if called and supplied and called != supplied:
        item["timestamp"] = supplied
    moment = None
    if isinstance(sent, str) and sent:
        item["sentAt"] = sent
        moment = None if around.historical else _sent(sent, zone)
    item["receivedAt"] = _told(around.received)
    return moment


def _put_in_context(item: Object, found: Essentials, around: Around) -> None:
    """Completes the context by that of the batch and by what the server knows; takes the traits of a person from it."""
    context = _surround(item, "context", around.context)
    if context is None and around.gpc:
        context = item["context"] = {"said": item["context"]} if "context" in item else {}
    if context is None:
        return
    _complete(context, found, around)
    if found.kind == "identify":
        _take_traits(item, context)
    if not context:
        del item["context"]


def _surround(item: Object, key: str, around: bytes) -> Object | None:
    """The object under a key with that of the batch merged in; None where there is no object."""
    own = item.get(key)
    if around and (own is None or isinstance(own, dict)):
        merged = _merged(_OBJECT.decode(around), own or {})  # decoded anew: no two items share what may be changed
        item[key] = merged
        return merged
    if isinstance(own, dict) and own:
        return own
    if key in item and not own:
        del item[key]
    return None


def _merged(below: Object, above: Object) -> Object:
    """Two objects as one, key by key; where both have a value that is no object, the upper's."""
    for key, value in above.items():
        under = below.get(key)
        below[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return below


def _complete(context: Object, found: Essentials, around: Around) -> None:
    """What the server knows: the group of the context, the peer's address where it was asked for, the browser's no."""
    if not found.group and "groupId" in context and is_usable(group := context["groupId"]):
        found.group = identifier(group)
    if around.peer and context.get("direct") is True:
        context.setdefault("ip", around.peer)
    if around.gpc:
        context["gpc"] = True


def _take_traits(item: Object, context: Object) -> None:
    """Traits of an identify call that lie in its context come to those that lie in the item, which win."""
    told_there = context.get("traits")
    own = item.get("traits")
    if isinstance(told_there, dict) and (own is None or isinstance(own, dict)):
        item["traits"] = _merged(told_there, own or {})
        del context["traits"]


def _title(item: Object) -> None:
    """Name and category of a page or screen become its properties, where these have none."""
    properties = item.get("properties")
    if properties is None:
        properties = item["properties"] = {}
    if isinstance(properties, dict):
        for key in ("name", "category"):
            value = item.get(key)
            if value is not None and properties.get(key) is None:
                properties[key] = value
                del item[key]


@lru_cache(maxsize=1_024)
def _told(milliseconds: int) -> str:
    return told(milliseconds)


@lru_cache(maxsize=1_024)
def _sent(said: str, zone: ZoneInfo) -> int | None:
    return sent_moment(said, zone)
