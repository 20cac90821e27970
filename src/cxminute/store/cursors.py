"""How far the streams of sources were pulled."""

from __future__ import annotations

from sqlalchemy import Engine, delete, insert, select

from cxminute.store.schema import CURSORS
from cxminute.store.state import writing


class Cursors:
    """One cursor for each stream of a source, as its puller writes it (JSON)."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def get(self, source: str, stream: str) -> tuple[str, int] | None:
        """A stream's cursor and when it was moved last, UTC ms; None where it was never pulled."""
        c = CURSORS.c
        with self._state.connect() as connection:
            row = connection.execute(select(c.cursor, c.at).where(c.source == source, c.stream == stream)).first()
            return None if row is None else (row.cursor, row.at)

    def put(self, source: str, stream: str, cursor: str, at: int) -> None:
        """Moves a stream's cursor on: when this returns, it is on disk."""
        c = CURSORS.c
        with writing(self._state).begin() as connection:
            connection.execute(delete(CURSORS).where(c.source == source, c.stream == stream))
            connection.execute(insert(CURSORS).values(source=source, stream=stream, cursor=cursor, at=at))
