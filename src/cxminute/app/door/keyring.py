"""Which project and source a request's key belongs to: keys of all mounted projects, read anew every second."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cxminute.app.door.answers import Refusal
from cxminute.app.door.mounts import Mount

MOST_CACHED: Final = 10_000
"""Headers whose key is remembered; only good ones are, so that no stranger can fill it."""
LONGEST_CACHED: Final = 256
"""Characters of such a header: a key's own take 76, and blanks before it as many as its sender likes."""
_UNKNOWN: Final = "No such write key, or one that is revoked or expired; cxm keys lists those that are valid."
_NONE: Final = (
    "No write key in the request. It goes in Authorization (Basic, as the user without a password, or Bearer), "
    "or in the body as writeKey or api_key."
)
_DISAGREE: Final = "The header's write key is not the body's."


@dataclass(eq=False, slots=True)
class Place:
    """Where a key's events go: a source of a project, and what was taken for it since the start."""

    mount: Mount
    source: str
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    size: int = 0


@dataclass(eq=False)
class Keyring:
    """Keys as they are valid now, by the SHA-256 of their text: what takes time to find does not depend on the key.

    unread: of which projects the keys could not be read the last time; what was known of them still counts
    """

    mounts: Sequence[Mount]
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    _known: dict[bytes, Place] = field(default_factory=dict)
    _of_mount: dict[str, dict[bytes, Place]] = field(default_factory=dict)
    _cache: dict[str, tuple[str, Place]] = field(default_factory=dict)

    def refresh(self, at: int, failed: Callable[[str, Exception], None]) -> None:
        """Reads the keys of all projects that are valid at a time, UTC ms; keys that changed count from now on."""
        unread = set()
        for mount in self.mounts:
            try:
                found = mount.project.keys.valid(at)
            except Exception as fault:  # noqa: BLE001 -- one project's database must not hold up another's clients
                unread.add(mount.name)
                failed(mount.name, fault)
                continue
            self._of_mount[mount.name] = {digest: self.place(mount, source) for digest, source in found.items()}
        known = {digest: place for keys in self._of_mount.values() for digest, place in keys.items()}
        self.unread = unread
        if known != self._known:
            self._known, self._cache = known, {}

    def place(self, mount: Mount, source: str) -> Place:
        """The one place of a source."""
        return self.places.setdefault((mount.name, source), Place(mount, source))

    def of_text(self, key: str) -> Place | None:
        """Where a key's events go; None for an unknown key."""
        return self._known.get(hashlib.sha256(key.encode("utf-8", "replace")).digest())

    def of_header(self, header: str) -> tuple[str, Place]:
        """The key that an Authorization header carries, and its place.

        raises: Refusal unknown_key; keys_unread where it may be a new key of a project whose keys cannot be read
        """
        found = self._cache.get(header)
        if found is None:
            key = key_of(header)
            place = self.of_text(key) if key else None
            if not key or place is None:
                raise self.unknown(sent=bool(key))
            found = key, place
            if len(header) <= LONGEST_CACHED:
                if len(self._cache) >= MOST_CACHED:
                    self._cache = {}
                self._cache[header] = found
        return found

    def agreed(self, found: tuple[str, Place] | None, key: str) -> Place:
        """The place of header and body together: what one leaves out the other says; both must mean the same source.

        found: of the header, where there is one
        key:   of the body, or empty
        """
        if found is not None:
            if not key or key == found[0]:
                return found[1]
            if self.of_text(key) is not found[1]:
                raise Refusal("keys_disagree", _DISAGREE, read=True)
            return found[1]
        place = self.of_text(key) if key else None
        if place is None:
            raise self.unknown(sent=bool(key), read=True)
        return place

    def why_not(self, mount: Mount) -> str | None:
        """What keeps a project from taking events; None when nothing does."""
        return mount.why_not() or ("write keys cannot be read" if mount.name in self.unread else None)

    def unknown(self, *, sent: bool = True, read: bool = False) -> Refusal:
        """The refusal of an unknown key, or of none: of an unknown one for good only where all keys could be read."""
        if self.unread:
            return Refusal("keys_unread", "Write keys cannot be read at the moment; try again later.", read=read)
        return Refusal("unknown_key", _UNKNOWN if sent else _NONE, read=read)


def key_of(header: str) -> str | None:
    """The write key in an Authorization header: the user of Basic, without a password; or Bearer's token."""
    scheme, _, rest = header.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return user if user and not password else None
