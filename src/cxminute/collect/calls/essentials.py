"""What an item must say to become an event: its kind, its name, whose it is, its id and its time. One judge for all.

The door asks it before it answers, the worker when it reads: what the one accepts, the other takes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from unicodedata import normalize
from zoneinfo import ZoneInfo

from cxminute.collect.calls.limits import LONGEST_ID, LONGEST_MESSAGE_ID, LONGEST_NAME
from cxminute.collect.calls.moment import sent_moment
from cxminute.collect.source import KINDS
from cxminute.collect.values import as_text
from cxminute.model.identifiers import APART

Object = dict[str, object]

DETAILS: Final = {
    "not_an_object": "The item is JSON, but no object in { }.",
    "bad_version": "It is no CloudEvent of version 1.0.",
    "bad_kind": f"'type' is none of {', '.join(KINDS)}.",
    "no_name": "'event' is missing or empty.",
    "name_too_long": f"The event's name has more than {LONGEST_NAME} characters.",
    "message_id_too_long": f"The message id has more than {LONGEST_MESSAGE_ID} characters.",
    "bad_id": "An identifier is neither text nor a number, or holds the separator U+001F.",
    "id_too_long": f"An identifier has more than {LONGEST_ID} characters.",
    "no_user_anon_id": "Neither userId nor anonymousId says whose it is.",
    "bad_time": "The timestamp cannot be read as a time. Allowed: ISO 8601.",
}
"""What is said of an item with each reason that is found here."""

NAMES: Final = {
    "identify": "Identify",
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "group": "Group",
    "alias": "Alias",
}
"""The names of events that are no track calls."""


class Unfit(Exception):
    """An item that cannot become an event. reason: one of DETAILS."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class Essentials:
    """What every event has. `message`, `user`, `anonymous` and `group` are '' where the item has none.

    original: UTC ms by the sender's clock, None where it does not say
    """

    kind: str
    name: str
    message: str
    user: str
    anonymous: str
    group: str
    original: int | None


def essentials(item: Object, kind: str, zone: ZoneInfo, *, anybody: bool = False) -> Essentials:
    """Judges an item in the form of the Segment specification.

    kind:    what its route says that it is; '' for an item of a batch, whose `type` says it
    zone:    of times without an offset
    anybody: whether it may belong to nobody
    raises:  Unfit
    """
    kind = kind or kind_of(item.get("type"))
    if kind == "track":
        name = name_of(item.get("event"))
    elif kind in NAMES:
        name = NAMES[kind]
    else:
        raise Unfit("bad_kind")
    get = item.get
    message = identifier(said) if (said := get("messageId")) is not None else ""
    if len(message) > LONGEST_MESSAGE_ID:
        raise Unfit("message_id_too_long")
    user = identifier(said) if (said := get("userId")) is not None else ""
    anonymous = identifier(said) if (said := get("anonymousId")) is not None else ""
    group = identifier(said) if (said := get("groupId")) is not None else ""
    if len(user) > LONGEST_ID or len(anonymous) > LONGEST_ID or len(group) > LONGEST_ID:
        raise Unfit("id_too_long")
    if APART in user or APART in anonymous or APART in group:
        raise Unfit("bad_id")
    if not user and not anonymous and not anybody:
        raise Unfit("no_user_anon_id")
    return Essentials(kind, name, message, user, anonymous, group, original_of(item, zone))


def kind_of(said: object) -> str:
    """The kind of an item as its `type` says it; '' where it says none."""
    return said if isinstance(said, str) else ""


def name_of(said: object) -> str:
    """The name of an event: text without blanks around it; a number as text. Raises Unfit."""
    name = said.strip() if isinstance(said, str) else identifier(said) if isinstance(said, int | float) else ""
    if not name:
        raise Unfit("no_name")
    if len(name) > LONGEST_NAME:
        raise Unfit("name_too_long")
    return name


def identifier(said: object) -> str:
    """An identifier as text, without blanks around it, in NFC; a number as text; '' for none. Raises Unfit."""
    if said is None:
        return ""
    if isinstance(said, str):
        text = said.strip()
        return text if text.isascii() else normalize("NFC", text)
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise Unfit("bad_id")
    return as_text(said)


def is_usable(said: object) -> bool:
    """Whether something can be an identifier."""
    try:
        text = identifier(said)
    except Unfit:
        return False
    return 0 < len(text) <= LONGEST_ID and APART not in text


def original_of(item: Object, zone: ZoneInfo) -> int | None:
    """When the sender says that it happened: `timestamp`, else `originalTimestamp`, the call's. Raises Unfit."""
    said = item.get("timestamp") or item.get("originalTimestamp")
    if said is None or said == "":
        return None
    found = sent_moment(said, zone) if isinstance(said, str) else None
    if found is None:
        raise Unfit("bad_time")
    return found
