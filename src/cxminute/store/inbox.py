"""The inbox: calls that the door accepted, on disk before they are answered, until they are in the log.

Calls that are put together are kept together: one pack for each source. So a commit is one statement and one sync,
whatever it holds, and the worker reads hundreds of calls as one row. Numbers of calls grow by one from 1, in the order
in which commits became visible; a number is never used again. Bodies lie sealed (inbox_keys.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from cxminute.model.calls import Call
from cxminute.model.errors import BrokenStore
from cxminute.store.inbox_keys import InboxKeys

MOST_BYTES: Final = 64 << 20
"""Bytes of bodies that `take` hands out at once, unless one call alone has more."""


class Connection(Protocol):
    """What of a driver's connection this room knows."""

    def close(self) -> object:
        """Ends it."""


C = TypeVar("C", bound=Connection)
T = TypeVar("T")
_LOOKS: Final = 10
"""How often calls may leave under a look before it is told as a lost key."""
_Packed = list[tuple[int, str, str, int, bytes, bool, str]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


@dataclass(frozen=True, slots=True)
class Held:
    """A call as the inbox holds it, with its number."""

    number: int
    call: Call


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits of one source: calls, the items in them, bytes of their bodies, when the oldest came (UTC ms)."""

    source: str
    calls: int
    events: int
    bytes: int
    oldest: int


class Inbox(Protocol):
    """The inbox of one project. One object may be used by several threads, and several processes may have it open.

    All of it raises BrokenStore where the disk or the database does not do what it should (full, read-only, a sync
    that failed, no connection). Nothing in memory is trusted after that: what is asked next begins on a new connection.
    """

    @property
    def identity(self) -> str:
        """Random, and of this very inbox: one that was lost and made again never meets the old one's marks."""

    def put(self, calls: Sequence[Call]) -> None:
        """Keeps calls, all or none; on disk, synced, when this returns.

        When it raises, the calls may yet have been kept: to send them again is right, since receipts tell it.
        """

    def take(self, events: int, after: Mapping[str, int]) -> list[Held]:
        """The oldest calls, about so many items of them and at most MOST_BYTES, but one call at least.

        after: by source, the number up to which its calls are in the log: those are left out
        """

    def drop(self, upto: Mapping[str, int]) -> None:
        """Lets calls go that are in the log: by source, those up to a number.

        Calls that were put together go together, once all of them may.
        """

    def waiting(self, after: Mapping[str, int]) -> list[Waiting]:
        """What waits, by source, in order of name; `after` as of `take`."""

    def close(self) -> None:
        """Lets go of connections; the next use opens them again."""


def open_inbox(url: str, folder: Path) -> Inbox:
    """The inbox of the project whose state has this URL: a file of its own beside an embedded state, else its tables.

    raises: BrokenStore where it cannot be opened or was written by a newer version
    """
    if url.startswith("sqlite"):
        from cxminute.store.inbox_sqlite import SqliteInbox  # noqa: PLC0415 -- only one of the two drivers is needed

        return SqliteInbox(folder / "inbox.sqlite")
    from cxminute.store.inbox_postgresql import PostgresqlInbox  # noqa: PLC0415 -- likewise

    return PostgresqlInbox(url, folder)


@dataclass(frozen=True, slots=True)
class Pack:
    """Calls of one source that are put together, ready for a row: without the number, which the database gives."""

    source: str
    calls: int
    events: int
    size: int
    received_at: int
    pack: bytes

    @property
    def row(self) -> tuple[str, int, int, int, int, bytes]:
        """In the order of the table's columns."""
        return self.source, self.calls, self.events, self.size, self.received_at, self.pack


def packed(calls: Sequence[Call]) -> list[Pack]:
    """The calls by source, each source's in the order given."""
    sources: dict[str, list[Call]] = {}
    for call in calls:
        sources.setdefault(call.source, []).append(call)
    return [
        Pack(
            source,
            len(some),
            sum([call.events for call in some]),
            sum([len(call.body) for call in some]),
            some[0].received_at,
            _encode([(c.received_at, c.protocol, c.kind, c.events, c.body, c.gpc, c.peer) for c in some]),
        )
        for source, some in sources.items()
    ]


def sealed(packs: Sequence[Pack], seal: Callable[[bytes], bytes]) -> list[Pack]:
    """The packs as they are written."""
    return [replace(pack, pack=seal(pack.pack)) for pack in packs]


class KeyGone(BrokenStore):
    """What opens a pack is not there: it was lost, or went with the pack while somebody looked at it."""


def looked(look: Callable[[], T]) -> T:
    """What a look at the calls finds; where some left while it was taken, and their key with them, the next one."""
    for _ in range(_LOOKS):
        with suppress(KeyGone):
            return look()
    return look()


def unpacked(source: str, first: int, pack: bytes, keys: InboxKeys) -> list[Held]:
    """The calls of a pack whose first call has the number `first`."""
    said = keys.opened(pack)
    if said is None:
        raise KeyGone(
            f"The key of the inbox's row {first} is not there.", then="Restore the keys: .cxm/keys/inbox.keys."
        )
    try:
        return [Held(number, Call(source, *facts)) for number, facts in enumerate(_decode(said), start=first)]
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise BrokenStore(
            f"The inbox's row {first} is damaged.", then="The calls before it are safe; restore the inbox."
        ) from fault


@dataclass(slots=True)
class Stretch:
    """Which packs make a stretch of the inbox: fed with them from the oldest on, until it has enough."""

    events: int
    after: Mapping[str, int]
    chosen: list[tuple[int, str]]
    size: int = 0

    def wants(self, first: int, source: str, calls: int, events: int, size: int) -> bool:
        """Takes a pack in, or skips what is in the log already; False when there is enough without it."""
        if first + calls - 1 <= self.after.get(source, 0):
            return True
        if self.chosen and (self.events <= 0 or self.size + size > MOST_BYTES):
            return False
        self.chosen.append((first, source))
        self.events -= events
        self.size += size
        return True


def cut(held: Sequence[Held], events: int, after: Mapping[str, int]) -> list[Held]:
    """Of calls in order those that are not in the log yet, about so many items, and one call at least."""
    taken: list[Held] = []
    size = 0
    for one in held:
        if one.number <= after.get(one.call.source, 0):
            continue
        size += len(one.call.body)
        if taken and (events <= 0 or size > MOST_BYTES):
            break
        taken.append(one)
        events -= one.call.events
    return taken


def left(of: tuple[str, int, int, int, int], partly: Sequence[Sequence[Held]], after: Mapping[str, int]) -> Waiting:
    """What waits of a source: `of` (source, calls, events, bytes, oldest) without what of `partly` is in the log.

    oldest of `of` is that of the first pack that is not wholly in the log
    """
    source, calls, events, size, oldest = of
    for pack in partly:
        for one in pack:
            if one.number > after.get(source, 0):
                oldest = one.call.received_at
                break
            calls, events, size = calls - 1, events - one.call.events, size - len(one.call.body)
    return Waiting(source, calls, events, size, oldest)


class Line(Generic[C]):
    """One connection, made when it is used, and made anew after any fault; one thread at a time has it."""

    def __init__(
        self, connect: Callable[[], C], faults: type[Exception], told: Callable[[Exception], BrokenStore]
    ) -> None:
        """connect: makes one; faults: what the driver raises; told: the same in the house's words."""
        self._connect, self._faults, self._told = connect, faults, told
        self._lock = threading.Lock()
        self._open: C | None = None

    @contextmanager
    def held(self) -> Iterator[C]:
        """The connection; raises BrokenStore for every fault of driver, disk or network."""
        with self._lock:
            try:
                if self._open is None:
                    self._open = self._connect()
                yield self._open
            except (self._faults, OSError) as fault:
                self._close()
                raise self._told(fault) from fault
            except BaseException:
                self._close()  # a transaction may be open
                raise

    def close(self) -> None:
        """Lets go of the connection; the next use makes another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            with suppress(self._faults):
                self._open.close()
            self._open = None
