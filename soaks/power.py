"""Power that fails at any moment: what was acknowledged is held, once, whatever of the unsynced reached the disk.

Puts, stretches and merges are recorded as operations on files; they are replayed up to some point, in three ways
(see `soaks.disk`), and the project is opened on what is then there. Everything acknowledged by that point must be in
the inbox or in the log; every segment that the log names must be whole; and once the inbox is drained nothing stands
in the log twice, and the balance adds up.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.outcome import Outcome
from benchmarks.running import new_project
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.model.errors import CxmError
from soaks.disk import MODES, Disk
from soaks.held import compared, in_inbox, in_log, noted, set_apart
from soaks.recording import Op, Unrecorded, record
from soaks.surviving import NAME

ROUNDS: Final = 1_000
TURNS: Final = 25
_LATER: Final = 1_790_000_999_000


def run(rounds: int, seed: int, turns: int = TURNS) -> Outcome:
    """Lets the power fail `rounds` times; met when nothing acknowledged was lost and nothing counted twice."""
    chance = random.Random(seed)  # noqa: S311 -- where the power fails, not a secret
    with tempfile.TemporaryDirectory(prefix="cxm-power-") as name:
        folder = Path(name)
        root = folder / "project"
        new_project(root)
        disk = Disk.of(root)
        words = [sys.executable, "-m", "soaks.surviving", str(root), str(folder / "notes"), str(seed), str(turns)]
        ops = record(words, root, folder / "notes", folder / "trace", within=300)
        (folder / "trace").unlink()
        kinds = {kind: sum(op.kind == kind for op in ops) for kind in ("write", "sync", "settle", "rename", "note")}
        print(f"{len(ops)} operations: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}", flush=True)
        _replay_whole(Disk.of(root), disk, ops, folder)
        faults: list[str] = []
        points = sorted(chance.choices(range(1, len(ops) + 1), k=rounds))
        done = 0
        for point in points:
            while done < point:
                disk.apply(ops[done])
                done += 1
            mode = chance.choice(MODES)
            disk.write(_emptied(folder / "after"), mode, chance)
            faults += [f"after {point} operations, {mode}: {fault}" for fault in _opened(folder / "after", ops[:point])]
    for fault in faults:
        print(f"  WRONG: {fault}")
    return Outcome(
        met=not faults,
        figure=f"{rounds} failures of power, {len(faults)} faults",
        goal="0 faults",
    )


def _replay_whole(now: Disk, before: Disk, ops: Sequence[Op], folder: Path) -> None:
    """The model's own test: all operations applied to what was there give what is there, to the byte.

    raises: Unrecorded where they do not
    """
    whole = Disk(before.root, dict(before.held), {}, dict(before.names), set(before.folders))
    for op in ops:
        whole.apply(op)
    whole.write(_emptied(folder / "whole"), "most", random.Random(0))  # noqa: S311 -- no chance in it
    for path, file in now.names.items():
        copy = folder / "whole" / Path(path).relative_to(now.root)
        if file in now.held and not path.endswith("-shm") and copy.read_bytes() != now.held[file]:
            raise Unrecorded(f"{path} is not what its recording says")


def _opened(root: Path, ops: Iterable[Op]) -> list[str]:
    """Opens what is there, as a start does; what is wrong with it."""
    acknowledged = _acknowledged(ops)
    project = Project(root)
    try:
        return _judged(project, acknowledged)
    except CxmError as fault:
        return [f"{type(fault).__name__}: {fault}"]
    finally:
        project.close()


def _judged(project: Project, acknowledged: pa.Table) -> list[str]:
    """What is wrong with what the project holds; it is drained on the way."""
    project.log.verify()
    held = pa.concat_tables([in_inbox(project), in_log(project), set_apart(project)])
    lost, _ = compared(acknowledged, held, in_log(project))
    drain = Drain(project)
    while drain.once(_LATER).events:
        pass
    project.log.verify()
    log = in_log(project)
    left, twice = compared(acknowledged, log, log)
    faults = [f"{lost} acknowledged are not held"] if lost else []
    if left or twice:
        faults.append(f"{left} acknowledged are not in the log after draining, {twice} stand in it twice")
    stored = sum(minute.stored for minute in project.arrivals.balance())
    if stored != log.num_rows:
        faults.append(f"{stored} counted as stored, {log.num_rows} in the log")
    return faults


def _acknowledged(ops: Iterable[Op]) -> pa.Table:
    return noted((NAME, line) for op in ops if op.kind == "note" for line in op.data.decode().splitlines())


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
