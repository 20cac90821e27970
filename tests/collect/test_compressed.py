"""Compressed files give the bytes they hold, and of a broken one what can still be had."""

from __future__ import annotations

import gzip
import io
import random

import pyarrow as pa
import pytest

from cxminute.collect.compressed import damage_of, open_compressed, plain_name

PLAIN = random.Random(7).randbytes(700_000)  # noqa: S311 -- bytes that do not compress, the same in every run


def packed(name: str) -> bytes:
    """The plain bytes, compressed as the name says."""
    return gzip.compress(PLAIN, 1) if name.endswith(".gz") else pa.compress(PLAIN, codec="zstd", asbytes=True)


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ", "a.csv.zst"])
def test_a_whole_file_is_inflated(name: str) -> None:
    """By the end of its name a file is inflated, and nothing is amiss."""
    file = open_compressed(io.BytesIO(packed(name.lower())), name)
    assert file.read() == PLAIN
    assert damage_of(file) is None


def test_other_files_are_read_as_they_are() -> None:
    """A name that tells of no compression means none."""
    file = io.BytesIO(b"plain")
    assert open_compressed(file, "a.csv") is file
    assert damage_of(file) is None
    assert (plain_name("a.csv.gz"), plain_name("a.csv")) == ("a.csv", "a.csv")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst"])
def test_a_file_cut_off_gives_what_it_held(name: str) -> None:
    """Bytes up to the break are read, then the file ends, and says why."""
    whole = packed(name)
    file = open_compressed(io.BytesIO(whole[: len(whole) // 2]), name)
    found = file.read()
    assert len(found) > len(PLAIN) // 4
    assert PLAIN.startswith(found)
    assert damage_of(file) == "file_truncated"


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst"])
def test_a_file_that_is_no_compressed_file_is_damaged(name: str) -> None:
    """Plain text under a name that ends in .gz holds nothing, and says so."""
    file = open_compressed(io.BytesIO(b"id,who\n1,a\n"), name)
    assert file.read() == b""
    assert damage_of(file) == "file_damaged"


def test_gzip_files_after_one_another_are_one_file() -> None:
    """Rotated logs are often joined: all members are read."""
    file = open_compressed(io.BytesIO(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"), "a.gz")
    assert file.read() == b"one two"
    assert damage_of(file) is None


def test_a_bomb_is_inflated_only_as_far_as_it_is_read() -> None:
    """A small file that holds a gigabyte costs a block at a time, not a gigabyte."""
    bomb = gzip.compress(b"\0" * 100_000_000, 9)
    file = open_compressed(io.BytesIO(bomb), "bomb.gz")
    assert len(file.read(10)) == 10
    assert len(file.peek()) < 1 << 20  # type: ignore[attr-defined]  # the reader is buffered
