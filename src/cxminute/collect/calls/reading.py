"""Calls out of the inbox as rows that `receive` takes: decoded, brought into one form, their clocks set right.

The same call gives the same rows, whichever others are read with it. What the door has counted as rejected is set
apart here, by the same judge, whole and with all that is needed to read it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.collect.calls.columns import PathColumns
from cxminute.collect.calls.essentials import DETAILS, Essentials, Object, Unfit
from cxminute.collect.calls.forming import formed
from cxminute.collect.calls.judging import POSTHOG, judged
from cxminute.collect.calls.kept import DOOR, ITEM, Around, KeptLines, around_of, kept, keyless, received_of
from cxminute.collect.calls.opening import BROKEN, SHAPES, Opened, Unacceptable, key_in, open_body
from cxminute.collect.calls.scanning import LIST, WHOLE
from cxminute.collect.rejects import REASONS, none, rejected, storable
from cxminute.collect.rows import Rows
from cxminute.collect.source import Source
from cxminute.model.calls import Call
from cxminute.model.tables import MOMENT
from cxminute.model.times import zone_of

MOST_AT_ONCE: Final = 96 << 20
"""Bytes of items, with what their batches add to each, that are read at once; what is made of them takes ten times it.
A batch says its context once, and may say 64 KiB for each of thousands of items."""

_OBJECT: Final = msgspec.json.Decoder(dict[str, object])
_LIST: Final = msgspec.json.Decoder(list[object])
_encode: Final = msgspec.json.Encoder().encode
_ENCODER: Final = msgspec.json.Encoder()


class _Batch(msgspec.Struct, gc=False):
    batch: list[object]
    writeKey: object = None  # noqa: N815 -- as it is called in the body
    api_key: object = None
    sentAt: object = None  # noqa: N815 -- as above
    sent_at: object = None
    historical_migration: object = None
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()


_BATCH: Final = msgspec.json.Decoder(_Batch)
_FIXED: Final = ("messageId", "type", "name", "at", "userId", "anonymousId", "groupId")


class TooMuchAtOnce(Exception):
    """The calls hold more than is read at once: fewer of them are to be read. One call alone never does."""


@dataclass(frozen=True, slots=True)
class ReadCalls:
    """Calls as rows.

    rows:     items in the order of their calls, at positions from `first` on without a gap; those that cannot become
              events are its rejects
    received: of each item (position - rows.first) when its call was received, UTC ms
    """

    rows: Rows
    received: NDArray[np.int64]


def read_calls(calls: Sequence[Call], source: Source, first: int) -> ReadCalls:
    """Calls of one source, in order of arrival.

    first:  position of the first item
    raises: TooMuchAtOnce where several calls hold more than MOST_AT_ONCE
    An item without a message id is given one: a hash of when its call was received, the call's body and its place in
    it. Read again it gets the same, but a second try of its client is another event.
    """
    reader = _Reader(source, first)
    for call in calls:
        reader.read(call)
    return reader.done()


def read_kept(rejects: pa.Table, source: Source, first: int = 0) -> ReadCalls:
    """Items that lie in quarantine, in the order of the table, as their calls would be read now.

    rejects: with the columns of model.tables.REJECT
    first:   position of the first; position - first is the place in the table
    What was not kept by this room stays a reject, as it is.
    """
    reader = _Reader(source, first)
    for row in rejects.select(["reason", "detail", "row"]).to_pylist():
        reader.read_again(row["row"], row["reason"], row["detail"])
    return reader.done()


class _Reader:
    """Reads one call after the other into columns."""

    def __init__(self, source: Source, first: int) -> None:
        self._source, self._first = source, first
        self._zone: ZoneInfo = zone_of(source.zone)
        self._fixed: dict[str, list[Any]] = {column: [] for column in _FIXED}
        self._appends = [cells.append for cells in self._fixed.values()]
        self._paths = PathColumns(source, frozenset(_FIXED))
        self._rest = bytearray()
        self._ends: list[int] = [0]
        self._received: list[int] = []
        self._positions: list[int] = []
        self._apart: list[tuple[int, str, str, str]] = []
        self._calls: list[tuple[Opened, Around]] = []
        self._places: list[tuple[int, int, str]] = []

    def read(self, call: Call) -> None:
        """All items of one call."""
        if len(self._rest) > MOST_AT_ONCE:
            raise TooMuchAtOnce
        try:
            opened = open_body(call.body, call.protocol, call.kind)
            items, around = _items(opened, call)
        except (Unacceptable, *BROKEN) as fault:  # the door takes none such: another version of it did
            code = fault.code if isinstance(fault, Unacceptable) else "bad_json"
            reason = code if code in REASONS else "bad_json"
            self._reject(
                call.received_at, reason, _UNREADABLE, storable(keyless(call.body).decode("utf-8", "backslashreplace"))
            )
            return
        given = _Given(call)
        self._calls.append((opened, around))
        for place, item in enumerate(items):
            apart = opened.apart.get(place, "") if opened.apart else ""
            if not (reason := apart or self._read_item(item, around, place, given)):
                continue
            text = kept(opened.text(place), around, given.id_of(place))
            self._reject(around.received, reason, _said_of(reason), text)

    def read_again(self, row: str, reason: str, detail: str) -> None:
        """One item that was set apart before."""
        try:
            found = _OBJECT.decode(row)
            facts: Any = found.pop(DOOR)
            around = around_of(facts)
            item = found[ITEM] if set(found) == {ITEM} else found
            text = _encode(item)
            opened = open_body(text if isinstance(item, dict) else b"{}", around.protocol, "again")
        except (Unacceptable, LookupError, TypeError, AttributeError, *BROKEN):
            self._reject(received_of(row), reason, detail, row)
            return
        self._calls.append((opened, around))
        apart = opened.apart.get(0, "")
        if again := apart or self._read_item(item, around, 0, _Known(str(facts.get("messageId", "")))):
            self._reject(around.received, again, _said_of(again), row)

    def _read_item(self, item: object, around: Around, place: int, given: _Given | _Known) -> str:
        """Takes one item in; the reason where it cannot be."""
        try:
            form, found = judged(item, around.protocol, around.kind, self._zone)
        except Unfit as fault:
            return fault.reason
        message = "" if found.message else given.id_of(place)
        self._take(form, found, around, message)
        self._places.append((len(self._calls) - 1, place, message))
        return ""

    def done(self) -> ReadCalls:
        """What was read."""
        arrays, unlike = self._paths.arrays()
        fixed = {
            column: pa.array(cells, pa.int64()).cast(MOMENT) if column == "at" else pa.array(cells, pa.string())
            for column, cells in self._fixed.items()
        }
        rest = self._leftovers()
        if unlike:
            rest = pa.array(self._paths.returned(rest.to_pylist(), unlike), pa.string())
        rows = Rows(
            pa.table({**fixed, **arrays}),
            self._first,
            self._rejects(),
            np.array(self._positions, dtype=np.int64),
            KeptLines(self._calls, self._places),
            rest,
        )
        return ReadCalls(rows, np.array(self._received, dtype=np.int64))

    def _take(self, item: Object, found: Essentials, around: Around, message: str) -> None:
        at = formed(item, found, around, self._zone)
        self._paths.take(item)
        _ENCODER.encode_into(item, self._rest, -1)
        self._ends.append(len(self._rest))
        user, anonymous, group = found.user or None, found.anonymous or None, found.group or None
        row = (found.message or message, found.kind, found.name, at, user, anonymous, group)
        for append, cell in zip(self._appends, row, strict=True):
            append(cell)
        self._positions.append(self._first + len(self._received))
        self._received.append(around.received)

    def _reject(self, received: int, reason: str, detail: str, row: str) -> None:
        self._apart.append((self._first + len(self._received), reason, detail, row))
        self._received.append(received)

    def _rejects(self) -> pa.Table:
        if not self._apart:
            return none()
        columns = zip(*self._apart, strict=True)
        return rejected(self._source.name, *(list(column) for column in columns))

    def _leftovers(self) -> pa.Array:
        offsets = pa.py_buffer(np.array(self._ends, dtype=np.int32))
        return pa.StringArray.from_buffers(len(self._ends) - 1, offsets, pa.py_buffer(bytes(self._rest)))


_UNREADABLE: Final = "The call cannot be read as a whole."


def _said_of(reason: str) -> str:
    return SHAPES.get(reason) or DETAILS[reason]


class _Known:
    """The message id that an item was given before."""

    def __init__(self, message: str) -> None:
        self._message = message

    def id_of(self, _: int) -> str:
        """That one."""
        return self._message


class _Given:
    """Message ids for the items of a call that have none."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._digest = b""

    def id_of(self, place: int) -> str:
        """The id of the item at a place: a hash of when the call was received, its body and the place."""
        if not self._digest:
            self._digest = blake2b(self._call.body, digest_size=32).digest()
        said = b"%d %d " % (self._call.received_at, place)
        return blake2b(said + self._digest, digest_size=16).hexdigest()


