"""Bodies that are more, less or other than they say: refused as published, with bounded memory and time."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from time import perf_counter

import pytest

from benchmarks.running import Door, authorization, new_project
from cxminute.collect.calls.limits import LARGEST_BODY
from tests.faults.telling import body, item, memory


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One door for all of these."""
    root = tmp_path_factory.mktemp("bombs") / "shop"
    opened = Door([root], new_project(root))
    opened.start(worker=False)
    yield opened
    opened.kill()


def bomb(size: int) -> bytes:
    """A gzip of so many bytes, about a thousandth of it long: a JSON text that is nearly all blanks."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packing.compress(b'{"batch":[')]
    parts += [packing.compress(b" " * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packing.compress(b"]}"), packing.flush()])


def posted(door: Door, data: bytes, **headers: str) -> tuple[int, str, float]:
    """Status, code and seconds of one request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    began = perf_counter()
    answer = door.ask("POST", "/v1/batch", data, {"Authorization": authorization(door.key), **named})
    return answer.status, str(answer.told.get("code", "")), perf_counter() - began


def test_bombs_are_refused_before_they_are_large(door: Door) -> None:
    """A gzip that would inflate to forty times the limit costs no more memory than one that keeps to it."""
    assert posted(door, gzip.compress(body([item(1)])), Content_Encoding="gzip")[0] == 200
    within = gzip.compress(body([item(2, properties={"x": "y" * 60_000}) for _ in range(80)]))
    assert posted(door, within, Content_Encoding="gzip")[0] == 200
    before = memory(door)
    for data in (bomb(LARGEST_BODY), bomb(200 << 20)):
        for headers in ({"Content_Encoding": "gzip"}, {}, {"Content_Type": "application/x-www-form-urlencoded"}):
            status, code, took = posted(door, data, **headers)
            assert (status, code) == (413, "body_too_large")
            assert took < 2
    assert memory(door) < before + 4 * (LARGEST_BODY >> 20) + 16


@pytest.mark.parametrize("name", ["br", "zstd", "compress", "gzip, gzip", "snappy"])
def test_other_encodings_are_refused(door: Door, name: str) -> None:
    """What the door cannot inflate within bounds it refuses as unsupported, whatever the body is."""
    assert posted(door, body([item(3)]), Content_Encoding=name)[:2] == (415, "unsupported_encoding")


def test_nested_and_broken_encodings_are_refused(door: Door) -> None:
    """A gzip within a gzip is not JSON; one that breaks off, goes on after its end or lies is not gzip."""
    packed = gzip.compress(body([item(4)]))
    cases = {
        "nested": gzip.compress(packed),
        "broken off": packed[:-9],
        "goes on": packed + packed,
        "other checksum": packed[:-8] + bytes(8),
        "garbage": b"\x1f\x8b" + bytes(range(200)),
    }
    for name, data in cases.items():
        assert posted(door, data, Content_Encoding="gzip")[0] == 400, name


def _raw(door: Door, head: str, *parts: bytes, wait: float = 1.0) -> bytes:
    """Sends bytes as they are; what comes back until the line is closed or nothing comes for a while."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=wait) as line:
        lines = f"POST /v1/batch HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization(door.key)}\r\n{head}\r\n"
        got = b""
        try:
            line.sendall(lines.encode())
            for part in parts:
                line.sendall(part)
            while piece := line.recv(65_536):
                got += piece
        except OSError:
            pass
        return got


def test_lengths_that_lie_are_refused(door: Door) -> None:
    """Bodies shorter or longer than they say, with two lengths or none that is one: nobody is answered 200 for them."""
    good = body([item(5)])
    short = _raw(door, f"Content-Length: {len(good) + 10}\r\n", good)
    assert b" 200 " not in short
    longer = _raw(door, f"Content-Length: {len(good) - 10}\r\n", good)
    assert b" 200 " not in longer
    both = _raw(door, f"Content-Length: {len(good)}\r\nContent-Length: 5\r\n", good)
    assert b" 200 " not in both
    odd = _raw(door, "Content-Length: many\r\n", good)
    assert b" 200 " not in odd
    large = _raw(door, f"Content-Length: {10**15}\r\n", *[bytes(1 << 20)] * 32)
    assert b" 413 " in large or not large  # it reads on for a while, so that clients hear the refusal
    assert posted(door, good)[0] == 200


def test_chunks_without_end_are_cut_off(door: Door) -> None:
    """A body in chunks that never ends is refused at the limit, and costs no more memory than a large body."""
    before = memory(door)
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    parts = [chunk] * 2_000
    got = _raw(door, "Transfer-Encoding: chunked\r\n", *parts, wait=10)
    assert b" 413 " in got or not got
    assert memory(door) < before + 8 * (LARGEST_BODY >> 20)
    assert posted(door, body([item(6)]))[0] == 200


def test_an_error_is_always_json_that_clients_understand(door: Door) -> None:
    """Every refusal of a body says success false, a code and a message: a client that finds none would try for ever."""
    for data, headers in (
        (b"{", {}),
        (b"", {}),
        (b"\x1f\x8b", {}),
        (bomb(LARGEST_BODY), {}),
        (b"[1", {"Content-Encoding": "br"}),
    ):
        answer = door.ask("POST", "/v1/batch", data, {"Authorization": authorization(door.key), **headers})
        assert 400 <= answer.status < 500
        assert answer.told["success"] is False
        assert answer.told["code"]
        assert answer.told["message"]
        assert json.dumps(answer.told)
