"""What a reject keeps of an item: the item as it was sent, and under `_door` what is needed to read it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, overload
from zoneinfo import ZoneInfo

import msgspec

from cxminute.collect.calls.moment import sent_moment, told
from cxminute.collect.calls.opening import Opened
from cxminute.collect.rejects import storable

DOOR: Final = "_door"
"""The key under which a kept item says how it came; a client's own key of that name is lost."""
ITEM: Final = "_item"
"""The key under which an item lies that is no object."""

_UTC: Final = ZoneInfo("UTC")
_KEYS: Final = re.compile(rb'"(writeKey|api_key)"(\s*:\s*)"[^"\\]*"')
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Around:
    """What an item does not say itself: how its call came, and what stands around it in its batch.

    protocol, kind: as of the call
    received:       UTC ms
    sent:           `sentAt` of the batch as sent, '' where there is none
    context, integrations: of the batch, JSON; b'' where there are none
    historical:     PostHog said that its times are to be left as they are
    gpc, peer:      as of the call
    key:            the write key in the body, which is never kept
    """

    protocol: str
    kind: str
    received: int
    sent: str = ""
    context: bytes = b""
    integrations: bytes = b""
    historical: bool = False
    gpc: bool = False
    peer: str = ""
    key: str = ""

    def facts(self, message: str) -> bytes:
        """What is kept of it, JSON; `message` is the id of an item that has none of its own."""
        said: dict[str, Any] = {"protocol": self.protocol, "kind": self.kind, "receivedAt": told(self.received)}
        said["sentAt"] = self.sent
        said["context"] = msgspec.Raw(self.context) if self.context else None
        said["integrations"] = msgspec.Raw(self.integrations) if self.integrations else None
        said |= {"historical": self.historical, "gpc": self.gpc, "peer": self.peer, "messageId": message}
        return _encode({key: value for key, value in said.items() if value})


def around_of(facts: Any) -> Around:
    """What a kept item's facts say. Raises KeyError, TypeError or ValueError where they are none of ours."""
    received = sent_moment(str(facts["receivedAt"]), _UTC)
    if received is None:
        raise ValueError(DOOR)
    return Around(
        protocol=str(facts["protocol"]),
        kind=str(facts.get("kind", "")),
        received=received,
        sent=str(facts.get("sentAt", "")),
        context=_encode(facts["context"]) if "context" in facts else b"",
        integrations=_encode(facts["integrations"]) if "integrations" in facts else b"",
        historical=facts.get("historical") is True,
        gpc=facts.get("gpc") is True,
        peer=str(facts.get("peer", "")),
    )


def received_of(row: str) -> int:
    """When the item that a reject keeps was received, though nothing else of it may be readable; 0 where unknown."""
    _, found, said = row.rpartition(f'"{DOOR}":')
    try:
        return around_of(_OBJECT.decode(said[:-1])).received if found else 0
    except (msgspec.DecodeError, UnicodeError, RecursionError, LookupError, TypeError, ValueError):
        return 0


def keyless(text: bytes) -> bytes:
    """A text without the write keys that it names: wherever one stands, it is not for quarantine to show."""
    return _KEYS.sub(rb'"\1"\2""', text)


def kept(item: bytes, around: Around, message: str) -> str:
    """An item as a reject keeps it: its own text, with the facts as its last key."""
    if around.key:
        item = item.replace(f'"{around.key}"'.encode(), b'""')
    item = keyless(item)
    facts = b'"%b":%b}' % (DOOR.encode(), around.facts(message))
    if not item.startswith(b"{"):
        said = b'{"%b":%b,%b' % (ITEM.encode(), item, facts)
    else:
        inside = item[1:-1].strip()
        said = b"{" + (inside + b"," if inside else b"") + facts
    return storable(said.decode("utf-8", "backslashreplace"))


class KeptLines(Sequence[str]):
    """What rejects would keep of the items that were read, each made when it is asked for: few ever are."""

    def __init__(self, calls: Sequence[tuple[Opened, Around]], places: Sequence[tuple[int, int, str]]) -> None:
        """calls: those that were read; places: of each item its call, its place in it, and the id that it was given."""
        self._calls, self._places = calls, places

    def __len__(self) -> int:
        """How many items there are."""
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> KeptLines: ...

    def __getitem__(self, index: int | slice) -> str | KeptLines:
        """One of them, or a stretch."""
        if isinstance(index, slice):
            return KeptLines(self._calls, self._places[index])
        call, place, message = self._places[index]
        opened, around = self._calls[call]
        return kept(opened.text(place), around, message)
