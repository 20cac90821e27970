"""What people said of purposes: granted, denied, withdrawn, objected, restricted, lifted; when, how, and known since.

A site sends its consent object along with every event, and a browser its signal with every call. What goes on saying
the same says nothing new: of such a run only the beginning is a saying, and beside it only the end is kept, which
tells a late event of the opposite where it belongs. So rows grow with changes, not with events, and the order in which
events arrive changes nothing. What is said on purpose (a preference page, an import, by hand) is kept each time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, func, select

from cxminute.store.keyring import Keyring
from cxminute.store.schema import CONSENTS, IDENTIFIERS
from cxminute.store.sealing import seal, unseal
from cxminute.store.state import among, batches, insert_rows, writing
from cxminute.store.vault import ERASED, REMOVALS, highest

Ints = NDArray[np.int64]

GOING_ON: Final = frozenset({"consent object", "gpc", "gpp"})
"""Ways of saying that repeat themselves with every event."""
ALL: Final = "*"
"""In place of a purpose: all of them."""

_TEXTS: Final = ("purpose", "said", "how", "source", "why")
"""Columns that are texts; `why` stands sealed in the table, under the key of the profile."""
_PRIME: Final = 1_000_000_007
_WHOSE: Final = ("profile", "purpose", "how")
_COLUMNS: Final = ("profile", "purpose", "said", "how", "source", "at", "known_at", "collect", "sealed")

FACTS: Final = pa.schema(
    [
        pa.field("profile", pa.int64()),
        *(pa.field(name, pa.dictionary(pa.int32(), pa.string())) for name in ("purpose", "said", "how", "source")),
        pa.field("at", pa.int64()),
        pa.field("known_at", pa.int64()),
        pa.field("why", pa.dictionary(pa.int32(), pa.string())),
    ]
)
"""What was said, a row each: times in UTC ms; `profile` is a number of the space 'person'."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that somebody said, to be recorded; the words are those of the columns of the table."""

    profile: int
    purpose: str
    said: str
    how: str
    at: int
    source: str = ""
    why: str = ""


class Consents:
    """What people said of purposes, of one project."""

    def __init__(self, state: Engine, keyring: Keyring) -> None:
        self._state, self._keyring = state, keyring

    def facts(
        self,
        profiles: Collection[int] | None = None,
        as_of: int | None = None,
        purposes: Collection[str] | None = None,
        *,
        why: bool = True,
    ) -> pa.Table:
        """What was said, as FACTS, in order of profile, purpose, way and time.

        profiles: only of these; None for all
        as_of:    only what had been said, and was known, by then, UTC ms
        purposes: only of these; None for all
        why:      with the words of whoever recorded it, which are opened one by one; without, there is no such column
        """
        c = CONSENTS.c
        told = FACTS if why else FACTS.remove(FACTS.get_field_index("why"))
        query = select(c.profile, c.purpose, c.said, c.how, c.source, c.at, c.known_at, *([c.sealed] if why else []))
        if as_of is not None:
            query = query.where(c.at <= as_of, c.known_at <= as_of)
        if purposes is not None:
            query = query.where(c.purpose.in_(list(purposes)))
        ordered = query.order_by(c.profile, c.purpose, c.how, c.at, c.known_at, c.id)
        rows: list[Any] = []
        with self._state.connect() as connection:
            if profiles is None:
                rows = list(connection.execute(ordered).all())
            else:
                for some in batches(sorted({int(number) for number in profiles})):
                    rows += connection.execute(ordered.where(c.profile.in_(some))).all()
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(told)
        if why:
            columns[-1] = opened_why(self._keyring, rows)
        made = [
            pa.array(values, field.type.value_type).dictionary_encode()
            if _is_text(field)
            else pa.array(values, field.type)
            for values, field in zip(columns, told, strict=True)
        ]
        return pa.table(dict(zip(told.names, made, strict=True)))

    def say(self, sayings: Sequence[Saying], known_at: int) -> int:
        """Records what was said; returns how many of it were not known just so. All or nothing."""
        table = pa.table(
            {
                "profile": pa.array([one.profile for one in sayings], pa.int64()),
                **{name: pa.array([getattr(one, name) for one in sayings], pa.string()) for name in _TEXTS},
                "at": pa.array([one.at for one in sayings], pa.int64()),
            }
        )
        with writing(self._state).begin() as connection:
            return put_consents(connection, self._keyring, None, table, known_at)

    def tells_of(self, purposes: Collection[str], as_of: int | None = None) -> bool:
        """Whether anybody said anything of these purposes; as of a moment, as in `facts`."""
        c = CONSENTS.c
        query = select(c.id).where(c.purpose.in_(list(purposes)))
        if as_of is not None:
            query = query.where(c.at <= as_of, c.known_at <= as_of)
        with self._state.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def mark(self) -> tuple[int, ...]:
        """Another one whenever what was said changed: what was worked out of it holds as long as it stays.

        An id is not enough: SQLite gives that of a row that went to the next one.
        """
        c = CONSENTS.c
        words = func.length(c.said) * 31 + func.length(c.purpose)
        told = func.sum((c.profile * 7 + c.at * 3 + c.known_at + words) % _PRIME)
        with self._state.connect() as connection:
            row = connection.execute(select(func.count(), func.max(c.id), func.max(c.known_at), told)).one()
        return tuple(int(number or 0) for number in row)

    def profiles(self) -> int:
        """How many numbers the space 'person' has given out: those of profiles lie below it."""
        with self._state.connect() as connection:
            return highest(connection, "person") + 1

    def erased(self) -> Ints:
        """Numbers of the space 'person' that say nothing any more: of people forgotten, or whose term is over."""
        c = IDENTIFIERS.c
        with self._state.connect() as connection:
            if connection.execute(select(c.number).where(c.space == REMOVALS).limit(1)).first() is None:
                return np.empty(0, np.int64)
            query = select(c.number).where(c.space == "person", c.value.startswith(ERASED, autoescape=True))
            return np.array(connection.execute(query).scalars().all(), np.int64)


