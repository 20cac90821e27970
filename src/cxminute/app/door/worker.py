"""The worker as a process of its own: `python -m cxminute.app.door.worker ROOT...`; it stops after its stretch.

It gives way to the server (nice 10): clients wait for the one, nobody for the other. Where CXM_SERVER names the process
that started it, it ends with that one, however that one ended.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cxminute.app.door.logs import open_log
from cxminute.app.door.looping import run

_NICE: Final = 10
_LOOK: Final = 1.0


def main(arguments: list[str]) -> int:
    """Works for the projects in these folders until SIGTERM or SIGINT; 2 where none is named."""
    if not arguments:
        sys.stderr.write("Which projects? Allowed: one folder or more.\n")
        return 2
    stop = threading.Event()
    stopped_by((signal.SIGTERM, signal.SIGINT), stop)
    os.nice(_NICE)
    server = os.environ.get("CXM_SERVER", "")
    if server.isdecimal():
        threading.Thread(target=_follow, args=(int(server), stop), daemon=True).start()
    log = open_log(json=True)
    gc.freeze()  # a stretch makes millions of objects that die with it: looking through them again and again takes
    gc.disable()  # as long as reading them; the loop collects what is left when the stretch is in
    run([Path(argument) for argument in arguments], stop, log)
    log.info("worker stopped")
    gc.unfreeze()  # else what is left at the end counts as leaked
    gc.enable()
    return 0


def stopped_by(signs: Sequence[signal.Signals], stop: threading.Event) -> None:
    """The first of these signals sets the event, later ones do nothing.

    A terminal sends SIGINT to server and worker, and the server SIGTERM right after it: a second handler within the
    first one's `set` would wait for the event's lock, which the first holds, for ever.
    """

    def first(*_: object) -> None:
        for sign in signs:
            signal.signal(sign, lambda *_: None)
        stop.set()

    for sign in signs:
        signal.signal(sign, first)


def _follow(server: int, stop: threading.Event) -> None:
    """Stops the worker when the process that started it is gone: two workers would wait for one another."""
    while not stop.wait(_LOOK):
        if os.getppid() != server:
            stop.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
