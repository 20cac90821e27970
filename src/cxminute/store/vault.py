"""The vault: which person, order or cookie a number stands for, and every personal value; apart from the log.

The log and the index hold numbers only. Numbers are dense in their space and given in order of first appearance, so
that the same input in the same order gives the same numbers.

What an identifier says lies sealed under a key of its own, and what events told of a person under that of the profile
(docs/adr/0017). An identifier is found again by a keyed digest, which tells nobody what it was made of.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from cxminute.model import identifiers
from cxminute.store import destroying, failpoints
from cxminute.store.destroying import PERSONAL_KEYS
from cxminute.store.keyring import Keyring
from cxminute.store.schema import COLLECTS, IDENTIFIERS, PERSONAL
from cxminute.store.sealing import seal, unseal
from cxminute.store.state import among, batches, insert_rows, mark_of, writing

PERSON_KINDS = ("user_id", "anonymous_id")
"""Kinds of identifier that name a person by themselves; they share the space 'person' with those of `LINKING`. Every
other kind is a space of its own."""
LINKING = "@"
"""Begins the kind of a value by which people are recognised: '@email', '@phone', '@device_id'. Whatever a source calls
`email` among its [identifiers] is a space of its own, as ever."""

APART = identifiers.APART
"""Stands between a source and its own identifier, where its contract lets nobody link it."""

ERASED = "\x1ferased "
"""Stands, with its number, in place of what an identifier said before it was erased; no sender's id begins so."""
UNREADABLE = "\x1funreadable "
"""Stands, with its number, in place of what an identifier says whose key is not there."""
REMOVALS = "removals"
"""The space that counts, in one row, how often identifiers were erased."""
CLEAR = "clear"
"""The space whose one row says that values of an older version are still to be sealed."""
Who = tuple[str, int]
"""An identifier: its space, and its number there."""

_PEOPLE: Final = pa.schema(
    [("number", pa.int64()), ("kind", pa.dictionary(pa.int32(), pa.string())), ("stable", pa.uint64()),
     ("apart", pa.string())]
)  # fmt: skip

_NUMBERED: Final = IDENTIFIERS.c.space.not_in((REMOVALS, CLEAR))
_MET = 2_000_000  # identifiers of a kind remembered in memory: about 300 MB
_DIGITS: Final = 16  # of a digest: as many as make 64 bits
_ROWS: Final = 1_000_000  # read at a time


def space_of(kind: str) -> str:
    """The space that a kind of identifier is numbered in."""
    return "person" if is_of_person(kind) else kind


def is_of_person(kind: str) -> bool:
    """Whether identifiers of this kind belong to a person, and share the space 'person'."""
    return kind in PERSON_KINDS or kind.startswith(LINKING)


