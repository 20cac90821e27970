"""CloudEvents 1.0 (https://github.com/cloudevents/spec) in the form of the Segment specification.

id is the message id, subject the person, time the timestamp, data the properties. The type is the event's name, and
`cxm.KIND.NAME` says both. What else an envelope carries goes to `context.cloudevents`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from cxminute.collect.calls.essentials import NAMES, Object, Unfit

VERSION: Final = "1.0"
"""The one `specversion` that is taken."""

_PREFIX: Final = "cxm."
_TAKEN: Final = {"id", "type", "time", "subject", "data", "userid", "anonymousid", "groupid"}
_ATTRIBUTE: Final = re.compile(r"ce-([a-z0-9]{1,20})")
_JSON: Final = re.compile(r"[^;]*[/+]json\s*(;.*)?", re.IGNORECASE)


def translated(item: Object) -> Object:
    """A CloudEvent as an item of the Segment specification.

    Beside `subject`, the extension attributes `userid`, `anonymousid` and `groupid` say whose it is. Data that is no
    object is the property `data`.
    raises: Unfit (bad_version)
    """
    if item.get("specversion") != VERSION:
        raise Unfit("bad_version")
    said = item.get("type")
    kind, name = "track", said
    if isinstance(said, str) and said.startswith(_PREFIX):
        first, _, rest = said.removeprefix(_PREFIX).partition(".")
        if first in NAMES or (first == "track" and rest):
            kind, name = first, rest
    made: dict[str, Any] = {
        "type": kind,
        "messageId": item.get("id"),
        "timestamp": item.get("time"),
        "userId": item.get("userid", item.get("subject")),
        "anonymousId": item.get("anonymousid"),
        "groupId": item.get("groupid"),
    }
    if kind == "track":
        made["event"] = name
    data = item.get("data")
    if isinstance(data, dict):
        made["traits" if kind in {"identify", "group"} else "properties"] = data
    elif data is not None:
        made["properties"] = {"data": data}
    more = {key: value for key, value in item.items() if key not in _TAKEN}
    made["context"] = {"cloudevents": more}
    if "userid" in item and item.get("subject") is not None:
        made["context"]["traits"] = {"subject": item["subject"]}  # of whom it speaks beside: personal as an id is
    return made


def from_binary(headers: Mapping[str, str], body: bytes) -> bytes:
    """The structured form of an event in binary mode: attributes from its `ce-` headers, data from its body.

    headers: names in small letters. Data of a JSON type, or of none, is taken as JSON where it is; other text as text,
             and what is no text as `data_base64`
    """
    event: dict[str, object] = {}
    for name, value in headers.items():
        found = _ATTRIBUTE.fullmatch(name.lower())
        if found:
            event[found[1]] = unquote(value)
    kind = headers.get("content-type", "")
    if kind:
        event["datacontenttype"] = kind
    if body.strip():
        event.update(_data(body, is_json=not kind or bool(_JSON.fullmatch(kind))))
    return msgspec.json.encode(event)


def _data(body: bytes, *, is_json: bool) -> dict[str, object]:
    if is_json:
        # as it stands: the reader judges it, as it judges any item
        return {"data": msgspec.Raw(body.strip())}
    try:
        return {"data": body.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(body).decode()}
