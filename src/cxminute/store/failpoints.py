"""Failpoints: named places where a test makes the process die, or an operation fail, on its way to the disk.

CXM_FAILPOINTS names them: `inbox.committed=kill:0.02,segment.synced=enospc` kills the process in two of a hundred
passes of the one, and lets the other fail each time as on a full disk. Without the variable nothing ever happens.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from cxminute.model.errors import UnknownName, WrongUse

POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inbox.begun": "calls are about to be written to the inbox",
        "inbox.committed": "calls are on disk, and nobody was told",
        "inbox.dropping": "calls that are in the log are about to leave the inbox",
        "inbox.dropped": "they have left it",
        "segment.written": "a segment's bytes are in a temporary file",
        "segment.synced": "they are on disk",
        "segment.renamed": "the segment has its name; no state knows it",
        "receipts.written": "a run of receipts is in a temporary file, and on disk",
        "receipts.renamed": "the run has its name; no state knows it",
        "arrivals.committing": "a stretch of the inbox is about to be committed to the state, all files are there",
        "arrivals.committed": "the stretch is in the log; the inbox still has it",
        "compaction.written": "a merged segment is there; no state knows it",
        "compaction.committing": "the merged segment is about to take the place of the small ones",
        "compaction.committed": "it has taken it; the small files are still there",
        "compaction.sweeping": "files that nothing names any longer are about to be removed",
        "clear.sealed": "a batch of what an older version kept in the clear is sealed",
        "keys.noted": "rows are gone; their keys are still to be destroyed",
        "forgetting.noted": "who is to be forgotten is on record; nothing is changed",
        "forgetting.suppressed": "what comes of them is refused; what is there, is there",
        "forgetting.rewritten": "segments without their events are there; no state knows them",
        "forgetting.committing": "all that the state says of them is about to go",
        "forgetting.committed": "it has gone; their keys and the old files are still there",
        "forgetting.swept": "files and keys have gone; the databases' bytes are still to be cleared",
        "forgetting.proved": "the proof is written; that it is, nobody has noted",
        "log.published": "the manifest for outside readers is written",
    }
)
"""Every failpoint, and what is the case when the process passes it."""

ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kill": "the process dies as by kill -9",
        "enospc": "OSError: no space left on the device",
        "eio": "OSError: input or output error",
        "error": "RuntimeError: an error that nobody expects",
        "sleep50": "nothing for 50 milliseconds",
    }
)


@dataclass(frozen=True, slots=True)
class _Armed:
    action: str
    share: float
    chance: random.Random


def at(name: str) -> None:
    """Passes a failpoint: nothing, unless CXM_FAILPOINTS names it.

    raises: what its action says; UnknownName or WrongUse where the variable itself is wrong
    """
    points = armed()
    if points and (point := points.get(name)) is not None and point.chance.random() < point.share:
        _act(name, point.action)


@cache
def armed() -> Mapping[str, _Armed]:
    """What CXM_FAILPOINTS arms, read once; whoever opens a store asks, so that a wrong name is told at the start.

    CXM_FAILPOINTS_SEED makes what is left to chance the same in every run.
    """
    said = os.environ.get("CXM_FAILPOINTS", "")
    chance = random.Random(os.environ.get("CXM_FAILPOINTS_SEED"))  # noqa: S311 -- where a test fails, not a secret
    return {name: _Armed(action, share, chance) for name, action, share in map(_read, filter(None, said.split(",")))}


def _read(said: str) -> tuple[str, str, float]:
    name, _, rest = said.strip().partition("=")
    action, _, share = rest.partition(":")
    if name not in POINTS:
        raise UnknownName("failpoint", name, POINTS, file="CXM_FAILPOINTS")
    if action not in ACTIONS:
        raise UnknownName("action of a failpoint", action, ACTIONS, file="CXM_FAILPOINTS")
    try:
        return name, action, float(share or 1)
    except ValueError as fault:
        raise WrongUse(
            f"'{share}' is not a probability.", file="CXM_FAILPOINTS", allowed="a number from 0 to 1"
        ) from fault


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "sleep50":
        time.sleep(0.05)
        return
    if action == "error":
        raise RuntimeError(f"failpoint {name}")
    code = errno.ENOSPC if action == "enospc" else errno.EIO
    raise OSError(code, f"{os.strerror(code)} (failpoint {name})")
