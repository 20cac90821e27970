"""The kernels' first use: compiled once after installation, by one process, with a line that says so.

numba keeps what it compiled on disk beside the sources (or in NUMBA_CACHE_DIR), but writes it without regard for
others: processes that compile the same kernel at the same moment can leave one kernel's code under another's name. So
before anything is compiled, one process takes a lock, runs every verb over a handful of events, and leaves a mark; the
others wait for it. The mark is named by what was compiled: sources, numba, Python and processor. With the mark there,
warming costs a look at a few dozen files.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from cxminute.app.output import note

SAID: Final = "First use: compiling what runs over events. This takes about half a minute, once."

_PACKAGE: Final = Path(__file__).parent.parent
_PARTS: Final = ("store", "balance", "journeys", "resolve")
"""Folders of the package with modules that hold kernels."""


def warm() -> bool:
    """Makes sure that every kernel is compiled; returns whether it had to. Safe from any number of processes at once.

    Where the cache cannot be written nothing is kept, so nothing is done: kernels are compiled when they are used.
    """
    folder = _folder()
    if folder is None:
        return False
    mark = folder / f"cxminute-{_stamp()}.warm"
    if mark.exists():
        return False
    with _alone(folder):
        if mark.exists():  # another process was quicker
            return False
        note(SAID)
        _forget(folder)
        _compile()
        mark.touch()
        for old in folder.glob("cxminute-*.warm"):
            if old != mark:
                old.unlink(missing_ok=True)
    return True


def load(module: str) -> None:
    """Loads a module whose few kernels are compiled as it is loaded: by one process at a time, the others find them."""
    folder = _folder()
    with _alone(folder) if folder is not None else nullcontext():
        import_module(module)


def _folder() -> Path | None:
    """Where mark and lock lie: in the cache that numba uses, so far as it can be known before numba is loaded."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    shared = Path(gettempdir(), f"cxminute-{user}")
    for folder in (Path(named) if named else _PACKAGE / "__pycache__", shared):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        # Anybody may have made the shared one: what is not ours is left alone.
        if os.access(folder, os.W_OK) and (folder != shared or _ours(folder)):
            return folder
    return None


def _ours(folder: Path) -> bool:
    """Whether a folder is this user's own, and no link to another."""
    return not folder.is_symlink() and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid())


def _stamp() -> str:
    """What the compiled kernels depend on, in a few letters."""
    facts = [version("numba"), sys.version, platform.machine(), _processor()]
    facts += [
        f"{source} {source.stat().st_mtime_ns} {hashlib.sha256(held).hexdigest()}"
        for source, held in _sources().items()
    ]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _sources() -> dict[Path, bytes]:
    """Every module that holds kernels, and what it says."""
    known = sorted(source for part in _PARTS for source in (_PACKAGE / part).rglob("*.py"))
    return {source: held for source in known if b"njit" in (held := source.read_bytes())}


def _forget(folder: Path) -> None:
    """Drops what was compiled before: numba sees that a kernel's own file changed, not that of one that it calls."""
    for room in {source.parent for source in _sources()}:
        own = room / "__pycache__"
        kept = folder.glob(f"{room.name}_*/*.nb[ci]") if os.environ.get("NUMBA_CACHE_DIR") else own.glob("*.nb[ci]")
        for file in list(kept):
            file.unlink(missing_ok=True)


def _processor() -> str:
    """The kind of processor: code compiled for one may not run on another that shares the folder."""
    told = Path("/proc/cpuinfo")
    if not told.exists():
        return platform.processor()
    with told.open(encoding="utf-8", errors="replace") as lines:
        said = (next(lines, "") for _ in range(40))
        return "".join(line for line in said if line.startswith(("model name", "flags", "Features")))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other process compiles, and keeps them waiting; the hold falls with the process."""
    try:
        import fcntl  # noqa: PLC0415 -- absent on Windows, where only this lock is missing
    except ImportError:
        yield
        return
    with (folder / "cxminute.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile() -> None:
    """Runs every verb over a handful of events; imported within: some kernels are compiled when they are loaded."""
    from cxminute.app.examples import run_all  # noqa: PLC0415 -- see above

    run_all()
