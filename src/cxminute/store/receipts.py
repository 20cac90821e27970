"""Receipts: what remembers that a (source, messageId) was received, for thirty days by receipt, on disk.

A receipt is 16 bytes: 112 bits of a keyed hash and the day. They lie in sorted runs, immutable files opened by memory
map; which runs count is a table of the state, changed in the transaction that makes the events part of the log. Each
commit adds a run; runs of about one size are merged, block by block, so that there are few and memory stays flat.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, insert, select

from cxminute.model.errors import BrokenStore
from cxminute.store import failpoints
from cxminute.store.arrays import make_folder, settle_folder
from cxminute.store.schema import RECEIPTS

KEPT_DAYS: Final = 30
"""A message id is known for so many days after the day of its receipt, in UTC."""
LAST_DAY: Final = 2**16 - 1
"""The last day that a receipt can name, of those since 1970."""
FAN: Final = 4
"""Runs of one size before they become one."""
AT_ONCE: Final = 4_000_000
"""Receipts that a commit merges on its way at most: half a second. Larger merges are for `settle`."""
_LEAST: Final = 4_096
_BLOCK: Final = 1 << 20  # receipts of a block while merging: 16 MB, a few times
_MAGIC: Final = b"cxmrun01"
_HEADER: Final = 32
_HIGH: Final = np.uint64(2**64 - 2**16)

Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Keys:
    """Hashes of (source, messageId): 64 bits, and 48 bits above 16 that are the day (0 where it is not said yet)."""

    high: Words
    low: Words

    def __len__(self) -> int:
        """How many."""
        return len(self.high)

    def take(self, chosen: NDArray[np.int64] | Mask) -> Keys:
        """Some of them."""
        return Keys(self.high[chosen], self.low[chosen])

    def on(self, days: NDArray[np.int64]) -> Keys:
        """Receipts: these keys, received on these days."""
        return Keys(self.high, (self.low & _HIGH) | days.astype(np.uint64))


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the state names it: its file, how many receipts, and the first and last day of them."""

    file: str
    rows: int
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction is to change: runs that are on disk and shall count, and such as they stand for."""

    added: tuple[Run, ...] = ()
    replaced: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A run's file in memory: the two halves of its receipts, in order."""

    memory: mmap.mmap
    high: Words
    low: Words


def hashed(secret: bytes, source: str, ids: pa.Array) -> Keys:
    """The keys of message ids of one source. Without the project's secret nobody can make two ids meet."""
    start = blake2b(source.encode(), digest_size=14, key=blake2b(secret).digest(), person=b"receipt")
    copy = start.copy
    made = bytearray()
    for word in ids.cast(pa.binary()).to_pylist():
        one = copy()
        one.update(b"\0" + word)
        made += one.digest()
    parts = np.frombuffer(bytes(made), np.uint8).reshape(-1, 14)
    words = np.zeros((len(parts), 16), np.uint8)
    words[:, :8] = parts[:, :8]
    words[:, 10:] = parts[:, 8:]
    both = words.view("<u8")
    return Keys(np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1]))


