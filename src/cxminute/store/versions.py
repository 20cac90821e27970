"""When what a reader tells of was last changed by its sender, so that an older telling never replaces a newer.

A record is called by its first word and a keyed digest ('order 5d41...'): its own name may be an order's or a
customer's number, and no database's log is to hold one that was forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from sqlalchemy import Engine, delete, select

from cxminute.store.schema import VERSIONS
from cxminute.store.state import batches, insert_rows, writing


class Versions:
    """Of each record of a source, the newest change that is known."""

    def __init__(self, state: Engine, secret: bytes) -> None:
        """secret: the project's own key for digests."""
        self._state, self._secret = state, secret[: blake2b.MAX_KEY_SIZE]

    def newest(self, source: str, keys: Collection[str]) -> dict[str, int]:
        """Of those records that are known: when they were last changed, UTC ms."""
        called, c = self._called(source, keys), VERSIONS.c
        asked = sorted(called)
        found: dict[str, int] = {}
        with self._state.connect() as connection:
            for some in batches(asked):
                query = select(c.record, c.changed_at)
                for row in connection.execute(query.where(c.source == source, c.record.in_(some))):
                    key = called[row.record]
                    found[key] = max(row.changed_at, found.get(key, row.changed_at))
        return found

    def learn(self, source: str, changed: Mapping[str, int], collect: int) -> None:
        """Notes what a collect told of; who asked `newest` before has left out what is older."""
        called, c = self._called(source, changed), VERSIONS.c
        keys = sorted(called)
        with writing(self._state).begin() as connection:
            for some in batches(keys):
                connection.execute(delete(VERSIONS).where(c.source == source, c.record.in_(some)))
                rows = [(source, key, changed[called[key]], collect) for key in some if called[key] != key]
                insert_rows(connection, VERSIONS, ("source", "record", "changed_at", "collect"), rows)

    def _called(self, source: str, keys: Iterable[str]) -> dict[str, str]:
        """By what a record is called here, its key; by the key itself, too, as older versions called it."""
        begun = blake2b(f"{source}\0".encode(), digest_size=16, key=self._secret, person=b"record")
        found: dict[str, str] = {}
        for key in set(keys):
            made = begun.copy()
            made.update(key.encode())
            word, blank, _ = key.partition(" ")
            found[f"{word if blank else ''}{blank}{made.hexdigest()}"] = key
            found[key] = key
        return found

    def prune(self, source: str, begin: str, before: int) -> None:
        """Lets go of records whose names begin so and that last changed before a moment, UTC ms."""
        c = VERSIONS.c
        old = (c.source == source, c.record >= begin, c.record < f"{begin}\uffff", c.changed_at < before)
        with writing(self._state).begin() as connection:
            connection.execute(delete(VERSIONS).where(*old))

    def forget(self, collect: int) -> None:
        """Lets go of what a collect told that was taken back: older documents count again."""
        with writing(self._state).begin() as connection:
            connection.execute(delete(VERSIONS).where(VERSIONS.c.collect == collect))
