"""Keys of identifiers: 32 random bytes for each number of a space, in flat files apart from all other state.

What a person's identifiers say, and what events told of them, lies sealed under these keys (sealing.py). People merge
and part, identifiers do not, so the key belongs to the identifier. Numbers are dense in their space, so the key of
number n stands at byte 32 n of `.cxm/keys/SPACE.keys`; a destroyed key is 32 zeros, and what was sealed under it, here
or in any backup, cannot be read again.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from cxminute.model.errors import BrokenStore
from cxminute.store.arrays import make_folder, settle_folder

SIZE: Final = 32
DESTROYED: Final = bytes(SIZE)
_NOT_OURS: Final = "inbox.keys"
OWN: Final = "digest.key"
"""The project's own key, by which what is sealed is found again: who has it can try whether a guessed one is known."""
_SAFE: Final = re.compile(r"[a-z0-9_]+")
_WORDS: Final = SIZE // 8
_BLOCK: Final = 4_096
"""Keys made at a time: numbers come in rows."""


class Keyring:
    """The keys of one project. folder: `.cxm/keys`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = b""

    def secret(self, *, make: bool = False) -> bytes:
        """The project's own key for digests: 32 random bytes in a file of their own.

        make:   it, where there is none; else that is BrokenStore
        """
        if self._own:
            return self._own
        path = self.folder / OWN
        if not path.exists():
            if not make:
                raise BrokenStore(
                    "The key of the log's digests is lost.", file=str(path), then="Restore it from a backup."
                )
            make_folder(self.folder)
            temporary = path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(os.urandom(SIZE))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was quicker: its key holds
                os.link(temporary, path)
            temporary.unlink()
            settle_folder(self.folder)
        self._own = path.read_bytes()
        return self._own

    @property
    def is_there(self) -> bool:
        """Whether any key of an identifier is there, or was."""
        return any(path.name != _NOT_OURS for path in self.folder.glob("*.keys"))

    def keys(self, space: str, numbers: Sequence[int]) -> list[bytes]:
        """The key of each number, made where there was none; DESTROYED where it was destroyed.

        raises: BrokenStore where the file is damaged
        """
        if not numbers:
            return []
        path = self._file(space)
        most = max(numbers) + 1
        if self._held(path) < most:
            self._make(path, most)
        with path.open("rb") as file:
            return _read(file, numbers)

    def held(self, space: str, numbers: Sequence[int]) -> list[bytes]:
        """The key of each number as it is there, for reading; DESTROYED also where there was none."""
        if not numbers:
            return []
        try:
            with self._file(space).open("rb") as file:
                return _read(file, numbers)
        except FileNotFoundError:
            return [DESTROYED] * len(numbers)

    def usable(self, space: str, numbers: Sequence[int]) -> list[bytes]:
        """The key of each of these new numbers, made anew where it was destroyed: an older state was brought back."""
        keys = self.keys(space, numbers)
        gone = [place for place, key in enumerate(keys) if key == DESTROYED]
        for place, key in zip(gone, self.fresh(space, [numbers[place] for place in gone]), strict=True):
            keys[place] = key
        return keys

    def fresh(self, space: str, numbers: Sequence[int]) -> list[bytes]:
        """New keys for numbers that nothing is sealed under, durably; whatever stood in their place is gone."""
        made = os.urandom(SIZE * len(numbers))
        keys = [made[start : start + SIZE] for start in range(0, len(made), SIZE)]
        self._write(space, dict(zip(numbers, keys, strict=True)))
        return keys

    def destroy(self, space: str, numbers: Iterable[int]) -> None:
        """Writes zeros over the keys of these numbers, durably; where there never was one, nothing."""
        held = self._held(self._file(space))
        self._write(space, {number: DESTROYED for number in numbers if number < held})

    def many(self, space: str) -> int:
        """How many keys there are or were: all are of lower numbers."""
        return self._held(self._file(space))

    def destroyed(self, space: str) -> list[int]:
        """The numbers below the highest key whose own is gone, or never was."""
        try:
            said = np.fromfile(self._file(space), np.uint64)
        except FileNotFoundError:
            return []
        keys = said[: len(said) // _WORDS * _WORDS].reshape(-1, _WORDS)
        return [int(number) for number in np.flatnonzero(~keys.any(axis=1))]

    def cut(self, space: str, most: int) -> None:
        """Lets go of all keys from number `most` on."""
        path = self._file(space)
        if self._held(path) > most:
            with self._alone(path), path.open("r+b") as file:
                file.truncate(most * SIZE)
                os.fsync(file.fileno())

    def copy(self, into: Path) -> None:
        """Copies the files of keys, each as it is at one moment; that of the inbox is none of identifiers."""
        for path in sorted(self.folder.glob("*.keys")):
            if path.name != _NOT_OURS:
                with self._alone(path):
                    shutil.copyfile(path, into / path.name)

    def _file(self, space: str) -> Path:
        return self.folder / f"{space if _SAFE.fullmatch(space) else space.encode().hex() + '.hex'}.keys"

    @staticmethod
    def _held(path: Path) -> int:
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return 0
        return size // SIZE

    def _make(self, path: Path, most: int) -> None:
        """Appends keys until there are as many; whole blocks, so that few calls wait for the disk."""
        make_folder(self.folder)
        with self._alone(path):
            held = self._held(path)
            if held >= most:
                return
            fresh = -(-most // _BLOCK) * _BLOCK - held
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
                file.seek(held * SIZE)  # over a key that was cut by a kill: nothing was sealed under it
                if file.write(os.urandom(fresh * SIZE)) != fresh * SIZE:
                    raise BrokenStore("The keys of identifiers cannot be written.", file=path.name)
                os.fsync(file.fileno())
            settle_folder(self.folder)

    def _write(self, space: str, keys: Mapping[int, bytes]) -> None:
        if not keys:
            return
        path = self._file(space)
        make_folder(self.folder)
        with self._alone(path):
            new = not path.exists()
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
                for number, key in sorted(keys.items()):
                    os.pwrite(file.fileno(), key, number * SIZE)
                os.fsync(file.fileno())
            if new:
                settle_folder(self.folder)

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _read(file: BinaryIO, numbers: Sequence[int]) -> list[bytes]:
    """The key of each number; DESTROYED beyond the end."""
    first, most = min(numbers), max(numbers) + 1
    if len(numbers) * 16 > most - first:  # most of a stretch: read it in one
        whole = os.pread(file.fileno(), (most - first) * SIZE, first * SIZE)
        said = [whole[(number - first) * SIZE : (number - first + 1) * SIZE] for number in numbers]
    else:
        said = [os.pread(file.fileno(), SIZE, number * SIZE) for number in numbers]
    return [key if len(key) == SIZE else DESTROYED for key in said]
