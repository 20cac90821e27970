"""What the door answers: 200 for what is on disk, and for all else a code and a message that clients act on rightly."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from cxminute.model.errors import CxmError

Headers = list[tuple[str, str]]

OPEN: Final[Headers] = [
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "retry-after, x-ratelimit-reset"),
]
"""On every answer, refusals too: a page may read them, from any origin. Keys, not cookies, say who sends."""
JSON: Final[Headers] = [("content-type", "application/json"), ("cache-control", "no-store"), *OPEN]
PREFLIGHT: Final[Headers] = [
    ("access-control-allow-headers", "authorization, content-type, content-encoding, x-retry-count, sec-gpc, *"),
    ("access-control-max-age", "86400"),
]
"""Authorization is not among what `*` covers, so it stands by name."""

STATUSES: Final = {
    "bad_json": 400,
    "bad_encoding": 400,
    "broken_off": 400,
    "unknown_key": 401,
    "keys_disagree": 401,
    "not_genuine": 401,
    "not_found": 404,
    "no_hooks": 404,
    "method_not_allowed": 405,
    "slow_body": 408,
    "body_too_large": 413,
    "two_keys": 401,
    "too_many_events": 413,
    "unsupported_encoding": 415,
    "overloaded": 429,
    "keys_unread": 503,
    "no_secret": 503,
    "disk_full": 503,
    "cannot_store": 503,
    "stopping": 503,
}
"""The door's own codes and their status; codes of a body that cannot be taken otherwise are 400, too."""
RETRIED: Final = {"overloaded": 2, "keys_unread": 2, "no_secret": 60, "disk_full": 10, "cannot_store": 5, "stopping": 2}
"""Seconds after which a client should try again, of what it should try again: whole, and at most 300."""


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    headers: Headers
    body: bytes


class Refusal(CxmError):
    """A request that the door does not take: its code says why, its status what clients do next.

    code:  one of STATUSES, or of a body that cannot be taken (`Unacceptable`)
    read:  whether the request's body was read
    whose: project and source of its key, once they are known
    """

    def __init__(self, code: str, what: str, *, read: bool = False) -> None:
        self.code, self.read = code, read
        self.status = STATUSES.get(code, 400)
        self.whose = ("-", "-")
        super().__init__(what)


class Overloaded(Refusal):
    """More waits than is kept in memory: 429, so that clients slow down and lose nothing."""

    def __init__(self) -> None:
        super().__init__("overloaded", "More waits to be stored than is kept in memory; try again later.")


class CannotStore(Refusal):
    """Nothing can be stored at the moment: 503, so that clients keep what they have and try again."""

    def __init__(self, *, full: bool = False) -> None:
        super().__init__("disk_full" if full else "cannot_store", "This cannot be stored now; try again later.")


def refused(refusal: Refusal, now: int) -> Answer:
    """The answer of a refusal. now: UTC ms, from which `X-RateLimit-Reset` (Unix seconds) is counted."""
    headers = JSON
    after = RETRIED.get(refusal.code)
    if after is not None:
        headers = [*JSON, ("retry-after", str(after))]
        if refusal.status == 429:
            headers.append(("x-ratelimit-reset", str(now // 1_000 + after)))
    content = {"success": False, "code": refusal.code, "message": refusal.what}
    return Answer(refusal.status, headers, json.dumps(content).encode())


def taken(events: int, duplicates: int, rejected: int) -> bytes:
    """The body of a 200: what became of the items of a request.

    accepted:  are on disk, to become events
    duplicate: repeats within the request; what was received before is found later, and counted in the balance
    rejected:  go to quarantine, with a reason
    """
    accepted = events - duplicates - rejected
    return b'{"success":true,"accepted":%d,"duplicate":%d,"rejected":%d}' % (accepted, duplicates, rejected)


def document(content: object, status: int = 200, headers: Headers = JSON) -> Answer:
    """An answer of one JSON document."""
    return Answer(status, headers, json.dumps(content).encode())
