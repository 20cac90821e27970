"""The model of a disk that loses power finds what it is there to find."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from soaks.disk import MODES, Disk
from soaks.recording import record

WRITES = """
import os, sys
folder, notes, careful = sys.argv[1:]
noted = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
held = os.open(folder, os.O_RDONLY)
for number in range(4):
    new = f"{folder}/new-{number}"
    file = os.open(new, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(file, b"x" * 3000)
    os.pwrite(file, b"y" * 1000, 2500)
    if careful in ("file", "both"):
        os.fsync(file)
    os.close(file)
    os.rename(new, f"{folder}/done-{number}")
    if careful in ("folder", "both"):
        os.fsync(held)
    os.write(noted, b"%d\\n" % number)
"""
WHOLE = b"x" * 2_500 + b"y" * 1_000


@pytest.mark.outside("strace")
@pytest.mark.parametrize(("careful", "safe"), [("neither", False), ("file", False), ("folder", False), ("both", True)])
def test_only_what_was_synced_with_its_name_is_safe(tmp_path: Path, careful: str, safe: bool) -> None:  # noqa: FBT001 -- a parameter of the case
    """A file that is said to be written survives any loss of power only where its bytes and its name were synced."""
    folder = tmp_path / "folder"
    folder.mkdir()
    disk = Disk.of(folder)
    words = [sys.executable, "-c", WRITES, str(folder), str(tmp_path / "notes"), careful]
    ops = record(words, folder, tmp_path / "notes", tmp_path / "trace", within=60)
    assert sum(op.kind == "note" for op in ops) == 4
    chance = random.Random(1)  # noqa: S311 -- what is lost, not a secret
    noted = broken = 0
    for number, op in enumerate(ops):
        disk.apply(op)
        noted += op.kind == "note"
        for mode in MODES:
            after = tmp_path / f"{number}-{mode}"
            after.mkdir()
            disk.write(after, mode, chance)
            for place in range(noted):
                path = after / f"done-{place}"
                whole = path.exists() and path.read_bytes() == WHOLE
                broken += not whole
                assert whole or mode != "most", "a kill alone loses nothing that was written"
    assert (broken == 0) == safe
