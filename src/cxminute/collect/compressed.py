"""Compressed files, inflated as they are read; a file that breaks off gives what it held up to there."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import BinaryIO

import pyarrow as pa

from cxminute.model.errors import BadData

_BLOCK = 1 << 18


class Inflated(io.BufferedReader):
    """The bytes of a compressed file, as far as it can be inflated."""

    @property
    def damage(self) -> str | None:
        """The reject's reason once the file proved cut off or broken; its bytes end there."""
        return self.raw.damage if isinstance(self.raw, _Inflating) else None


class _Inflating(io.RawIOBase):
    """Blocks pulled out of a compressed file; the end of what can be had is the end, whatever the reason."""

    def __init__(self, pull: Callable[[], bytes]) -> None:
        super().__init__()
        self._pull = pull
        self._held = b""
        self.damage: str | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io asks for any buffer, and gives this
        """Fills the buffer as far as one block goes; 0 at the end, or where the file breaks off."""
        if not self._held and self.damage is None:
            try:
                self._held = self._pull()
            except EOFError:
                self.damage = "file_truncated"
            except (zlib.error, OSError):
                self.damage = "file_damaged"
        size = min(len(buffer), len(self._held))
        buffer[:size], self._held = self._held[:size], self._held[size:]
        return size


def open_compressed(file: BinaryIO, name: str) -> BinaryIO:
    """The file's plain bytes: inflated as its name ends in .gz or .zst, as it is otherwise.

    file: opened for reading bytes, at its start
    name: its name, of which the end counts
    """
    lower = name.lower()
    if lower.endswith(".gz"):
        return Inflated(_Inflating(_gunzip(file)))
    if lower.endswith((".zst", ".zstd")):
        return Inflated(_Inflating(_unzstd(file)))
    return file


def plain_name(name: str) -> str:
    """The name without the ending that tells its compression: orders.csv.gz is orders.csv."""
    for ending in (".gz", ".zst", ".zstd"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def damage_of(file: BinaryIO) -> str | None:
    """The reject's reason where a compressed file proved damaged while it was read."""
    return getattr(file, "damage", None)


def nothing_in(file: BinaryIO, name: str, wanted: str) -> BadData:
    """The error for a file that gave nothing: it is empty, or not what the end of its name says."""
    if damage_of(file):
        return BadData(
            "The file is not compressed as the end of its name says, or damaged from its start.",
            file=name,
            allowed="a name without .gz or .zst for a plain file",
        )
    return BadData("The file is empty.", file=name, allowed=wanted)


def _gunzip(file: BinaryIO) -> Callable[[], bytes]:
    """Pulls blocks out of gzip, several members after one another too; the standard reader keeps no broken block."""
    machine = zlib.decompressobj(31)
    held = b""
    begun = False

    def pull() -> bytes:
        nonlocal machine, held, begun
        while True:
            held = held or file.read(_BLOCK)
            if not held:
                if begun and not machine.eof:
                    raise EOFError
                return b""
            if machine.eof:
                held = held.lstrip(b"\0")  # gzip allows zeros as padding after a member
                if not held:
                    continue
                machine = zlib.decompressobj(31)
            begun = True
            made = machine.decompress(held, _BLOCK)
            held = machine.unconsumed_tail or machine.unused_data
            if made:
                return made

    return pull


class _Borrowed:
    """A file that Arrow may read and not close: it is its owner's, and is read again where it breaks off."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.readable, self.writable, self.seekable = file.readable, file.writable, file.seekable

    def close(self) -> None:
        """Leaves it open."""


def _unzstd(file: BinaryIO) -> Callable[[], bytes]:
    """Pulls blocks out of zstd. Arrow drops a block that breaks off, so that the last one is fetched byte by byte."""
    stream = pa.CompressedInputStream(pa.PythonFile(_Borrowed(file), mode="r"), "zstd")
    given = 0
    careful = False

    def pull() -> bytes:
        nonlocal stream, given, careful
        try:
            made: bytes = stream.read(1 if careful else _BLOCK)
        except OSError as fault:
            if careful:
                raise (EOFError if "runcated" in str(fault) else OSError) from fault
            careful = True
            file.seek(0)
            stream = pa.CompressedInputStream(pa.PythonFile(_Borrowed(file), mode="r"), "zstd")
            for size in (*[_BLOCK] * (given // _BLOCK), given % _BLOCK):
                stream.read(size)
            return pull()
        given += len(made)
        return made

    return pull
