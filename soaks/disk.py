"""What a disk may hold after the power failed: a recording replayed up to any operation, with what was not synced lost.

The model is as strict as POSIX allows. A file's data is on disk once the file was synced; until then each write is
there, or not, or torn at the borders of sectors, whichever came first. A name in a folder is on disk once the folder
was synced; until then a folder holds what it held, and any number of the first changes since. That is stricter than
common file systems are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from soaks.recording import Op

SECTOR: Final = 512
MODES: Final = ("least", "some", "most")
"""Nothing that was not synced; some of it, torn; all of it, as after a kill."""


@dataclass(slots=True)
class Disk:
    """Files and folders below one root: what is on disk for sure, and what may be.

    held:    file -> bytes that are on disk
    pending: file -> writes and truncations since it was synced
    names:   path -> file, as the folders on disk say; `changes` of a folder since it was synced
    """

    root: Path
    held: dict[int, bytes] = field(default_factory=dict)
    pending: dict[int, list[Op]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    folders: set[int] = field(default_factory=set)
    changes: dict[str, list[Op]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> Disk:
        """The disk before the first operation: what `root` holds now, synced, numbered as a recording does."""
        disk = cls(root)
        for place, path in enumerate((root, *sorted(root.rglob("*"))), start=1):
            disk.names[str(path)] = place
            if path.is_dir():
                disk.folders.add(place)
            else:
                disk.held[place] = path.read_bytes()
        return disk

    def apply(self, op: Op) -> None:
        """One more operation has returned."""
        if op.kind in ("write", "truncate"):
            self.pending.setdefault(op.file, []).append(op)
        elif op.kind == "sync":
            self.held[op.file] = changed(self.held.get(op.file, b""), self.pending.pop(op.file, []))
        elif op.kind == "settle":
            for change in self.changes.pop(op.path, []):
                _rename(self.names, change)
        elif op.kind != "note":
            if op.kind == "mkdir":
                self.folders.add(op.file)
            self.changes.setdefault(str(Path(op.to or op.path).parent), []).append(op)

    def write(self, to: Path, mode: str, chance: random.Random) -> None:
        """Writes to the folder `to` what the disk may hold if the power fails now."""
        names = dict(self.names)
        for folder in sorted(self.changes):
            changes = self.changes[folder]
            for change in changes[: _how_many(len(changes), mode, chance)]:
                _rename(names, change)
        for path in sorted(names):
            if path.endswith("-shm") or (path != str(self.root) and str(Path(path).parent) not in names):
                continue  # no recovery reads it; or in a folder that is not there
            place = to / Path(path).relative_to(self.root)
            if names[path] in self.folders:
                place.mkdir(exist_ok=True, parents=True)
            elif place.parent.is_dir():
                place.write_bytes(self._content(names[path], mode, chance))

    def _content(self, file: int, mode: str, chance: random.Random) -> bytes:
        pending = self.pending.get(file, [])
        if mode == "most":
            return changed(self.held.get(file, b""), pending)
        kept = pending if mode == "some" else []
        return changed(self.held.get(file, b""), [part for op in kept for part in _torn(op, chance)])


def changed(data: bytes, ops: Sequence[Op]) -> bytes:
    """A file's bytes after writes and truncations; what lies between them is zeros."""
    if not ops:
        return data
    new = bytearray(data)
    for op in ops:
        if op.kind == "truncate":
            del new[op.offset :]
            new.extend(bytes(op.offset - len(new)))
        else:
            new.extend(bytes(max(0, op.offset - len(new))))
            new[op.offset : op.offset + len(op.data)] = op.data
    return bytes(new)


def _torn(op: Op, chance: random.Random) -> list[Op]:
    """What of one operation reached the disk: all, nothing, or some of its sectors."""
    how = chance.random()
    if how < 0.4:
        return [op]
    if how < 0.7 or op.kind == "truncate":
        return []
    parts = []
    start = 0
    while start < len(op.data):
        end = start + SECTOR - (op.offset + start) % SECTOR
        if chance.random() < 0.5:
            parts.append(Op("write", op.path, file=op.file, offset=op.offset + start, data=op.data[start:end]))
        start = end
    return parts


def _how_many(changes: int, mode: str, chance: random.Random) -> int:
    return {"least": 0, "most": changes}.get(mode, chance.randint(0, changes))


def _rename(names: dict[str, int], op: Op) -> None:
    """One change of names. What it needs may be lost: a name that never reached the disk cannot move."""
    if op.kind in ("create", "mkdir"):
        names[op.path] = op.file
    elif op.kind == "link":
        names[op.to] = op.file
    elif op.kind == "rename":
        names[op.to] = op.file
        names.pop(op.path, None)
    else:
        names.pop(op.path, None)
