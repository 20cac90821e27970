"""Names of events and of files: the state has keyed digests of them, and a file beside the segments what they say.

Nothing can be taken out of a database's pages and write-ahead log again, and a name may say who somebody is who is
forgotten later. Segments hold names of events as they are, and so does the file (docs/adr/0019); names of files lie
sealed in it, each under a key of its own, since backups hold it. It is written before a digest is committed, and anew
when names go; what it says of events can be made again from the segments: so a file that is damaged counts as none.
"""

from __future__ import annotations

import fcntl
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from cxminute.store.arrays import make_folder, write_whole
from cxminute.store.keyring import Keyring
from cxminute.store.sealing import seal, unseal
from cxminute.store.vault import UNREADABLE, Digest

FILE: Final = "names.json"
"""Below the log's folder."""
DAMAGED: Final = f"{FILE}.damaged-"
"""Begins what a file that did not parse is called once another was written: somebody may still read it."""
LOCK: Final = "names.lock"
"""Beside that folder."""
FILE_KEYS: Final = "file names"
"""Space of the keys of names of files; no kind of identifier has a blank."""


@dataclass(frozen=True, slots=True)
class _Book:
    """What the file holds: names of events by digest; of files by digest the number of the key, and what it seals."""

    events: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)


class Names:
    """What names say, by digest, of one project.

    root:    the log's folder
    keyring: has the project's own key for digests, and those of names of files
    """

    def __init__(self, root: Path, keyring: Keyring) -> None:
        self._root, self._keyring = root, keyring
        self._read: tuple[tuple[int, ...], _Book] = (), _Book()
        self._damaged = False

    def damaged(self) -> bool:
        """Whether there is a file that cannot be read."""
        self._look()
        return self._damaged

    def called(self, source: str, names: Iterable[str]) -> dict[str, str]:
        """By digest, each of some names of a source's events."""
        said = sorted(set(names))
        if not said:
            return {}
        digest = Digest(self._keyring.secret(), b"name")
        return dict(zip(digest.of(source, said), said, strict=True))

    def said(self) -> Mapping[str, str]:
        """By digest, all names of events that are known."""
        return self._look().events

    def opened(self, digests: Collection[str]) -> dict[str, str]:
        """By digest, those of these names of files that are known; UNREADABLE and the key's number without its key."""
        return self._opened(self._look(), digests)

    def lacking(self, digests: Collection[str]) -> set[str]:
        """Which of these names of files are not known, or cannot be opened."""
        return self._lacking(self._look(), digests)

    def learn(self, names: Mapping[str, str]) -> None:
        """Adds names of events, durably; before their digests are committed."""
        if names.keys() <= self.said().keys():
            return
        with self._alone() as book:
            self._write(_Book({**book.events, **names}, book.files))

    def files(self, names: Iterable[str], *, secret: bytes = b"") -> list[str]:
        """What the state calls files of these names, which are added, durably; secret: that of the keyring without it.

        Before their digests are committed. One whose key is gone is sealed anew, under another.
        """
        told = list(names)
        called = Digest(secret or self._keyring.secret(), b"file").of("", told)
        if self._lacking(self._look(), called):
            with self._alone() as book:
                lacking = self._lacking(book, called)
                fresh = {digest: name for digest, name in zip(called, told, strict=True) if digest in lacking}
                highest = max((number for number, _ in book.files.values()), default=-1)
                first = max(highest + 1, self._keyring.many(FILE_KEYS))  # also beyond those of a file that was lost
                numbers = range(first, first + len(fresh))
                sealed = seal(self._keyring.fresh(FILE_KEYS, numbers), tuple(fresh.values()))
                bodies = [b64encode(body or b"").decode() for body in sealed]
                added = dict(zip(fresh, zip(numbers, bodies, strict=True), strict=True))
                self._write(_Book(book.events, {**book.files, **added}))
        return called

    def keep(self, digests: Collection[str]) -> None:
        """Lets go of all other names, with their keys. Whoever calls holds the locks of every collect.

        Files that were damaged go whole: nobody can tell whose names are in them.
        """
        wanted = frozenset(digests)
        with self._alone() as book:
            events = {digest: name for digest, name in book.events.items() if digest in wanted}
            files = {digest: entry for digest, entry in book.files.items() if digest in wanted}
            standing = {number for number, _ in files.values()}
            gone = set(range(self._keyring.many(FILE_KEYS))) - standing - set(self._keyring.destroyed(FILE_KEYS))
            self._keyring.destroy(FILE_KEYS, sorted(gone))
            if self._damaged or len(events) + len(files) < len(book.events) + len(book.files):
                self._write(_Book(events, files))
            for pattern in (".names*", f"{DAMAGED}*"):  # the first are left by a kill
                for stray in self._root.glob(pattern):
                    stray.unlink()

    def _lacking(self, book: _Book, called: Collection[str]) -> set[str]:
        """Which names of files are not there, or cannot be read."""
        opened = self._opened(book, called)
        return {digest for digest in called if opened.get(digest, UNREADABLE).startswith(UNREADABLE)}

    def _opened(self, book: _Book, digests: Collection[str]) -> dict[str, str]:
        held = [(digest, *book.files[digest]) for digest in digests if digest in book.files]
        keys = self._keyring.held(FILE_KEYS, [number for _, number, _ in held])
        told = unseal(keys, [b64decode(body) for *_, body in held])
        return {
            digest: f"{UNREADABLE}{number}" if name is None else name
            for (digest, number, _), name in zip(held, told, strict=True)
        }

    def _look(self) -> _Book:
        """What the file holds now; nothing where there is none, or none that can be read."""
        path = self._root / FILE
        try:
            stamp = _stamp(path)
        except FileNotFoundError:
            self._read, self._damaged = ((), _Book()), False
            return self._read[1]
        if stamp != self._read[0]:
            try:
                self._read, self._damaged = (stamp, msgspec.json.decode(path.read_bytes(), type=_Book)), False
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._read, self._damaged = (stamp, _Book()), True
        return self._read[1]

    @contextmanager
    def _alone(self) -> Iterator[_Book]:
        make_folder(self._root)
        with (self._root.parent / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._look()

    def _write(self, book: _Book) -> None:
        """Puts another file in place, while nobody else does; one that is damaged is put aside."""
        path = self._root / FILE
        if self._damaged:
            path.rename(self._root / f"{DAMAGED}{path.stat().st_mtime_ns}")
        write_whole(path, msgspec.json.encode(book))
        self._read, self._damaged = (_stamp(path), book), False


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes whenever another file is put in its place."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
