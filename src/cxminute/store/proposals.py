"""Pairs that a linkage model holds for one person, and what somebody decided of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

from sqlalchemy import Engine, delete, func, select, update

from cxminute.model.errors import UnknownName
from cxminute.store.schema import PROPOSALS
from cxminute.store.state import batches, insert_rows, writing

PROPOSED: Final = "proposed"
ACCEPTED: Final = "accepted"
DECLINED: Final = "declined"


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair as a model weighs it.

    a, b:        numbers of the space 'person', a < b
    weight:      match weight, log2 of the odds
    explained:   JSON: by field its level and what it adds; no value
    """

    a: int
    b: int
    weight: float
    probability: float
    explained: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it stands.

    digest:     SHA-256 of the model's file
    state:      proposed, accepted or declined
    made_at:    UTC ms
    decided_at: UTC ms; None while it is proposed
    """

    id: int
    model: str
    digest: str
    a: int
    b: int
    weight: float
    probability: float
    explained: str
    state: str
    made_at: int
    decided_at: int | None


class Proposals:
    """Proposals in the state."""

    def __init__(self, state: Engine) -> None:
        self._state = state

    def put(self, model: str, digest: str, pairs: Iterable[Pair], made_at: int) -> int:
        """Replaces what a model proposes, all or nothing; returns how many pairs are proposed now.

        What was decided stands: a pair that was accepted, or declined under the same digest, is not proposed again. One
        that was declined under another digest is, since another model says so.
        """
        c = PROPOSALS.c
        with writing(self._state).begin() as connection:
            connection.execute(delete(PROPOSALS).where(c.model == model, c.state == PROPOSED))
            kept = connection.execute(select(c.a, c.b, c.state, c.digest).where(c.model == model))
            standing = {(row.a, row.b): row.state == ACCEPTED or row.digest == digest for row in kept}
            found = {(pair.a, pair.b): pair for pair in pairs if not standing.get((pair.a, pair.b), False)}
            for a, b in found.keys() & standing.keys():
                connection.execute(delete(PROPOSALS).where(c.model == model, c.a == a, c.b == b))
            columns = ("model", "digest", *(field.name for field in fields(Pair)), "state", "made_at")
            rows = [(model, digest, *astuple(pair), PROPOSED, made_at) for pair in found.values()]
            insert_rows(connection, PROPOSALS, columns, rows)
        return len(found)

    def of(self, model: str, state: str | None = PROPOSED) -> list[Proposal]:
        """Proposals of a model in a state (in any: None), the heaviest first."""
        c = PROPOSALS.c
        query = select(*PROPOSALS.columns).where(c.model == model).order_by(c.weight.desc(), c.a, c.b)
        query = query if state is None else query.where(c.state == state)
        with self._state.connect() as connection:
            return [Proposal(*row) for row in connection.execute(query)]

    def get(self, model: str, numbers: Sequence[int]) -> list[Proposal]:
        """The proposals of these numbers, in this order; UnknownName where a model made none of them."""
        c, found = PROPOSALS.c, dict[int, Proposal]()
        with self._state.connect() as connection:
            for part in batches(numbers):
                some = c.id.in_([int(number) for number in part])
                rows = connection.execute(select(*PROPOSALS.columns).where(c.model == model, some))
                found.update((row.id, Proposal(*row)) for row in rows)
            for number in numbers:
                if number not in found:
                    near = connection.execute(select(c.id).where(c.model == model).order_by(c.id).limit(12)).scalars()
                    raise UnknownName(f"proposal of '{model}'", str(number), map(str, near))
        return [found[number] for number in dict.fromkeys(numbers)]

    def decide(self, numbers: Collection[int], state: str, decided_at: int) -> int:
        """Accepts or declines those that are still proposed; returns how many."""
        c, changed = PROPOSALS.c, 0
        with writing(self._state).begin() as connection:
            for some in batches(sorted(set(numbers))):
                query = (
                    update(PROPOSALS)
                    .where(c.id.in_(some), c.state == PROPOSED)
                    .values(state=state, decided_at=decided_at)
                )
                changed += connection.execute(query).rowcount
        return changed

    def counts(self) -> dict[str, dict[str, int]]:
        """By model and state, how many."""
        c, found = PROPOSALS.c, dict[str, dict[str, int]]()
        with self._state.connect() as connection:
            for row in connection.execute(select(c.model, c.state, func.count().label("n")).group_by(c.model, c.state)):
                found.setdefault(row.model, {})[row.state] = row.n
        return found
