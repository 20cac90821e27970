"""Keys that are to be destroyed: noted with the rows that go, destroyed once these are gone.

A key that went first would make unreadable what a failed commit leaves; one that went later, unnoted, might outlive a
kill. So the note is part of the transaction, and whoever comes next makes good what a kill left.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from cxminute.store.keyring import Keyring
from cxminute.store.schema import DESTROYING
from cxminute.store.state import batches, insert_rows, writing

PERSONAL_KEYS: Final = "personal"
"""Space of the keys of personal values that have no profile, by number of their row."""
REJECT_KEYS: Final = "rejects"
"""Space of the keys of rows in quarantine, by number of the row."""
REQUEST_KEYS: Final = "requests"
"""Space of the keys of requests, by number."""


def note(connection: Connection, space: str, numbers: Collection[int]) -> None:
    """Notes, within the transaction that removes what they open, that keys are to be destroyed."""
    c = DESTROYING.c
    for some in batches(sorted(set(numbers))):
        connection.execute(delete(DESTROYING).where(c.space == space, c.number.in_(some)))
        insert_rows(connection, DESTROYING, ("space", "number"), [(space, number) for number in some])


def carry_out(state: Engine, keyring: Keyring) -> int:
    """Destroys every key that is noted, also those that a kill left; returns how many."""
    with writing(state).begin() as connection:  # taken and destroyed in one: nobody else destroys a key made since
        noted = connection.execute(delete(DESTROYING).returning(DESTROYING.c.space, DESTROYING.c.number)).all()
        spaces: dict[str, list[int]] = {}
        for row in noted:
            spaces.setdefault(row.space, []).append(row.number)
        for space, numbers in spaces.items():
            keyring.destroy(space, numbers)
    return len(noted)


def waiting(state: Engine) -> int:
    """How many keys are noted: more than none between two transactions is what a kill left."""
    with state.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(DESTROYING)).scalar_one())


def highest(connection: Connection, space: str) -> int:
    """The largest number of a space whose key is still to be destroyed: no new row may have it; -1 for none."""
    found = connection.execute(select(func.max(DESTROYING.c.number)).where(DESTROYING.c.space == space)).scalar()
    return -1 if found is None else int(found)
