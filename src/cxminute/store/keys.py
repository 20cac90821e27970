"""Write keys: who may write as which source. A key is shown once; what is kept is its hash and its first characters."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, insert, select, update

from cxminute.model.errors import UnknownName, WrongUse
from cxminute.store.schema import WRITE_KEYS
from cxminute.store.state import writing

MARK: Final = "cxm_"
"""Begins every key, so that one that lies somewhere in the open is known for what it is."""
PREFIX: Final = 12
"""Characters of a key that are kept in the clear: its mark and 48 of its 256 random bits."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is known of a key. Times are UTC ms; `expires_at` is None for a key that was not rotated away."""

    prefix: str
    source: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def holds(self, at: int) -> bool:
        """Whether the key opens the door at a moment; in the millisecond in which it expires, no longer."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


_Facts = list[KeyFacts]


class WriteKeys:
    """The write keys of one project."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def add(self, source: str, at: int) -> str:
        """A new key for a source, valid at once and until it is rotated or revoked. It is not to be had again."""
        key = MARK + secrets.token_urlsafe(32)
        row = {"digest": digest_of(key).hex(), "prefix": key[:PREFIX], "source": source, "created_at": at}
        with writing(self._state).begin() as connection:
            connection.execute(insert(WRITE_KEYS).values(**row))
        return key

    def rotate(self, source: str, at: int, grace: int) -> str:
        """A new key for a source; its other keys are valid for `grace` milliseconds more, or as long as they were.

        raises: WrongUse where the source has no valid key that could be rotated
        """
        key = MARK + secrets.token_urlsafe(32)
        row = {"digest": digest_of(key).hex(), "prefix": key[:PREFIX], "source": source, "created_at": at}
        c = WRITE_KEYS.c
        holds = (c.source == source, c.revoked_at.is_(None), (c.expires_at.is_(None)) | (c.expires_at > at))
        with writing(self._state).begin() as connection:
            sooner = (c.expires_at.is_(None)) | (c.expires_at > at + grace)
            if connection.execute(select(c.digest).where(*holds).limit(1)).first() is None:
                raise WrongUse(
                    f"Source '{source}' has no valid key.", allowed="add makes its first", then="Nothing was changed."
                )
            connection.execute(update(WRITE_KEYS).where(*holds, sooner).values(expires_at=at + grace))
            connection.execute(insert(WRITE_KEYS).values(**row))
        return key

    def revoke(self, prefix: str, at: int) -> KeyFacts:
        """Makes one key invalid at once, by its first characters (or all of them).

        raises: UnknownName where no key begins so, WrongUse where several do or it was revoked before
        """
        c = WRITE_KEYS.c
        with writing(self._state).begin() as connection:
            rows = connection.execute(select(WRITE_KEYS)).all()
            whole = digest_of(prefix).hex()
            found = [r for r in rows if r.digest == whole or (r.prefix.startswith(prefix) and prefix)]
            if not found:
                raise UnknownName("key", prefix[:PREFIX], [row.prefix for row in rows])
            if len(found) > 1:
                raise WrongUse(
                    f"{len(found)} keys begin so.", allowed=f"{PREFIX} characters", then="Nothing was changed."
                )
            [row] = found
            if row.revoked_at is not None:
                raise WrongUse(f"Key {row.prefix} was revoked before.", then="Nothing was changed.")
            connection.execute(update(WRITE_KEYS).where(c.digest == row.digest).values(revoked_at=at))
            return KeyFacts(row.prefix, row.source, row.created_at, row.expires_at, at)

    def list(self) -> _Facts:
        """Every key that there ever was, oldest first."""
        c = WRITE_KEYS.c
        facts = select(c.prefix, c.source, c.created_at, c.expires_at, c.revoked_at).order_by(c.created_at, c.prefix)
        with self._state.connect() as connection:
            return [KeyFacts(*row) for row in connection.execute(facts)]

    def valid(self, at: int) -> dict[bytes, str]:
        """The source of each key that holds at a moment, by the key's SHA-256."""
        c = WRITE_KEYS.c
        holds = (c.revoked_at.is_(None), (c.expires_at.is_(None)) | (c.expires_at > at))
        with self._state.connect() as connection:
            rows = connection.execute(select(c.digest, c.source).where(*holds))
            return {bytes.fromhex(row.digest): row.source for row in rows}


def digest_of(key: str) -> bytes:
    """What is kept of a key: no salt and no stretching, since 256 random bits are not to be guessed."""
    return hashlib.sha256(key.encode()).digest()