class Vault:
    """Numbers for identifiers, and the personal values of events.

    keyring: keys of identifiers
    secret:  the project's own key for digests
    """

    def __init__(self, state: Engine, keyring: Keyring, secret: bytes) -> None:
        self._state, self._keyring = state, keyring
        self._digest = Digest(secret)
        self._met: dict[str, dict[str, int]] = {}  # by kind: numbers never change, so they need asking only once
        self._removals = 0

    def digest(self, kind: str, value: str) -> str:
        """The keyed digest by which an identifier is found again: 32 hexadecimal digits."""
        return self._digest.of(kind, [value])[0]

    def digests(self, kind: str, values: Iterable[str]) -> list[str]:
        """The same of many values of a kind."""
        return self._digest.of(kind, values)

    def intern(self, kind: str, values: pa.ChunkedArray) -> pa.Array:
        """The number of each value (int64), new numbers for new values; null stays null."""
        coded = values.combine_chunks().dictionary_encode() if isinstance(values, pa.ChunkedArray) else values
        words: list[str] = coded.dictionary.to_pylist()
        numbers = pa.array(self._numbers(kind, words), pa.int64())
        return pc.take(numbers, coded.indices)

    def number(self, kind: str, value: str) -> int | None:
        """The number of one value, or None where it never came."""
        c = IDENTIFIERS.c
        with self._state.connect() as connection:
            return connection.execute(
                select(c.number).where(
                    c.space == space_of(kind), c.kind == kind, c.value == self.digest(kind, value)
                ),
            ).scalar()  # fmt: skip

    def names(self, kind: str, numbers: Sequence[int]) -> list[str]:
        """What the numbers of one kind stand for, in alphabetical order; numbers of other kinds are left out."""
        return sorted(self.called(kind, numbers).values())

    def called(self, kind: str, numbers: Sequence[int]) -> dict[int, str]:
        """What each number of a kind stands for; numbers of other kinds are left out.

        Of one that was erased, ERASED and its number; of one whose key is not there, UNREADABLE and its number; both
        after the source, where only that one knew it.
        """
        return {number: said for number, (_, said) in self._called(space_of(kind), numbers, (kind,)).items()}

    def called_people(self, numbers: Sequence[int], kinds: Collection[str] | None = None) -> dict[int, tuple[str, str]]:
        """Of identifiers of people the kind, and what each stands for, as of `called`; kinds: only of these."""
        return self._called("person", numbers, kinds)

    def _called(self, space: str, numbers: Sequence[int], kinds: Collection[str] | None) -> dict[int, tuple[str, str]]:
        c = IDENTIFIERS.c
        found: dict[int, tuple[str, str]] = {}
        for part in batches(numbers):
            some = c.number.in_([int(number) for number in part])
            query = select(c.number, c.kind, c.value, c.apart, c.sealed).where(c.space == space, some)
            with self._state.connect() as connection:  # asked for the kind, SQLite reads all that are of it
                rows = [row for row in connection.execute(query) if kinds is None or row.kind in kinds]
            keys = self._keyring.held(space, [row.number for row in rows])
            for row, said in zip(rows, unseal(keys, [row.sealed for row in rows]), strict=True):
                found[row.number] = (row.kind, _unsaid(row) if said is None else said)
        return found

    def kinds(self) -> frozenset[str]:
        """Every kind of which it has numbered an identifier."""
        with self._state.connect() as connection:
            query = select(IDENTIFIERS.c.kind).where(_NUMBERED).distinct()
            return frozenset(connection.execute(query).scalars())

    def people(self, first: int = 0) -> pa.Table:
        """Every identifier of the space 'person' from a number on, by number.

        returns: number (int64), kind (dictionary of strings), stable (uint64: the beginning of its digest, and so
                 the same in whatever order identifiers came; of one that was erased its number), apart (the one source
                 that knows it; '' for all)
        """
        with self._state.connect() as connection:
            starts = range(first, highest(connection, "person") + 1, _ROWS)
            parts = [_people(connection, start, start + _ROWS) for start in starts]
        return pa.concat_tables([_PEOPLE.empty_table(), *parts]).unify_dictionaries()

    def erase(self, who: Iterable[Who]) -> None:
        """Lets identifiers keep their number and lose what they say; whoever comes again is a new one.

        Their keys are destroyed after the commit: what was sealed under them cannot be read again, here or elsewhere.
        """
        with writing(self._state).begin() as connection:
            erase(connection, who)
        failpoints.at("keys.noted")
        destroying.carry_out(self._state, self._keyring)

    def _numbers(self, kind: str, words: Sequence[str]) -> NDArray[np.int64]:
        if (made := removals(self._state)) != self._removals:  # what was erased is not to be known again
            self._met, self._removals = {}, made
        met = self._met.setdefault(kind, {})
        if len(met) > _MET:
            met.clear()
        unmet = [word for word in words if word not in met]
        if unmet:
            digests = self._digest.of(kind, unmet)
            with self._state.connect() as connection:
                known = _known(connection, space_of(kind), kind, digests)
            new = {}
            for word, digest in zip(unmet, digests, strict=True):
                if (number := known.get(digest)) is None:
                    new[word] = digest
                else:
                    met[word] = number
            if new:
                met.update(zip(new, self._add(kind, new), strict=True))
        return np.fromiter(map(met.__getitem__, words), np.int64, len(words))

    def _add(self, kind: str, new: Mapping[str, str]) -> range:
        """New numbers for words, in their order; new: word -> digest."""
        space = space_of(kind)
        with writing(self._state).begin() as connection:
            first = highest(connection, space) + 1
            numbers = range(first, first + len(new))
            sealed = seal(self._keyring.usable(space, numbers), tuple(new))
            rows = [
                (space, number, kind, digest, source_of(word), body)
                for number, (word, digest), body in zip(numbers, new.items(), sealed, strict=True)
            ]
            insert_rows(connection, IDENTIFIERS, ("space", "number", "kind", "value", "apart", "sealed"), rows)
        return numbers


