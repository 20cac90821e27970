"""A project into one file while it works, and out of it into a new folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cxminute.app import clock
from cxminute.app.project import FOLDERS, Project, read_definitions
from cxminute.model.errors import WrongUse
from cxminute.store.arrays import settle_folder
from cxminute.store.backups import Taken, check_free, restore, settle, take
from cxminute.store.keys_apart import bring_keys


def back_up(project: Project, file: Path, *, keys: bool = True, identifier_keys: Path | None = None) -> Taken:
    """Writes a backup: definitions, log, state, inbox, receipts and (unless left out) the project's own key.

    identifier_keys: a file for the keys of identifiers, which no backup holds
    raises:          WrongUse where the file is there, or its folder is not
    """
    for each in (file, identifier_keys):
        if each is not None and not each.parent.is_dir():
            raise WrongUse(f"There is no folder {each.parent}.", then="Nothing was written.")
    definitions = {path.relative_to(project.root).as_posix(): path for path in _definitions(project.root)}
    _ = project.secret  # made at first use: a backup has it, so that what is restored goes on with it
    name = project.settings.name
    return take(
        file, project.log.state, project.folder, definitions, name, clock.now(),
        keys=keys, identifier_keys=identifier_keys,
    )  # fmt: skip


def bring_back(file: Path, into: Path, identifier_keys: Path | None = None) -> Taken:
    """Brings a backup into a new folder, whole and checked, or not at all.

    identifier_keys: the file that holds the keys of identifiers; without it what they open stays unreadable
    raises: BadData, BrokenStore for a file that is damaged or foreign; WrongUse for a folder that is not empty
    """
    for each in (file, identifier_keys):
        if each is not None and not each.is_file():
            raise WrongUse(f"There is no file {each}.", then="Nothing was restored.")
    into = into.absolute()
    check_free(into)
    temporary = into.with_name(f".{into.name}.restoring-{os.getpid()}")
    try:
        header = restore(file, temporary)
        if identifier_keys is not None:
            bring_keys(identifier_keys, temporary)
        settings = read_definitions(temporary).settings
        done = settle(settings.state_url(temporary / ".cxm"), temporary / ".cxm", header)
        temporary.replace(into)
        settle_folder(into.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return done


def _definitions(root: Path) -> list[Path]:
    """What people wrote: cxm.toml, the folders of definitions, and notes beside them."""
    beside = [path for path in (root / "cxm.toml", root / ".gitignore", *root.glob("*.md")) if path.is_file()]
    inside = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    return sorted({*beside, *inside})
