"""When what a reader tells of was last changed by its sender, so that an older telling never replaces a newer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Engine, delete, select

from cxminute.store.schema import VERSIONS
from cxminute.store.state import insert_rows, writing

_BATCH: Final = 10_000


class Versions:
    """Of each record of a source, the newest change that is known."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def newest(self, source: str, keys: Collection[str]) -> dict[str, int]:
        """Of those records that are known: when they were last changed, UTC ms."""
        asked, c = sorted(set(keys)), VERSIONS.c
        found: dict[str, int] = {}
        with self._state.connect() as connection:
            for start in range(0, len(asked), _BATCH):
                query = select(c.record, c.changed_at)
                some = (c.source == source, c.record.in_(asked[start : start + _BATCH]))
                found.update((row.record, row.changed_at) for row in connection.execute(query.where(*some)))
        return found

    def learn(self, source: str, changed: Mapping[str, int], collect: int) -> None:
        """Notes what a collect told of; who asked `newest` before has left out what is older."""
        keys, c = sorted(changed), VERSIONS.c
        with writing(self._state).begin() as connection:
            for start in range(0, len(keys), _BATCH):
                some = keys[start : start + _BATCH]
                connection.execute(delete(VERSIONS).where(c.source == source, c.record.in_(some)))
                rows = [(source, key, changed[key], collect) for key in some]
                insert_rows(connection, VERSIONS, ("source", "record", "changed_at", "collect"), rows)

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
