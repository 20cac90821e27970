"""Who received what of whom: each time that data of a person goes out, it is noted, without any value of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, select

from cxminute.store.schema import DISCLOSURES
from cxminute.store.state import batches, insert_rows, writing

THE_PERSON: Final = "the person"
"""The recipient of somebody's own data."""
_COLUMNS: Final = ("profile", "recipient", "purpose", "what", "at")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One recipient of one profile's data.

    profile:   number of the space 'person'
    recipient: who received it
    what:      in a few words, without any value
    at:        UTC ms
    """

    profile: int
    recipient: str
    purpose: str
    what: str
    at: int


class Disclosures:
    """All of them, in the state."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def note(self, profiles: Collection[int], recipient: str, purpose: str, what: str, at: int) -> None:
        """Notes that a recipient gets data of these profiles: of each by itself, since people merge and part."""
        rows = [(int(profile), recipient, purpose, what, at) for profile in sorted(set(profiles))]
        with writing(self._state).begin() as connection:
            insert_rows(connection, DISCLOSURES, _COLUMNS, rows)

    def of(self, profiles: Collection[int]) -> list[Disclosure]:
        """Those of these profiles, oldest first."""
        c, found = DISCLOSURES.c, []
        with self._state.connect() as connection:
            for some in batches(sorted(set(profiles))):
                query = select(c.id, *(c[name] for name in _COLUMNS)).where(c.profile.in_(some))
                found += [(row[5], row[0], Disclosure(*row[1:])) for row in connection.execute(query)]
        return [one for *_, one in sorted(found, key=lambda row: row[:2])]
