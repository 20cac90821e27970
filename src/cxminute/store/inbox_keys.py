"""Keys of the inbox: bodies lie sealed until their events are in the log, then the key that opened them is destroyed.

A call holds events of many people, so here no key can be one identifier's. Calls are sealed under the current key, one
operation for all that are put together. Whenever calls leave the inbox, the current key is closed and another takes its
place; a closed key goes once nothing waits that it opens. So what left the inbox cannot be read again, in a copy of its
file as little as in its gaps.

Whoever puts calls holds the file's lock shared until they are on disk, whoever closes keys holds it alone: no call is
ever sealed under a key that is gone.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cxminute.store.arrays import make_folder, settle_folder
from cxminute.store.keyring import DESTROYED, SIZE

NAME: Final = "inbox.keys"
_RECORD: Final = struct.Struct(f"<QQQQ{SIZE}s")
"""number, after, upto, nothing, key: it seals the calls after one number up to another."""
_OPEN: Final = 2**63 - 1
_HEAD: Final = struct.Struct("<BQ")
"""What a sealed pack begins with: SEALED, and the number of its key."""
SEALED: Final = 1
"""The first byte of a sealed pack: one of an older version begins as a list of msgpack does."""
_NONCE: Final = 12
_MOST: Final = 256
"""Closed keys at most: while calls of one source are held up, the current key stays open rather than one more stand."""


@dataclass(frozen=True, slots=True)
class _Key:
    number: int
    after: int
    upto: int
    key: bytes

    @property
    def is_current(self) -> bool:
        return self.upto == _OPEN and self.key != DESTROYED


class InboxKeys:
    """The keys of one inbox; one object for each connection that puts, or that takes and drops.

    file: `.cxm/keys/inbox.keys`
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._opened: int | None = None
        self._ciphers: dict[int, tuple[bytes, AESGCM]] = {}

    @contextmanager
    def sealing(self, last: Callable[[], int]) -> Iterator[Callable[[bytes], bytes]]:
        """How packs are sealed, for as long as they are on their way to the disk.

        last: the number of the newest call, asked where there is no current key yet
        """
        file = self._open()
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            while (current := _current(_read(file))) is None:
                fcntl.flock(file, fcntl.LOCK_EX)
                keys = _read(file)
                if _current(keys) is None:
                    _write(file, _begun(keys, last()))
                fcntl.flock(file, fcntl.LOCK_SH)
            head, cipher = _HEAD.pack(SEALED, current.number), self._cipher(current)

            def seal(pack: bytes) -> bytes:
                nonce = os.urandom(_NONCE)
                return head + nonce + cipher.encrypt(nonce, pack, None)

            yield seal
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def opened(self, pack: bytes) -> bytes | None:
        """What a pack holds, sealed or of an older version; None where its key is not there."""
        if not pack or pack[0] != SEALED:
            return pack
        _, number = _HEAD.unpack_from(pack)
        if number not in self._ciphers:
            for key in _read(self._open()):
                if key.number == number and key.key != DESTROYED:
                    self._cipher(key)
        if number not in self._ciphers:
            return None
        body = pack[_HEAD.size :]
        try:
            return self._ciphers[number][1].decrypt(body[:_NONCE], body[_NONCE:], None)
        except InvalidTag:
            return None

    def turn(self, last: Callable[[], int], waits: Callable[[int, int], bool]) -> None:
        """Closes the current key, where it sealed anything, and destroys every closed one that opens nothing any more.

        It is not closed while very many closed ones stand, each for a call that waits: it seals what comes, too.

        waits: whether any call waits whose number is after the one and up to the other
        """
        file = self._open()
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            keys, newest = _read(file), last()
            many = sum(key.upto != _OPEN and key.key != DESTROYED for key in keys) >= _MOST
            closed = [
                replace(key, upto=newest) if key.is_current and key.after < newest and not many else key
                for key in keys
            ]  # fmt: skip
            left = [
                replace(key, key=DESTROYED) if key.upto != _OPEN and not waits(key.after, key.upto) else key
                for key in closed
            ]  # fmt: skip
            if left != keys:
                _write(file, left if _current(left) is not None else _begun(left, newest))
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        gone = {key.number for key in left if key.key == DESTROYED}
        self._ciphers = {number: kept for number, kept in self._ciphers.items() if number not in gone}

    def close(self) -> None:
        """Lets go of the file; the next use opens it again."""
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    def _open(self) -> int:
        if self._opened is None:
            make_folder(self._file.parent)
            new = not self._file.exists()
            self._opened = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            if new:
                settle_folder(self._file.parent)
        return self._opened

    def _cipher(self, key: _Key) -> AESGCM:
        known = self._ciphers.get(key.number)
        if known is None or known[0] != key.key:
            known = self._ciphers[key.number] = key.key, AESGCM(key.key)
        return known[1]


def read(file: Path) -> bytes:
    """The bytes of a file of keys, as they are between two changes."""
    with file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_SH)
        return opened.read()


def _read(file: int) -> list[_Key]:
    said = os.pread(file, os.fstat(file).st_size, 0)
    whole = len(said) // _RECORD.size * _RECORD.size  # one that was cut by a kill sealed nothing
    return [_Key(number, after, upto, key) for number, after, upto, _, key in _RECORD.iter_unpack(said[:whole])]


def _current(keys: list[_Key]) -> _Key | None:
    return next((key for key in keys if key.is_current), None)


def _begun(keys: list[_Key], newest: int) -> list[_Key]:
    """The keys with a new current one, in the place of one that is gone where there is such a place."""
    number = max((key.number for key in keys), default=0) + 1
    fresh = _Key(number, newest, _OPEN, os.urandom(SIZE))
    highest = max(keys, key=lambda key: key.number, default=None)
    for place, key in enumerate(keys):
        if key.key == DESTROYED and key is not highest:  # so that no number is given twice
            return [*keys[:place], fresh, *keys[place + 1 :]]
    return [*keys, fresh]


def _write(file: int, keys: list[_Key]) -> None:
    os.pwrite(file, b"".join(_RECORD.pack(key.number, key.after, key.upto, 0, key.key) for key in keys), 0)
    os.fsync(file)
