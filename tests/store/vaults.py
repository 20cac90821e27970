"""What tests read of the vault: as its owner does, with the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Engine, select

from cxminute.store.destroying import PERSONAL_KEYS, REJECT_KEYS, REQUEST_KEYS
from cxminute.store.keyring import Keyring
from cxminute.store.log import EventLog
from cxminute.store.schema import IDENTIFIERS, PERSONAL, REJECTS, REQUESTS
from cxminute.store.sealing import unseal
from cxminute.store.vault import Vault, keys_called, opened_personal

SECRET = b"s" * 32
_SEALED = {IDENTIFIERS: None, PERSONAL: PERSONAL_KEYS, REJECTS: REJECT_KEYS, REQUESTS: REQUEST_KEYS}


def log_in(folder: Path, state: Engine) -> EventLog:
    """A log in a folder, with the project's own key, which a project makes before it collects."""
    Keyring(folder / "keys").secret(make=True)
    return EventLog(folder / "log", state)


def vault_of(log: EventLog) -> Vault:
    """The vault beside a log, with the keys beside it."""
    return Vault(log.state, log.keyring, SECRET)


def readable(state: Engine, keyring: Keyring) -> str:
    """All that whoever has the keys can read of a state: identifiers, values, quarantine, requests."""
    said: list[object] = []
    with state.connect() as connection:
        for table, owner in _SEALED.items():
            for row in connection.execute(table.select()).mappings():
                number = row["number"] if owner is None else row["id"]
                space = row["space"] if owner is None else owner
                if owner == PERSONAL_KEYS and row["profile"] is not None:
                    space, number = "person", row["profile"]
                said += unseal(keyring.held(space, [number]), [row["sealed"]])
    return "\n".join(str(one) for one in said if one is not None)


def personal_of(log: EventLog) -> list[tuple[str, dict[str, Any] | None]]:
    """(event, path -> value) of every row of the vault, by event; None where its key is gone."""
    c, called = PERSONAL.c, events_called(log)
    with log.state.connect() as connection:
        rows = connection.execute(select(c.id, c.profile, c.sealed, c.event).order_by(c.id)).all()
    said = opened_personal(log.keyring, [(row.id, row.profile, row.sealed) for row in rows])
    found = [(called.get(row.event, row.event), one) for row, one in zip(rows, said, strict=True)]
    return sorted(found, key=lambda one: one[0])


def events_called(log: EventLog) -> dict[str, str]:
    """By what the vault calls it, the id of each event in a segment, of collects that were taken back, too."""
    files = sorted(str(path) for path in log.root.rglob("*.parquet"))
    if not files:
        return {}
    with duckdb.connect() as duck:
        query = "SELECT DISTINCT source::VARCHAR, id FROM read_parquet($files, union_by_name = true)"
        events = duck.execute(query, {"files": files}).fetchall()
    return {called: event for called, (_, event) in keys_called(log.keyring, events).items()}
