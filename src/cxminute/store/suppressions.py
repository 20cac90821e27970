"""Suppressions: by a keyed digest, every identifier that was forgotten, so that what comes of it later is refused.

A digest tells nobody whose it is; only who sends the very same identifier again meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, update

from cxminute.store.schema import SUPPRESSED
from cxminute.store.state import batches, insert_rows, writing

_CLEAR: Final = 500_000  # words of a kind remembered: about 50 MB
Mark = tuple[int, int]
"""What changes whenever suppressions do: how many there are, and the sum of the moments since when they hold."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """All suppressions at one moment.

    kinds: of identifier that any of them is of
    """

    mark: Mark
    digests: frozenset[str]
    kinds: frozenset[str]


class Suppressions:
    """The suppressions of one project, as they are now; read anew only where they changed."""

    def __init__(self, state: Engine) -> None:
        self._state = state
        self._held = Suppressed((0, 0), frozenset(), frozenset())
        self._clear: dict[str, set[str]] = {}  # by kind, words that are known not to be suppressed

    def now(self) -> Suppressed:
        """All of them: 100,000 are read in a fifth of a second, once; whether they changed is one count."""
        c = SUPPRESSED.c
        with self._state.connect() as connection:
            many, since = connection.execute(select(func.count(), func.coalesce(func.sum(c.since), 0))).one()
            mark = (int(many), int(since))
            if mark != self._held.mark:
                rows = connection.execute(select(c.digest, c.kind)).all()
                self._clear = {}
                self._held = Suppressed(
                    mark, frozenset(row.digest for row in rows), frozenset(row.kind for row in rows)
                )
        return self._held

    def hits(
        self, kind: str, words: Sequence[str], digests: Callable[[str, Sequence[str]], Sequence[str]]
    ) -> dict[str, str]:
        """Which of these words of a kind are suppressed, with their digests, as of the last `now`.

        digests: makes those of a kind's words; asked only for words that were not clear before
        """
        clear = self._clear.setdefault(kind, set())
        fresh = [word for word in words if word not in clear]
        held = self._held.digests
        hits = {word: digest for word, digest in zip(fresh, digests(kind, fresh), strict=True) if digest in held}
        if len(clear) > _CLEAR:
            clear.clear()
        clear.update(word for word in fresh if word not in hits)
        return hits

    def met(self, counts: Mapping[str, int]) -> None:
        """Counts events that were refused, by digest of the identifier that they carried."""
        if not counts:
            return
        c = SUPPRESSED.c
        query = update(SUPPRESSED).where(c.digest == bindparam("which")).values(met=c.met + bindparam("more"))
        rows = [{"which": digest, "more": count} for digest, count in sorted(counts.items())]
        with writing(self._state).begin() as connection:
            connection.execute(query, rows)

    def lift(self, digests: Iterable[str]) -> int:
        """Takes suppressions back, of a person who comes again wittingly; returns how many there were."""
        c, done = SUPPRESSED.c, 0
        with writing(self._state).begin() as connection:
            for some in batches(sorted(set(digests))):
                done += connection.execute(delete(SUPPRESSED).where(c.digest.in_(some))).rowcount
        return done


def suppress(connection: Connection, found: Mapping[str, str], since: int) -> None:
    """Suppresses identifiers: digest -> kind; those that are suppressed already stay as they are.

    since: UTC ms
    """
    known = _known(connection, found)
    rows = [(digest, kind, since, 0) for digest, kind in sorted(found.items()) if digest not in known]
    insert_rows(connection, SUPPRESSED, ("digest", "kind", "since", "met"), rows)


def _known(connection: Connection, digests: Collection[str]) -> set[str]:
    c, known = SUPPRESSED.c, set[str]()
    for some in batches(sorted(digests)):
        known.update(connection.execute(select(c.digest).where(c.digest.in_(some))).scalars())
    return known
