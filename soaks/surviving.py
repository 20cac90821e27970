"""What runs when the power fails: `python -m soaks.surviving ROOT NOTES SEED TURNS`.

Calls are put into the inbox, and each is noted in NOTES (`CALL ITEMS`) once it is acknowledged; between them stretches
are brought into the log, and small segments merged. All in one process, so that a recording has one order.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Final

from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.model.calls import Call
from cxminute.store import inbox_sqlite
from cxminute.store.compaction import compact
from cxminute.store.log import collecting
from soaks.writing import batch_of

NAME: Final = "p"
_BEGAN: Final = 1_790_000_000_000


def main() -> None:
    """Runs the given number of turns."""
    root, notes, seed, turns = sys.argv[1:]
    chance = random.Random(seed)  # noqa: S311 -- what happens when, not a secret
    inbox_sqlite.SETTLE = 400_000  # type: ignore[misc]  # so that its log comes into the file within a few turns
    project = Project(Path(root))
    drain = Drain(project)
    noted = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number = 0
    for turn in range(int(turns)):
        at = _BEGAN + turn * 1_000
        calls, lines = [], b""
        for _ in range(chance.randint(1, 4)):
            items = batch_of(NAME, number, chance.choice((1, 3, 20)), chance)
            body = json.dumps({"batch": items}).encode()
            calls.append(Call("website", at, "segment", "", len(items), body))
            lines += b"%d %d\n" % (number, len(items))
            number += 1
        project.inbox.put(calls)
        os.write(noted, lines)
        if chance.random() < 0.5:
            drain.once(at)
        if chance.random() < 0.2:
            with collecting(project.folder, wait=1.0):
                compact(project.log, at, rows=1_000, fan=2)
    drain.once(_BEGAN + int(turns) * 1_000)


if __name__ == "__main__":
    main()
