"""Everything that is held on some people: their events whole, those that were corrected too, and the vault.

No analysis reads this: it opens what is personal. Whoever asks has leave to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, select

from cxminute.store import quarantine
from cxminute.store.consents import opened_why
from cxminute.store.keyring import Keyring
from cxminute.store.pieces import Piece
from cxminute.store.profiles import OWN, Span, stand
from cxminute.store.schema import COLLECTS, CONSENTS, REJECTS, SEGMENTS
from cxminute.store.segments import REST, connect, is_path, quoted
from cxminute.store.state import batches
from cxminute.store.vault import is_of_person, keys_called, opened_personal, told_of

Key = tuple[str, str]
"""An event: its source and its id, which is unique in its source alone."""

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
WORD: Final = 4
"""Characters of an identifier by which a row in quarantine is known to be somebody's."""
_MARKS: Final = re.compile(r"[,;\t|\"{}\[\]]+")
_DROPPED: Final = "EXISTS (FROM dropped d WHERE d.file = filename AND d.row = file_row_number)"


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is held.

    at, known_at: when it happened, and when it was collected (of merged segments: the last of them), UTC ms
    numbers:      of all that it names, by kind of identifier
    values:       typed columns by path; times as UTC ms
    times:        which of these are times
    rest:         all else that is open, as it was nested
    replaced:     whether a later telling stands in its place
    """

    id: str
    source: str
    kind: str
    name: str
    at: int
    known_at: int
    profile: int | None
    numbers: Mapping[str, int]
    values: Mapping[str, Any]
    times: frozenset[str]
    rest: Mapping[str, Any]
    replaced: bool


@dataclass(frozen=True, slots=True)
class Consent:
    """One thing that was said of consent; times are UTC ms."""

    profile: int
    purpose: str
    said: str
    how: str
    source: str
    at: int
    known_at: int
    why: str


class Holdings:
    """What is held, in the log's segments and in the state."""

    def __init__(self, state: Engine, keys: Keyring) -> None:
        self._state, self._keys = state, keys

    def things(self, pieces: Sequence[Piece], profiles: Collection[int]) -> dict[str, frozenset[int]]:
        """By kind, the things (orders, tickets) that events of these profiles name, and no event of anybody else."""
        if not pieces or not profiles:
            return {}
        duck = connect()
        files, columns, _ = stand(duck, pieces, Span())
        kinds = [name for name in columns if name not in OWN and not is_path(name) and not is_of_person(name)]
        mine = f"profile IN ({_numbers(profiles)})"
        found = {}
        for kind in kinds if "profile" in columns else ():
            named = f"SELECT {quoted(kind)} FROM {files} WHERE {quoted(kind)} IS NOT NULL AND"  # noqa: S608 -- quoted
            query = f"{named} {mine} EXCEPT {named} profile IS NOT NULL AND NOT {mine}"
            found[kind] = frozenset(row[0] for row in duck.execute(query).fetchall())
        return found

    def events(
        self, pieces: Sequence[Piece], profiles: Collection[int], things: Mapping[str, Collection[int]]
    ) -> list[Event]:
        """Every event of these profiles, and every event of nobody about one of these things; by time."""
        if not pieces or not profiles:
            return []
        duck = connect()
        files, columns, _ = stand(duck, pieces, Span())
        if "profile" not in columns:
            return []
        kinds = [name for name in columns if name not in OWN and not is_path(name)]
        paths = [name for name in columns if is_path(name)]
        times = [path for path in paths if path.endswith(":time")]
        tests = [f"profile IN ({_numbers(profiles)})"]
        tests += [
            f"profile IS NULL AND {quoted(kind)} IN ({_numbers(numbers)})"
            for kind, numbers in things.items()
            if numbers and kind in kinds
        ]
        shown = ["id", "source::VARCHAR AS source", "kind::VARCHAR AS kind", "name::VARCHAR AS name"]
        shown += ['epoch_ms("at") AS "at"', "filename AS file", "profile", f"{REST}::JSON::VARCHAR AS {REST}"]
        shown += [f"epoch_ms({quoted(path)}) AS {quoted(path)}" if path in times else quoted(path) for path in paths]
        shown += [f"{quoted(kind)} AS {quoted(f'#{kind}')}" for kind in kinds]
        query = (
            f"SELECT {', '.join(shown)}, {_DROPPED} AS replaced FROM {files} WHERE ({') OR ('.join(tests)}) "  # noqa: S608 -- quoted
            'ORDER BY "at", source, position, id'
        )
        rows = duck.sql(query).to_arrow_table().to_pylist()
        known = self._known()
        at = {str(piece.path): known.get(piece.number, 0) for piece in pieces}
        named = {path: path.rpartition(":")[0] for path in paths}
        return [
            Event(
                row["id"], row["source"], row["kind"], row["name"], row["at"], at[row["file"]], row["profile"],
                {kind: row[f"#{kind}"] for kind in kinds if row[f"#{kind}"] is not None},
                {path: row[column] for column, path in named.items() if row[column] is not None},
                frozenset(named[path] for path in times),
                {} if row[REST] is None else _decode(row[REST]),
                row["replaced"],
            )
            for row in rows
        ]  # fmt: skip

    def personal(self, profiles: Collection[int], events: Collection[Key]) -> dict[Key, dict[str, Any] | None]:
        """By event, the personal values of these profiles, and of these events of nobody: path -> value.

        None where there are some that cannot be read any more: their key was destroyed. Leftovers stand under `rest`.
        """
        called = keys_called(self._keys, events) if events else {}
        with self._state.connect() as connection:
            rows = list(told_of(connection, profiles, called))
        said = opened_personal(self._keys, [(row.id, row.profile, row.sealed) for row in rows])
        found: dict[Key, dict[str, Any] | None] = {}
        for row, document in zip(rows, said, strict=True):
            if row.sealed is None and row.document:
                document = _decode(row.document)  # noqa: PLW2901 -- of a state of before, not yet sealed
            key = called.get(row.event, (row.source, row.event))  # of an event that no segment has, what it is called
            if document is None:
                found.setdefault(key, None)
            else:
                found[key] = {**(found.get(key) or {}), **document}
        return found

    def quarantined(self, words: Collection[str], sources: Collection[str]) -> list[dict[str, Any]]:
        """Rows of some sources that could not become events, and in which one of these words stands.

        returns: `number`, `source`, `reason` and `row` of each

        A word counts where it is a whole value of the row, or of a line that could not be parsed a part between two
        marks; and only from WORD characters on, since a shorter one may stand for anything.
        """
        wanted = frozenset(word for word in words if len(word) >= WORD)
        if not wanted:
            return []
        tests = (*quarantine.STANDING, REJECTS.c.source.in_(sorted(sources)))
        held = quarantine.every(self._state, self._keys, *tests)
        return [one._asdict() for one in held if wanted & _parts(one.row)]

    def consents(self, profiles: Collection[int]) -> list[Consent]:
        """Everything that these profiles said of consent, by when it was said."""
        c = CONSENTS.c
        columns = (c.profile, c.purpose, c.said, c.how, c.source, c.at, c.known_at, c.sealed)
        rows: list[Any] = []
        with self._state.connect() as connection:
            for some in batches(sorted(set(profiles))):
                rows += connection.execute(select(*columns, c.id).where(c.profile.in_(some))).all()
        rows.sort(key=lambda row: (row.at, row.id))
        whys = opened_why(self._keys, rows)
        return [
            Consent(row.profile, row.purpose, row.said, row.how, row.source, row.at, row.known_at, why)
            for row, why in zip(rows, whys, strict=True)
        ]

    def _known(self) -> dict[int, int]:
        """By segment, when its collect began, UTC ms."""
        query = select(SEGMENTS.c.id, COLLECTS.c.known_at).join(COLLECTS, COLLECTS.c.id == SEGMENTS.c.collect)
        with self._state.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def _parts(row: str) -> set[str]:
    """The values of a row, as texts; of a line that is no JSON, what stands between marks."""
    try:
        return set(_leaves(msgspec.json.decode(row)))
    except msgspec.DecodeError:
        return {part.strip() for part in _MARKS.split(row)}


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield str(value)


def _numbers(numbers: Collection[int]) -> str:
    return ", ".join(str(int(number)) for number in sorted(set(numbers)))