def _items(opened: Opened, call: Call) -> tuple[list[object], Around]:
    """The items of a call, None for those that are apart, and what stands around them."""
    plain = Around(call.protocol, call.kind, call.received_at, gpc=call.gpc, peer=call.peer)
    if opened.mode == LIST:
        return _LIST.decode(opened.clean), plain
    if opened.mode == WHOLE:
        if opened.apart:
            return [None], replace(plain, key=key_in(opened))
        item = _OBJECT.decode(opened.clean)
        key = _key_of(item.pop("writeKey", None), item.pop("api_key", None))
        return [item], replace(plain, key=key)
    batch = _BATCH.decode(opened.clean)
    if len(batch.batch) != opened.events:
        raise ValueError
    sent = batch.sent_at if call.protocol == POSTHOG else batch.sentAt
    around = replace(
        plain,
        sent=sent if isinstance(sent, str) else "",
        context=_object(batch.context),
        integrations=_object(batch.integrations),
        historical=batch.historical_migration is True,
        key=_key_of(batch.writeKey, batch.api_key),
    )
    return batch.batch, around


def _object(said: msgspec.Raw) -> bytes:
    """The text of an object that stands around the items; b'' for none, an empty one, and what is no object."""
    text = bytes(said)
    return text if text.startswith(b"{") and len(text) > 2 else b""


def _key_of(*keys: object) -> str:
    return next((key for key in keys if isinstance(key, str) and key), "")
