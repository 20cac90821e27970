"""The six laws of journeys, each over many thousands of generated cases.

The laws are those that the suite checks on fewer cases. Two run at a time; each prints a line when it is through, and
where it failed the smallest case that hypothesis found, with the seed that finds it again.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from benchmarks.outcome import Outcome
from tests.laws import journey_laws, journey_nesting_laws, journey_second_opinion
from tests.laws.journey_reach import Untold
from tests.oracles.journey_families import families
from tests.oracles.journey_walks import Meeting, meetings

ROUNDS: Final = 10_000
BATCH: Final = 250
"""Cases of one query to ClickHouse."""

_bits = st.integers(0, 2**18 - 1)
_seeds = st.integers(0, 2**31)
_cuts = st.lists(st.integers(0, 9), max_size=4)


def run(rounds: int, seed: int) -> Outcome:
    """Each law over at least `rounds` cases; met when all six hold."""
    told = {}
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(hold, number, rounds, seed): number for number in LAWS}
        for done in as_completed(running):
            number = running[done]
            cases, took, fault = done.result()
            told[number] = fault is None and cases >= rounds
            said = "holds" if fault is None else f"FAILS (seed {seed})\n{fault}"
            print(f"law {number}, {LAWS[number][0]}: {cases:,} cases, {took:.0f} s: {said}", flush=True)
    held = sum(told.values())
    return Outcome(met=held == len(LAWS), figure=f"{held} of {len(LAWS)} laws over {rounds:,} cases each", goal="6")


def hold(number: int, rounds: int, seed: int) -> tuple[int, float, str | None]:
    """One law over so many cases: how many were tried, the seconds that it took, and what failed."""
    began = time.monotonic()
    tried = Tried()
    fault = None
    try:
        LAWS[number][1](tried, rounds, seed)
    except Exception as raised:  # noqa: BLE001 -- whatever a law fails with is what it has to tell
        notes = "\n".join(getattr(raised, "__notes__", ()))
        fault = f"{type(raised).__name__}: {raised}\n{notes}"
    return tried.cases, time.monotonic() - began, fault


class Tried:
    """Counts the cases that a law was tried on."""

    def __init__(self) -> None:
        self.cases = 0

    def on(self, law: Callable[..., object], *strategies: st.SearchStrategy[Any]) -> Callable[[int, int], None]:
        """The law over cases of hypothesis, counted."""

        def many(rounds: int, seed: int) -> None:
            @seeded(seed)
            @settings(
                max_examples=rounds,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            )
            @given(st.tuples(*strategies))
            def case(drawn: tuple[Any, ...]) -> None:
                self.cases += 1
                law(*drawn)

            case()

        return many


def _live(tried: Tried, rounds: int, seed: int) -> None:
    tried.on(journey_laws.check_live, meetings(), _bits, _bits)(rounds, seed)


def _reference(tried: Tried, rounds: int, seed: int) -> None:
    untold = Untold()

    def agree(meeting: Meeting) -> None:
        journey_laws.check_reference(meeting)
        untold.meet(meeting)

    tried.on(agree, meetings())(rounds, seed)
    if rounds >= ROUNDS and untold.left:  # cases that cannot tell a rule from its misreading have not checked it
        raise AssertionError(f"No case tells these from the page: {sorted(left.__name__ for left in untold.left)}")
    Tried().on(journey_laws.check_compiled, meetings())(max(1, rounds // 10), seed)
    Tried().on(journey_nesting_laws.check_nested, families())(max(1, rounds // 10), seed)


def _arrival(tried: Tried, rounds: int, seed: int) -> None:
    tried.on(journey_laws.check_arrival, meetings(), _seeds)(rounds, seed)


def _buckets(tried: Tried, rounds: int, seed: int) -> None:
    tried.on(journey_laws.check_buckets, meetings(), _cuts)(rounds, seed)


def _levels(tried: Tried, rounds: int, seed: int) -> None:
    for batch in range(0, rounds, BATCH):
        journey_second_opinion.check_levels(seed + batch, BATCH)
        tried.cases += BATCH
        journey_second_opinion.check_sequences(seed + batch, BATCH // 5)


def _once(tried: Tried, rounds: int, seed: int) -> None:
    tried.on(journey_laws.check_once, meetings())(rounds, seed)
    Tried().on(journey_laws.check_unseen, meetings())(max(1, rounds // 10), seed)


LAWS: Final[dict[int, tuple[str, Callable[[Tried, int, int], None]]]] = {
    1: ("live, restarted anywhere, is batch", _live),
    2: ("the kernel is the slow reference, compiled or not, nested or not", _reference),
    3: ("arrival in any order, with live and its revisions", _arrival),
    4: ("any number of buckets", _buckets),
    5: ("windowFunnel, and sequences, of ClickHouse", _levels),
    6: ("opened once, ended at most once", _once),
}
"""By number, as the language's page counts them."""
