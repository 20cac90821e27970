"""A subject followed as things happen: one event or tick at a time, by the same `advance` that batch folds.

The state is a few numbers and survives a restart between any two events: `load(plan, dump(state))` goes on as if
nothing had been.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
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
from cxminute.journeys.plan import Plan, unpack
from cxminute.model.errors import BrokenStore
from cxminute.model.tables import ENDINGS

Rows = NDArray[np.int64]

_HEAD: Final = struct.Struct("<B8sqqI")
_VERSION: Final = 1

# The head of a state's body
_EVER: Final = 0
_SEEN: Final = 1
_STAYS: Final = 2

_tuple: Final[Callable[..., Any]] = tuple.__new__


class State(NamedTuple):
    """Where one subject stands in one journey.

    plan: hash of the plan that it belongs to
    body: a head (how many passages ever opened, how many events were taken, how many rows stay), then the open
          passages, one int64 row each, as `advance` lays them out; what comes after those ended with the last event
    """

    plan: str
    body: NDArray[np.int64]

    @property
    def ever(self) -> int:
        """How many passages ever opened."""
        return int(self.body[0, _EVER])

    @property
    def seen(self) -> int:
        """How many events were taken."""
        return int(self.body[0, _SEEN])

    @property
    def rows(self) -> NDArray[np.int64]:
        """The open passages."""
        return self.body[1 : self.body[0, _STAYS]]

    @property
    def open_now(self) -> int:
        """How many passages are open."""
        return int(self.body[0, _STAYS]) - 1


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


class Verdict(NamedTuple):
    """What one event or tick did; most do little, so it is worked out when it is asked for.

    before, after: the bodies of the states
    """

    plan: Plan
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @property
    def opened(self) -> int:
        """How many passages it opened."""
        return int(self.after[0, _EVER] - self.before[0, _EVER])

    @property
    def ended(self) -> tuple[Passage, ...]:
        """The passages that ended, in order of opening."""
        return tuple(passage(self.plan, row) for row in self.after[self.after[0, _STAYS] :])


@dataclass(frozen=True, slots=True)
class Revision:
    """One passage of which something else is true than was told.

    before: as it was told; None where nothing was
    after:  as it is now; None where it did not end after all
    """

    before: Passage | None
    after: Passage | None


def begin(plan: Plan) -> State:
    """The state of a subject of whom nothing has been seen."""
    return stand(plan, 0, 0, np.empty((0, width(plan.moves)), np.int64))


def stand(plan: Plan, ever: int, seen: int, rows: NDArray[np.int64]) -> State:
    """The state of a subject of whom this is known; see State."""
    body = np.zeros((len(rows) + 1, rows.shape[1]), np.int64)
    body[0, _EVER], body[0, _SEEN], body[0, _STAYS] = ever, seen, len(body)
    body[1:] = rows
    return State(plan.hash, body)


def take(plan: Plan, state: State, at: int, mask: int) -> tuple[State, Verdict]:
    """The state after an event and what it did; events come in order of time.

    at:   when it happened, UTC milliseconds
    mask: which steps it matches, from `plan.mask`; 0 where it matches none
    """
    return _advance(plan, state, at, mask, 1)


def tick(plan: Plan, state: State, now: int) -> tuple[State, Verdict]:
    """The state when nothing but time has passed: what expired before `now` ends, at its own deadline."""
    return _advance(plan, state, now, 0, 0)


def due(plan: Plan, state: State) -> int | None:
    """The first millisecond at which a tick would end something; None while no passage is open."""
    return min((int(deadline(plan.moves, state.rows, row)) + 1 for row in range(state.open_now)), default=None)


def fold(plan: Plan, state: State, events: Iterable[tuple[int, int]]) -> tuple[State, tuple[Passage, ...]]:
    """The state after several events (at, mask) in order of time, and the passages that ended meanwhile."""
    ended: list[Passage] = []
    for at, mask in events:
        state, verdict = take(plan, state, at, mask)
        ended += verdict.ended
    return state, tuple(ended)


def revise(
    plan: Plan, before: State, told: Iterable[Passage], events: Iterable[tuple[int, int]]
) -> tuple[State, tuple[Revision, ...]]:
    """A stream folded anew because of late news, from a state that the news cannot have touched.

    before:  the state after the events that stand before the news in the stream
    told:    the passages that were told of as ended since that state
    events:  all that the stream holds since that state, the news among them: (at, mask) in order
    returns: the state that takes the place of the present one, and what changed in what was told, by number
    """
    state, ended = fold(plan, before, events)
    old = {passage.number: passage for passage in told}
    new = {passage.number: passage for passage in ended}
    pairs = ((old.get(number), new.get(number)) for number in sorted(old.keys() | new.keys()))
    return state, tuple(Revision(was, now) for was, now in pairs if _facts(was) != _facts(now))


def still_open(plan: Plan, state: State) -> tuple[Passage, ...]:
    """The open passages as they stand, in order of opening."""
    rows = state.rows.copy()
    rows[:, ENDING], rows[:, CLOSED] = OPEN, UNSEEN
    return tuple(passage(plan, row) for row in rows)


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
    return stand(plan, ever, seen, body.reshape(rows, long // 8))


def _advance(plan: Plan, state: State, at: int, mask: int, events: int) -> tuple[State, Verdict]:
    named, before = state
    if named != plan.hash:
        raise BrokenStore(f"A state of plan {named} met journey '{plan.name}' of plan {plan.hash}.")
    after = follow(plan.packed, before, at, mask, events)
    # As tuples, without the call that a named one costs: this runs once an event.
    return _tuple(State, (named, after)), _tuple(Verdict, (plan, before, after))


@njit(cache=True, nogil=True)
def follow(packed: Rows, before: Rows, time: int, mask: int, events: int) -> Rows:
    """The body of a state after an event (events: 1) or a tick (0), then the rows of the passages that it ended.

    One array for both: each that a kernel hands to Python costs a third of a microsecond.
    """
    held = before[0, _STAYS]
    rows = np.empty((held, before.shape[1]), np.int64)
    rows[:-1] = before[1:held]
    ended = np.empty((held, before.shape[1]), np.int64)
    counts = np.empty(2, np.int64)
    counts[OPEN_NOW], counts[EVER] = held - 1, before[0, _EVER]
    gone = advance(unpack(packed), rows, counts, time, mask, before[0, _SEEN], ended)
    stays = counts[OPEN_NOW] + 1
    after = np.empty((stays + gone, before.shape[1]), np.int64)
    after[0] = 0
    after[0, _EVER], after[0, _SEEN], after[0, _STAYS] = counts[EVER], before[0, _SEEN] + events, stays
    after[1:stays] = rows[: stays - 1]
    after[stays:] = ended[:gone]
    return after


def _facts(passage: Passage | None) -> Passage | None:
    """A passage without the place of its opening event, which moves with every event that comes late before it."""
    return passage and replace(passage, event=0)


def passage(plan: Plan, row: NDArray[np.int64]) -> Passage:
    """The passage that a row of `advance` says; its ending counts, and without one it is open."""
    places = len(plan.labels)
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