class Digest:
    """Keyed digests of identifiers (BLAKE2b, RFC 7693): 16 bytes over kind and value, hexadecimal.

    secret: the project's own key
    of:     what else is called by one: of equal words the digests differ
    """

    def __init__(self, secret: bytes, of: bytes = b"") -> None:
        self._secret, self._of = secret[: hashlib.blake2b.MAX_KEY_SIZE], of

    def of(self, kind: str, values: Iterable[str]) -> list[str]:
        """The digest of each value of a kind."""
        begun = hashlib.blake2b(f"{kind}\0".encode(), digest_size=16, key=self._secret, person=self._of)
        found = []
        for value in values:
            made = begun.copy()
            made.update(value.encode("utf-8", "surrogatepass"))
            found.append(made.hexdigest())
        return found


def erase(connection: Connection, who: Iterable[Who]) -> None:
    """As `Vault.erase`, within a transaction; `destroying.carry_out` has to follow the commit."""
    c = IDENTIFIERS.c
    spaces = by_space(who)
    if not spaces:
        return
    for space, numbers in spaces.items():
        for some in batches(numbers):
            these = (c.space == space, c.number.in_(some))
            said = literal(ERASED) + cast(c.number, Text)
            connection.execute(update(IDENTIFIERS).where(*these).values(value=said, sealed=None))
        destroying.note(connection, space, numbers)
    made = max(highest(connection, REMOVALS), 0)
    connection.execute(delete(IDENTIFIERS).where(c.space == REMOVALS))  # whoever remembers numbers, forgets them
    row = {"space": REMOVALS, "number": made + 1, "kind": REMOVALS, "value": str(made + 1)}
    connection.execute(insert(IDENTIFIERS).values(**row))


def by_space(who: Iterable[Who]) -> dict[str, list[int]]:
    """The numbers of identifiers by their space, both ascending."""
    spaces: dict[str, list[int]] = {}
    for space, number in sorted(who):
        spaces.setdefault(space, []).append(int(number))
    return spaces


def highest(connection: Connection, space: str) -> int:
    """The largest number that a space has given out; -1 for none."""
    c = IDENTIFIERS.c
    found = connection.execute(select(func.max(c.number)).where(c.space == space)).scalar()
    return -1 if found is None else int(found)


def spaces_of(connection: Connection) -> dict[str, int]:
    """Every space of identifiers, by name, with the largest number that it has given out."""
    c = IDENTIFIERS.c
    query = select(c.space, func.max(c.number)).where(_NUMBERED).group_by(c.space).order_by(c.space)
    return {str(space): int(number) for space, number in connection.execute(query)}


def removals(state: Engine) -> int:
    """How often identifiers were erased: what was derived of them before is made again."""
    with state.connect() as connection:
        return max(highest(connection, REMOVALS), 0)


def source_of(value: str) -> str:
    """The one source that knows an identifier; '' for all."""
    return value.partition(APART)[0] if APART in value else ""


def _unsaid(row: Any) -> str:
    """What stands in place of an identifier that cannot be told."""
    source = f"{row.apart}{APART}" if row.apart else ""
    return f"{source}{ERASED if row.value.startswith(ERASED) else UNREADABLE}{row.number}"


