"""What could not become an event: the typed reasons, and the tables that keep such rows whole until replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from cxminute.model.tables import REJECT


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row was set apart: what it means, and what to do about it."""

    meaning: str
    remedy: str


REASONS: Final = {
    "ragged_row": Reason("the row has more or fewer cells than the header", "mend the file and collect it again"),
    "bad_quotes": Reason("a quoted cell is not closed, or goes on after its quote", "mend the file and collect again"),
    "line_too_long": Reason("one line is longer than a row may be", "see whether the file has line ends at all"),
    "wrong_encoding": Reason("bytes that are not in the source's encoding", "set encoding and collect the file again"),
    "nul_character": Reason("a cell holds the character NUL, which no database keeps", "mend the file"),
    "bad_json": Reason("the line is not JSON", "mend the file and collect it again"),
    "not_an_object": Reason("the line is JSON, but no object { }", "one object a line"),
    "too_deep": Reason("objects lie within objects more than 32 deep", "flatten what is sent"),
    "lone_surrogate": Reason("half of a UTF-16 pair stands alone in a text", "mend what writes the file"),
    "file_truncated": Reason(
        "the file ends before its end: cut off while copied", "copy the file again and collect it"
    ),
    "file_damaged": Reason(
        "the file, compressed or XML, is damaged from some place on", "copy the file again and collect it"
    ),
    "no_event": Reason("no rule of the source makes an event of the row", "mend at or when in the source, or leave it"),
    "no_key": Reason("a column of the row's key is empty", "choose another key in the source, or leave it"),
    "no_name": Reason("the column that names the event is empty", "give the event a name of its own"),
    "bad_kind": Reason("the column of the event's kind holds none", "track, identify, page, screen, group or alias"),
    "bad_time": Reason("a time cannot be read, or is no day of the calendar", "add its format to times in the source"),
    "bad_number": Reason("a number is expected", "mend the cell, or the property's type in the source"),
    "bad_flag": Reason("true or false is expected", "mend the cell, or the property's type in the source"),
    "number_too_large": Reason("a number beyond what a float64 keeps to the unit (2^53)", "declare it as text"),
    "ends_before_it_begins": Reason("a later event of the row lies before an earlier", "mend the file, or not_before"),
    "event_too_large": Reason("an item sent to the door has more than 64 KiB", "send less with each event"),
    "too_wide": Reason("an item has more than 1,000 keys", "send lists instead of keys of their own"),
    "not_a_number": Reason("NaN or Infinity stands where JSON has a number", "send null instead"),
    "extreme_numbers": Reason("more than 16 numbers are beyond 1e288 or below 1e-289", "send them as text"),
    "bad_version": Reason("it is no CloudEvent of version 1.0", 'send specversion = "1.0"'),
    "name_too_long": Reason("the event's name has more than 256 characters", "put what varies into a property"),
    "message_id_too_long": Reason("the message id has 100 characters or more", "send a shorter one, such as a UUID"),
    "no_user_anon_id": Reason("neither userId nor anonymousId says whose it is", "mend one of them from where it lies"),
    "bad_id": Reason(
        "an identifier is neither text nor a number, or holds the separator U+001F", "mend it from where it lies"
    ),
    "id_too_long": Reason("an identifier has more than 512 characters", "send a shorter one"),
    "poison": Reason("whatever was tried, storing it failed, and it alone", "see the log, upgrade, and replay it"),
    "too_many_names": Reason("the log has as many names of events as it can", "put what varies into a property"),
    "not_in_plan": Reason("it is not as the tracking plan of its source has it", "mend the plan or the sender"),
    "unknown_document": Reason("its fields are those of no document that the reader knows", "see the reader's page"),
    "bad_shape": Reason("a field holds a list, an object or a value where something else belongs", "mend the document"),
    "no_time": Reason("what happened has no time", "collect it with what says when"),
    "negative_amount": Reason("an amount of money or a number of pieces is below zero", "mend it, or tell a refund"),
    "two_currencies": Reason("one order has amounts in two currencies", "collect it in one: their sum means nothing"),
    "returned_more": Reason("more was returned than was bought", "mend the document"),
    "bad_score": Reason("an answer lies off its scale", "mend it, or the scale in the source"),
    "forgotten": Reason("it is of somebody who was forgotten; nothing of it is kept", "nothing, unless they come back"),
    "unknown_source": Reason("no source of that name takes events from the door now", "define it again and replay"),
}
"""Every reason that a reject can carry."""

UNREAD: Final = frozenset(
    ("ragged_row", "bad_quotes", "line_too_long", "wrong_encoding", "file_truncated", "file_damaged")
)
"""Reasons of rows kept as the raw line: no mapping mends them, the file must be read again."""


class Rejects:
    """Collects rejects of one source and gives them as a table, in order of position."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._rows: list[tuple[int, str, str, str]] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    def add(self, position: int, reason: str, detail: str, row: str) -> None:
        """One more row set apart; a reason outside REASONS is an error of ours."""
        if reason not in REASONS:
            raise KeyError(reason)
        self._rows.append((position, reason, detail, storable(row)))

    def table(self) -> pa.Table:
        """All of them as a REJECT table."""
        rows = sorted(self._rows, key=lambda row: row[0])
        return rejected(self._source, *(list(column) for column in zip(*rows, strict=True))) if rows else none()


def rejected(
    source: str, positions: Sequence[int], reasons: Iterable[str], details: Iterable[str], rows: Iterable[str]
) -> pa.Table:
    """A REJECT table of one source from its columns."""
    columns = [[source] * len(positions), list(positions), list(reasons), list(details), list(rows)]
    made = [pa.array(column, field.type) for column, field in zip(columns, REJECT, strict=True)]
    return pa.Table.from_arrays(made, schema=REJECT)


def in_order(*parts: pa.Table) -> pa.Table:
    """REJECT tables as one, in order of position; those of one position in the order given."""
    joined = pa.concat_tables(parts)
    return joined.take(pa.array(np.argsort(joined["position"].to_numpy(), kind="stable")))


def none() -> pa.Table:
    """A REJECT table without rows."""
    return REJECT.empty_table()


def storable(text: str) -> str:
    """The text without what no database keeps: lone surrogates and NUL, shown as their escapes."""
    if "\0" in text:
        text = text.replace("\0", "\\u0000")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