def drop_consents(connection: Connection, collect: int) -> None:
    """Takes back what one collect brought."""
    connection.execute(delete(CONSENTS).where(CONSENTS.c.collect == collect))


def opened_why(keyring: Keyring, rows: Sequence[Any]) -> list[str]:
    """Why each row (profile, sealed) was recorded, in the words of whoever did; '' where no key opens it."""
    found = [""] * len(rows)
    closed = [place for place, row in enumerate(rows) if row.sealed is not None]
    keys = keyring.held("person", [rows[place].profile for place in closed])
    for place, why in zip(closed, unseal(keys, [rows[place].sealed for place in closed]), strict=True):
        found[place] = why or ""
    return found


def put_consents(
    connection: Connection, keyring: Keyring, collect: int | None, said: pa.Table, known_at: int, source: str = ""
) -> int:
    """Adds what was said to what is kept; returns how many rows that are new.

    keyring:  under whose keys it is sealed why it was recorded
    collect:  that brought it; None where none did
    said:     `profile`, `purpose`, `said`, `how`, `at`, and if need be `source` and `why`; rows without a profile are
              nobody's and left out
    known_at: UTC ms
    source:   that told it, where the rows do not say
    """
    said = said.filter(pc.is_valid(said["profile"]))
    if "source" not in said.column_names:
        told = pa.DictionaryArray.from_arrays(pa.array(np.zeros(said.num_rows, np.int32)), pa.array([source]))
        said = said.append_column("source", told)
    if not said.num_rows:
        return 0
    fresh = _Rows.of(said, known_at)
    stored = _stored(connection, np.unique(fresh["profile"]).tolist())
    rows = stored.with_(fresh)
    keys = (rows["id"] == 0, rows["known_at"], rows.rank, *(rows[name] for name in ("at", *reversed(_WHOSE))))
    rows = rows.take(np.lexsort(keys))
    kept = _kept(rows)
    gone = rows["id"][~kept & (rows["id"] > 0)].tolist()
    for some in batches(gone):
        connection.execute(delete(CONSENTS).where(CONSENTS.c.id.in_(some)))
    new = rows.take(np.flatnonzero(kept & (rows["id"] == 0)))
    insert_rows(connection, CONSENTS, _COLUMNS, new.tuples(collect, keyring))
    return new["id"].size


