"""What is derived of the log lies in folders: facts as JSON, each file replaced whole, one writer at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxminute.model.errors import BrokenStore
from cxminute.store.arrays import write_whole

VERSION = 1
"""Of what facts of the index say."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until nobody else writes what is derived in a folder, and holds it; the hold falls with the process."""
    import fcntl  # noqa: PLC0415 -- absent on Windows, where only this lock is missing

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "writing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_facts(path: Path, facts: Mapping[str, object]) -> None:
    """Facts as JSON, safe on disk; the file is there whole or not at all."""
    write_whole(path, json.dumps(facts, ensure_ascii=False).encode())


def read_facts(path: Path, version: int = VERSION) -> dict[str, Any]:
    """Facts of a file of this version or an earlier one."""
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise BrokenStore(
            f"The index file {path.name} cannot be read: {fault}.",
            then="Delete the index folder: it is made again from the log.",
        ) from fault
    if facts.get("version", 0) > version:
        raise BrokenStore(
            f"The index was written by a newer version ({facts['version']}).", allowed=f"up to version {version}"
        )
    return facts
