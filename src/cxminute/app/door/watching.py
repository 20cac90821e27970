"""The definitions of a running project: read again when a file changed; while they are bad the last good ones hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cxminute.app.project import FOLDERS, Project, read_definitions
from cxminute.model.errors import BadDefinition

Print = frozenset[tuple[str, int, int]]


class Watch:
    """Looks at the files of one project's definitions.

    A change of where the state lies, or of its name, counts when the worker starts again.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._seen: Print = fingerprint(project.root)

    def look(self) -> tuple[BadDefinition, ...] | None:
        """Takes new definitions into the project; None where no file changed, else all that is wrong with them.

        Bad ones change nothing, and are told once; the next change of a file is looked at anew.
        """
        found = fingerprint(self._project.root)
        if found == self._seen:
            return None
        self._seen = found  # before reading: what changes meanwhile is looked at the next time
        try:
            definitions = read_definitions(self._project.root)
        except OSError as fault:  # a file was moved away while it was read
            return (BadDefinition("A file cannot be read.", file=Path(fault.filename or "cxm.toml").name),)
        if not definitions.faults:
            self._project.definitions = definitions
        return definitions.faults


def fingerprint(root: Path) -> Print:
    """What tells whether a file of the definitions changed, came or went."""
    return frozenset(_looks(root))


def _looks(root: Path) -> Iterator[tuple[str, int, int]]:
    for path in (root / "cxm.toml", *(path for folder in FOLDERS for path in (root / folder).glob("*.toml"))):
        try:
            found = path.stat()
        except OSError:
            continue
        yield str(path), found.st_mtime_ns, found.st_size