def _people(connection: Connection, first: int, end: int) -> pa.Table:
    """Identifiers of persons of a range of numbers. Each column comes as one text: a third of the time of rows."""
    c = IDENTIFIERS.c
    erased = c.value.startswith(ERASED)
    digests = case((erased, "0" * _DIGITS), else_=func.substr(c.value, 1, _DIGITS))
    columns = [cast(c.number, Text), c.kind, digests, c.apart, case((erased, "1"), else_="0")]
    query = select(*(func.string_agg(column, "\n") for column in columns))
    found = connection.execute(query.where(c.space == "person", c.number >= first, c.number < end)).one()
    if found[0] is None:
        return _PEOPLE.empty_table()
    said = [pc.list_flatten(pc.split_pattern(pa.array([text], pa.large_string()), "\n")) for text in found]
    numbers = said[0].cast(pa.int64())
    stable = np.where(np.asarray(pc.equal(said[4], "1")), np.asarray(numbers).astype(np.uint64), _stable(found[2]))
    table = pa.Table.from_arrays([numbers, said[1], pa.array(stable), said[3]], _PEOPLE.names)
    return table.cast(_PEOPLE).sort_by("number")


def _stable(digests: str) -> NDArray[np.uint64]:
    """The number that the hexadecimal digits of each line are."""
    digits = np.frombuffer(digests.encode() + b"\n", np.uint8).reshape(-1, _DIGITS + 1)[:, :_DIGITS]
    nibbles = np.where(digits >= ord("a"), digits - (ord("a") - 10), digits - ord("0")).astype(np.uint8)
    packed = nibbles[:, ::2] << 4 | nibbles[:, 1::2]
    found: NDArray[np.uint64] = np.ascontiguousarray(packed).view(">u8").ravel().astype(np.uint64)
    return found


def _known(connection: Connection, space: str, kind: str, words: Sequence[str]) -> dict[str, int]:
    """The numbers of those digests that have one; all go as one parameter, so that the query is one of few."""
    mark, (one_of, asked) = mark_of(connection), among(connection, words)
    query = f"SELECT value, number FROM identifiers WHERE space = {mark} AND kind = {mark} AND value {one_of}"  # noqa: S608 -- constants
    return dict(connection.exec_driver_sql(query, (space, kind, asked)).fetchall())


def called_events(keyring: Keyring, source: str, ids: Iterable[str]) -> list[str]:
    """What the vault calls events of a source: keyed digests of their ids, which their senders gave them."""
    return Digest(keyring.secret(), b"event").of(source, ids)