@dataclass(frozen=True, slots=True)
class _Rows:
    """Sayings as arrays, by the names of their columns; of texts, places in `words`. An id of 0: not kept yet."""

    columns: Mapping[str, Ints]
    words: tuple[str, ...]

    def __getitem__(self, name: str) -> Ints:
        """One column."""
        return self.columns[name]

    @classmethod
    def of(cls, said: pa.Table, known_at: int) -> _Rows:
        """Those of a table."""
        count = said.num_rows
        words: dict[str, int] = {"": 0}
        columns = {
            "id": np.zeros(count, np.int64),
            "known_at": np.full(count, known_at, np.int64),
            **{name: np.asarray(said[name].to_numpy(), np.int64) for name in ("profile", "at")},
            **{name: np.zeros(count, np.int64) for name in _TEXTS},
        }
        for name in (name for name in _TEXTS if name in said.column_names):
            column = pa.concat_arrays([chunk.cast(pa.string()) for chunk in said[name].chunks]).dictionary_encode()
            places = np.array([words.setdefault(word, len(words)) for word in column.dictionary.to_pylist()], np.int64)
            columns[name] = places[column.indices.to_numpy()]
        return cls(columns, tuple(words))

    @property
    def rank(self) -> Ints:
        """An order of what is said at one moment, whatever came first: a yes before all else."""
        ranks = {word: rank for rank, word in enumerate(sorted(self.words, key=lambda word: (word != "granted", word)))}
        return np.array([ranks[word] for word in self.words], np.int64)[self["said"]]

    def with_(self, other: _Rows) -> _Rows:
        """Both, the other's after these."""
        words = {word: place for place, word in enumerate(self.words)}
        places = np.array([words.setdefault(word, len(words)) for word in other.words], np.int64)
        columns = {
            name: np.concatenate([column, places[other[name]] if name in _TEXTS else other[name]])
            for name, column in self.columns.items()
        }
        return _Rows(columns, tuple(words))

    def take(self, places: Ints) -> _Rows:
        """Some of them, in that order."""
        return _Rows({name: column[places] for name, column in self.columns.items()}, self.words)

    def tuples(self, collect: int | None, keyring: Keyring) -> list[tuple[Any, ...]]:
        """Rows of the table, in the order of its columns."""
        made: list[Sequence[Any]] = []
        for name in _COLUMNS:
            if name == "collect":
                made.append([collect] * self["id"].size)
            elif name == "sealed":
                made.append(self._sealed(keyring))
            elif name in _TEXTS:
                made.append([self.words[place] for place in self[name].tolist()])
            else:
                made.append(self[name].tolist())
        return list(zip(*made, strict=True))

    def _sealed(self, keyring: Keyring) -> list[bytes | None]:
        """Why, under the keys of the profiles; None where nothing is said."""
        made: list[bytes | None] = [None] * self["id"].size
        told = np.flatnonzero(self["why"]).tolist()  # place 0 of `words` is ''
        keys = keyring.keys("person", self["profile"][told].tolist())
        for place, body in zip(told, seal(keys, [self.words[self["why"][one]] for one in told]), strict=True):
            made[place] = body
        return made


def _kept(rows: _Rows) -> NDArray[np.bool_]:
    """Which of the sorted rows are kept: beginnings of runs as known at any time, their ends, and no row twice."""
    goes_on = np.ones(rows["id"].size, np.bool_)
    goes_on[:1] = False
    for name in (*_WHOSE, "said"):
        goes_on[1:] &= rows[name][1:] == rows[name][:-1]
    twice = goes_on.copy()
    twice[1:] &= rows["at"][1:] == rows["at"][:-1]  # the one that was known first stands before
    run = np.cumsum(~goes_on).astype(np.int64)
    redundant = goes_on & (_earliest_before(rows["known_at"], run) <= rows["known_at"])
    ends = np.zeros(goes_on.size, np.bool_)
    single = np.flatnonzero(~twice)  # the end of a run is its last row that is no copy of one before it
    ends[single[np.append(run[single][1:] != run[single][:-1], True)]] = True
    ongoing = np.array([word in GOING_ON for word in rows.words], np.bool_)[rows["how"]]
    kept: NDArray[np.bool_] = ~twice & (~ongoing | ~redundant | ends)
    return kept


def _earliest_before(known_at: Ints, run: Ints) -> Ints:
    """For each row, since when the earliest-known row before it in its run is known; the largest where none is."""
    before = np.full(known_at.size, np.iinfo(np.int64).max, np.int64)
    low = int(known_at.min())
    span = int(known_at.max()) - low + 1
    lifted = (known_at - low) - run * span  # a later run lies below all earlier ones: a running minimum stays in it
    least = np.minimum.accumulate(lifted) + run * span + low
    before[1:] = np.where(run[1:] == run[:-1], least[:-1], before[1:])
    return before


def _stored(connection: Connection, profiles: Sequence[int]) -> _Rows:
    """What is kept of some profiles; their numbers go as one parameter, so that the query is always the same."""
    names = ("id", "profile", "at", "known_at", *_TEXTS)  # `why` as it stands: what is kept is not written anew
    one_of, asked = among(connection, profiles)
    query = f"SELECT {', '.join(names)} FROM consents WHERE profile {one_of}"  # noqa: S608 -- our own names
    rows = connection.exec_driver_sql(query, (asked,)).fetchall()
    words: dict[str, int] = {"": 0}
    columns: dict[str, Ints] = {}
    for name, column in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True):
        values = [words.setdefault(word, len(words)) for word in column] if name in _TEXTS else column
        columns[name] = np.array(values, np.int64)
    return _Rows(columns, tuple(words))


def _is_text(field: pa.Field) -> bool:
    return bool(pa.types.is_dictionary(field.type))
