"""A subject followed as things happen: one event or tick at a time, by the same `advance` that batch folds.

The state is a few numbers and survives a restart between any two events: `load(plan, dump(state))` goes on as if
nothing had been.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxminute.journeys.advance import (
    CLOSED,
    ENDING,
    EVENT,
    EVER,
    FIXED,
    NUMBER,
    OPEN,
    OPEN_NOW,
    OPENED,
    UNSEEN,
    advance,
    deadline,
    deepest,
    width,
)
from cxminute.journeys.plan import Plan
from cxminute.model.errors import BrokenStore
from cxminute.model.tables import ENDINGS

_HEAD: Final = struct.Struct("<B8sqqI")
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where one subject stands in one journey.

    plan: hash of the plan that it belongs to
    ever: how many passages ever opened
    seen: how many events were taken
    rows: the open passages, one int64 row each, as `advance` lays them out
    """

    plan: str
    ever: int
    seen: int
    rows: NDArray[np.int64]

    @property
    def open_now(self) -> int:
        """How many passages are open."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage as it stands; times in UTC milliseconds.

    number:  its place among the subject's passages, from 0
    event:   place of the opening event among those taken, from 0
    ending:  completed, broken, expired or open
    closed:  when it ended; None while it is open
    deepest: largest number of positions reached on any one way
    reached: for each step, when it was first reached; None where it was not
    """

    number: int
    opened: int
    closed: int | None
    ending: str
    deepest: int
    reached: tuple[int | None, ...]
    event: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one event or tick did.

    opened: how many passages it opened
    ended:  the passages that ended, in order of opening
    """

    opened: int
    ended: tuple[Passage, ...]


def begin(plan: Plan) -> State:
    """The state of a subject of whom nothing has been seen."""
    return State(plan.hash, 0, 0, np.empty((0, width(plan.moves)), np.int64))


def take(plan: Plan, state: State, at: int, mask: int) -> tuple[State, Verdict]:
    """The state after an event and what it did; events come in order of time.

    at:   when it happened, UTC milliseconds
    mask: which steps it matches, from `plan.mask`; 0 where it matches none
    """
    after, verdict = _advance(plan, state, at, mask)
    return State(after.plan, after.ever, state.seen + 1, after.rows), verdict


def tick(plan: Plan, state: State, now: int) -> tuple[State, Verdict]:
    """The state when nothing but time has passed: what expired before `now` ends, at its own deadline."""
    return _advance(plan, state, now, 0)


def due(plan: Plan, state: State) -> int | None:
    """The first millisecond at which a tick would end something; None while no passage is open."""
    return min((int(deadline(plan.moves, state.rows, row)) + 1 for row in range(state.open_now)), default=None)


def still_open(plan: Plan, state: State) -> tuple[Passage, ...]:
    """The open passages as they stand, in order of opening."""
    rows = state.rows.copy()
    rows[:, ENDING], rows[:, CLOSED] = OPEN, UNSEEN
    return tuple(_passage(plan, row) for row in rows)


def dump(state: State) -> bytes:
    """The state as bytes: 29 and eight a number of its open passages."""
    head = _HEAD.pack(_VERSION, bytes.fromhex(state.plan), state.ever, state.seen, len(state.rows))
    return head + state.rows.astype("<i8").tobytes()


def load(plan: Plan, data: bytes) -> State:
    """The state that was dumped; BrokenStore where the bytes are cut, newer, or of another plan."""
    long = 8 * int(width(plan.moves))
    try:
        version, named, ever, seen, rows = _HEAD.unpack_from(data)
    except struct.error as fault:
        raise BrokenStore(f"The state of journey '{plan.name}' is cut short.") from fault
    if version != _VERSION or named.hex() != plan.hash or len(data) != _HEAD.size + rows * long:
        raise BrokenStore(
            f"The state of journey '{plan.name}' belongs to another version of it.",
            allowed=f"version {_VERSION}, plan {plan.hash}",
            then="Fold the subject's events again.",
        )
    body = np.frombuffer(data, "<i8", offset=_HEAD.size).astype(np.int64)
    return State(plan.hash, ever, seen, body.reshape(rows, long // 8))


def _advance(plan: Plan, state: State, at: int, mask: int) -> tuple[State, Verdict]:
    if state.plan != plan.hash:
        raise BrokenStore(f"A state of plan {state.plan} met journey '{plan.name}' of plan {plan.hash}.")
    rows = np.empty((len(state.rows) + 1, width(plan.moves)), np.int64)
    rows[:-1] = state.rows
    ended = np.empty_like(rows)
    counts = np.array([len(state.rows), state.ever], np.int64)
    gone = advance(plan.moves, rows, counts, at, mask, state.seen, ended)
    after = State(state.plan, int(counts[EVER]), state.seen, rows[: counts[OPEN_NOW]].copy())
    return after, Verdict(after.ever - state.ever, tuple(_passage(plan, row) for row in ended[:gone]))


def _passage(plan: Plan, row: NDArray[np.int64]) -> Passage:
    places = len(plan.moves.steps)
    reached = row[FIXED : FIXED + places].tolist()
    return Passage(
        number=int(row[NUMBER]),
        opened=int(row[OPENED]),
        closed=None if row[ENDING] == OPEN else int(row[CLOSED]),
        ending=ENDINGS[row[ENDING]],
        deepest=int(deepest(plan.moves, row[None], 0, np.empty(places, np.int64))),
        reached=tuple(None if time == UNSEEN else time for time in reached),
        event=int(row[EVENT]),
    )
