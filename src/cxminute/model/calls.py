"""A call: one HTTP request with events that the door accepted, as the inbox keeps it until the worker has read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOOK: Final = "hook"
"""The protocol of a webhook: its body is JSON of message, topic and document."""


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request: who sent it, when it came, how to read it, and its body.

    `source` is the source of its write key. `received_at` is the server's clock, UTC ms. `protocol` says how the body
    is read: "segment", "posthog" or "cloudevents". `kind` is the type of a single call by its route ("track"), "" for a
    batch. `events` counts the items in it, good and bad. `body` is JSON, inflated, and known to be UTF-8. `gpc` says
    whether the browser asked not to be sold or shared (`Sec-GPC: 1`). `peer` is the address of the peer, kept only
    where a call asks for it (`context.direct`), otherwise "".
    """

    source: str
    received_at: int
    protocol: str
    kind: str
    events: int
    body: bytes
    gpc: bool = False
    peer: str = ""
