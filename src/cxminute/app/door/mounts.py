"""Projects behind one door: each with its own inbox, committer and disk; none knows of the others."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cxminute.app.door.committing import Committer
from cxminute.app.door.metrics import Commits
from cxminute.app.project import Project
from cxminute.app.settings import Settings, find_root, parse_settings
from cxminute.model.definitions import Document

RESERVE: Final = 256 << 20
"""Bytes of disk that stay free, for the worker and for what is on its way; of a small disk a fiftieth."""
HOPE: Final = 5.0
"""Seconds after a failed transaction, without another try, from which on the project counts as ready again."""


class Ground(Project):
    """A project without its definitions: the server needs none, and one that is wrong must not shut the door.

    raises: BadDefinition where there is no project, or its cxm.toml is wrong: it says where the state lies
    """

    def __init__(self, root: Path) -> None:
        self.root = find_root(root.absolute())
        self.folder = self.root / ".cxm"
        main = Document("cxm.toml", (self.root / "cxm.toml").read_text("utf-8", errors="replace"))
        self._settings = parse_settings(main)
        if main.faults:
            raise main.faults[0]

    @property
    def settings(self) -> Settings:
        """What cxm.toml says."""
        return self._settings


@dataclass(eq=False, slots=True)
class Mount:
    """One project behind the door.

    name:      the project's; with a number where two have the same
    committer: puts its calls on disk
    commits:   what came of that
    full:      whether its disk is below the reserve, or read-only
    """

    name: str
    project: Project
    committer: Committer
    commits: Commits
    full: bool = False

    def look(self) -> None:
        """Looks how much disk is left."""
        self.full = is_full(self.project.folder)

    def why_not(self) -> str | None:
        """What keeps it from taking events; None when nothing does."""
        if self.full:
            return "disk below its reserve, or read-only"
        failed = self.committer.failed_at
        if failed is not None and time.monotonic() - failed < HOPE:
            return "inbox not writable"
        return None


def mount(roots: Sequence[Path], loop: asyncio.AbstractEventLoop) -> list[Mount]:
    """Opens projects, each once, with their inboxes: what is wrong with them is said at the start."""
    mounts: list[Mount] = []
    for root in dict.fromkeys(find_root(root.absolute()) for root in roots):
        project = Ground(root)
        project.folder.mkdir(exist_ok=True)
        name = project.settings.name or root.name
        same = sum(other.project.settings.name == project.settings.name for other in mounts)
        commits = Commits()
        committer = Committer(project.inbox, loop, commits)
        mounts.append(Mount(f"{name}-{same + 1}" if same else name, project, committer, commits))
        mounts[-1].look()
    return mounts


def is_full(folder: Path, reserve: int = RESERVE) -> bool:
    """Whether a folder's disk can take no more: below its reserve, out of inodes, or mounted read-only."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return True
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    no_inodes = disk.f_files > 0 and disk.f_favail == 0
    return free < min(reserve, size // 50) or no_inodes or bool(disk.f_flag & os.ST_RDONLY)
