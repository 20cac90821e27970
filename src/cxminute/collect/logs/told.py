"""What a process log tells, on its way to rows: columns that grow event by event, and the same out of quarantine.

A row is one event: `record` and `ordinal` (what it is known by again), `kind`, `event`, `at`, a column
`identifiers.KIND` per kind, and beside the table what else it says, JSON of `properties`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cxminute.collect.moments import moments
from cxminute.collect.rejects import Rejects
from cxminute.collect.rows import Rows
from cxminute.collect.seen import Counts
from cxminute.collect.source import Source
from cxminute.collect.values import Read, trimmed
from cxminute.collect.zones import LAST
from cxminute.model.tables import MOMENT

_USUAL: Final = (
    r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
encode: Final = msgspec.json.Encoder().encode

APART: Final = "\x1f"
"""Between the parts of a record."""
FINE: Final = re.compile(r"\.[0-9]{3}[0-9]*[1-9]")
"""A time finer than a millisecond."""
DEEP: Final = "too_deep"

Refused = tuple[int, str, str, str]
"""A piece that is no event at all: position, reason, detail, what quarantine keeps."""


@dataclass(slots=True)
class Told:
    """Events column by column, all of one length; rows of `identifiers` may be shorter: the rest have none.

    records:     what tells the event from others: told again just so, it is the same
    names, times: as written; None where they are not
    rests:       JSON text of {properties: ...}
    positions:   of the event in its file
    ordinals:    how often the record came before in the file, where that is known; else it is counted
    refused:     what is no event at all
    """

    records: list[str] = field(default_factory=list)
    kinds: list[str | None] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    times: list[str | None] = field(default_factory=list)
    identifiers: dict[str, list[str | None]] = field(default_factory=dict)
    rests: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    ordinals: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    read: Read | None = None
    """The times of the first events, where they were read already."""

    def __len__(self) -> int:
        """How many events."""
        return len(self.records)

    @property
    def covers(self) -> int:
        """How many events of the file it has, good or refused."""
        return len(self.records) + sum(position >= 0 for position, *_ in self.refused)

    def earliest(self, source: Source, known: int | None = None) -> int | None:
        """The earliest time of its events and `known`, UTC ms; None where there is none."""
        self.read = instants(self.times, source)
        found = pc.min(self.read.values.cast(pa.int64())).as_py()
        return min((at for at in (found, known) if at is not None), default=None)

    def identify(self, kind: str, value: str) -> None:
        """Gives the last event an identifier."""
        column = self.identifiers.setdefault(kind, [])
        column.extend([None] * (len(self.records) - 1 - len(column)))
        column.append(value)

    def cut(self, size: int) -> Told:
        """Takes the first `size` events out, and whatever was refused so far."""
        made = Told(refused=self.refused)
        self.refused = []
        for name in ("records", "kinds", "names", "times", "rests", "positions"):
            column = getattr(self, name)
            setattr(made, name, column[:size])
            setattr(self, name, column[size:])
        made.identifiers = {kind: column[:size] for kind, column in self.identifiers.items()}
        self.identifiers = {kind: column[size:] for kind, column in self.identifiers.items()}
        return made


class Lines(Sequence[str]):
    """What quarantine would keep of each event: made when it is asked for, which is of few."""

    def __init__(self, told: Told, places: NDArray[np.int64], ordinals: NDArray[np.int64]) -> None:
        self._told, self._places, self._ordinals = told, places, ordinals

    def __len__(self) -> int:
        """One for each row."""
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        """The text of a row: JSON."""
        return line(self._told, int(self._places[place]), int(self._ordinals[place]))

    def __iter__(self) -> Iterator[str]:
        """All of them."""
        return (self[place] for place in range(len(self)))


def line(told: Told, place: int, ordinal: int = 0) -> str:
    """An event as quarantine keeps it: JSON with event, at, identifiers and properties."""
    said: dict[str, Any] = {
        "event": told.names[place],
        "at": told.times[place],
        "kind": told.kinds[place],
        "record": told.records[place],
        "again": ordinal or None,
    }
    ids = {kind: column[place] for kind, column in told.identifiers.items() if place < len(column) and column[place]}
    said = {key: value for key, value in said.items() if value is not None} | {"identifiers": ids}
    return encode({**said, **_decode(told.rests[place])}).decode()


def again(rows: Sequence[str], positions: Sequence[int]) -> Told:
    """Events that lie in quarantine, as `line` wrote them; what is no such text is refused again."""
    told = Told()
    for row, position in zip(rows, positions, strict=True):
        try:
            found = _decode(row)
        except msgspec.DecodeError:
            told.refused.append((position, "bad_json", "It is no event of a process log as JSON.", row))
            continue
        if "event" not in found and "at" not in found:  # it could not be told of, and lies here as it was
            reason = DEEP if DEEP in found else "bad_shape"
            told.refused.append((position, reason, "Mend the file and collect it again.", row))
            continue
        ids = found.get("identifiers") or {}
        if not isinstance(ids, dict) or not isinstance(found.get("properties") or {}, dict):
            told.refused.append((position, "bad_shape", "'identifiers' and 'properties' are objects.", row))
            continue
        told.records.append(str(found.get("record") or row))
        told.kinds.append(_text(found.get("kind")))
        told.names.append(_text(found.get("event")))
        told.times.append(_text(found.get("at")))
        told.rests.append(encode({"properties": found.get("properties") or {}}).decode())
        told.positions.append(position)
        told.ordinals.append(found["again"] if isinstance(found.get("again"), int) else 0)
        for kind, value in ids.items():
            told.identify(kind, str(value))
    return told


def rows_of(told: Told, source: Source, first: int, covers: int, counts: Counts | None = None) -> Rows:
    """A chunk of rows; events without a name or a time, or with one that is none, are set apart with their reason.

    covers: how many events of the file the chunk is of
    counts: how often each record came before, in this file
    """
    rejects = Rejects(source.name)
    for refused in told.refused:
        rejects.add(*refused)
    names, times = pa.array(told.names, pa.string()), pa.array(told.times, pa.string())
    read = _read(told, source)
    nameless = _blank(names)
    timeless = _blank(times)
    wrong = read.faults.get("bad_time", np.zeros(len(told), np.bool_))
    bad = nameless | timeless | wrong
    ordinals = _ordinals(told, counts)
    faults = (("no_name", nameless, "concept:name or type says what happened"), ("no_time", timeless, "a time"))
    for place in np.flatnonzero(bad).tolist():
        reason, detail = "bad_time", "'at' cannot be read as a time. Allowed: ISO 8601."
        for known, mask, wanted in faults[::-1]:
            if mask[place]:
                reason, detail = known, f"The event has none: {wanted}."
        rejects.add(told.positions[place], reason, detail, line(told, place, int(ordinals[place])))
    places = np.flatnonzero(~bad)
    chosen = pa.array(places)
    columns: dict[str, pa.Array] = {
        "record": pa.array(told.records, pa.string()),
        "ordinal": pc.cast(pa.array(ordinals, pa.int64()), pa.string()),
        "kind": pa.array(told.kinds, pa.string()),
        "event": names,
        "at": read.values.cast(MOMENT),
    }
    for kind, column in told.identifiers.items():
        full = [*column, *[None] * (len(told) - len(column))]
        columns[f"identifiers.{kind}"] = pa.array(full, pa.string())
    rests = pa.array(told.rests, pa.string())
    if len(places) < len(told):
        columns = {name: column.take(chosen) for name, column in columns.items()}
        rests = rests.take(chosen)
    positions = np.array(told.positions, dtype=np.int64)[places]
    lines = Lines(told, places, ordinals[places])
    return Rows(pa.table(columns), first, rejects.table(), positions, lines, rests, covers=covers)


def instants(times: Sequence[str | None], source: Source) -> Read:
    """Times as `moments` reads them: all at once, where all are written as XES and OCEL have them."""
    column = pa.array(times, pa.string())
    if not source.times and pc.all(pc.match_substring_regex(column, _USUAL)).as_py():
        try:
            fine = pc.cast(column, pa.timestamp("us", tz="UTC"))
        except pa.ArrowInvalid:  # some 30th of February: read one by one, which tells it from the others
            return moments(column, source.times, source.zone)
        whole = fine.cast(pa.int64()).fill_null(0).to_numpy() // 1_000
        if not len(whole) or whole.max() < LAST:
            return Read(pa.array(whole, pa.int64(), mask=fine.is_null().to_numpy(zero_copy_only=False)).cast(MOMENT))
    return moments(column, source.times, source.zone)


def _read(told: Told, source: Source) -> Read:
    before = told.read
    if before is None:
        return instants(told.times, source)
    after = instants(told.times[len(before.values) :], source)
    bad = [found.faults.get("bad_time", np.zeros(len(found.values), np.bool_)) for found in (before, after)]
    return Read(pa.concat_arrays([before.values, after.values]), {"bad_time": np.concatenate(bad)})


def _ordinals(told: Told, counts: Counts | None) -> NDArray[np.int64]:
    if told.ordinals:
        return np.array(told.ordinals, np.int64)
    hashes = np.fromiter(map(hash, told.records), np.int64, len(told)).view(np.uint64)
    return (counts or Counts()).ordinals(hashes)


def _blank(column: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.is_null(trimmed(column)).to_numpy(zero_copy_only=False)
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)
