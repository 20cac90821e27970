"""Bodies: their time and their bytes are bounded, whoever sends them."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cxminute.app.door import bodies
from cxminute.app.door.answers import Overloaded, Refusal
from cxminute.app.door.bodies import AT_ONCE, Bodies, inflate
from cxminute.collect.calls.limits import LARGEST_BODY


class Line:
    """The server's side of a body: pieces, and then perhaps nothing for ever."""

    def __init__(self, pieces: Sequence[bytes], *, ends: bool = True) -> None:
        self._pieces, self._ends = list(pieces), ends
        self.taken = 0

    async def __call__(self) -> bytes:
        """All of it."""
        if not self._ends:
            await asyncio.sleep(3_600)
        return b"".join(self._pieces)

    def __aiter__(self) -> Line:
        """By pieces."""
        return self

    async def __anext__(self) -> bytes:
        """The next piece; an empty one at the end."""
        await asyncio.sleep(0)
        if not self._pieces:
            if not self._ends:
                await asyncio.sleep(3_600)
            return b""
        self.taken += len(self._pieces[0])
        return self._pieces.pop(0)


async def _refused(line: Line, length: str | None, reading: Bodies | None = None) -> str:
    with pytest.raises(Refusal) as found:
        await (reading or Bodies()).read(line, length)
    return found.value.code


@pytest.mark.parametrize("length", ["1000", None])
def test_a_body_that_drips_is_broken_off(length: str | None) -> None:
    """Whether its length is known or not: after its seconds a body is 408, and what came of it is let go."""

    async def test() -> None:
        reading, loop = Bodies(), asyncio.get_running_loop()
        refused = asyncio.ensure_future(_refused(Line([b"{"], ends=False), length, reading))
        await asyncio.sleep(0.05)
        reading.tick(loop.time() + bodies.SECONDS - 1)
        await asyncio.sleep(0.05)
        assert not refused.done()
        reading.tick(loop.time() + bodies.SECONDS)
        assert await asyncio.wait_for(refused, 5) == "slow_body"
        assert reading.held == 0
        reading.tick(loop.time() + bodies.SECONDS)
        assert await reading.read(Line([b"{}"]), "2") == b"{}"

    asyncio.run(test())


def test_being_stopped_is_not_being_late() -> None:
    """A task that is cancelled from outside ends as cancelled, not as a refusal."""

    async def test() -> None:
        task = asyncio.ensure_future(Bodies().read(Line([], ends=False), "5"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(test())


def test_no_more_than_the_limit_is_read() -> None:
    """A length above the limit is refused unread; without a length, reading ends with the piece that goes beyond."""

    async def test() -> None:
        assert await _refused(Line([]), str(LARGEST_BODY + 1)) == "body_too_large"
        assert await _refused(Line([]), "9" * 400) == "body_too_large"
        line = Line([b"x" * (1 << 20)] * 50)
        assert await _refused(line, None) == "body_too_large"
        assert line.taken == LARGEST_BODY + (1 << 20)

    asyncio.run(test())


def test_a_body_shorter_than_it_says_is_none() -> None:
    """Where the connection breaks, what came is not taken for the whole."""

    async def test() -> None:
        assert await _refused(Line([b"{}"]), "3") == "broken_off"
        assert await _refused(Line([b"x" * AT_ONCE]), str(AT_ONCE + 1)) == "broken_off"

    asyncio.run(test())


def test_large_bodies_share_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What large bodies hold together is bounded: one too many is 429, and small ones are taken all the same."""
    monkeypatch.setattr(bodies, "MOST_HELD", 3 * AT_ONCE)

    async def test() -> None:
        reading = Bodies()
        large = b"x" * (AT_ONCE + 1)
        first = await reading.read(Line([large]), None)
        assert reading.held == len(large)
        with pytest.raises(Overloaded):
            await reading.read(Line([large, large]), str(2 * len(large)))
        assert reading.held == len(large)
        assert await reading.read(Line([b"{}"]), "2") == b"{}"
        reading.release(first)
        assert reading.held == 0

    asyncio.run(test())


@given(st.binary(max_size=2_000), st.sampled_from(["gzip", "zlib", "raw"]), st.integers(0, 2_100))
def test_inflating_gives_back_what_was_squeezed_up_to_a_bound(body: bytes, form: str, most: int) -> None:
    """Any body comes back whole when it is within the bound, and not at all when it is above."""
    squeezed = gzip.compress(body) if form == "gzip" else zlib.compress(body, wbits=15 if form == "zlib" else -15)
    assume(form != "raw" or squeezed[:1] != b"\x78")  # these bytes begin a zlib stream, too
    said = None if form == "gzip" else "deflate"
    assert inflate(squeezed, said, most) == (body if len(body) <= most else None)


@given(st.binary(max_size=300), st.sampled_from([None, "", "gzip", "deflate", "br", "GZIP", "identity, gzip"]))
def test_any_bytes_are_refused_or_read(body: bytes, said: str | None) -> None:
    """Whatever comes under whatever name: bytes, or a refusal with a status of its own."""
    status = 200
    try:
        inflate(b"\x1f\x8b" + body, said)
    except Refusal as refusal:
        status = refusal.status
    assert status in (200, 400, 415)
