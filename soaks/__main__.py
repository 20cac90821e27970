"""`python -m soaks --list` and `python -m soaks NAME [--rounds N] [--seed S]`.

The last line is `NAME met FIGURE (goal GOAL)` or `NAME short FIGURE (goal GOAL)`; the exit status is 0 or 1 with it.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
from importlib import import_module

SOAKS = {
    "city": "households, kiosks and shared devices make nobody one with another: precision and recall on a known truth",
    "door": "server, worker and compaction killed under load lose nothing that was acknowledged, and count it once",
    "kill-collect": "a collect killed at random points and run again ends in the same log",
    "power": "power that fails at any moment, unsynced writes lost or torn: nothing acknowledged goes with it",
    "laws": "the six laws of journeys over 10,000 generated cases each",
}
"""Each is a module of this package (dashes as underscores) with `ROUNDS` and `run(rounds, seed) -> Outcome`."""


def main() -> int:
    """Runs one soak, or lists all; prints its seed, so that a failure can be run again."""
    parser = argparse.ArgumentParser(prog="python -m soaks", description="What is too long for the suite.")
    parser.add_argument("name", nargs="?", choices=sorted(SOAKS), help="which soak")
    parser.add_argument("--list", action="store_true", help="name all soaks")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many rounds, instead of the default")
    parser.add_argument("--seed", type=int, metavar="S", help="where chance begins; a new one without it")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what it started is stopped, too
    if asked.list:
        for name, meaning in sorted(SOAKS.items()):
            print(f"{name:14} {_module(name).ROUNDS:>4} rounds  {meaning}")
        return 0
    if asked.name is None:
        parser.error("name a soak, or --list")
    soak = _module(asked.name)
    rounds = soak.ROUNDS if asked.rounds is None else asked.rounds
    seed = random.SystemRandom().randrange(2**31) if asked.seed is None else asked.seed
    print(f"{asked.name}: {rounds} rounds, seed {seed}", flush=True)
    outcome = soak.run(rounds, seed)
    print(f"{asked.name} {'met' if outcome.met else 'short'} {outcome.figure} (goal {outcome.goal})", flush=True)
    return 0 if outcome.met else 1


def _module(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- a module, which has no better type
    return import_module(f"soaks.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