def keys_called(keyring: Keyring, events: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """By what the vault calls it, each of some events (source, id)."""
    found: dict[str, tuple[str, str]] = {}
    sources: dict[str, list[str]] = {}
    for source, event in events:
        sources.setdefault(source, []).append(event)
    for source, ids in sources.items():
        found.update(zip(called_events(keyring, source, ids), ((source, one) for one in ids), strict=True))
    return found


def put_personal(
    connection: Connection, keyring: Keyring, source: str, collect: int, part: int, personal: pa.Table
) -> None:
    """Keeps personal values: a table with `id` and `profile` of the event, and a column per path, null where absent.

    An event is called by a keyed digest of its source and id. Its values are sealed under the key of its profile, or
    under one of their own where it has none.
    """
    paths = [name for name in personal.column_names if name not in ("id", "profile")]
    full = [path for path in paths if personal[path].null_count < personal.num_rows]
    if not full:
        return
    said = _documents({path: _plain(personal[path]) for path in full})
    whose = zip(personal["id"].to_pylist(), personal["profile"].to_pylist(), said, strict=True)
    told = [one for one in whose if one[2] != "{}"]
    last = connection.execute(select(func.max(PERSONAL.c.id))).scalar() or 0
    ids = range(max(last, destroying.highest(connection, PERSONAL_KEYS)) + 1, sys.maxsize)
    owned = [profile for _, profile, _ in told if profile is not None]
    alone = [number for number, (_, profile, _) in zip(ids, told, strict=False) if profile is None]
    keys = dict(zip(owned, keyring.keys("person", owned), strict=True))
    own = dict(zip(alone, keyring.fresh(PERSONAL_KEYS, alone), strict=True))
    chosen = [own[number] if one[1] is None else keys[one[1]] for number, one in zip(ids, told, strict=False)]
    events = called_events(keyring, source, [event for event, *_ in told])
    sealed_all = seal(chosen, [one[2] for one in told])
    rows = [
        (number, collect, part, event, profile, "", sealed)
        for number, event, (_, profile, _), sealed in zip(ids, events, told, sealed_all, strict=False)
        if sealed is not None  # of one whose key is gone nothing is kept
    ]
    insert_rows(connection, PERSONAL, ("id", "collect", "part", "event", "profile", "document", "sealed"), rows)


def opened_personal(
    keyring: Keyring, rows: Sequence[tuple[int, int | None, bytes | None]]
) -> list[dict[str, Any] | None]:
    """What rows of the vault (id, profile, sealed) say: path -> value; None where the key is not there any more."""
    own = [number for number, profile, _ in rows if profile is None]
    owned = [profile for _, profile, _ in rows if profile is not None]
    alone = dict(zip(own, keyring.held(PERSONAL_KEYS, own), strict=True))
    theirs = dict(zip(owned, keyring.held("person", owned), strict=True))
    keys = [alone[number] if profile is None else theirs[profile] for number, profile, _ in rows]
    said = unseal(keys, [sealed for *_, sealed in rows])
    return [None if one is None else msgspec.json.decode(one) for one in said]


def told_of(connection: Connection, profiles: Collection[int], nameless: Collection[str] = ()) -> Iterator[Any]:
    """Rows of the vault of these profiles, and of these events, as it calls them, those that name nobody.

    Each has `id`, `event`, `profile`, `document`, `sealed` and the `source` of its event.
    """
    c = PERSONAL.c
    query = select(c.id, c.event, c.profile, c.document, c.sealed, COLLECTS.c.source)
    query = query.join(COLLECTS, COLLECTS.c.id == c.collect)
    for some in batches(sorted(set(profiles))):
        yield from connection.execute(query.where(c.profile.in_(some))).all()
    for events in batches(sorted(set(nameless))):
        yield from connection.execute(query.where(c.event.in_(events), c.profile.is_(None))).all()


def seal_anew(connection: Connection, keyring: Keyring, rows: Sequence[Any]) -> None:
    """Gives rows of the vault (id, profile, sealed) keys of their own: their profiles' are about to be destroyed.

    They are nobody's then. What no key opens stays as it is.
    """
    said = unseal(keyring.held("person", [row.profile for row in rows]), [row.sealed for row in rows])
    readable = [(row.id, text) for row, text in zip(rows, said, strict=True) if text is not None]
    keys = keyring.fresh(PERSONAL_KEYS, [number for number, _ in readable])
    for (number, _), sealed in zip(readable, seal(keys, [text for _, text in readable]), strict=True):
        change = update(PERSONAL).where(PERSONAL.c.id == number)
        connection.execute(change.values(profile=None, sealed=sealed))


def _documents(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """For each row, JSON of path -> value, without paths that have none."""
    encode, paths = msgspec.json.Encoder(enc_hook=str).encode, tuple(columns)
    if all(None not in column for column in columns.values()):
        return [encode(dict(zip(paths, row, strict=True))).decode() for row in zip(*columns.values(), strict=True)]
    return [
        encode({path: value for path, value in zip(paths, row, strict=True) if value is not None}).decode()
        for row in zip(*columns.values(), strict=True)
    ]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values as JSON has them; times as text, as they are read."""
    values = column.to_pylist()
    temporal = pa.types.is_temporal(column.type)
    return [None if value is None else str(value) for value in values] if temporal else values


def drop_personal(connection: Connection, *tests: ColumnElement[bool]) -> None:
    """Removes rows of the vault; `destroying.carry_out` has to follow the commit."""
    c = PERSONAL.c
    alone = connection.execute(select(c.id).where(c.profile.is_(None), *tests)).scalars().all()
    destroying.note(connection, PERSONAL_KEYS, alone)
    connection.execute(delete(PERSONAL).where(*tests))
