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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cxminute.model.errors import BrokenStore
from cxminute.store.arrays import make_folder, settle_folder

SIZE: Final = 32
DESTROYED: Final = bytes(SIZE)
_SAFE: Final = re.compile(r"[a-z0-9_]+")
_BLOCK: Final = 4_096
"""Keys made at a time: numbers come in rows."""


class Keyring:
    """The keys of one project. folder: `.cxm/keys`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
            if len(numbers) * 16 > most:  # most of the file: read it in one
                whole = file.read(most * SIZE)
                return [whole[number * SIZE : number * SIZE + SIZE] for number in numbers]
            return [os.pread(file.fileno(), SIZE, number * SIZE) for number in numbers]

    def destroy(self, space: str, numbers: Iterable[int]) -> None:
        """Writes zeros over the keys of these numbers, durably; also over those that were never asked for."""
        gone = sorted(set(numbers))
        if not gone:
            return
        path = self._file(space)
        self._make(path, gone[-1] + 1)
        with self._alone(path), path.open("r+b") as file:
            for number in gone:
                os.pwrite(file.fileno(), DESTROYED, number * SIZE)
            os.fsync(file.fileno())

    def files(self) -> list[Path]:
        """The files that hold keys."""
        return sorted(self._folder.glob("*.keys"))

    def _file(self, space: str) -> Path:
        return self._folder / f"{space if _SAFE.fullmatch(space) else space.encode().hex() + '.hex'}.keys"

    @staticmethod
    def _held(path: Path) -> int:
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return 0
        return size // SIZE

    def _make(self, path: Path, most: int) -> None:
        """Appends keys until there are as many; whole blocks, so that few calls wait for the disk."""
        make_folder(self._folder)
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
            settle_folder(self._folder)

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
