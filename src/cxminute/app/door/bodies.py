"""Bodies of requests: read and inflated, bounded in bytes and in time."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final, Protocol

from cxminute.app.door.answers import Overloaded, Refusal
from cxminute.collect.calls.limits import LARGEST_BODY

SECONDS: Final = 30.0
"""In which a body must have come whole."""
PATIENCE: Final = 10.0
"""Seconds for what is left of a body that is refused already."""
AT_ONCE: Final = 64 << 10
"""Bytes of a body that is taken in one piece, as nearly all are; a larger one is counted as it comes."""
MOST_HELD: Final = 256 << 20
"""Bytes of larger bodies that are held at a time, all requests together."""
MOST_DISCARDED: Final = 4 * LARGEST_BODY
"""Bytes of a refused body that are read and thrown away, so that its client hears the refusal, not a broken line."""

_PLAIN: Final = frozenset({None, "", "identity"})
_GZIP: Final = frozenset({"gzip", "x-gzip"})
TOO_LARGE: Final = f"A body may hold {LARGEST_BODY} bytes, inflated; send fewer events at once."
"""Said of a larger one."""
_BROKEN_OFF: Final = "The body broke off before its end."


class Sent(Protocol):
    """The server's side of a request's body."""

    async def __call__(self) -> bytes:
        """The body, in one piece."""

    def __aiter__(self) -> Sent:
        """The body, piece by piece."""

    async def __anext__(self) -> bytes:
        """The next piece."""


class Bodies:
    """Reads bodies; knows how much of larger ones is held at the moment.

    held: bytes, of bodies above AT_ONCE from their first piece until `release`
    """

    def __init__(self) -> None:
        self.held = 0
        self._reading: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()

    def tick(self, now: float) -> None:
        """Breaks off what has been read for too long; called once a second by the loop, with its time.

        One look a second over all costs less than a timer for each: `asyncio.timeout` took 8 of a call's 23
        microseconds.
        """
        for task in [task for task, began in self._reading.items() if now - began >= SECONDS]:
            self._late.add(task)
            task.cancel()

    async def read(self, sent: Sent, length: str | None) -> bytes:
        """A request's body as it came.

        length: the header Content-Length, which the server holds to; None for a body in chunks
        raises: Refusal body_too_large, slow_body; Overloaded when too much is held at a time
        """
        size = int(length) if length is not None and length.isascii() and length.isdecimal() else None
        if size is not None and size > LARGEST_BODY:
            raise Refusal("body_too_large", TOO_LARGE)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body is read by a task")
        self._reading[task] = asyncio.get_running_loop().time()
        try:
            body = await sent() if size is not None and size <= AT_ONCE else await self._pieces(sent)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise Refusal("slow_body", f"The body did not come within {SECONDS:.0f} seconds.", read=True) from None
        except RuntimeError:  # of the server: the client is gone
            raise Refusal("broken_off", _BROKEN_OFF, read=True) from None
        finally:
            del self._reading[task]
            self._late.discard(task)
        if size is not None and len(body) != size:
            self.release(body)
            raise Refusal("broken_off", _BROKEN_OFF, read=True)
        return body

    async def _pieces(self, sent: Sent) -> bytes:
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in sent:
                if not piece:
                    break
                size += len(piece)
                self.held += len(piece)
                self._bound(size)
                pieces.append(piece)
        finally:
            self.held -= size
        body = b"".join(pieces)
        if size > AT_ONCE:
            self.held += size
        return body

    def _bound(self, size: int) -> None:
        if size > LARGEST_BODY:
            raise Refusal("body_too_large", TOO_LARGE)
        if self.held > MOST_HELD:
            raise Overloaded

    def release(self, body: bytes) -> None:
        """Says that a body which was read is held no longer."""
        if len(body) > AT_ONCE:
            self.held -= len(body)

    async def discard(self, sent: Sent) -> None:
        """Reads what is left of a refused body, within bounds, and keeps nothing of it."""
        size = 0
        try:
            async with asyncio.timeout(PATIENCE):
                async for piece in sent:
                    size += len(piece)
                    if not piece or size > MOST_DISCARDED:
                        return
        except Exception:  # noqa: BLE001, S110 -- it is not wanted: whether it was there, or broke off, changes nothing
            pass


def inflate(body: bytes, encoding: str | None, most: int = LARGEST_BODY) -> bytes | None:
    """The body without its encoding: gzip by its first bytes, whatever the headers say; deflate where they say so.

    encoding: the header Content-Encoding
    most:     bytes of the result; never more than one byte above it is inflated
    returns:  None where there are more
    raises:   Refusal unsupported_encoding, bad_encoding
    """
    if encoding not in _PLAIN:
        encoding = str(encoding).strip().lower()
        if encoding not in _GZIP and encoding not in {"deflate", "identity", ""}:
            raise Refusal("unsupported_encoding", "Bodies come plain, as gzip or as deflate.", read=True)
    if body.startswith(b"\x1f\x8b"):
        return _inflated(body, 31, most)
    if encoding == "deflate":
        return _inflated(body, 15 if body[:1] == b"\x78" else -15, most)
    return body if len(body) <= most else None


def _inflated(body: bytes, window: int, most: int) -> bytes | None:
    """One member, whole. Many are refused: each is cheap to send and costs a start of its own to read."""
    inflating = zlib.decompressobj(window)
    try:
        plain = inflating.decompress(body, most + 1)
    except zlib.error:
        raise Refusal("bad_encoding", "The body is not the gzip or deflate that it seems to be.", read=True) from None
    if len(plain) > most:
        return None
    if not inflating.eof or inflating.unused_data:
        raise Refusal("bad_encoding", "The body's gzip or deflate breaks off, or goes on after its end.", read=True)
    return plain