class Receipts:
    """The receipts of one project: files below `folder`, named by rows of the state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, _Mapped] = {}

    def runs(self, connection: Connection) -> list[Run]:
        """The runs that count, the largest first."""
        c = RECEIPTS.c
        rows = connection.execute(select(c.file, c.rows, c.first_day, c.last_day).order_by(c.rows.desc(), c.id))
        found = [Run(*row) for row in rows]
        for gone in self._open.keys() - {run.file for run in found}:
            del self._open[gone]
        return found

    def known(self, runs: Sequence[Run], keys: Keys, days: NDArray[np.int64]) -> Mask:
        """Which keys, received on these days, were received before: at most KEPT_DAYS days earlier, or later."""
        found = np.zeros(len(keys), np.bool_)
        if not len(keys):
            return found
        order = np.argsort(keys.high)  # in order, so that neighbours are looked up in the same pages of the file
        high, low = keys.high[order], keys.low[order] & _HIGH
        since = (days[order] - KEPT_DAYS).clip(0).astype(np.uint64)
        met = np.zeros(len(keys), np.bool_)
        for run in runs:
            if run.last_day >= int(since.min()):
                met |= _met(*self._mapped(run), high, low, since)
        found[order] = met
        self._let_go()
        return found

    def add(self, runs: Sequence[Run], receipts: Keys, horizon: int) -> Change:
        """Writes receipts as a run, together with those runs that it makes too many of one size.

        horizon: receipts of earlier days may go
        """
        if not len(receipts):
            return Change()
        ordered = receipts.take(np.lexsort((receipts.low, receipts.high)))
        chosen = _mates(runs, len(ordered), AT_ONCE)
        return Change((self._write([(ordered.high, ordered.low), *map(self._mapped, chosen)], horizon),), tuple(chosen))

    def settle(self, runs: Sequence[Run], horizon: int) -> Change:
        """The next merge that a commit had no time for, or runs of which every receipt is past; else no change."""
        past = [run for run in runs if run.last_day < horizon]
        if past:
            return Change(replaced=tuple(past))
        for at, run in enumerate(runs):
            mates = _mates([*runs[:at], *runs[at + 1 :]], run.rows, None)
            if mates:
                chosen = (run, *mates)
                return Change((self._write([self._mapped(each) for each in chosen], horizon),), chosen)
        return Change()

    def without(self, runs: Sequence[Run], keys: Keys) -> Change:
        """The runs without some keys, of whatever day: these ids are new again."""
        if not len(keys):
            return Change()
        order = np.lexsort((keys.low, keys.high))
        gone = (keys.high[order], keys.low[order] & _HIGH)
        added, replaced = [], []
        for run in runs:
            high, low = self._mapped(run)
            since = np.zeros(len(gone[0]), np.uint64)
            if _met(high, low, *gone, since).any():
                replaced.append(run)
                added.append(self._write([(high, low)], 0, gone))
        return Change(tuple(run for run in added if run.rows), tuple(replaced))

    def commit(self, connection: Connection, change: Change) -> None:
        """Makes a change count, in the transaction of what it belongs to."""
        gone = [run.file for run in change.replaced]
        if gone:
            connection.execute(delete(RECEIPTS).where(RECEIPTS.c.file.in_(gone)))
        rows = [
            {"file": run.file, "rows": run.rows, "first_day": run.first_day, "last_day": run.last_day}
            for run in change.added
            if run.rows
        ]
        if rows:
            connection.execute(insert(RECEIPTS), rows)

    def retire(self, change: Change, at: int) -> None:
        """Notes on replaced files since when nothing names them: who copies the project may still be reading them."""
        for run in change.replaced:
            self._open.pop(run.file, None)
            with suppress(FileNotFoundError):
                os.utime(self.folder / run.file, (at / 1000, at / 1000))

    def check(self, runs: Sequence[Run]) -> None:
        """Refuses the receipts where a run is missing, cut off or out of order."""
        for run in runs:
            high, low = self._mapped(run)
            for start in range(0, run.rows, _BLOCK):
                part = high[start : start + _BLOCK + 1]
                days = low[start : start + _BLOCK] & ~_HIGH
                if (part[1:] < part[:-1]).any() or days.min() < run.first_day or days.max() > run.last_day:
                    raise _damaged(run.file)

    def sweep(self, runs: Sequence[Run], before: int) -> None:
        """Removes files that no run is, and that nothing has named since a moment (UTC ms)."""
        named = {run.file for run in runs}
        for file in self.folder.glob("*"):
            if file.name not in named and file.stat().st_mtime * 1000 < before:
                file.unlink(missing_ok=True)

    def _mapped(self, run: Run) -> tuple[Words, Words]:
        if run.file not in self._open:
            self._open[run.file] = _map(self.folder / run.file, run.rows)
        mapped = self._open[run.file]
        return mapped.high, mapped.low

    def _let_go(self) -> None:
        """Lets the machine count what was read of large runs as its cache again, and not as this process's memory."""
        for mapped in self._open.values():
            if len(mapped.high) > _BLOCK:
                mapped.memory.madvise(mmap.MADV_DONTNEED)

    def _write(
        self, parts: Sequence[tuple[Words, Words]], horizon: int, gone: tuple[Words, Words] | None = None
    ) -> Run:
        """Some sorted runs as one, block by block, without days before the horizon and without the keys `gone`."""
        most = sum(len(high) for high, _ in parts)
        make_folder(self.folder)
        name = f"{uuid4().hex}.run"
        temporary = self.folder / f".{name}"
        rows, first, last = 0, 2**16, 0
        beyond = _HEADER + 8 * most
        with temporary.open("wb") as highs, temporary.open("r+b") as lows:
            highs.seek(_HEADER)
            lows.seek(beyond)
            for block in _blocks(parts):
                high, low = _merged(block, horizon, gone)
                if len(high):
                    days = low & ~_HIGH
                    rows, first, last = rows + len(high), min(first, int(days.min())), max(last, int(days.max()))
                    highs.write(high.astype("<u8").tobytes())
                    lows.write(low.astype("<u8").tobytes())
                self._let_go()
            highs.seek(0)
            highs.write(_MAGIC + np.array([rows, beyond, 0], "<u8").tobytes())
            highs.flush()
            lows.flush()
            os.fsync(lows.fileno())
        failpoints.at("receipts.written")
        temporary.replace(self.folder / name)
        settle_folder(self.folder)
        failpoints.at("receipts.renamed")
        return Run(name, rows, first, last)


