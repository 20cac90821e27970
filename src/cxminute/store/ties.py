"""Which identifiers of people stand together in events, and how often: straight from the segments as they stand.

It is what a link between two identifiers is explained by. No index holds it: who asks for a few people reads a few
columns of numbers, once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from cxminute.store.evidence import PREVIOUS
from cxminute.store.pieces import Piece
from cxminute.store.profiles import Span, stand
from cxminute.store.segments import connect, quoted
from cxminute.store.vault import PERSON_KINDS


@dataclass(frozen=True, slots=True)
class Tie:
    """What one source told of two identifiers in one way.

    a, b:     numbers of the space 'person', a < b
    how:      alias, identify, or event: another one carries both
    events:   how many told it
    first_at: when the first of them happened, UTC ms; last_at: when the last did
    event:    id of the first
    """

    a: int
    b: int
    how: str
    source: str
    events: int
    first_at: int
    last_at: int
    event: str


@dataclass(frozen=True, slots=True)
class Ties:
    """All that events told of some identifiers.

    found: by (a, b, when the first happened)
    seen:  by source, the identifiers that its events carry: of those asked for and of what stands beside them
    """

    found: tuple[Tie, ...]
    seen: dict[str, frozenset[int]]


def ties(pieces: Sequence[Piece], columns: Collection[str], numbers: Collection[int], as_of: int | None = None) -> Ties:
    """What stands together with these identifiers.

    columns: that hold numbers of the space 'person', whichever kind they are of
    numbers: an event counts that carries one of them in any of these columns
    as_of:   none that happened after it, UTC ms
    """
    if not pieces or not numbers:
        return Ties((), {})
    duck = connect()
    files, held, standing = stand(duck, pieces, Span(as_of=as_of))
    own = [column for column in held if column in columns and not column.startswith(PREVIOUS)]
    former = [column for column in held if column.startswith(PREVIOUS)]
    if not own:
        return Ties((), {})
    now = f"coalesce({', '.join([quoted(column) for column in PERSON_KINDS if column in held] or ['NULL'])})"
    listed = [", ".join(quoted(column) for column in some) for some in (own, former)]
    wanted = ", ".join(str(int(number)) for number in sorted(set(numbers)))
    asked = " OR ".join(f"{quoted(column)} IN ({wanted})" for column in (*own, *former))
    rows = duck.execute(
        'SELECT source::VARCHAR, kind::VARCHAR, count(*), min(epoch_ms("at")), max(epoch_ms("at")), arg_min(id, '  # noqa: S608 -- our own files
        f'("at", id)), [{listed[0]}], [{listed[1]}]::BIGINT[], {now} '
        f"FROM {files} WHERE ({asked}) AND {' AND '.join(standing)} GROUP BY ALL"
    ).fetchall()
    told: dict[tuple[int, int, str, str], Tie] = {}
    seen: dict[str, set[int]] = {}
    for source, kind, events, first, last, event, carried, before, named in rows:
        together = sorted({number for number in carried if number is not None})
        aliased = [number for number in before if number is not None]
        seen.setdefault(source, set()).update(together, aliased)
        how = "identify" if kind == "identify" else "event"
        pairs = [(a, b, how) for a, b in combinations(together, 2)]
        if named is not None:
            pairs += [(*sorted((number, named)), "alias") for number in aliased if number != named]
        for a, b, way in pairs:
            key, one = (a, b, source, way), Tie(a, b, way, source, events, first, last, event)
            told[key] = one if key not in told else _both(told[key], one)
    found = tuple(sorted(told.values(), key=lambda one: (one.a, one.b, one.first_at, one.source, one.how)))
    return Ties(found, {source: frozenset(some) for source, some in seen.items()})


def _both(one: Tie, other: Tie) -> Tie:
    first = min(one, other, key=lambda tie: (tie.first_at, tie.event))
    events, last = one.events + other.events, max(one.last_at, other.last_at)
    return Tie(one.a, one.b, one.how, one.source, events, first.first_at, last, first.event)
