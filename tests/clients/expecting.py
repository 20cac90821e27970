"""What the log must say of a call that a client was given: by the rules that docs/reference/door.md states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tests.clients.known import Known
from tests.clients.sending import Client
from tests.clients.story import ROUND, Call

KINDS: Final = {
    "identify": ("identify", "Identify"),
    "set": ("identify", "Identify"),
    "page": ("page", "Page Viewed"),
    "pageview": ("page", "Page Viewed"),
    "screen": ("screen", "Screen Viewed"),
    "group": ("group", "Group"),
    "alias": ("alias", "Alias"),
}
"""Kind and name of an event, by the kind of call; a track's name is its own."""


def serial(event: Known) -> int:
    """The serial number of the call that an event was made from."""
    if event.kind == "alias":  # it may carry its person's traits
        return int(event.said["previousId"].rpartition("-")[2])
    return int((traits(event) | event.said.get("properties", {}))["n"])


def traits(event: Known) -> dict[str, Any]:
    """An event's traits, at the top or in its context."""
    found: dict[str, Any] = event.said.get("context", {}).get("traits", {}) | event.said.get("traits", {})
    return found


def of_round(events: Sequence[Known], turn: int) -> dict[str, list[Known]]:
    """The events of one round of calls, by source."""
    found: dict[str, list[Known]] = {}
    for event in events:
        if serial(event) // ROUND == turn:
            found.setdefault(event.source, []).append(event)
    return found


def late(event: Known, happened_at: int, off: int = 0) -> int:
    """By how many ms an event's time is off, beyond the time that it was on its way: then nobody can know it better.

    off: by how many ms the client's clock was wrong
    """
    sent, received = (datetime.fromisoformat(event.said[key]).timestamp() * 1000 for key in ("sentAt", "receivedAt"))
    by = event.at - happened_at
    return round(by - min(max(0, by), max(0, received - (sent - off))))


def differences(client: Client, call: Call, event: Known) -> list[str]:
    """What the log says otherwise than the call; nothing where they agree."""
    kind, name = KINDS.get(call["kind"], ("track", call.get("event")))
    found = [
        *_differ("kind", kind, event.kind),
        *_differ("name", name, event.name),
        *_differ("source", client.name, event.source),
        *_differ("traits", call.get("traits", {}), traits(event)),
    ]
    properties = dict(call.get("properties", {}))
    if call["kind"] in ("page", "screen"):
        properties |= {"name": call["name"], "category": call["category"]}
    if call["kind"] == "pageview":
        properties["title"] = call["name"]
    found += _differ("properties", properties, event.said.get("properties", {}))
    if "group" in call:
        found += _differ("group_id", call["group"], event.identifiers.get("group_id"))
    return found + _people(client, call, event)


def _people(client: Client, call: Call, event: Known) -> list[str]:
    if call["kind"] == "alias":
        both = {event.identifiers.get("user_id"), event.said.get("previousId")}
        return _differ("alias", sorted((call["previous"], call["user"])), sorted(map(str, both)))
    strong = client.protocol == "segment" or call["kind"] == "identify"
    return _differ("person", call["user"], event.identifiers.get("user_id" if strong else "anonymous_id"))


def _differ(path: str, wanted: object, found: object) -> list[str]:
    """Where what was found lacks or bends what is wanted; it may hold more."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        parts = [_differ(f"{path}.{key}", value, found.get(key, Missing)) for key, value in wanted.items()]
        return [difference for part in parts for difference in part]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = zip(wanted, found, strict=True)
        parts = [_differ(f"{path}[{place}]", value, other) for place, (value, other) in enumerate(pairs)]
        return [difference for part in parts for difference in part]
    same_type = isinstance(wanted, bool) == isinstance(found, bool)  # 1 is no true
    return [] if same_type and wanted == found else [f"{path}: {wanted!r} became {found!r}"]


@dataclass(frozen=True)
class Missing:
    """What is not there at all; null is something else."""
