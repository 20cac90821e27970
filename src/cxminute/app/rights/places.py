"""Places beside the log in which an identifier may stand: rows in quarantine, briefs and other files below `.cxm`."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cxminute.app.project import Project
from cxminute.collect.rejects import UNREAD
from cxminute.privacy.standing import Words
from cxminute.store import quarantine
from cxminute.store.arrays import write_whole

OWN: Final = ("log", "index", "identity", "keys", "receipts", "proofs")
"""Folders of `.cxm` that hold numbers, keyed digests and keys, or are cleared by what belongs to them."""
NOTE: Final = "forgetting.json"
"""What a forgetting under way notes, in `.cxm`: numbers, and words of ours that may be spelled as an identifier is."""
_MACHINE: Final = ("door", "collects", "pulls")
"""Folders of `.cxm` with marks and locks: keys of ours and names of sources, which no identifier is to be read in."""
_STORES: Final = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".lock", ".turn")
_HEAD: Final = 4_096


def fields_of(project: Project) -> frozenset[str]:
    """What columns or paths that hold identifiers are called in any of the project's sources."""
    sources = project.definitions.sources.values()
    return frozenset(column for one in sources for columns in one.identifiers.values() for column in columns)


def rows_of(project: Project, words: Words) -> tuple[int, ...]:
    """Rows in quarantine in which one of the identifiers stands, also those that were replayed."""
    held = quarantine.every(project.log.state, project.keyring)
    return tuple(one.number for one in held if words.stand_in(one.row, raw=one.reason in UNREAD))


def pages_with(project: Project, words: Words) -> dict[str, int]:
    """By file below `.cxm`, how often one of the identifiers stands in it; nothing is changed."""
    return {
        name: count for path in _pages(project) if (count := _count(path, words)) for name in [_said(project, path)]
    }


def clear(project: Project, words: Words) -> dict[str, int]:
    """Takes identifiers out of files below `.cxm`: a page keeps all else to the letter, an archive goes whole."""
    done: dict[str, int] = {}
    for path in _pages(project):
        if not (count := _count(path, words)):
            continue
        done[_said(project, path)] = count
        if zipfile.is_zipfile(path):
            path.unlink()
        else:
            text, _ = words.without(path.read_bytes().decode("utf-8", "surrogateescape"))
            write_whole(path, text.encode("utf-8", "surrogateescape"))
    return done


# -- inside ------------------------------------------------------------------------------------------------------------


def _pages(project: Project) -> Iterator[Path]:
    for path in sorted(project.folder.rglob("*")):
        first = path.relative_to(project.folder).parts[0]
        if first in OWN or first in _MACHINE or first == NOTE or first.startswith(f".{NOTE}."):
            continue
        if path.is_file() and not path.name.endswith(_STORES):
            yield path


def _count(path: Path, words: Words) -> int:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inside = (archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
            return sum(words.without(text)[1] for text in inside)
    with path.open("rb") as file:
        if b"\0" in file.read(_HEAD):
            return 0
    return words.without(path.read_bytes().decode("utf-8", "surrogateescape"))[1]


def _said(project: Project, path: Path) -> str:
    return path.relative_to(project.folder).as_posix()
