"""A backup as a file: a compressed tar with a header first and the list of all contents, with SHA-256, last.

A file that was cut off lacks the list, one that was changed does not agree with it, and a foreign one has no header.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

import msgspec
import pyarrow as pa

from cxminute.model.errors import BadData
from cxminute.store.arrays import settle_folder

FORMAT: Final = 1
"""Version of what is written; newer ones are refused."""
BACKUP: Final = "cxm-backup.json"
"""What stands first in a backup."""
KEYS: Final = "cxm-keys.json"
"""What stands first in a file of keys."""
_LIST: Final = "contents.json"
_BLOCK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class Header(msgspec.Struct, frozen=True):
    """What a backup says of itself.

    format:   of the file; schema: of the state; version: of the package that wrote it
    project:  its name; taken_at: UTC ms, when it began
    database: 'sqlite', whose file it holds, or 'postgresql', whose rows
    keys:     whether the project's own key is in it
    """

    format: int
    project: str
    taken_at: int
    version: str
    schema: str
    database: str
    keys: bool


class Entry(msgspec.Struct, frozen=True):
    """One file of a backup: its path below the project, its bytes and their SHA-256."""

    path: str
    size: int
    sha256: str


class Archive:
    """A backup that is being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.entries: list[Entry] = []

    def add(self, path: str, file: Path) -> Entry:
        """One file, under its path below the project."""
        with file.open("rb") as opened:
            hashed = _Hashing(opened)
            size = os.fstat(opened.fileno()).st_size
            self._tar.addfile(_member(path, size), cast("IO[bytes]", hashed))
        entry = Entry(path, size, hashed.digest.hexdigest())
        self.entries.append(entry)
        return entry


@contextmanager
def writing_archive(file: Path, header: Header, first: str = BACKUP) -> Iterator[Archive]:
    """A new backup: under a temporary name until it is whole, then synced, and renamed; readable by its owner alone.

    file:  one that ends in .gz is compressed by gzip, any other by Zstandard
    first: BACKUP or KEYS
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            packed = (
                gzip.GzipFile("", "wb", 6, raw, 0) if file.suffix == ".gz" else pa.CompressedOutputStream(raw, "zstd")
            )
            with packed, tarfile.open(fileobj=cast("IO[bytes]", packed), mode="w|") as tar:
                _text(tar, first, header)
                archive = Archive(tar)
                yield archive
                _text(tar, _LIST, archive.entries)
        with temporary.open("rb") as whole:  # the compressor closed the other
            os.fsync(whole.fileno())
        temporary.replace(file)
        settle_folder(file.parent)
    finally:
        temporary.unlink(missing_ok=True)


def begins_with(file: Path, first: str) -> bool:
    """Whether a file is a backup (BACKUP), or holds keys (KEYS), by what stands first in it."""
    try:
        with _opened(file) as packed, tarfile.open(fileobj=cast("IO[bytes]", packed), mode="r|") as tar:
            found = tar.next()
            return found is not None and found.name == first
    except (BadData, tarfile.TarError, OSError, EOFError, zlib.error):
        return False


def unpack(file: Path, into: Path, first: str = BACKUP) -> tuple[Header, list[Entry]]:
    """Writes the files of a backup below an empty folder, each synced, and compares them with the backup's list.

    raises: BadData for a file that is no backup, was cut off or changed, or is of a newer version; what was written so
            far is left where it is
    """
    try:
        with _opened(file) as packed, tarfile.open(fileobj=cast("IO[bytes]", packed), mode="r|") as tar:
            found = _unpacked(tar, file, into, first)
            while packed.read(_BLOCK):  # to its very end, where the compressor's own check stands
                pass
            return found
    except (tarfile.TarError, OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeError, ValueError) as fault:
        if isinstance(fault, OSError) and fault.errno is not None:
            raise
        raise _damaged(file) from fault


def _unpacked(tar: tarfile.TarFile, file: Path, into: Path, first: str) -> tuple[Header, list[Entry]]:
    head = tar.next()
    if head is None or head.name != first:
        what = "This is no backup of a project." if first == BACKUP else "These are no keys of identifiers."
        raise BadData(what, file=file.name, then="Nothing was restored.")
    header = msgspec.json.decode(_read(tar, head), type=Header)
    if header.format > FORMAT:
        raise BadData(
            f"The backup was written by a newer version ({header.version}).",
            file=file.name,
            then="Nothing was restored; install the newer version.",
        )
    found: list[Entry] = []
    while (member := tar.next()) is not None:
        if member.name == _LIST:
            if msgspec.json.decode(_read(tar, member), type=list[Entry]) != found:
                raise _damaged(file)
            return header, found
        if not member.isreg() or any(part in {"", ".", ".."} for part in member.name.split("/")):
            raise BadData(f"The backup holds '{member.name}', which is no file.", file=file.name)
        found.append(_written(tar, member, into))
    raise _damaged(file)


def _written(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> Entry:
    path = into / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    source = cast("IO[bytes]", tar.extractfile(member))
    secret = 0o600 if "/keys/" in member.name else 0o666
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, secret), "wb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
            size += len(block)
        file.flush()
        os.fsync(file.fileno())
    return Entry(member.name, size, digest.hexdigest())


def _damaged(file: Path) -> BadData:
    return BadData(
        "The backup is damaged or was cut off.", file=file.name, then="Nothing was restored; take another copy of it."
    )


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    with file.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        if start.startswith(_GZIP):
            with gzip.open(raw) as packed:
                yield packed
        elif start == _ZSTD:
            with pa.CompressedInputStream(raw, "zstd") as packed:
                yield packed
        else:
            raise BadData("This is no backup of a project.", file=file.name, then="Nothing was restored.")


class _Hashing:
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        block = self._file.read(size)
        self.digest.update(block)
        return block


def _member(path: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, 0o600
    return member


def _text(tar: tarfile.TarFile, name: str, content: object) -> None:
    said = msgspec.json.encode(content)
    tar.addfile(_member(name, len(said)), io.BytesIO(said))


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    return cast("IO[bytes]", tar.extractfile(member)).read()
