"""Times of items: as they were sent, and as they were by the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cxminute.model.times import from_ms

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400_000
FIRST: Final = -62_104_060_800_000
"""0002-01-01T00:00Z: no event is earlier, so that every zone can say when it was."""


def sent_moment(said: str, zone: ZoneInfo) -> int | None:
    """UTC milliseconds of a time in ISO 8601, cut below the millisecond; None where it is none, or has no such year.

    zone: of times without an offset; a bare date is the start of its day there
    """
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        try:
            moment = datetime.fromisoformat(said.strip().upper())  # a small z, blanks around it
        except ValueError:
            return None
    if not 2 <= moment.year <= 9998:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    passed = moment - _EPOCH
    return passed.days * _DAY + passed.seconds * 1_000 + passed.microseconds // 1_000


def corrected(original: int | None, sent: int | None, received: int) -> int:
    """When an event happened by the server's clock: receivedAt - (sentAt - originalTimestamp).

    original: by the client's clock; None: it did not say, and it happened when it was received
    sent:     when the client sent it, by the same clock; None: nothing is known of that clock, and nothing corrected
    What would lie in the future happened when it was received. All in UTC milliseconds.
    """
    if original is None:
        return received
    at = original if sent is None else received - (sent - original)
    return max(FIRST, min(at, received))


def told(milliseconds: int) -> str:
    """A moment in ISO 8601, to the millisecond, as `receivedAt` is kept."""
    return from_ms(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