def _mates(runs: Sequence[Run], rows: int, most: int | None) -> list[Run]:
    """The runs to merge with one of so many rows: all of its size where they are too many, and so on upwards."""
    chosen: list[Run] = []
    total = rows
    while True:
        mates = [run for run in runs if run not in chosen and _size(run.rows) == _size(total)]
        more = sum(run.rows for run in mates)
        if len(mates) < FAN - 1 or (most is not None and total + more > most):
            return chosen
        chosen += mates
        total += more


def _size(rows: int) -> int:
    """Runs are of one size within a factor of FAN."""
    size = 0
    while rows > _LEAST:
        rows //= FAN
        size += 1
    return size


def _met(run_high: Words, run_low: Words, high: Words, low: Words, since: Words) -> Mask:
    """Which of the keys the run has, received on the day `since` or later."""
    found = np.zeros(len(high), np.bool_)
    place = np.searchsorted(run_high, high)
    asked = np.flatnonzero(place < len(run_high))
    asked = asked[run_high[place[asked]] == high[asked]]
    while len(asked):  # mostly once: two keys of a hundred million rarely share 64 bits
        there = run_low[place[asked]]
        same = ((there & _HIGH) == low[asked]) & ((there & ~_HIGH) >= since[asked])
        found[asked[same]] = True
        place[asked] += 1
        asked = asked[~same & (place[asked] < len(run_high))]
        asked = asked[run_high[place[asked]] == high[asked]]
    return found


def _blocks(parts: Sequence[tuple[Words, Words]]) -> Iterator[list[tuple[Words, Words]]]:
    """The same stretch of keys of all parts, about _BLOCK receipts at once: hashes are spread evenly."""
    many = max(1, sum(len(high) for high, _ in parts) // _BLOCK)
    edges = [np.uint64(2**64 * block // many) for block in range(1, many)]
    cuts = [np.searchsorted(high, np.array(edges, np.uint64)).tolist() if edges else [] for high, _ in parts]
    for block in range(many):
        taken = []
        for (high, low), places in zip(parts, cuts, strict=True):
            start = places[block - 1] if block else 0
            stop = places[block] if block < many - 1 else len(high)
            taken.append((high[start:stop], low[start:stop]))
        yield taken


def _merged(
    block: Iterable[tuple[Words, Words]], horizon: int, gone: tuple[Words, Words] | None
) -> tuple[Words, Words]:
    highs, lows = zip(*block, strict=True)
    high, low = np.concatenate(highs), np.concatenate(lows)
    order = np.argsort(high, kind="stable")  # sorted stretches one after the other: little more than a merge
    high, low = high[order], low[order]
    if (high[1:] == high[:-1]).any():
        order = np.lexsort((low, high))
        high, low = high[order], low[order]
        same = (high[1:] == high[:-1]) & ((low[1:] & _HIGH) == (low[:-1] & _HIGH))
        kept = np.append(~same, True) if len(high) else same  # of one key the latest day
        high, low = high[kept], low[kept]
    kept = (low & ~_HIGH) >= np.uint64(max(horizon, 0))
    if gone is not None:
        kept &= ~_met(*gone, high, low & _HIGH, np.zeros(len(high), np.uint64))
    return (high, low) if kept.all() else (high[kept], low[kept])


def _map(path: Path, rows: int) -> _Mapped:
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        raw = np.frombuffer(memory, np.uint8)
        told, beyond, _ = raw[8:_HEADER].view("<u8").tolist()
        whole = raw[:8].tobytes() == _MAGIC and told == rows and len(raw) == beyond + 8 * rows
    except FileNotFoundError as fault:
        raise BrokenStore("A run of receipts is missing.", file=path.name, then="Restore it from a backup.") from fault
    except (OSError, ValueError) as fault:
        raise _damaged(path.name) from fault
    if not whole:
        raise _damaged(path.name)
    parts = (raw[start : start + 8 * rows].view("<u8") for start in (_HEADER, beyond))
    return _Mapped(memory, *parts)


def _damaged(file: str) -> BrokenStore:
    return BrokenStore("A run of receipts is damaged.", file=file, then="Restore it from a backup.")
