"""The keys of identifiers in a file of their own: no backup holds them, so that forgetting reaches every backup.

Whoever keeps the newest file of keys can bring back any backup: what was forgotten since has no key there, and goes
from the restored state, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, func, select, update

from cxminute.model.errors import BadData, WrongUse
from cxminute.store import destroying, inbox_keys, quarantine
from cxminute.store.archive import KEYS, Archive, Header, begins_with, unpack, writing_archive
from cxminute.store.destroying import PERSONAL_KEYS, REJECT_KEYS, REQUEST_KEYS
from cxminute.store.keyring import OWN, Keyring
from cxminute.store.schema import IDENTIFIERS, PERSONAL, REJECTS, REQUESTS
from cxminute.store.state import batches, writing
from cxminute.store.vault import ERASED, drop_personal, erase, spaces_of

_ROWS: Final = {PERSONAL_KEYS: PERSONAL, REJECT_KEYS: REJECTS, REQUEST_KEYS: REQUESTS}


def check_place(file: Path, backup: Path) -> None:
    """Refuses a place for keys that holds anything but older keys: WrongUse."""
    if file == backup:
        raise WrongUse("The keys go into a file of their own.", allowed="another name", then="Nothing was written.")
    if file.exists() and not begins_with(file, KEYS):
        raise WrongUse(
            f"{file.name} exists, and holds no keys.", allowed="a new name, or older keys", then="Nothing was written."
        )


def copy_inbox_keys(folder: Path, work: Path) -> None:
    """The inbox's keys as they are, for `put_keys`: after the inbox's copy, and before that of the state."""
    keys = folder / "keys" / inbox_keys.NAME
    if keys.exists():
        (work / inbox_keys.NAME).write_bytes(inbox_keys.read(keys))


def put_keys(file: Path, header: Header, folder: Path, work: Path) -> None:
    """Writes all keys into a file, in place of older ones there; after the state was copied.

    The project's own key is with them, since a backup need not hold it.
    work: a folder of its own, with what `copy_inbox_keys` left
    """
    Keyring(folder / "keys").copy(work)
    own = folder / "keys" / OWN
    with writing_archive(file, header, KEYS) as archive:
        _add(archive, sorted(work.glob("*.keys")))
        if own.exists():
            _add(archive, [own])


def bring_keys(file: Path, into: Path) -> None:
    """Brings keys into the folder of a restored project; its own stays where the backup held it.

    raises: BadData for a file that holds none, is damaged, or whose own key is of another project
    """
    own = into / ".cxm" / "keys" / OWN
    aside = own.with_suffix(".held")
    if own.exists():
        own.rename(aside)  # what is unpacked takes no file's place
    _, entries = unpack(file, into, KEYS)
    if aside.exists():
        if own.exists() and own.read_bytes() != aside.read_bytes():
            raise BadData("The keys are of another project.", file=file.name, then="Nothing was restored.")
        aside.replace(own)
    for entry in entries:
        if not entry.path.startswith(".cxm/keys/"):
            raise BadData(f"The file holds '{entry.path}', which is no key.", file=file.name)


def settle_keys(state: Engine, keyring: Keyring) -> None:
    """What a restored state holds and its newer keys forgot goes; what they know beyond the state goes, too."""
    with state.connect() as connection:
        spaces = spaces_of(connection)
        rows = {space: connection.execute(select(func.max(table.c.id))).scalar() for space, table in _ROWS.items()}
    for space, most in {**spaces, **rows}.items():
        keyring.cut(space, 0 if most is None else most + 1)
    with writing(state).begin() as connection:
        for space in sorted(spaces.keys() - _ROWS.keys()):
            _forget(connection, space, keyring.destroyed(space))
        for numbers in batches(keyring.destroyed(PERSONAL_KEYS)):
            drop_personal(connection, PERSONAL.c.profile.is_(None), PERSONAL.c.id.in_(numbers))
        for numbers in batches(keyring.destroyed(REJECT_KEYS)):
            quarantine.let_go(connection, REJECTS.c.id.in_(numbers))
        for numbers in batches(keyring.destroyed(REQUEST_KEYS)):
            connection.execute(update(REQUESTS).where(REQUESTS.c.id.in_(numbers)).values(sealed=None))
    destroying.carry_out(state, keyring)


def _forget(connection: Connection, space: str, gone: Sequence[int]) -> None:
    c = IDENTIFIERS.c
    standing: list[int] = []
    for numbers in batches(gone):
        query = select(c.number).where(c.space == space, c.number.in_(numbers), ~c.value.startswith(ERASED))
        standing += connection.execute(query).scalars()
        if space == "person":
            drop_personal(connection, PERSONAL.c.profile.in_(numbers))
    erase(connection, [(space, number) for number in standing])


def _add(archive: Archive, files: Sequence[Path]) -> None:
    for file in files:
        archive.add(f".cxm/keys/{file.name}", file)
